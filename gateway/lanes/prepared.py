"""A statement made ready: its lane decided and, for the engine's lane, its plan; kept for the next time.

What is kept is keyed by everything it depends on: the text, the role, the search path, the version of the catalogue and
of the grants. So a change of any of them is seen by the next statement, and nothing crosses roles.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from cachetools import LRUCache
from sqlglot import exp

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.sqlstate import SqlState
from gateway.counts import CacheState, CountedCache
from gateway.lake import Lake
from gateway.lanes.again import Again, LightAgain
from gateway.lanes.kept_encoder import NO_RECORDS, KeptEncoder, Records
from gateway.pipeline import Asker, Plan, plan
from gateway.sql.copy_options import Format
from gateway.sql.copy_statements import CopyTo, read_copy
from gateway.sql.copy_tables import of_table
from gateway.sql.cursor_statements import declaration, preparation
from gateway.sql.explain_options import ExplainOptions
from gateway.sql.hints import read_hints
from gateway.sql.parameter_types import told_types
from gateway.sql.pin_statements import pin_stand_in
from gateway.sql.policy_questions import stand_in
from gateway.sql.resolve import Names, NotResolved, References, references
from gateway.sql.session_relations import TEMPORARY_SCHEMA, SessionRelation
from gateway.sql.statements import Kind, Statement, explained, parse_query
from gateway.sql.temporary_changes import Change
from gateway.sql.temporary_loads import Load, get_copies, get_load, names_temporary, refuse_load
from gateway.sql.temporary_views import with_views
from gateway.sql.tokens import tokens
from gateway.sql.unread import refuse_tables
from gateway.tuning import Tuning
from gateway.values.settings import BINARY, TEXT
from gateway.wire.backend import FieldDescription

LONG_TEXT = 1024  # characters: beyond it a text is cut in a thread
_KEPT_BYTES = 64 << 20  # of plans
_KEPT_DESCRIPTIONS = 4096
_KEPT_SHAPES = 4096
_NODE_BYTES = 1024  # of a plan's tree, with the node's type: measured


class Lane(Enum):
    """Who answers a statement."""

    __hash__ = object.__hash__  # Enum's is a function of Python

    RELAY = auto()  # the catalogue mirror
    ENGINE = auto()
    EXPLAIN = auto()  # the gateway itself, from the plan of the engine's lane
    ANALYZE = auto()  # the engine, for the gateway itself
    REFRESH = auto()  # the gateway itself
    MASKING = auto()  # the gateway itself
    AUTHORIZATION = auto()  # the mirror's session, asked by the gateway
    USER_MAPPING = auto()  # the gateway itself
    ACCESS = auto()  # the gateway's own session in the mirror, and the store
    POLICY_QUESTION = auto()  # the gateway itself, with rows
    PLAN_PIN = auto()  # so too
    LOAD = auto()  # the engine's rows into a temporary table of the mirror's session
    DECLARE = auto()  # the mirror keeps a cursor without rows, the gateway has the rows
    FETCH = auto()  # of such a cursor
    MOVE = auto()  # so too
    PREPARE = auto()  # the mirror keeps the statement, the gateway its plan
    EXECUTE = auto()  # of such a statement

    @property
    def is_answered(self) -> bool:
        """Whether the gateway itself answers with rows."""
        return self is Lane.POLICY_QUESTION or self is Lane.PLAN_PIN

    @property
    def is_command(self) -> bool:
        """Whether the gateway carries it out without rows; the mirror's session only keeps its name."""
        return self in _COMMANDS


_COMMANDS = frozenset(
    (
        *(Lane.ANALYZE, Lane.REFRESH, Lane.MASKING, Lane.USER_MAPPING, Lane.ACCESS, Lane.AUTHORIZATION),
        *(Lane.DECLARE, Lane.MOVE, Lane.PREPARE),
    )
)


