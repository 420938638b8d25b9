"""EXPLAIN: what each source is asked, which files are read, what is left to the engine and why, and the engine's plan.

A role that does not see all of a table (policies stand before it, some columns are not granted, it is read with the
rights of a view's owner or with a login of its own at the source) is told nothing that depends on what it does not see:
not the engine's plan, which is chosen by numbers of rows, nor the files, whose folders have values in their names, nor
conditions, versions and the tables that policies and views look into. Where files are is told to superusers alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from catalog.scans import Comparison, FileScan, RemoteScan, SessionScan
from gateway.dynamic_filters import Asking, Filtered, with_keys
from gateway.execute.port import EngineQuery
from gateway.lake import Lake
from gateway.pipeline import Plan, Prepared
from gateway.relay.source_relay import WholeStatement
from gateway.sql.statements import ExplainOptions
from optimizer.stages import DynamicFilter, Fragment, Fragmented
from policies.views import KIND as VIEW

_REASON = "The plan is shown to roles that see all of the tables."
_FILES = re.compile(r"(?<=file_groups=\{)(.*?\])(?=\}(?:, [a-z_]+=|$))")
_PATH = re.compile(r"[^\[\], ][^\[\],]*")


async def explain(prepared: Prepared, planned: Plan, options: ExplainOptions, asking: Asking) -> list[str]:
    """Return the lines that EXPLAIN answers."""
    lake, parameters = asking.lake, asking.parameters
    query: EngineQuery = prepared.query
    filtered: tuple[Filtered, ...] = ()
    if options.analyze and prepared.keys:
        query, filtered = await with_keys(query, prepared.fragmented, prepared.keys, asking)
    if hides(prepared.fragmented, planned, lake):
        if options.analyze:
            await lake.engine.explain(query, parameters, analyze=True)  # it ends as the statement itself would
        return _without_plan(planned, options, lake)
    engine_plan = await lake.engine.explain(query, parameters, options.analyze)
    if not planned.principal.superuser:
        engine_plan = without_places(engine_plan)
    fragments = prepared.fragmented.fragments
    names = {part.relation: str(part.snapshot.table.name) for part in fragments}
    engine_lines = [_named(line, names) for line in engine_plan.splitlines()]
    if options.format == "JSON":
        shown = _as_json(prepared, planned, engine_lines, options)
        for place, fragment in enumerate(shown["Fragments"]):
            fragment["Dynamic Filters"] = _filters(place, prepared, filtered)
        return [json.dumps([shown], indent=2)]
    lines = ["Engine query"]
    if options.verbose:
        lines += [f"  SQL: {_named(prepared.query.sql, names)}"]
        lines += [f"  Rule: {step.rule}" for step in planned.optimized.trace]
    lines += [f"  {line}" for line in engine_lines]
    for place, part in enumerate(fragments):
        lines += _fragment(part)
        lines += [f"  Dynamic filter: {one}" for one in _filters(place, prepared, filtered)]
    return lines


def _filters(place: int, prepared: Prepared, filtered: Sequence[Filtered]) -> list[str]:
    """Return what is told of the keys by which a scan is read: how many, and never which."""
    if not filtered:
        return [_expected(one.filter) for one in prepared.keys if one.filter.target == place]
    return [_carried_out(one) for one in filtered if one.filter.target == place]


def _expected(one: DynamicFilter) -> str:
    return f"{one.column} by keys of {_tables(one)}, {max(1, round(one.keys))} expected"


def _carried_out(one: Filtered) -> str:
    of = _tables(one.filter)
    if one.keys is None:
        return f"{one.filter.column} by keys of {of}, given up: they are too many"
    effect = "" if one.scan is not None else ", not used: too few rows would be left out"
    if isinstance(one.scan, FileScan):
        effect = f", {_files(one.scan)} of {one.scan.files_known} files"
    return f"{one.filter.column} by {one.keys} keys of {of}{effect}"


def _tables(one: DynamicFilter) -> str:
    return ", ".join(map(str, one.tables))


def explain_whole(
    whole: WholeStatement, tables: Sequence[str], options: ExplainOptions, server: Sequence[str]
) -> list[str]:
    """Return the lines for a statement that a source's server answers alone; ``server`` is its own EXPLAIN."""
    if options.format == "JSON":
        shown = {"Source": whole.source, "Tables": [*tables], "Remote SQL": whole.sql, "Remote Plan": [*server]}
        return [json.dumps([{"Whole Statement": shown}], indent=2)]
    lines = [
        f"Whole statement by source {whole.source}",
        f"  Tables: {', '.join(tables)}",
        f"  Remote SQL: {whole.sql}",
    ]
    return [*lines, *(f"  {line}" for line in server)]


