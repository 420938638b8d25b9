"""Queries of the catalogues that a session sends again and again as the same text: the mirror keeps their plans.

To parse and plan such a query takes PostgreSQL four fifths of its time. From the third time on it is a prepared
statement in the session's process of the mirror, of which the client sees nothing but the time. That is so for texts
that come as such, and for those that drivers send as the unnamed statement, with parameters and what types these have.

A text is prepared under the names and settings of a moment. So all are forgotten when anything was executed that may
have changed these; and a text with a word that stands for the moment in which it is read (``'today'``) goes as it is.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cachetools import LRUCache

from catalog.mirror.prepared_statements import OWN_PREFIX
from gateway.audit.witness import Witness
from gateway.lanes.prepared import PreparedStatement
from gateway.relay.mirror_connection import MirrorConnection, Sink
from gateway.sessions.owed_answers import OwedAnswers
from gateway.sql.repeatable import text_has_words_of_the_clock
from gateway.sql.session_state import changes_nothing
from gateway.sql.shapes import LONGEST
from gateway.sql.statements import Kind, Statement
from gateway.wire import backend, frontend
from gateway.wire.sent_at_once import SentAtOnce

_PREPARED_AT = 3  # the time a text comes
_COUNTED = 64  # texts of a session
_KEPT = 32  # so too; each may hold some ten kilobytes in the mirror
_QUERIES = frozenset({"SELECT", "WITH", "VALUES", "TABLE"})
# What changes no setting; the end of a transaction takes back only what another statement has changed in it.
_HARMLESS = frozenset(
    {"SHOW", "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"}
)  # fmt: skip
# What may be another query when it is read again, or as a prepared statement: moments that are read of texts (also of
# those written with escapes or in parts), and what tells of portals.
_UNLIKE = re.compile(r"timetz|time\s*(?:\(\s*\d+\s*\)\s*)?with|\\|u&|'\s*\n\s*'|pg_cursor", re.IGNORECASE)
_PARAMETER = re.compile(r"\$\d")
_NOTICE = ord("N")
_ACKNOWLEDGEMENTS = frozenset(b"123")  # ParseComplete, BindComplete, CloseComplete
_CLOSED = ord("3")
_ERROR = ord("E")
_HEADER = 5  # bytes: a message's type and its length
_PARSED = backend.ParseComplete().encode()
_Key = tuple[str, tuple[int, ...] | None]  # a text, and the types of its parameters; None for one that came as such


@dataclass(frozen=True, slots=True)
class _Counted:
    """A text: what it is prepared as in the gateway, and how often it came."""

    prepared: PreparedStatement
    times: int = 0


@dataclass(frozen=True, slots=True)
class _Kept:
    """A text that is prepared in the mirror, too: under which name, and what executes it."""

    prepared: PreparedStatement
    name: str
    execution: bytes


class RepeatedQueries:
    """Those of one session."""

    def __init__(self, mirror: MirrorConnection, client: Witness, owed: OwedAnswers) -> None:
        self.mirror = mirror
        self._client = client
        self.owed = owed
        self._counted: LRUCache[_Key, _Counted] = LRUCache(_COUNTED)
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._unused: list[str] = []  # names of what is prepared and has no use any more
        self._made = 0
        self._may_differ = False  # settings, once the transaction that is open has ended
        self._has_notices = False  # the answer at hand, which may come from reading the text
        self._state = (0, 0)  # the mirror's process, and how many settings it has told

    async def answer(self, message: frontend.Query, prepared: Sequence[PreparedStatement | None]) -> bytes | None:
        """Have the mirror answer a text up to its ReadyForQuery, which is not passed on; return an error's message."""
        only = prepared[0] if len(prepared) == 1 else None
        key = (message.query, None)
        found = None if only is None else self._preparing(key, only)
        if found is None:
            self.mirror.write(self._client.bytes_of(message))
            return await self.mirror.relay_until_ready(self.owed.pass_on, self._client.drain)
        self.mirror.write(found + self._kept[key].execution)
        return await self._relay(key, self._pass_on_answer, at_once=False)

    async def answer_at_once(self, message: SentAtOnce, prepared: PreparedStatement, take: Sink) -> bool:
        """Do as `answer` for the unnamed statement and its values; ``take`` gets what the client is told. Return
        whether that is another statement in the mirror.
        """
        key = None if message.parse is None or message.parse.name else _key(message.parse)
        found = None if key is None else self._preparing(key, prepared)
        if key is None or found is None:
            self.mirror.write(message.data)
            await self.mirror.relay_until_ready(take, self._client.drain, at_once=True)
            return False
        name = self._kept[key].name
        self.mirror.write(found + message.bound_to(name))
        if not found:
            take(_PARSED)

        def take_answer(data: bytes) -> None:
            if data[0] != _CLOSED:
                self._has_notices = self._has_notices or data[0] == _NOTICE
                take(_as_unnamed(data, name) if data[0] == _ERROR else data)

        await self._relay(key, take_answer, at_once=True)
        return True

    async def _relay(self, key: _Key, sink: Sink, *, at_once: bool) -> bytes | None:
        self._has_notices = False
        error = await self.mirror.relay_until_ready(sink, self._client.drain, at_once=at_once)
        if error is not None or self._has_notices:  # maybe before it was prepared, or in that
            self._drop(self._kept.pop(key, None))
        return error

    def executed(self, statements: Sequence[Statement]) -> None:
        """Note what the mirror has executed for the session, once its status is told."""
        self._may_differ = self._may_differ or not all(_keeps_settings(one) for one in statements)
        if self._may_differ:
            self._forget()
            # In the extended protocol the status is told at Sync; the end of a transaction may take settings back.
            self._may_differ = self.mirror.extended or self.mirror.status != "I"

    def _preparing(self, key: _Key, prepared: PreparedStatement) -> bytes | None:
        """Return what prepares a text, nothing where it is; None where it is to be sent as it is."""
        mirror = self.mirror
        if not mirror.is_at_rest or mirror.status == "E" or len(key[0]) > LONGEST:
            return None
        if self._may_differ and mirror.status != "I":
            return None
        self._may_differ = False  # nothing is under way, and nothing was kept since
        if (state := (mirror.process_id, mirror.settings_told)) != self._state:
            self._forget()
            self._state = state
        kept = self._kept.get(key)
        if kept is not None and kept.prepared is prepared:  # else names mean other things since
            self._kept.move_to_end(key)
            return b""
        counted = self._counted.get(key)
        times = 1 + (counted.times if counted is not None and counted.prepared is prepared else 0)
        self._counted[key] = _Counted(prepared, times)
        if times < _PREPARED_AT or not _reads_alike(prepared.statement):
            return None
        if key[1] is None and _PARAMETER.search(key[0]) is not None:
            return None
        return b"".join(one.encode() for one in self._keep(key, prepared))

    def _keep(self, key: _Key, prepared: PreparedStatement) -> Iterator[frontend.FrontendMessage]:
        """Give the messages that prepare a text, and close what has no use any more."""
        self._drop(self._kept.pop(key, None))
        while len(self._kept) >= _KEPT:
            self._drop(self._kept.popitem(last=False)[1])
        for unused in self._unused:
            yield frontend.Close("S", unused)
        self._unused.clear()
        self._made += 1
        name = f"{OWN_PREFIX}{self._made}"
        self._kept[key] = _Kept(prepared, name, _execution(name))
        yield frontend.Parse(name, key[0], key[1] or ())

    def _forget(self) -> None:
        """Count anew. What is prepared is closed when the next text is prepared."""
        self._counted.clear()
        while self._kept:
            self._drop(self._kept.popitem()[1])

    def _drop(self, kept: _Kept | None) -> None:
        if kept is not None:
            self._unused.append(kept.name)

    def _pass_on_answer(self, data: bytes) -> None:
        """Pass on what the answer to a text has, too."""
        if data[0] not in _ACKNOWLEDGEMENTS:
            self._has_notices = self._has_notices or data[0] == _NOTICE
            self.owed.pass_on(data)


def _key(parse: frontend.Parse) -> _Key:
    return parse.query, parse.parameter_oids


def _as_unnamed(error: bytes, name: str) -> bytes:
    """Return an error of the mirror about a statement of the gateway's name, as of one without a name."""
    fields = backend.ErrorResponse.decode(error[_HEADER:]).fields
    return backend.ErrorResponse({**fields, "M": fields["M"].replace(f'"{name}"', '""')}).encode()


def _execution(name: str) -> bytes:
    messages = (
        frontend.Bind("", name),
        frontend.Describe("P", ""),
        frontend.Execute(""),
        frontend.Close("P", ""),  # else it is among the cursors of a transaction
        frontend.Sync(),
    )
    return b"".join(message.encode() for message in messages)


def _reads_alike(statement: Statement) -> bool:
    """Whether a text, read again under the same settings and names, is the same query with the same answer."""
    text = statement.text
    is_query = statement.kind is Kind.QUERY and statement.head in _QUERIES and not statement.about_gateway
    return is_query and _UNLIKE.search(text) is None and not text_has_words_of_the_clock(text)


def _keeps_settings(statement: Statement) -> bool:
    if statement.kind is Kind.QUERY:
        return changes_nothing(statement.text)
    return statement.head in _HARMLESS