@dataclass(frozen=True, slots=True)
class PreparedStatement:
    """A statement with its lane. ENGINE and EXPLAIN have a plan, or the failure to be told in its place; DECLARE and
    PREPARE have the query that stands in them.
    """

    statement: Statement
    lane: Lane
    plan: Plan | None = None
    explain: ExplainOptions | None = None
    failure: NotResolved | None = None
    copy: CopyTo | None = None  # of a COPY, on whichever lane
    load: Load | None = None  # of LOAD
    change: Change | None = None  # of LOAD: what is copied for a statement, which then is the mirror's
    query: PreparedStatement | None = None

    @property
    def is_generic(self) -> bool:
        """Whether it is an EXPLAIN of a plan for whatever values its parameters may have."""
        return self.lane is Lane.EXPLAIN and self.explain is not None and self.explain.generic_plan

    @property
    def described_as(self) -> str:
        """The text from which PostgreSQL describes the statement's columns."""
        if self.copy is not None:
            return self.copy.query
        text = self.statement.text if self.load is None else self.load.query
        if self.lane is Lane.DECLARE:
            return declaration(text).stand_in
        if self.lane is Lane.PLAN_PIN:
            return pin_stand_in(text)
        return stand_in(text) if self.lane is Lane.POLICY_QUESTION else text

    def require_plan(self) -> Plan:
        """Return the plan, or raise why there is none."""
        if self.plan is None:
            failure = self.failure or SqlError(SqlState.INTERNAL_ERROR, "the statement has no plan")
            raise failure.with_traceback(None)  # it is raised many times, and would remember them all
        return self.plan

    def tables(self) -> tuple[str, ...]:
        """Return the names of the tables that it was planned for."""
        return tuple(str(name) for name in self.plan.optimized.tables) if self.plan is not None else ()

    def policies(self) -> tuple[str, ...]:
        """Return the names of the policies that filter or mask for who asks, each with its table."""
        found = self.plan.optimized.policies if self.plan is not None else {}
        return _named(found)

    def shadow_policies(self) -> tuple[str, ...]:
        """Return the names of those that would if they were in force."""
        return _named(self.plan.optimized.shadows if self.plan is not None else {})


