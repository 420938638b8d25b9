"""What a plan's operators have counted while it ran: the engine counts whether or not anybody asks."""

from __future__ import annotations

from dataclasses import dataclass, replace

from datafusion import ExecutionPlan

_COUNTED = ("output_rows", "build_input_rows", "input_rows")


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator: its name, what it does in the engine's words, and how many rows it has handed on (None: nobody has
    counted).
    """

    name: str
    detail: str
    rows: float | None
    children: tuple[Operator, ...] = ()


def operators(plan: ExecutionPlan) -> Operator:
    """Return the operators of a plan that has run."""
    children = tuple(map(operators, plan.children()))
    name, _, detail = plan.display().strip().partition(": ")
    counts = dict.fromkeys(_COUNTED, -1)
    found = plan.metrics()
    for metric in found.metrics() if found is not None else ():
        if metric.name in counts and isinstance(metric.value, int):
            counts[metric.name] = max(0, counts[metric.name]) + metric.value
    if name == "HashJoinExec" and len(children) == 2:  # it counts what its inputs may not count
        taken = (counts["build_input_rows"], counts["input_rows"])
        children = tuple(
            replace(child, rows=float(rows)) if child.rows is None and rows >= 0 else child
            for child, rows in zip(children, taken, strict=True)
        )
    rows = counts["output_rows"]
    return Operator(name.strip(), detail.strip(), float(rows) if rows >= 0 else None, children)
