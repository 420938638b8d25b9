"""What is held to be true of a column's values, from statistics: how many, how frequent, how many are below a value."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import MappingProxyType

import pyarrow as pa

from catalog.statistics import ColumnStatistics

DEFAULT_DISTINCT = 200.0  # as PostgreSQL's
_LOOKS_UNIQUE = 0.9
_DAY = 86400.0
_EPOCH = date(1970, 1, 1)
_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_LETTERS = 6  # of a text, behind what the bounds have in common: as many as a double tells apart

Constant = float | str
"""A constant on the axis of its column: numbers as they are, moments in seconds since 1970, texts."""


@dataclass(frozen=True, slots=True)
class ColumnEstimate:
    """A column of a table with so many ``rows``, before any filter. ``name`` is what the table calls it, and
    ``combined`` how many combinations of values columns of the table have. ``values`` are as many as conditions on the
    column leave, None without such conditions.
    """

    statistics: ColumnStatistics
    rows: float
    name: str = ""
    combined: Mapping[frozenset[str], float] = field(default_factory=lambda: MappingProxyType({}))
    values: float | None = None

    @property
    def different(self) -> float | None:
        """Return how many values the rows have that conditions leave; None where nothing tells."""
        return self.distinct if self.values is None else self.values

    @property
    def distinct(self) -> float | None:
        """Return how many values the column has, or at most has; None where nothing tells."""
        known = self.statistics.distinct
        if known is not None:
            return max(1.0, min(known, self.rows))
        span = _span(self.statistics)
        return None if span is None else max(1.0, min(span, self.rows))

    @property
    def looks_unique(self) -> bool:
        """Whether nobody counted the values, and there may be as many as rows."""
        if self.statistics.distinct is not None:
            return False
        distinct = self.distinct
        return distinct is not None and distinct >= _LOOKS_UNIQUE * self.rows

    @property
    def null_fraction(self) -> float:
        """The part of the rows that is NULL."""
        return self.statistics.null_fraction or 0.0

    @property
    def middle(self) -> float | None:
        """The number in the middle of the values."""
        bounds = self.statistics.histogram or self._bounds()
        if not bounds:
            return None
        ends = (bounds[len(bounds) // 2], bounds[(len(bounds) - 1) // 2])
        low, high = (position(end) for end in ends)
        return (low + high) / 2 if isinstance(low, float) and isinstance(high, float) else None

    def equal(self, value: Constant | None) -> float:
        """Return the part of the rows that are equal to a constant, None for one that is not known yet."""
        statistics = self.statistics
        rest, others = 1.0 - self.null_fraction, 0.0
        if value is not None:
            for common, fraction in statistics.most_common:
                if position(common) == value:
                    return fraction
            if self._is_outside(value):
                return min(1.0, 1.0 / max(self.rows, 1.0))
            others = len(statistics.most_common)
            rest -= sum(fraction for _, fraction in statistics.most_common)
        distinct = self.distinct or min(DEFAULT_DISTINCT, max(self.rows, 1.0))
        return max(0.0, rest) / max(1.0, distinct - others)

    def below(self, value: Constant) -> float | None:
        """Return the part of the rows that are less than a constant, or None where nothing tells."""
        common = self.statistics.most_common
        known = sum(fraction for one, fraction in common if _is_less(position(one), value))
        rest = 1.0 - self.null_fraction - sum(fraction for _, fraction in common)
        if rest <= 0.001:
            return known
        bounds = self.statistics.histogram or self._bounds()
        if len(bounds) < 2:
            return None
        found = _place(bounds, value)
        return None if found is None else known + rest * found

    def _bounds(self) -> tuple[pa.Scalar, ...]:
        low, high = self.statistics.minimum, self.statistics.maximum
        return () if low is None or high is None else (low, high)

    def _is_outside(self, value: Constant) -> bool:
        low, high = self.statistics.minimum, self.statistics.maximum
        if low is None or high is None:
            return False
        return _is_less(value, position(low)) or _is_less(position(high), value)


def combinations(columns: Collection[ColumnEstimate]) -> Iterator[tuple[tuple[ColumnEstimate, ...], float]]:
    """Yield columns of one table of which it is known how many combinations of values they have, with that number; the
    largest set first, and each column in one of them.
    """
    rest = {column.name: column for column in columns}
    known = next(iter(rest.values())).combined if rest else {}
    for names, count in sorted(known.items(), key=lambda one: (-len(one[0]), sorted(one[0]))):
        if len(names) > 1 and names <= rest.keys():
            yield tuple(rest.pop(name) for name in sorted(names)), count


def position(value: pa.Scalar) -> Constant | None:
    """Return where a value lies on its column's axis, or None where it has no place there."""
    if not value.is_valid:
        return None
    kind = value.type
    if pa.types.is_date32(kind):
        return float(value.value) * _DAY
    if pa.types.is_timestamp(kind):
        return float(value.value) * _UNITS[kind.unit]
    found = value.as_py()
    if isinstance(found, str):
        return found
    return None if isinstance(found, bytes) or not _is_number(kind) else float(found)


