"""A statement that a source's server answers in portions: a portal or a cursor there, on a connection of its own.

What the client does with his portal is done with the server's, so that its rows, its places and its errors are the
server's own. It lives in a transaction of the server's until it is closed; a cursor WITH HOLD outlives that as
PostgreSQL has it: its rows are kept by the server when the client's transaction ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.relay.source_connection import Ended, Execution, Nobody, Sink, SourceFailed
from gateway.relay.source_lease import Lease, command
from gateway.wire import backend, frontend

NAME = "lakegate"  # of the portal or cursor at the server
_BEGIN = command("BEGIN")


class SourcePortal:
    """An open portal. Not safe for several tasks at once."""

    def __init__(self, lease: Lease, execution: Execution) -> None:
        self._lease: Lease | None = lease
        self._first = _BEGIN + lease.connection.bind(execution, NAME)  # sent with what is asked first
        self._is_suspended = True
        self._holding: asyncio.Task[None] | None = None
        self._fetches = 0

    @property
    def exhausted(self) -> bool:
        """Whether the end was reached."""
        return not self._is_suspended

    @classmethod
    async def declare(
        cls, lease: Lease, execution: Execution, options: tuple[str, str]
    ) -> tuple[SourcePortal, tuple[backend.FieldDescription, ...]]:
        """Open a cursor, with what DECLARE has before and behind CURSOR; return it and its columns. Raises SqlError,
        after which the lease is to be ended.
        """
        portal = cls(lease, execution)
        before, behind = options
        text = f"DECLARE {NAME} {before} CURSOR {behind} FOR {execution.sql}"
        parse = frontend.Parse("", text, execution.oids).encode()
        bind = frontend.Bind("", "", execution.formats, execution.values).encode()
        rest = frontend.Execute("").encode() + frontend.Describe("P", NAME).encode()
        lease.connection.has_cursors = bool(behind)
        portal._first = b""
        ended = await portal._exchange(_BEGIN + parse + bind + rest, Nobody())
        return portal, ended.fields

    async def send(self, limit: int, client: Sink) -> int:
        """Pass on the next rows, at most ``limit`` (0: all); return how many its command tag has. Raises SqlError."""
        ended = await self.exchange(frontend.Execute(NAME, limit).encode(), client)
        self._is_suspended = ended.suspended
        return limit if ended.suspended else ended.rows

    async def run(self, text: str) -> int:
        """Carry out a MOVE of `NAME`; return how many rows a FETCH would have had. Raises SqlError."""
        return (await self.exchange(command(text), Nobody())).rows

    def fetch(self, text: str, formats: Sequence[int]) -> SourceFetch:
        """Return the rows of a FETCH of `NAME`, in these formats."""
        self._fetches += 1
        return SourceFetch(self, text, tuple(formats), f"{NAME}_{self._fetches}")

    def hold(self) -> None:
        """Have the server keep the rows beyond the end of its transaction: it has come for the client."""
        if self._lease is not None and self._holding is None:
            self._holding = asyncio.get_running_loop().create_task(self._commit())

    def forget(self, name: str) -> None:
        """Close another portal of the connection, with what is asked next."""
        self._first += frontend.Close("P", name).encode()

    async def close(self) -> None:
        """Stop the statement, and give its connection back."""
        lease, self._lease = self._lease, None
        if self._holding is not None:
            self._holding.cancel()
            await asyncio.gather(self._holding, return_exceptions=True)
        if lease is not None:
            lease.end()

    async def exchange(self, messages: bytes, client: Sink, *, in_block: bool = False) -> Ended:
        """Send messages when those before are done, and pass on what comes of rows. ``in_block``: the portals that they
        make are to live on, also where the rows are held beyond their transaction. Raises SqlError.
        """
        if self._holding is not None:
            await asyncio.shield(self._holding)
            if in_block and self._lease is not None and not self._lease.connection.in_transaction:
                messages = _BEGIN + messages
        return await self._exchange(messages, client)

    async def _commit(self) -> None:
        await self._exchange(command("COMMIT"), Nobody())

    async def _exchange(self, messages: bytes, client: Sink) -> Ended:
        lease = self._lease
        if lease is None:
            raise SqlError(SqlState.OBJECT_NOT_IN_PREREQUISITE_STATE, "the cursor is closed")
        first, self._first = self._first, b""
        with lease.told():
            try:
                return await lease.connection.exchange(first + messages, client)
            except SourceFailed as failure:
                if failure.sqlstate == SqlState.OBJECT_NOT_IN_PREREQUISITE_STATE:
                    raise _forward_only() from None
                raise
            finally:
                if lease.connection.is_busy and self._lease is lease:  # broken off: it cannot go on, and is to stop now
                    self._lease = None
                    lease.end()


class SourceFetch:
    """What one FETCH gives of a portal's rows."""

    def __init__(self, portal: SourcePortal, text: str, formats: tuple[int, ...], name: str) -> None:
        self._portal = portal
        self._text = text
        self._formats = formats
        self._name = name
        self._is_named = False
        self._is_suspended = True

    @property
    def exhausted(self) -> bool:
        """Whether all were sent."""
        return not self._is_suspended

    async def send(self, limit: int, client: Sink) -> int:
        """As `SourcePortal.send`."""
        first = b""
        if not self._is_named:
            name = self._name if limit else ""  # one that is executed once needs no name
            first = frontend.Parse("", self._text, ()).encode()
            first += frontend.Bind(name, "", (), (), self._formats).encode()
            self._name, self._is_named = name, bool(name)
        execute = frontend.Execute(self._name, limit).encode()
        ended = await self._portal.exchange(first + execute, client, in_block=limit > 0)
        self._is_suspended = ended.suspended
        return limit if ended.suspended else ended.rows

    async def close(self) -> None:
        """Let go of what the server keeps for it."""
        if self._is_named:
            self._portal.forget(self._name)
            self._is_named = False


def _forward_only() -> SqlError:
    return SqlError(
        SqlState.OBJECT_NOT_IN_PREREQUISITE_STATE,
        "cursor can only scan forward",
        hint="Declare it with SCROLL option to enable backward scan.",
    )
