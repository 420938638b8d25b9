"""What EXPLAIN tells of each scan: its source and version, what goes there, what does not and why."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlglot import exp

from catalog.scans import Comparison, FileScan, RemoteScan, SessionScan
from gateway.dynamic_filters import Filtered, KeyQuery
from gateway.plan_tree import PlanNode
from optimizer.stages import DynamicFilter, Fragment, Optimized
from policies.fences import FENCE


def fragment_lines(part: Fragment, hot: int = 0) -> list[str]:
    """Return the lines of the format TEXT; of ``hot`` files the columns are in memory."""
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
        lines += [f"  Hot columns: in memory of {hot} of {_files(part.scan)} files"] if hot else []
    if isinstance(part.scan, FileScan) and part.scan.late:
        lines.append("  Late materialization: other columns are decoded where the conditions hold")
    lines += [f"  Pushed down: {_comparison(one)}" for one in part.pushed]
    lines += [f"  Prunes files: {_comparison(one)}" for one in part.pruning]
    lines += [f"  Not pushed down: {condition}  ({reason})" for condition, reason in part.kept]
    return lines


def fragment_shown(part: Fragment, hot: int = 0) -> dict[str, object]:
    """Return what the other formats show; of ``hot`` files the columns are in memory."""
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
        shown |= {"Hot Files": hot} if hot else {}
    shown["Pushed Down"] = [_comparison(one) for one in part.pushed]
    shown["Prunes Files"] = [_comparison(one) for one in part.pruning]
    shown["Not Pushed Down"] = [{"Condition": condition, "Reason": reason} for condition, reason in part.kept]
    return shown


def _files(scan: FileScan) -> int:
    return sum(len(group.files) for group in scan.groups)


def _comparison(one: Comparison) -> str:
    values = ", ".join(str(value.as_py()) for value in one.values)
    return f"{one.column} {one.operator} {values}".rstrip()


def filter_lines(place: int, asked: Sequence[KeyQuery], filtered: Sequence[Filtered]) -> list[str]:
    """Return what is told of the keys by which a scan is read: how many, and never which."""
    if not filtered:
        return [_expected(one.filter) for one in asked if one.filter.target == place]
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


_OPERATIONS: tuple[tuple[str, tuple[type[exp.Expr], ...]], ...] = (
    ("joins", (exp.Join, exp.In, exp.Exists)),
    ("aggregates", (exp.AggFunc, exp.Group)),
    ("DISTINCT", (exp.Distinct,)),
    ("window functions", (exp.Window,)),
    ("set operations", (exp.SetOperation,)),
    ("ORDER BY", (exp.Order,)),
)


def operations_kept(optimized: Optimized, tree: exp.Query) -> list[tuple[str, str]]:
    """Return what the engine does although a table of the query is at a server that could, each with the reason.
    ``tree`` is what the engine is left with.
    """
    servers = sorted({table.source for table in optimized.tables.values() if table.kind == "postgres"})
    if not servers:
        return []
    others = sorted({table.source for table in optimized.tables.values()})
    if len(others) > 1:
        reason = f"the statement reads {', '.join(others)}, and no server has all of them"
    else:
        reason = f"{servers[0]} would read the statement otherwise, or has not all of its functions and types"
    kept = [(word, reason) for word, kinds in _OPERATIONS if tree.find(*kinds) is not None]
    limited = any(str(one.expression) != str(FENCE) for one in tree.find_all(exp.Limit))
    return [*kept, *([("LIMIT", reason)] if limited else [])]


def name_part(root: PlanNode, name: str, source: str) -> None:
    """Tell the scan of the only part that a server answers what it is of, where it is the only one not over files."""
    found = [one for one in root.walk() if one.name == "Foreign Scan" and "file_groups=" not in one.detail]
    if len(found) == 1:
        found[0].told |= {"Relations": name, "Source": source}


def name_scans(
    root: PlanNode, parts: Sequence[Fragment], expected: Sequence[float | None], hot: Collection[str] = ()
) -> None:
    """Tell scans of the engine's plan which tables they read, where that is certain: the engine names files, and of
    other scans their columns. ``expected`` are the rows by which the optimizer chose the plan, of each part, ``hot``
    names scans whose rows are in memory.
    """
    above: dict[int, PlanNode] = {id(child): node for node in root.walk() for child in node.children}
    for node in root.walk():
        if node.name != "Foreign Scan":
            continue
        found = [(part, rows) for part, rows in zip(parts, expected, strict=True) if _may_be(part, node.detail, hot)]
        if not found or any(part.snapshot.table.name != found[0][0].snapshot.table.name for part, _ in found):
            continue
        part, rows = found[0]
        node.relation = (part.snapshot.table.name.schema, part.snapshot.table.name.name)
        node.told |= _of_scan(part)
        filtering = above.get(id(node))
        last = filtering if filtering is not None and filtering.name == "Filter" else node
        if rows is not None and len(found) == 1:
            last.rows, last.is_by_optimizer = rows, True


def _may_be(part: Fragment, detail: str, hot: Collection[str]) -> bool:
    if isinstance(part.scan, FileScan):
        if part.relation in hot and "file_groups=" not in detail:
            return True
        files = (file.rpartition("/")[2] for group in part.scan.groups for file in group.files)
        return "file_groups=" in detail and any(file in detail for file in files)
    if "file_groups=" in detail:
        return False
    columns = detail.partition("projection=[")[2].rpartition("]")[0]
    return not columns or {*columns.split(", ")} <= {*part.columns}


def _of_scan(part: Fragment) -> dict[str, object]:
    told: dict[str, object] = {"Source": part.snapshot.table.source, "Version": part.snapshot.version}
    if isinstance(part.scan, RemoteScan):
        told["Remote SQL"] = "; ".join(part.scan.queries)
    if isinstance(part.scan, FileScan):
        told |= {"Files": _files(part.scan), "Files Known": part.scan.files_known}
    return told
