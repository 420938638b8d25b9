"""The life of a query on one screen: parse → resolve → govern → optimize → fragment → execute.

`plan` takes a text to a query that is cheap and governed; `run` pins the versions of its tables and gives it to the
sources and the engine. Each stage hands on a type of its own, so none can be left out.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType

import pyarrow as pa
from cachetools import LRUCache
from sqlglot import exp

from catalog.names import TableName
from catalog.principals import Principal
from catalog.scans import FileScan, Snapshot
from catalog.tables import Table
from gateway.dynamic_filters import Asking, KeyQuery, key_queries, with_keys
from gateway.execute.operators import Operator
from gateway.execute.port import EngineQuery, MakeForm, RunningStatement, batches_alone
from gateway.feedback.collect import Run, collect, informed
from gateway.history.pins import PinnedPlan
from gateway.lake import Lake, Pinned
from gateway.relay.mirror_connection import MirrorConnection
from gateway.relay.source_relay import WholeStatement
from gateway.remote_parts import asked_servers, remote_parts, with_values
from gateway.rendering import rendered_fragments
from gateway.rights import Rights
from gateway.session_answers import with_answers
from gateway.session_rows import SessionSource, with_rows
from gateway.sql.engine_dialect.moments import Session
from gateway.sql.engine_dialect.with_materialized import Materialized, Once, names_one_twice
from gateway.sql.hints import NO_HINTS, Hints
from gateway.sql.policy_text import policy_reader
from gateway.sql.repeatable import has_words_of_the_clock
from gateway.sql.resolve import Names, References, resolve, with_computed
from gateway.sql.session_expressions import SessionExpression, compute, session_expressions
from gateway.sql.session_identity import bind_session
from gateway.sql.session_relations import KIND as SESSION
from gateway.sql.session_relations import NO_NAMES, SessionRelation, TemporaryNames
from gateway.sql.session_values import SessionValues, take_values
from gateway.tuning import USUAL, Tuning
from gateway.values.datetime_input import DATE_INFINITY, INFINITY
from gateway.whole_statements import get_whole
from gateway.with_queries import may_materialize, start_materialized
from optimizer.brief import is_brief, is_light
from optimizer.cardinality import Statistics
from optimizer.feedback import with_hints
from optimizer.fragment import fragment, with_parameters
from optimizer.hints import HintsAtWork
from optimizer.optimize import NO_STATISTICS, RULES, RULES_AS_WRITTEN, RULES_FOR_LEADING, Rule, optimize
from optimizer.plain_scan import is_plain_scan
from optimizer.relations import relations
from optimizer.stages import Fragmented, Governed, Kept, Optimized, RemotePart
from policies.govern import check_governed, govern
from policies.quoted_values import may_quote_hidden
from policies.session_access import WithSession


@dataclass(frozen=True, slots=True)
class MadeFor:
    """What a plan depends on besides its text and who asks: versions of the catalogue and of the access, and what names
    without a schema mean.
    """

    catalog: int
    access: int
    search_path: tuple[str, ...]
    temporary: TemporaryNames


NOT_KNOWN = MadeFor(0, 0, (), NO_NAMES)


@dataclass(frozen=True, slots=True)
class Plan:
    """A planned query: what `plan` made of a text for one principal, catalogue and version of the grants. ``named`` are
    the tables and views that the text itself names, ``session`` the relations of the session among them. ``whole`` is
    the query as one source's server answers it alone, where one can; ``parts`` are subqueries that servers can answer,
    and ``kept`` those that they could not, with the reasons. ``tuning`` is what the session said of plans, ``asked``
    what the session is asked for each time, ``made_for`` what was known of names and rights: of one text, principal and
    these, all plans read the same. ``hints`` are those of the text, ``followed`` what became of each: None where it was
    followed, or why it was not. ``pinned`` is what is pinned to the statement, if anything is, ``pins`` the state of
    all pins then. ``text`` is what was asked. ``is_of_now``: it has constants like ``'today'``, which mean what they
    meant when it was made. ``names_one_twice`` is whether there is a WITH query that is named more than once. ``types``
    are those of parameters for which it was made.
    """

    optimized: Optimized
    principal: Principal
    named: tuple[Table, ...]
    whole: WholeStatement | None = None
    session: Mapping[TableName, SessionRelation] = field(default_factory=lambda: MappingProxyType({}))
    parts: tuple[RemotePart, ...] = ()
    kept: tuple[Kept, ...] = ()
    tuning: Tuning = USUAL
    asked: SessionValues | None = None
    made_for: MadeFor = NOT_KNOWN
    hints: Hints = NO_HINTS
    followed: tuple[tuple[str, str | None], ...] = ()
    pinned: PinnedPlan | None = None
    pins: object = None
    text: str = ""
    is_of_now: bool = False
    names_one_twice: bool = False
    types: tuple[str, ...] = ()

    def tuned(self, tuning: Tuning) -> Tuning:
        """Return what a session's tuning is for this statement."""
        return self.hints.tuned(tuning)

    def tuned_session(self, session: Session) -> Session:
        """Return a session as the hints of the statement set it."""
        return replace(session, tuning=self.tuned(session.tuning)) if self.hints.settings else session


