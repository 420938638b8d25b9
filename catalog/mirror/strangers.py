"""Roles of the metadata server that are not the gateway's: nothing is given to them, and nothing taken from them.

PostgreSQL knows them and would let a superuser; the store has no row for them, so that what was said would be lost with
the next change of the mirror.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

from catalog.errors import SqlError
from catalog.mirror.privileges import of_groups
from catalog.predefined_roles import GROUPS
from catalog.sqlstate import SqlState
from catalog.store.rows import PUBLIC, SCHEMA_ITSELF, Grant, TableRights
from catalog.store.store import SUPERUSERS

_GROUPS = frozenset({SUPERUSERS, *GROUPS.values()})


def not_ours(name: str) -> SqlError:
    """Return what is told of a role of the server's own."""
    detail = "It is a role of the metadata server, not of the gateway."
    return SqlError(SqlState.INSUFFICIENT_PRIVILEGE, f'permission denied for role "{name}"', detail=detail)


def require_ours(roles: Iterable[str | None], names: Set[str]) -> None:
    """Raise SqlError 42501 where one of the roles is a stranger; None stands for the server's owner. ``names`` are the
    gateway's roles.
    """
    for role in sorted({one for one in roles if one is not None} - names - {PUBLIC}):
        raise not_ours(role)


def check_privileges(
    found: Set[Grant], touched: Set[tuple[str, str]], new: Set[tuple[str, str]], used: Set[str], names: Set[str]
) -> None:
    """Raise SqlError where privileges of strangers on what was touched are others than they always are. ``found`` are
    all privileges on it; on ``new`` views the mirror's groups have none yet. ``used`` are those groups of predefined
    roles that had members.
    """
    require_ours((one.role for one in found if one.role not in _GROUPS), names)
    due: set[Grant] = set()
    for schema, table in touched:
        rows = of_groups(schema, [] if table == SCHEMA_ITSELF else [table], used)
        due |= {one for one in rows if one.table == table}
    held = {one for one in found if one.role in _GROUPS}
    missing = {one for one in due - held if (one.schema, one.table) not in new}
    for one in sorted((held - due) | missing, key=repr):
        raise not_ours(one.role)


def check_owners(rights: Iterable[TableRights], names: Set[str]) -> None:
    """Raise SqlError where a relation was given to a stranger."""
    require_ours((row.owner for row in rights), names)
