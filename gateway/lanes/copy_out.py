"""``COPY … TO STDOUT`` on the engine's lane: the rows of a running query as a file, in CopyData messages.

The rows are those of the SELECT that the COPY stands for, already planned and governed; only what they look like is
decided here. Messages are PostgreSQL's: one a row, a header in front of the first row's bytes, one for the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.execute.port import Blocks, Encoder, Form, RunningStatement
from gateway.lanes.portals import encoded, encoded_whole
from gateway.sql.copy_options import CopyOptions, Format, Star
from gateway.sql.copy_statements import CopyTo
from gateway.values.client_encodings import CODECS, in_codec, known_name
from gateway.values.copy_arrow import END_OF_STREAM, ArrowEncoder, ParquetFile, framed, prepare_arrow
from gateway.values.copy_escapes import CopyLayout
from gateway.values.copy_rows import CopyForm, header_line
from gateway.values.fields import LENGTH_BYTES
from gateway.values.rows import COPY_DATA, OutputColumn, OutputSettings, RowForm
from gateway.values.settings import BINARY, TEXT
from gateway.wire import backend

_BINARY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_BINARY_TRAILER = b"\xff\xff"


class Client(Protocol):
    """Where the file goes."""

    def send(self, message: backend.BackendMessage) -> None:
        """Queue a message."""

    def write(self, data: bytes | memoryview) -> None:
        """Queue bytes of complete messages."""

    async def drain(self) -> None:
        """Wait until the client has read enough of what is queued."""


@dataclass(frozen=True, slots=True)
class CopyOut:
    """A COPY that is carried out: its options, the columns, and the settings that change what values look like."""

    options: CopyOptions
    names: tuple[str, ...]
    columns: tuple[OutputColumn, ...]
    forced: tuple[bool, ...]  # columns whose values are quoted always
    settings: OutputSettings

    @property
    def layout(self) -> CopyLayout:
        """How lines are laid out."""
        options, csv = self.options, self.options.format is Format.CSV
        quote, escape = (ord(options.quote), ord(options.escape)) if csv else (None, None)
        return CopyLayout(ord(options.delimiter), in_codec(options.null, self.encoding), quote, escape)

    @property
    def encoding(self) -> str:
        """The encoding of lines: that of the client's, if none is named."""
        return named_encoding(self.options, self.settings)

    def encoder(self, schema: pa.Schema) -> Encoder:
        """Return the encoder of batches of ``schema``. Raises SqlError as `gateway.values.rows.prepare`."""
        form = self.form()
        return prepare_arrow(schema, self.names, self.columns) if form is None else form.encoder(schema)

    def form(self) -> Form | None:
        """Return what a row becomes, None where the file is not made row by row."""
        if self.options.format.is_lines:
            return CopyForm(self.columns, self.settings, self.layout, self.forced, self.encoding)
        if self.options.format is Format.BINARY:
            return RowForm(self.columns, self.settings, COPY_DATA)
        return None


def copy_out(copy: CopyTo, fields: Sequence[backend.FieldDescription], settings: OutputSettings) -> CopyOut:
    """Return what is to be carried out. Raises SqlError where an option does not fit the columns."""
    options = copy.options
    encoding = named_encoding(options, settings)
    if encoding not in CODECS:
        message = f"COPY in the encoding {encoding} is not supported for tables of the lake"
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, message, hint="Copy in UTF8, and convert the file.")
    form = TEXT if options.format.is_lines else BINARY
    names = tuple(one.name for one in fields)
    columns = tuple(OutputColumn(one.type_oid, one.type_modifier, form) for one in fields)
    return CopyOut(options, names, columns, _forced(options, names), settings)


def named_encoding(options: CopyOptions, settings: OutputSettings) -> str:
    """Return the encoding of a COPY's lines: that of the client, if none is named."""
    return settings.client_encoding if options.encoding is None else known_name(options.encoding)


