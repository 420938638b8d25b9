"""The thread that takes the journal's entries to the store: all that have come since the last time, in one batch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import date, timedelta

import psycopg
import structlog

from catalog.server import Server, ServerError
from catalog.store.audit_chain import Head
from catalog.store.audit_store import AuditStore
from gateway.audit.journal import Journal

_log = structlog.get_logger(__name__)
_RETRY = 1.0  # seconds after a failure
_REPORT = 60.0  # seconds between two records of counters
_BATCH = 1 << 20  # bytes that are shipped at once
_CLOSING = 5.0  # seconds that the last entries have


class Shipper:
    """Ships until it is closed. ``stored`` is called in its thread with the last sequence number the store has."""

    def __init__(self, server: Server, database: str, journal: Journal, stored: Callable[[int], None]) -> None:
        self._server = server
        self._database = database
        self._journal = journal
        self._stored = stored
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._interval = 0.25  # seconds in which entries gather
        self.failing_since: float | None = None
        self.entries = self.batches = 0
        self._reported = (time.monotonic(), 0)
        self._thread = threading.Thread(target=self._run, name="lakegate-audit", daemon=True)

    def start(self, *, at_once: bool) -> None:
        """Begin. ``at_once``: entries do not wait for others to gather."""
        if at_once:
            self._interval = 0.0
        self._thread.start()

    def wake(self) -> None:
        """Say that there is something to ship."""
        if not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        """Ship what is left, if the store answers, and end the thread."""
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSING)

    def _run(self) -> None:
        while True:
            try:
                store = AuditStore(self._server, self._database)
                try:
                    self._ship(store)
                    return
                finally:
                    store.close()
            except (ServerError, psycopg.Error, OSError) as error:
                self.failing_since = self.failing_since or time.monotonic()
                _log.warning("audit entries wait for the store", reason=str(error).strip().partition("\n")[0])
                if self._closing.wait(_RETRY):
                    return

    def _ship(self, store: AuditStore) -> None:
        known = store.get_head(self._journal.node)
        head = known.head if known is not None else Head()
        position = self._journal.after(head.sequence)
        self._journal.stored(position, head.sequence)
        today = date.today()
        store.ensure_month(today)
        store.ensure_month(today + timedelta(days=31))
        while True:
            self._wake.clear()
            lines, position = self._journal.read(position, _BATCH)
            if lines:
                head = store.append(self._journal.node, lines, self._journal.key)
                self.entries += lines.count(b"\n")
                self.batches += 1
                self._journal.stored(position, head.sequence)
                self._stored(head.sequence)
            self.failing_since = None
            self._report()
            if not lines:
                if self._closing.is_set():
                    return
                self._wake.wait(_REPORT)
            if len(lines) < _BATCH // 2 and self._journal.is_newest(position):  # else more may be there already
                self._gather()

    def _gather(self) -> None:
        """Let entries gather: a batch costs much the same however many it has, and takes the interpreter's lock from
        statements several times.
        """
        if self._interval and not self._closing.is_set():
            self._closing.wait(self._interval)

    def _report(self) -> None:
        now, (then, entries) = time.monotonic(), self._reported
        if now - then >= _REPORT and self.entries != entries:
            self._reported = (now, self.entries)
            _log.info("audit", stored=self.entries, batches=self.batches, waiting_bytes=self._journal.backlog)