class TypesWanted(Exception):
    """A statement has expressions that its session computes, whose types are not known yet."""

    def __init__(self, expressions: Collection[SessionExpression]) -> None:
        super().__init__("types are not known yet")
        self.expressions = expressions


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan at fixed versions of its tables: the fragments, what the engine is asked, and before that for keys.
    ``whole`` is of a light query over one table what the engine may be asked where the table's rows are in memory: for
    all values of the parameters, as no files are left out for some of them. None for any other. ``once`` is what of the
    query is to be computed before it, if anything is.
    """

    fragmented: Fragmented
    query: EngineQuery
    keys: tuple[KeyQuery, ...] = ()
    whole: EngineQuery | None = None
    once: Materialized | None = None

    @property
    def snapshots(self) -> Mapping[TableName, Snapshot]:
        """The versions that are read."""
        return {part.snapshot.table.name: part.snapshot for part in self.fragmented.fragments}


_LARGE = 8 << 20  # bytes of tables; a second form of a statement over less costs more than it saves
_SIZE = 4 << 20  # bytes of SQL text; the memory of a plan grows with it
_PREPARED: LRUCache[tuple[int, object], tuple[Plan, Prepared]] = LRUCache(
    _SIZE, getsizeof=lambda kept: min(_SIZE, 4096 + len(kept[1].query.sql))
)
_READS: LRUCache[int, tuple[Plan, Fragmented]] = LRUCache(1024)
_WHOLE: LRUCache[int, tuple[Plan, EngineQuery]] = LRUCache(1024)  # what the engine was last asked of light queries
_INFINITE = frozenset({DATE_INFINITY, -DATE_INFINITY - 1, INFINITY, -INFINITY - 1})
_LOCK = threading.Lock()  # of all: statements are prepared in many threads


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks a query: under which names, with which rights, with which types of ``$1 …`` where they are known, as SQL
    writes them, with which tuning of plans and with which hints.
    """

    names: Names
    principal: Principal
    parameters: tuple[str, ...] = ()
    tuning: Tuning = USUAL
    hints: Hints = NO_HINTS


def plan(tree: exp.Query, found: References, asker: Asker, lake: Lake) -> Plan:
    """Take a parsed query through the stages that do not depend on the data's version. ``tree`` is used up. Blocks,
    where the sources are asked for statistics.
    """
    names, principal, parameters = asker.names, asker.principal, asker.parameters
    made_for = MadeFor(names.catalog.version, lake.access.version, names.search_path, names.temporary)
    bind_session(tree, principal, names.database)
    if (asked := take_values(tree)) is not None:
        parameters = asked.types(parameters)
    resolved = resolve(tree, found, names, parameters)
    session = {relation.table.name: relation for _, relation in found.session}
    if session and (computed := session_expressions(resolved.tree, session)):
        wanted = [one for _, _, one in computed if one not in lake.expression_types]
        if wanted:
            raise TypesWanted(wanted)
        session = compute(computed, lake.expression_types, session)
        resolved = with_computed(resolved, [one.table for one in session.values()], names, parameters)
    access = WithSession(lake.access, frozenset(session)) if session else lake.access
    governed = govern(resolved, principal, access, policy_reader(names, lake.governed, lake.access))
    tuning, at_work = asker.hints.tuned(asker.tuning), _at_work(asker.hints)
    statistics = known_statistics(_statistics(governed, lake), principal, tuning, lake)
    whole = get_whole(governed, principal, access, lake.sources, lake.pure_functions) if asked is None else None
    is_of_now = has_words_of_the_clock(governed.tree) if whole is None else not whole.is_lasting
    servers = asked_servers(governed.tables, lake.sources, lake.pure_functions) if whole is None else None
    hinted = statistics if at_work is None else with_hints(statistics, at_work)
    optimized = optimize(governed, hinted, _rules(tuning, at_work), servers)
    for query in (optimized.tree, *(one.query for one in optimized.dynamic)):
        check_governed(query, optimized.tables, principal, access)  # no rule has let go of a policy
    named = tuple(resolved.tables.values())
    followed = _followed(asker.hints, at_work, whole)
    noted = partial(Plan, hints=asker.hints, followed=followed, made_for=made_for, is_of_now=is_of_now)
    noted = partial(noted, names_one_twice=whole is None and names_one_twice(optimized.tree))
    said = partial(noted, optimized, principal, named)
    if servers is None:
        return said(whole, session, tuning=asker.tuning, asked=asked)
    parts, kept = remote_parts(optimized, statistics, lake.sources, lake.pure_functions)
    kept = (*servers.kept, *kept)
    return said(None, session, parts, kept, asker.tuning, asked)


