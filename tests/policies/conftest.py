"""The small tables, and a second database for copies of them."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.gateway import SampleLake
from tests.optimizer.small_lake import SmallLake, make_reference, small_lake
from tests.policies.governed_copies import make_originals


@pytest.fixture(scope="session")
def tables(lake: SampleLake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallLake]:
    """The small tables, in files and in PostgreSQL."""
    lake.server.create_database("governed", "governed_owner", "governed secret")
    with small_lake(tmp_path_factory.mktemp("governed"), lake.dsn("governed")) as opened:
        yield opened


@pytest.fixture(scope="session")
def copies(lake: SampleLake) -> Iterator[psycopg.Connection]:
    """A database for filtered and masked copies of the small tables."""
    lake.server.create_database("copies", "copies_owner", "copies secret")
    with psycopg.connect(lake.dsn("copies"), autocommit=True) as connection:
        make_reference(connection)
        make_originals(connection)
        yield connection
