"""The audit of a gateway: an intent is written before a statement runs, its outcome after.

Where an intent cannot be written, the statement does not run (58030). What "written" means is the mode: in the local
journal (``journal``, with or without waiting for the disk) or in the store (``synchronous``).
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import Final, NamedTuple, Protocol

import structlog

from catalog.errors import SqlError
from catalog.server import Server
from catalog.sqlstate import SqlState
from catalog.store.audit_store import AuditStore
from catalog.store.connection import DATABASE
from gateway.audit.bursts import Bursts
from gateway.audit.entries import COMPLETED, DONE_JSON, ENDED, Kind, Outcome, as_members
from gateway.audit.journal import Journal, JournalFull
from gateway.audit.shipping import Shipper
from gateway.authentication.throttle import network_of
from gateway.configuration.config import Audit as AuditConfig
from gateway.counts import StatementCounts

_log = structlog.get_logger(__name__)
_DENIED, _STATEMENT = Kind.DENIED, Kind.STATEMENT  # an Enum's attributes are slow
_PATIENCE: Final = 5.0  # seconds that a statement waits for its intent to be written
_LOST_MOST: Final = 8 << 20  # bytes of outcomes that are kept in memory while the journal takes none
_STRANGERS: Final = 10  # entries a second about peers that have not logged in
_LATE: Final = 10.0  # seconds after which entries that wait for the store are worth a word


class Entry(NamedTuple):
    """What is to be done: an event, with its members as JSON (`gateway.audit.entries`)."""

    event: str
    members: str
    kind: Kind = Kind.STATEMENT


@dataclass(frozen=True, slots=True)
class Lag:
    """How many entries wait for the store, how many bytes these are, and for how many seconds it has taken none."""

    entries: int = 0
    bytes: int = 0
    seconds: float = 0.0


class Waiting(Protocol):
    """A statement whose intent is about to be written."""

    def begun(self, ticket: Ticket) -> None:
        """It was written: the statement may run."""

    def refused(self, error: SqlError) -> None:
        """It was not, so the statement must not run."""


class Ticket:
    """A statement whose intent was written. `end` is called once, and does not block or fail."""

    __slots__ = ("_audit", "entry", "sequence", "started")

    def __init__(self, audit: Audit, entry: Entry, sequence: int) -> None:
        self._audit = audit
        self.entry = entry
        self.sequence = sequence
        self.started = monotonic()

    def end(self, outcome: Outcome) -> None:
        """Write how it ended, as soon as what is queued for the client has been sent."""
        if self.sequence:
            self._audit.write_outcome_soon(self.entry, self.sequence, outcome)


_Completed = tuple[Ticket, str, str, int, int, float]
"""A statement that was completed: its lane, what it has read as JSON, rows, bytes and seconds."""


class Audit:
    """One for a process. Everything but `open` and `close` belongs to the event loop's thread."""

    def __init__(self, config: AuditConfig, journal: Journal | None, ship: Callable[[Audit], Shipper] | None) -> None:
        self._config = config
        self._waits = config.mode == "synchronous" or config.fsync == "group"
        self._journal = journal
        self.is_on = journal is not None
        """Whether anything is written at all."""
        self._instance = secrets.token_hex(4)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._flusher = ThreadPoolExecutor(1, "audit-flush") if journal is not None else None
        self._flushing: asyncio.Future[None] | None = None
        self._flushed = 0
        self._stored = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._ended: list[tuple[Entry, int, Outcome]] = []  # whose outcomes are about to be written
        self._completed: list[_Completed] = []  # so too (`completed`)
        self._beginning: list[tuple[Entry, Waiting]] = []  # whose intents are
        self._lost: deque[tuple[str, Kind]] = deque()
        self._lost_bytes = self._dropped = 0
        self._strangers = (0.0, 0)  # the second, and how many came in it
        self._failing: str | None = None
        self._bursts = Bursts(config.alert_denied, config.alert_window)
        self.counts = StatementCounts()  # of all statements, whether or not they are written
        self.refused = 0  # statements and logins, for want of an audit
        self._shipper = ship(self) if ship is not None else None

    @classmethod
    def off(cls) -> Audit:
        """Return an audit that writes nothing."""
        return cls(AuditConfig(mode="off"), None, None)

    @classmethod
    def open(cls, config: AuditConfig, server: Server, journal: Journal, database: str = DATABASE) -> Audit:
        """Begin where the chain of this node ends. Blocks; raises ServerError where the store is out of reach, SqlError
        where the journal cannot be written.
        """
        store = AuditStore(server, database)
        try:
            known = store.get_head(journal.node)
        finally:
            store.close()
        kept = journal.head.sequence
        if known is not None:
            journal.follow(known.head)
        audit = cls(config, journal, lambda one: Shipper(server, database, journal, one._on_stored))
        lost = {
            "torn_bytes": journal.torn,
            "lost_from_journal": max(0, journal.head.sequence - kept),
            "lost_from_store": max(0, journal.stored_before - (known.head.sequence if known is not None else 0)),
        }
        if any(lost.values()):
            _log.error("the audit is not as it was left; see `lakegate audit verify`", **lost)
        members = as_members({"mode": config.mode, **lost})
        assert audit._shipper is not None
        audit._shipper.start(at_once=config.mode == "synchronous")
        try:
            audit._start(Entry("start", f'"detail":{{{members}}}', Kind.ACCESS))
        except BaseException:
            audit._shipper.close()
            journal.close()
            raise
        return audit

    def _start(self, entry: Entry) -> None:
        """Write the first entry; if too many wait for the store, as soon as it has taken some."""
        deadline = monotonic() + _PATIENCE
        while True:
            try:
                self._append(entry, "whole")
                return
            except SqlError:
                if monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def close(self) -> None:
        """Write the last entry and ship what is left. Blocks."""
        if self._journal is None or self._shipper is None or self._flusher is None:
            return
        try:
            self._append(Entry("stop", '"detail":{}', Kind.ACCESS), "whole")
        except SqlError as error:
            _log.warning("the audit was not ended in order", reason=self._failing or error.message)
        self._shipper.close()
        self._flusher.shutdown()
        self._journal.close()

    async def begin(self, entry: Entry) -> Ticket:
        """Write an intent. Raises SqlError 58030 where that cannot be done: then the statement must not run."""
        if self._journal is None:
            return Ticket(self, entry, 0)
        sequence = self._append(entry, "intent")
        try:
            await self._written(sequence)
        except BaseException as error:  # or the client has left while it was written
            self.write_outcome_soon(
                entry, sequence, Outcome(str(error.sqlstate) if isinstance(error, SqlError) else None)
            )
            raise
        return Ticket(self, entry, sequence)

    @property
    def is_prompt(self) -> bool:
        """Whether an intent counts as soon as the journal has it, which takes it."""
        return self._failing is None and not self._waits

    def begin_soon(self, entry: Entry, waiting: Waiting) -> None:
        """Write an intent as `begin` does, with all that is to be written in this turn of the event loop; only where
        the audit `is_prompt`.
        """
        if not (self._beginning or self._completed or self._ended):
            asyncio.get_running_loop().call_soon(self._write_due)
        self._beginning.append((entry, waiting))

    async def record(self, entry: Entry) -> None:
        """Write an event that is already over. Raises SqlError 58030 where that cannot be done."""
        if self._journal is not None:
            await self._written(self._append(entry, "whole"))

    def note(self, entry: Entry) -> None:
        """Write an event that happened whether or not it can be written; one that cannot be is written later."""
        if self._journal is not None:
            self._append_later((entry.kind, _members(entry, "whole", self._instance)))
            if entry.event == "login" or (entry.event == "statement" and entry.kind is Kind.DENIED):
                self._watch(entry)

    def note_stranger(self, entry: Entry) -> None:
        """Write what somebody unknown did; where many come within a second the rest of them is only counted, as
        nobody may fill the journal who has not even logged in.
        """
        second, count = self._strangers
        now = monotonic()
        if now - second >= 1:
            if count > _STRANGERS:
                _log.warning("requests of strangers were not written one by one", count=count - _STRANGERS)
            second, count = now, 0
        self._strangers = (second, count + 1)
        if count < _STRANGERS:
            self.note(entry)

    def write_outcome_soon(self, entry: Entry, intent: int, outcome: Outcome) -> None:
        """Write how a statement ended (see `Ticket.end`), with all that end in the same turn of the event loop."""
        if not (self._beginning or self._completed or self._ended):
            asyncio.get_running_loop().call_soon(self._write_due)
        self._ended.append((entry, intent, outcome))

    def completed(self, ticket: Ticket, lane: str, read: str, rows: int, sent: int) -> None:
        """Write and count soon that a statement was completed, in the place of `Ticket.end` and `counts`: what most
        statements come to takes the fewest steps. ``read`` is what it has read, as JSON, and the lane.
        """
        if not (self._beginning or self._completed or self._ended):
            asyncio.get_running_loop().call_soon(self._write_due)
        self._completed.append((ticket, lane, read, rows, sent, monotonic() - ticket.started))

    def _write_due(self) -> None:
        """Write outcomes and intents in one step; where that cannot be, each as if it came alone."""
        ended, self._ended = self._ended, []
        completed, self._completed = self._completed, []
        beginning, self._beginning = self._beginning, []
        phase = _phase("outcome", self._instance)
        outcomes = [
            (outcome.kind, f'"event":"{event}",{phase},{members},"intent":{intent},{outcome.json()}')
            for (event, members, _), intent, outcome in ended
        ]
        if completed:
            self.counts.note_each(COMPLETED, [(lane, took, rows, sent) for _, lane, _, rows, sent, took in completed])
            outcomes += [_outcome_of(one, phase) for one in completed if one[0].sequence]
        if beginning:
            self._append_together(outcomes, beginning)
        elif outcomes:
            self._append_later(*outcomes)
        for entry, _, outcome in ended:
            if outcome.kind is _DENIED:
                self._watch(entry)

    def _append_together(self, outcomes: list[tuple[Kind, str]], beginning: list[tuple[Entry, Waiting]]) -> None:
        if self._journal is None:
            for entry, waiting in beginning:
                waiting.begun(Ticket(self, entry, 0))
            return
        assert self._shipper is not None
        phase = _phase("intent", self._instance)
        intents = [(kind, f'"event":"{event}",{phase},{members}') for (event, members, kind), _ in beginning]
        if self._failing is None:
            try:
                last = self._journal.append_all((*outcomes, *intents))
            except (OSError, JournalFull) as error:
                self._note_failure(str(error))
            else:
                self._shipper.wake()
                for sequence, (entry, waiting) in enumerate(beginning, last - len(beginning) + 1):
                    waiting.begun(Ticket(self, entry, sequence))
                return
        self._append_later(*outcomes)
        for entry, waiting in beginning:
            self._begin_now(entry, waiting)

    def _begin_now(self, entry: Entry, waiting: Waiting) -> None:
        try:
            sequence = self._append(entry, "intent")
        except SqlError as error:
            waiting.refused(error)
        else:
            waiting.begun(Ticket(self, entry, sequence))

    def _watch(self, entry: Entry) -> None:
        """Count what was denied; what makes a burst is told, in the log and as an entry."""
        who = json.loads(f"{{{entry.members}}}")
        user, address = who["user"], who["address"]
        if entry.event == "login":
            if not who["sqlstate"].startswith("28"):
                return  # he left, or took too long
            network = network_of(address.rpartition(":")[0] or address)  # without the port
            counted = {"failed logins of a user": user, "failed logins from an address": network}
        else:
            counted = {"denied statements of a user": user}
        for what, subject in counted.items():
            burst = self._bursts.add(what, subject)
            if burst is not None:
                detail = {"what": what, "subject": subject, "count": burst.count, "seconds": round(burst.seconds, 3)}
                _log.warning("much is denied", user=user, address=address, **detail)
                members = as_members({"user": user, "address": address, "detail": detail})
                self._append_later((Kind.DENIED, _members(Entry("alert", members), "whole", self._instance)))

    def store(self, entry: Entry) -> None:
        """Write an event and wait until the store has it. Blocks; for other threads. Raises SqlError 58030."""
        assert self._journal is not None and self._shipper is not None
        try:
            sequence = self._journal.append(entry.kind, _members(entry, "whole", self._instance))
        except (OSError, JournalFull) as error:
            raise _cannot_write(str(error)) from None
        self._shipper.wake()
        deadline = monotonic() + _PATIENCE
        while self._stored < sequence:
            if monotonic() > deadline:
                raise _cannot_write("the store has not taken an entry in time")
            time.sleep(0.02)

    # --- health ---

    @property
    def lag(self) -> Lag:
        """What waits for the store now."""
        if self._journal is None or self._shipper is None:
            return Lag()
        since = self._shipper.failing_since
        waiting = max(0, self._journal.head.sequence - max(self._stored, self._journal.stored_before))
        return Lag(waiting, self._journal.backlog, 0.0 if since is None else monotonic() - since)

    async def check(self) -> None:
        """Raise ConnectionError while statements are refused; try whether that is still so."""
        if self._failing is not None:
            try:
                self._resume()
            except (OSError, JournalFull) as error:
                raise ConnectionError(str(error)) from None

    async def check_store(self) -> None:
        """Raise ConnectionError while entries wait long for the store."""
        since = self._shipper.failing_since if self._shipper is not None else None
        if since is not None and monotonic() - since > _LATE:
            raise ConnectionError("audit entries wait for the metadata server")

    # --- the journal ---

    def _append(self, entry: Entry, phase: str) -> int:
        assert self._journal is not None and self._shipper is not None
        try:
            if self._failing is not None:
                self._resume()
            sequence = self._journal.append(entry.kind, _members(entry, phase, self._instance))
        except (OSError, JournalFull) as error:
            raise self._refuse(str(error)) from None
        self._shipper.wake()
        return sequence

    def _resume(self) -> None:
        """Write what could not be written before, and that it was so. Raises OSError or JournalFull."""
        assert self._journal is not None and self._shipper is not None
        while self._lost:
            members, kind = self._lost[0]
            self._journal.append(kind, members)
            self._lost.popleft()
            self._lost_bytes -= len(members)
        counts = {"refused": self.refused, "dropped": self._dropped}
        entry = Entry("resumed", as_members({"detail": counts}), Kind.ACCESS)
        self._journal.append(entry.kind, _members(entry, "whole", self._instance))
        _log.warning("the audit can be written again", **counts)
        self._failing = None
        self._shipper.wake()

    def _append_later(self, *entries: tuple[Kind, str]) -> None:
        assert self._journal is not None and self._shipper is not None
        if self._failing is None:
            try:
                self._journal.append_all(entries)
                self._shipper.wake()
                return
            except (OSError, JournalFull) as error:
                self._note_failure(str(error))
        for kind, members in entries:
            if self._lost_bytes + len(members) > _LOST_MOST:
                self._dropped += 1
                continue
            self._lost.append((members, kind))
            self._lost_bytes += len(members)

    def _refuse(self, reason: str) -> SqlError:
        self.refused += 1
        self._note_failure(reason)
        return _cannot_write(reason)

    def _note_failure(self, reason: str) -> None:
        if self._failing is None:
            _log.error("the audit cannot be written: statements are refused", reason=reason)
        self._failing = reason

    # --- waiting ---

    async def _written(self, sequence: int) -> None:
        if self._config.mode == "synchronous":
            waiting = self._in_store(sequence)
        elif self._config.fsync == "group":
            waiting = self._on_disk(sequence)
        else:
            return
        try:
            async with asyncio.timeout(_PATIENCE):
                await waiting
        except TimeoutError:
            raise self._refuse("the store has not taken an entry in time") from None
        except OSError as error:
            raise self._refuse(str(error)) from None

    async def _in_store(self, sequence: int) -> None:
        if sequence > self._stored:
            self._loop = asyncio.get_running_loop()
            future: asyncio.Future[None] = self._loop.create_future()
            self._waiting.append((sequence, future))
            if sequence <= self._stored:  # it came in between
                self._settle(self._stored)
            await future

    async def _on_disk(self, sequence: int) -> None:
        """One wait for the disk serves all that were appended before it began."""
        assert self._journal is not None
        while self._flushed < sequence:
            if self._flushing is None:
                upto = self._journal.head.sequence
                loop = asyncio.get_running_loop()
                self._flushing = loop.run_in_executor(self._flusher, self._journal.sync)
                try:
                    await asyncio.shield(self._flushing)
                    self._flushed = max(self._flushed, upto)
                finally:
                    self._flushing = None
            else:
                await asyncio.wait([self._flushing])

    def _on_stored(self, sequence: int) -> None:
        """Called in the shipper's thread."""
        self._stored = sequence
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._settle, sequence)

    def _settle(self, sequence: int) -> None:
        while self._waiting and self._waiting[0][0] <= sequence:
            _, future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)


def _outcome_of(completed: _Completed, phase: str) -> tuple[Kind, str]:
    ticket, _, read, rows, sent, seconds = completed
    (event, members, _), ended = ticket.entry, ENDED % (rows, sent, seconds * 1000, DONE_JSON)
    return _STATEMENT, f'"event":"{event}",{phase},{members},"intent":{ticket.sequence},{read},{ended}'


def _cannot_write(reason: str) -> SqlError:
    _log.debug("an audit entry was not written", reason=reason)
    return SqlError(
        SqlState.IO_ERROR,
        "the audit cannot be written, so nothing is executed",
        hint="The gateway's log has the reason; the gateway goes on by itself when the audit can be written.",
    )


def _members(entry: Entry, phase: str, instance: str) -> str:
    return f'"event":"{entry.event}",{_phase(phase, instance)},{entry.members}'


def _phase(phase: str, instance: str) -> str:
    return f'"phase":"{phase}","instance":"{instance}"'