def _named(found: Mapping[TableName, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(f"{policy} ON {name}" for name, policies in found.items() for policy in policies)


@dataclass(frozen=True, slots=True)
class Description:
    """PostgreSQL's own description of a statement, from the mirror: parameter types and result columns.

    ``message`` is its RowDescription as it came, if there was one. ``records`` tell the fields of columns that are
    whole rows. ``encoders`` are those that were made for its rows, by the format of all columns.
    """

    parameter_oids: tuple[int, ...]
    fields: tuple[FieldDescription, ...]
    message: bytes | None = None
    records: Records = field(default_factory=lambda: NO_RECORDS)
    encoders: Mapping[int, KeptEncoder] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoders", {form: KeptEncoder(self.records) for form in (TEXT, BINARY)})


@dataclass(slots=True)
class LastTime:
    """What a statement was found to be under ``names``, which depend on the catalogue, the grants, who asks and his
    search path, and are another object when one of these is another: so nothing of it is looked up again.
    """

    names: Names
    prepared: PreparedStatement  # as it was before its parameters' types were known
    description: Description | None = None
    encoding: str = ""  # of the names in the description
    typed: dict[tuple[tuple[str, ...], Tuning], PreparedStatement] = field(default_factory=dict)
    again: Again | None = None  # where a source's server answered
    light: LightAgain | None = None  # where the engine did, over rows in memory


@dataclass(slots=True)
class NamedStatement:
    """What a Parse message made: the statement, and the parameter types that the client declared (0: to be inferred).

    ``fields`` are the result columns as first described; a statement whose columns have changed since is refused.
    ``last`` is what was found out the last time, for as long as names mean the same.
    """

    prepared: PreparedStatement
    parameter_oids: tuple[int, ...]
    fields: tuple[FieldDescription, ...] | None = None
    last: LastTime | None = None

    def last_time(self, names: Names) -> LastTime | None:
        """Return what was found out before, where it still holds."""
        last = self.last
        return last if last is not None and last.names is names and last.prepared is self.prepared else None

    def check_columns(self, fields: tuple[FieldDescription, ...]) -> None:
        """Raise 0A000 where the columns are not those that the client may have been told."""
        if self.fields is None or self.fields is fields:
            self.fields = fields
        elif _columns(self.fields) != _columns(fields):
            raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, "cached plan must not change result type")


def _columns(fields: tuple[FieldDescription, ...]) -> list[tuple[str, int, int]]:
    return [(one.name, one.type_oid, one.type_modifier) for one in fields]


class NamedStatements:
    """A session's prepared statements by name, in step with the mirror: a name counts when the mirror has said so."""

    def __init__(self) -> None:
        self._known: dict[str, NamedStatement] = {}
        self._parsing: dict[str, NamedStatement] = {}

    def get(self, name: str) -> NamedStatement | None:
        """Return the statement of that name, of messages under way if there is one."""
        return self._parsing.get(name) or self._known.get(name)

    def require(self, name: str) -> NamedStatement:
        """Return the statement of that name. Raises SqlError where there is none."""
        named = self.get(name)
        if named is None:
            which = f'prepared statement "{name}"' if name else "unnamed prepared statement"
            raise SqlError(SqlState.UNDEFINED_PSTATEMENT, f"{which} does not exist")
        return named

    def parsing(self, name: str, statement: NamedStatement) -> Callable[[], None]:
        """Note a Parse that was sent; call what is returned when it has succeeded. The unnamed statement is none until
        then: a Parse ends the one before, also where it fails.
        """
        if not name:
            self.end_unnamed()
        self._parsing[name] = statement

        def parsed() -> None:
            is_newest = self._parsing.get(name) is statement
            if is_newest:
                del self._parsing[name]
            if name or is_newest:  # an unnamed one may have been ended since
                self._known[name] = statement

        return parsed

    def add(self, name: str, statement: NamedStatement) -> None:
        """Note a statement that the mirror has taken."""
        self._known[name] = statement

    def close(self, name: str) -> None:
        """Note that a name was given up."""
        self._known.pop(name, None)

    def end_unnamed(self) -> None:
        """Give up the unnamed statement, also where the mirror has yet to say that it took it."""
        self._parsing.pop("", None)
        self._known.pop("", None)

    def failed(self) -> None:
        """Forget what was sent behind a message that failed."""
        self._parsing.clear()

    def executed(self, statement: Statement) -> None:
        """Follow a statement of SQL, executed by the mirror, that made a name or gave up names."""
        if statement.kind is Kind.PREPARE:
            tail = preparation(statement.text)
            query = Statement(tail.query, Kind.QUERY, tail.head)
            self.add(tail.name, NamedStatement(PreparedStatement(query, Lane.RELAY), ()))
            return
        words = [token.text for token in tokens(statement.text)]
        if statement.head == "DEALLOCATE":
            name = words[-1]
            if name.upper() == "ALL":
                self._known = {key: value for key, value in self._known.items() if not key}
            else:
                self.close(name[1:-1].replace('""', '"') if name.startswith('"') else name.lower())
        elif statement.head == "DISCARD" and words[-1].upper() == "ALL":
            self._known = {key: value for key, value in self._known.items() if not key}


class StatementCache:
    """Prepared statements and descriptions of all sessions, each under its full key."""

    def __init__(self) -> None:
        self._prepared: CountedCache[tuple[object, ...], PreparedStatement] = CountedCache(_KEPT_BYTES, _size)
        self.descriptions: LRUCache[tuple[object, ...], Description] = LRUCache(_KEPT_DESCRIPTIONS)
        self.shapes: LRUCache[tuple[object, ...], object] = LRUCache(_KEPT_SHAPES)  # of shaped statements

    async def prepare(self, statement: Statement, asker: Asker, lake: Lake) -> PreparedStatement:
        """Decide the statement's lane and plan it, or return what was decided before. It is planned in a thread: that
        may take a second, for a long text or for a source's statistics, in which other sessions go on. The types of
        its parameters are known once the statement has been described, or before, where the text tells them.
        """
        names = asker.names
        key: tuple[object, ...] = (statement.text, asker.parameters, asker.principal, names.search_path)
        key = (*key, names.catalog.version, lake.access.version, asker.tuning)
        if names.temporary:
            key = (*key, names.temporary)
        if statement.hints:
            asker, key = replace(asker, hints=read_hints(statement.hints)), (*key, statement.hints)
        kept = self._prepared.get(key)
        is_kept = kept is not None and not is_outdated(kept.plan, lake)
        self._prepared.counts.note(found=is_kept)
        if kept is None or not is_kept:
            loop = asyncio.get_running_loop()
            kept = await loop.run_in_executor(lake.threads, _prepare, statement, asker, lake)
            self._prepared[key] = kept
            if not asker.parameters and kept.plan is not None and kept.plan.types:
                self._prepared[*key[:1], kept.plan.types, *key[2:]] = kept
        return kept if kept.statement.start == statement.start else replace(kept, statement=statement)

    @property
    def state(self) -> CacheState:
        """What is kept of plans; their bytes are estimated."""
        kept = self._prepared
        return CacheState(kept.counts, len(kept), int(kept.currsize), int(kept.maxsize))


def is_outdated(plan: Plan | None, lake: Lake) -> bool:
    """Say whether a plan is to be made anew: it was made for a moment that is over, runs have shown that another one
    would be better, or pins have changed.
    """
    if plan is None:
        return False
    if plan.is_of_now or plan.pins is not lake.pins.version:
        return True
    return lake.feedback.has_outdated and lake.feedback.is_outdated(plan)


_PLANLESS = {
    Kind.ANALYZE: Lane.ANALYZE,
    Kind.REFRESH: Lane.REFRESH,
    Kind.AUTHORIZATION: Lane.AUTHORIZATION,
    Kind.MASKING: Lane.MASKING,
    Kind.USER_MAPPING: Lane.USER_MAPPING,
    Kind.ACCESS: Lane.ACCESS,
    Kind.POLICY_QUESTION: Lane.POLICY_QUESTION,
    Kind.PLAN_PIN: Lane.PLAN_PIN,
}


def get_planless(statement: Statement) -> PreparedStatement | None:
    """Return a statement that is the same whoever asks; None for queries, which are planned."""
    if statement.kind in (Kind.QUERY, Kind.EXPLAIN, Kind.COPY, Kind.TEMPORARY):
        return None
    return PreparedStatement(statement, _PLANLESS.get(statement.kind, Lane.RELAY))


class ShapesWanted(Exception):
    """A statement names relations of PostgreSQL's catalogues, by schema and name, whose columns are not known yet."""

    def __init__(self, names: Collection[tuple[str, str]]) -> None:
        super().__init__("columns are not known yet")
        self.names = names


def _with_shapes(found: References, shapes: Mapping[tuple[str, str], SessionRelation]) -> References:
    for node in found.system:
        if node.db.startswith(TEMPORARY_SCHEMA):  # those of this session were found before
            raise SqlError(SqlState.UNDEFINED_TABLE, f'relation "{node.db}.{node.name}" does not exist')
    named = [(node, (node.db or "pg_catalog", node.name)) for node in found.system]
    wanted = {name for _, name in named if name not in shapes}
    if wanted:
        raise ShapesWanted(wanted)
    return replace(found, session=(*found.session, *((node, shapes[name]) for node, name in named)))


def _size(kept: PreparedStatement) -> int:
    """Return about how many bytes a statement takes; one that is too large for the cache takes its place alone."""
    plan = kept.plan
    trees = () if plan is None else (plan.optimized.tree, *(one.query for one in plan.optimized.dynamic))
    nodes = sum(1 for tree in trees for _ in tree.walk())
    return min(_KEPT_BYTES, 1024 + 2 * len(kept.statement.text) + _NODE_BYTES * nodes)


def _prepare(statement: Statement, asker: Asker, lake: Lake) -> PreparedStatement:
    names = asker.names
    if statement.kind is Kind.COPY:
        return _prepare_copy(statement, asker, lake)
    options, text = explained(statement) if statement.kind is Kind.EXPLAIN else (None, statement.text)
    if statement.kind is Kind.TEMPORARY and statement.head == "ANALYZE" and not names_temporary(text, names):
        return PreparedStatement(replace(statement, kind=Kind.ANALYZE), Lane.ANALYZE)
    change = get_copies(text, names, _is_planned(asker, lake)) if statement.kind is Kind.TEMPORARY else None
    if change is not None:
        return PreparedStatement(statement, Lane.LOAD, change=change)
    load = get_load(text, names) if statement.kind is Kind.TEMPORARY else None
    if statement.kind is Kind.TEMPORARY and load is None:
        return PreparedStatement(statement, Lane.RELAY)
    text = text if load is None else load.query
    lane = Lane.EXPLAIN if options is not None else Lane.ENGINE if load is None else Lane.LOAD
    try:
        made = _plan(text, asker, lake)
        if made is not None and load is not None:
            refuse_load(statement.text)
            if load.is_view:  # the mirror makes it; whoever names it reads the lake
                made = None
    except NotResolved as failure:
        return PreparedStatement(statement, lane, None, options, failure, load=load)
    except SqlError as error:
        if error.position is not None:
            error.position += len(statement.text) - len(text)
        raise
    return PreparedStatement(statement, Lane.RELAY if made is None else lane, made, options, load=load)


def _is_planned(asker: Asker, lake: Lake) -> Callable[[str], bool]:
    """Return what says whether a query can be planned by itself, and reads the lake."""

    def is_planned(query: str) -> bool:
        try:
            return _plan(query, asker, lake) is not None
        except SqlError:  # it may be part of another one
            return False

    return is_planned


def _prepare_copy(statement: Statement, asker: Asker, lake: Lake) -> PreparedStatement:
    """Prepare a COPY as the query that it stands for."""
    copy = read_copy(statement.text)
    try:
        copy = of_table(copy, asker.names)
        made = _plan(copy.query, replace(asker, parameters=()), lake)
    except NotResolved as failure:
        return PreparedStatement(statement, Lane.ENGINE, None, None, copy.placed(failure), copy)
    except SqlError as error:
        raise copy.placed(error) from None
    if made is None and not (copy.options.format.is_lines or copy.options.format is Format.BINARY):
        raise SqlError(
            SqlState.FEATURE_NOT_SUPPORTED,
            f"COPY format {copy.options.format.value} is not supported for queries without tables of the lake",
        )
    return PreparedStatement(statement, Lane.RELAY if made is None else Lane.ENGINE, made, None, None, copy)


def _plan(text: str, asker: Asker, lake: Lake) -> Plan | None:
    """Plan a query, or return None for one that the mirror answers: it names no table of the lake. In the mirror
    nothing of the lake can be read, so a wrong decision ends in an error there.
    """
    tree = parse_query(text)
    types = told_types(tree) if tree is not None and not asker.parameters else ()
    if types:
        try:
            return _plan_tree(text, tree, replace(asker, parameters=types), lake)
        except SqlError:  # a client may have declared others: then it is planned anew
            tree = parse_query(text)
    return _plan_tree(text, tree, asker, lake)


def _plan_tree(text: str, tree: exp.Query | None, asker: Asker, lake: Lake) -> Plan | None:
    if tree is None:
        refuse_tables(text, asker.names, is_described=True)
        return None
    found = with_views(tree, references(tree, asker.names), asker.names, asker.principal)
    if not found.lake:
        return None
    if found.system:
        found = _with_shapes(found, lake.system_shapes)
    pins = lake.pins.version
    pinned = None if asker.hints.is_told else lake.pins.of(text, {table.name: table for _, table in found.lake})
    if pinned is not None and pinned.hints is not None:
        asker = replace(asker, hints=pinned.hints)
    made = plan(tree, found, asker, lake)
    return replace(made, pinned=pinned, pins=pins, text=text, types=asker.parameters)
