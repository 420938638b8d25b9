"""Aggregates and window functions: result types, digits, and those the engine has not."""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect import kinds
from gateway.sql.engine_dialect.build import call, case, cast, number, paren, refuse, typed
from gateway.sql.engine_dialect.comparisons import without_sign_of_zero
from gateway.sql.engine_dialect.kinds import Kind, T, kind, type_of
from gateway.sql.engine_dialect.numbers import numeric_root, own_scale, quotient, without_sign_of_nan
from gateway.sql.engine_dialect.wide_sums import widened
from optimizer.copies import copied

_UNSIGNED: dict[type[exp.Expr], str] = {
    exp.RowNumber: "BIGINT",
    exp.Rank: "BIGINT",
    exp.DenseRank: "BIGINT",
    exp.Ntile: "INT",
}
_DEVIATIONS = (exp.Stddev, exp.StddevSamp, exp.StddevPop, exp.Variance, exp.VariancePop)
_MAY_FAIL = (exp.Binary, exp.Cast, exp.Func, exp.Neg)  # where rows are not left out first
_DOUBLE_NAMES: dict[type[exp.Expr], str] = {
    exp.Stddev: "stddev_samp",
    exp.StddevSamp: "stddev_samp",
    exp.StddevPop: "stddev_pop",
    exp.Variance: "var_samp",
    exp.VariancePop: "var_pop",
}


def window(node: exp.Window) -> exp.Expr:
    """``f(…) OVER (…)``: ranks are unsigned in the engine, and 0 and -0 are two partitions to it."""
    function = require_function(node)
    node.set("partition_by", [without_sign_of_zero(one) for one in node.args.get("partition_by") or ()])
    if isinstance(function, exp.Anonymous) and function.name.lower() in ("mode",):
        raise refuse("an ordered-set aggregate as window function")
    if isinstance(function, exp.NthValue):
        function.set("offset", cast(function.args["offset"], "BIGINT"))
    if type(function) in _UNSIGNED:
        return cast(node, _UNSIGNED[type(function)])
    return node


def aggregate(node: exp.Expr) -> exp.Expr:
    """An aggregate with its FILTER and OVER, as one: what replaces it carries both in each of its parts.

    ``avg`` of exact numbers is a quotient of ``sum`` and ``count`` (the engine adds four digits, and for integers uses
    floats); deviations likewise. ``sum`` of bigint is numeric, of real is real.
    """
    function = require_function(node)
    if isinstance(function, exp.Avg):
        return _average(node, function)
    if isinstance(function, exp.Sum):
        return _sum(node, function)
    if isinstance(function, _DEVIATIONS):
        return _deviation(node, function)
    if isinstance(function, exp.RegrR2):
        return _determination(node, function)
    if isinstance(function, exp.BitwiseXorAgg) and isinstance(function.this, exp.Distinct):
        return _distinct_xor(node, function)
    if isinstance(function, exp.Min | exp.Max) and _may_meet_nan(node, function):
        return _extreme_of_floats(node, function)
    return node


def _may_meet_nan(node: exp.Expr, function: exp.Expr) -> bool:
    """Whether it is of floats: in groups the engine loses the others beside a NaN, and statistics of files, by which it
    may answer, have none. In windows NaN is the greatest to it as to PostgreSQL.
    """
    return not isinstance(node, exp.Window) and kind(_value(function)) is Kind.FLOAT


def _value(function: exp.Expr) -> exp.Expr:
    value: exp.Expr = function.this
    return value.expressions[0] if isinstance(value, exp.Distinct) else value


def _extreme_of_floats(node: exp.Expr, function: exp.Expr) -> exp.Expr:
    """``min`` and ``max`` of the floats that are numbers; NaN is greater than they are."""
    value, result = _value(function), type_of(_value(function))
    is_nan = call("isnan", copied(value), returns=T.BOOLEAN)
    number_ = typed(case((exp.Not(this=paren(is_nan)), copied(value))), copied(result))
    least = isinstance(function, exp.Min)
    counted = copied(value) if least else case((copied(is_nan), number(1)))
    count = replaced(node, function, typed(exp.Count(this=counted), T.BIGINT))
    found = replaced(node, function, typed(type(function)(this=number_), copied(result)))
    has_nan = exp.GT(this=count, expression=number(0))
    nan = cast(exp.Literal.string("NaN"), result)
    chosen = (
        exp.Coalesce(this=found, expressions=[case((has_nan, nan))]) if least else case((has_nan, nan), default=found)
    )
    return typed(exp.Paren(this=chosen), copied(result))


