"""EXPLAIN: what each source is asked, which files are read, what is left to the engine and why, and the engine's plan.

A role that does not see all of a table (policies stand before it, some columns are not granted, it is read with the
rights of a view's owner or with a login of its own at the source) is told nothing that depends on what it does not see:
not the engine's plan, which is chosen by numbers of rows, nor the files, whose folders have values in their names, nor
conditions, versions and the tables that policies and views look into. Where files are is told to superusers alone.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic

from catalog.predefined_roles import STATS_READERS
from catalog.principals import Principal
from catalog.scans import FileScan
from gateway.dynamic_filters import Asking, Filtered, with_keys
from gateway.execute.port import without_hot
from gateway.explaining.advice import Analyzed, expected_rows, worst_estimate
from gateway.explaining.feedback import feedback_lines, feedback_shown
from gateway.explaining.formats import written
from gateway.explaining.fragments import filter_lines, fragment_lines, fragment_shown, name_part, name_scans
from gateway.explaining.hints import hint_lines, hints_shown, pin_lines, pin_shown
from gateway.explaining.kept import kept_lines, kept_shown
from gateway.explaining.orders import order_lines, orders_shown
from gateway.explaining.parts import not_pushed, part_lines, part_names, parts_shown
from gateway.explaining.text_plan import engine_lines, plan_lines
from gateway.explaining.with_queries import ExplainedWith, with_lines, with_shown
from gateway.history.log import Planned
from gateway.lake import Lake
from gateway.pipeline import Plan, Prepared, known_statistics
from gateway.plan_tree import PlanNode, Shape, as_postgres, plan_tree, without_statistics
from gateway.relay.source_relay import WholeStatement
from gateway.result_cache import Result
from gateway.sql.explain_options import ExplainOptions
from gateway.sql.session_relations import KIND as SESSION
from gateway.with_queries import Computed, Held, materialize, may_materialize, plan_materialized
from optimizer import cost
from optimizer.considered_orders import ConsideredOrders, considered_orders
from optimizer.dynamic_filters import left_by
from optimizer.feedback import with_hints
from optimizer.hints import HintsAtWork
from optimizer.known_parts import KnownPart, known_parts
from optimizer.relations import relations
from optimizer.stages import Fragment, Fragmented, RemotePart
from policies.views import KIND as VIEW

_MERGED = "both sides are sorted, and spill  (hash tables do not fit into engine.memory_limit)"
_REASON = "The plan is shown to roles that see all of the tables."
_FILES = re.compile(r"(?<=file_groups=\{)(.*?\])(?=\}(?:, [a-z_]+=|$))")
_PATH = re.compile(r"[^\[\], ][^\[\],]*")


@dataclass(frozen=True, slots=True)
class Before:
    """What was before a plan is explained: when its planning began, as `monotonic` counts, and the rows by which the
    statement itself would be answered, if there are any.
    """

    started: float
    kept: Result | None = None


async def explain(
    prepared: Prepared, planned: Plan, options: ExplainOptions, asking: Asking, before: Before
) -> list[str]:
    """Return the rows that EXPLAIN answers."""
    held = Held()
    try:
        return await _explained(prepared, planned, options, asking, before, held)
    finally:
        held.keep(0)


async def _explained(
    prepared: Prepared, planned: Plan, options: ExplainOptions, asking: Asking, before: Before, held: Held
) -> list[str]:
    lake, query = asking.lake, prepared.query
    filtered: tuple[Filtered, ...] = ()
    planned_at = monotonic()
    if options.analyze and prepared.keys:
        query, filtered = await with_keys(query, prepared.fragmented, prepared.keys, asking)
    computed: tuple[Computed, ...] = ()
    if prepared.once is not None and may_materialize(query, prepared.once):
        once, parameters = prepared.once, asking.parameters
        if options.analyze:
            query, computed = await materialize(query, once, parameters, lake.engine, held)
        else:
            query, computed = await plan_materialized(query, once, parameters, lake.engine)
    if hides(planned, lake):
        if options.analyze:
            await lake.engine.explain(query, asking.parameters, analyze=True)  # it ends as the statement itself would
        return _without_plan(planned, options, lake)
    is_over_files = not _may_know_of_others(planned.principal)
    query = replace(query, is_over_files=is_over_files)
    told = await lake.engine.explain(query, asking.parameters, options.analyze)
    ended_at = monotonic()
    plans = [await _plan_of(one, prepared, planned, asking) for one in computed]
    loop = asyncio.get_running_loop()
    expected, orders, known = await loop.run_in_executor(lake.threads, _estimates, planned, options, lake)
    for one in filtered or [Filtered(each.filter, round(each.filter.keys), None) for each in prepared.keys]:
        if one.keys is not None and (one.scan is not None or not filtered):
            expected[one.filter.target] = left_by(one.filter, one.keys)
    told, hot = without_hot(told)
    told = _told(told, prepared, planned)
    sql, read = _with_names(query.sql, computed), frozenset(name for name, _ in query.scans)
    planning = 1000 * ((planned_at if options.analyze else ended_at) - before.started)
    execution = 1000 * (ended_at - planned_at) if options.analyze else None
    analyzed, shown = _analyzed(prepared, lake), kept_shown(before.kept)
    run = _Explained(
        prepared, filtered, told, expected, orders, planning, execution, analyzed, known, shown, hot, sql, read
    )
    scans = [frozenset(name for name, _ in one.asked.scans) for one in computed]
    trees = [run.tree_of(plan, names) for plan, names in zip(plans, scans, strict=True)]
    run = replace(run, queries=tuple(map(ExplainedWith, computed, plans, trees)))
    if options.format == "TEXT":
        return _text(run, planned, options, asking)
    return written(_shown(run, planned, options, asking), options.format)


async def _plan_of(one: Computed, prepared: Prepared, planned: Plan, asking: Asking) -> str:
    """Return the engine's plan of a WITH query that is computed first."""
    asked = replace(one.asked, is_over_files=not _may_know_of_others(planned.principal))
    told, _ = without_hot(await asking.lake.engine.explain(asked, asking.parameters, analyze=False))
    return _told(told, prepared, planned)


