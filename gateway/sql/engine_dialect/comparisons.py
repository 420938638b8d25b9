"""Comparisons: constants take the other side's type, rows are compared column by column."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from gateway.sql.engine_dialect import kinds, unpruned
from gateway.sql.engine_dialect.arrays import alike_numerics
from gateway.sql.engine_dialect.blanks import with_blanks
from gateway.sql.engine_dialect.build import call, cast, number, paren, refuse, typed
from gateway.sql.engine_dialect.casts import engine_type, is_midnight, to_type
from gateway.sql.engine_dialect.kinds import Kind, T, kind, type_of
from gateway.sql.engine_dialect.moments import STAMP, Session, utc
from optimizer.copies import copied


def compare(node: exp.Binary, session: Session) -> exp.Expr:
    """``= <> < <= > >= IS [NOT] DISTINCT FROM`` with PostgreSQL's choice of type."""
    left, right = node.left, node.right
    if type(left) in _SIMPLE and type(right) in _SIMPLE and _are_alike(kind(left), kind(right)):
        return node
    if isinstance(left, exp.Tuple) and isinstance(right, exp.Tuple):
        return _rows(node, session)
    if isinstance(right, exp.Any | exp.All):
        return _quantified(node, right, session)
    if Kind.ARRAY in (kind(left), kind(right)) and not isinstance(node, _EQUALITIES):
        _check_dimensions([left, right])
    first, second = alike(_in_double([left, right]), session)
    if Kind.OTHER in (kind(first), kind(second)):
        _check_texts(node)
    node.set("this", first)
    node.set("expression", second)
    if Kind.FLOAT in (kind(first), kind(second)):
        unpruned.read_all(node)
    return node


_SIMPLE = frozenset({exp.Column, exp.Literal})
_ALIKE = frozenset({Kind.BOOL, Kind.DATE, Kind.INTEGER, Kind.NUMERIC, Kind.TEXT})
_ALIKE_PAIRS = frozenset(
    {
        *((Kind.INTEGER, Kind.NUMERIC), (Kind.NUMERIC, Kind.INTEGER)),
        *((Kind.TEXT, Kind.UNKNOWN), (Kind.UNKNOWN, Kind.TEXT)),
    }
)


def _are_alike(left: Kind, right: Kind) -> bool:
    """Whether values of two kinds are compared as they are: most of them."""
    return left in _ALIKE if left is right else (left, right) in _ALIKE_PAIRS


_EQUALITIES = (exp.EQ, exp.NEQ, exp.NullSafeEQ, exp.NullSafeNEQ)


def _check_dimensions(values: list[exp.Expr]) -> None:
    """Refuse arrays in arrays beside others: the engine takes those for texts."""
    deep = {_is_of_arrays(value) for value in values if kind(value) is Kind.ARRAY}
    if len(deep) > 1:
        raise refuse("an array of several dimensions beside another")


def _is_of_arrays(value: exp.Expr) -> bool:
    bare = value
    while isinstance(bare, exp.Cast | exp.Paren):
        bare = bare.this
    written = bare.expressions if isinstance(bare, exp.Array) else []  # constants are read by now
    inner = kinds.element_type(type_of(value))
    return kinds.kind_of_type(inner) is Kind.ARRAY or any(isinstance(one.unnest(), exp.Array) for one in written)


def _check_texts(node: exp.Binary) -> None:
    """Refuse what cannot be told from the texts of values: their order, and what a constant means."""
    names = [kinds.carried_as_text(type_of(side)) for side in (node.left, node.right)]
    name = next((one for one in names if one is not None), None)
    if name is None:
        return
    if Kind.UNKNOWN in (kind(node.left), kind(node.right)):
        raise refuse(f"a comparison of {name} with a constant", "Compare its text, as in x::text = '…'.")
    if not isinstance(node, _EQUALITIES) or names[0] != names[1] or name not in kinds.SAME_TEXT:
        raise refuse(f"this comparison of {name}", "Compare its text, as in x::text = y::text.")


_NOTHINGS: dict[Kind, str] = {
    Kind.BOOL: "false",
    Kind.BPCHAR: "",
    Kind.DATE: "1970-01-01",
    Kind.FLOAT: "0",
    Kind.INTEGER: "0",
    Kind.NUMERIC: "0",
    Kind.TEXT: "",
    Kind.TIMESTAMP: "1970-01-01 00:00:00",
    Kind.TIMESTAMPTZ: "1970-01-01 00:00:00+00",
    Kind.UUID: "",
}


