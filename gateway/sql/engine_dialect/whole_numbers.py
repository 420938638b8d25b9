"""Sums of numerics as sums of whole numbers: ``sum(price * (1 - discount))`` of two numeric(15,2) is a ten-thousandth
of ``sum(price#whole * (100 - discount#whole))``, where the columns hold cents as bigint.

This makes the other form of a query alone. It has the same rows where no number leaves 64 bits, which its `Summed`
say of the values of each relation; the engine takes it where it has looked at all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from sqlglot import exp

from catalog.whole_numbers import Combined, InWholeNumbers, Size, Summed, whole
from gateway.sql.engine_dialect import kinds
from gateway.sql.engine_dialect.build import number
from gateway.sql.engine_dialect.dialect import generate
from gateway.sql.engine_dialect.kinds import Kind, T, kind, type_of

_MOST_DIGITS = 18  # of a numeric that is kept as a whole number of 64 bits
_LONGEST = 38  # digits of the engine's numerics
_ADDED = 10  # digits that its sums have before those of what is added
_CLAUSES = frozenset({"expressions", "from_", "where", "group", "having", "order", "limit", "kind", "hint"})
_INNER = frozenset({"expressions", "from_", "where", "limit"})


@dataclass(frozen=True, slots=True)
class _Number:
    """An expression in whole numbers, that count so many digits behind the point; ``digits`` are those of the numeric
    that it stands for, ``size`` is how large it may be.
    """

    value: exp.Expr
    scale: int
    digits: int
    size: Size


@dataclass(slots=True)
class _Source:
    """The relation that a SELECT reads, through derived tables that hand on columns of it, the innermost last."""

    relation: str
    names: tuple[str, ...]  # that each level's FROM has
    levels: tuple[exp.Select, ...]
    scales: dict[str, int] = field(default_factory=dict)
    sums: list[Size] = field(default_factory=list)

    def column(self, column: exp.Column) -> str | None:
        """Return the relation's column that a column of the outermost level is; None where it is not one."""
        name = column.name
        if column.table != self.names[0] or column.args.get("db") is not None:
            return None
        for place, level in enumerate(self.levels[1:], 1):
            found = next((one for one in level.expressions if one.alias_or_name == name), None)
            bare = found.unalias() if found is not None else None
            if not isinstance(bare, exp.Column) or bare.table != self.names[place]:
                return None
            name = bare.name
        return name


def in_whole_numbers(tree: exp.Query) -> InWholeNumbers | None:
    """Return the other form of a query in the engine's terms; None where it adds no numerics of one relation. The tree
    is left as it is.
    """
    tree = tree.copy()
    elsewhere = {cte.alias for cte in tree.find_all(exp.CTE)}
    summed = [found for select in [*tree.find_all(exp.Select)] if (found := _changed(select, elsewhere)) is not None]
    names = [one.relation for one in summed]
    if not summed or len({*names}) < len(names):
        return None
    return InWholeNumbers(generate(tree), tuple(summed))


def _changed(select: exp.Select, elsewhere: set[str]) -> Summed | None:
    """Have a SELECT add whole numbers, in place; return what of."""
    sums = [one for one in select.find_all(exp.Sum) if one.parent_select is select and _is_plain(one)]
    source = _source(select, elsewhere) if sums else None
    if source is None:
        return None
    found = [(one, value) for one in sums if (value := _number(one.this, source)) is not None and value.scale]
    if not found or any(whole(name) in level.named_selects for name in source.scales for level in source.levels):
        return None
    for one, value in found:
        source.sums.append(value.size)
        one.replace(_as_numeric(value))
    for count in select.find_all(exp.Count):  # of an average: the numerics themselves are then not read at all
        column = count.this
        name = source.column(column) if isinstance(column, exp.Column) and count.parent_select is select else None
        if name in source.scales:
            count.set("this", exp.column(whole(name), table=column.table, quoted=True))
    _hand_on(source)
    return Summed(source.relation, source.scales, tuple(source.sums))


def _is_plain(one: exp.Sum) -> bool:
    return not isinstance(one.this, exp.Distinct) and not isinstance(one.parent, exp.Window | exp.Filter)


def _source(select: exp.Select, elsewhere: set[str]) -> _Source | None:
    levels: list[exp.Select] = []
    names: list[str] = []
    inner: exp.Expr = select
    allowed = _CLAUSES
    while isinstance(inner, exp.Select) and {key for key, value in inner.args.items() if value} <= allowed:
        clause = inner.args.get("from_")
        if clause is None:
            return None
        levels.append(inner)
        read = clause.this
        names.append(read.alias_or_name)
        if isinstance(read, exp.Table):
            is_relation = isinstance(read.this, exp.Identifier) and not read.db and read.name not in elsewhere
            plain = {key for key, value in read.args.items() if value} <= {"this", "alias"}
            return _Source(read.name, tuple(names), tuple(levels)) if is_relation and plain else None
        if not isinstance(read, exp.Subquery) or {key for key, value in read.args.items() if value} - {"this", "alias"}:
            return None
        inner, allowed = read.this, _INNER
    return None