def _distinct_xor(node: exp.Expr, function: exp.BitwiseXorAgg) -> exp.Expr:
    """``bit_xor(DISTINCT a)``: the engine cannot hand its state on between stages, as grouping sets need it."""
    distinct = exp.Distinct(expressions=[cast(function.this.expressions[0], "BIGINT")])
    gathered = replaced(node, function, typed(exp.ArrayAgg(this=distinct), "BIGINT[]"))
    return cast(call("xor_of", gathered, returns="BIGINT"), type_of(function))


def require_function(node: exp.Expr) -> exp.Expr:
    """Return the function under OVER, FILTER and WITHIN GROUP."""
    found = node
    while isinstance(found, exp.Window | exp.Filter | exp.WithinGroup):
        found = found.this
    return found


def spare_filtered(tree: exp.Expr) -> None:
    """``sum(a / b) FILTER (WHERE b <> 0)``, in place: the engine computes an argument for all rows, PostgreSQL
    for those that FILTER leaves.
    """
    for node in tree.find_all(exp.Filter):
        value = node.this.this
        if isinstance(node.this, exp.Anonymous):  # ``every`` is named later
            value = node.this.expressions[0] if node.this.expressions else node.this
        while isinstance(value, exp.Distinct | exp.Order):
            value = value.expressions[0] if isinstance(value, exp.Distinct) else value.this
        if (
            value is node.this
            or not isinstance(node.this, exp.AggFunc | exp.Anonymous)
            or isinstance(value, exp.Tuple)
            or not value.find(*_MAY_FAIL)
        ):
            continue
        condition = node.expression.this
        if condition.find(exp.Query) is None and value.find(exp.Query) is None:
            value.replace(typed(case((copied(condition), copied(value))), copied(type_of(value))))


def widen_beside_distinct(tree: exp.Expr) -> None:
    """``sum(price) … count(DISTINCT buyer)``, in place: beside one DISTINCT the engine sums in two steps, and each has
    ten digits more, so that ``HAVING sum(price) > 5`` compares numbers of two types and fails. A sum of 38 digits has
    no more.
    """
    selects = {id(one.parent_select): one.parent_select for one in tree.find_all(exp.Distinct) if _is_argument(one)}
    for select in selects.values():
        for node in select.find_all(exp.Sum) if select is not None else ():
            value = _value(node)
            precision, scale = kinds.precision_of(type_of(value)), kinds.scale_of(type_of(value))
            if node.parent_select is select and precision is not None and precision <= _TEN_LESS:
                _widen_terms(value)
                value.replace(cast(copied(value), f"DECIMAL(38, {scale})"))


_TEN_LESS = 28  # digits: a sum has ten more, and at most 38


def _is_argument(node: exp.Distinct) -> bool:
    return isinstance(node.parent, exp.AggFunc)


def replaced(node: exp.Expr, function: exp.Expr, other: exp.Expr) -> exp.Expr:
    """Return a copy of the whole with another function in the function's place."""
    if node is function:
        return other
    whole = copied(node)
    inner = whole
    while isinstance(inner.this, exp.Window | exp.Filter | exp.WithinGroup):
        inner = inner.this
    inner.set("this", other)
    return typed(whole, type_of(other))


def _wide(function: exp.Expr) -> exp.Expr:
    """Return what an aggregate takes, a bigint as decimal (the sum is one), with its DISTINCT."""
    argument = function.this
    distinct = isinstance(argument, exp.Distinct)
    value = copied(argument.expressions[0] if distinct else argument)
    if type_of(value).this is T.BIGINT:
        value = cast(value, "DECIMAL(38, 0)")
    _widen_terms(value)
    value = widened(value)
    return exp.Distinct(expressions=[value]) if distinct else value


def _widen_terms(value: exp.Expr) -> None:
    """Give ``0.25`` in ``sum(x + 0.25)`` digits before the point, in place: the engine takes the sum of a constant for
    so many times the constant, in the constant's own type.
    """
    total = value.unnest()
    if isinstance(total, exp.Add | exp.Sub) and kind(total) is Kind.NUMERIC:
        for side in (total.left.unnest(), total.right.unnest()):
            if isinstance(side, exp.Literal) and not side.is_int:
                side.replace(cast(copied(side), f"DECIMAL(38, {kinds.scale_of(type_of(side)) or 0})"))


def _average(node: exp.Expr, function: exp.Avg) -> exp.Expr:
    argument = function.this.expressions[0] if isinstance(function.this, exp.Distinct) else function.this
    found = kind(argument)
    if found is Kind.INTERVAL:
        return _average_interval(node, function)
    if found not in kinds.EXACT:
        function.set("this", cast(argument, "DOUBLE PRECISION") if argument is function.this else function.this)
        return without_sign_of_nan(copied(node)) if found is Kind.FLOAT else node
    total = replaced(node, function, typed(exp.Sum(this=_wide(function)), "DECIMAL"))
    count = replaced(node, function, typed(exp.Count(this=copied(function.this), big_int=True), T.BIGINT))
    known = 0 if found is Kind.INTEGER else kinds.scale_of(type_of(argument))
    least = own_scale(total) if known is None else known
    return quotient(total, exp.Nullif(this=count, expression=number(0)), least)


