"""Two worlds, each served by a gateway of its own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.attacks.clients import Clients, clients
from tests.attacks.worlds import govern_world, world_lake
from tests.gateway import RunningGateway, SampleLake, Settings, serving

SETTINGS = Settings(server={"refresh_interval": "0"})


@pytest.fixture(scope="session")
def world_lakes() -> Iterator[dict[str, SampleLake]]:
    """The worlds' data."""
    with ExitStack() as stack:
        yield {world: stack.enter_context(world_lake(world)) for world in ("A", "B")}


@pytest.fixture(scope="session")
def world_gateways(world_lakes: dict[str, SampleLake]) -> Iterator[dict[str, RunningGateway]]:
    """A gateway over each world, governed."""
    with ExitStack() as stack, ThreadPoolExecutor() as pool:

        def govern(lake: SampleLake) -> RunningGateway:
            gateway = stack.enter_context(serving(lake, SETTINGS))
            govern_world(gateway)
            return gateway

        yield dict(zip(world_lakes, pool.map(govern, world_lakes.values()), strict=True))


@pytest.fixture
def world_clients(world_gateways: dict[str, RunningGateway]) -> Iterator[dict[str, Clients]]:
    """Connections to both."""
    with ExitStack() as stack:
        yield {
            world: stack.enter_context(clients((gateway.host, gateway.port)))
            for world, gateway in world_gateways.items()
        }