def _hand_on(source: _Source) -> None:
    """Have the derived tables hand on the columns in whole numbers, too."""
    for place, level in enumerate(source.levels[1:], 1):
        for name in source.scales:
            column = exp.column(whole(name), table=source.names[place], quoted=True)
            level.append("expressions", exp.alias_(column, whole(name), quoted=True))


def _as_numeric(of: _Number) -> exp.Expr:
    """Return the sum of whole numbers as the numeric that the engine's own sum would be."""
    added = _cast(exp.Sum(this=of.value), 19, 0)
    unit = Decimal(1).scaleb(-of.scale)
    scaled = exp.Mul(this=added, expression=_cast(number(f"{unit:f}"), of.scale, of.scale))
    return _cast(scaled, min(_LONGEST, of.digits + _ADDED), of.scale)


def _cast(value: exp.Expr, digits: int, scale: int) -> exp.Cast:
    return exp.Cast(this=value, to=kinds.decimal_type(digits, scale).copy())


def _number(value: exp.Expr, source: _Source) -> _Number | None:
    """Return a numeric in whole numbers; None for what is not made of columns and constants by sums and products."""
    if isinstance(value, exp.Paren):
        return _number(value.this, source)
    if isinstance(value, exp.Column):
        return _column(value, source)
    if isinstance(value, exp.Cast | exp.Literal):
        return _constant(value)
    if isinstance(value, exp.Add | exp.Sub | exp.Mul):
        left, right = _number(value.left, source), _number(value.right, source)
        if left is None or right is None:
            return None
        return _product(left, right) if isinstance(value, exp.Mul) else _added(type(value), left, right)
    return None


def _column(column: exp.Column, source: _Source) -> _Number | None:
    name = source.column(column)
    digits, scale = kinds.precision_of(type_of(column)), kinds.scale_of(type_of(column))
    if name is None or kind(column) is not Kind.NUMERIC or digits is None or scale is None:
        return None
    if digits > _MOST_DIGITS or scale < 0:
        return None
    source.scales[name] = scale
    return _Number(exp.column(whole(name), table=column.table, quoted=True), scale, digits, name)


def _constant(value: exp.Cast | exp.Literal) -> _Number | None:
    """Return a number that is written as a numeric of a type, or without one."""
    bare = value.this if isinstance(value, exp.Cast) else value
    if not isinstance(bare, exp.Literal) or bare.is_string:
        return None
    try:
        given = Decimal(bare.name)
    except InvalidOperation:
        return None
    if isinstance(value, exp.Cast):
        digits, scale = kinds.precision_of(value.to), kinds.scale_of(value.to)
    else:
        found = kinds.literal_type(bare.name)
        digits, scale = kinds.precision_of(found), kinds.scale_of(found)
    if digits is None or scale is None or scale < 0 or digits > _MOST_DIGITS:
        return None
    counted = given.scaleb(scale)
    if counted != counted.to_integral_value() or counted >= 10**digits:
        return None
    return _Number(_bigint(int(counted)), scale, digits, int(counted))


def _product(left: _Number, right: _Number) -> _Number:
    value = exp.Mul(this=_paren(left.value), expression=_paren(right.value))
    digits = min(_LONGEST, left.digits + right.digits + 1)
    return _Number(value, left.scale + right.scale, digits, Combined(left.size, right.size, is_product=True))


def _added(how: type[exp.Binary], left: _Number, right: _Number) -> _Number:
    scale = max(left.scale, right.scale)
    digits = max(left.digits - left.scale, right.digits - right.scale) + scale + 1
    one, other = _scaled(left, scale), _scaled(right, scale)
    value = how(this=_paren(one.value), expression=_paren(other.value))
    return _Number(value, scale, min(_LONGEST, digits), Combined(one.size, other.size))


def _scaled(of: _Number, scale: int) -> _Number:
    """Return a number that counts more digits behind the point."""
    factor = 10 ** (scale - of.scale)
    if factor == 1:
        return of
    if isinstance(of.size, int):  # a constant, which has no sign
        return _Number(_bigint(of.size * factor), scale, of.digits, of.size * factor)
    value = exp.Mul(this=_paren(of.value), expression=_bigint(factor))
    return _Number(value, scale, of.digits, Combined(of.size, factor, is_product=True))


def _bigint(value: int) -> exp.Expr:
    return exp.Cast(this=number(value), to=T.BIGINT.into_expr())


def _paren(value: exp.Expr) -> exp.Expr:
    return exp.Paren(this=value) if isinstance(value, exp.Binary) else value
