"""Settings with which sessions begin: ALTER ROLE … SET, ALTER DATABASE … SET, as PostgreSQL keeps and applies them.

They stand in the mirror's ``pg_db_role_setting``, where its logins find them. ALTER ROLE ALL is for the gateway's
database alone: the server may have others. Nothing is kept that a client may not SET by himself, and nothing that loads
code: PostgreSQL applies what stands there with a superuser's rights. What superusers state as claims of a role stands
there only while a statement is judged: no session begins with it, and nobody sees that of others. The gateway's own
sessions are kept out of what is
said for all roles by settings of their owner's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

import psycopg

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from catalog.store.rows import CLAIM, AccessRows, RoleSettings

_ALL = ""  # in the place of a role's or a database's name: all of them
_ROWS = """
SELECT coalesce(d.datname, ''), coalesce(r.rolname, ''), s.setconfig
FROM pg_catalog.pg_db_role_setting s
LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
LEFT JOIN pg_catalog.pg_authid r ON r.oid = s.setrole
"""
_OIDS = """
coalesce((SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = %(database)s), 0),
coalesce((SELECT r.oid FROM pg_catalog.pg_authid r WHERE r.rolname = %(role)s), 0)
"""
_DELETE = f"DELETE FROM pg_catalog.pg_db_role_setting s WHERE (s.setdatabase, s.setrole) = ({_OIDS})"
_INSERT = f"INSERT INTO pg_catalog.pg_db_role_setting (setdatabase, setrole, setconfig) SELECT {_OIDS}, %(settings)s"
_CLIENTS_OWN = "SELECT lower(s.name) FROM pg_catalog.pg_settings s WHERE s.context = 'user' AND lower(s.name) = ANY(%s)"
_AS_STARTED = "SELECT lower(s.name), s.name, s.reset_val FROM pg_catalog.pg_settings s WHERE lower(s.name) = ANY(%s)"
_ROLE = "role"  # as whom sessions begin; not for all roles, since the gateway's own must stay what they are
_LOADS_CODE = frozenset({"local_preload_libraries", "dynamic_library_path"})
_CLOSED = ("lakegate.", "plpgsql.")

_Key = tuple[str, str]  # database and role
StoredSettings = dict[_Key, list[str]]
"""What ``pg_db_role_setting`` holds, by the names of database and role; "" are all."""


def stage_settings(connection: psycopg.Connection, access: AccessRows, usable: Set[str]) -> StoredSettings:
    """Have PostgreSQL see the gateway's settings as the statements know them, each in its place, those of ``usable``
    roles with claims; return all that were there before. The transaction goes on to `settings_after`.
    """
    present = _read(connection)
    database = connection.info.dbname
    _write(connection, (_ALL, _ALL), _list(access, None, of_database=False))
    _write(connection, (database, _ALL), _list(access, None, of_database=True))
    for row in access.role_settings:
        if row.role is not None and row.role in usable and any(one.startswith(CLAIM) for one in row.settings):
            _write(connection, (_ALL, row.role), row.settings)
    return present


def settings_after(
    connection: psycopg.Connection, rows: AccessRows, before: StoredSettings, names: Set[str], old_names: Set[str]
) -> tuple[RoleSettings, ...]:
    """Return the settings as the transaction made them; put back what is not the gateway's. ``names`` are the gateway's
    roles, ``old_names`` what they were called before. Raises SqlError where others' settings were touched, or some set
    that are not a client's own.
    """
    database = connection.info.dbname
    after = _read(connection)
    ours = {(place, role) for place in (_ALL, database) for role in (_ALL, *names)}
    were_ours = {(place, role) for place in (_ALL, database) for role in (_ALL, *old_names)}
    for key in sorted((after.keys() - ours) | (before.keys() - were_ours)):
        if after.get(key) != before.get(key):
            subject = f"database {key[0]}" if key[0] not in {_ALL, database} else f'role "{key[1]}"'
            raise SqlError(SqlState.INSUFFICIENT_PRIVILEGE, f"permission denied for {subject}")
    _write(connection, (_ALL, _ALL), before.get((_ALL, _ALL), []))
    made = tuple(
        RoleSettings(key[1] or None, key[0] == database, tuple(settings))
        for key, settings in sorted(after.items())
        if key in ours
    )
    _check(connection, rows, made)
    kept = tuple(row for row in rows.role_settings if row.role is not None and row.role not in names)
    return made + kept


def change_settings(
    connection: psycopg.Connection, access: AccessRows, usable: Set[str], defaults: Mapping[str, str]
) -> None:
    """Make the settings with which sessions begin equal to the gateway's. ``defaults`` are those of its configuration,
    over which all others count.
    """
    database, owner = connection.info.dbname, connection.info.user
    present = _read(connection)
    everybodys = dict(defaults)
    for settings in (_list(access, None, of_database=False), _list(access, None, of_database=True)):
        everybodys |= dict(_pairs(settings))
    wanted: StoredSettings = {(database, _ALL): [f"{name}={value}" for name, value in everybodys.items()]}
    own = {name.lower() for name, value in everybodys.items() if defaults.get(name) != value}
    started = {name: (written, value) for name, written, value in connection.execute(_AS_STARTED, ([*own],)).fetchall()}
    wanted[database, owner] = [f"{written}={value}" for _, (written, value) in sorted(started.items())]
    for role in usable:
        for place, of_database in ((_ALL, False), (database, True)):
            settings = _list(access, role, of_database=of_database)
            wanted[place, role] = [one for one in settings if not one.startswith(CLAIM)]
    for key, settings in wanted.items():
        if present.get(key, []) != settings:
            _write(connection, key, settings)


def _read(connection: psycopg.Connection) -> StoredSettings:
    return {(database, role): settings for database, role, settings in connection.execute(_ROWS).fetchall()}


def _write(connection: psycopg.Connection, key: _Key, settings: Sequence[str]) -> None:
    values = {"database": key[0], "role": key[1], "settings": [*settings]}
    connection.execute(_DELETE.encode(), values)
    if settings:
        connection.execute(_INSERT.encode(), values)


def _list(access: AccessRows, role: str | None, *, of_database: bool) -> list[str]:
    found = (row.settings for row in access.role_settings if (row.role, row.of_database) == (role, of_database))
    return [*next(found, ())]


def _pairs(settings: Iterable[str]) -> Iterator[tuple[str, str]]:
    for one in settings:
        name, _, value = one.partition("=")
        yield name, value


def _check(connection: psycopg.Connection, rows: AccessRows, made: Iterable[RoleSettings]) -> None:
    known = {(row.role, row.of_database, one) for row in rows.role_settings for one in row.settings}
    new = [
        (row, one.partition("=")[0])
        for row in made
        for one in row.settings
        if (row.role, row.of_database, one) not in known
    ]
    found = connection.execute(_CLIENTS_OWN, ([name.lower() for _, name in new],)).fetchall()
    own = {name for (name,) in found} - _LOADS_CODE
    for row, name in new:
        lowered = name.lower()
        custom = "." in lowered and not lowered.startswith(_CLOSED)
        if name.startswith(CLAIM):
            custom = row.role is not None and not row.of_database and name == lowered
        if not custom and lowered not in own and not (lowered == _ROLE and row.role is not None):
            detail = "Sessions begin with settings that clients may change themselves."
            message = f'permission denied to set parameter "{name}"'
            raise SqlError(SqlState.INSUFFICIENT_PRIVILEGE, message, detail=detail)
