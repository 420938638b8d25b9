"""How many rows of a query are wanted, and the first ones by which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlglot import exp

_MOST: Final = 100_000  # rows, above which sorting them twice would cost more than it saves


@dataclass(frozen=True, slots=True)
class Key:
    """What rows are sorted by: a value, or the number of a column, and how."""

    value: exp.Expr
    ordered: exp.Ordered

    def of(self, value: exp.Expr) -> Key:
        """Return the key as another value."""
        return Key(value, self.ordered)


@dataclass(frozen=True, slots=True)
class FirstRows:
    """The first ``count`` rows by some keys; without keys any rows."""

    count: int
    keys: tuple[Key, ...]


def get_first_rows(query: exp.Query) -> FirstRows | None:
    """Return which rows a query is cut off behind, with those that OFFSET leaves out; None where that is no constant.

    The keys of a SELECT are spelt out, those of a set operation the numbers of its columns.
    """
    wanted, skipped, order = query.args.get("limit"), query.args.get("offset"), query.args.get("order")
    count = _number(wanted.expression) if isinstance(wanted, exp.Limit) else None
    offset = 0 if skipped is None else _number(skipped.expression)
    if count is None or offset is None or count + offset > _MOST:
        return None
    keys = [_key(query, one) for one in (order.expressions if order is not None else ())]
    found = [one for one in keys if one is not None]
    return FirstRows(count + offset, tuple(found)) if len(found) == len(keys) else None


def limit(select: exp.Select, first: FirstRows) -> None:
    """Have a SELECT without an order or limit give its first rows alone."""
    if first.keys:
        select.set("order", exp.Order(expressions=[_ordered(key) for key in first.keys]))
    number = exp.Literal.number(first.count)
    number.type = exp.DataType(this=exp.DType.INT)
    select.set("limit", exp.Limit(expression=number))


def _ordered(key: Key) -> exp.Ordered:
    made = exp.Ordered(
        this=key.value.copy(), desc=key.ordered.args.get("desc"), nulls_first=key.ordered.args.get("nulls_first")
    )
    made.type = key.value.type
    return made


def _number(node: exp.Expr) -> int | None:
    return int(node.name) if isinstance(node, exp.Literal) and node.is_int else None


def _key(query: exp.Query, ordered: exp.Expr) -> Key | None:
    """Return a key that may be the name or number of an output column; None where it is nothing to sort by."""
    if not isinstance(ordered, exp.Ordered) or ordered.args.get("with_fill"):
        return None
    value, names = ordered.this, query.named_selects
    place = None
    if isinstance(value, exp.Literal):
        place = int(value.name) - 1 if value.is_int else None
        if place is None or not 0 <= place < len(names):
            return None
    elif isinstance(value, exp.Column) and not value.table:
        if names.count(value.name) != 1:
            return None
        place = names.index(value.name)
    if isinstance(query, exp.SetOperation):
        return None if place is None else Key(exp.Literal.number(place + 1), ordered)
    return Key(value if place is None else query.selects[place].unalias(), ordered)
