"""What a session of the mirror holds beside its settings at login, asked for before it is given up, and made again."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.mirror.prepared_statements import OWN_PREFIX
from gateway.wire import frontend

OWN = f"{OWN_PREFIX}question"
"""The name under which the gateway asks questions of its own."""

STATE = f"""
SELECT session_user, current_user,
       pg_catalog.pg_my_temp_schema() <> 0 AND EXISTS (
         SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = pg_catalog.pg_my_temp_schema())
       OR EXISTS (SELECT FROM pg_catalog.pg_cursors c WHERE c.name <> '{OWN}')
       OR EXISTS (SELECT FROM pg_catalog.pg_listening_channels())
       OR pg_catalog.current_setting('idle_session_timeout') <> '0'  -- which the process counts, and limits the server
       OR EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = session_user AND r.rolconnlimit <> -1)
       OR EXISTS (SELECT FROM pg_catalog.pg_database d
                  WHERE d.datname = pg_catalog.current_database() AND d.datconnlimit <> -1),
       s.names, s.settings, p.statements
FROM (SELECT pg_catalog.array_agg(g.name) AS names, pg_catalog.array_agg(g.setting) AS settings
      FROM pg_catalog.pg_settings g WHERE g.source = 'session') s,
     (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(',', t.from_sql::int,
               pg_catalog.encode(pg_catalog.convert_to(t.name, 'UTF8'), 'hex'),
               pg_catalog.encode(pg_catalog.convert_to(t.statement, 'UTF8'), 'hex'),
               pg_catalog.array_to_string(t.parameter_types::oid[], ' ')), ';') AS statements
      FROM pg_catalog.pg_prepared_statements t WHERE t.name <> '{OWN}') p
"""
"""The question. Texts of statements are told in hexadecimal, so that nothing in them separates anything."""

_SET = """
SELECT pg_catalog.set_config(s.name, s.setting, false)
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) s (name, setting)
"""


def restoring(row: list[bytes | None], role: bytes, unnamed: frontend.Parse | None) -> tuple[bytes, ...] | None:
    """Return what makes a new session of ``role`` the same, as bytes of messages that each end with Sync; None where
    nothing can. ``unnamed`` is the unnamed statement's message.
    """
    session_user, current_user, stays, names, settings, statements = row
    if stays != b"f" or session_user != role or current_user != role:
        return None
    groups: list[list[frontend.FrontendMessage]] = []
    if names is not None:
        groups.append([*_run(_SET, (names, settings))])
    for statement in (statements or b"").decode().split(";"):
        if statement:
            groups.append([*_prepared(*statement.split(","))])
    if unnamed is not None:  # last: the others may go through it
        groups.append([unnamed])
    return tuple(b"".join(message.encode() for message in (*group, frontend.Sync())) for group in groups)


def _prepared(from_sql: str, name: str, text: str, oids: str = "") -> Iterator[frontend.FrontendMessage]:
    statement = bytes.fromhex(text).decode()
    if from_sql == "1":
        yield from _run(statement, ())
    else:
        yield frontend.Parse(bytes.fromhex(name).decode(), statement, tuple(int(oid) for oid in oids.split()))


def _run(query: str, parameters: tuple[bytes | None, ...]) -> Iterator[frontend.FrontendMessage]:
    yield frontend.Parse(OWN, query)
    yield frontend.Bind(OWN, OWN, (), parameters)
    yield frontend.Execute(OWN)
    yield frontend.Close("S", OWN)
