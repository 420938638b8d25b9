"""The engine's plan as a tree with PostgreSQL's names for its parts, so that programs that draw PostgreSQL's plans draw
these.

The engine tells a plan as indented text; an operator that PostgreSQL has is called as there ("Hash Join", "Sort"),
others in plain words ("Filter", "Repartition"). Costs are in PostgreSQL's unit of a tuple (``cpu_tuple_cost``): every
operator's rows, and those it takes in, added up. They compare parts of one plan, nothing else.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import MappingProxyType

_TUPLE_COST = 0.01
_LINE = re.compile(r"(?P<indent> *)(?P<operator>\w+)(?:: ?|, )?(?P<rest>.*)")
_STATISTICS = re.compile(r"(?:^|, )statistics=\[Rows=(?:(?:Exact|Inexact)\((?P<rows>\d+)\)|Absent).*")
_METRICS = re.compile(r",? ?metrics=\[(?P<metrics>.*)\]$")
_METRIC = re.compile(r"(?P<name>\w+)=(?P<number>[\d.]+) ?(?P<unit>ns|µs|ms|s|K|M|B|T|KB|MB|GB|TB)?(?=,|$| )")
_UNITS: dict[str | None, float] = {
    **{None: 1.0, "K": 1e3, "M": 1e6, "T": 1e12, "KB": 2.0**10, "MB": 2.0**20, "GB": 2.0**30},
    **{"TB": 2.0**40, "ns": 1e-6, "µs": 1e-3, "ms": 1.0, "s": 1e3},  # times are milliseconds
}
_NAMES = {
    "AggregateExec": "Aggregate",
    "BoundedWindowAggExec": "WindowAgg",
    "CoalesceBatchesExec": "Gather Batches",
    "CoalescePartitionsExec": "Gather",
    "CrossJoinExec": "Nested Loop",
    "DataSourceExec": "Foreign Scan",
    "DatasetExec": "Foreign Scan",
    "EmptyExec": "Result",
    "FilterExec": "Filter",
    "GlobalLimitExec": "Limit",
    "HashJoinExec": "Hash Join",
    "InterleaveExec": "Append",
    "LocalLimitExec": "Limit",
    "NestedLoopJoinExec": "Nested Loop",
    "PlaceholderRowExec": "Result",
    "ProjectionExec": "Projection",
    "RecursiveQueryExec": "Recursive Union",
    "RepartitionExec": "Repartition",
    "SortExec": "Sort",
    "SortMergeJoinExec": "Merge Join",
    "SortPreservingMergeExec": "Gather Merge",
    "UnionExec": "Append",
    "UnnestExec": "ProjectSet",
    "WindowAggExec": "WindowAgg",
    "WorkTableExec": "WorkTable Scan",
}
_JOINED = MappingProxyType({"Hash Join": "Hash Cond", "Merge Join": "Merge Cond", "Nested Loop": "Join Filter"})
_BLOCKING = frozenset({"Aggregate", "Sort", "Gather Merge", "Hash Join"})  # some input is read whole before a row
_WIDTH = 8  # bytes of a column whose width is not known
_PAGE = 8192  # bytes of a block, as PostgreSQL counts what is read and written
_INTERVAL = re.compile(
    r'IntervalMonthDayNano\("IntervalMonthDayNano \{ months: (-?\d+), days: (-?\d+), nanoseconds: (-?\d+) \}"\)'
)
_FETCH = re.compile(r"(?:^|[ (,])(?:fetch|limit)=(\d+)")


@dataclass(slots=True)
class PlanNode:
    """An operator: its name, what it does in the engine's words, rows as planned (None: not known), what was measured,
    and its inputs. ``relation`` is the table that it reads, schema and name, where that is known.
    """

    name: str
    detail: str
    rows: float | None
    metrics: dict[str, float]
    children: list[PlanNode] = field(default_factory=list)
    relation: tuple[str, str] | None = None
    is_by_optimizer: bool = False  # whether the rows are those by which tables were put in order
    told: dict[str, object] = field(default_factory=dict)  # more of it, by the names under which it is shown

    def walk(self) -> Iterator[PlanNode]:
        """Yield the node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def expected(self) -> float:
        """The rows as planned; where nothing is known, as many as its largest input has."""
        if self.rows is not None:
            return self.rows
        return max((child.expected for child in self.children), default=1000.0)

    @property
    def total_cost(self) -> float:
        """What it costs, with its inputs."""
        taken = sum(child.expected for child in self.children)
        return sum(child.total_cost for child in self.children) + (taken + self.expected) * _TUPLE_COST

    @property
    def startup_cost(self) -> float:
        """What it costs before its first row."""
        if self.name in _BLOCKING and self.children:
            first = self.children[:1] if self.name == "Hash Join" else self.children
            return sum(child.total_cost for child in first)
        return max((child.startup_cost for child in self.children), default=0.0)