def _told(plan: str, prepared: Prepared, planned: Plan) -> str:
    """Return a plan of the engine's with the names of tables, and without what others may not know of files."""
    return _named(plan if planned.principal.superuser else without_places(plan), prepared.fragmented)


def _with_names(sql: str, computed: Sequence[Computed]) -> str:
    for one in computed:
        sql = sql.replace(one.query.relation, one.query.name)
    return sql


def _estimates(
    planned: Plan, options: ExplainOptions, lake: Lake
) -> tuple[list[float | None], tuple[ConsideredOrders, ...], list[KnownPart]]:
    """Return the rows that were expected of each relation, for VERBOSE the orders of joins that were considered, and
    what was known of runs before.
    """
    tables = [table for table in planned.optimized.tables.values() if table.name not in planned.session]
    tuning = planned.tuned(planned.tuning)
    statistics = known_statistics(lake.statistics(tables), planned.principal, tuning, lake)
    statistics = with_hints(statistics, HintsAtWork(planned.hints.hints)) if planned.hints.hints else statistics
    reorders = tuning.join_reordering
    orders = (
        considered_orders(planned.optimized, statistics, planned.parts, reorders=reorders) if options.verbose else []
    )
    known = known_parts(planned.optimized.tree, statistics)
    return expected_rows(planned.optimized, statistics), tuple(orders), known


def _analyzed(prepared: Prepared, lake: Lake) -> Analyzed:
    snapshots = (part.snapshot for part in prepared.fragmented.fragments)
    found = ((one, lake.analyzed(one.table.name)) for one in snapshots)
    as_it_is = ((one, known) for one, known in found if known is not None and known.version == one.version)
    return {str(one.table.name): known.statistics.combined.keys() for one, known in as_it_is}


@dataclass(frozen=True, slots=True)
class _Explained:
    """What was found out: the engine's plan as text, what became of filters, how many rows were expected of each scan,
    which orders of joins were considered, and how long it took, in milliseconds.
    """

    prepared: Prepared
    filtered: tuple[Filtered, ...]
    plan: str
    expected: list[float | None]
    orders: tuple[ConsideredOrders, ...]
    planning: float
    execution: float | None
    analyzed: Analyzed  # the tables whose versions ANALYZE has read
    known: list[KnownPart]
    kept: dict[str, object]
    hot: Mapping[str, int]  # of scans with columns in memory, the number of files that these are of
    sql: str
    read: frozenset[str]  # the relations of the plan
    queries: tuple[ExplainedWith, ...] = ()  # of WITH, that are computed first

    @property
    def fragmented(self) -> Fragmented:
        """The scans, and parts of the query."""
        return self.prepared.fragmented

    @property
    def fragments(self) -> tuple[tuple[int, Fragment], ...]:
        """The scans that stand in no part, each with its place."""
        every = enumerate(self.fragmented.fragments)
        return tuple((place, part) for place, part in every if place not in self.fragmented.within)

    def _only_part(self) -> RemotePart | None:
        """Return the part that a server answers, where no other rows than its are in memory."""
        parts = self.fragmented.parts
        in_memory = self.hot or len(parts) > 1 or self.read - {name for name, _ in self.prepared.query.scans}
        over_files = all(isinstance(part.scan, FileScan) for _, part in self.fragments)
        return parts[0] if parts and over_files and not in_memory else None

    def tree(self) -> PlanNode | None:
        """Return the engine's plan with the names of tables."""
        return self.tree_of(self.plan, self.read)

    def tree_of(self, plan: str, read: frozenset[str]) -> PlanNode | None:
        """Return a plan of the engine's, over the relations ``read``, with the names of tables."""
        root = plan_tree(plan)
        if root is not None:
            part = self._only_part()
            if part is not None:
                name_part(root, part.name, part.scan.source)
            # Rows of servers in memory look alike, whether they are a table's or a part's.
            known = [one for one in self.fragments if one[1].relation in read]
            certain = [one for one in known if not self.fragmented.parts or isinstance(one[1].scan, FileScan)]
            hot = () if self.fragmented.parts else self.hot
            name_scans(root, [part for _, part in certain], [self.expected[place] for place, _ in certain], hot)
        return root


