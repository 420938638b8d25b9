"""Answers that the mirror owes a session: messages of the extended protocol were sent on, and nobody waited."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.audit.witness import Witness
from gateway.lanes.prepared import NamedStatements
from gateway.relay.mirror_connection import MirrorConnection
from gateway.sql.statements import Statement
from gateway.told_errors import AlreadySent, placed, told_error
from gateway.wire import frontend


class BehindError(AlreadySent):
    """A statement by itself came behind messages without a Sync, of which one has failed: it is dropped."""


@dataclass(frozen=True, slots=True)
class _Owed:
    """An answer that the mirror still owes: the types of message that may end it, and what it settles."""

    ends: bytes
    settled: Callable[[], None] | None = None
    hidden: bool = False  # the client has not asked for it


class OwedAnswers:
    """Sends messages to the mirror, and passes its answers on to the client in their order."""

    def __init__(self, mirror: MirrorConnection, client: Witness, statements: NamedStatements) -> None:
        self._mirror = mirror
        self._client = client
        self._statements = statements
        self._expected: deque[_Owed] = deque()

    def send(self, message: frontend.FrontendMessage, ends: bytes, settled: Callable[[], None] | None = None) -> None:
        """Send a message whose answer ends with a message of one of the types ``ends``; ``settled`` is called then."""
        self._mirror.write(self._client.bytes_of(message))
        self._expected.append(_Owed(ends, settled))

    def send_before(self, parse: frontend.Parse) -> None:
        """Send a Parse that the client's next message needs; he is told nothing of it but an error."""
        self._mirror.write(parse.encode())
        self._expected.append(_Owed(b"1", hidden=True))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is owed."""
        return not self._expected

    async def drain(self) -> None:
        """Pass on the answers the mirror still owes, so that ours come after them. Raises `AlreadySent` after an error
        of the mirror's.
        """
        if not self._expected:
            return
        self._mirror.write(frontend.Flush().encode())
        while self._expected:
            message = await self._mirror.message()
            self.take(message)
            if message[:1] == b"E":
                raise AlreadySent()
            if message[:1] in b"Dd":
                await self._client.drain()

    async def execute_alone(self, message: frontend.Execute, commit: Callable[[], Awaitable[None]] | None) -> None:
        """Execute a portal of the mirror when nothing is owed: work of the gateway's own, ``commit``, goes with it,
        before the client is told. Raises `AlreadySent` after an error.
        """
        held = await self._mirror.answers_to(message)
        if held[-1][:1] == b"E":
            self.take(held[-1])
            raise AlreadySent()
        if commit is not None:
            await commit()
        for data in held:
            self.pass_on(data)

    async def query(self, statement: Statement, commit: Callable[[], Awaitable[None]] | None) -> bool:
        """Have the mirror carry out one statement of a text when nothing is owed; ``commit`` as for `execute_alone`.
        Return whether it did; else the client was told why not.
        """
        held: list[bytes] = []
        sink = self.pass_on if commit is None else held.append
        self._mirror.write(frontend.Query(statement.text).encode())
        start = statement.start
        error = await self._mirror.relay_until_ready(lambda data: sink(placed(data, start)), self._client.drain)
        if error is None and commit is not None:
            await commit()
        for data in held:
            self.pass_on(data)
        return error is None

    async def drain_before_query(self, *, settles: bool) -> None:
        """As `drain`, of messages without a Sync before a statement by itself. Raises `BehindError` after an error:
        PostgreSQL drops the statement then, with all up to Sync. ``settles``: the client has executed nothing, so that
        what is open in the mirror are questions of the gateway's own.
        """
        if await self.skips():
            raise BehindError()
        self._mirror.extended = False
        if settles:
            await self._mirror.settle(self._client.relay)

    async def require_statement(self, name: str) -> None:
        """Raise SqlError where the client has no prepared statement of a name. The mirror may have: a statement by
        itself ends the unnamed one, and the mirror has not seen each.
        """
        if self._statements.get(name) is None:
            await self.drain()
            self._statements.require(name)

    async def skips(self) -> bool:
        """Do as `drain`; after an error have the client's messages dropped up to its Sync, and return True."""
        failed = await self.ends_in_error()
        if failed:
            self._client.skip()
        return failed

    async def ends_in_error(self) -> bool:
        """Do as `drain`; return whether an error was among the answers."""
        try:
            await self.drain()
        except AlreadySent:
            return True
        return False

    def take(self, message: bytes) -> None:
        """Pass an answer of the mirror on, and do what it settles."""
        kind = message[:1]
        if not (self._expected and self._expected[0].hidden and kind in self._expected[0].ends):
            self.pass_on(message)
        if kind == b"E":
            self._expected.clear()
            self._statements.failed()
        elif self._expected and kind in self._expected[0].ends:
            owed = self._expected.popleft()
            if owed.settled is not None:
                owed.settled()

    def pass_on(self, data: bytes) -> None:
        """Pass a message of the mirror on; an error in the gateway's words where these differ."""
        self._client.relay(told_error(data, 0) if data[:1] == b"E" else data)

    def clear(self) -> None:
        """Owe nothing: the mirror is in step."""
        self._expected.clear()