def _statistics(governed: Governed, lake: Lake) -> Statistics:
    """Return what the rules may ask for: of joined tables, and of files that are read under conditions."""
    if sum(1 for _ in relations(governed.tree)) > 1:
        return lake.statistics([table for table in governed.tables.values() if table.kind != SESSION])
    if governed.tree.find(exp.Where) is None:
        return NO_STATISTICS
    return lake.statistics([table for table in governed.tables.values() if table.kind != "postgres"])


def _at_work(hints: Hints) -> HintsAtWork | None:
    return HintsAtWork(hints.hints) if hints.hints else None


def _rules(tuning: Tuning, hints: HintsAtWork | None) -> tuple[Rule, ...]:
    if not tuning.join_reordering:
        return RULES_AS_WRITTEN
    return RULES if hints is None or hints.leading is None else RULES_FOR_LEADING


def _followed(
    hints: Hints, at_work: HintsAtWork | None, whole: WholeStatement | None
) -> tuple[tuple[str, str | None], ...]:
    """Return what became of the hints of a statement."""
    became: dict[str, str | None] = {text: None for text, _, _ in hints.settings} | dict(hints.unheeded)
    if at_work is not None and whole is not None:
        became |= {one.text: f"source {whole.source} answers the statement alone" for one in hints.hints}
    elif at_work is not None:
        became |= at_work.finished()
    return tuple(became.items())


def known_statistics(statistics: Statistics, principal: Principal, tuning: Tuning, lake: Lake) -> Statistics:
    """Return statistics with what runs before have found, where the session lets plans be made by that."""
    if not tuning.feedback or not statistics:
        return statistics
    return informed(statistics, principal, lake.feedback, lake.table_now)


def prepare(
    planned: Plan, parameters: Sequence[pa.Scalar], session: Session, lake: Lake, *, is_run: bool = False
) -> Prepared:
    """Pin the versions of the plan's tables and cut it into fragments. What ``is_run`` alone need not leave out files
    for its values where their rows are in memory. Blocks.
    """
    pinned = lake.pin([table for table in planned.optimized.tables.values() if table.kind != SESSION])
    kept = _prepared_before(planned, parameters, session, pinned)
    if kept is not None:
        if not parameters:
            return kept
        if is_run and kept.whole is not None and lake.engine.holds(kept.whole):
            return replace(kept, query=kept.whole)
        again = _with_parameters(kept, planned, parameters, lake)
        if again is not None:
            return again
    prepared = _prepare(planned, parameters, session, lake, pinned)
    if not parameters or not (planned.session or planned.optimized.dynamic):
        with _LOCK:
            _PREPARED[_key(planned, parameters, session, pinned)] = (planned, prepared)
    return prepared


def _key(
    planned: Plan, parameters: Sequence[pa.Scalar], session: Session, pinned: Pinned
) -> tuple[int, tuple[object, ...]]:
    """Return what is prepared is kept by. What a plan becomes depends on which parameters are NULL or infinite, and on
    other values only in its scans.
    """
    given = tuple(one.type if one.is_valid else None for one in parameters)
    return id(planned), (session, pinned.versions, given, _has_infinity(parameters))


def _prepared_before(
    planned: Plan, parameters: Sequence[pa.Scalar], session: Session, pinned: Pinned
) -> Prepared | None:
    """Return what was prepared at these versions, for values that are maybe others."""
    with _LOCK:
        kept = _PREPARED.get(_key(planned, parameters, session, pinned))
    return kept[1] if kept is not None and kept[0] is planned and _reads(kept[1], pinned) else None


def _reads(prepared: Prepared, pinned: Pinned) -> bool:
    """Whether what is prepared reads the tables that are there: one made anew may have an old version's name."""
    parts = (part.snapshot for part in prepared.fragmented.fragments if part.snapshot.table.name in pinned.snapshots)
    return all(one.standing is pinned.snapshots[one.table.name].standing for one in parts)


