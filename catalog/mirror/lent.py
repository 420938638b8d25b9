"""Memberships that some sessions alone have, of all gateways: kept in the server, so that none takes another's away.

Roles are one set for all databases of a server, so what is lent must be known to the gateways of all of them: it stands
as JSON in ``pg_shdescription``, which they share, as the comment on the catalogue of memberships itself. Those of a
gateway that is gone without a word are forgotten a day after it last told of them. They let nobody read anything: that
is judged by each session's own principal.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import psycopg

from catalog.store.rows import AccessRows, Membership

_ITSELF = "'pg_catalog.pg_auth_members'::pg_catalog.regclass"
_READ = f"""
SELECT extract(epoch FROM now())::float8,
       (SELECT d.description FROM pg_catalog.pg_shdescription d WHERE d.objoid = {_ITSELF} AND d.classoid = {_ITSELF})
"""
_CLEAR = f"DELETE FROM pg_catalog.pg_shdescription d WHERE d.objoid = {_ITSELF} AND d.classoid = {_ITSELF}"
_WRITE = f"INSERT INTO pg_catalog.pg_shdescription (objoid, classoid, description) VALUES ({_ITSELF}, {_ITSELF}, %s)"
_OLD_TABLE = "pg_catalog.lakegate_lent"
_DAY, _HOUR = 86_400.0, 3_600.0  # seconds

_Lent = dict[str, tuple[float, list[tuple[str, str]]]]  # node -> when it told (seconds since 1970), roles with members


def drop_old_table(connection: psycopg.Connection) -> None:
    """Drop the table that versions before 0015 of the store kept it in, one in each mirror."""
    if connection.execute(f"SELECT pg_catalog.to_regclass('{_OLD_TABLE}')").fetchone() != (None,):
        connection.execute("SET LOCAL allow_system_table_mods = on")
        connection.execute(f"DROP TABLE {_OLD_TABLE}".encode())


def keep_lent(connection: psycopg.Connection, node: str, lent: Sequence[Membership], *, all_of_them: bool) -> None:
    """Keep what a gateway lends; ``all_of_them``: and nothing else. Call it under the lock of all changes."""
    now, present = _read(connection)
    told, mine = present.get(node, (0.0, []))
    given = {(one.role, one.member) for one in lent}
    wanted = given if all_of_them else given.union(mine)
    kept = {other: row for other, row in present.items() if now - row[0] < _DAY and other != node}
    if wanted == set(mine) and len(kept) == len(present) - (node in present) and (not wanted or now - told < _HOUR):
        return
    if wanted:
        kept[node] = (now, sorted(wanted))
    connection.execute(_CLEAR.encode())
    if kept:
        connection.execute(_WRITE.encode(), (json.dumps(kept),))


def lent_by_others(connection: psycopg.Connection, node: str, access: AccessRows) -> tuple[Membership, ...]:
    """Return what other gateways lend, where it goes with the memberships in ``access``."""
    members: dict[str, set[str]] = {}
    for row in access.memberships:
        members.setdefault(row.role, set()).add(row.member)
    found = []
    others = {pair for other, (_, lent) in _read(connection)[1].items() if other != node for pair in lent}
    for role, member in sorted(others):
        if not _reaches(members, role, member) and not _reaches(members, member, role):
            found.append(Membership(role, member, set_role=False))
            members.setdefault(role, set()).add(member)
    return tuple(found)


def _read(connection: psycopg.Connection) -> tuple[float, _Lent]:
    """Return the server's time, and what each gateway lends."""
    row = connection.execute(_READ.encode()).fetchone()
    assert row is not None
    now, text = row
    told = json.loads(text) if text else {}
    return now, {node: (at, [(role, member) for role, member in lent]) for node, (at, lent) in told.items()}


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
