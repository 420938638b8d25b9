"""How tables are read is summed up in the metadata store; what was before counts less and less."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from catalog.names import TableName
from catalog.server import Server
from catalog.store.column_use import ColumnUse
from catalog.store.connection import DATABASE, open_engine
from catalog.store.store import open_store
from catalog.usage import Misjudged, Use

NOW = datetime(2026, 11, 22, tzinfo=UTC)
KEY = (TableName("s", "t"), "a")


@pytest.fixture
def columns(server: Server) -> Iterator[ColumnUse]:
    open_store(server).close()
    engine = open_engine(server, DATABASE)
    yield ColumnUse(engine)
    engine.dispose()


def test_sums_forget(columns: ColumnUse) -> None:
    wrong = Misjudged(10.0, 900.0, NOW)
    columns.add("one", {KEY: Use(60.0, 600.0, 600.0, 6.0, 10, 1000, wrong)})
    columns.add("one", {KEY: Use(60.0, 600.0, 60.0, 6.0, 12, 1200)})
    assert columns.load("one") == {KEY: Use(120.0, 1200.0, 660.0, 12.0, 12, 1200, wrong)}
    columns.add("one", {KEY: Use(40.0, 400.0, 0.0, 4.0)})
    assert columns.load("one") == {KEY: Use(100.0, 1000.0, 330.0, 10.0, 12, 1200, wrong)}
    assert columns.load("other") == {}
