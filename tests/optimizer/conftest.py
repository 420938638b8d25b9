"""Small tables, opened once for all that ask of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gateway import SampleLake
from tests.optimizer.small_lake import SmallLake, small_lake


@pytest.fixture(scope="session")
def tables(lake: SampleLake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallLake]:
    """The small tables, in files and in PostgreSQL."""
    lake.server.create_database("random_queries", "random_owner", "random secret")
    folder = tmp_path_factory.mktemp("random")
    with small_lake(folder, lake.dsn("random_queries")) as opened:
        yield opened
