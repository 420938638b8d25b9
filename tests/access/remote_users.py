"""A lake over a PostgreSQL that has users of its own, with differing rights: the source ``crm``.

===============  ========================================================================
login            may read
===============  ========================================================================
crm_owner        everything; it is the gateway's
remote_north     orders of the north (row level security at the source), who
remote_regions   regions, who
remote_trusted   the same as remote_north; the source lets everybody in as it
===============  ========================================================================
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deltalake import write_deltalake
from psycopg.conninfo import make_conninfo

from catalog import server as servers
from catalog.server import Server
from catalog.store.store import open_store
from gateway.authentication.scram import verifier
from tests.access.conftest import REGIONS
from tests.gateway import ADA, BOB, EVE, PASSWORD, SampleLake

SECRET = "remote-pa55word"
LOGINS = ("remote_north", "remote_regions", "remote_trusted")
ROWS, NORTH = 6000, 2000

_TABLES = """
CREATE TABLE orders (id integer, region text, amount bigint);
INSERT INTO orders SELECT n, (ARRAY['north', 'south', 'west'])[1 + n % 3], n * 10 FROM generate_series(0, 5999) n;
CREATE TABLE regions (region text, team text);
INSERT INTO regions VALUES ('north', 'bob'), ('south', 'eve');
CREATE VIEW who AS SELECT current_user::text AS login;
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY north ON orders TO remote_north, remote_trusted USING (region = 'north');
GRANT SELECT ON orders TO remote_north, remote_trusted;
GRANT SELECT ON regions TO remote_regions;
GRANT SELECT ON who TO PUBLIC;
ANALYZE
"""


@contextmanager
def remote_lake() -> Iterator[SampleLake]:
    """The sources and their own metadata server, deleted at the end."""
    folder = Path(tempfile.mkdtemp(prefix="lakegate-mappings-"))
    folder.chmod(0o711)
    server = servers.start(folder / "metadata", lasting=False)
    try:
        server.create_database("crm", "crm_owner", "crm secret")
        with server.connect(autocommit=True) as connection:
            for login in LOGINS:
                connection.execute(f"CREATE ROLE {login} LOGIN PASSWORD '{SECRET}'".encode())
                connection.execute(f"GRANT CONNECT ON DATABASE crm TO {login}".encode())
            _trust(connection.execute("SHOW hba_file").fetchone())
            connection.execute("SELECT pg_reload_conf()")
        with server.connect("crm", autocommit=True) as connection:
            connection.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")
            connection.execute("SET ROLE crm_owner")
            for statement in _TABLES.split(";\n"):
                connection.execute(statement.encode())
        store = open_store(server)
        for name in (ADA, BOB, EVE):
            store.add_role(name, verifier(PASSWORD), superuser=name == ADA)
        store.close()
        write_deltalake(folder / "shop" / "regions", REGIONS)
        yield SampleLake(folder, server, _sources(folder, server))
    finally:
        server.stop()
        servers.remove(folder / "metadata")
        shutil.rmtree(folder)


def _trust(row: tuple[str, ...] | None) -> None:
    assert row is not None
    path = Path(row[0])
    rules = path.read_text(encoding="utf-8")
    lines = "local all remote_trusted trust\nhost all remote_trusted 127.0.0.1/32 trust\n"
    path.write_text(lines + rules, encoding="utf-8")


def _sources(folder: Path, server: Server) -> dict[str, dict[str, object]]:
    dsn = make_conninfo("", **server.connection_parameters("crm", "crm_owner", "crm secret"))
    return {
        "crm": {"kind": "postgres", "dsn": dsn, "parallel_scan_bytes": 1},
        "shop": {"kind": "delta", "location": str(folder / "shop")},
    }
