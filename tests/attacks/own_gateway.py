"""A gateway in a thread of the tests' own process, so that parts of it can be taken out while it serves."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway import pipeline, server
from gateway.configuration.config import load
from gateway.sql import statements
from tests.attacks.conftest import SETTINGS
from tests.gateway import SampleLake, Settings, write_config

_START_SECONDS = 120.0


@dataclass(slots=True)
class OwnGateway:
    """A gateway that serves, and where."""

    gateway: server.Gateway
    address: tuple[str, int]

    def forget(self) -> None:
        """Forget all that was prepared, and with it what taken-out parts have made."""
        self.gateway._statements._prepared.clear()
        self.gateway._statements.descriptions.clear()
        self.gateway.lake.governed._kept.clear()
        self.gateway.lake.results.clear()
        pipeline._PREPARED.clear()
        statements._CUT.clear()


@contextmanager
def own_gateway(lake: SampleLake, settings: Settings = SETTINGS) -> Iterator[OwnGateway]:
    """Serve a world in a thread for the length of a block."""
    made: list[server.Gateway] = []

    class Remembered(server.Gateway):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments)  # type: ignore[arg-type]
            made.append(self)

    loop = asyncio.new_event_loop()
    serving, stop = threading.Event(), asyncio.Event()
    found: list[server.Endpoints] = []

    async def serve() -> None:
        config = load(write_config(Path(tempfile.mkdtemp(dir=lake.folder)), lake, settings))
        async with server.running(config) as endpoints:
            found.append(endpoints)
            serving.set()
            await stop.wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "Gateway", Remembered)
        thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
        thread.start()
        assert serving.wait(_START_SECONDS), "the gateway does not start"
        listen = found[0].postgres
        try:
            yield OwnGateway(made[0], (listen.host, listen.port))
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(_START_SECONDS)
            loop.close()
