"""A session's client, watched: every message of the client and every answer to him passes here, on whichever lane it is
made. So this is the one place where statements are begun and ended for the audit.

A simple query is one statement here however many commands it holds, as in PostgreSQL's own log; each Execute of the
extended protocol is one. Answers come in the order of the messages, so the oldest open ticket is always the one meant.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from time import monotonic
from typing import Protocol

from catalog.errors import SqlError
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from gateway.activity import Activity
from gateway.audit.audit import Audit, Entry, Ticket, Waiting
from gateway.audit.entries import (
    NOTHING_KNOWN,
    Kind,
    Outcome,
    ReadAgain,
    Reading,
    Who,
    as_members,
    json_text,
)
from gateway.authentication.identity import Identity
from gateway.logs import bound_ids
from gateway.sql.normalised import SHORT, known_reading, normalised
from gateway.wire import backend, frontend
from gateway.wire.sent_at_once import SentAtOnce
from optimizer.stages import Fragmented

_COMMAND, _ERROR, _EMPTY, _SUSPENDED = ord("C"), ord("E"), ord("I"), ord("s")
_ENDS = frozenset({_COMMAND, _ERROR, _EMPTY, _SUSPENDED})
_DONE = str(SqlState.SUCCESSFUL_COMPLETION)
_LEFT = str(SqlState.CONNECTION_FAILURE)
_NO_LANE = "none"  # of a statement that failed before one was chosen
_Named = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]  # tables, policies, shadows
_UNWRITTEN = Entry("statement", "")  # where there is no audit


class Client(Protocol):
    """The client as the connection offers it."""

    peer: str

    @property
    def sent_bytes(self) -> int:
        """Bytes queued so far."""

    def send(self, message: backend.BackendMessage) -> None:
        """Queue a message."""

    def bytes_of(self, message: frontend.FrontendMessage) -> bytes:
        """Return a message of the client's as bytes."""

    def write(self, data: bytes | memoryview) -> None:
        """Queue rows."""

    def relay(self, message: bytes) -> None:
        """Queue messages of the mirror."""

    async def drain(self) -> None:
        """Wait until the client has read enough of what is queued."""

    async def flush(self) -> None:
        """Send what is queued."""

    def push(self) -> None:
        """Send what is queued, without waiting."""

    def end(self, reason: SqlError | None) -> None:
        """End the connection; None: the client was told why."""

    def skip(self) -> None:
        """Drop the statement at hand and all up to Sync."""


class Asker(Protocol):
    """The session, as far as the audit asks it."""

    identity: Identity  # who logged in

    def who(self) -> tuple[Principal, Mapping[str, str], str]:
        """Return the principal, the session's reported settings and the database."""

    def statement_text(self, name: str) -> str | None:
        """Return the text of a prepared statement."""


class _Open:
    """A statement that was begun."""

    __slots__ = ("_reading", "again", "bytes_before", "limit", "rows", "simple", "sqlstate", "ticket")

    def __init__(self, ticket: Ticket, bytes_before: int, *, simple: bool, limit: int) -> None:
        self.ticket = ticket
        self.bytes_before = bytes_before
        self.simple = simple
        self.limit = limit
        self.rows = 0
        self.sqlstate: str | None = None
        self._reading: Reading | None = None
        self.again: ReadAgain | None = None  # in the place of that

    @property
    def reading(self) -> Reading:
        """What is known of what it reads."""
        if self._reading is None:
            self._reading = Reading()
        return self._reading