def _average_interval(node: exp.Expr, function: exp.Avg) -> exp.Expr:
    if isinstance(function.this, exp.Distinct):
        raise refuse("an aggregate of distinct intervals")
    total = replaced(node, function, typed(exp.Sum(this=copied(function.this)), T.INTERVAL))
    count = replaced(node, function, typed(exp.Count(this=copied(function.this), big_int=True), T.BIGINT))
    counted = cast(exp.Nullif(this=count, expression=number(0)), "DOUBLE PRECISION")
    return call("interval_divided", total, counted, returns=T.INTERVAL)


def _sum(node: exp.Expr, function: exp.Sum) -> exp.Expr:
    argument = function.this.expressions[0] if isinstance(function.this, exp.Distinct) else function.this
    if type_of(argument).this is T.BIGINT:
        return replaced(node, function, typed(exp.Sum(this=_wide(function)), "DECIMAL(38, 0)"))
    if kind(argument) is Kind.FLOAT:
        total = without_sign_of_nan(copied(node))
        return cast(total, "REAL") if type_of(argument).this is T.FLOAT else total
    _widen_terms(argument)
    wide = widened(argument)
    if wide is argument:
        return node
    argument.replace(wide)
    scale = kinds.scale_of(type_of(node))
    return node if scale is None else cast(node, kinds.decimal_type(38, scale))  # which checks


def _deviation(node: exp.Expr, function: exp.Expr) -> exp.Expr:
    """``stddev`` and ``variance``: (n·Σx² − (Σx)²) / (n·(n−1)), exact for exact numbers."""
    argument = function.this.expressions[0] if isinstance(function.this, exp.Distinct) else function.this
    if kind(argument) not in kinds.EXACT:
        value = cast(argument, "DOUBLE PRECISION")
        if isinstance(function.this, exp.Distinct):
            raise refuse("DISTINCT in stddev and variance of double precision")
        found = replaced(node, function, call(_DOUBLE_NAMES[type(function)], value, returns="FLOAT8"))
        return without_sign_of_nan(found)
    if isinstance(function.this, exp.Distinct):
        raise refuse("DISTINCT in stddev and variance")
    value = cast(argument, _double_width(argument))
    square = exp.Mul(this=copied(value), expression=copied(value))
    total = replaced(node, function, typed(exp.Sum(this=value), "DECIMAL"))
    squares = replaced(node, function, typed(exp.Sum(this=square), "DECIMAL"))
    count = replaced(node, function, typed(exp.Count(this=copied(argument), big_int=True), T.BIGINT))
    spread = exp.Sub(
        this=exp.Mul(this=cast(copied(count), "DECIMAL(19, 0)"), expression=squares),
        expression=exp.Mul(this=total, expression=copied(total)),
    )
    population = isinstance(function, exp.StddevPop | exp.VariancePop)
    others = copied(count) if population else exp.Sub(this=copied(count), expression=number(1))
    pairs = exp.Mul(this=cast(copied(count), "DECIMAL(19, 0)"), expression=cast(others, "DECIMAL(19, 0)"))
    variance = quotient(
        typed(spread, "DECIMAL"),
        typed(exp.Nullif(this=exp.Paren(this=pairs), expression=number(0)), "DECIMAL"),
        2 * (kinds.scale_of(type_of(argument)) or 0),
    )
    variance.set("this", "numeric_variance")  # of which zero is shown otherwise
    if isinstance(function, exp.Variance | exp.VariancePop):
        return variance
    sizes = (copied(part) for part in variance.expressions[1:])  # the root has as many digits as the variance
    return call("numeric_variance", cast(numeric_root(variance), "DECIMAL(76, 29)"), *sizes, returns="DECIMAL")


def _double_width(argument: exp.Expr) -> str:
    scale = kinds.scale_of(type_of(argument)) if kind(argument) is Kind.NUMERIC else 0
    return f"DECIMAL(76, {10 if scale is None else scale})"


def every(node: exp.Anonymous) -> exp.Expr:
    """``every`` is ``bool_and``."""
    return typed(exp.LogicalAnd(this=node.expressions[0]), T.BOOLEAN)


def sorted_distinct(node: exp.GroupConcat) -> exp.Expr:
    """``string_agg(DISTINCT a)``: PostgreSQL finds what is distinct by sorting, and keeps that order."""
    distinct = node.this
    if isinstance(distinct, exp.Distinct) and len(distinct.expressions) == 1:
        key = exp.Ordered(this=copied(distinct.expressions[0]))
        node.set("this", exp.Order(this=copied(distinct), expressions=[key]))
    return node