def without_statistics(plan: str) -> str:
    """Return the engine's text without what it knows of the tables' values, which stands behind each line."""
    return "\n".join(_STATISTICS.sub("", line) for line in plan.split("\n"))


def plan_tree(plan: str) -> PlanNode | None:
    """Read the engine's text, None where it has none."""
    above: list[tuple[int, PlanNode]] = []
    root: PlanNode | None = None
    for line in plan.splitlines():
        found = _LINE.match(line)
        if found is None or not found["operator"].endswith("Exec"):
            continue
        node, indent = _node(found["operator"], found["rest"]), len(found["indent"])
        while above and above[-1][0] >= indent:
            above.pop()
        if above:
            above[-1][1].children.append(node)
        root = root or node
        above.append((indent, node))
    return root


def _node(operator: str, rest: str) -> PlanNode:
    statistics = _STATISTICS.search(rest)
    rows = float(statistics["rows"]) if statistics is not None and statistics["rows"] is not None else None
    detail = _STATISTICS.sub("", rest)
    metrics = _METRICS.search(detail)
    measured: dict[str, float] = {}
    if metrics is not None:
        detail = _METRICS.sub("", detail)
        for one in _METRIC.finditer(metrics["metrics"]):
            measured.setdefault(one["name"], float(one["number"]) * _unit(one["name"], one["unit"]))
    name = _NAMES.get(operator, operator.removesuffix("Exec"))
    return PlanNode(name, detail.strip(), rows, measured, told=_attributes(name, detail))


def _unit(name: str, unit: str | None) -> float:
    """``1.5 B`` is a number of bytes, or a billion of anything else."""
    if unit == "B":
        return 1.0 if "bytes" in name or "mem" in name else 1e9
    return _UNITS[unit]


def _attributes(name: str, detail: str) -> dict[str, object]:
    """Return what PostgreSQL tells of such a node under names of its own, and after how many rows it ends."""
    fetch = _FETCH.search(detail)
    return _of_kind(name, detail) | ({"Limit": int(fetch[1])} if fetch is not None else {})


def _of_kind(name: str, detail: str) -> dict[str, object]:
    if name in _JOINED:
        return _of_join(name, detail)
    if name == "Aggregate":
        keys = _value(detail, "gby") or ""
        mode = "Partial" if "mode=Partial" in detail else "Finalize" if "mode=Final" in detail else "Simple"
        strategy = "Plain" if keys in ("", "[]") else "Sorted" if "ordering_mode=Sorted" in detail else "Hashed"
        told: dict[str, object] = {"Strategy": strategy, "Partial Mode": mode}
        return told if strategy == "Plain" else told | {"Group Key": _items(keys)}
    if name in ("Sort", "Gather Merge"):
        keys = _value(detail, "expr") or detail.partition(", fetch=")[0]
        return {"Sort Key": [_sort_key(key) for key in _items(keys)]}
    if name == "Filter":
        return {"Filter": _plain(detail.partition(", projection=[")[0])}
    predicate = _plain(_value(detail, "predicate") or "") if name == "Foreign Scan" else ""
    return {"Filter": predicate} if predicate else {}


def _plain(condition: str) -> str:
    """Return a condition without the places of columns, and without the values by which the engine filters while it
    joins; intervals as PostgreSQL writes them.
    """
    condition = re.sub(r"(?: AND )?DynamicFilter \[ .*", "", condition)
    return re.sub(r"(?<=[\w)\"])@\d+", "", _INTERVAL.sub(_interval, condition))


def _interval(found: re.Match[str]) -> str:
    months, days, nanoseconds = map(int, found.groups())
    seconds = f"{nanoseconds / 1e9:.9f}".rstrip("0").rstrip(".")
    parts = ((months, f"{months} mons"), (days, f"{days} days"), (nanoseconds, f"{seconds} secs"))
    return f"INTERVAL '{' '.join(text for number, text in parts if number) or '0'}'"


def _of_join(name: str, detail: str) -> dict[str, object]:
    """Joins that keep rows of one side are called after the other where that is the second, as PostgreSQL's are."""
    kind = (re.search(r"join_type=(\w+)", detail) or ["", "Inner"])[1]
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind)
    told: dict[str, object] = {"Join Type": re.sub("^Left (?=.)", "", words), "Inner Unique": False}
    pairs = [_parts(one[1:-1]) for one in _parts((_value(detail, "on") or "[]")[1:-1])]
    if pairs:
        told[_JOINED[name]] = " AND ".join(f"({_plain(left)} = {_plain(right)})" for left, right in pairs)
    condition = _value(detail, "filter")
    return told | {"Join Filter": _plain(condition)} if condition else told


def _value(detail: str, name: str) -> str | None:
    """Return what stands behind ``name=``, up to the comma that ends it: brackets and quotes keep theirs."""
    found = re.search(rf"(?:^|[ ,]){name}=", detail)
    if found is None:
        return None
    depth, quoted, start = 0, False, found.end()
    for at in range(start, len(detail)):
        letter = detail[at]
        quoted ^= letter == "'"
        depth += (letter in "([{") - (letter in ")]}") if not quoted else 0
        if letter == "," and depth == 0 and not quoted and re.match(r", [a-z_]+=", detail[at:]):
            return detail[start:at]
    return detail[start:]


