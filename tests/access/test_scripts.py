"""Statements of access give the same tags, rows, notices and errors here and in PostgreSQL itself.

A block is run as the user that its command names, on both; what differs, and is meant to, stands in the script with the
name of the one that said it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from catalog.server import Server
from tests import scripts
from tests.access.conftest import peer_dsn
from tests.gateway import RunningGateway

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.txt"))


class Side:
    """The connections of one server, one for each user."""

    def __init__(self, dsns: dict[str, str]) -> None:
        self._dsns = dsns
        self._open: dict[str, psycopg.Connection] = {}

    def run(self, user: str, statement: str) -> str:
        """Return what a statement answers, as lines."""
        if user not in self._open:
            self._open[user] = psycopg.connect(self._dsns[user], autocommit=True)
        notices: list[str] = []
        connection = self._open[user]
        connection.add_notice_handler(lambda one: notices.append(f"{one.severity}: {one.message_primary}"))
        try:
            cursor = connection.execute(statement.encode(), prepare=False)
            rows = [", ".join(map(str, row)) for row in cursor.fetchall()] if cursor.description else []
            lines = [*rows, str(cursor.statusmessage)]
        except psycopg.Error as error:
            found = error.diag
            more = [
                f" [{name}: {value}]"
                for name, value in (
                    ("detail", found.message_detail),
                    ("hint", found.message_hint),
                    ("position", found.statement_position),
                )
                if value
            ]
            lines = [f"ERROR {found.sqlstate} {found.message_primary}{''.join(more)}".replace("\n", " / ")]
        connection._notice_handlers.clear()
        return "\n".join([*notices, *lines])

    def close(self) -> None:
        for connection in self._open.values():
            connection.close()


@pytest.fixture
def sides(shop_gateway: RunningGateway, peer: Server, clean: None) -> Iterator[tuple[Side, Side]]:
    ours = Side({name: shop_gateway.dsn(name) for name in ("ada", "bob", "eve")})
    theirs = Side({name: peer_dsn(peer, name) for name in ("ada", "bob", "eve")})
    yield ours, theirs
    ours.close()
    theirs.close()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_access_script(path: Path, sides: tuple[Side, Side], rewrite: bool) -> None:
    ours, theirs = sides

    def run(block: scripts.Block) -> str:
        mine, yours = ours.run(block.command, block.text), theirs.run(block.command, block.text)
        if mine == yours:
            return mine
        return "\n".join(
            f"{name}: {line}" for name, text in (("lakegate", mine), ("postgres", yours)) for line in text.splitlines()
        )

    scripts.check(path, run, rewrite=rewrite)
