"""What EXPLAIN tells of estimates that follow from what runs before have found."""

from __future__ import annotations

from collections.abc import Sequence

from optimizer.known_parts import KnownPart


def feedback_lines(parts: Sequence[KnownPart]) -> list[str]:
    """Return the lines of the format TEXT."""
    return [f"Feedback: {one.name} had {one.observed.rows:,.0f} rows  ({_beside(one)})" for one in parts]


def _beside(one: KnownPart) -> str:
    counts = "" if one.observed.weight > 0.995 else f"; counts {one.observed.weight:.0%}, for tables have changed"
    return f"{one.estimate:,.0f} expected by statistics{counts}"


def feedback_shown(parts: Sequence[KnownPart]) -> list[dict[str, object]]:
    """Return what the other formats show."""
    return [
        {
            "Part": one.name,
            "Rows Found": round(one.observed.rows),
            "Weight": round(one.observed.weight, 3),
            "Rows Expected": round(one.estimate),
        }
        for one in parts
    ]
