"""The metadata store for commands that run beside a gateway, or without one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from catalog.server import Server, attach, external, start
from catalog.store.store import Store, open_store
from gateway.configuration.config import Config


@contextmanager
def metadata_server(config: Config) -> Iterator[Server]:
    """Yield the configured server; an embedded one that does not run is started for the length of the block."""
    if config.server.metadata_url is not None:
        yield external(config.server.metadata_url.get_secret_value())
        return
    running = attach(config.server.data_dir)
    if running is not None:
        yield running
        return
    config.server.data_dir.mkdir(parents=True, exist_ok=True)
    started = start(config.server.data_dir)
    try:
        yield started
    finally:
        started.stop()


@contextmanager
def metadata_store(config: Config) -> Iterator[Store]:
    """Yield the store in the configured server."""
    with metadata_server(config) as server, opened_store(server) as store:
        yield store


@contextmanager
def opened_store(server: Server) -> Iterator[Store]:
    """Yield the store in a server that runs."""
    store = open_store(server)
    try:
        yield store
    finally:
        store.close()
