"""EXPLAIN: what each source is asked, which files are read, what is left to the engine and why, and the engine's plan.

A role that sees a table through policies is told nothing that depends on what they hide: not the engine's plan, which
is chosen by numbers of rows, nor the files, conditions and versions.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import pyarrow as pa

from catalog.scans import Comparison, FileScan, RemoteScan
from gateway.lake import Lake
from gateway.pipeline import Plan, Prepared
from gateway.sql.statements import ExplainOptions
from optimizer.stages import Fragment


async def explain(
    prepared: Prepared, planned: Plan, options: ExplainOptions, parameters: Sequence[pa.Scalar], lake: Lake
) -> list[str]:
    """Return the lines that EXPLAIN answers."""
    if planned.optimized.policies:
        return await _under_policies(prepared, planned, options, parameters, lake)
    engine_plan = await lake.engine.explain(prepared.query, parameters, options.analyze)
    fragments = prepared.fragmented.fragments
    names = {part.relation: str(part.snapshot.table.name) for part in fragments}
    engine_lines = [_named(line, names) for line in engine_plan.splitlines()]
    if options.format == "JSON":
        return [json.dumps([_as_json(prepared, planned, engine_lines, options)], indent=2)]
    lines = ["Engine query"]
    if options.verbose:
        lines += [f"  SQL: {_named(prepared.query.sql, names)}"]
        lines += [f"  Rule: {step.rule}" for step in planned.optimized.trace]
    lines += [f"  {line}" for line in engine_lines]
    for part in fragments:
        lines += _fragment(part)
    return lines


async def _under_policies(
    prepared: Prepared, planned: Plan, options: ExplainOptions, parameters: Sequence[pa.Scalar], lake: Lake
) -> list[str]:
    """Return what is the same whatever the policies hide."""
    if options.analyze:
        await lake.engine.explain(prepared.query, parameters, analyze=True)  # it ends as the statement itself would
    reason = "The plan is shown to roles that see the tables without policies."
    tables = sorted(planned.optimized.tables.values(), key=lambda table: table.name)
    policies = planned.optimized.policies
    if options.format == "JSON":
        parts = [{"Table": str(one.name), "Source": one.source, "Policies": one.name in policies} for one in tables]
        return [json.dumps([{"Engine Plan": [reason], "Fragments": parts}], indent=2)]
    lines = ["Engine query", f"  {reason}"]
    for one in tables:
        lines.append(f"Scan {one.name}  (source {one.source}, {one.kind})")
        if one.name in policies:
            lines.append("  Policies apply")
    return lines


def _fragment(part: Fragment) -> list[str]:
    table = part.snapshot.table
    lines = [f"Scan {table.name}  (source {table.source}, {table.kind}, version {part.snapshot.version})"]
    if part.snapshot.rows is not None:
        lines.append(f"  Rows known: {part.snapshot.rows}")
    if isinstance(part.scan, RemoteScan):
        lines += [f"  Remote SQL: {query}" for query in part.scan.queries]
    else:
        lines.append(f"  Files: {_files(part.scan)} of {part.scan.files_known}")
    if isinstance(part.scan, FileScan) and part.scan.late:
        lines.append("  Late materialization: other columns are decoded where the conditions hold")
    lines += [f"  Pushed down: {_comparison(one)}" for one in part.pushed]
    lines += [f"  Prunes files: {_comparison(one)}" for one in part.pruning]
    lines += [f"  Not pushed down: {condition}  ({reason})" for condition, reason in part.kept]
    return lines


def _as_json(prepared: Prepared, planned: Plan, engine_lines: list[str], options: ExplainOptions) -> dict[str, object]:
    shown: dict[str, object] = {"Engine Plan": engine_lines}
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
    else:
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
