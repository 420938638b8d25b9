"""What a client does, as ``pg_stat_activity`` shows it: kept by his session, told to the mirror when somebody asks."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from gateway.sql.access import tells_password

_MOST = 1024  # characters of a text, as many as PostgreSQL keeps bytes
_STATES = {"I": "idle", "T": "idle in transaction", "E": "idle in transaction (aborted)"}
_NOT_SHOWN = "<a statement with a password>"


class Activity:
    """What one client does. Times are in seconds since 1970; 0 means never."""

    __slots__ = ("active", "begun", "block_since", "changed", "started", "text")

    def __init__(self) -> None:
        self.started = self.changed = time.time()
        self.begun = self.block_since = 0.0
        self.active = False
        self.text = ""

    def begins(self, text: str | None) -> None:
        """Note a message of the client's; ``text``, where it is about a statement's."""
        now = time.time()
        if text is not None:
            self.text, self.begun = text, now
        if not self.active:
            self.active, self.changed = True, now
        if not self.block_since:
            self.block_since = self.begun

    def ends(self, status: str) -> None:
        """Note ReadyForQuery with the transaction's status."""
        self.active, self.changed = False, time.time()
        if status == "I":
            self.block_since = 0.0


@dataclass(frozen=True, slots=True)
class Encryption:
    """A connection's TLS as ``pg_stat_ssl`` shows it. The last three are those of the client's certificate, where he
    has shown one.
    """

    version: str
    cipher: str
    bits: int
    client_dn: str | None = None
    client_serial: int | None = None
    issuer_dn: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A session: its process number, its role and application, where its client is ("address:port"), the transaction's
    status, what it does, and the TLS of its connection.
    """

    process: int
    role: str
    application: str
    peer: str
    status: str
    activity: Activity
    encryption: Encryption | None = None


def state_of(one: Shown) -> str:
    """Return what a session does, as ``pg_stat_activity.state`` has it."""
    return "active" if one.activity.active else _STATES[one.status]


def as_json(sessions: Iterable[Shown]) -> str:
    """Return sessions as `catalog.mirror.activity` takes them."""
    return json.dumps([dict(_members(one)) for one in sessions])


def _members(one: Shown) -> Iterator[tuple[str, object]]:
    does = one.activity
    address, _, port = one.peer.rpartition(":")
    yield "pid", one.process
    yield "role", one.role
    yield "application", one.application
    yield "address", address.partition("%")[0] or None
    yield "port", int(port) if address else -1
    yield "state", state_of(one)
    text = _NOT_SHOWN if tells_password(does.text) else does.text
    yield "query", text[:_MOST].replace("\0", "").encode("utf-8", "replace").decode()
    yield "started", does.started
    for name, when in (("block", does.block_since), ("begun", does.begun), ("changed", does.changed)):
        yield name, when or None
    if one.encryption is not None:
        yield "tls", asdict(one.encryption)
