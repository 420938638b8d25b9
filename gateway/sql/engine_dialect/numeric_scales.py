"""How many digits behind the point PostgreSQL shows of a numeric whose type does not say: by its row's own values."""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect.build import call, case, cast, number, paren, text, typed
from gateway.sql.engine_dialect.call_marks import get_digits
from gateway.sql.engine_dialect.kinds import Kind, T, kind, precision_of, scale_of, type_of
from optimizer.copies import copied

_MOST_QUOTIENTS = 3  # in an expression: the scale of each is written out beside it
_MOST_COPIED = 200  # parts of a CASE, whose conditions are
_WIDEST = 76  # digits of what holds any numeric
_CHOICES = (exp.Case, exp.Coalesce, exp.Greatest, exp.Least)
_SUMS = (exp.Add, exp.Sub, exp.Mul)
_SAME = (exp.Paren, exp.Neg, exp.Abs)


def shown_scale(value: exp.Expr) -> exp.Expr | None:
    """Return the scale of a translated numeric, a bigint of each row; None where it is not known."""
    if sum(1 for one in value.find_all(exp.Anonymous) if one.name == "numeric_quotient") > _MOST_QUOTIENTS:
        return None
    found = _scale(value)
    return _written(found) if isinstance(found, int) else found


def greater_scale(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Return the greater scale of two numbers, as far as they are known."""
    found = [one for one in (shown_scale(left), shown_scale(right)) if one is not None]
    return _joined("greatest", found[0], found[1]) if len(found) == 2 else found[0] if found else _written(0)


def varies(value: exp.Expr) -> bool:
    """Whether a translated numeric of a known type chooses between numbers of different scale, which its rows keep: of
    ``coalesce(price, 0)`` PostgreSQL shows ``1.50`` and ``0``.
    """
    bare = value.unnest()
    return isinstance(bare, (*_CHOICES, *_SUMS, *_SAME)) and isinstance(_scale(bare), exp.Expr)


def _written(scale: int) -> exp.Expr:
    return cast(number(scale), "BIGINT")


def _scale(value: exp.Expr) -> int | exp.Expr | None:
    if scale_of(type_of(value)) is None and (written := get_digits(value)) is not None:
        return _behind_point(written)
    if isinstance(value, _SAME) or _only_holds(value):
        return _scale(value.this)
    known = scale_of(type_of(value))
    if known is not None:
        found = _of_operands(value) if isinstance(value, (*_CHOICES, *_SUMS)) else None
        return known if found is None else found
    if kind(value) is Kind.INTEGER or (isinstance(value, exp.Cast) and kind(value.this) is Kind.INTEGER):
        return 0
    if isinstance(value, exp.Anonymous) and value.name == "numeric_quotient":
        return call("quotient_scale", *(copied(part) for part in value.expressions[1:]), returns=T.BIGINT)
    if isinstance(value, (*_CHOICES, *_SUMS, exp.Mod)):
        return _of_operands(value)
    return _of_sum(value)


def _behind_point(written: exp.Expr) -> exp.Expr:
    """The scale of a number that PostgreSQL has written."""
    digits = call("split_part", copied(written), text("."), cast(number(2), "BIGINT"), returns=T.TEXT)
    return cast(call("character_length", digits, returns=T.INT), "BIGINT")


def _of_operands(value: exp.Expr) -> int | exp.Expr | None:
    """The scale of a sum, a product or a choice."""
    if isinstance(value, exp.Coalesce):
        return _first_of([value.this, *value.expressions])
    if isinstance(value, exp.Case):
        return _chosen(value)
    if isinstance(value, exp.Greatest | exp.Least):
        return _first_equal(value)
    assert isinstance(value, exp.Binary)
    left, right = _scale(value.left), _scale(value.right)
    if left is None or right is None:
        return None
    return _of_two(left, right, product=isinstance(value, exp.Mul))


def _first_of(values: list[exp.Expr]) -> int | exp.Expr | None:
    """The scale of the first value that is not NULL."""
    scales = [_scale(one) for one in values]
    if any(one is None for one in scales) or any(one.find(exp.Query) is not None for one in values):
        return None
    if (alike := _alike(scales)) is not None:
        return alike
    branches = [(_known(one), _as_written(scale)) for one, scale in zip(values, scales, strict=True)]
    return typed(case(*branches), T.BIGINT)


def _alike(scales: list[int | exp.Expr | None]) -> int | None:
    """Return the scale that all have, None where they differ."""
    first = scales[0]
    return first if isinstance(first, int) and all(one == first for one in scales) else None


def _first_equal(value: exp.Expr) -> int | exp.Expr | None:
    """The scale of the first of the greatest, or least, values."""
    operands = [one for one in (value.this, *value.expressions) if not _is_null(one)]
    scales = [_scale(one) for one in operands]
    if any(one is None for one in scales) or value.find(exp.Query) is not None:
        return None
    if (alike := _alike(scales)) is not None:
        return alike
    if sum(1 for _ in value.walk()) > _MOST_COPIED:
        return None
    branches = [
        (exp.EQ(this=copied(value), expression=paren(copied(one))), _as_written(scale))
        for one, scale in zip(operands, scales, strict=True)
    ]
    return typed(case(*branches), T.BIGINT)


def _chosen(value: exp.Case) -> int | exp.Expr | None:
    """The scale of the branch that a row takes."""
    results = [branch.args["true"] for branch in value.args["ifs"]]
    if value.args.get("default") is not None:
        results.append(value.args["default"])
    known = [_scale(one) for one in results if not _is_null(one)]
    if not known or any(scale is None for scale in known):
        return None
    if (alike := _alike(known)) is not None:
        return alike
    if value.find(exp.Query) is not None or sum(1 for _ in value.walk()) > _MOST_COPIED:
        return None
    scales = [_as_written(0 if _is_null(one) else _scale(one)) for one in results]
    last = scales.pop() if value.args.get("default") is not None else _written(0)
    branches = [(copied(one.this), scale) for one, scale in zip(value.args["ifs"], scales, strict=True)]
    chosen = case(*branches, default=last)
    if value.this is not None:
        chosen.set("this", copied(value.this))
    return typed(chosen, T.BIGINT)


def _is_null(value: exp.Expr) -> bool:
    return isinstance(value.unnest(), exp.Null)


def _of_sum(value: exp.Expr) -> exp.Expr | None:
    """The scale of a sum: the greatest of what is added."""
    function = value.this if isinstance(value, exp.Filter) else value
    if not isinstance(function, exp.Sum) or isinstance(function.this, exp.Distinct):
        return None
    scale = _scale(function.this)
    if scale is None:
        return None
    greatest = typed(exp.Max(this=_as_written(scale)), T.BIGINT)
    return (
        typed(exp.Filter(this=greatest, expression=copied(value.expression)), T.BIGINT)
        if value is not function
        else greatest
    )


def _known(value: exp.Expr) -> exp.Expr:
    return exp.Not(this=exp.Is(this=paren(copied(value)), expression=exp.Null()))


def _as_written(scale: int | exp.Expr | None) -> exp.Expr:
    assert scale is not None
    return _written(scale) if isinstance(scale, int) else scale


def _only_holds(value: exp.Expr) -> bool:
    """Whether it is a cast that says nothing of the scale: to the type that holds any quotient."""
    return isinstance(value, exp.Cast) and value.to.this is T.DECIMAL and precision_of(value.to) == _WIDEST


def _of_two(left: int | exp.Expr, right: int | exp.Expr, *, product: bool) -> int | exp.Expr:
    if isinstance(left, int) and isinstance(right, int):
        return left + right if product else max(left, right)
    one, other = (_written(side) if isinstance(side, int) else side for side in (left, right))
    return exp.Paren(this=exp.Add(this=one, expression=other)) if product else _joined("greatest", one, other)


def _joined(name: str, left: exp.Expr, right: exp.Expr) -> exp.Expr:
    if left == right:
        return left
    return call(name, left, right, returns=T.BIGINT)