def hides(fragmented: Fragmented, planned: Plan, lake: Lake) -> bool:
    """Say whether something of the tables is hidden from who asks: rows, values, columns, what a view reads with the
    rights of its owner, or what a source may hide from a login that is not the gateway's.
    """
    principal, access = planned.principal, lake.access
    if principal.superuser:
        return False
    tables = (name for name in planned.optimized.tables if name not in planned.session)
    whole = (access.columns(principal, name) is None for name in tables)
    scans = (part.scan for part in fragmented.fragments)
    mapped = (
        isinstance(scan, RemoteScan) and lake.remote_logins.get(scan.source, scan.reader or "") is not None
        for scan in scans
    )
    return bool(planned.optimized.policies) or not all(whole) or any(mapped)


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
    if options.format == "JSON":
        parts = [{"Table": str(one.name), "Source": one.source, "Policies": one.name in policies} for one in tables]
        return [json.dumps([{"Engine Plan": [_REASON], "Fragments": parts}], indent=2)]
    lines = ["Engine query", f"  {_REASON}"]
    for one in tables:
        origin = VIEW if one.kind == VIEW else f"source {one.source}, {one.kind}"
        lines.append(f"Scan {one.name}  ({origin})")
        if one.name in policies:
            lines.append("  Policies apply")
        if one.name not in planned.session and lake.access.columns(principal, one.name) is not None:
            lines.append("  Some columns may not be read")
    return lines


def _fragment(part: Fragment) -> list[str]:
    table = part.snapshot.table
    lines = [f"Scan {table.name}  (source {table.source}, {table.kind}, version {part.snapshot.version})"]
    if part.snapshot.rows is not None:
        lines.append(f"  Rows known: {part.snapshot.rows}")
    if isinstance(part.scan, RemoteScan):
        lines += [f"  Remote SQL: {query}" for query in part.scan.queries]
    elif isinstance(part.scan, SessionScan):
        lines.append(f"  Session SQL: {part.scan.query}")
    elif isinstance(part.scan, FileScan):
        lines.append(f"  Files: {_files(part.scan)} of {part.scan.files_known}")
    if isinstance(part.scan, FileScan) and part.scan.late:
        lines.append("  Late materialization: other columns are decoded where the conditions hold")
    lines += [f"  Pushed down: {_comparison(one)}" for one in part.pushed]
    lines += [f"  Prunes files: {_comparison(one)}" for one in part.pruning]
    lines += [f"  Not pushed down: {condition}  ({reason})" for condition, reason in part.kept]
    return lines


def _as_json(prepared: Prepared, planned: Plan, engine_lines: list[str], options: ExplainOptions) -> dict[str, Any]:
    shown: dict[str, Any] = {"Engine Plan": engine_lines}
    if options.verbose:
        shown["Rules"] = [step.rule for step in planned.optimized.trace]
    shown["Fragments"] = [_fragment_json(part) for part in prepared.fragmented.fragments]
    return shown


def _fragment_json(part: Fragment) -> dict[str, object]:
    table = part.snapshot.table
    shown: dict[str, object] = {
        "Table": str(table.name),
        "Source": table.source,
        "Kind": table.kind,
        "Version": part.snapshot.version,
        "Rows Known": part.snapshot.rows,
    }
    if isinstance(part.scan, RemoteScan):
        shown["Remote SQL"] = list(part.scan.queries)
    elif isinstance(part.scan, SessionScan):
        shown["Session SQL"] = part.scan.query
    elif isinstance(part.scan, FileScan):
        shown |= {"Files": _files(part.scan), "Files Known": part.scan.files_known}
        shown["Late Materialization"] = part.scan.late
    shown["Pushed Down"] = [_comparison(one) for one in part.pushed]
    shown["Prunes Files"] = [_comparison(one) for one in part.pruning]
    shown["Not Pushed Down"] = [{"Condition": condition, "Reason": reason} for condition, reason in part.kept]
    return shown


def _files(scan: FileScan) -> int:
    return sum(len(group.files) for group in scan.groups)


def _comparison(one: Comparison) -> str:
    values = ", ".join(str(value.as_py()) for value in one.values)
    return f"{one.column} {one.operator} {values}".rstrip()


def _named(text: str, names: dict[str, str]) -> str:
    for relation, name in names.items():
        text = text.replace(f'"{relation}"', name).replace(relation, name)
    return text
