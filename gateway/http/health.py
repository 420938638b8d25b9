"""Health over HTTP: ``/health/live`` (the process answers) and ``/health/ready`` (it should be sent clients); beside it
``/metrics``, where the gateway tells them.

The answers name each dependency and its state, but not the reason of a failure: whoever reaches the port need not be
logged in, and reasons hold hosts and names. Reasons are in the log and in ``lakegate check``.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from gateway.configuration.values import Address
from gateway.http.connections import BoundedProtocol
from gateway.http.readiness import Readiness, asked_once

_BACKLOG = 128
_NO_STORE = {"Cache-Control": "no-store"}


Metrics = Callable[[str], tuple[bytes, str]]
"""Returns metrics and their content type, by the header Accept."""


def health_app(readiness: Callable[[], Awaitable[Readiness]], metrics: Metrics | None = None) -> FastAPI:
    """Return the application with its addresses; without ``metrics`` there are none."""
    # A redirect would repeat the header Host, which whoever asks has chosen.
    app = FastAPI(title="Lakegate", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)

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

    if metrics is not None:

        @app.get("/metrics")
        async def tell(request: Request) -> Response:
            text, content_type = metrics(request.headers.get("accept", ""))
            return Response(text, headers={**_NO_STORE, "Content-Type": content_type})

    return app


class _EmbeddedServer(uvicorn.Server):
    """uvicorn inside our own event loop: signals stay the gateway's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serve_health(
    address: Address, readiness: Callable[[], Awaitable[Readiness]], metrics: Metrics | None = None
) -> AsyncIterator[Address]:
    """Serve health, and metrics where they are given, while the block runs; yields the address in use (its port is
    known even if 0 was asked for). Raises OSError if the address cannot be listened on.
    """
    listener = _listen(address)
    config = uvicorn.Config(
        health_app(asked_once(readiness), metrics),
        http=BoundedProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
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
