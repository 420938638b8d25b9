"""docs/tutorial-tenant-isolation.md: what it says is what happens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.gateway import ADA, RunningGateway, SampleLake, Settings, serving_anew

TEXT = (Path(__file__).parents[2] / "docs" / "tutorial-tenant-isolation.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)(?: as (\w+))?\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture
def own_gateway(lake: SampleLake) -> Iterator[RunningGateway]:
    """A gateway over the demo's sources, with metadata of its own."""
    with serving_anew(lake, ("sales", "crm"), Settings(server={"refresh_interval": "0"})) as gateway:
        yield gateway


def test_every_statement_answers_as_told(own_gateway: RunningGateway) -> None:
    answer: list[str] = []
    told = 0
    for kind, user, body in BLOCKS:
        if kind == "sql":
            answer = ask(own_gateway, body, user)
        else:
            assert answer == body.splitlines(), body
            told += 1
    assert told == 6


def ask(gateway: RunningGateway, text: str, user: str) -> list[str]:
    password = "correct horse battery" if user else "correct horse"
    with gateway.connect(user or ADA, password=password) as connection:
        try:
            for statement in filter(str.strip, text.split(";")):
                cursor = connection.execute(statement.encode(), prepare=False)
        except psycopg.Error as error:
            return [f"ERROR {error.sqlstate}: {error.diag.message_primary}"]
        return [" | ".join(map(shown, row)) for row in cursor.fetchall()] if cursor.description else []


def shown(value: object) -> str:
    """Return a value as psql shows it."""
    return {True: "t", False: "f"}[value] if isinstance(value, bool) else str(value)
