"""docs/tuning.md: each statement is explained as it says."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.gateway import ADA, SampleLake, Settings, serving_anew

TEXT = (Path(__file__).parents[2] / "docs" / "tuning.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(sql)?\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture
def ada(lake: SampleLake) -> Iterator[psycopg.Connection]:
    """Somebody at a gateway that has run nothing yet: what others have run would be in its plans."""
    with serving_anew(lake, ("sales", "crm"), Settings()) as gateway, gateway.connect(ADA) as connection:
        yield connection


def test_every_statement_is_explained_as_told(ada: psycopg.Connection) -> None:
    told, previous = 0, ""
    for (kind, statement), (following, expected) in zip(BLOCKS, [*BLOCKS[1:], ("sql", "")], strict=True):
        if kind != "sql":
            continue
        lines = [] if following == "sql" else expected.splitlines()
        told += len(lines)
        found = explained(ada, statement, lines)
        assert missing(found, lines) == [], "\n".join(found)
        if statement.startswith("ANALYZE"):
            again = ada.execute(previous.encode()).fetchall()
            assert not any("Worst estimate" in line for (line,) in again)
        previous = statement
    assert told == 18


def explained(connection: psycopg.Connection, statement: str, lines: list[str]) -> list[str]:
    """Return what a statement answers. What runs before have found is kept a moment after their rows are sent."""
    deadline = time.monotonic() + 10
    while True:
        cursor = connection.execute(statement.encode(), prepare=False)
        found = [str(line).strip() for (line,) in cursor.fetchall()] if cursor.description else []
        late = any("Feedback" in line for line in missing(found, lines))
        if not late or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def missing(found: list[str], lines: list[str]) -> list[str]:
    """Return the lines that are not there, or not in this order."""
    rest = iter(found)
    return [line for line in lines if line not in rest]
