"""PinnedPlan plans in the process: which hints hold for a statement that has none of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from catalog.names import TableName
from catalog.pins import Pin, changed_table
from catalog.tables import Table
from gateway.history.identity import query_id, statement_text
from gateway.sql.hints import Hints, read_hints


@dataclass(frozen=True, slots=True)
class PinnedPlan:
    """What is pinned to a statement; ``hints`` are None where they do not count any more, since ``changed`` is not the
    table that it was.
    """

    pin: Pin
    hints: Hints | None
    changed: TableName | None = None


class PinnedPlans:
    """All pins, replaced whole when one of them changes. Safe for several threads."""

    def __init__(self) -> None:
        self._pins: Mapping[int, Pin] = MappingProxyType({})
        self.version: object = self._pins  # another object when anything has changed

    def replace(self, pins: Iterable[Pin]) -> None:
        """Take over all pins."""
        found = {one.queryid: one for one in pins}
        if found != self._pins:
            self._pins = self.version = MappingProxyType(found)

    def all(self) -> tuple[Pin, ...]:
        """Return all pins."""
        return (*self._pins.values(),)

    def get(self, queryid: int) -> Pin | None:
        """Return what is pinned to a statement, by its number."""
        return self._pins.get(queryid)

    def of(self, text: str, tables: Mapping[TableName, Table]) -> PinnedPlan | None:
        """Return what is pinned to a statement that names these tables, which are as they are now."""
        pin = self._pins.get(query_id(statement_text(text), tables)) if self._pins else None
        if pin is None:
            return None
        changed = changed_table(pin, tables)
        return PinnedPlan(pin, read_hints(pin.hints) if changed is None else None, changed)