def _items(text: str) -> list[str]:
    inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    return [_plain(one).partition(" as ")[0] for one in _parts(inner)]


def _parts(text: str) -> list[str]:
    """Return what stands between commas, but for those within brackets and quotes."""
    found, depth, quoted, start = [], 0, False, 0
    for at, letter in enumerate(text):
        quoted ^= letter == "'"
        depth += (letter in "([{") - (letter in ")]}") if not quoted else 0
        if depth == 0 and not quoted and text.startswith(", ", at):
            found.append(text[start:at])
            start = at + 2
    return [*found, text[start:]] if text else []


def _sort_key(key: str) -> str:
    """Return a key as PostgreSQL shows one: what is usual is not said."""
    if key.endswith(" ASC NULLS LAST"):
        return key.removesuffix(" ASC NULLS LAST")
    return f"{key.removesuffix(' ASC')} NULLS FIRST" if key.endswith(" ASC") else key


@dataclass(frozen=True, slots=True)
class Shape:
    """What is shown of each node."""

    costs: bool
    timing: bool
    buffers: bool
    verbose: bool = False


def as_postgres(node: PlanNode, shape: Shape, parent: str | None = None) -> dict[str, object]:
    """Return a node as PostgreSQL's EXPLAIN (FORMAT JSON) shows one. Numbers of what was measured are there where it
    was run; rows beyond a thousand are rounded by the engine.
    """
    shown: dict[str, object] = {"Node Type": node.name}
    if parent is not None:
        shown["Parent Relationship"] = parent
    shown |= {"Parallel Aware": False, "Async Capable": node.name == "Foreign Scan"}
    if node.relation is not None:
        shown |= {"Operation": "Select", "Relation Name": node.relation[1], "Schema": node.relation[0]}
        shown["Alias"] = node.relation[1]
    if shape.costs:
        width = max(1, len(_output(node))) * _WIDTH
        shown |= {"Startup Cost": round(node.startup_cost, 2), "Total Cost": round(node.total_cost, 2)}
        shown |= {"Plan Rows": round(node.expected), "Plan Width": width}
    if node.metrics:
        shown |= _measured(node, shape.timing)
    output = _output(node) if shape.verbose else []
    shown |= {"Disabled": False, **({"Output": output} if output else {}), **node.told, **_removed(node)}
    if node.metrics.get("build_mem_used"):
        shown["Peak Memory Usage"] = math.ceil(node.metrics["build_mem_used"] / 1024)
    if shape.buffers and node.metrics:
        shown |= {"Shared Hit Blocks": 0, "Shared Read Blocks": round(node.metrics.get("bytes_scanned", 0.0) / _PAGE)}
    if node.metrics.get("spilled_bytes"):
        shown["Temp Written Blocks"] = round(node.metrics["spilled_bytes"] / _PAGE)
    if node.children:
        shown["Plans"] = [
            as_postgres(child, shape, "Outer" if at == 0 else "Inner") for at, child in enumerate(node.children)
        ]
    return shown


def _output(node: PlanNode) -> list[str]:
    """Return what leaves a node, as far as the engine says so."""
    told = _value(node.detail, "projection")
    if told is None and node.name == "Projection":
        told = _value(node.detail, "expr")
    return _items(told or "")


def _removed(node: PlanNode) -> dict[str, object]:
    """Return how many rows a condition has left out."""
    if node.name != "Filter" or "output_rows" not in node.metrics or "Limit" in node.told:
        return {}
    taken = node.children[0].metrics.get("output_rows") if node.children else None
    return {} if taken is None else {"Rows Removed by Filter": max(0, round(taken - node.metrics["output_rows"]))}


def elapsed(node: PlanNode) -> float:
    """Return the milliseconds that an operator took together with its inputs; those of several cores add up."""
    own = max(node.metrics.get(name, 0.0) for name in ("elapsed_compute", "time_elapsed_processing"))
    return own + sum(map(elapsed, node.children))


def _started(node: PlanNode) -> float:
    """Return the milliseconds before an operator's first row."""
    if not node.children or node.name not in _BLOCKING:
        return max(map(_started, node.children), default=0.0)
    whole = node.children[:1] if node.name == "Hash Join" else node.children
    return max([*map(elapsed, whole), *map(_started, node.children)])


def _measured(node: PlanNode, timing: bool) -> dict[str, object]:
    shown: dict[str, object] = {}
    if timing:
        shown |= {"Actual Startup Time": round(_started(node), 3), "Actual Total Time": round(elapsed(node), 3)}
    return shown | {"Actual Rows": round(node.metrics.get("output_rows", 0.0), 2), "Actual Loops": 1}
