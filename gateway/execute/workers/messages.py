"""What the gateway and a worker process say to each other.

Two kinds of sockets, both made by the gateway and handed on, so that nobody else can reach a worker:

- The control socket (a message at a time): `Setup` first, then channels, cancels, logins that are no longer valid. A
  worker says `READY` once, and its end of file is the end of the worker.
- Channels, each with one statement at a time: a `Request` goes in, frames come out, the last one is of ``LAST``. Rows
  that are a client's messages lie in memory that both sides have mapped (`shared`), and a frame says where.

What goes to a worker is pickled, rows in it apart: they are Arrow's IPC format and follow as they are, without a copy.
What comes back is Arrow's IPC format and JSON: a worker reads files that others have written, so nothing of it is ever
unpickled.
"""

from __future__ import annotations

import copyreg
import io
import json
import pickle
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from catalog.errors import SqlError
from catalog.remote_logins import RemoteLogin
from catalog.sqlstate import SqlState
from connectors.postgres.settings import PostgresOptions
from gateway.execute.port import EngineQuery, EngineSettings
from gateway.execute.workers.parts import Part, Scans

READY = b"ready"
LARGEST_MESSAGE = 160_000  # bytes of one message on a control socket
HEADER = struct.Struct("<BQ")  # of a frame: its kind, and the bytes that follow
REQUEST_HEADER = struct.Struct("<QI")  # the bytes of what is pickled, and how many buffers follow it
BUFFER_SIZE = struct.Struct("<Q")  # one for each of them, before what is pickled


class Kind(IntEnum):
    """What a frame holds."""

    SCHEMA = 1  # what the plan promises: first, and once
    BATCH = 2  # one record batch, of the schema of the last STREAM
    STREAM = 3  # a record batch with its schema and dictionaries
    WHOLE = 4  # all there is, as one stream; no END follows
    END = 5  # nothing if the statement ended well, else its failure
    MESSAGES = 6  # ROWS, and a client's messages of so many rows
    SHARED = 7  # IN_SLOT: so many rows are a client's messages in memory that is shared
    WHOLE_MESSAGES = 8  # as MESSAGES, all there are; no END follows
    UNKNOWN = 9  # the worker lacks a part of the request: nothing was done, and nothing follows


LAST = frozenset({Kind.WHOLE, Kind.END, Kind.WHOLE_MESSAGES, Kind.UNKNOWN})
ROWS = struct.Struct("<Q")
IN_SLOT = struct.Struct("<QIQ")  # ROWS, the slot, and bytes in it


@dataclass(frozen=True, slots=True)
class RemoteServer:
    """How a PostgreSQL source is reached."""

    dsn: str = field(repr=False)
    options: PostgresOptions


@dataclass(frozen=True, slots=True)
class Setup:
    """What a worker must know before anything else. ``heap_limit`` is how many bytes it may ask the system for at all,
    far more than it may use. ``functions`` are keyword arguments for ``psycopg.connect`` where PostgreSQL evaluates
    functions, None where nobody does.
    """

    settings: EngineSettings
    servers: Mapping[str, RemoteServer]
    log_level: str
    heap_limit: int
    functions: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class OpenChannel:
    """Take statements from the socket that comes with this message, and where it ``is_shared`` lay rows into the memory
    that comes behind, with the event by which the gateway tells that there is room.
    """

    channel: int
    is_shared: bool


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop a statement, if it still is the channel's."""

    channel: int
    statement: int


@dataclass(frozen=True, slots=True)
class KeepLogins:
    """Let go of the connections of all other logins at a source."""

    source: str
    logins: tuple[RemoteLogin, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """A statement to run. ``scans`` are the query's own, which has none here, with numbers in place of ``parts``: of
    these it has those that the worker has not been sent before. ``form`` is the number of the rows' form, None for
    record batches. ``logins`` has one for each remote scan, None where the gateway's own is used; ``secrets``
    are those of masks, by name; ``context`` is what log records of the statement carry. ``json_types`` are the types
    that the query may have written as JSON, in the order in which the gateway has numbered their functions.
    """

    statement: int
    query: EngineQuery
    scans: Scans
    parts: dict[int, Part]
    form: int | None
    parameters: tuple[pa.Scalar, ...]
    logins: Mapping[str, RemoteLogin | None] = field(repr=False)
    secrets: Mapping[str, bytes] = field(repr=False)
    context: Mapping[str, Any] = field(default_factory=dict)
    json_types: tuple[pa.DataType, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a statement has failed. ``by_source``: a source said so. An ``error`` of None is a defect of ours, which
    ``text`` tells of, for the log alone.
    """

    error: SqlError | None
    text: str = ""
    by_source: bool = False


class _Pickler(pickle.Pickler):
    dispatch_table = copyreg.dispatch_table.copy()
    dispatch_table[MappingProxyType] = lambda mapping: (_read_only, (dict(mapping),))
    dispatch_table[pa.RecordBatch] = lambda batch: (_batch, (_stream(batch),))


def _read_only(mapping: dict[Any, Any]) -> Mapping[Any, Any]:
    return MappingProxyType(mapping)


def _stream(batch: pa.RecordBatch) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def _batch(stream: pa.Buffer) -> pa.RecordBatch:
    return pa.ipc.open_stream(stream).read_next_batch()


def pickled(message: object) -> bytes:
    """Return a message's bytes."""
    return pickled_apart(message)[0]


def pickled_apart(message: object) -> tuple[bytes, *tuple[memoryview, ...]]:
    """Return a message's bytes, and then those of the rows in it, which are not copied."""
    sink, buffers = io.BytesIO(), list[pickle.PickleBuffer]()
    _Pickler(sink, pickle.HIGHEST_PROTOCOL, buffer_callback=buffers.append).dump(message)
    return sink.getvalue(), *(buffer.raw() for buffer in buffers)


def unpickled(message: bytes | memoryview, buffers: Sequence[pa.Buffer] = ()) -> Any:
    """Return the message of bytes that the gateway has sent."""
    return pickle.loads(message, buffers=buffers)  # noqa: S301 - only ever in a worker, of its own gateway


def failure_bytes(failure: Failure) -> bytes:
    """Return a failure as the body of an END."""
    error = failure.error
    told: dict[str, object] = {"by_source": failure.by_source, "text": failure.text}
    if error is not None:
        told |= {"state": str(error.sqlstate), "message": error.message, "detail": error.detail, "hint": error.hint}
    return json.dumps(told).encode()


def failure_of(body: bytes) -> Failure:
    """Return the failure in the body of an END."""
    told = json.loads(body)
    if "state" not in told:
        return Failure(None, told["text"])
    error = SqlError(SqlState(told["state"]), told["message"], detail=told["detail"], hint=told["hint"])
    return Failure(error, told["text"], told["by_source"])