def correlate(node: exp.Binary) -> exp.Expr:
    """``corr``, ``covar_pop`` and their kin take double precision."""
    for key in ("this", "expression"):
        node.set(key, cast(node.args[key], "DOUBLE PRECISION"))
    return node


def pairs(node: exp.RegrCount) -> exp.Expr:
    """``regr_count``: how many rows have both values."""
    both = exp.And(this=_known(node.this), expression=_known(node.expression))
    return typed(exp.Count(this=case((both, number(1)))), T.BIGINT)


def _known(value: exp.Expr) -> exp.Expr:
    return exp.Not(this=exp.Is(this=paren(copied(value)), expression=exp.Null()))


def _determination(node: exp.Expr, function: exp.RegrR2) -> exp.Expr:
    """``regr_r2``: 1 where all values are alike and what they depend on is not; the engine has no answer there."""

    def other(kind_of: type[exp.Expr]) -> exp.Expr:
        sides = (cast(copied(side), "DOUBLE PRECISION") for side in (function.this, function.expression))
        made = kind_of(this=next(sides), expression=next(sides))
        return replaced(node, function, typed(made, T.DOUBLE))

    flat = exp.And(
        this=exp.EQ(this=other(exp.RegrSyy), expression=number(0)),
        expression=exp.GT(this=other(exp.RegrSxx), expression=number(0)),
    )
    chosen = case((flat, cast(number(1), "DOUBLE PRECISION")), default=other(exp.RegrR2))
    return typed(exp.Paren(this=chosen), T.DOUBLE)


def grouping(node: exp.Grouping) -> exp.Expr:
    """``GROUPING``: an int4."""
    return cast(node, "INT")


def first(node: exp.AnyValue) -> exp.Expr:
    """``any_value``: any that is not NULL; the least will do. Of sorted rows it is the first one."""
    if isinstance(node.this, exp.Order):
        value = node.this.this
        is_null = typed(exp.Is(this=copied(value), expression=exp.Null()), T.BOOLEAN)
        order = [exp.Ordered(this=is_null, nulls_first=False), *node.this.expressions]
        return call("first_value", exp.Order(this=value, expressions=order), returns=type_of(node))
    least = typed(exp.Min(this=node.this), type_of(node))
    alone = not isinstance(node.parent, exp.Window | exp.Filter)
    return _extreme_of_floats(least, least) if alone and _may_meet_nan(node, node) else least


def extreme(node: exp.Min | exp.Max) -> exp.Expr:
    """``min`` and ``max`` of intervals: the engine compares months first. Texts of other types tell no order: of those
    that have keys (`order_keys`) it is the first by its key.
    """
    if isinstance(node.this, exp.Order):
        return call("first_value", node.this, returns=type_of(node))
    if (name := kinds.carried_as_text(type_of(node.this))) is not None:
        raise refuse(f"{node.key} of {name}", "Cast it to text.")
    if kind(node.this) is not Kind.INTERVAL or isinstance(node.parent, exp.Window):
        return node
    key = call("interval_size", copied(node.this), returns="DECIMAL(38, 0)")
    ordered = exp.Ordered(this=key, desc=isinstance(node, exp.Max), nulls_first=False)
    return call("first_value", exp.Order(this=node.this, expressions=[ordered]), returns=T.INTERVAL)


def count_distinct(node: exp.Count) -> exp.Expr:
    """``count(DISTINCT x)``: 0 and -0 are two to the engine."""
    if isinstance(node.this, exp.Distinct):
        node.this.set("expressions", [without_sign_of_zero(one) for one in node.this.expressions])
    return node


def sorted_by(node: exp.Ordered) -> exp.Expr:
    """ORDER BY an interval: by its length, as PostgreSQL compares them. Rows with 0 and -0 are peers. Texts of other
    types tell no order.
    """
    name = kinds.carried_as_text(type_of(node.this))
    if name is not None and name not in kinds.SORTED_AS_TEXT:
        raise refuse(f"ORDER BY of {name}", "Cast it to text.")
    if kind(node.this) is Kind.JSON:
        raise refuse("ORDER BY of jsonb", "Cast it to text.")
    if kind(node.this) is Kind.INTERVAL:
        node.set("this", call("interval_size", node.this, returns="DECIMAL(38, 0)"))
    if kind(node.this) is Kind.FLOAT and _others_follow(node):
        node.set("this", without_sign_of_zero(node.this))
    return node


def _others_follow(key: exp.Ordered) -> bool:
    """Whether it shows which rows a key takes for equal: in a window, and where further keys sort them."""
    order = key.parent
    if not isinstance(order, exp.Order):
        return False
    if isinstance(order.parent, exp.Window):
        return True
    distinct = isinstance(order.parent, exp.Select) and order.parent.args.get("distinct")  # then keys are in its list
    return order.expressions[-1] is not key and not distinct