def null_safe(node: exp.NullSafeEQ) -> exp.Expr:
    """``a.x IS NOT DISTINCT FROM b.x`` between two tables, written with ``=`` alone: that NULL is equal to NULL is one
    setting for all keys of a join, and an ``=`` of WHERE that the engine makes a key of the same join would get it too.
    """
    sides = [node.left, node.right]
    tables = [{column.table for column in side.find_all(exp.Column)} for side in sides]
    nothing = _NOTHINGS.get(kind(node.left))
    if not all(tables) or tables[0] == tables[1]:
        return node
    if nothing is None or kind(node.left) is not kind(node.right):
        neither = exp.and_(*(exp.Is(this=paren(copied(side)), expression=exp.Null()) for side in sides))
        equal = exp.EQ(this=paren(copied(node.left)), expression=paren(copied(node.right)))
        return typed(exp.Coalesce(this=equal, expressions=[neither]), T.BOOLEAN)  # false where one of them is NULL
    constant = _engine_constant(nothing, type_of(node.left))
    absent = [exp.Paren(this=exp.Is(this=paren(copied(side)), expression=exp.Null())) for side in sides]
    values = [exp.Coalesce(this=copied(side), expressions=[copied(constant)]) for side in sides]
    alike_ = exp.EQ(this=absent[0], expression=absent[1])
    same = exp.EQ(this=values[0], expression=values[1])
    return typed(exp.Paren(this=exp.And(this=same, expression=alike_)), T.BOOLEAN)


def _engine_constant(written: str, target: exp.DataType) -> exp.Expr:
    """Return a constant of the type that the engine holds values in: its own moments are of nanoseconds."""
    found = kinds.kind_of_type(target)
    if found is Kind.TIMESTAMPTZ:
        return utc(exp.Literal.string(written))
    return cast(exp.Literal.string(written), STAMP if found is Kind.TIMESTAMP else target)


def _quantified(node: exp.Binary, quantifier: exp.Expr, session: Session) -> exp.Expr:
    array = quantifier.this.unnest()
    if kind(array) is Kind.UNKNOWN and isinstance(array, exp.Literal):
        quantifier.set("this", exp.Paren(this=to_type(array, kinds.array_type(type_of(node.left)), session)))
    elif kinds.is_unknown_constant(node.left) and kind(array) is Kind.ARRAY:
        node.set("this", to_type(node.left, kinds.element_type(type_of(array)), session))
    else:
        quantifier.set("this", exp.Paren(this=array))
    array = quantifier.this.unnest()
    if isinstance(array, exp.Query):
        return node
    both = _in_double([node.left, _any_element(array)])
    if both[0] is not node.left:
        node.set("this", both[0])
        array = cast(array, kinds.array_type(type_of(both[0])))
        quantifier.set("this", exp.Paren(this=array))
    if kind(node.left) is Kind.INTERVAL:
        raise refuse("ANY or ALL of intervals", "Use IN.")
    if (exact := _common_digits(type_of(node.left), kinds.element_type(type_of(array)))) is not None:
        node.set("this", cast(node.left, exact))
        array = cast(array, kinds.array_type(exact))
        quantifier.set("this", exp.Paren(this=array))
    return _over_array(node, quantifier, array)


def _any_element(array: exp.Expr) -> exp.Expr:
    return typed(exp.Null(), kinds.element_type(type_of(array)))


def _common_digits(value: exp.DataType, element: exp.DataType) -> exp.DataType | None:
    """Return the decimal type that holds both sides where one is a numeric of known digits and the other exact, too."""
    scales = [kinds.scale_of(side) if side.this is T.DECIMAL else 0 for side in (value, element)]
    both = {kinds.kind_of_type(value), kinds.kind_of_type(element)}
    if Kind.NUMERIC not in both or not both <= kinds.EXACT or None in scales or value == element:
        return None
    scale = max(scale for scale in scales if scale is not None)
    return kinds.decimal_type(38 if scale < 20 else 76, scale)