def _forced(options: CopyOptions, names: Sequence[str]) -> tuple[bool, ...]:
    wanted = options.force_quote
    if isinstance(wanted, Star):
        return (True,) * len(names)
    for place, name in enumerate(wanted):
        if name not in names:
            raise SqlError(SqlState.UNDEFINED_COLUMN, f'column "{name}" does not exist')
        if name in wanted[:place]:
            raise SqlError(SqlState.DUPLICATE_COLUMN, f'column "{name}" specified more than once')
    return tuple(name in wanted for name in names)


async def send(copy: CopyOut, running: RunningStatement, client: Client, threads: Executor) -> int:
    """Send the rows of a query that runs, from CopyOutResponse to CopyDone; return how many there were."""
    overall = TEXT if copy.options.format.is_lines else BINARY
    client.send(backend.CopyOutResponse(overall, (overall,) * len(copy.columns)))
    match copy.options.format:
        case Format.BINARY:
            rows = await _send_binary(copy, running, client, threads)
        case Format.ARROW:
            rows = await _send_arrow(copy, running, client, threads)
        case Format.PARQUET:
            rows = await _send_parquet(copy, running, client, threads)
        case _:
            if copy.options.header:
                client.write(header_line(copy.names, copy.layout, copy.encoding))
            rows = 0
            async with aclosing(_blocks(copy, running, threads)) as blocks:  # type: ignore[type-var]
                async for count, buffers in blocks:
                    rows += count
                    await _write(buffers, client)
    client.send(backend.CopyDone())
    return rows


async def _blocks(copy: CopyOut, running: RunningStatement, threads: Executor) -> AsyncIterator[Blocks]:
    whole = encoded_whole(running, copy.encoder)
    if whole is not None:
        yield whole
        return
    async with aclosing(encoded(running, copy.encoder, threads)) as blocks:  # type: ignore[type-var]
        async for each in blocks:
            yield each


async def _send_binary(copy: CopyOut, running: RunningStatement, client: Client, threads: Executor) -> int:
    rows, lead = 0, _BINARY_HEADER
    async with aclosing(_blocks(copy, running, threads)) as blocks:  # type: ignore[type-var]
        async for count, buffers in blocks:
            rows += count
            if lead and count:
                client.write(_led(lead, buffers[0]))
                client.write(buffers[0][1 + LENGTH_BYTES :])
                await _write(buffers[1:], client)
                lead = b""
            else:
                await _write(buffers, client)
    client.send(backend.CopyData(lead + _BINARY_TRAILER))
    return rows


def _led(lead: bytes, block: memoryview) -> bytes:
    """Return the beginning of a block's first message with ``lead`` in front of its contents."""
    length = int.from_bytes(block[1 : 1 + LENGTH_BYTES], "big") + len(lead)
    return bytes((COPY_DATA,)) + length.to_bytes(LENGTH_BYTES, "big") + lead


async def _send_arrow(copy: CopyOut, running: RunningStatement, client: Client, threads: Executor) -> int:
    """Send an Arrow stream, whose schema is that of the first batch in the types that the statement declares."""
    told: list[pa.Schema] = []

    def encoder(schema: pa.Schema) -> ArrowEncoder:
        made = prepare_arrow(schema, copy.names, copy.columns, told[0] if told else None)
        if not told:
            told.append(made.target)
        return made

    encoder(running.schema)
    await _write(framed(told[0].serialize()), client)
    rows = 0
    async with aclosing(encoded(running, encoder, threads)) as blocks:  # type: ignore[type-var]
        async for count, buffers in blocks:
            rows += count
            await _write(buffers, client)
    await _write(framed(END_OF_STREAM), client)
    return rows


async def _send_parquet(copy: CopyOut, running: RunningStatement, client: Client, threads: Executor) -> int:
    loop = asyncio.get_running_loop()
    encoder = prepare_arrow(running.schema, copy.names, copy.columns)
    file = await loop.run_in_executor(threads, ParquetFile, encoder)
    rows = 0
    async with aclosing(running.batches()) as batches:  # type: ignore[type-var]
        async for batch in batches:
            rows += batch.num_rows
            await _write(await loop.run_in_executor(threads, file.write, batch), client)
    await _write(await loop.run_in_executor(threads, file.close), client)
    return rows


async def _write(buffers: Sequence[memoryview], client: Client) -> None:
    for buffer in buffers:
        client.write(buffer)
        await client.drain()
