"""One connection to the catalogue mirror: a real PostgreSQL session that goes with a client's session.

It is opened when the first answer of it is waited for: what was written before is sent then. Until then it is as a
login with the same settings has told (`Told`).

Messages are passed through byte for byte. What the session must know of them is read on the way: the transaction's
status and the reported settings. Questions of the gateway's own (`ask`) leave the client's transaction, statements and
portals as they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from struct import Struct

from catalog.errors import SqlError
from catalog.mirror.activity import SIGNAL_CODE
from catalog.sqlstate import SqlState
from gateway.relay.gathered import Gathered
from gateway.relay.mirror_errors import STOPPED, MirrorLost, MirrorRefused, explained, is_stop, values
from gateway.relay.mirror_login import connected
from gateway.relay.mirror_opening import Opening, ServerRefused, Told, open_session
from gateway.relay.mirror_state import OWN
from gateway.relay.received import Received
from gateway.wire import backend, frontend
from gateway.wire.fields import ENCODING
from gateway.wire.login import ParameterStatus

_CANCEL = Struct(">IIII")
_CANCEL_CODE = 80877102
_UNASKED = frozenset({b"A", b"S"})  # that answers to questions of the gateway's own may have among them
_NOTICE = ord("N")
_NOTIFICATION = ord("A")
_CANCEL_LATER = 0.05  # seconds after a statement was sent at last
_SIGNAL = f"\0C{SIGNAL_CODE}\0".encode()
_RELAYED_AT_ONCE = 1 << 16  # bytes passed on before the client's reading is waited for
Sink = Callable[[bytes], None]
Paused = Callable[[], Awaitable[None]]


class MirrorConnection:
    """A session of the mirror. Not safe for several tasks at once. ``told``: what is known of it before it is opened.

    ``extended`` tells whether the client is in the extended protocol now, where only its Sync may end a transaction.
    ``number`` is the process number that the client knows, ``process_id`` that of the server's process, 0 for none.
    """

    def __init__(self, opening: Opening, told: Told | None = None) -> None:
        self.opening = opening
        self._told = told
        self._received = Received()
        self._transport: Gathered | None = None
        self._written = bytearray()  # before there was somebody to send it to
        self._cancelled = False  # so too
        self._restoring: tuple[bytes, ...] = ()  # what makes it as it was when it was parked
        self._cancelling: asyncio.Future[None] | None = None
        self.number = opening.number
        self.settings_told = 0  # how often the process has told a setting
        self.parameters: dict[str, str] = {} if told is None else {**told.parameters}
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
        self._spoken: Callable[[], None] | None = None

    async def open(self) -> None:
        """Log in, if that was not done. Raises `ServerRefused` with the server's own error, and SqlError."""
        if self._transport is not None:
            return
        opened = await open_session(self.opening, self._restoring)
        self._restoring = ()
        self._received, self._transport = opened.received, Gathered(opened.transport)
        self.process_id, self._secret = opened.process_id, opened.secret
        self._received.on_end = self._ended_unread
        self._received.on_unasked = self._spoken
        if self.parameters:  # the client was told other settings, should they have changed since
            changed = [one for one in opened.parameters.items() if self.parameters.get(one[0]) != one[1]]
            self._unasked += [ParameterStatus(*one).encode() for one in changed]
        self.parameters.update(opened.parameters)
        written, self._written = self._written, bytearray()
        self._transport.write(written)
        if self._cancelled:
            self._cancelled = False
            asyncio.get_running_loop().call_later(_CANCEL_LATER, self._cancel_unsettled)

    async def require_open(self) -> None:
        """Log in, if that was not done. Raises `MirrorRefused`: the client's session ends."""
        try:
            await self.open()
        except ServerRefused as refused:
            raise MirrorRefused(refused.as_sql_error()) from None
        except SqlError as error:
            raise MirrorRefused(error) from error

    @property
    def is_untouched(self) -> bool:
        """Whether nothing was sent to it yet, so that it owes nothing, and is in no transaction."""
        return self._transport is None and not self._written

    @property
    def may_be_parked(self) -> bool:
        """Whether the connection is open, with nothing under way, and nothing to be told to the client."""
        return self.status == "I" and self.is_at_rest

    @property
    def is_at_rest(self) -> bool:
        """Whether the connection is open, with nothing under way, and nothing to be read or told."""
        busy = self._unsettled or self._skipping or self._uses or self._resting or self.may_have_spoken
        return self._transport is not None and not (busy or self._unasked or self.has_ended)

    def park(self, restoring: tuple[bytes, ...]) -> None:
        """Close the connection, which is opened again when it is needed, with these messages of each one Sync."""
        self._received.on_unasked = self._received.on_end = None
        self._send(frontend.Terminate())
        if self._transport is not None:
            self._transport.close()
        self._received, self._transport = Received(), None
        self.process_id = self._secret = 0
        self._told, self._restoring = None, restoring

    def write(self, message: bytes | memoryview) -> None:
        """Send bytes of complete messages, buffered."""
        self._unsettled = True
        if self._transport is None:
            self._written += message
        else:
            self._transport.write(message)

    async def message(self) -> bytes:
        """Return the next complete message."""
        if self._transport is None:
            await self.require_open()
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
            if message[0] == _NOTIFICATION:
                notifier = self.opening.numbers.told(int.from_bytes(message[5:9], "big"))
                return message[:5] + notifier.to_bytes(4, "big") + message[9:]
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

    async def relay_until_ready(self, sink: Sink, paused: Paused, *, at_once: bool = False) -> bytes | None:
        """Pass all messages to ``sink`` up to ReadyForQuery, which is not passed; return an error's message if one
        came. Rows come as many at once as there are, with their description; ``at_once``: with all that comes before
        them. ``paused`` is awaited now and then: it returns when the client has read enough.
        """
        take = self._received.take_before_end if at_once else self._received.take_described_rows
        error = None
        ahead = 0
        while True:
            message = take() or await self.message()
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
        return await self._ask(frontend.Parse(OWN, query, parameter_oids), frontend.Describe("S", OWN))

    async def answers_to(self, message: frontend.Execute) -> list[bytes]:
        """Execute a portal of the client's that has no rows, with nothing else under way; the last answer ends it."""
        self.write(message.encode() + frontend.Flush().encode())
        answers = [await self.message()]
        while answers[-1][:1] not in (b"C", b"I", b"E"):
            answers.append(await self.message())
        return answers

    async def ask(
        self, query: str, *parameters: bytes | None, oids: tuple[int, ...] = (), formats: tuple[int, ...] = ()
    ) -> tuple[list[bytes | None], bytes | None]:
        """Run a query of the gateway's own; return the first row's values and the error's message, if any."""
        if self.is_untouched and self._told is not None and query in self._told.answers and not parameters:
            return self._told.answers[query], None
        bind = frontend.Bind(OWN, OWN, formats, parameters)
        answers = await self._ask(frontend.Parse(OWN, query, oids), bind, frontend.Execute(OWN))
        error = next((message for message in answers if message[:1] == b"E"), None)
        row = next((message for message in answers if message[:1] == b"D"), None)
        return ([] if row is None else values(row)), error

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

        copy = (frontend.Parse(OWN, query), frontend.Bind(OWN, OWN), frontend.Execute(OWN))
        answers = await self._ask(*copy, take=take, is_enough=is_enough)
        if stopped:
            return None
        error = next((message for message in answers if message[:1] == b"E"), None)
        return copied if error is None else error

    async def run(self, messages: Sequence[frontend.FrontendMessage], until: bytes, sink: Sink) -> bytes | None:
        """Send messages of the gateway's own in the extended protocol, and take answers until one of the type ``until``
        comes, or an error, which is returned. Notices and rows go to ``sink``. Nothing is committed before `settle`.
        """
        self.write(b"".join(message.encode() for message in (*messages, frontend.Flush())))
        while True:
            message = await self.message()
            kind = message[:1]
            if self._told_end:
                raise MirrorLost(told=False, stopped=is_stop(message))
            if kind in (b"N", b"D"):
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
        """End what `run` or `ask` began, where the client's Sync will not; return the error of a commit that fails."""
        error = None
        if self.extended or not self._unsettled:
            return error
        self.write(frontend.Sync().encode())
        while (message := await self.message())[:1] != b"Z":
            if message[:1] == b"N":
                sink(message)
            elif message[:1] in _UNASKED:
                self._unasked.append(message)
            error = message if message[:1] == b"E" else error
        return error

    async def run_command(self, command: str, parameters: int) -> bytes | None:
        """Run a command of the gateway's own with NULL for each parameter; return the error's message, if any."""
        bind = frontend.Bind(OWN, OWN, (), (None,) * parameters)
        answers = await self._ask(frontend.Parse(OWN, command), bind, frontend.Execute(OWN))
        return next((message for message in answers if message[:1] == b"E"), None)

    async def values_of(self, prepare: frontend.Parse, query: str) -> tuple[list[bytes | None], bytes | None]:
        """Prepare a statement for one query, and run that; return its first row in binary and the error's message."""
        close = frontend.Close("S", prepare.name)  # an error may have left it
        bind = frontend.Bind(OWN, OWN, (), (), (1,))
        answers = await self._ask(close, prepare, frontend.Parse(OWN, query), bind, frontend.Execute(OWN), close)
        error = next((message for message in answers if message[:1] == b"E"), None)
        row = next((message for message in answers if message[:1] == b"D"), None)
        if error is not None and not self.extended:
            await self._ask(close)
        return ([] if row is None else values(row)), error

    async def fail(self) -> None:
        """Fail as the client's statement did, outside of the mirror: an open transaction becomes a failed one."""
        if self._skipping or self.is_untouched or not (self.extended or self.status == "T"):
            return
        await self._ask(frontend.Parse(OWN, "lakegate: a statement of this session failed outside of the mirror"))

    async def _ask(
        self,
        *messages: frontend.FrontendMessage,
        take: Callable[[bytes], None] | None = None,
        is_enough: Callable[[], bool] = lambda: False,
    ) -> list[bytes]:
        """Return the answers to messages. ``take`` gets the data of a COPY, which is cancelled once ``is_enough``."""
        end = frontend.Flush() if self.extended else frontend.Sync()
        clear, close = frontend.Close("S", OWN), frontend.Close("P", OWN)  # an error may have left the statement
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
                    self._send(frontend.Flush())
                return answers
            if kind in _UNASKED:
                self._unasked.append(message)
                continue
            if self._told_end:  # to a question of the gateway's own: the client does not see it
                raise MirrorLost(told=False, stopped=is_stop(message))
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
        self._spoken = self._received.on_unasked = spoken

    def speak(self) -> None:
        """Have what `on_unasked` was given called: there may be something that it was not called for."""
        if self._spoken is not None:
            self._spoken()

    def note_unasked(self, *, nothing_owed: bool = False) -> None:
        """Read what came unasked. ``nothing_owed``: the client's statements await nothing of the server now."""
        while (nothing_owed or not self._unsettled) and (message := self._complete()) is not None:
            self._note(message)
            self._unasked.append(explained(message) if self._told_end else message)

    def take_unasked(self) -> list[bytes]:
        """Return the messages that came unasked: notifications, notices, settings, and why the session ends."""
        taken, self._unasked = self._unasked, []
        return taken

    @property
    def may_have_spoken(self) -> bool:
        """Whether something came that nobody has asked for."""
        return not self._unsettled and (len(self._received.data) > 0 or self._received.ended)

    @property
    def has_news(self) -> bool:
        """Whether the client is to be told something before its session is ready."""
        if self._unasked:
            return True
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
        if not self._unsettled and self._transport is not None:
            self._resting = True
            self._send(frontend.Flush())  # it counts idle time from ReadyForQuery to a message

    def _send(self, message: frontend.FrontendMessage) -> None:
        """Send a message that the server gives no answer to."""
        if self._transport is not None:
            self._transport.write(message.encode())

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
        if self._transport is None:
            self._cancelled = bool(self._written)
            return
        received = Received()
        transport = await connected(self.opening.target, received)
        transport.write(_CANCEL.pack(16, _CANCEL_CODE, self.process_id, self._secret))
        while await received.more():
            pass  # the server closes without an answer
        transport.close()

    def _cancel_unsettled(self) -> None:
        """Cancel what was to be cancelled before it was sent. The server heeds no cancel before a statement begins."""
        if self._unsettled:
            self._cancelling = asyncio.ensure_future(self.cancel())

    def close(self) -> None:
        """Say goodbye and close."""
        self._received.on_unasked = None
        self.opening.numbers.give_back(self.number)
        if self._transport is not None and not self._transport.is_closing():
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
                self.on_stop(SqlError(SqlState.ADMIN_SHUTDOWN, STOPPED))
            else:
                self.on_stop(MirrorLost(told=False, stopped=True))

    def _explained(self, message: bytes) -> bytes:
        """Return what the mirror says at its end; where a transaction was told to end, with what may be the reason."""
        return explained(message) if self.status != "I" else message

    def _note(self, message: bytes) -> None:
        if message[:1] == b"Z":
            self.status = chr(message[5])
            self._skipping = self._unsettled = False
            self._reason = None
        elif message[:1] == b"E":
            self._skipping = True
            self._told_end = b"\0VFATAL\0" in message or b"\0VPANIC\0" in message
        elif message[:1] == b"S":
            self.settings_told += 1
            name, value = message[5:-1].split(b"\0", 1)
            self.parameters[name.decode()] = value.decode(ENCODING.get(), "replace")
