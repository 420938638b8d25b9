"""The same server, asked through the gateway and directly."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.gateway import RunningGateway, SampleLake


@pytest.fixture
def through(gateway: RunningGateway) -> Iterator[psycopg.Connection]:
    """A session of the gateway."""
    with gateway.connect() as connection:
        yield connection


@pytest.fixture
def direct(lake: SampleLake) -> Iterator[psycopg.Connection]:
    """A session of the PostgreSQL that is a source."""
    with psycopg.connect(lake.reference_dsn, autocommit=True) as connection:
        yield connection