def _over_array(node: exp.Binary, quantifier: exp.Expr, array: exp.Expr) -> exp.Expr:
    """The engine leaves a NULL among the elements out of account, where it makes an undecided answer NULL; and makes
    NULL of the answer for NULL, where an array without elements makes it false, or true for ALL.

    ``x = ANY (constants)`` becomes IN, which it prunes by.
    """
    constants = array
    while isinstance(constants, exp.Cast):
        constants = constants.this.unnest()
    everyone = isinstance(quantifier, exp.All)
    if (
        isinstance(constants, exp.Array)
        and isinstance(node, exp.EQ | exp.NEQ)
        and everyone == isinstance(node, exp.NEQ)
    ):
        if constants.expressions:
            inside = exp.In(this=node.left, expressions=list(constants.expressions))
            return typed(exp.Not(this=inside) if everyone else inside, T.BOOLEAN)
        if isinstance(node.left.unnest(), exp.Column):  # of others more may depend: that there is one row
            return typed(exp.Boolean(this=everyone), T.BOOLEAN)
    compared = _with_extremes(node, array, everyone=everyone)
    place = call("array_position", copied(array), exp.Null(), returns=T.BIGINT)
    has_null = exp.Not(this=exp.Is(this=place, expression=exp.Null()))
    undecided = copied(compared) if everyone else exp.Not(this=exp.Paren(this=copied(compared)))
    unknown = exp.And(this=exp.Paren(this=undecided), expression=has_null)
    empty = exp.If(this=call("empty", copied(array), returns="BOOLEAN"), true=exp.Boolean(this=everyone))
    branch = exp.If(this=unknown, true=cast(exp.Null(), "BOOLEAN"))
    return typed(exp.Paren(this=exp.Case(ifs=[empty, branch], default=compared)), T.BOOLEAN)


_EXTREMES = {
    **dict.fromkeys((Kind.TEXT, Kind.BPCHAR, Kind.UUID), "text"),
    Kind.BOOL: "bool",
}
"""What functions of extremes are called, by the kind of what is compared with them."""


def _with_extremes(node: exp.Binary, array: exp.Expr, *, everyone: bool) -> exp.Expr:
    """Compare with the least or the greatest element, or both, in place of all: as the engine does by functions that
    fail for texts where there are no rows (`list_extremes`).
    """
    name = _EXTREMES.get(kind(node.left))
    if name is None or (isinstance(node, exp.EQ | exp.NEQ) and everyone == isinstance(node, exp.NEQ)):
        return node
    least, greatest = (
        call(f"{name}_{which}", copied(array), returns=copied(type_of(node.left))) for which in ("least", "greatest")
    )
    if isinstance(node, exp.EQ | exp.NEQ):
        both = [type(node)(this=copied(node.left), expression=one) for one in (least, greatest)]
        joined = exp.And if everyone else exp.Or
        return exp.Paren(this=typed(joined(this=both[0], expression=both[1]), T.BOOLEAN))
    below_all = isinstance(node, exp.LT | exp.LTE) == everyone
    return typed(type(node)(this=node.left, expression=least if below_all else greatest), T.BOOLEAN)


def between(node: exp.Between, session: Session) -> exp.Expr:
    """``BETWEEN [SYMMETRIC]``: as comparisons, each with its own choice of type."""
    low, high = node.args["low"], node.args["high"]
    value = node.this
    if not node.args.get("symmetric"):
        return typed(exp.Paren(this=_within(value, low, high, session)), T.BOOLEAN)
    one = _within(copied(value), copied(low), copied(high), session)
    other = _within(value, high, low, session)
    return typed(exp.Paren(this=exp.Or(this=exp.Paren(this=one), expression=exp.Paren(this=other))), T.BOOLEAN)


def _within(value: exp.Expr, low: exp.Expr, high: exp.Expr, session: Session) -> exp.Expr:
    bottom = compare(exp.GTE(this=paren(copied(value)), expression=paren(low)), session)
    top = compare(exp.LTE(this=paren(value), expression=paren(high)), session)
    return exp.And(this=bottom, expression=top)


def member(node: exp.In, session: Session) -> exp.Expr:
    """``IN (list)``: the list takes the value's type, and 0 is -0. Of rows, spelt out. (``IN (query)``: see
    `subqueries`.)
    """
    if node.args.get("query") is not None or not node.expressions:
        return node
    if isinstance(node.this, exp.Tuple):
        terms = [compare(exp.EQ(this=copied(node.this), expression=row), session) for row in node.expressions]
        return typed(exp.Paren(this=exp.or_(*terms)), T.BOOLEAN)
    if (name := kinds.carried_as_text(type_of(node.this))) is not None:
        raise refuse(f"IN for {name}", "Compare its text, as in x::text IN ('…').")
    values = [_bare(copied(one)) for one in (node.this, *node.expressions)]
    value, *others = alike(_in_double(values) if len(values) == 2 else values, session)  # a longer list is an array
    node.set("this", without_sign_of_zero(value))
    node.set("expressions", [without_sign_of_zero(one) for one in others])
    return node


def without_sign_of_zero(value: exp.Expr) -> exp.Expr:
    """Return a float of which -0 is 0, which sorts and lists of the engine take for two values; others as they are."""
    if kind(value) is not Kind.FLOAT:
        return value
    return typed(exp.Add(this=paren(value), expression=cast(number(0), type_of(value))), type_of(value))


