"""Constants that are written as a date and an interval."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import datetime, timedelta

from sqlglot import exp

from optimizer.census import Census

T = exp.DType
_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?: \d{2}:\d{2}:\d{2}(?:\.\d{1,6})?)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,9}", re.ASCII)
_MONTHS = {"MON": 1, "MONTH": 1, "YEAR": 12}
_SPANS = {
    "WEEK": timedelta(weeks=1),
    "DAY": timedelta(days=1),
    "HOUR": timedelta(hours=1),
    "MINUTE": timedelta(minutes=1),
    "SECOND": timedelta(seconds=1),
}


def fold_date_arithmetic(tree: exp.Query) -> exp.Query:
    """Compute ``date '1998-12-01' - interval '90 day'`` and the like where a column is compared with it.

    Why good: sources and files are asked for columns and constants; the engine prunes row groups by them.
    When illegal: a date plus an interval is a timestamp. A date column compared with it is a timestamp at midnight; so
    a date may take its place if it is at midnight, and must not else: ``d < timestamp '1998-09-02 12:00'`` holds for
    that day, ``d < date '1998-09-02'`` does not. What depends on the session (``timestamptz``), intervals of more than
    one whole unit, and results beyond the years 1 to 9999 stay.
    Before it: types are set. It comes before the rules that compare conditions or look for constants.
    """
    for node in [*tree.find_all(*_COMPARISONS, exp.Between, exp.In)]:
        if isinstance(node, exp.Between):
            _fold(node.this, [node.args["low"]])
            _fold(node.this, [node.args["high"]])
        elif isinstance(node, exp.In):
            _fold(node.this, node.expressions)
        elif isinstance(node, exp.Binary):
            _fold(node.left, [node.right])
            _fold(node.right, [node.left])
    return tree


def has_intervals(census: Census) -> bool:
    """Whether there is a constant to compute."""
    return census.has(exp.Interval)


def _fold(column: exp.Expr, constants: list[exp.Expr]) -> None:
    """Put what constants amount to in their place, in the type of the column: of a list all or none."""
    column = column.unnest()
    column_type = column.type.this if isinstance(column, exp.Column) and isinstance(column.type, exp.DataType) else None
    if column_type not in (T.DATE, T.TIMESTAMP):
        return
    computed = [constant for constant in constants if constant.find(exp.Interval) is not None]
    values = [_value(constant, column_type) for constant in computed]
    for constant, value in zip(computed, values, strict=True):
        if value is not None and None not in values:
            constant.replace(value)


def _value(constant: exp.Expr, column_type: exp.DType) -> exp.Cast | None:
    """Return what a constant amounts to as the column's type, or None where that type does not hold it."""
    moment = _moment(constant)
    if moment is None or (column_type is T.DATE and moment != _midnight(moment)):
        return None
    return _constant(moment.date().isoformat() if column_type is T.DATE else moment.isoformat(" "), column_type)


def _constant(text: str, data_type: exp.DType) -> exp.Cast:
    literal = exp.Literal.string(text)
    literal.type = exp.DataType(this=T.VARCHAR)
    constant = exp.Cast(this=literal, to=exp.DataType(this=data_type))
    constant.type = exp.DataType(this=data_type)
    return constant


def _moment(node: exp.Expr) -> datetime | None:
    """Return the date (as its midnight) or the timestamp without time zone that a node stands for, or None."""
    node = node.unnest()
    if isinstance(node, exp.Cast):
        return _cast(node)
    if isinstance(node, exp.Sub):
        return _moved(_moment(node.left), node.right, -1)
    if isinstance(node, exp.Add):
        start, span = (
            (node.right, node.left) if isinstance(node.left.unnest(), exp.Interval) else (node.left, node.right)
        )
        return _moved(_moment(start), span, 1)
    return None


def _cast(node: exp.Cast) -> datetime | None:
    if type(node) is not exp.Cast or node.to.this not in (T.DATE, T.TIMESTAMP) or node.to.expressions:
        return None
    inner = node.this.unnest()
    found = _written(inner.name) if isinstance(inner, exp.Literal) and inner.is_string else _moment(inner)
    return _midnight(found) if found is not None and node.to.this is T.DATE else found


def _written(text: str) -> datetime | None:
    """Read an ISO date or timestamp; other spellings are PostgreSQL's to read."""
    if _ISO.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None  # PostgreSQL says what is wrong with it


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _moved(start: datetime | None, span: exp.Expr, sign: int) -> datetime | None:
    """Return a moment after so many of one unit. Months keep the day, or take the last of a month that has it not."""
    interval = span.unnest()
    unit = interval.args.get("unit") if isinstance(interval, exp.Interval) else None
    amount = interval.this if isinstance(unit, exp.Var) else None
    if start is None or not isinstance(amount, exp.Literal) or _WHOLE.fullmatch(amount.name) is None:
        return None
    name, count = interval.text("unit").upper().removesuffix("S"), sign * int(amount.name)
    try:
        if name in _MONTHS:
            years, month = divmod(start.year * 12 + start.month - 1 + count * _MONTHS[name], 12)
            return start.replace(year=years, month=month + 1, day=min(start.day, monthrange(years, month + 1)[1]))
        return start + count * _SPANS[name] if name in _SPANS else None
    except (ValueError, OverflowError):  # beyond the years that are computed here
        return None
