"""What is read as COPY TO STDOUT is that to PostgreSQL: such a text is relayed as it is, and no file may come of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import psycopg
import pytest
from psycopg import pq

from catalog.errors import SqlError
from gateway.sql.copy_statements import read_copy
from gateway.sql.statements import Kind, split

_NOISE = (
    *(
        "(",
        ")",
        "')'",
        '")"',
        "$$)$$",
        "$a$ ) TO $a$",
        "/* ) */",
        "/* /* ) */ */",
        "-- )\n",
        "--\r",
        "E'\\')'",
        "U&')'",
    ),
    *("x')'", "'a'\n')'", "E'a'\n'\\') TO '", ",", "*", "AS x", 'AS ")"', "UNION ALL SELECT 2", "WHERE true", "1", "."),
    *("TO", "STDOUT", "STDIN", "TO STDOUT", "TO STDIN", "TO 'FILE'", "TO PROGRAM 'touch FILE'", "'FILE'", "E'FILE'"),
    *(
        "FROM",
        "PROGRAM",
        "WITH",
        "CSV",
        "BINARY",
        "HEADER",
        "(FORMAT csv)",
        "(FORMAT 'FILE')",
        "NULL 'FILE'",
        "ENCODING",
    ),
    *("(SELECT 1)", "VALUES (1)", "pg_am", "copied", "(a)", "DELIMITER ','", "USING DELIMITERS '|'", "FORCE QUOTE *"),
)
_WHOLE = (
    *(["COPY", "(", "SELECT 1", ")", "TO", "STDOUT"], ["COPY", "copied", "TO", "STDOUT", "CSV"]),
    *(["COPY", "(", "TABLE copied", ")", "TO", "STDOUT", "(FORMAT csv)"], ["COPY", "copied", "(a)", "TO", "STDOUT"]),
    *(["COPY", "BINARY", "copied", "TO", "STDOUT"], ["COPY", "pg_am", "TO", "STDOUT", "WITH", "NULL 'x'", "HEADER"]),
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that the server's user can write to."""
    with TemporaryDirectory(prefix="lakegate-copy-") as name:
        Path(name).chmod(0o777)
        yield Path(name)


def test_no_file_comes_of_what_is_read(postgres: psycopg.Connection, folder: Path) -> None:
    postgres.execute("CREATE TEMP TABLE copied AS SELECT 1 AS a")
    random, understood = Random(5), 0
    for _ in range(6_000):
        parts = [*random.choice(_WHOLE)]
        for _ in range(random.randrange(3)):
            place = random.randrange(1, len(parts) + 1)
            parts[place : place + random.randrange(2)] = [random.choice(_NOISE)]
        text = random.choice((" ", " ", "\n", "/**/")).join(parts).replace("FILE", str(folder / "file"))
        try:
            (statement,) = split(text)
            if statement.kind is not Kind.COPY:
                continue
            read_copy(statement.text)
        except SqlError:
            continue
        understood += _is_copied_out(postgres.pgconn, text)
        assert not [*folder.iterdir()], text
    postgres.execute("DROP TABLE copied")
    assert understood > 1_000


def _is_copied_out(server: pq.abc.PGconn, text: str) -> bool:
    """Execute a statement of which rows are copied to the client, or nothing happens."""
    result = server.exec_(text.encode())
    assert result.status in (pq.ExecStatus.COPY_OUT, pq.ExecStatus.FATAL_ERROR), text
    if result.status != pq.ExecStatus.COPY_OUT:
        return False
    while server.get_copy_data(0)[0] > 0:
        pass
    while (result := server.get_result()) is not None:  # type: ignore[assignment]
        assert result.status in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.FATAL_ERROR)
    return True
