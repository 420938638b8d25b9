"""What runs have found is kept in the metadata store, and no more of it than may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from catalog.feedback import Found, TableThen
from catalog.names import TableName
from catalog.server import Server
from catalog.store.connection import DATABASE, open_engine
from catalog.store.feedback_rows import FeedbackRows
from catalog.store.store import open_store

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def found(rows: float = 10.0, at: datetime = NOW) -> Found:
    return Found(rows, {TableName("s", "t"): TableThen("1", 100.0)}, at)


@pytest.fixture
def rows(server: Server) -> Iterator[FeedbackRows]:
    open_store(server).close()
    engine = open_engine(server, DATABASE)
    yield FeedbackRows(engine)
    engine.dispose()


def test_the_store_keeps_the_last_ones(rows: FeedbackRows) -> None:
    every = {f"part {number}": found(rows=number, at=NOW + timedelta(seconds=number)) for number in range(8)}
    rows.save("one", every, most=5)
    rows.save("other", {"part 0": found()})
    assert rows.load("one") == {f"part {number}": every[f"part {number}"] for number in range(3, 8)}
    later = replace(every["part 7"], rows=99.0, at=NOW + timedelta(minutes=1))
    rows.save("one", {"part 7": later})
    assert rows.load("one", NOW + timedelta(seconds=7)) == {"part 7": later}
    assert rows.load("other") == {"part 0": found()}
