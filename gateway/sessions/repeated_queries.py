"""Queries of the catalogues that a session sends again and again as the same text: the mirror keeps their plans.

To parse and plan such a query takes PostgreSQL four fifths of its time. From the third time on it is a prepared
statement in the session's process of the mirror, of which the client sees nothing but the time.

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
from gateway.relay.mirror_connection import MirrorConnection
from gateway.sessions.owed_answers import OwedAnswers
from gateway.sql.repeatable import text_has_words_of_the_clock
from gateway.sql.session_state import changes_nothing
from gateway.sql.shapes import LONGEST
from gateway.sql.statements import Kind, Statement
from gateway.wire import frontend

_PREPARED_AT = 3  # the time a text comes
_COUNTED = 64  # texts of a session
_KEPT = 32  # so too; each may hold some ten kilobytes in the mirror
_QUERIES = frozenset({"SELECT", "WITH", "VALUES", "TABLE"})
_HARMLESS = frozenset({"SHOW", "BEGIN", "START", "COMMIT", "END"})
# What may be another query when it is read again, or as a prepared statement: moments that are read of texts (also of
# those written with escapes or in parts), parameters, and what tells of portals.
_UNLIKE = re.compile(r"timetz|time\s*(?:\(\s*\d+\s*\)\s*)?with|\\|\$\d|u&|'\s*\n\s*'|pg_cursor", re.IGNORECASE)
_NOTICE = ord("N")
_ACKNOWLEDGEMENTS = frozenset(b"123")  # ParseComplete, BindComplete, CloseComplete


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
        self._mirror = mirror
        self._client = client
        self._owed = owed
        self._counted: LRUCache[str, _Counted] = LRUCache(_COUNTED)
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._unused: list[str] = []  # names of what is prepared and has no use any more
        self._made = 0
        self._may_differ = False  # settings, once the transaction that is open has ended
        self._has_notices = False  # the answer at hand, which may come from reading the text
        self._state = (0, 0)  # the mirror's process, and how many settings it has told

    async def answer(self, message: frontend.Query, prepared: Sequence[PreparedStatement | None]) -> bytes | None:
        """Have the mirror answer a text up to its ReadyForQuery, which is not passed on; return an error's message."""
        only = prepared[0] if len(prepared) == 1 else None
        kept = None if only is None else self._messages(message.query, only)
        self._mirror.write(self._client.bytes_of(message) if kept is None else kept)
        self._has_notices = False
        sink = self._owed.pass_on if kept is None else self._pass_on_answer
        error = await self._mirror.relay_until_ready(sink, self._client.drain)
        if error is not None or self._has_notices:  # maybe before it was prepared, or in that
            self._drop(self._kept.pop(message.query, None))
        return error

    def executed(self, statements: Sequence[Statement]) -> None:
        """Note what the mirror has executed for the session, once its status is told."""
        self._may_differ = self._may_differ or not all(_keeps_settings(one) for one in statements)
        if self._may_differ:
            self._forget()
            # In the extended protocol the status is told at Sync; the end of a transaction may take settings back.
            self._may_differ = self._mirror.extended or self._mirror.status != "I"

    def _messages(self, text: str, prepared: PreparedStatement) -> bytes | None:
        """Return what executes a text as a prepared statement; None where it is to be sent as it is."""
        mirror = self._mirror
        if self._may_differ or not mirror.is_at_rest or mirror.status == "E" or len(text) > LONGEST:
            return None
        if (state := (mirror.process_id, mirror.settings_told)) != self._state:
            self._forget()
            self._state = state
        kept = self._kept.get(text)
        if kept is not None and kept.prepared is prepared:  # else names mean other things since
            self._kept.move_to_end(text)
            return kept.execution
        counted = self._counted.get(text)
        times = 1 + (counted.times if counted is not None and counted.prepared is prepared else 0)
        self._counted[text] = _Counted(prepared, times)
        if times < _PREPARED_AT or not _reads_alike(prepared.statement):
            return None
        return b"".join(one.encode() for one in self._keep(text, prepared)) + self._kept[text].execution

    def _keep(self, text: str, prepared: PreparedStatement) -> Iterator[frontend.FrontendMessage]:
        """Give the messages that prepare a text, and close what has no use any more."""
        self._drop(self._kept.pop(text, None))
        while len(self._kept) >= _KEPT:
            self._drop(self._kept.popitem(last=False)[1])
        for unused in self._unused:
            yield frontend.Close("S", unused)
        self._unused.clear()
        self._made += 1
        name = f"{OWN_PREFIX}{self._made}"
        self._kept[text] = _Kept(prepared, name, _execution(name))
        yield frontend.Parse(name, text)

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
            self._owed.pass_on(data)


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