def _shown_plan(root: PlanNode | None, shape: Shape) -> dict[str, object]:
    return {"Node Type": "Result"} if root is None else as_postgres(root, shape)


def _worst(run: _Explained, root: PlanNode | None) -> str | None:
    if root is None or run.execution is None:
        return None
    return worst_estimate(root, run.fragmented.fragments, run.analyzed)


def _merges(plan: str) -> bool:
    """Whether joins sort both of their sides, which they do where it is necessary alone."""
    return "SortMergeJoinExec" in plan


def _text(run: _Explained, planned: Plan, options: ExplainOptions, asking: Asking) -> list[str]:
    lines = ["Engine query"]
    if options.verbose:
        lines += [f"  SQL: {_named(run.sql, run.fragmented)}"]
        lines += [f"  Rule: {rule}" for rule in planned.optimized.trace]
        lines += order_lines(run.orders)
    root = run.tree()
    shape = Shape(options.costs, options.timing, options.buffers, options.verbose)
    lines += [f"  {line}" for line in plan_lines(_shown_plan(root, shape))]
    lines += engine_lines(run.plan) if options.verbose else []
    lines += with_lines(run.queries, shape)
    for place, part in run.fragments:
        lines += fragment_lines(part, run.hot.get(part.relation, 0))
        lines += [f"  Dynamic filter: {one}" for one in filter_lines(place, run.prepared.keys, run.filtered)]
    lines += [f"Joins: {_MERGED}"] if _merges(run.plan) else []
    lines += part_lines(run.fragmented.parts)
    lines += feedback_lines(run.known)
    lines += pin_lines(planned)
    lines += hint_lines(planned)
    lines += [f"Not pushed down: {operation}  ({reason})" for operation, reason in not_pushed(planned, run.fragmented)]
    worst = _worst(run, root)
    lines += [f"Worst estimate: {worst}"] if worst is not None else []
    lines += kept_lines(run.kept)
    if options.settings and (changed := asking.session.tuning.changed()):
        lines.append("Settings: " + ", ".join(f"{name} = '{value}'" for name, value in changed.items()))
    if options.settings and (costs := cost.costs().changed()):
        lines.append("Costs: " + ", ".join(f"{name} = {value:g} ns" for name, value in costs.items()))
    if options.summary:
        lines.append(f"Planning Time: {run.planning:.3f} ms")
        lines += [f"Execution Time: {run.execution:.3f} ms"] if run.execution is not None else []
    return lines


def _shown(run: _Explained, planned: Plan, options: ExplainOptions, asking: Asking) -> dict[str, object]:
    """Return what the formats for programs show: PostgreSQL's names where it has them, and then our own."""
    root = run.tree()
    shape = Shape(options.costs, options.timing, options.buffers, options.verbose)
    shown: dict[str, object] = {"Plan": _shown_plan(root, shape)}
    if options.settings and (changed := asking.session.tuning.changed()):
        shown["Settings"] = changed
    if options.settings and (costs := cost.costs().changed()):
        shown["Costs"] = costs
    if options.summary:
        shown["Planning Time"] = round(run.planning, 3)
    if run.execution is not None:
        shown["Triggers"] = []
        shown |= {"Execution Time": round(run.execution, 3)} if options.summary else {}
    worst = _worst(run, root)
    shown |= {"Worst Estimate": worst} if worst is not None else {}
    shown["Engine Plan"] = without_statistics(run.plan).splitlines()
    shown |= with_shown(run.queries, shape)
    if options.verbose:
        shown |= {"Rules": [*planned.optimized.trace], "Join Orders": orders_shown(run.orders)}
    shown["Fragments"] = [
        {
            **fragment_shown(part, run.hot.get(part.relation, 0)),
            "Dynamic Filters": filter_lines(place, run.prepared.keys, run.filtered),
        }
        for place, part in run.fragments
    ]
    shown |= {"Joins": _MERGED} if _merges(run.plan) else {}
    shown |= pin_shown(planned)
    if shown_hints := hints_shown(planned):
        shown["Hints"] = shown_hints
    shown["Feedback"] = feedback_shown(run.known)
    shown |= {"Result Cache": run.kept} if run.kept else {}
    shown["Remote Parts"] = parts_shown(run.fragmented.parts)
    reasons = not_pushed(planned, run.fragmented)
    shown["Not Pushed Down"] = [{"Operation": operation, "Reason": reason} for operation, reason in reasons]
    return shown


