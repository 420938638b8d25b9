"""One connection to the catalogue mirror: a real PostgreSQL session that goes with a client's session.

Messages are passed through byte for byte. What the session must know of them is read on the way: the transaction's
status and the reported settings. Questions of the gateway's own (`ask`) leave the client's transaction, statements and
portals as they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from struct import Struct

from catalog.errors import SqlError
from catalog.mirror.activity import SIGNAL_CODE
from catalog.sqlstate import SqlState
from gateway.relay.mirror_login import connected
from gateway.relay.received import Received
from gateway.relay.server_login import Authentication, ServerTarget, startup
from gateway.wire import backend, frontend
from gateway.wire.fields import ENCODING

_CANCEL = Struct(">IIII")
_CANCEL_CODE = 80877102
_UNASKED = frozenset({b"A", b"S"})  # that answers to questions of the gateway's own may have among them
_NOTICE = ord("N")
_SIGNAL = f"\0C{SIGNAL_CODE}\0".encode()
_RELAYED_AT_ONCE = 1 << 16  # bytes passed on before the client's reading is waited for
_OURS = "lakegate own"  # the statement's name under which the gateway asks questions of its own
_STOPPED = "terminating connection due to administrator command"
_WHY_STOPPED = "The transaction may have held up a change of who may read what for more than 2 s."
_RUN_AGAIN = "Connect and run the transaction again."
Sink = Callable[[bytes], None]
Paused = Callable[[], Awaitable[None]]


class ServerRefused(Exception):
    """The mirror refused a login or ended the session; ``message`` is its ErrorResponse, to be passed on."""

    def __init__(self, message: bytes) -> None:
        super().__init__("refused by the mirror")
        self.message = message


class MirrorLost(SqlError):
    """The mirror's session has ended, and the client's with it. ``told``: the client was passed why. ``stopped``: an
    administrator's command ended it.
    """

    def __init__(self, *, told: bool, stopped: bool = False) -> None:
        if stopped:
            super().__init__(SqlState.ADMIN_SHUTDOWN, _STOPPED, detail=_WHY_STOPPED, hint=_RUN_AGAIN)
        else:
            super().__init__(SqlState.CONNECTION_FAILURE, "the catalogue mirror closed its connection")
        self.told = told


class MirrorConnection:
    """A logged-in session. Not safe for several tasks at once.

    ``extended`` tells whether the client is in the extended protocol now, where only its Sync may end a transaction.
    """

    def __init__(self, received: Received, transport: asyncio.Transport, login: ServerTarget) -> None:
        self._received = received
        self._transport = transport
        self._login = login
        self.parameters: dict[str, str] = {}
        self.process_id = 0
        self._secret = 0
        self.status = "I"
        self._reason: SqlError | None = None  # why what runs is cancelled
        self.tag = ""  # of the last command that `run` completed
        self.extended = False
        self._skipping = False  # an error was answered, and the server drops messages until Sync
        self._unsettled = False  # something was sent since the last ReadyForQuery
        self._told_end = False
        self._resting = False  # between `rest` and `wake`
        self._uses = 0  # of the gateway's own that are under way: what comes is for them
        self._unasked: list[bytes] = []  # messages that no statement of the client's has called for
        self.on_signal: Callable[[str, int], None] | None = None  # a client may signal the session of this process
        self.on_stop: Callable[[SqlError], None] | None = None  # an administrator has ended it, and nothing runs
        received.on_end = self._ended_unread

    @classmethod
    async def connect(cls, login: ServerTarget, parameters: Mapping[str, str]) -> MirrorConnection:
        """Log in with a client's startup settings. Raises `ServerRefused` with the server's own error for these."""
        received = Received()
        transport = await connected(login, received)
        connection = cls(received, transport, login)
        try:
            await connection._start(parameters)
        except BaseException:
            transport.close()
            raise
        return connection

    def write(self, message: bytes | memoryview) -> None:
        """Send bytes of complete messages, buffered."""
        self._unsettled = True
        self._transport.write(message)

    async def message(self) -> bytes:
        """Return the next complete message."""
        while (message := self._complete()) is None:
            if not await self._received.more():
                raise MirrorLost(told=self._told_end)
        self._note(message)
        if self._reason is not None and message[:1] == b"E":
            message = self._reasoned(message)
        return self._explained(message) if self._told_end else message

    def _complete(self) -> bytes | None:
        """Take the next message if all of it is there."""
        while (message := self._received.take_message()) is not None:
            if message[0] != _NOTICE or not self._signals(message):
                return message
        return None

    def _reasoned(self, message: bytes) -> bytes:
        """Return the error of a statement that was cancelled for a reason as that reason."""
        reason, self._reason = self._reason, None
        if reason is None or b"\0C57014\0" not in message:
            return message
        fields = {"S": "ERROR", "V": "ERROR", "C": str(reason.sqlstate), "M": reason.message, "H": reason.hint or ""}
        return backend.ErrorResponse({key: value for key, value in fields.items() if value}).encode()

    async def relay_until_ready(self, sink: Sink, paused: Paused) -> bytes | None:
        """Pass all messages to ``sink`` up to ReadyForQuery, which is not passed; return an error's message if one
        came. Rows come as many at once as there are. ``paused`` is awaited now and then: it returns when the client has
        read enough.
        """
        error = None
        ahead = 0
        while True:
            message = self._received.take_rows() or await self.message()
            kind = message[:1]
            if kind == b"Z":
                return error
            if kind == b"E":
                error = message
            sink(message)
            ahead += len(message)
            if ahead >= _RELAYED_AT_ONCE:
                ahead = 0
                await paused()

    async def describe(self, query: str, parameter_oids: tuple[int, ...]) -> list[bytes]:
        """Return the answers to the description of a statement, ErrorResponse among them where it has none."""
        return await self._ask(frontend.Parse(_OURS, query, parameter_oids), frontend.Describe("S", _OURS))

    async def answers_to(self, message: frontend.Execute) -> list[bytes]:
        """Execute a portal of the client's that has no rows, with nothing else under way; the last answer ends it."""
        self.write(message.encode() + frontend.Flush().encode())
        answers = [await self.message()]
        while answers[-1][:1] not in (b"C", b"I", b"E"):
            answers.append(await self.message())
        return answers

    async def ask(self, query: str, *parameters: bytes) -> tuple[list[bytes | None], bytes | None]:
        """Run a query of the gateway's own; return the first row's values and the error's message, if any."""
        bind = frontend.Bind(_OURS, _OURS, (), parameters)
        answers = await self._ask(frontend.Parse(_OURS, query), bind, frontend.Execute(_OURS))
        error = next((message for message in answers if message[:1] == b"E"), None)
        row = next((message for message in answers if message[:1] == b"D"), None)
        return ([] if row is None else _values(row)), error

    async def copy_out(self, query: str, most_bytes: int) -> bytearray | bytes | None:
        """Run a COPY ... TO STDOUT of the gateway's own. Return what it copies, the ErrorResponse where it fails, or
        None where there are more than ``most_bytes``.
        """
        copied = bytearray()
        stopped = False

        def take(data: bytes) -> None:
            if len(copied) <= most_bytes:
                copied.extend(data)

        def is_enough() -> bool:
            nonlocal stopped
            stopped, before = len(copied) > most_bytes, stopped
            return stopped and not before

        copy = (frontend.Parse(_OURS, query), frontend.Bind(_OURS, _OURS), frontend.Execute(_OURS))
        answers = await self._ask(*copy, take=take, is_enough=is_enough)
        if stopped:
            return None
        error = next((message for message in answers if message[:1] == b"E"), None)
        return copied if error is None else error

    async def run(self, messages: Sequence[frontend.FrontendMessage], until: bytes, sink: Sink) -> bytes | None:
        """Send messages of the gateway's own in the extended protocol, and take answers until one of the type ``until``
        comes, or an error, which is returned. Notices go to ``sink``. Nothing is committed before `settle`.
        """
        self.write(b"".join(message.encode() for message in (*messages, frontend.Flush())))
        while True:
            message = await self.message()
            kind = message[:1]
            if self._told_end:
                raise MirrorLost(told=False, stopped=_is_stop(message))
            if kind == b"N":
                sink(message)
            elif kind in _UNASKED:
                self._unasked.append(message)
            elif kind == until:
                self.tag = message[5:-1].decode() if kind == b"C" else self.tag
                return None
            elif kind == b"E":
                return message

    async def push(self, data: bytes | memoryview) -> None:
        """Send bytes of complete messages, and wait until the server has taken enough of what is on its way."""
        self.write(data)
        await self._received.room()

    async def settle(self, sink: Sink) -> bytes | None:
        """End what `run` began, where the client's own Sync will not; return the error of a commit that fails."""
        error = None
        if self.extended:
            return error
        self.write(frontend.Sync().encode())
        while (message := await self.message())[:1] != b"Z":
            if message[:1] == b"N":
                sink(message)
            elif message[:1] in _UNASKED:
                self._unasked.append(message)
            error = message if message[:1] == b"E" else error
        return error

    @asynccontextmanager
    async def in_block(self) -> AsyncIterator[None]:
        """Put a transaction block around what is done: an error rolls it back."""
        await self.ask("BEGIN")
        try:
            yield
        except BaseException:
            if not self._told_end:
                await self.ask("ROLLBACK")
            raise
        await self.ask("COMMIT")

    async def run_command(self, command: str, parameters: int) -> bytes | None:
        """Run a command of the gateway's own with NULL for each parameter; return the error's message, if any."""
        bind = frontend.Bind(_OURS, _OURS, (), (None,) * parameters)
        answers = await self._ask(frontend.Parse(_OURS, command), bind, frontend.Execute(_OURS))
        return next((message for message in answers if message[:1] == b"E"), None)

    async def values_of(self, prepare: frontend.Parse, query: str) -> tuple[list[bytes | None], bytes | None]:
        """Prepare a statement for one query, and run that; return its first row in binary and the error's message."""
        close = frontend.Close("S", prepare.name)  # an error may have left it
        bind = frontend.Bind(_OURS, _OURS, (), (), (1,))
        answers = await self._ask(close, prepare, frontend.Parse(_OURS, query), bind, frontend.Execute(_OURS), close)
        error = next((message for message in answers if message[:1] == b"E"), None)
        row = next((message for message in answers if message[:1] == b"D"), None)
        if error is not None and not self.extended:
            await self._ask(close)
        return ([] if row is None else _values(row)), error

    async def fail(self) -> None:
        """Fail as the client's statement did, outside of the mirror: an open transaction becomes a failed one."""
        if self._skipping or not (self.extended or self.status == "T"):
            return
        await self._ask(frontend.Parse(_OURS, "lakegate: a statement of this session failed outside of the mirror"))

    async def _ask(
        self,
        *messages: frontend.FrontendMessage,
        take: Callable[[bytes], None] | None = None,
        is_enough: Callable[[], bool] = lambda: False,
    ) -> list[bytes]:
        """Return the answers to messages. ``take`` gets the data of a COPY, which is cancelled once ``is_enough``."""
        end = frontend.Flush() if self.extended else frontend.Sync()
        clear, close = frontend.Close("S", _OURS), frontend.Close("P", _OURS)  # an error may have left the statement
        open_closes = 3 + sum(type(message) is frontend.Close for message in messages)
        with self.in_use():
            self.write(b"".join(message.encode() for message in (clear, *messages, close, clear, end)))
            return await self._answers(open_closes, take, is_enough)

    async def _answers(
        self, open_closes: int, take: Callable[[bytes], None] | None, is_enough: Callable[[], bool]
    ) -> list[bytes]:
        answers: list[bytes] = []
        while True:
            message = await self.message()
            kind = message[:1]
            if kind == b"Z":
                if self._resting:
                    self._transport.write(frontend.Flush().encode())
                return answers
            if kind in _UNASKED:
                self._unasked.append(message)
                continue
            if self._told_end:  # to a question of the gateway's own: the client does not see it
                raise MirrorLost(told=False, stopped=_is_stop(message))
            if kind == b"d" and take is not None:
                take(message[5:])
                if is_enough():
                    await self.cancel()
                continue
            answers.append(message)
            open_closes -= kind == b"3"
            if self.extended and (kind == b"E" or not open_closes):
                return answers

    # What comes unasked ---------------------------------------------------------------------------------------------

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep what comes for work of the gateway's own, though nobody waits for it at the moment."""
        self._uses += 1
        try:
            yield
        finally:
            self._uses -= 1

    @property
    def is_in_use(self) -> bool:
        """Whether such work is under way."""
        return self._uses > 0

    def on_unasked(self, spoken: Callable[[], None]) -> None:
        """Have ``spoken`` called when the server may have said something unasked, or has ended the session."""
        self._received.on_unasked = spoken

    def note_unasked(self, *, nothing_owed: bool = False) -> None:
        """Read what came unasked. ``nothing_owed``: the client's statements await nothing of the server now."""
        while (nothing_owed or not self._unsettled) and (message := self._complete()) is not None:
            self._note(message)
            self._unasked.append(_explained(message) if self._told_end else message)

    def take_unasked(self) -> list[bytes]:
        """Return the messages that came unasked: notifications, notices, settings, and why the session ends."""
        taken, self._unasked = self._unasked, []
        return taken

    @property
    def may_have_spoken(self) -> bool:
        """Whether something came that nobody has asked for."""
        return not self._unsettled and (len(self._received.data) > 0 or self._received.ended)

    @property
    def has_ended(self) -> bool:
        """Whether the server has ended the session, as far as that was read."""
        return self._told_end or self._received.ended

    @property
    def told_end(self) -> bool:
        """Whether it has said why."""
        return self._told_end

    def rest(self) -> None:
        """Keep the server from taking the session for idle, while the client's statement is executed elsewhere."""
        if not self._unsettled:
            self._resting = True
            self._transport.write(frontend.Flush().encode())  # it counts idle time from ReadyForQuery to a message

    async def wake(self) -> None:
        """End what `rest` has begun."""
        if self._resting:
            self._resting = False
            if not self.extended and not self.has_ended:  # else the client's Sync does it
                await self._ask()

    @property
    def unsettled(self) -> bool:
        """Whether the server may be at work: something was sent, and ReadyForQuery has not come since."""
        return self._unsettled

    async def cancel_for(self, reason: SqlError) -> None:
        """Cancel as `cancel` does; the error that the server answers with is told as this one."""
        self._reason = reason
        await self.cancel()

    async def cancel(self) -> None:
        """Ask the server to cancel what this session runs, over a connection of its own."""
        received = Received()
        transport = await connected(self._login, received)
        transport.write(_CANCEL.pack(16, _CANCEL_CODE, self.process_id, self._secret))
        while await received.more():
            pass  # the server closes without an answer
        transport.close()

    def close(self) -> None:
        """Say goodbye and close."""
        self._received.on_unasked = None
        if not self._transport.is_closing():
            self._transport.write(frontend.Terminate().encode())
            self._transport.close()

    def _signals(self, message: bytes) -> bool:
        """Whether a notice is the mirror's word to the gateway, which is passed on here."""
        if _SIGNAL not in message or self.on_signal is None:
            return False
        fields = {field[:1]: field[1:].decode() for field in message[5:].split(b"\0")}
        signal, _, process = fields[b"M"].partition(" ")
        self.on_signal(signal, int(process))
        return True

    def _ended_unread(self) -> None:
        """The server has gone while nobody waited for it."""
        if self.on_stop is not None and b"\0C57P01\0" in self._received.data:
            if self.status == "I":
                self.on_stop(SqlError(SqlState.ADMIN_SHUTDOWN, _STOPPED))
            else:
                self.on_stop(MirrorLost(told=False, stopped=True))

    def _explained(self, message: bytes) -> bytes:
        """Return what the mirror says at its end; where a transaction was told to end, with what may be the reason."""
        return _explained(message) if self.status != "I" else message

    def _note(self, message: bytes) -> None:
        if message[:1] == b"Z":
            self.status = chr(message[5])
            self._skipping = self._unsettled = False
            self._reason = None
        elif message[:1] == b"E":
            self._skipping = True
            self._told_end = b"\0VFATAL\0" in message or b"\0VPANIC\0" in message
        elif message[:1] == b"S":
            name, value = message[5:-1].split(b"\0", 1)
            self.parameters[name.decode()] = value.decode(ENCODING.get(), "replace")

    async def _start(self, parameters: Mapping[str, str]) -> None:
        self.write(startup(self._login, parameters))
        authentication = Authentication(self._login)
        while True:
            message = await self.message()
            kind = message[:1]
            if kind == b"R":
                answer = authentication.answer(message)
                if answer:
                    self.write(answer)
            elif kind == b"K":
                self.process_id, self._secret = Struct(">II").unpack_from(message, 5)
            elif kind == b"E":
                raise ServerRefused(message)
            elif kind == b"Z":
                return


def _is_stop(message: bytes) -> bool:
    return message[:1] == b"E" and b"\0C57P01\0" in message


def _explained(message: bytes) -> bytes:
    """Return what the mirror says at its end; where it was told to end, with what may be the reason."""
    if not _is_stop(message):
        return message
    fields = backend.ErrorResponse.decode(message[5:]).fields
    return backend.ErrorResponse({**fields, "D": _WHY_STOPPED, "H": _RUN_AGAIN}).encode()


def _values(message: bytes) -> list[bytes | None]:
    count, at = int.from_bytes(message[5:7], "big"), 7
    values: list[bytes | None] = []
    for _ in range(count):
        length = int.from_bytes(message[at : at + 4], "big", signed=True)
        at += 4
        values.append(None if length < 0 else message[at : at + length])
        at += max(length, 0)
    return values