def _has_infinity(parameters: Sequence[pa.Scalar]) -> bool:
    """Whether one of the values is an infinite date or timestamp."""
    ends = (one for one in parameters if isinstance(one, pa.Date32Scalar | pa.TimestampScalar))
    return any(one.value in _INFINITE for one in ends)


def _with_parameters(prepared: Prepared, planned: Plan, parameters: Sequence[pa.Scalar], lake: Lake) -> Prepared | None:
    """Return the same with other values of the parameters; None where the query is to be cut otherwise. Blocks."""
    fragmented = with_parameters(prepared.fragmented, lake.sources, parameters)
    if fragmented is None:
        return None
    if any(part.parameters for part in planned.parts):
        found = {part.place: part.scan.queries for part in with_values(planned.parts, parameters)}
        if fragmented.parts and found.keys() != {part.place for part in fragmented.parts}:
            return None
        parts = (replace(one, scan=replace(one.scan, queries=found[one.place])) for one in fragmented.parts)
        fragmented = replace(fragmented, parts=tuple(parts))
    return Prepared(fragmented, replace(prepared.query, scans=fragmented.scans), once=prepared.once)


def _prepare(planned: Plan, parameters: Sequence[pa.Scalar], session: Session, lake: Lake, pinned: Pinned) -> Prepared:
    """Do what `prepare` says at pinned versions, anew."""
    snapshots, sources = pinned.snapshots, lake.sources
    if planned.session:
        source = SessionSource(planned.session)
        snapshots = {**snapshots, **{name: source.pin(one.table) for name, one in planned.session.items()}}
        sources = {**sources, source.name: source}
    parts = with_values(planned.parts, parameters) if session.tuning.pushdown else ()
    fragmented = fragment(planned.optimized, snapshots, sources, parameters, parts)
    fenced = frozenset(part.relation for part in fragmented.read if part.is_fenced)
    once = Once.NECESSARY if planned.names_one_twice else Once.NEVER
    once = Once.CHEAPER if planned.names_one_twice and session.tuning.materialize_with else once
    size, infinite = _bytes(pinned), _has_infinity(parameters)
    is_large = size is None or size >= _LARGE
    rendered = rendered_fragments(fragmented, session, lake.evaluator, infinite=infinite, once=once, is_large=is_large)
    query = EngineQuery(
        rendered.sql,
        fragmented.scans,
        is_plain_scan(fragmented.tree),
        is_brief(fragmented),
        size,
        fenced,
        rendered.calls,
        compares=rendered.compares,
        withholds_values=may_quote_hidden(planned.optimized.tree),
        in_whole_numbers=rendered.in_whole_numbers,
    )
    asking = Asking(planned.principal, session, parameters, lake)
    keys = key_queries(planned.optimized, fragmented, asking) if planned.optimized.dynamic else ()
    return Prepared(fragmented, query, keys, _whole(fragmented, query, lake), rendered.once)


def _whole(fragmented: Fragmented, query: EngineQuery, lake: Lake) -> EngineQuery | None:
    """Return a query over all files of its table, where it is light and the engine applies all of its conditions."""
    part = fragmented.fragments[0] if fragmented.fragments else None
    if part is None or not query.compares or query.calls or not is_light(fragmented):
        return None
    if part.pushed or not isinstance(part.scan, FileScan):
        return None
    if not part.bound:
        return query
    scan = lake.sources[part.snapshot.table.source].scan(part.snapshot, part.columns, ())
    assert isinstance(scan, FileScan)
    scan = replace(scan, late=part.scan.late, read=part.scan.read, compared=part.scan.compared)
    return replace(query, scans=((part.relation, scan),))


def get_reads(planned: Plan) -> Fragmented | None:
    """Return what `reads` has found before."""
    with _LOCK:
        kept = _READS.get(id(planned))
    return kept[1] if kept is not None and kept[0] is planned else None


def reads(planned: Plan, parameters: Sequence[pa.Scalar], lake: Lake) -> Fragmented:
    """Return which tables and columns a plan reads that a source's server answers alone. Blocks."""
    pinned = lake.pin([*planned.optimized.tables.values()])
    fragmented = fragment(planned.optimized, pinned.snapshots, lake.sources, parameters)
    with _LOCK:
        _READS[id(planned)] = (planned, fragmented)
    return fragmented


def _bytes(pinned: Pinned) -> int | None:
    sizes = [snapshot.bytes for snapshot in pinned.snapshots.values()]
    return None if None in sizes else sum(size for size in sizes if size is not None)


