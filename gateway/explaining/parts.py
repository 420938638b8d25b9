"""What EXPLAIN tells of subqueries that a source's server answers, and of those that it might and does not."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.explaining.fragments import operations_kept
from gateway.pipeline import Plan
from optimizer.stages import Fragmented, RemotePart

_OFF = "lakegate.pushdown is off"
_UNWRITTEN = "lakegate.pushdown is off, or a parameter's value cannot be written for the server"


def part_lines(parts: Sequence[RemotePart]) -> list[str]:
    """Return the lines of the format TEXT."""
    lines: list[str] = []
    for part in parts:
        lines.append(f"Part by source {part.scan.source}: {part.name}  ({_tables(part)})")
        lines += [f"  Rows expected: {part.scan.rows}"] if part.scan.rows is not None else []
        lines += [f"  Remote SQL: {query}" for query in part.scan.queries]
    return lines


def parts_shown(parts: Sequence[RemotePart]) -> list[dict[str, object]]:
    """Return what the other formats show."""
    return [
        {
            "Name": part.name,
            "Source": part.scan.source,
            "Tables": [str(one) for one in part.tables],
            "Rows Expected": part.scan.rows,
            "Remote SQL": list(part.scan.queries),
        }
        for part in parts
    ]


def part_names(parts: Sequence[RemotePart]) -> dict[str, str]:
    """Return how parts are called in the engine's query and plan, by their names there."""
    return {part.relation: f"({part.name} by {part.scan.source})" for part in parts}


def not_pushed(planned: Plan, fragmented: Fragmented) -> list[tuple[str, str]]:
    """Return what the engine does that a server could have done, each with the reason."""
    sent = {part.place for part in fragmented.parts}
    off = [(one.name, _UNWRITTEN if sent or one.parameters else _OFF) for one in planned.parts if one.place not in sent]
    tree = fragmented.tree if fragmented.parts else planned.optimized.tree
    return [*operations_kept(planned.optimized, tree), *((one.name, one.reason) for one in planned.kept), *off]


def _tables(part: RemotePart) -> str:
    return ", ".join(map(str, part.tables))
