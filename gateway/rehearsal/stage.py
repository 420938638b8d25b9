"""A gateway without a door, for rehearsals: metadata of its own that go with it, and sessions in this process.

Statements go the whole way of a client's, from the text to the rows, PostgreSQL's judgement included; only the network
and the login are left out. The metadata that a real gateway uses are not touched.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path

from catalog import server as servers
from catalog.errors import SqlError
from catalog.principals import NO_CLAIMS, frozen_claims
from catalog.sqlstate import SqlState
from catalog.store.rows import AccessRows
from catalog.store.store import open_store
from catalog.tables import Catalog
from gateway.audit.audit import Audit
from gateway.authentication.identity import Identity
from gateway.configuration.config import Config
from gateway.metadata import Metadata
from gateway.rehearsal.absent import ABSENT
from gateway.rehearsal.left_behind import removed_if_killed
from gateway.relay.mirror_connection import MirrorConnection
from gateway.relay.mirror_opening import ServerRefused
from gateway.server import Gateway
from gateway.sessions.session import Session
from gateway.sql.statements import Kind, Statement, split
from gateway.wire import backend, frontend

_FOLLOWING = frozenset({SqlState.UNDEFINED_OBJECT})  # such as of a comment on a policy that could not be made
DIRECTOR = "lakegate_rehearsal"  # the superuser who carries out the statements of a rehearsal
_HEADER = 5  # bytes before a message's body

Claims = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement answered: its columns with the OIDs of their types, its rows as text, its tag."""

    columns: tuple[tuple[str, int], ...]
    rows: tuple[tuple[str | None, ...], ...]
    tag: str


class Stage:
    """The sessions of a rehearsal, one for each role and set of claims."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._sessions: dict[tuple[str, tuple[tuple[str, object], ...]], tuple[Session, _Captured]] = {}

    async def ask(self, text: str, role: str = DIRECTOR, claims: Claims = NO_CLAIMS) -> Answer:
        """Return the answer of the last statement of a text. Raises SqlError."""
        session, client = await self._session(role, claims)
        client.clear()
        await session.handle(frontend.Query(text))
        return client.answer()

    @property
    def rows(self) -> AccessRows:
        """Who may see what by now, without the rehearsal's own superuser."""
        rows = self._gateway.metadata.rows
        return replace(
            rows,
            roles=tuple(role for role in rows.roles if role.name != DIRECTOR),
            memberships=tuple(row for row in rows.memberships if DIRECTOR not in {row.role, row.member}),
            grants=tuple(replace(row, grantor=_unless_director(row.grantor)) for row in rows.grants),
            tables=tuple(replace(row, owner=_unless_director(row.owner)) for row in rows.tables),
            default_privileges=tuple(
                replace(row, creator=_unless_director(row.creator)) for row in rows.default_privileges
            ),
        )

    @property
    def catalog(self) -> Catalog:
        """The tables."""
        return self._gateway.lake.catalog

    async def close(self) -> None:
        """End the sessions."""
        for session, _ in self._sessions.values():
            await session.close()

    async def _session(self, role: str, claims: Claims) -> tuple[Session, _Captured]:
        key = (role, tuple(sorted((name, repr(value)) for name, value in claims.items())))
        found = self._sessions.get(key)
        if found is None:
            metadata = self._gateway.metadata
            identity = Identity(role, "rehearsal", role, claims=frozen_claims(claims))
            if metadata.get_principal(identity) is None:
                raise SqlError(SqlState.UNDEFINED_OBJECT, f'role "{role}" does not exist')
            mirror = MirrorConnection(metadata.opening(role, {}))
            try:
                await mirror.open()
            except ServerRefused as refused:  # such as a role without LOGIN
                raise _error(refused.message[_HEADER:]) from None
            client = _Captured()
            session = Session(self._gateway.session_services, identity, mirror, client)
            found = self._sessions[key] = session, client
        return found


def _unless_director(role: str | None) -> str | None:
    return None if role == DIRECTOR else role