def explain_whole(
    whole: WholeStatement, planned: Plan, options: ExplainOptions, server: Sequence[str], kept: Result | None
) -> list[str]:
    """Return the rows for a statement that a source's server answers alone; ``server`` is its own EXPLAIN, as text or,
    for all other formats, as JSON. ``kept`` are rows that would be sent in their place.
    """
    shown_rows = kept_shown(kept)
    tables = sorted(str(one.name) for one in planned.optimized.tables.values())
    if options.format != "TEXT":
        [told] = json.loads("\n".join(server))
        asked = {"Source": whole.source, "Tables": [*tables], "Remote SQL": whole.sql}
        hints = {"Hints": shown} if (shown := hints_shown(planned)) else {}
        cached = {"Result Cache": shown_rows} if shown_rows else {}
        return written({**told, "Whole Statement": asked, **hints, **cached}, options.format)
    lines = [
        f"Whole statement by source {whole.source}",
        f"  Tables: {', '.join(tables)}",
        f"  Remote SQL: {whole.sql}",
    ]
    return [*lines, *(f"  {line}" for line in server), *hint_lines(planned), *kept_lines(shown_rows)]


def hides(planned: Planned, lake: Lake) -> bool:
    """Say whether something of the tables is hidden from who asks: rows, values, columns, what a view reads with the
    rights of its owner, or what a source may hide from a login that is not the gateway's.
    """
    principal, access, optimized = planned.principal, lake.access, planned.optimized
    if principal.superuser:
        return False
    tables = {name: table for name, table in optimized.tables.items() if table.kind != SESSION}
    whole = (access.columns(principal, name) is None for name in tables)
    read = ((tables[one.name], one.reader or "") for one in relations(optimized.tree) if one.name in tables)
    mapped = (lake.remote_logins.get(table.source, reader) is not None for table, reader in read)
    return bool(optimized.policies) or not all(whole) or any(mapped)


def _may_know_of_others(principal: Principal) -> bool:
    """Whether somebody may be told what others have read, such as columns that are in memory since they have."""
    return principal.superuser or bool(STATS_READERS & principal.roles)


def without_places(engine_plan: str) -> str:
    """Return the engine's plan with the names of files instead of their paths. The folders of partitions next to a file
    are parts of its name, others tell of the machine or bucket.
    """
    return "\n".join(_FILES.sub(_file_names, line) for line in engine_plan.split("\n"))


def _file_names(found: re.Match[str]) -> str:
    return _PATH.sub(lambda path: _file_name(path[0]), found[0])


def _file_name(path: str) -> str:
    *folders, name = path.split("/")
    while folders and "=" in folders[-1]:
        name = f"{folders.pop()}/{name}"
    return name


def _without_plan(planned: Plan, options: ExplainOptions, lake: Lake) -> list[str]:
    """Return what is the same whatever is hidden: the tables that the statement names, and that something is."""
    tables = sorted(planned.named, key=lambda table: table.name)
    policies, principal = planned.optimized.policies, planned.principal
    if options.format != "TEXT":
        parts = [{"Table": str(one.name), "Source": one.source, "Policies": one.name in policies} for one in tables]
        scan = {"Node Type": "Foreign Scan"}
        plan = {
            "Node Type": "Result",
            "Plans": [{**scan, "Schema": one.name.schema, "Relation Name": one.name.name} for one in tables],
        }
        return written({"Plan": plan, "Engine Plan": [_REASON], "Fragments": parts}, options.format)
    lines = ["Engine query", f"  {_REASON}"]
    for one in tables:
        origin = VIEW if one.kind == VIEW else f"source {one.source}, {one.kind}"
        lines.append(f"Scan {one.name}  ({origin})")
        if one.name in policies:
            lines.append("  Policies apply")
        if one.name not in planned.session and lake.access.columns(principal, one.name) is not None:
            lines.append("  Some columns may not be read")
    return lines


def _named(text: str, fragmented: Fragmented) -> str:
    """Return a text of the engine's with tables and parts as people call them."""
    names = {part.relation: str(part.snapshot.table.name) for part in fragmented.fragments}
    for relation, name in (names | part_names(fragmented.parts)).items():
        text = text.replace(f'"{relation}"', name).replace(relation, name)
    return text
