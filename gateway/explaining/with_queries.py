"""WITH queries that are computed before their statement, as EXPLAIN tells of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.explaining.text_plan import engine_lines, plan_lines
from gateway.plan_tree import PlanNode, Shape, as_postgres, without_statistics
from gateway.with_queries import Computed


@dataclass(frozen=True, slots=True)
class ExplainedWith:
    """A WITH query with the engine's plan of it, as text and as a tree."""

    computed: Computed
    plan: str
    root: PlanNode | None


def with_lines(queries: Sequence[ExplainedWith], shape: Shape) -> list[str]:
    """Return the lines of the text."""
    lines: list[str] = []
    for one in queries:
        done, query = one.computed, one.computed.query
        found = "" if done.rows is None else f", {done.rows} rows in {done.milliseconds:.3f} ms"
        lines += [f"With {query.name}  (computed once, named {query.places} times{found})"]
        lines += [f"  {line}" for line in plan_lines(as_postgres(one.root, shape))] if one.root is not None else []
        lines += engine_lines(one.plan) if shape.verbose else []
    return lines


def with_shown(queries: Sequence[ExplainedWith], shape: Shape) -> dict[str, object]:
    """Return what the formats for programs show, if there is anything."""
    shown = [
        {"Name": one.computed.query.name, "Places": one.computed.query.places}
        | ({} if one.computed.rows is None else {"Actual Rows": one.computed.rows})
        | ({} if one.computed.rows is None else {"Actual Total Time": round(one.computed.milliseconds, 3)})
        | ({} if one.root is None else {"Plan": as_postgres(one.root, shape)})
        | {"Engine Plan": without_statistics(one.plan).splitlines()}
        for one in queries
    ]
    return {"With Queries": shown} if shown else {}
