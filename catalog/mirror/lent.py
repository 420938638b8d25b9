"""Memberships that some sessions alone have, of all gateways: kept in the mirror, so that none takes another's away.

Those of a gateway that is gone without a word are forgotten a day after it last told of them. They let nobody read
anything: that is judged by each session's own principal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import psycopg

from catalog.store.rows import AccessRows, Membership

_TABLE = "pg_catalog.lakegate_lent"
_IS_ABSENT = f"SELECT pg_catalog.to_regclass('{_TABLE}') IS NULL"
_CREATE = f"""
SET LOCAL allow_system_table_mods = on;
CREATE TABLE {_TABLE} (
  node uuid, role text, member text, told timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (node, role, member)
);
REVOKE ALL ON {_TABLE} FROM PUBLIC;
"""
_FORGET = f"DELETE FROM {_TABLE} WHERE told < now() - interval '1 day' OR node = %s"
_KEEP = f"""
INSERT INTO {_TABLE} (node, role, member)
SELECT %s, v.role, v.member FROM unnest(%s::text[], %s::text[]) v (role, member)
ON CONFLICT (node, role, member) DO UPDATE SET told = now()
"""
_OTHERS = f"SELECT DISTINCT role, member FROM {_TABLE} WHERE node <> %s ORDER BY role, member"


def make_lent(connection: psycopg.Connection) -> None:
    """Make the table where it is absent."""
    if connection.execute(_IS_ABSENT).fetchone() == (True,):
        connection.execute(_CREATE.encode())


def keep_lent(connection: psycopg.Connection, node: str, lent: Sequence[Membership], *, all_of_them: bool) -> None:
    """Keep what a gateway lends; ``all_of_them``: and nothing else."""
    if all_of_them:
        connection.execute(_FORGET, (node,))
    if lent:
        connection.execute(_KEEP, (node, [one.role for one in lent], [one.member for one in lent]))


def lent_by_others(connection: psycopg.Connection, node: str, access: AccessRows) -> tuple[Membership, ...]:
    """Return what other gateways lend, where it goes with the memberships in ``access``."""
    members: dict[str, set[str]] = {}
    for row in access.memberships:
        members.setdefault(row.role, set()).add(row.member)
    found = []
    for role, member in connection.execute(_OTHERS, (node,)).fetchall():
        if not _reaches(members, role, member) and not _reaches(members, member, role):
            found.append(Membership(role, member, set_role=False))
            members.setdefault(role, set()).add(member)
    return tuple(found)


def _reaches(members: dict[str, set[str]], role: str, wanted: str) -> bool:
    """Whether ``wanted`` is a member of a role, or the role itself."""
    seen, waiting = {role}, [role]
    while waiting:
        here = waiting.pop()
        if here == wanted:
            return True
        new: Iterable[str] = members.get(here, set()) - seen
        seen.update(new)
        waiting.extend(new)
    return False
