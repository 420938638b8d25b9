"""Roles that PostgreSQL has of itself, such as ``pg_read_all_data``, and what a membership in one means here.

In the mirror a member would really have the role's rights, over the metadata server: ``pg_read_all_data`` reads its
passwords too. So the membership stands there without any right, and beside it one in a group of the gateway's own that
has what is meant. What is not in `GROUPS` has no meaning here: it is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from types import MappingProxyType

from catalog.mask_library import SCHEMA
from catalog.store.rows import ALL_TABLES, SCHEMA_ITSELF, USAGE, Grant, Membership

READ_ALL_DATA = "pg_read_all_data"
MAINTAIN_ALL = "pg_maintain"
READ_ALL_STATS = "lakegate_read_all_stats"
SIGNAL_BACKEND = "lakegate_signal_backend"
GROUPS: Mapping[str, str] = MappingProxyType(
    {
        READ_ALL_DATA: "lakegate_read_all_data",
        MAINTAIN_ALL: "lakegate_maintain",
        "pg_read_all_stats": READ_ALL_STATS,
        "pg_monitor": READ_ALL_STATS,  # of its parts, only this one tells of the gateway
        "pg_signal_backend": SIGNAL_BACKEND,
    }
)
"""The predefined roles that the gateway's may be members of, each with its group in the mirror."""

STATS_READERS = frozenset(role for role, group in GROUPS.items() if group == READ_ALL_STATS)
"""The predefined roles whose members may know what others do."""

MAINTAIN = "MAINTAIN"


def is_readable_by_all(schema: str) -> bool:
    """Whether ``pg_read_all_data`` is for a schema: not for the gateway's own, with its audit."""
    return schema != SCHEMA


def privileges_on_all(schema: str) -> tuple[Grant, ...]:
    """Return what the members of predefined roles have on a schema and all its tables, as if it was granted."""
    if not is_readable_by_all(schema):
        return ()
    return (
        Grant(READ_ALL_DATA, schema, SCHEMA_ITSELF, USAGE),
        Grant(READ_ALL_DATA, schema, ALL_TABLES),
        Grant(MAINTAIN_ALL, schema, ALL_TABLES, MAINTAIN),
    )


def used_groups(memberships: Iterable[Membership]) -> Set[str]:
    """Return the groups of the mirror that have members."""
    return {GROUPS[row.role] for row in memberships if row.inherit and row.role in GROUPS}


def holds_group(group: str) -> str:
    """Return the SQL condition that who asks is in a group, which may not exist."""
    return (
        "EXISTS (SELECT FROM pg_catalog.pg_roles held WHERE held.rolname = "
        f"'{group}' AND pg_catalog.pg_has_role(held.oid, 'USAGE'))"
    )
