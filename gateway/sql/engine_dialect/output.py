"""Output: how many digits of an inexact numeric PostgreSQL would show.

A column of the engine has one scale, PostgreSQL's ``numeric`` one for each value: ``1/3.0`` has twenty digits behind
the point, ``10000/3.0`` twelve. Where the very text matters it is written by the engine, beside the numbers.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect import kinds
from gateway.sql.engine_dialect.build import QUOTIENT, call, case, cast, typed
from gateway.sql.engine_dialect.call_marks import get_digits
from gateway.sql.engine_dialect.group_keys import keys_of
from gateway.sql.engine_dialect.kinds import T, type_of
from gateway.sql.engine_dialect.numeric_scales import shown_scale, varies
from optimizer.census import Census
from optimizer.copies import copied


def numeric_digits(value: exp.Expr) -> exp.Expr:
    """Return the text of a numeric whose scale is not known: exactly PostgreSQL's where it is a quotient itself."""
    bare = value.unnest()
    if (written := get_digits(bare)) is not None:
        return written
    if isinstance(bare, exp.Anonymous) and bare.name in _DIGITS:
        return call(_DIGITS[bare.name], *(copied(part) for part in bare.expressions), returns="TEXT")
    if (isinstance(bare, exp.Anonymous) and bare.name in ("float4_numeric", "float8_numeric")) or _is_read(bare):
        return call("numeric_text", cast(value, QUOTIENT), returns="TEXT")
    if (scale := shown_scale(bare)) is not None:
        return call("scaled_digits", cast(value, QUOTIENT), scale, returns="TEXT")
    if isinstance(bare, exp.Case) and bare.find(exp.Query) is None:
        return _of_branches(bare)
    if isinstance(bare, exp.Coalesce) and bare.find(exp.Query) is None:
        first, *others = (_of_branch(one) for one in (bare.this, *bare.expressions))
        return typed(exp.Coalesce(this=first, expressions=others), T.TEXT)
    return _digits_by_size(value)


def _of_branches(chosen: exp.Case) -> exp.Expr:
    """Return the text of a CASE: that of the branch which a row takes."""
    branches = [(copied(one.this), _of_branch(one.args["true"])) for one in chosen.args["ifs"]]
    default = chosen.args.get("default")
    found = case(*branches, default=_of_branch(default) if default is not None else None)
    if chosen.this is not None:
        found.set("this", copied(chosen.this))
    return typed(found, T.TEXT)


def _of_branch(value: exp.Expr) -> exp.Expr:
    bare = value.unnest()
    while _only_holds(bare) and get_digits(bare) is None and not _is_read(bare):
        bare = bare.this.unnest()
    return exp.Null() if isinstance(bare, exp.Null) else numeric_digits(copied(bare))


def _only_holds(value: exp.Expr) -> bool:
    """Whether it is a cast to the type that holds any numeric, which says nothing of its digits."""
    return isinstance(value, exp.Cast) and value.to.this is T.DECIMAL and kinds.precision_of(value.to) == _WIDEST


_WIDEST = 76  # digits


_DIGITS = {"numeric_quotient": "quotient_digits", "numeric_variance": "variance_digits"}


def _digits_by_size(value: exp.Expr) -> exp.Expr:
    return call("numeric_digits", cast(value, QUOTIENT), returns="TEXT")


def _is_read(value: exp.Expr) -> bool:
    """Return whether a numeric was read from text: it has the digits that were written."""
    return isinstance(value, exp.Cast) and kinds.kind(value.this) is kinds.Kind.TEXT


def _reads_stored(census: Census) -> bool:
    """Whether a table's own column has no scale: its values are not quotients, and no digit of them may go."""
    names = {cte.alias for cte in census.find_all(exp.CTE)}
    for column in census.find_all(exp.Column):
        select = column.parent_select
        source = select.args.get("from_") if select is not None else None
        table = source.this if source is not None else None
        base = isinstance(table, exp.Table) and isinstance(table.this, exp.Identifier) and table.name not in names
        if base and type_of(column).this is T.DECIMAL and kinds.scale_of(type_of(column)) is None:
            return True
    return False


def _is_inexact(value: exp.Expr, group: exp.Expr | None) -> bool:
    of = type_of(value)
    return of.this is T.DECIMAL and (kinds.scale_of(of) is None or _may_vary(value, group))


def _may_vary(value: exp.Expr, group: exp.Expr | None) -> bool:
    """Whether its rows have different scales. What is a key of groups has one: nothing else is known of its rows."""
    return varies(value) and (group is None or value not in [*group.expressions])


def _reads_rows(value: exp.Expr, keys: frozenset[str]) -> bool:
    """Whether something reads what is known of rows alone: neither keys of their groups nor aggregates."""
    if isinstance(value, exp.AggFunc | exp.Query) or value.sql() in keys:
        return False
    return isinstance(value, exp.Column) or any(_reads_rows(one, keys) for one in value.iter_expressions())


def _aliased(column: exp.Expr) -> exp.Expr:
    """Return a column whose name is outside of its value, in place: a subquery has its own."""
    name = column.args.get("alias") if isinstance(column, exp.Subquery) else None
    if name is None:
        return column
    outer = typed(exp.Alias(this=column.copy(), alias=name), type_of(column))
    outer.this.set("alias", None)
    column.replace(outer)
    return outer


def with_numeric_text(tree: exp.Query, census: Census) -> bool:
    """Put text in place of those output columns that are inexact numerics, in place. Returns whether there were any.

    ORDER BY still sorts by the numbers. A set operation and a DISTINCT keep theirs: two texts of one number would not
    be equal there.
    """
    if not isinstance(tree, exp.Select) or tree.args.get("distinct"):
        return False
    group = tree.args.get("group")
    inexact = [_aliased(one) for one in tree.selects if _is_inexact(one.unalias(), group)]
    if not inexact:
        return False
    stored = _reads_stored(census)
    keys = frozenset() if group is None else frozenset(key.sql() for key in keys_of(group))
    numbers: dict[str, exp.Expr] = {}
    for column in inexact:
        value = column.unalias()
        numbers[column.alias_or_name] = value  # which leaves the tree
        digits: exp.Expr
        if stored and isinstance(value, exp.Column):
            digits = call("numeric_text", cast(copied(value), QUOTIENT), returns="TEXT")
        else:
            digits = numeric_digits(copied(value))
        if keys and _reads_rows(digits, keys) and not _reads_rows(value, keys):
            digits = _digits_by_size(copied(value))
        value.replace(digits)
    order = tree.args.get("order")
    for key in order.expressions if numbers and order is not None else ():
        if isinstance(key.this, exp.Column) and not key.this.table and key.this.name in numbers:
            key.set("this", copied(numbers[key.this.name]))
    sorted_by = {column.name for column in order.find_all(exp.Column)} if order is not None else set()
    for place, column in enumerate(tree.selects):  # the engine takes a text by the name of a column there for a clash
        if column.alias in numbers and column.alias in sorted_by:
            column.set("alias", exp.to_identifier(f"text of {place} {column.alias}", quoted=True))
    return True
