"""Export of the audit: entries in order, as lines of JSON or OCSF events, to a file, a syslog server or over HTTP.

What was delivered is noted by sequence number in a file, so that an export that was broken off goes on where it ended.
A batch is noted after it was taken; where that is cut off in between, the batch is sent again: its ``metadata.uid``
(``node:sequence``) is the same.
"""

from __future__ import annotations

import json
import os
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import UUID

import structlog

from catalog.server import Server
from catalog.store.audit_store import AuditStore, Period, StoredEntry
from catalog.store.connection import DATABASE
from gateway.audit.ocsf import ocsf_event

_log = structlog.get_logger(__name__)
_BATCH = 500
_POLL = 1.0  # seconds between two looks for new entries
_LONGEST_PAUSE = 60.0  # seconds between two tries of a place that does not answer
_LATER = frozenset({408, 425, 429})  # answers of HTTP, beside those from 500, that say: try it again
_TIMEOUT = 30.0
_SYSLOG_PORT = 514
_LOG_AUDIT, _NOTICE, _WARNING = 13, 5, 4  # RFC 5424: facility and severities


class ExportError(Exception):
    """A receiver does not take what it is sent."""


class TargetUnavailable(ExportError):
    """A place does not take events now, and may later."""


class Target(Protocol):
    """Where exported entries go."""

    def deliver(self, events: list[dict[str, Any]]) -> None:
        """Hand over events. Raises ExportError or OSError unless all were taken."""

    def close(self) -> None:
        """Give back what is open."""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """``format`` is ocsf or json; ``state`` the file that says how far the export has come."""

    format: str
    to: str
    state: Path | None = None
    follow: bool = False


def export(
    server: Server, options: ExportOptions, stop: Callable[[], bool] = lambda: False, database: str = DATABASE
) -> int:
    """Deliver all entries that were not delivered yet, and with ``follow`` those to come; return how many.

    With ``follow`` a place that does not answer is tried again, and gets what it has not taken. Raises ExportError.
    """
    progress, pause = _Progress(_read_state(options.state)), _POLL
    with closing(AuditStore(server, database)) as store:
        while True:
            before = progress.delivered
            try:
                with closing(open_target(options.to)) as target:
                    _deliver(store, target, options, progress, stop)
                return progress.delivered
            except TargetUnavailable as error:
                if not options.follow or stop():
                    raise
                pause = _POLL if progress.delivered > before else min(2 * pause, _LONGEST_PAUSE)
                _log.warning("the export waits for its place", reason=str(error), seconds=pause)
            time.sleep(pause)


@dataclass(slots=True)
class _Progress:
    """How far an export has come: the last sequence number of each node, and how many events in all."""

    done: dict[str, int]
    delivered: int = 0


def _deliver(
    store: AuditStore, target: Target, options: ExportOptions, progress: _Progress, stop: Callable[[], bool]
) -> None:
    while True:
        before = progress.delivered
        for node in store.nodes():
            _deliver_node(store, str(node), target, options, progress)
        if stop() or not options.follow:
            return
        if progress.delivered == before:
            time.sleep(_POLL)


def _deliver_node(store: AuditStore, node: str, target: Target, options: ExportOptions, progress: _Progress) -> None:
    with store.snapshot():
        entries = store.entries(UUID(node), Period(after=progress.done.get(node, 0)))
        for batch in _batches(entries):
            events = [event for row in batch if (event := _event(row, options.format)) is not None]
            if events:
                target.deliver(events)
            progress.done[node] = batch[-1].sequence
            _write_state(options.state, progress.done)
            progress.delivered += len(events)


def _batches(entries: Iterator[StoredEntry]) -> Iterator[list[StoredEntry]]:
    while batch := [*islice(entries, _BATCH)]:
        yield batch


def _event(row: StoredEntry, form: str) -> dict[str, Any] | None:
    if row.entry is None:
        return None
    entry: dict[str, Any] = json.loads(row.entry)
    return ocsf_event(entry) if form == "ocsf" else {**entry, "hash": row.hash.hex()}


