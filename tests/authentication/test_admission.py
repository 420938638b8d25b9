"""``max_connections`` holds however many clients come at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest

from tests.gateway import BOB, RunningGateway, SampleLake, Settings, serving

LIMIT = 4


def _come_in(gateway: RunningGateway) -> psycopg.Connection | None:
    try:
        return gateway.connect()
    except psycopg.OperationalError as error:
        assert "too many clients" in str(error)
        return None


def test_no_more_sessions_than_allowed(lake: SampleLake) -> None:
    settings = Settings(server={"max_connections": LIMIT}, sources={"small": lake.sources["small"]}, database="narrow")
    with serving(lake, settings) as gateway, ThreadPoolExecutor(16) as threads:
        let_in = [one for one in threads.map(lambda _: _come_in(gateway), range(16)) if one is not None]
        assert len(let_in) == LIMIT
        for connection in let_in:
            connection.close()


def test_some_places_are_for_superusers(lake: SampleLake) -> None:
    server = {"max_connections": LIMIT, "superuser_reserved_connections": 2}
    settings = Settings(server=server, sources={"small": lake.sources["small"]}, database="reserved")
    with serving(lake, settings) as gateway, ExitStack() as opened:
        for _ in range(2):
            opened.enter_context(gateway.connect(BOB))
        with pytest.raises(psycopg.OperationalError, match="reserved for roles with the SUPERUSER attribute"):
            gateway.connect(BOB)
        for _ in range(2):
            opened.enter_context(gateway.connect())
        with pytest.raises(psycopg.OperationalError, match="sorry, too many clients already"):
            gateway.connect()