def moment(text: str) -> float | None:
    """Return an ISO date or timestamp in seconds since 1970."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()


def is_moment(kind: pa.DataType) -> bool:
    """Whether a type has moments for values."""
    return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind))


def _is_number(kind: pa.DataType) -> bool:
    numbers = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)
    return any(is_one(kind) for is_one in numbers)


def _is_less(one: Constant | None, other: Constant | None) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return isinstance(one, str) and isinstance(other, str) and one < other
    return one is not None and other is not None and one < other


def _span(statistics: ColumnStatistics) -> float | None:
    """Return how many values there are between the bounds, of types whose values can be counted."""
    low, high = statistics.minimum, statistics.maximum
    if low is None or high is None or not low.is_valid or not high.is_valid:
        return None
    kind = low.type
    if pa.types.is_boolean(kind):
        return 2.0
    first, last = position(low), position(high)
    if isinstance(first, str) and isinstance(last, str):
        return float(ord(last) - ord(first) + 1) if len(first) == len(last) == 1 else None
    if isinstance(first, str) or isinstance(last, str) or first is None or last is None:
        return None
    if pa.types.is_integer(kind):
        return last - first + 1
    if pa.types.is_date(kind):
        return (last - first) / _DAY + 1
    return float((last - first) * 10**kind.scale + 1) if pa.types.is_decimal(kind) else None


def _place(bounds: tuple[pa.Scalar, ...], value: Constant) -> float | None:
    """Return the part of the rows between bounds that is below a value, as many rows between any two of them."""
    places = _Positions(bounds)
    if any(isinstance(places[end], str) != isinstance(value, str) or places[end] is None for end in (0, -1)):
        return None
    number = bisect_left(places, value)  # type: ignore[type-var]
    if number <= 0:
        return 0.0
    if number >= len(bounds):
        return 1.0
    return (number - 1 + _within(places[number - 1], places[number], value)) / (len(bounds) - 1)


class _Positions:
    """Bounds as places; only those that a search asks for are computed."""

    def __init__(self, bounds: tuple[pa.Scalar, ...]) -> None:
        self._bounds = bounds

    def __len__(self) -> int:
        return len(self._bounds)

    def __getitem__(self, index: int) -> Constant | None:
        return position(self._bounds[index])


def _within(low: Constant | None, high: Constant | None, value: Constant) -> float:
    """Return where a value lies between two others, 0 to 1."""
    if isinstance(low, str) and isinstance(high, str) and isinstance(value, str):
        common = 0
        while common < min(len(low), len(high), len(value)) and low[common] == high[common] == value[common]:
            common += 1
        return _within(*(_number(text[common:]) for text in (low, high, value)))
    if isinstance(low, str) or isinstance(high, str) or isinstance(value, str) or low is None or high is None:
        return 0.5
    return 0.5 if high <= low else min(1.0, max(0.0, (value - low) / (high - low)))


def _number(text: str) -> float:
    return float(int.from_bytes(text.encode()[:_LETTERS].ljust(_LETTERS, b"\0"), "big"))
