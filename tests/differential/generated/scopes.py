"""What expressions may speak of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """What may be spoken of: columns by their type. ``calm`` expressions do not fail, and cost little. Where there are
    groups ``columns`` are the grouped ones, and ``rows`` is what aggregates speak of; ``keys`` tell the rows apart.
    """

    columns: tuple[tuple[str, str], ...]
    keys: tuple[str, ...] = ()
    rows: Scope | None = None
    outer: Scope | None = None
    calm: bool = False
    parameters: bool = True

    def of(self, sql_type: str) -> list[str]:
        """Return the columns of a type."""
        return [text for text, kind in self.columns if kind == sql_type]
