"""``max_connections`` holds however many clients come at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg

from tests.gateway import RunningGateway, SampleLake, Settings, serving

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
