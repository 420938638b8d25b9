"""Wishes to cancel what sessions of other gateways run: told to all gateways on the same metadata, heeded by one.

A client's CancelRequest reaches another gateway than his session's where a balancer stands before them. That one knows
neither the session nor its key. It says to all which session is meant, with a proof that it was shown a key: a digest
of the key and of all that is said, keyed by a secret that gateways alone have. The session's gateway compares it with
the digest of the right key. The key itself is told to nobody, and cannot be found by trying what it may have been.

Who asks is a stranger: he is told nothing, so many of his wishes are passed on in a second, and the others are dropped.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from cachetools import LRUCache

from catalog.mirror.processes import FIRST_NUMBER
from gateway.authentication.throttle import InASecond
from gateway.tried_again import log_failure

_log = structlog.get_logger(__name__)
_MOST_WAITING: Final = 256
_REMEMBERED: Final = 4096
_IN_A_SECOND: Final = 64  # of strangers, each of which all gateways hear
_OF_ADDRESS: Final = 16
_MOST_NUMBER: Final = (1 << 31) - 1
_BY_KEY, _JUDGED = "key", "judged"


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """A wish to cancel what the session of a number runs. ``peer``: whose it is. ``kind``: whether he has shown a key,
    or the mirror has judged that he may.
    """

    lake: str
    number: int
    kind: str
    peer: str
    nonce: str
    proof: str

    @property
    def is_by_key(self) -> bool:
        """Whether a client has shown a key; else the statement by which he asked is audited by itself."""
        return self.kind == _BY_KEY

    def digest(self, secret: bytes, key: bytes) -> str:
        """Return the proof of a key."""
        said = json.dumps([self.lake, self.number, self.kind, self.peer, self.nonce]).encode()
        return hmac.new(secret, said + b"\0" + key, "sha256").hexdigest()


class CancelOrders:
    """Wishes of this gateway's clients that go to others, and those that come from there. ``own`` are the numbers of
    this gateway's sessions; ``send`` tells texts to all gateways, and blocks.
    """

    def __init__(self, secret: bytes, lake: str, own: range, send: Callable[[Sequence[str]], None]) -> None:
        self._secret = secret
        self._lake = lake
        self._own = own
        self._send = send
        self._waiting: list[str] = []
        self._sending: asyncio.Task[None] | None = None
        self._heeded: LRUCache[str, None] = LRUCache(_REMEMBERED)  # proofs: who has heard one may say it again
        self._strangers = InASecond(_IN_A_SECOND, _OF_ADDRESS)
        self.heed: Callable[[CancelOrder], None] = lambda _order: None  # until there are sessions

    def pass_on(self, number: int, key: bytes, peer: str) -> bool:
        """Pass on the wish of a client who has shown a key that is of none of this gateway's sessions; return whether
        that is done soon. It goes nowhere if no other gateway can have the session, or too many such come.
        """
        is_elsewhere = FIRST_NUMBER <= number <= _MOST_NUMBER and number not in self._own
        if not (is_elsewhere and self._strangers.takes(peer.rpartition(":")[0])):
            return False
        return self._send_soon(number, _BY_KEY, peer, key)

    def order(self, number: int) -> None:
        """Have the session's gateway cancel what the mirror has let a client of this one cancel."""
        self._send_soon(number, _JUDGED, "", b"")

    def _send_soon(self, number: int, kind: str, peer: str, key: bytes) -> bool:
        if len(self._waiting) >= _MOST_WAITING:
            _log.warning("a wish to cancel was dropped: too many wait for the metadata server")
            return False
        unproved = CancelOrder(self._lake, number, kind, peer, secrets.token_hex(16), "")
        fields = (unproved.lake, number, kind, peer, unproved.nonce, unproved.digest(self._secret, key))
        self._waiting.append(json.dumps(fields))
        if self._sending is None:
            self._sending = asyncio.get_running_loop().create_task(self._send_all())
        return True

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                texts, self._waiting = self._waiting, []
                await asyncio.to_thread(self._send, texts)
        except Exception as failure:  # nothing is cancelled; who still wants it asks again
            self._waiting.clear()
            log_failure(_log, "wishes to cancel could not be passed on", failure)
        finally:
            self._sending = None

    def told(self, text: str) -> None:
        """Have what was told be heeded, if it is about a session of this gateway's."""
        try:
            lake, number, *others = json.loads(text)
            order = CancelOrder(str(lake), int(number), *map(str, others))
        except (ValueError, TypeError):
            _log.warning("what was told of a wish to cancel cannot be read")
            return
        if order.lake == self._lake and order.number in self._own:
            self.heed(order)

    def proves(self, order: CancelOrder, key: bytes) -> bool:
        """Whether a wish is to be heeded by the session of this key, which it is once."""
        shown = key if order.is_by_key else b""
        if not hmac.compare_digest(order.proof, order.digest(self._secret, shown)) or order.proof in self._heeded:
            return False
        self._heeded[order.proof] = None
        return True
