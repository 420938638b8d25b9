"""Health over HTTP: ``/health/live`` (the process answers) and ``/health/ready`` (it should be sent clients).

The answers name each dependency and its state, but not the reason of a failure: whoever reaches the port need not be
logged in, and reasons hold hosts and names. Reasons are in the log and in ``lakegate check``.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import structlog
import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from gateway.configuration.values import Address

_log = structlog.get_logger(__name__)
_BACKLOG = 128
_NO_STORE = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class Dependency:
    """The state of something the gateway needs: ``up``, ``down`` or ``timeout``. Without a ``required`` one the gateway
    is not ready; without another it serves what is left.
    """

    name: str
    state: str
    seconds: float
    required: bool


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether new clients should be sent here."""

    dependencies: tuple[Dependency, ...] = ()
    draining: bool = False

    @property
    def ready(self) -> bool:
        """Say whether everything required is up, and the gateway is not on its way out."""
        return not self.draining and all(item.state == "up" for item in self.dependencies if item.required)

    @property
    def status(self) -> str:
        """One word for it: ``ready``, ``degraded`` (a source is down), ``draining`` or ``unavailable``."""
        if self.draining:
            return "draining"
        if not self.ready:
            return "unavailable"
        return "ready" if all(item.state == "up" for item in self.dependencies) else "degraded"


Check = Callable[[], Awaitable[object]]


async def check_dependencies(
    required: Mapping[str, Check], optional: Mapping[str, Check], *, seconds: float = 2.0
) -> tuple[Dependency, ...]:
    """Run all checks at once, each for at most ``seconds``. A check that returns is up, one that raises is down; why
    is logged.
    """
    checks = [(name, check, True) for name, check in required.items()]
    checks += [(name, check, False) for name, check in optional.items()]
    return tuple(await asyncio.gather(*(_dependency(name, check, must, seconds) for name, check, must in checks)))


async def _dependency(name: str, check: Check, required: bool, seconds: float) -> Dependency:
    begun = time.monotonic()
    state = "up"
    try:
        async with asyncio.timeout(seconds):
            await check()
    except TimeoutError:
        state = "timeout"
        _log.warning("dependency does not answer", dependency=name, seconds=seconds)
    except Exception as error:  # whatever a driver raises, the dependency is down, and the port still answers
        state = "down"
        _log.warning("dependency is down", dependency=name, reason=str(error))
    return Dependency(name, state, round(time.monotonic() - begun, 4), required)


def health_app(readiness: Callable[[], Awaitable[Readiness]]) -> FastAPI:
    """Return the application with the two addresses."""
    app = FastAPI(title="Lakegate", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/health/live")
    async def live() -> JSONResponse:
        return JSONResponse({"status": "live"}, headers=_NO_STORE)

    @app.get("/health/ready")
    async def ready() -> JSONResponse:
        now = await readiness()
        body = {
            "status": now.status,
            "dependencies": {
                item.name: {"state": item.state, "seconds": item.seconds, "required": item.required}
                for item in now.dependencies
            },
        }
        return JSONResponse(body, status_code=200 if now.ready else 503, headers=_NO_STORE)

    return app


class _EmbeddedServer(uvicorn.Server):
    """uvicorn inside our own event loop: signals stay the gateway's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serve_health(address: Address, readiness: Callable[[], Awaitable[Readiness]]) -> AsyncIterator[Address]:
    """Serve health while the block runs; yields the address in use (its port is known even if 0 was asked for).
    Raises OSError if the address cannot be listened on.
    """
    listener = _listen(address)
    config = uvicorn.Config(
        health_app(readiness), log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )
    server = _EmbeddedServer(config)
    task = asyncio.create_task(server.serve(sockets=[listener]), name="health")
    try:
        while not server.started and not task.done():
            await asyncio.sleep(0.005)
        if task.done():
            task.result()
        yield Address(address.host, listener.getsockname()[1])
    finally:
        server.should_exit = True
        await task
        listener.close()


def _listen(address: Address) -> socket.socket:
    family, kind, protocol, _, target = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(target)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener
