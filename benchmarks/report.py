"""What a benchmark found, as Markdown for people and JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import Timings


@dataclass(frozen=True, slots=True)
class Floor:
    """What a figure must reach: at most ``limit``. ``unit`` is "" for a ratio."""

    name: str
    value: float
    limit: float
    unit: str = ""

    @property
    def reached(self) -> bool:
        """Whether the figure is within the limit."""
        return self.value <= self.limit

    def row(self) -> tuple[str, ...]:
        """Return the line of the report's first table."""
        unit = f" {self.unit}" if self.unit else ""
        mark = "pass" if self.reached else "**FAIL**"
        return self.name, f"{self.value:.2f}{unit}", f"≤ {self.limit:g}{unit}", mark


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under column names."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """Return the table in Markdown, its columns aligned for reading as it is."""
        cells = [self.columns, *self.rows]
        widths = [max(len(row[at]) for row in cells) for at in range(len(self.columns))]
        lines = [
            "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |"
            for row in cells
        ]
        lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Section:
    """One benchmark's result. ``data`` is what the JSON report holds of it."""

    title: str
    tables: tuple[Table, ...]
    floors: tuple[Floor, ...] = ()
    notes: tuple[str, ...] = ()
    data: dict[str, object] = field(default_factory=dict)

    def markdown(self) -> str:
        """Return the section in Markdown."""
        notes = "\n".join(f"- {note}" for note in self.notes)
        return "\n\n".join(part for part in (f"## {self.title}", *(t.markdown() for t in self.tables), notes) if part)


def spread(timings: Timings, scale: float = 1.0, digits: int = 3) -> str:
    """Return median and extremes as text, in seconds or (``scale`` 1000) in milliseconds."""
    middle, low, high = (f"{value * scale:.{digits}f}" for value in (timings.median, timings.low, timings.high))
    return f"{middle} ({low} – {high})"


def markdown(head: Sequence[str], sections: Sequence[Section]) -> str:
    """Return the whole report."""
    floors = tuple(floor.row() for section in sections for floor in section.floors)
    summary = Table(("what must be reached", "measured", "floor", ""), floors).markdown() if floors else ""
    parts = ["# Benchmarks", "\n".join(f"- {line}" for line in head), summary, *(each.markdown() for each in sections)]
    return "\n\n".join(part for part in parts if part) + "\n"


def write(directory: Path, name: str, head: Sequence[str], sections: Sequence[Section]) -> Path:
    """Write ``<name>.md`` and ``<name>.json``; return the former."""
    directory.mkdir(parents=True, exist_ok=True)
    plain = {
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": list(head),
        "floors": [
            {"name": each.name, "value": each.value, "limit": each.limit, "unit": each.unit, "reached": each.reached}
            for section in sections
            for each in section.floors
        ],
        "sections": {section.title: section.data for section in sections},
    }
    (directory / f"{name}.json").write_text(json.dumps(plain, indent=1, default=str) + "\n", encoding="utf-8")
    path = directory / f"{name}.md"
    path.write_text(markdown(head, sections), encoding="utf-8")
    return path
