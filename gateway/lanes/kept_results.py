"""Statements of one session that are answered by rows kept from before, and rows that are kept for the next time.

A statement is planned, governed and written to the audit as ever. What would be read is found out as ever, too: the
versions that its tables have now. Only then, where it is what was read before, the rows are not computed again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from time import monotonic

from cachetools import LRUCache

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.lake import Lake
from gateway.lanes.bound import Client, Portal
from gateway.lanes.prepared import Lane
from gateway.lanes.session_settings import Settings
from gateway.pipeline import Plan
from gateway.result_cache import Question, Result, Turn, Version, without_data
from gateway.rights import Rights
from gateway.sql.engine_dialect.moments import Session
from gateway.sql.repeatable import is_repeatable, names_a_moment
from optimizer.stages import Fragmented

_PATIENCE = 60.0  # seconds that a statement waits for another one to compute its rows
_LONGEST = 4096  # bytes of parameters: they are kept with the result
_QUERIES: LRUCache[int, tuple[Plan, bytes | None]] = LRUCache(512)  # what plans are known by


class KeptResults:
    """Those that one session asks for."""

    def __init__(self, lake: Lake, client: Client) -> None:
        self._lake = lake
        self._client = client

    def asked(self, portal: Portal, settings: Settings) -> Asked | None:
        """Return what may be answered by kept rows, or have its rows kept. None for what has other rows each time,
        reads what has no versions, or is asked for the first time.
        """
        planned, results = portal.prepared.plan, self._lake.results
        if planned is None or portal.prepared.lane is not Lane.ENGINE or portal.cursor is not None or not results.limit:
            return None
        session = planned.tuned_session(settings.session)
        if planned.session or planned.asked is not None or not session.tuning.result_cache:
            return None
        mark = hash((planned.text, planned.principal, portal.sent.values))
        if not results.was_asked(mark):
            return None
        asked = question(planned, portal, session)
        lifetime = self._lifetime(planned)
        if asked is None or lifetime is None:
            return None
        form = tuple([(one.type_oid, one.type_modifier, one.format) for one in portal.fields])
        return Asked(self._lake, self._client, planned, asked, form, mark, lifetime)

    def kept(self, portal: Portal, settings: Settings) -> Result | None:
        """Return rows that were kept of a statement that is explained, in whatever form, and whose time is not over.
        Whether they count depends on the versions of its tables, too.
        """
        planned = portal.prepared.plan
        if planned is None or planned.session or planned.asked is not None or portal.sent.is_unknown:
            return None
        session = planned.tuned_session(settings.session)
        asked = question(planned, portal, session) if session.tuning.result_cache else None
        found = () if asked is None else self._lake.results.in_any_form(asked)
        return max((one for one in found if monotonic() < one.until), key=lambda one: one.since, default=None)

    def _lifetime(self, planned: Plan) -> float | None:
        """Return how many seconds rows of a plan's tables count; None where some have neither versions nor a time."""
        lifetimes = self._lake.results.lifetimes
        sources = {one.source for one in planned.optimized.tables.values() if one.kind == "postgres"}
        found = [lifetimes.get(source, 0.0) for source in sources]
        return None if 0.0 in found else min(found, default=float("inf"))


