"""Two gateways on one metadata server, as an installation has them that one processor is not enough for."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.conninfo import make_conninfo

from benchmarks.gateway_process import GatewayProcess, gateway
from benchmarks.setting import Setting, cache_directory
from catalog import server as postgres
from gateway.demo import state


@contextmanager
def two_gateways(setting: Setting) -> Iterator[tuple[GatewayProcess, GatewayProcess]]:
    """Have two gateways of a setting's sources for the length of a block; their metadata are their own."""
    directory = cache_directory() / "two_gateways"
    first, second = directory / "first", directory / "second"
    for folder in (first, second):
        folder.mkdir(parents=True, exist_ok=True)
    state.password(first)  # made, if it was not
    shutil.copy2(first / "password", second)  # users are one set for both
    server = postgres.start(directory / "metadata")
    try:
        url = make_conninfo("", **server.connection_parameters(server.maintenance_database))
        line = f"metadata_url = {json.dumps(url.replace('${', '$${'))}"
        with (
            gateway(setting.layout, directory=first, server=line) as one,
            gateway(setting.layout, directory=second, server=line) as other,
        ):
            yield one, other
    finally:
        server.stop()


def conninfo_of_either(one: GatewayProcess, other: GatewayProcess) -> str:
    """How libpq reaches one of two gateways, by chance each time."""
    ports = f"{one.port},{other.port}"
    return make_conninfo(one.conninfo, host="127.0.0.1,127.0.0.1", port=ports, load_balance_hosts="random")
