"""Statements that a source's server answers alone, known again by their shape: only their constants are others.

A point query with a new constant each time would be parsed, resolved, governed and written anew each time. Here it
becomes what a careful client would have sent: a statement with parameters, and their values apart. It goes the way of
every prepared statement, so that it is governed as one, and its constants are never part of a text.

That this is the same statement is not taken for granted. Constants become parameters only where they are compared with
a column (`gateway.sql.shapes`), and have the very type that PostgreSQL gives the constant; strings only where that is a
text. The first statement of a shape is planned as it is. Before the second one is answered by its shape, the columns
that PostgreSQL describes and the text that the server is sent have to be those of the first but for the constants.
Where anything differs the shape is refused, and its statements are planned one by one.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple

from cachetools import LRUCache

from catalog.errors import SqlError
from gateway.lanes.bound import Portal
from gateway.lanes.engine_lane import EngineLane
from gateway.lanes.prepared import Lane, LastTime, NamedStatement, PreparedStatement
from gateway.pipeline import Asker
from gateway.relay.mirror_connection import MirrorConnection
from gateway.relay.source_relay import WholeStatement
from gateway.sessions.executed_again import ExecutedAgain
from gateway.sessions.owed_answers import OwedAnswers
from gateway.sessions.role import SessionRole
from gateway.sessions.services import SessionServices
from gateway.sessions.temporary import TemporaryRelations
from gateway.sql.resolve import Names
from gateway.sql.shapes import Constant, Shape, alike, selected, shape
from gateway.sql.statements import Kind, split
from gateway.sql.tokens import tokens
from gateway.wire import frontend

_OIDS = {Constant.INT4: 23, Constant.INT8: 20, Constant.STRING: 0}  # 0: PostgreSQL infers it, as of the constant
_TEXTS = frozenset({25, 1042, 1043})  # text, bpchar, varchar: every string is a value
_KEPT = 64  # shapes of one session
_KEPT_ALIKE = 4  # of these that texts are matched with


@dataclass(frozen=True, slots=True)
class _First:
    """The first statement of a shape, as it was planned and described."""

    shape: Shape
    whole: WholeStatement
    described: bytes | None
    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """A shape that answers for its statements: with parameters of these types."""

    prepared: PreparedStatement
    oids: tuple[int, ...]


class Unfit:
    """A shape whose statements are planned one by one."""


UNFIT = Unfit()
_CHOSEN: LRUCache[str, frozenset[int]] = LRUCache(4096)  # by the key of a shape


@dataclass(frozen=True, slots=True)
class _Known:
    names: Names
    named: NamedStatement
    pattern: re.Pattern[bytes] | None  # `alike`


@dataclass(frozen=True, slots=True)
class _Alike:
    """What texts match of which a shape answers that was ``text``'s, too."""

    pattern: re.Pattern[bytes]
    named: NamedStatement
    text: str


class Recognised(NamedTuple):
    """A statement with parameters that has answered for a text's shape before, and their values, as texts. ``like`` is
    a text of the same shape: mostly that of the last time.
    """

    named: NamedStatement
    values: tuple[bytes, ...]
    like: str


