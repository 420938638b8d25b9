"""How a session comes by its connection to the mirror: who logs in there, with which settings, and under which number.

A login makes the mirror's server fork a process, the dearest thing in a client's login. So it waits until a statement
needs it, and only so many are under way at a time: the rest of a storm waits its turn, and statements go on meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from struct import Struct

import structlog
from cachetools import LRUCache

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.relay.mirror_login import connected
from gateway.relay.received import Received
from gateway.relay.server_login import Authentication, ServerTarget, startup
from gateway.wire import backend
from gateway.wire.fields import ENCODING

_log = structlog.get_logger(__name__)
_AT_ONCE = 8  # logins: more would not make PostgreSQL fork faster
_PATIENCE = 60.0  # seconds that one may take, its turn not counted
_LEAVING = 0.05  # seconds that a process takes to end
_KEY = Struct(">II")
_REMEMBERED = 1 << 14  # processes, gone ones too: what they have notified may come late


class ServerRefused(Exception):
    """The mirror refused a login; ``message`` is its ErrorResponse, to be passed on."""

    def __init__(self, message: bytes) -> None:
        super().__init__("refused by the mirror")
        self.message = message

    def as_sql_error(self) -> SqlError:
        """Return the error as one of the gateway's."""
        fields = backend.ErrorResponse.decode(self.message[5:]).fields
        return SqlError(SqlState(fields["C"]), fields["M"], detail=fields.get("D"), hint=fields.get("H"))


async def _no_room() -> bool:
    return False


class ProcessNumbers:
    """The process numbers of a gateway's sessions. ``note``: have the mirror know which process has which number."""

    def __init__(self, numbers: range, note: Callable[[int, int], Awaitable[None]]) -> None:
        self._numbers = numbers
        self._note = note
        self._next = 0
        self._taken: set[int] = set()
        self._of_processes: LRUCache[int, int] = LRUCache(_REMEMBERED)
        self.turns = asyncio.Semaphore(_AT_ONCE)
        self.make_room: Callable[[], Awaitable[bool]] = _no_room  # have sessions give up their processes in the mirror

    def take(self) -> int:
        """Return a number that no session has."""
        while True:
            number = self._numbers[self._next % len(self._numbers)]
            self._next += 1
            if number not in self._taken:
                self._taken.add(number)
                return number

    def give_back(self, number: int) -> None:
        """Note that the session has ended."""
        self._taken.discard(number)

    async def note(self, process: int, number: int) -> None:
        """Note that a server process works for a session from now on."""
        self._of_processes[process] = number
        await self._note(process, number)

    def told(self, process: int) -> int:
        """Return the number under which clients know a process of this gateway's sessions; another one is as it is."""
        return self._of_processes.get(process, process)


@dataclass(frozen=True, slots=True)
class Opening:
    """How one session's connection is opened. ``settings`` are those of the client's startup message."""

    target: ServerTarget
    settings: Mapping[str, str]
    number: int
    numbers: ProcessNumbers


@dataclass(frozen=True, slots=True)
class Told:
    """What a login has told of a session as it begins: its reported settings, and answers to questions (`ask`)."""

    parameters: Mapping[str, str]
    answers: Mapping[str, list[bytes | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection that has logged in: what came with it."""

    received: Received
    transport: asyncio.Transport
    process_id: int
    secret: int
    parameters: Mapping[str, str]


async def open_session(opening: Opening, restoring: tuple[bytes, ...] = ()) -> Opened:
    """Log in, and make the session what it was by messages that each end with Sync. Where the server has no room, idle
    sessions make some. Raises `ServerRefused`, and SqlError 57P03 where the mirror cannot be reached.
    """
    async with opening.numbers.turns:
        try:
            async with asyncio.timeout(_PATIENCE):
                while True:
                    try:
                        return await _opened(opening, restoring)
                    except ServerRefused as refused:
                        full = refused.as_sql_error().sqlstate is SqlState.TOO_MANY_CONNECTIONS
                        if not full or not await opening.numbers.make_room():
                            raise
                        await asyncio.sleep(_LEAVING)
        except TimeoutError:
            message = "the catalogue mirror does not answer"
            raise SqlError(SqlState.CANNOT_CONNECT_NOW, message, hint="Try again in a moment.") from None


async def _opened(opening: Opening, restoring: tuple[bytes, ...]) -> Opened:
    received = Received()
    transport = await connected(opening.target, received)
    try:
        opened = await _logged_in(opening, received, transport)
        await opening.numbers.note(opened.process_id, opening.number)
        parameters = {**opened.parameters}
        for messages in restoring:
            transport.write(messages)
            await _restored(received, parameters)
    except BaseException:
        transport.close()
        raise
    return replace(opened, parameters=parameters)


async def _restored(received: Received, parameters: dict[str, str]) -> None:
    """Take the answers up to ReadyForQuery. A statement that cannot be prepared any more is missed when it is used."""
    while (message := await _message(received))[:1] != b"Z":
        if message[:1] == b"S":
            _take_parameter(message, parameters)
        elif message[:1] == b"E":
            error = backend.ErrorResponse.decode(message[5:]).fields
            _log.warning("a session of the mirror is not what it was", sqlstate=error["C"])


def _take_parameter(message: bytes, parameters: dict[str, str]) -> None:
    name, value = message[5:-1].split(b"\0", 1)
    parameters[name.decode()] = value.decode(ENCODING.get(), "replace")


async def _logged_in(opening: Opening, received: Received, transport: asyncio.Transport) -> Opened:
    transport.write(startup(opening.target, opening.settings))
    authentication = Authentication(opening.target)
    parameters: dict[str, str] = {}
    process_id = secret = 0
    while True:
        message = await _message(received)
        kind = message[:1]
        if kind == b"R":
            answer = authentication.answer(message)
            if answer:
                transport.write(answer)
        elif kind == b"K":
            process_id, secret = _KEY.unpack_from(message, 5)
        elif kind == b"S":
            _take_parameter(message, parameters)
        elif kind == b"E":
            raise ServerRefused(message)
        elif kind == b"Z":
            return Opened(received, transport, process_id, secret, parameters)


async def _message(received: Received) -> bytes:
    while (message := received.take_message()) is None:
        if not await received.more():
            raise SqlError(SqlState.CONNECTION_FAILURE, "the catalogue mirror closed its connection")
    return message