class Asked:
    """A statement that was asked before. It is the client of its own rows while they are sent, and collects them as
    long as they are few.
    """

    def __init__(
        self,
        lake: Lake,
        client: Client,
        planned: Plan,
        asked: Question,
        form: Hashable,
        mark: int,
        lifetime: float,
    ) -> None:
        self._lake = lake
        self._client = client
        self._planned = planned
        self._question = asked
        self._form = form
        self._mark = mark
        self._lifetime = lifetime
        self._since = monotonic()
        self._buffers: list[bytes] | None = []
        self._room = lake.results.most
        self._fragmented: Fragmented | None = None
        self._turn: Turn | None = None
        self._is_kept = False

    async def send(self, portal: Portal, rights: Rights) -> int | None:
        """Send the rows that were kept, where they count; return how many. Where another statement is computing them
        now, wait for that, within limits. None: they are to be computed, `computing` them. Raises SqlError where a
        table is not any more what it was planned as, and where who asks has other ``rights`` by now.
        """
        results, deadline = self._lake.results, monotonic() + _PATIENCE
        while True:
            sent = await self._send_kept(portal, rights)
            if sent is not None:
                return sent
            turn = results.turn(self._question, self._form)
            if turn is None:
                self._turn = results.begin(self._question, self._form)
                break
            if not await turn.wait(deadline - monotonic()):
                break
        results.counts.misses += 1
        return None

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Compute the rows in a block; where others wait for them they go on at its end. If it fails they compute the
        rows themselves, to see the same; if it was canceled, or its client has left, one of them takes its place.
        """
        is_worth_a_look = False
        try:
            yield
            is_worth_a_look = self._is_kept
        except SqlError as failure:
            is_worth_a_look = failure.sqlstate is SqlState.QUERY_CANCELED
            raise
        except (asyncio.CancelledError, ConnectionError):
            is_worth_a_look = True
            raise
        finally:
            self._end_turn(is_worth_a_look=is_worth_a_look)

    def _end_turn(self, *, is_worth_a_look: bool) -> None:
        if self._turn is not None:
            self._turn = None
            self._lake.results.end(self._question, self._form, is_worth_a_look=is_worth_a_look)

    async def _send_kept(self, portal: Portal, rights: Rights) -> int | None:
        results = self._lake.results
        kept = results.get(self._question, self._form)
        if kept is None:
            return None
        if not await self._counts(kept):
            results.give_up(self._question, self._form, kept)
            return None
        await rights.require()
        results.used(self._question, self._form)
        portal.lane = "cache"
        self._client.reading("cache", (), ())
        self._client.note_fragments()(kept.fragmented)
        for buffer in kept.buffers:
            self._client.write(buffer)
            await self._client.drain()
        return kept.rows

    async def _counts(self, kept: Result) -> bool:
        if monotonic() >= kept.until:
            return False
        tables = [one for one in self._planned.optimized.tables.values() if one.kind != "postgres"]
        return not tables or kept.counts(await self._lake.versions.of(tables))

    def note_fragments(self) -> Callable[[Fragmented], None]:
        """Return what is told, in any thread, what the statement reads."""
        noted = self._client.note_fragments()

        def note(fragmented: Fragmented) -> None:
            self._fragmented = fragmented
            noted(fragmented)

        return note

    def write(self, data: bytes | memoryview) -> None:
        """Queue rows for the client, and collect them."""
        self._client.write(data)
        if self._turn is not None:
            self._turn.has_rows()
        if self._buffers is None:
            return
        self._room -= len(data)
        if self._room < 0:
            self._buffers = None
            self._lake.results.is_too_large(self._mark)
            self._end_turn(is_worth_a_look=False)
        else:
            self._buffers.append(bytes(data))

    def relay(self, message: bytes) -> None:
        """Queue a message that is no row."""
        self._client.relay(message)

    async def drain(self) -> None:
        """Wait until the client has read enough of what is queued."""
        await self._client.drain()

    def keep(self, rows: int) -> None:
        """Keep the rows: the statement has ended, and had so many."""
        fragmented, buffers = self._fragmented, self._buffers
        if fragmented is None or buffers is None:
            return
        read = {part.snapshot.table.name: part.snapshot for part in fragmented.fragments}
        versions = tuple(Version.of(each) for each in read.values() if each.table.kind != "postgres")
        result = Result(
            rows,
            tuple(buffers),
            without_data(fragmented.fragments),
            versions,
            self._since,
            self._since + self._lifetime,
        )
        self._is_kept = self._lake.results.keep(self._question, self._form, result)


def question(planned: Plan, portal: Portal, session: Session) -> Question | None:
    """Return what a statement asks; None for what may have other rows each time."""
    values = portal.sent.values
    query = _query(planned)
    if query is None or sum(map(len, filter(None, values))) > _LONGEST or any(map(names_a_moment, values)):
        return None
    return Question(query, planned.principal, planned.made_for, portal.sent, session)


def _query(planned: Plan) -> bytes | None:
    """Return what tells a governed query from all others; None for one that is not repeatable."""
    known = _QUERIES.get(id(planned))
    if known is None or known[0] is not planned:
        tree = planned.optimized.tree
        told = (planned.text, repr(planned.hints), tree.sql("postgres")) if is_repeatable(tree) else None
        digest = None if told is None else hashlib.sha256("\0".join(told).encode()).digest()
        known = _QUERIES[id(planned)] = planned, digest
    return known[1]
