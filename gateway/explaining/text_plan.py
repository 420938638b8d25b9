"""A plan as PostgreSQL writes it as text: a line for each node, what is told of it below, and below that its inputs.

It is written from what the formats for programs show, so that all of them say the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.plan_tree import without_statistics

Shown = Mapping[str, object]

_BELOW = 6  # columns between what is told of a node and what is told of its inputs, as in PostgreSQL
_STRATEGIES = {"Plain": "Aggregate", "Sorted": "GroupAggregate", "Hashed": "HashAggregate"}
_MODES = {"Partial": "Partial ", "Finalize": "Finalize "}
_TOLD = (
    *("Output", "Relations", "Group Key", "Sort Key", "Hash Cond", "Merge Cond", "Join Filter", "Filter"),
    *("Rows Removed by Filter", "Limit"),
)


def plan_lines(plan: Shown) -> list[str]:
    """Return the lines of a plan, of which the first is not indented."""
    return [*_lines(plan, "", 2)]


def engine_lines(plan: str) -> list[str]:
    """Return the lines with a plan in the engine's own words, with all that it has measured."""
    return ["Engine plan", *(f"  {line}" for line in without_statistics(plan).splitlines())]


def _lines(plan: Shown, arrow: str, told: int) -> Iterator[str]:
    """Yield the line of a node, those of what is told of it, and its inputs, both indented by ``told``."""
    yield f"{arrow}{_name(plan)}{_numbers(plan)}"
    indent = " " * told
    for line in _told(plan):
        yield indent + line
    inputs = plan.get("Plans", ())
    assert isinstance(inputs, list | tuple)
    for one in inputs:
        yield from _lines(one, f"{indent}->  ", told + _BELOW)


def _name(plan: Shown) -> str:
    kind = str(plan["Node Type"])
    if kind == "Aggregate":
        return _MODES.get(str(plan["Partial Mode"]), "") + _STRATEGIES[str(plan["Strategy"])]
    if "Relation Name" in plan:
        return f"{kind} on {plan['Schema']}.{plan['Relation Name']}"
    joined = plan.get("Join Type", "Inner")
    if joined == "Inner":
        return kind
    return f"{kind.removesuffix(' Join')} {joined} Join"


def _numbers(plan: Shown) -> str:
    """Return what was expected of a node, and what was measured where it was run."""
    text = ""
    if "Total Cost" in plan:
        cost = f"cost={plan['Startup Cost']:.2f}..{plan['Total Cost']:.2f}"
        text += f"  ({cost} rows={plan['Plan Rows']} width={plan['Plan Width']})"
    if "Actual Rows" in plan:
        rows = f"rows={plan['Actual Rows']:.2f} loops={plan['Actual Loops']}"
        timed = "Actual Total Time" in plan
        time = f"time={plan['Actual Startup Time']:.3f}..{plan['Actual Total Time']:.3f} " if timed else ""
        text += f" (actual {time}{rows})"
    return text


def _told(plan: Shown) -> Iterator[str]:
    for name in _TOLD:
        value = plan.get(name)
        if value is not None and value != 0:
            yield f"{name}: {', '.join(map(str, value)) if isinstance(value, list) else value}"
    if "Peak Memory Usage" in plan:
        yield f"Memory Usage: {plan['Peak Memory Usage']}kB"
    read, spilled = plan.get("Shared Read Blocks", 0), plan.get("Temp Written Blocks", 0)
    blocks = [f"shared read={read}"] if read else []
    blocks += [f"temp written={spilled}"] if spilled else []
    if blocks:
        yield f"Buffers: {', '.join(blocks)}"
