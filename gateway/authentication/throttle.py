"""Guessing made slow: failed logins are answered later and later, then refused for a time, by address and by user.

What counts is an address alone, and a user *from an address*, never a user alone: nobody can shut another one out from
an address of his own. Users that do not exist count as others do, so nothing tells them apart.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.authentication.rules import peer_address

_FIRST_DELAY: Final = 0.01  # seconds; doubles with each failure
_LONGEST_DELAY: Final = 1.0
_FORGET: Final = 600.0  # seconds without a failure after which there was none
_REMEMBERED: Final = 16_384  # addresses, and users from addresses: some 5 MB
_LONGEST_NAME: Final = 64  # characters: no role has a longer one, and a client must not fill our memory with them
_IPV6_NETWORK: Final = 64  # bits that one client has for himself

Clock = Callable[[], float]


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last: float = 0.0
    banned_until: float = 0.0


class Throttle:
    """Counts failed logins. Bounded: the least recent of many is forgotten."""

    def __init__(self, *, of_user: int, of_address: int, longest_ban: float, clock: Clock = time.monotonic) -> None:
        """``of_user`` and ``of_address`` are how many may fail before a ban of one second, which doubles with each
        further one up to ``longest_ban`` seconds.
        """
        self._of_user = of_user
        self._of_address = of_address
        self._longest_ban = longest_ban
        self._clock = clock
        self._known: OrderedDict[tuple[str, str | None], _Failures] = OrderedDict()

    def check(self, address: str, user: str) -> None:
        """Raise SqlError 28000 while the user from this address, or the address, is banned."""
        now = self._clock()
        network = network_of(address)
        until = max(
            (found.banned_until for key in _keys(network, user) if (found := self._known.get(key)) is not None),
            default=0.0,
        )
        if until > now:
            raise SqlError(
                SqlState.INVALID_AUTHORIZATION_SPECIFICATION,
                "too many failed logins from this address",
                hint=f"Try again in {_told(max(1, round(until - now)))}.",
            )

    def failed(self, address: str, user: str) -> float:
        """Note a failed login; return how many seconds its answer should wait."""
        now = self._clock()
        found = [self._count(key, now) for key in _keys(network_of(address), user)]
        delay = min(_FIRST_DELAY * 2.0 ** min(found[-1].count - 1, 30), _LONGEST_DELAY)
        for failures, allowed in zip(found, (self._of_address, self._of_user), strict=True):
            if failures.count >= allowed:  # the ban begins with the answer
                ban = min(2.0 ** min(failures.count - allowed, 30), self._longest_ban)
                failures.banned_until = now + delay + ban
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return delay

    def _count(self, key: tuple[str, str | None], now: float) -> _Failures:
        failures = self._known.setdefault(key, _Failures())
        self._known.move_to_end(key)
        if now - max(failures.last, failures.banned_until) > _FORGET:
            failures.count = 0
        failures.count += 1
        failures.last = now
        return failures

    def succeeded(self, address: str, user: str) -> None:
        """Forget the user's failures from there; the address keeps its own, else one account would clear others."""
        self._known.pop(_keys(network_of(address), user)[1], None)

    def __len__(self) -> int:
        return len(self._known)


class Waiting:
    """The connections that have not logged in yet, in all and by address."""

    def __init__(self, limit: int, limit_of_address: int) -> None:
        self._limit = limit
        self._limit_of_address = limit_of_address
        self._by_address: dict[str, int] = {}
        self._all = 0

    def enter(self, address: str) -> SqlError | None:
        """Count a connection; return SqlError 53300 where it is one too many. It is to `leave` in either case."""
        network = network_of(address)
        self._all += 1
        self._by_address[network] = self._by_address.get(network, 0) + 1
        if self._all > self._limit or self._by_address[network] > self._limit_of_address:
            return SqlError(SqlState.TOO_MANY_CONNECTIONS, "too many connections are waiting to log in")
        return None

    def leave(self, address: str) -> None:
        """Count a connection no longer: it is in, or gone."""
        network = network_of(address)
        self._all -= 1
        self._by_address[network] -= 1
        if not self._by_address[network]:
            del self._by_address[network]

    def __len__(self) -> int:
        return self._all


class InASecond:
    """What strangers may have done in a second, in all and by address."""

    def __init__(self, limit: int, limit_of_address: int) -> None:
        self._limit = limit
        self._limit_of_address = limit_of_address
        self._since = -math.inf
        self._by_address: dict[str, int] = {}

    def takes(self, address: str) -> bool:
        """Whether one more is done, which counts then."""
        now = time.monotonic()
        if now - self._since >= 1:
            self._since = now
            self._by_address.clear()
        network = network_of(address)
        of_address = self._by_address.get(network, 0)
        if of_address >= self._limit_of_address or sum(self._by_address.values()) >= self._limit:
            return False
        self._by_address[network] = of_address + 1
        return True


def _told(seconds: int) -> str:
    return "1 second" if seconds == 1 else f"{seconds} seconds"


@lru_cache(maxsize=1024)
def network_of(address: str) -> str:
    """Return what counts as one address: of IPv6 the network that one client has for himself."""
    parsed = peer_address(address)
    if parsed is None:
        return address
    if parsed.version == 6:
        return f"{int(parsed) >> (128 - _IPV6_NETWORK):x}::/{_IPV6_NETWORK}"
    return str(parsed)


def _keys(network: str, user: str) -> tuple[tuple[str, str | None], tuple[str, str | None]]:
    return (network, None), (network, user[:_LONGEST_NAME])
