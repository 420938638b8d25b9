"""Whether a gateway should be sent clients: the state of everything it needs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog

_log = structlog.get_logger(__name__)


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


def asked_once(readiness: Callable[[], Awaitable[Readiness]]) -> Callable[[], Awaitable[Readiness]]:
    """Return ``readiness``, of which one runs at a time: who asks while it does gets the same answer. Nobody needs a
    login to ask, and each check takes a thread and a connection that statements need, too.
    """
    running: asyncio.Future[Readiness] | None = None

    async def ask() -> Readiness:
        nonlocal running
        if running is None or running.done():
            running = asyncio.ensure_future(readiness())
        return await asyncio.shield(running)  # whoever leaves does not end it for others

    return ask