class _Captured:
    """A client that keeps what it is sent."""

    peer = "rehearsal"

    def __init__(self) -> None:
        self._kept = bytearray()

    @property
    def sent_bytes(self) -> int:
        return len(self._kept)

    def send(self, message: backend.BackendMessage) -> None:
        self._kept += message.encode()

    def bytes_of(self, message: frontend.FrontendMessage) -> bytes:
        return message.encode()

    def write(self, data: bytes | memoryview) -> None:
        self._kept += data

    def relay(self, message: bytes) -> None:
        self._kept += message

    async def drain(self) -> None:
        """Everything is taken at once."""

    async def flush(self) -> None:
        """Nothing is held back."""

    def push(self) -> None:
        """Nothing is held back."""

    def end(self, reason: SqlError | None) -> None:
        """The next question finds out."""

    def skip(self) -> None:
        """There are no extended messages here."""

    def clear(self) -> None:
        self._kept.clear()

    def answer(self) -> Answer:
        """Return the last statement's answer, or raise the error that was sent."""
        columns: tuple[tuple[str, int], ...] = ()
        rows: list[tuple[str | None, ...]] = []
        tag, finished = "", True
        kept, at = bytes(self._kept), 0
        while at < len(kept):
            kind, end = kept[at : at + 1], at + 1 + int.from_bytes(kept[at + 1 : at + _HEADER], "big")
            body = kept[at + _HEADER : end]
            at = end
            if finished and kind in {b"T", b"C", b"E"}:
                columns, rows, finished = (), [], False
            if kind == b"T":
                columns = tuple((one.name, one.type_oid) for one in backend.RowDescription.decode(body).fields)
            elif kind == b"D":
                rows.append(tuple(_text(value) for value in backend.DataRow.decode(body).values))
            elif kind == b"C":
                tag, finished = backend.CommandComplete.decode(body).tag, True
            elif kind == b"E":
                raise _error(body)
        return Answer(columns, tuple(rows), tag)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def _error(body: bytes) -> SqlError:
    fields = backend.ErrorResponse.decode(body).fields
    position = int(fields["P"]) if "P" in fields else None
    return SqlError(SqlState(fields["C"]), fields["M"], detail=fields.get("D"), hint=fields.get("H"), position=position)


@asynccontextmanager
async def open_stage(
    config: Config | None = None,
    folder: Path | None = None,
    catalog: Catalog | None = None,
    absent: frozenset[str] = frozenset(),
) -> AsyncIterator[Stage]:
    """Have a stage for the length of a block, with the sources of a configuration; with ``catalog`` its tables are
    there by their columns alone, and no source is reached. ``folder`` (default: a new one) is for what it keeps.
    ``absent`` are sources that files stand for: policies on them are not refused for what their servers may know.
    """
    if catalog is not None:
        absent |= {table.source for table in catalog.tables.values() if table.kind == "postgres"}
    async with AsyncExitStack() as stack:
        kept = Path(tempfile.mkdtemp(prefix="lakegate-rehearsal-", dir=folder))
        kept.chmod(0o711)  # PostgreSQL does not run as root: its account must get through
        stack.callback(shutil.rmtree, kept, ignore_errors=True)
        stack.enter_context(removed_if_killed(kept))
        stack.callback(servers.remove, kept)
        config = _config(config or Config(), kept, with_sources=catalog is None)
        server = await asyncio.to_thread(partial(servers.start, kept, lasting=False))
        stack.push_async_callback(asyncio.to_thread, server.stop)
        with closing(open_store(server)) as store:
            store.add_role(DIRECTOR, superuser=True)
        metadata = await asyncio.to_thread(Metadata.on, server, config)
        stack.push_async_callback(asyncio.to_thread, metadata.close)
        gateway = Gateway(config, metadata, Audit.off(), absent)
        stack.callback(gateway.lake.close)
        if catalog is None:
            await gateway.start()
        else:
            gateway.lake.catalog = replace(catalog, version=1)
            await gateway.lake.show(metadata)
        following = asyncio.create_task(gateway.follow_grants())
        stack.push_async_callback(_end, following)
        stage = Stage(gateway)
        stack.push_async_callback(stage.close)
        yield stage


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _config(given: Config, kept: Path, *, with_sources: bool) -> Config:
    server = given.server.model_copy(update={"data_dir": kept, "metadata_url": None})
    audit = given.audit.model_copy(update={"mode": "off", "directory": None})
    engine = given.engine.model_copy(update={"spill_directory": None, "workers": 0})
    sources = given.sources if with_sources else {}
    return given.model_copy(update={"server": server, "audit": audit, "engine": engine, "sources": sources})


async def run_each(stage: Stage, texts: Iterable[str], absent: list[SqlError] | None = None) -> None:
    """Carry out the statements of texts one after another. Raises SqlError, whose detail names the statement. Errors of
    what names something that is not there are put into ``absent`` where it is given, and the rest is carried out.

    Statements of access in a row are sent as one change: the mirror and the store are read before and after each
    change, not each statement. One that fails undoes the change; then they are sent one by one, to find it.
    """
    each = ((statement, text) for text in texts for statement in split(text))
    for is_access, group in groupby(each, lambda one: one[0].kind is Kind.ACCESS):
        in_a_row = tuple(group)
        if is_access and len(in_a_row) > 1 and await _carried_out(stage, [statement for statement, _ in in_a_row]):
            continue
        for statement, text in in_a_row:
            try:
                await stage.ask(statement.text)
            except SqlError as error:
                line = text[: statement.start].count("\n") + 1
                told = f"In line {line}: {statement.text}" if line > 1 else f"Statement: {statement.text}"
                error.detail = "\n".join(filter(None, (error.detail, told)))
                if absent is None or not (error.sqlstate in ABSENT or (absent and error.sqlstate in _FOLLOWING)):
                    raise
                absent.append(error)


async def _carried_out(stage: Stage, statements: Sequence[Statement]) -> bool:
    """Carry out statements as one change; return whether it was possible."""
    try:
        await stage.ask(";\n".join(statement.text for statement in statements))
    except SqlError:  # it does not name the statement
        return False
    return True