def alternatives(node: exp.Expr, session: Session) -> exp.Expr:
    """``COALESCE``, ``GREATEST``, ``LEAST``: constants among them take the result's type."""
    if kind(node) is Kind.INTERVAL and not isinstance(node, exp.Coalesce):
        raise refuse(f"{node.key} of intervals", "Write it with CASE.")
    node.set("this", _as(node.this, type_of(node), session))
    node.set("expressions", [_as(value, type_of(node), session) for value in node.expressions])
    if isinstance(node, exp.Coalesce):
        first, *others = alike_numerics([node.this, *node.expressions], type_of(node))
        node.set("this", first)
        node.set("expressions", others)
    return node


def nullif(node: exp.Nullif, session: Session) -> exp.Expr:
    """``NULLIF``: the result has the first one's type, the engine's the wider of both."""
    result = type_of(node)
    equal: exp.Expr
    if {kind(node.this), kind(node.expression)} & {Kind.INTERVAL, Kind.BPCHAR}:  # not equal by what the engine sees
        asked, against = (paren(_bare(copied(one))) for one in (node.this, node.expression))
        equal = compare(typed(exp.EQ(this=asked, expression=against), T.BOOLEAN), session)
    else:
        first, second = alike(_in_double([node.this, node.expression]), session)
        equal = exp.EQ(this=paren(first), expression=paren(second))
    value = _as(copied(node.this), result, session)
    return typed(exp.Case(ifs=[exp.If(this=equal, true=exp.Null())], default=value), result)


def case(node: exp.Case, session: Session) -> exp.Expr:
    """``CASE``: constants among the results take the common type; among the WHENs, the operand's."""
    result = type_of(node)
    operand = node.this
    if kinds.kind_of_type(result) is Kind.ARRAY:
        _check_dimensions([*(one.args["true"] for one in node.args["ifs"]), *filter(None, [node.args.get("default")])])
    if operand is not None and (kind(operand) in (Kind.INTERVAL, Kind.BPCHAR) or type_of(operand).this is T.FLOAT):
        node.set("this", None)  # not equal by what the engine sees
        for branch in node.args["ifs"]:
            asked, against = (paren(_bare(one)) for one in (copied(operand), branch.this))
            branch.set("this", compare(typed(exp.EQ(this=asked, expression=against), T.BOOLEAN), session))
        operand = None
    for branch in node.args["ifs"]:
        branch.set("true", _as(branch.args["true"], result, session))
        if operand is not None:
            branch.set("this", _as(branch.this, type_of(operand), session))
    if node.args.get("default") is not None:
        node.set("default", _as(node.args["default"], result, session))
    return node


def _bare(value: exp.Expr) -> exp.Expr:
    """Return a value without the blanks of char(n)."""
    if kind(value) is not Kind.BPCHAR:
        return value
    return typed(call("rtrim", value, returns="TEXT"), copied(type_of(value)))


_PLAIN = frozenset({Kind.BOOL, Kind.DATE, Kind.FLOAT, Kind.INTEGER, Kind.TEXT})


def _as(value: exp.Expr, result: exp.DataType, session: Session) -> exp.Expr:
    """Read a string constant as a type; bring a moment to a wider one."""
    goal = kinds.kind_of_type(result)
    bare = value.unnest()
    if goal is Kind.BPCHAR and not result.expressions and kind(value) in (Kind.BPCHAR, Kind.UNKNOWN):
        return with_blanks(value)  # of which a constant has as many as are written
    if goal is Kind.TEXT and kind(value) is Kind.BPCHAR:
        return call("rtrim", value, returns=T.TEXT)
    if isinstance(bare, exp.Literal) and bare.is_string and goal not in (Kind.TEXT, Kind.UNKNOWN, Kind.OTHER):
        return to_type(value, result, session)
    if goal in kinds.STAMPS and kind(value) in kinds.MOMENTS and kind(value) is not goal:
        return to_type(value, result, session)
    if goal is Kind.ARRAY and kind(value) is Kind.ARRAY and kinds.kind_of_type(kinds.element_type(result)) in _PLAIN:
        return typed(cast(value, engine_type(result)), copied(result))  # lists of files have another form
    if goal is Kind.FLOAT and kind(value) is Kind.NUMERIC:
        return to_type(value, result, session)  # the engine would make decimals of the floats
    return value


