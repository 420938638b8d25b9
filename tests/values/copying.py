"""COPY's messages: those of the gateway's own code, without a gateway, and those of PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pyarrow as pa

from gateway.lanes.copy_out import copy_out, send
from gateway.lanes.portals import ReadyRows
from gateway.sql.copy_statements import read_copy
from gateway.values.settings import OutputColumn, OutputSettings
from gateway.wire import backend

Messages = list[tuple[bytes, bytes]]  # kind, body


class Receiver:
    """A client that keeps what it is sent."""

    def __init__(self) -> None:
        self.data = bytearray()

    def send(self, message: backend.BackendMessage) -> None:
        self.data += message.encode()

    def write(self, data: bytes | memoryview) -> None:
        self.data += data

    async def drain(self) -> None:
        pass

    def messages(self) -> Messages:
        """Return what came, cut into messages."""
        found: Messages = []
        at = 0
        while at < len(self.data):
            end = at + 1 + int.from_bytes(self.data[at + 1 : at + 5], "big")
            found.append((bytes(self.data[at : at + 1]), bytes(self.data[at + 5 : end])))
            at = end
        assert at == len(self.data)
        return found


def our_messages(
    options: str, batch: pa.RecordBatch, columns: Sequence[OutputColumn], settings: OutputSettings | None = None
) -> Messages:
    """Return the messages of a COPY of a batch's rows."""
    fields = [
        backend.FieldDescription(name, 0, 0, column.oid, -1, column.typmod, 0)
        for name, column in zip(batch.schema.names, columns, strict=True)
    ]
    copy = copy_out(read_copy(f"COPY (SELECT) TO STDOUT {options}"), fields, settings or OutputSettings())
    client = Receiver()
    with ThreadPoolExecutor(1) as threads:
        rows = asyncio.run(send(copy, ReadyRows(batch), client, threads))
    assert rows == batch.num_rows
    return client.messages()


def their_messages(postgres: psycopg.Connection, statement: str) -> Messages:
    """Return the messages of a COPY of PostgreSQL's, but for those of its end."""
    with postgres.cursor() as cursor, cursor.copy(statement.encode()) as copying:
        assert cursor.pgresult is not None
        columns = cursor.pgresult.nfields
        formats = tuple(cursor.pgresult.fformat(place) for place in range(columns))
        overall = cursor.pgresult.binary_tuples
        rows = [(b"d", bytes(data)) for data in copying]
    return [(b"H", backend.CopyOutResponse(overall, formats).encode()[5:]), *rows, (b"c", b"")]