async def run(
    planned: Plan,
    asking: Asking,
    noted: Callable[[Fragmented], None],
    own: MirrorConnection,
    rights: Rights,
    form: MakeForm = batches_alone,
) -> RunningStatement:
    """Begin to execute a plan; the rows are read from the result. ``noted`` is told what is read, in a thread. Rows of
    the session's relations, and values that it tells, are read over its ``own`` connection first. The ``rights`` are
    looked at when nothing is waited for any more. The engine may make the rows' messages in the ``form`` that is given.
    """
    session, lake = asking.session, asking.lake
    parameters = await with_answers(planned.asked, asking.parameters, own)
    running = await _at_once(planned, replace(asking, parameters=parameters), noted, rights)
    if running is not None:
        return running
    if planned.session or planned.optimized.dynamic or planned.names_one_twice:
        loop = asyncio.get_running_loop()
        prepared = await loop.run_in_executor(lake.threads, prepare, planned, parameters, session, lake)
        noted(prepared.fragmented)
        query = await with_rows(prepared.query, own)
        if prepared.keys:
            answered = replace(asking, parameters=parameters)
            query, _ = await with_keys(query, prepared.fragmented, prepared.keys, answered)
        query = replace(query, rights=rights)
        if prepared.once is not None and may_materialize(query, prepared.once):
            running = await start_materialized(query, prepared.once, parameters, lake.engine, form)
            if running is not None:
                return running
        query = replace(_measured(query, planned, prepared, session, lake), rights=rights)
        return await lake.engine.start(lambda: query, parameters, form)

    def ready() -> EngineQuery:
        prepared = prepare(planned, parameters, session, lake, is_run=True)
        noted(prepared.fragmented)
        if prepared.whole is not None:
            with _LOCK:
                _WHOLE[id(planned)] = (planned, prepared.whole)
        return replace(_measured(prepared.query, planned, prepared, session, lake), rights=rights)

    return await lake.engine.start(ready, parameters, form)


async def _at_once(
    planned: Plan, asking: Asking, noted: Callable[[Fragmented], None], rights: Rights
) -> RunningStatement | None:
    """Execute a light query of rows in memory without a change of threads, behind a look at its table's version that it
    shares with others. None where it is to be begun as any other.
    """
    parameters, lake, last = asking.parameters, asking.lake, light_query(planned)
    if last is None or not lake.engine.is_at_hand(last, parameters):
        return None
    prepared = light_at(planned, asking, await lake.versions.of([*planned.optimized.tables.values()]))
    if prepared is None or prepared.whole is None or not rights.are_current:
        return None
    running = lake.engine.at_once(prepared.whole, parameters)
    if running is not None:
        noted(prepared.fragmented)
    return running


def light_query(planned: Plan) -> EngineQuery | None:
    """Return what the engine was last asked of a light query over a table in memory, None of others."""
    with _LOCK:
        last = _WHOLE.get(id(planned))
    return last[1] if last is not None and last[0] is planned else None


def light_at(planned: Plan, asking: Asking, snapshots: Mapping[TableName, Snapshot]) -> Prepared | None:
    """Return a light query as it was prepared at these versions of its tables, for whatever values."""
    prepared = _prepared_before(planned, asking.parameters, asking.session, Pinned(snapshots))
    return prepared if prepared is not None and prepared.whole is not None else None


def _measured(query: EngineQuery, planned: Plan, prepared: Prepared, session: Session, lake: Lake) -> EngineQuery:
    """Have what the operators count be looked at, the first time that a plan is run over these versions of its tables:
    of plans that had a choice, with the values that they were made for.
    """
    optimized, fragmented = planned.optimized, prepared.fragmented
    chooses = len(fragmented.fragments) > 1 and not query.is_brief and not planned.session
    if not chooses or not session.tuning.feedback:
        return query
    versions = tuple(part.snapshot.version for part in fragmented.fragments)
    if not lake.feedback.is_wanted(planned, versions):
        return query
    filtered = tuple((one.filter.target, one.filter.tables) for one in prepared.keys)

    def measured(root: Operator, in_memory: frozenset[str]) -> None:
        lake.feedback.looked_at(planned, versions)
        statistics = lake.statistics([*optimized.tables.values()])
        known = known_statistics(statistics, planned.principal, planned.tuned(planned.tuning), lake)
        ended = Run(planned, planned.principal, optimized, fragmented, known, filtered, in_memory)
        collect(root, ended, lake.feedback, lake.table_now, lake.history.misjudged)

    return replace(query, measured=measured)
