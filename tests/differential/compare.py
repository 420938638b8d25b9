"""Answers as text, and when two of them are equal."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

NUMERIC, FLOAT4, FLOAT8 = 1700, 700, 701
SIGNIFICANT = 16
_FLOAT_DIGITS = {FLOAT4: 6, FLOAT8: 14}

Row = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A result: column names, type oids, and rows in PostgreSQL's text format. ``exact`` says that the texts are
    those sent to a client; otherwise numbers are compared as numbers.
    """

    names: tuple[str, ...]
    oids: tuple[int, ...]
    rows: tuple[Row, ...]
    exact: bool = True


def difference(expected: Answer, found: Answer, *, ordered: bool, digits: int | None = None) -> str | None:
    """Return what differs, in words, or None. ``digits`` loosens floats and numerics to so many significant ones."""
    if expected.names != found.names:
        return f"columns are named {found.names}, not {expected.names}"
    if expected.oids != found.oids:
        return f"types are {found.oids}, not {expected.oids}"
    if len(expected.rows) != len(found.rows):
        return f"{len(found.rows)} rows, not {len(expected.rows)}:\n{_shown(found.rows)}\nnot\n{_shown(expected.rows)}"
    if ordered:
        return _first_difference(expected, found, digits)
    if found.exact and digits is None:
        missing, extra = Counter(expected.rows) - Counter(found.rows), Counter(found.rows) - Counter(expected.rows)
        return f"missing {list(missing)[:3]}, extra {list(extra)[:3]}" if missing or extra else None
    left = _sorted(expected, digits)
    right = _sorted(found, digits)
    return _first_difference(left, right, digits)


def _first_difference(expected: Answer, found: Answer, digits: int | None) -> str | None:
    for place, (left, right) in enumerate(zip(expected.rows, found.rows, strict=True)):
        for name, oid, one, other in zip(expected.names, expected.oids, left, right, strict=True):
            if not _equal(one, other, oid, found.exact, digits):
                return f"row {place}, {name}: {other!r}, not {one!r}; whole row {right}, not {left}"
    return None


def _equal(one: str | None, other: str | None, oid: int, exact: bool, digits: int | None) -> bool:
    if one == other or one is None or other is None:
        return one == other
    if (exact and digits is None) or oid not in (NUMERIC, FLOAT4, FLOAT8):
        return False
    try:
        left, right = Decimal(one), Decimal(other)
    except InvalidOperation:
        return False
    if not left.is_finite() or not right.is_finite():
        return False
    if oid == NUMERIC and digits is None:
        last = Decimal(1).scaleb(int(left.as_tuple().exponent))  # the last digit PostgreSQL prints
        return abs(left - right) <= max(last, abs(left) * Decimal(1).scaleb(1 - SIGNIFICANT)) / 2
    allowed = digits or _FLOAT_DIGITS[oid]
    return abs(left - right) <= max(abs(left), abs(right)) * Decimal(1).scaleb(-allowed) or left == right


def _sorted(answer: Answer, digits: int | None) -> Answer:
    def key(row: Row) -> tuple[tuple[bool, str], ...]:
        return tuple((value is None, _key(value, oid, digits)) for value, oid in zip(row, answer.oids, strict=True))

    return Answer(answer.names, answer.oids, tuple(sorted(answer.rows, key=key)), answer.exact)


def _key(value: str | None, oid: int, digits: int | None) -> str:
    """Sort numbers by fewer digits than they are compared by, so that equal rows stand at equal places."""
    if value is None or oid not in (NUMERIC, FLOAT4, FLOAT8):
        return value or ""
    try:
        return f"{Decimal(value):.{min(digits or 5, 5)}e}"
    except (InvalidOperation, ValueError):
        return value


def _shown(rows: tuple[Row, ...]) -> str:
    return "\n".join(str(row) for row in rows[:8])
