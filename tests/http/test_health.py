"""Health over real HTTP."""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.configuration.config import Address
from gateway.http.health import serve_health
from gateway.http.readiness import Dependency, Readiness, check_dependencies

ANY_PORT = Address("127.0.0.1", 0)


async def get(address: Address, path: str) -> tuple[int, dict[str, Any]]:
    """Ask in a thread: the server lives in this loop."""

    def ask() -> tuple[int, dict[str, Any]]:
        try:
            with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    return await asyncio.to_thread(ask)


def answers_of(readiness: Callable[[], Awaitable[Readiness]], *paths: str) -> list[tuple[int, dict[str, Any]]]:
    async def ask() -> list[tuple[int, dict[str, Any]]]:
        async with serve_health(ANY_PORT, readiness) as address:
            return [await get(address, path) for path in paths]

    return asyncio.run(ask())


def fixed(readiness: Readiness) -> Callable[[], Awaitable[Readiness]]:
    async def answer() -> Readiness:
        return readiness

    return answer


UP = Dependency("metadata", "up", 0.001, required=True)
SOURCE_DOWN = Dependency("crm", "down", 0.5, required=False)


def test_ready_names_each_dependency() -> None:
    live, ready, other = answers_of(fixed(Readiness((UP,))), "/health/live", "/health/ready", "/docs")
    assert live == (200, {"status": "live"})
    dependency = {"state": "up", "seconds": 0.001, "required": True}
    assert ready == (200, {"status": "ready", "dependencies": {"metadata": dependency}})
    assert other[0] == 404


@pytest.mark.parametrize(
    ("readiness", "code", "status"),
    [
        (Readiness((UP, SOURCE_DOWN)), 200, "degraded"),
        (Readiness((Dependency("metadata", "timeout", 2.0, required=True),)), 503, "unavailable"),
        (Readiness((UP,), draining=True), 503, "draining"),
        (Readiness(), 200, "ready"),
    ],
)
def test_status(readiness: Readiness, code: int, status: str) -> None:
    live, ready = answers_of(fixed(readiness), "/health/live", "/health/ready")
    assert live[0] == 200
    assert (ready[0], ready[1]["status"]) == (code, status)


def test_checks_run_at_once_and_none_takes_longer_than_allowed() -> None:
    async def up() -> None:
        await asyncio.sleep(0.05)

    async def down() -> None:
        raise ConnectionError("password=hunter2 refused")

    async def hangs() -> None:
        await asyncio.sleep(60)

    async def readiness() -> Readiness:
        return Readiness(await check_dependencies({"metadata": up}, {"a": down, "b": hangs, "c": up}, seconds=0.2))

    ((code, body),) = answers_of(readiness, "/health/ready")
    assert code == 200
    states = {name: item["state"] for name, item in body["dependencies"].items()}
    assert states == {"metadata": "up", "a": "down", "b": "timeout", "c": "up"}
    assert max(item["seconds"] for item in body["dependencies"].values()) < 1
    assert "hunter2" not in json.dumps(body)


def test_the_port_is_free_again_afterwards() -> None:
    async def twice() -> None:
        async with serve_health(ANY_PORT, fixed(Readiness())) as address:
            assert (await get(address, "/health/live"))[0] == 200
        with pytest.raises(urllib.error.URLError):
            await get(address, "/health/live")
        async with serve_health(address, fixed(Readiness())) as again:
            assert again == address
            assert (await get(again, "/health/live"))[0] == 200

    asyncio.run(twice())


def test_a_port_in_use_is_an_error_for_the_caller() -> None:
    async def start() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            async with serve_health(Address("127.0.0.1", taken.getsockname()[1]), fixed(Readiness())):
                raise AssertionError("served on a port in use")

    with pytest.raises(OSError, match=r"[Aa]ddress already in use"):
        asyncio.run(start())