def open_target(to: str) -> Target:
    """Open a file, ``syslog://host:port`` (TCP; ``syslog+udp://`` for UDP) or ``http(s)://…``. Raises ExportError for
    another form, `TargetUnavailable` where it cannot be reached, OSError for a file that cannot be written.
    """
    parts = urlsplit(to)
    match parts.scheme:
        case "syslog" | "syslog+tcp" | "syslog+udp":
            if not parts.hostname:
                raise ExportError(f"{to} names no host")
            return SyslogTarget(parts.hostname, parts.port or _SYSLOG_PORT, udp=parts.scheme == "syslog+udp")
        case "http" | "https":
            return HttpTarget(to)
        case "":
            return FileTarget(Path(to))
        case other:
            raise ExportError(
                f"{other}:// is no place to export to: a file, syslog://, syslog+udp://, http:// or https://"
            )


class FileTarget:
    """A file that lines are appended to."""

    def __init__(self, path: Path) -> None:
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb")

    def deliver(self, events: list[dict[str, Any]]) -> None:
        """Append a line for each, and wait until the disk has them."""
        self._file.write(b"".join(_json(event) + b"\n" for event in events))
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class SyslogTarget:
    """A syslog server: RFC 5424, a message each; over TCP framed by length (RFC 6587)."""

    def __init__(self, host: str, port: int, *, udp: bool) -> None:
        self._udp = udp
        self._host = host
        self._name = socket.gethostname()
        try:
            if udp:
                family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
                self._socket = socket.socket(family, kind, protocol)
                self._socket.connect(address)
            else:
                self._socket = socket.create_connection((host, port), timeout=_TIMEOUT)
        except OSError as error:
            raise TargetUnavailable(f"{host} cannot be reached: {error}") from None

    def deliver(self, events: list[dict[str, Any]]) -> None:
        """Send a message for each. UDP may lose some without a word, and truncates long ones."""
        messages = [self._message(event) for event in events]
        try:
            if self._udp:
                for message in messages:
                    self._socket.send(message[:65_000])
            else:
                self._require_reader()
                self._socket.sendall(b"".join(b"%d %s" % (len(message), message) for message in messages))
        except OSError as error:
            raise TargetUnavailable(f"{self._host} cannot be reached: {error}") from None

    def _require_reader(self) -> None:
        """Raise ConnectionError where the server has closed the connection: it would take one more batch unread."""
        self._socket.setblocking(False)
        try:
            if not self._socket.recv(4096):
                raise ConnectionResetError("it has closed the connection")
        except BlockingIOError:
            pass  # nothing was said, which is what a server of syslog says
        finally:
            self._socket.settimeout(_TIMEOUT)

    def _message(self, event: dict[str, Any]) -> bytes:
        failed = event.get("status_id") == 2 or event.get("sqlstate") not in {None, "00000"}
        priority = _LOG_AUDIT * 8 + (_WARNING if failed else _NOTICE)
        milliseconds = event.get("time")
        at = datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else datetime.fromisoformat(event["at"])
        stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        header = f"<{priority}>1 {stamp} {self._name} lakegate - audit - "
        return header.encode("ascii", "replace") + _json(event)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()


class HttpTarget:
    """An address that takes batches by POST, as JSON lines (``application/x-ndjson``)."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._host = urlsplit(url).hostname

    def deliver(self, events: list[dict[str, Any]]) -> None:
        """Post one batch; anything but 2xx is an error."""
        body = b"".join(_json(event) + b"\n" for event in events)
        headers = {"Content-Type": "application/x-ndjson"}
        token = os.environ.get("LAKEGATE_AUDIT_TOKEN")
        if token:
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(self._url, body, headers, method="POST")  # noqa: S310 (http and https alone)
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:  # noqa: S310
                response.read()
        except urllib.error.HTTPError as error:
            refusal = TargetUnavailable if error.code >= 500 or error.code in _LATER else ExportError
            raise refusal(f"{self._host} answered {error.code}") from None
        except OSError as error:
            raise TargetUnavailable(f"{self._host} cannot be reached: {error}") from None

    def close(self) -> None:
        """Nothing is open between batches."""


def _json(event: dict[str, Any]) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode("ascii")


def _read_state(path: Path | None) -> dict[str, int]:
    if path is None or not path.exists():
        return {}
    found = json.loads(path.read_text(encoding="ascii"))
    return {str(node): int(sequence) for node, sequence in found.items()}


def _write_state(path: Path | None, done: dict[str, int]) -> None:
    if path is not None:
        new = path.with_name(path.name + ".new")
        new.write_text(json.dumps(done), encoding="ascii")
        new.replace(path)