class Witness:
    """Stands between a session and its client."""

    def __init__(self, client: Client, audit: Audit, asker: Asker) -> None:
        self._client = client
        self._audit = audit
        self._asker = asker
        self.activity = Activity()
        self.peer = client.peer
        self.drain = client.drain
        self.flush = client.flush
        self.push = client.push
        self.end = client.end
        self.skip = client.skip
        self.write = client.write
        self.bytes_of = client.bytes_of
        self._open: deque[_Open] = deque()
        self._portals: dict[str, tuple[str, bool]] = {}  # text, and whether it was executed before
        self._subject = ""  # what the message at hand is about
        self._told_bytes = 0  # of statements that have ended
        self._who: tuple[object, str] = (None, "")
        self._read_again: tuple[_Named | None, Fragmented | None, ReadAgain] = (None, None, NOTHING_KNOWN)
        self._told: tuple[str, str, Principal | None, str, str] = ("", "", None, "", "")  # see `_members_again`
        self._holds = False
        self._held: Callable[[], None] | None = None  # see `last_end_held`

    @property
    def sent_bytes(self) -> int:
        """Bytes queued for the client so far."""
        return self._client.sent_bytes

    # --- what the client asks ---

    async def receive(self, message: frontend.FrontendMessage) -> None:
        """Take note of a message before it is carried out; one that executes something is written as an intent first.
        Raises SqlError where it cannot be written.
        """
        if type(message) is frontend.Query or type(message) is frontend.Parse:
            self._subject = message.query
            self.activity.begins(message.query)
            if type(message) is frontend.Query:  # match asks the classes' abstract base, which takes longer
                await self._begin(message.query, simple=True)
        elif type(message) is frontend.Execute:
            text, resumed = self._portals.get(message.portal, ("", False))
            self._portals[message.portal] = (text, True)
            self._subject = text
            self.activity.begins(text)
            await self._begin(text, limit=message.max_rows, resumed=resumed)
        elif type(message) is SentAtOnce:
            parse = message.parse
            text = parse.query if parse is not None else self._asker.statement_text(message.statement) or ""
            self._portals[""] = (text, True)
            await self.executes(text)
        elif type(message) is frontend.Bind:
            self._subject = self._asker.statement_text(message.statement) or ""
            self._portals[message.portal] = (self._subject, False)
        elif type(message) is frontend.Describe:
            prepared = message.kind == "S"
            found = self._asker.statement_text(message.name) if prepared else self._portals.get(message.name)
            self._subject = found[0] if isinstance(found, tuple) else found or ""
        elif type(message) is frontend.Close:
            if message.kind == "P":
                self._portals.pop(message.name, None)
        elif type(message) is frontend.FunctionCall:
            self._subject = ""
            await self._begin("", simple=True)

    async def executes(self, text: str) -> None:
        """Take note of a statement that is bound and executed at once, in the place of `receive` of its messages."""
        self._subject = text
        self.activity.begins(text)
        await self._begin(text)

    def executes_soon(
        self, texts: tuple[str, str], ids: tuple[str, str], asks: tuple[Principal, str], waiting: Waiting
    ) -> bool:
        """As `executes`, for a statement of these ids that is carried out in callbacks: ``waiting`` is told when its
        intent was written (and calls `begun` then), or why not. ``texts`` are its own and one of the same shape, which
        is read for it; ``asks`` are the principal and the session's ``application_name``. Return False where that takes
        more than a moment.
        """
        text, like = texts
        audit, entry = self._audit, _UNWRITTEN
        if not audit.is_prompt:
            return False
        if audit.is_on:
            of, _, who, application, known = self._told
            is_same = like is of and asks[0] is who and asks[1] == application  # mostly
            members = known if is_same else self._members_again(like, asks)
            if members is None:
                return False
            entry = Entry("statement", f'"connection":"{ids[0]}","statement":"{ids[1]}",{members}')
        self._subject = text
        self.activity.begins(text)
        audit.begin_soon(entry, waiting)
        return True

    def _members_again(self, text: str, asks: tuple[Principal, str]) -> str | None:
        """Return what an entry has of a statement whose text was read before."""
        known_text, shown, who, application, members = self._told
        principal, called = asks
        if text is not known_text:
            found = None if "\\" in text else known_reading(text, self._asker.identity.role)
            if found is None:
                return None
            who, shown = who if found == shown else None, found
        if principal is not who or application != called:
            members = f'"text":{json_text(shown)},{self._who_asks()}'
        self._told = (text, shown, principal, called, members)
        return members

    def begun(self, ticket: Ticket, *, simple: bool) -> None:
        """Note that the intent of a statement was written, which goes on as all others do."""
        self._open.append(_Open(ticket, self._client.sent_bytes, simple=simple, limit=0))

    def completed(self, ticket: Ticket, read: tuple[str, _Named, Fragmented], rows: int, sent: int) -> None:
        """End a statement of which the client was told all in so many bytes, and that the session is ready, in the
        place of `begun` and of all that follows. ``read`` is as in `reading_again`.
        """
        lane, named, fragmented = read
        of, last, known = self._read_again
        if of is not named or last is not fragmented:
            known = self._reads(lane, named, fragmented)
        self._told_bytes = self._client.sent_bytes
        self._audit.completed(ticket, lane, known.written, rows, sent)
        self._subject = ""
        self._portals.clear()
        self.activity.ends("I")

    async def _begin(self, text: str, *, simple: bool = False, limit: int = 0, resumed: bool = False) -> None:
        entry = await self._entry(text, resumed=resumed) if self._audit.is_on else _UNWRITTEN
        ticket = await self._audit.begin(entry)
        self._open.append(_Open(ticket, self._client.sent_bytes, simple=simple, limit=limit))

    async def _entry(self, text: str, *, resumed: bool = False) -> Entry:
        known = known_reading(text, self._asker.identity.role, backslashes=self._has_escapes(text))
        if known is not None:
            return self._statement(known, resumed=resumed)
        show = self._show(text)
        shown = show() if len(text) <= SHORT else await asyncio.get_running_loop().run_in_executor(None, show)
        return self._statement(shown, resumed=resumed)

    def _show(self, text: str) -> Callable[[], str]:
        return partial(normalised, text, self._asker.identity.role, backslashes=self._has_escapes(text))

    def _has_escapes(self, text: str) -> bool:
        """Whether strings of the text may have escapes, by the session's settings."""
        return "\\" in text and self._asker.who()[1].get("standard_conforming_strings") == "off"

    def _statement(
        self, shown: str, *, resumed: bool = False, ids: tuple[str | None, str | None] | None = None
    ) -> Entry:
        connection, statement = map(json_text, bound_ids() if ids is None else ids)
        ending = ',"resumed":true' if resumed else ""
        members = f'"connection":{connection},"statement":{statement},"text":{json_text(shown)}{ending}'
        return Entry("statement", f"{members},{self._who_asks()}")

    def _who_asks(self) -> str:
        principal, settings, database = self._asker.who()
        application = settings.get("application_name", "")
        key = (principal, application)
        if self._who[0] != key:
            self._who = (key, Who.of(principal, self.peer, application, database).json())
        return self._who[1]

    # --- what a statement reads ---

    def reading(
        self, lane: str, tables: tuple[str, ...] = (), policies: tuple[str, ...] = (), shadows: tuple[str, ...] = ()
    ) -> None:
        """Note the lane of the statement that is carried out now, the tables it was planned for, and the names of the
        policies it is under, and of the shadows that it would be under.
        """
        if self._open:
            found = self._open[-1].reading
            found.lane = lane
            found.tables += tables
            found.policies += policies
            found.shadows += shadows

    def reading_again(self, lane: str, read: _Named, fragmented: Fragmented) -> None:
        """As `reading` and `note_fragments`, of a statement that is executed again with these very objects."""
        if self._open:
            self._open[-1].again = self._reads(lane, read, fragmented)

    def _reads(self, lane: str, read: _Named, fragmented: Fragmented) -> ReadAgain:
        of, last, known = self._read_again
        if of is not read or last is not fragmented:
            tables, policies, shadows = read
            known = ReadAgain(lane, Reading(lane, tables, fragmented.fragments, policies, shadows).json())
            self._read_again = read, fragmented, known
        return known

    def note_fragments(self) -> Callable[[Fragmented], None]:
        """Return what is to be called, from any thread, with what the present statement reads exactly."""
        if not self._open:
            return lambda _fragmented: None
        reading = self._open[-1].reading

        def note(fragmented: Fragmented) -> None:
            reading.fragments += fragmented.fragments

        return note

    # --- what the client is told ---

    @contextmanager
    def last_end_held(self) -> Iterator[None]:
        """Keep the end of each command back until something else is told, or the block ends."""
        self._holds = True
        try:
            yield
        finally:
            self._holds = False
            self._tell_held()

    def drop_end(self) -> None:
        """Tell nothing of the end that is kept back: an error is told in its place."""
        self._held = None

    def _tell_held(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            holds, self._holds = self._holds, False
            held()
            self._holds = holds

    def send(self, message: backend.BackendMessage) -> None:
        """Queue a message, and end the statement that it ends."""
        if self._holds:
            self._tell_held()
            if type(message) is backend.CommandComplete:
                self._held = partial(self.send, message)
                return
        self._client.send(message)
        if type(message) is backend.ReadyForQuery:
            self.activity.ends(message.status)
        if type(message) is backend.CommandComplete:
            self._completed(message.tag)
        elif type(message) is backend.ReadyForQuery:
            self._ready(message.status)
        elif type(message) is backend.ErrorResponse:
            self._failed(message.fields.get("C", ""))
        elif type(message) is backend.PortalSuspended:
            self._suspended()

    def relay(self, message: bytes) -> None:
        """Queue messages of the mirror, and end the statement that they end."""
        kind = message[0]
        if self._holds:
            self._tell_held()
            if kind == _COMMAND:
                self._held = partial(self.relay, message)
                return
        self._client.relay(message)
        if kind in _ENDS and self._open and self._open[0].reading.lane is None:
            self._open[0].reading.lane = "relay"
        if kind == _COMMAND:
            self._completed(message[5:-1].decode("utf-8", "replace"))
        elif kind == _ERROR:
            self._failed(backend.ErrorResponse.decode(message[5:]).fields.get("C", ""))
        elif kind == _SUSPENDED:
            self._suspended()
        elif kind == _EMPTY:
            self._completed("")

    def _completed(self, tag: str) -> None:
        if not self._open:
            return
        one = self._open[0]
        count = tag.rpartition(" ")[2]
        one.rows += int(count) if count.isdecimal() else 0
        if one.sqlstate is None:
            one.sqlstate = _DONE
        if not one.simple:
            self._end(self._open.popleft())

    def _suspended(self) -> None:
        if self._open:
            one = self._open.popleft()
            one.rows, one.sqlstate = one.limit, _DONE
            self._end(one)

    def _failed(self, sqlstate: str) -> None:
        if not self._open:
            self._refused(sqlstate)
            return
        one = self._open[0]
        one.sqlstate = sqlstate
        if not one.simple:
            self._end(self._open.popleft())

    def _refused(self, sqlstate: str) -> None:
        """A statement failed before anything of it was executed: when it was parsed, bound or described."""
        self._audit.counts.note(_NO_LANE, Outcome(sqlstate).word, 0.0, 0, 0)
        if not self._audit.is_on:
            return
        outcome, ids, show = Outcome(sqlstate), bound_ids(), self._show(self._subject)

        def note(shown: str) -> None:
            entry = self._statement(shown, ids=ids)
            self._audit.note(Entry(entry.event, f"{entry.members},{outcome.json()}", outcome.kind))

        if len(self._subject) <= SHORT:
            note(show())
        else:
            reading = asyncio.get_running_loop().run_in_executor(None, show)
            reading.add_done_callback(lambda done: note(done.result()))

    def _ready(self, status: str) -> None:
        """What is open now was skipped, but for a simple query, which ends here."""
        while self._open:
            one = self._open.popleft()
            if one.simple and one.sqlstate is None:
                one.sqlstate = _DONE
            self._end(one)
        self._subject = ""
        if status == "I":
            self._portals.clear()

    def left(self) -> None:
        """End what is open: the connection has ended."""
        while self._open:
            one = self._open.popleft()
            one.sqlstate = _LEFT if one.sqlstate in {None, _DONE} else one.sqlstate
            self._end(one)
        if self._audit.is_on:
            members = as_members({"connection": bound_ids()[0], "bytes": self.sent_bytes})
            self._audit.note(Entry("logout", f"{members},{self._who_asks()}", Kind.LOGIN))

    def _end(self, one: _Open) -> None:
        sent = self._client.sent_bytes
        bytes_, self._told_bytes = sent - max(one.bytes_before, self._told_bytes), sent
        reading = one.again or one.reading
        outcome = Outcome(one.sqlstate, one.rows, bytes_, monotonic() - one.ticket.started, reading)
        lane = reading.lane or _NO_LANE
        self._audit.counts.note(lane, outcome.word, outcome.seconds, outcome.rows, outcome.bytes)
        one.ticket.end(outcome)