class ShapedStatements:
    """Those of one session. What was found out of a shape is shared through the cache of statements, under all that
    plans are kept by.
    """

    def __init__(
        self,
        services: SessionServices,
        role: SessionRole,
        engine: EngineLane,
        mirror: MirrorConnection,
        temporary: TemporaryRelations,
        owed: OwedAnswers,
    ) -> None:
        self._lake = services.lake
        self._statements = services.statements
        self._role = role
        self._engine = engine
        self._mirror = mirror
        self._temporary = temporary
        self._owed = owed
        self._known: LRUCache[tuple[str, tuple[str, ...]], _Known] = LRUCache(_KEPT)
        self._alike: list[_Alike] = []
        self._asked: Shape | None = None  # of the statement at hand, where nothing is known of its shape

    async def query(self, text: str, again: ExecutedAgain, execute: Callable[[Portal], Awaitable[None]]) -> bool:
        """Carry out a statement where its shape answers for it; return whether it does. ``execute`` executes portals.
        Raises SqlError as for any statement.
        """
        found = await self._find(text)
        if found is None:
            return False
        named, values = found
        if await again.query(named, values):
            return True
        portal = await self._engine.bind(named, self._role.names(), values)
        plan = portal.prepared.plan
        if plan is None or plan.whole is None:
            return False
        await execute(portal)
        await again.note(named, values, portal)
        return True

    def known(self, data: bytes) -> Recognised | None:
        """Return what has answered for the shape of a text in UTF-8 before. Raises UnicodeDecodeError."""
        for one in self._alike:
            match = one.pattern.fullmatch(data)
            if match is not None:
                return Recognised(one.named, match.groups(), one.text)
        text = data.decode()
        found = shape(text)
        chosen = _CHOSEN.get(found.key) if found is not None else None
        if found is None or not chosen:
            return None
        known = self._known.get((found.key, found.fixed(chosen)))
        if known is None:
            return None
        if known.pattern is not None:
            self._alike = [_Alike(known.pattern, known.named, text), *self._alike[: _KEPT_ALIKE - 1]]
        return Recognised(known.named, tuple([found.value(index) for index in sorted(chosen)]), text)

    async def _find(self, text: str) -> tuple[NamedStatement, frontend.Bind] | None:
        """Return a statement with parameters that may answer for this one, and their values."""
        self._asked = None
        found = shape(text)
        if found is None or not self._may_be_known():
            return None
        chosen = _CHOSEN.get(found.key)
        if chosen is None:
            self._asked = found
            return None
        if chosen:
            await self._role.know(self._owed.drain)  # who asks, as the planning of the statement itself would
        names = self._role.names()
        if not chosen or names.temporary or self._mirror.parameters.get("client_encoding", "UTF8") != "UTF8":
            return None
        key = (found.key, found.fixed(chosen))
        known = self._known.get(key)
        if known is None or known.names is not names:
            fit = await self._fit(found, chosen, names)
            if fit is None:
                return None
            last = LastTime(names, fit.prepared)
            named = NamedStatement(fit.prepared, fit.oids, last=last)
            known = self._known[key] = _Known(names, named, alike(found, chosen))
            self._alike.clear()  # its last statement may be there
        return known.named, _values(found, chosen)

    def note(self, portal: Portal) -> None:
        """Remember a statement of which `query` knew nothing, and which a source's server has answered."""
        asked, self._asked = self._asked, None
        plan = portal.prepared.plan
        if asked is None or portal.lane != "source" or plan is None or plan.whole is None or portal.given:
            return
        chosen = _CHOSEN.get(asked.key)
        if chosen is None:
            chosen = _CHOSEN[asked.key] = selected(asked)
        first = _First(asked, plan.whole, portal.described, portal.prepared.policies())
        self._statements.shapes[self._key(asked, chosen, self._role.names())] = first

    def _may_be_known(self) -> bool:
        mirror, temporary = self._mirror, self._temporary
        if temporary.names or temporary.is_outdated:
            return False
        return not mirror.unsettled and mirror.status != "E"

    def _key(self, found: Shape, chosen: Collection[int], names: Names) -> tuple[object, ...]:
        versions = names.search_path, names.catalog.version, self._lake.access.version
        return (found.key, found.fixed(chosen), self._role.principal(), *versions)

    async def _fit(self, found: Shape, chosen: frozenset[int], names: Names) -> Fit | None:
        """Return what answers for a shape, which is found out when its second statement comes."""
        key = self._key(found, chosen, names)
        verdict = self._statements.shapes.get(key)
        if verdict is None:
            self._asked = found
        if isinstance(verdict, _First) and self._mirror.status == "I":  # what fails would fail the client's transaction
            try:
                verdict = await self._tried(verdict, chosen, names)
            except SqlError:
                verdict = UNFIT  # whatever is wrong with it, the statement itself will tell
            self._statements.shapes[key] = verdict
        return verdict if isinstance(verdict, Fit) else None

    async def _tried(self, first: _First, chosen: frozenset[int], names: Names) -> Fit | Unfit:
        """Plan and describe a shape with parameters, and compare it with its first statement."""
        (statement,) = split(first.shape.with_parameters(chosen))
        if statement.kind is not Kind.QUERY:
            return UNFIT
        prepared = await self._statements.prepare(statement, Asker(names, self._role.principal()), self._lake)
        oids = tuple(_OIDS[first.shape.classes[index]] for index in sorted(chosen))
        if prepared.lane is not Lane.ENGINE:
            return UNFIT
        portal = await self._engine.bind(NamedStatement(prepared, oids), names, _values(first.shape, chosen))
        plan = portal.prepared.plan
        if plan is None or plan.whole is None or portal.described is None:
            return UNFIT
        pairs = zip(portal.sent.oids, oids, strict=True)
        told = all(one == other or (other == 0 and one in _TEXTS) for one, other in pairs)
        alike = portal.described == first.described and portal.prepared.policies() == first.policies
        return Fit(prepared, oids) if told and alike and _is_same(plan.whole, first, chosen) else UNFIT


def _values(found: Shape, chosen: frozenset[int]) -> frontend.Bind:
    return frontend.Bind("", "", (), tuple([found.value(index) for index in sorted(chosen)]))


def _is_same(whole: WholeStatement, first: _First, chosen: frozenset[int]) -> bool:
    """Whether the server is sent what it was sent for the first statement, but that its constants are parameters."""
    constants = [first.shape.constants[index] for index in sorted(chosen)]
    words = [word.text for word in tokens(whole.sent)]
    numbers = [int(word[1:]) - 1 for word in words if word[0] == "$"]
    if sorted(numbers) != [*range(len(constants))] or (whole.source, whole.reader) != (
        first.whole.source,
        first.whole.reader,
    ):
        return False
    put_in = [constants[int(word[1:]) - 1] if word[0] == "$" else word for word in words]
    return put_in == [word.text for word in tokens(first.whole.sent)]
