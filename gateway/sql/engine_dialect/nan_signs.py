"""NaN with a sign, as processors make of ``0.0 / 0.0`` and as files have it: PostgreSQL knows one NaN, greater than all
numbers; the engine takes one with a sign for less than all, and for another value.

What a table hands on to be compared, sorted, grouped or joined loses the sign where the table is read; what is put out
as it is, or added up, need not. Its own conditions are asked of the column itself, by whose statistics the engine
leaves out what it does not read: ``f < 5`` asks for the sign besides.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.sql.engine_dialect.build import ENGINE, cast, typed
from gateway.sql.engine_dialect.kinds import EXACT, Kind, T, kind, type_of
from gateway.sql.engine_dialect.numbers import without_sign_of_nan
from gateway.sql.engine_dialect.unpruned import is_number
from optimizer.census import Census, take_census
from optimizer.copies import copied

_SUMS = (exp.Avg, exp.Count, exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Sum, exp.Variance, exp.VariancePop)
_SHAPING = ("distinct", "order", "group", "windows", "qualify")
_BELOW: dict[type[exp.Expr], str] = {exp.LT: "this", exp.LTE: "this", exp.GT: "expression", exp.GTE: "expression"}
_COMPUTED = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Pow, exp.Neg, exp.Round, exp.Trunc, exp.Exp, exp.Ln, exp.Log)
_OF_ANGLES = (exp.Sin, exp.Cos, exp.Tan, exp.Cot, exp.Asin, exp.Acos, exp.Degrees, exp.Radians)
_SIGNLESS = (*_COMPUTED, *_OF_ANGLES)
"""What makes no NaN with a sign of floats, whatever they are: `float_functions` see to it."""
_KEEPING = (exp.Abs, exp.Cast, exp.Paren)  # of which the result has a sign where what they take has one
_CONDITIONS = (exp.And, exp.Or, exp.Paren, exp.Not)


def drop(tree: exp.Query, census: Census) -> Census:
    """Take the signs off the NaN of a query's tables, in place; return the census of what was made."""
    ctes = {one.alias for one in census.find_all(exp.CTE)}
    changed = False
    for table in census.find_all(exp.Table):
        holder = table.parent
        select = holder.parent if isinstance(holder, exp.From) else None
        if isinstance(select, exp.Select) and isinstance(table.this, exp.Identifier) and table.name not in ctes:
            changed |= _within(select) | _handed_on(select, tree)
    return take_census(tree) if changed else census


def _within(select: exp.Select) -> bool:
    """Ask the conditions of a table's own WHERE of NaN without sign."""
    where = select.args.get("where")
    if where is None:
        return False
    found = [one for one in where.find_all(exp.Column) if kind(one) is Kind.FLOAT and one.parent_select is select]
    return sum(_asked(column) for column in found) > 0


def _asked(column: exp.Column) -> bool:
    value: exp.Expr = column
    while isinstance(value.parent, exp.Paren):
        value = value.parent
    node = value.parent
    assert node is not None, "a condition stands in a WHERE"
    if isinstance(node, exp.Is | exp.EQ | exp.NEQ | exp.In | exp.Between) and _compares_numbers(node, value):
        return False
    if type(node) in _BELOW and node.args[_BELOW[type(node)]] is value and not _is_negated(node):
        other: exp.Expr = node.expression if node.this is value else node.this
        if is_number(other) or (isinstance(node, exp.LT | exp.GT) and next(other.find_all(exp.Column), None) is None):
            least = cast(exp.Literal.string("-Infinity"), type_of(column))
            signless = typed(exp.GTE(this=copied(column), expression=least), T.BOOLEAN)
            signless.meta[ENGINE] = True
            node.replace(typed(exp.Paren(this=exp.And(this=copied(node), expression=signless)), T.BOOLEAN))
            return True
    column.replace(without_sign_of_nan(copied(column)))
    return True


def _compares_numbers(node: exp.Expr, value: exp.Expr) -> bool:
    """Whether what a value is compared with is no NaN: its sign does not matter then."""
    if isinstance(node, exp.Is):
        return True
    if isinstance(node, exp.In):
        return node.this is value and node.args.get("query") is None and all(map(is_number, node.expressions))
    if isinstance(node, exp.Between):
        return node.this is value and is_number(node.args["low"]) and is_number(node.args["high"])
    return is_number(node.expression if node.this is value else node.this)


def _is_negated(node: exp.Expr) -> bool:
    above = node.parent
    while isinstance(above, _CONDITIONS):
        if isinstance(above, exp.Not):
            return True
        above = above.parent
    return not isinstance(above, exp.Where)


def _handed_on(select: exp.Select, tree: exp.Query) -> bool:
    """Take the signs off what a table's SELECT hands on."""
    floats = [one for one in select.selects if kind(one.unalias()) is Kind.FLOAT and one.find(exp.Column) is not None]
    if not floats or select is tree:
        return False
    derived = select.parent
    alias = derived.args.get("alias") if isinstance(derived, exp.Subquery) else None
    around = derived.parent_select if isinstance(derived, exp.Subquery) else None
    matters: set[str] | None = None  # the names of those of which more is asked; None for all
    if isinstance(around, exp.Select) and alias is not None and not alias.columns:
        matters = {one.name for one in _told_apart(around, select, tree)}
    changed = False
    for column in floats:
        if matters is None or column.alias_or_name in matters:
            value = column.unalias()
            value.replace(without_sign_of_nan(copied(value)))
            changed = True
    return changed


def _told_apart(around: exp.Select, select: exp.Select, tree: exp.Query) -> Iterator[exp.Column]:
    """Yield the columns of a table's SELECT where more is done with them than to put them out, or to add them up."""
    alias = select.parent.alias_or_name if isinstance(select.parent, exp.Subquery) else ""
    puts_out = around is tree and not any(around.args.get(key) for key in _SHAPING)
    for column in around.find_all(exp.Column):
        if column.table != alias or column.parent_select is select:
            continue
        above = column.parent
        if isinstance(above, _SUMS) or _loses_sign(above):
            continue
        if puts_out and (above is around or (isinstance(above, exp.Alias) and above.parent is around)):
            continue
        yield column


def _loses_sign(above: exp.Expr | None) -> bool:
    """Whether what is made of a column's value is taken by a function that answers NaN without a sign."""
    while isinstance(above, _KEEPING) and kind(above) is Kind.FLOAT:
        above = above.parent
    if isinstance(above, exp.Cast):
        return kind(above) in EXACT
    return isinstance(above, _SIGNLESS) and kind(above) is Kind.FLOAT