def _in_double(values: list[exp.Expr]) -> list[exp.Expr]:
    """Return the two sides of a comparison: a ``real`` and another number are compared in double precision."""
    types = [type_of(value) for value in values]
    kinds_ = {kinds.kind_of_type(one) for one in types}
    if not kinds_ <= kinds.NUMBERS or types[0].this is types[1].this or T.FLOAT not in (types[0].this, types[1].this):
        return values
    return [cast(value, "DOUBLE PRECISION") for value in values]


def alike(values: list[exp.Expr], session: Session) -> list[exp.Expr]:
    """Return values to be compared with each other, constants and moments brought to the common type."""
    known = [type_of(value) for value in values if kind(value) is not Kind.UNKNOWN]
    if not known:
        return values
    result = kinds.common_type(known)
    goal = kinds.kind_of_type(result)
    if goal in kinds.TEXTS:
        values = [_without_blanks(value, known) for value in values]
    if goal is Kind.BPCHAR:
        return [_stripped(value) for value in values]
    if goal is Kind.TIMESTAMP and (as_dates := _dates(values)):
        return as_dates
    if goal is Kind.INTERVAL:  # a day is 24 hours, a month 30 days: the engine compares each field
        return [call("interval_size", _as(value, result, session), returns="DECIMAL(38, 0)") for value in values]
    if goal is Kind.TIME:  # of nanoseconds in the engine, of microseconds in files
        return [cast(_as(value, result, session), "TIME") for value in values]
    if result.this is T.DECIMAL:
        result = kinds.decimal_type()
    return [_as(value, result, session) for value in values]


def _dates(values: list[exp.Expr]) -> list[exp.Expr] | None:
    """Return dates for dates and timestamps that are surely midnight, None where one is not (see `is_midnight`)."""
    if not any(kind(value) is Kind.DATE for value in values):
        return None
    found = [value if kind(value) is Kind.DATE else is_midnight(value) for value in values]
    return [value for value in found if value is not None] if all(value is not None for value in found) else None


def _without_blanks(value: exp.Expr, compared: list[exp.DataType]) -> exp.Expr:
    """Return a ``char(n)`` without the blanks behind it, which columns and casts have lost already. Beside one they do
    not count in a ``varchar(n)`` either, and do in a ``text``.
    """
    bare = value.unnest()
    if isinstance(bare, exp.Anonymous) and bare.name == "rtrim":
        return value
    own = type_of(value)
    if own.this is T.VARCHAR and own.expressions:
        others = {kinds.kind_of_type(one) for one in compared if one is not own}
        return call("rtrim", value, returns="TEXT") if others == {Kind.BPCHAR} else value
    return _bare(value)


def _stripped(value: exp.Expr) -> exp.Expr:
    bare = value.unnest()
    return exp.Literal.string(bare.name.rstrip(" ")) if isinstance(bare, exp.Literal) and bare.is_string else value


_STRICT: dict[type[exp.Expr], type[exp.Binary]] = {
    exp.LT: exp.LT, exp.LTE: exp.LT, exp.GT: exp.GT, exp.GTE: exp.GT,
}  # fmt: skip


def _rows(node: exp.Binary, session: Session) -> exp.Expr:
    """``(a, b) < (c, d)``: the engine's rows do not know NULL; spell them out."""
    pairs = list(zip(node.left.expressions, node.right.expressions, strict=True))
    if any(kind(one) in (Kind.JSON, Kind.OTHER, Kind.ARRAY) for pair in pairs for one in pair):
        raise refuse("a comparison of rows with such columns", "Compare column by column.")
    if type(node) in (exp.EQ, exp.NEQ, exp.NullSafeEQ, exp.NullSafeNEQ):
        each: Callable[..., exp.Binary] = type(node)
        terms = [compare(each(this=copied(a), expression=copied(b)), session) for a, b in pairs]
        joined = exp.and_(*terms) if type(node) in (exp.EQ, exp.NullSafeEQ) else exp.or_(*terms)
        return typed(exp.Paren(this=joined), T.BOOLEAN)
    strict = _STRICT[type(node)]
    (a, b), *rest = pairs
    if not rest:
        return compare(type(node)(this=copied(a), expression=copied(b)), session)
    less = compare(strict(this=copied(a), expression=copied(b)), session)
    equal = compare(exp.EQ(this=copied(a), expression=copied(b)), session)
    tail = type(node)(
        this=exp.Tuple(expressions=[x for x, _ in rest]), expression=exp.Tuple(expressions=[y for _, y in rest])
    )
    later = exp.And(this=equal, expression=exp.Paren(this=_rows(tail, session)))
    return typed(exp.Paren(this=exp.Or(this=less, expression=exp.Paren(this=later))), T.BOOLEAN)
