"""FETCH and MOVE in random order: a cursor stands where PostgreSQL's stands, and counts as it does."""

from __future__ import annotations

import random
from contextlib import closing

import psycopg
import pytest

from tests.gateway import RunningGateway, SampleLake

_ROWS = 12


def _steps(chance: random.Random, count: int) -> list[str]:
    return [_step(chance) for _ in range(count)]


def _step(chance: random.Random) -> str:
    number = chance.choice([0, 1, 1, 2, 3, 5, _ROWS, _ROWS + 1, 40])
    ways = ["NEXT", "PRIOR", "FIRST", "LAST", "ALL", "FORWARD", "BACKWARD", "FORWARD ALL", "BACKWARD ALL", ""]
    ways += [f"{chance.choice(['', '-', '+ '])}{number}" for _ in range(2)]
    for way in ("ABSOLUTE", "RELATIVE", "FORWARD", "BACKWARD"):
        ways += [f"{way} {number}", f"{way} -{number}"]
    return f"{chance.choice(['FETCH', 'FETCH', 'MOVE'])} {chance.choice(ways)} {chance.choice(['FROM', 'IN'])} c"


def _answer(connection: psycopg.Connection, step: str, declare: bytes) -> object:
    try:
        cursor = connection.execute(step.encode())
    except psycopg.Error as error:  # a cursor that has failed cannot go on
        connection.execute("ROLLBACK TO s")
        connection.execute(declare)
        return error.sqlstate, str(error)
    return cursor.statusmessage, cursor.fetchall() if cursor.description else None


@pytest.mark.parametrize("kind", ["SCROLL", "NO SCROLL"])
@pytest.mark.parametrize("rows", [0, 1, _ROWS])
def test_a_cursor_moves_as_postgresqls(gateway: RunningGateway, lake: SampleLake, kind: str, rows: int) -> None:
    steps = _steps(random.Random(f"{kind} {rows}"), 60)
    answers = []
    for dsn in (gateway.dsn(), lake.reference_dsn):
        with closing(psycopg.connect(dsn, autocommit=True)) as connection:
            connection.execute("BEGIN")
            query = f"SELECT n, 'row ' || n AS t FROM small.numbers WHERE n <= {rows} ORDER BY n"
            declare = f"DECLARE c {kind} CURSOR FOR {query}".encode()
            connection.execute("SAVEPOINT s")
            connection.execute(declare)
            answers.append([_answer(connection, step, declare) for step in steps])
    for step, ours, theirs in zip(steps, *answers, strict=True):
        assert (step, ours) == (step, theirs)
