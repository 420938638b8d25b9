"""Arithmetic on numbers: integers that overflow with an error, exact numerics, quotients as PostgreSQL rounds them."""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect import kinds
from gateway.sql.engine_dialect.build import QUOTIENT, TOTAL, arrow_cast, call, cast, number, paren, refuse, typed
from gateway.sql.engine_dialect.fixed_numerics import MOST_SCALE
from gateway.sql.engine_dialect.kinds import Kind, T, kind, precision_of, scale_of, type_of
from gateway.sql.engine_dialect.numeric_scales import greater_scale
from optimizer.copies import copied

_MUCH = 20  # digits behind the point that leave eighteen before it
_MOST = 38  # digits of a numeric of sixteen bytes
_MOST_OF_8_BYTES = 18  # and of one of eight
_FEW_BEFORE = 10  # digits behind the point of a product that leave sixteen bytes 28 before it, or fewer
MAX_POWER = 12  # an exact power is spelt out as products up to here


def divide(node: exp.Div) -> exp.Expr:
    """``a / b`` of numbers.

    Integers: the engine divides in the wider type of its own (constants are 64 bits), PostgreSQL in the operands'.
    Numerics: the engine adds four digits, PostgreSQL keeps sixteen significant ones (`quotient`).
    Floats: the engine answers infinity for a zero divisor, PostgreSQL 22012.
    """
    left, right = node.left, node.right
    if kind(left) not in kinds.NUMBERS or kind(right) not in kinds.NUMBERS:
        return node
    if type_of(node).this is T.DECIMAL:
        return quotient(left, right)
    if type_of(node).this in (T.FLOAT, T.DOUBLE):
        found = call("float8_divide", cast(left, "DOUBLE PRECISION"), cast(right, "DOUBLE PRECISION"), returns="FLOAT8")
        return call("float8_real", found, returns=T.FLOAT) if type_of(node).this is T.FLOAT else found
    plain = exp.Div(this=paren(left), expression=paren(right), typed=True, safe=False)
    return cast(plain, type_of(node))


def quotient(left: exp.Expr, right: exp.Expr, least: int | exp.Expr | None = None) -> exp.Expr:
    """Return ``left / right`` rounded to the digits PostgreSQL keeps: at least sixteen significant ones, by the size
    of this row's quotient, and ``least`` behind the point, as many as both sides have. The division is cut at 29
    digits after the point, one more than are kept, before it is rounded.
    """
    digits = greater_scale(left, right) if least is None else least
    digits = cast(number(digits), "BIGINT") if isinstance(digits, int) else digits
    whole = exp.Div(
        this=cast(copied(left), "DECIMAL(76, 25)"), expression=paren(exact(copied(right))), typed=False, safe=False
    )
    sizes = cast(left, "DOUBLE PRECISION"), cast(right, "DOUBLE PRECISION")
    return call("numeric_quotient", whole, *sizes, digits, returns="DECIMAL")


def own_scale(value: exp.Expr) -> exp.Expr:
    """Return how many digits behind the point each value of a numeric has, without zeros at the end."""
    return call("numeric_scale", cast(copied(value), QUOTIENT), returns=T.BIGINT)


def exact(node: exp.Expr) -> exp.Expr:
    """Return an integer constant as the shortest decimal, others as they are: the engine would make ``1`` twenty
    digits wide and run out of its thirty-eight after two products.
    """
    bare = node.unnest()
    if isinstance(bare, exp.Literal) and bare.is_int and kind(bare) is Kind.INTEGER:
        return cast(copied(bare), f"DECIMAL({len(str(bare.this))}, 0)")
    return node


def add_or_multiply(node: exp.Binary) -> exp.Expr:
    """``+ - * %`` of numbers.

    Integers wrap around in the engine and raise 22003 in PostgreSQL: compute in bigint and cast back, which checks;
    bigints have functions of their own. Numerics: keep the scale within what the engine can hold. Reals with others
    are double precision.
    """
    left, right = node.left, node.right
    if kind(left) not in kinds.NUMBERS or kind(right) not in kinds.NUMBERS:
        return node
    result = type_of(node)
    if kinds.kind_of_type(result) is Kind.INTEGER:
        return _integers(node, result)
    if result.this is T.DECIMAL:
        return _numerics(node, result)
    return _floats(node, result) if type(node) in _NAMES else node


_NAMES: dict[type[exp.Expr], str] = {exp.Add: "plus", exp.Sub: "minus", exp.Mul: "times"}


def _floats(node: exp.Binary, result: exp.DataType) -> exp.Expr:
    """Floats: the engine answers infinity where PostgreSQL answers 22003."""
    family, wanted = ("float4", "REAL") if result.this is T.FLOAT else ("float8", "DOUBLE PRECISION")
    sides = (cast(side, wanted) for side in (node.left, node.right))
    return call(f"{family}_{_NAMES[type(node)]}", *sides, returns=copied(result))


def _integers(node: exp.Binary, result: exp.DataType) -> exp.Expr:
    if isinstance(node, exp.Mod | exp.IntDiv):
        return cast(node, result)
    sides = cast(node.left, "BIGINT"), cast(node.right, "BIGINT")
    if result.this is T.BIGINT:
        return call(f"int8_{_NAMES[type(node)]}", *sides, returns=T.BIGINT)
    node.set("this", sides[0])
    node.set("expression", sides[1])
    return cast(node, result)


def _numerics(node: exp.Binary, result: exp.DataType) -> exp.Expr:
    node.set("this", paren(exact(node.left)))
    node.set("expression", paren(exact(node.right)))
    if not isinstance(node, exp.Mul):
        return node
    scale = scale_of(result)
    if scale is None:  # quotients among the factors: without a bound their digits would add up beyond the engine's 76
        return typed(cast(node, QUOTIENT), "DECIMAL")
    if scale > 76:
        raise refuse("a product of more than 76 digits after the point", "Round the factors first.")
    if scale > _MOST or (scale > _FEW_BEFORE and _digits(node.left) + _digits(node.right) > _MOST):
        left_scale = scale_of(type_of(node.left)) or 0
        node.set("this", cast(node.left, f"DECIMAL(76, {left_scale})"))  # four times slower
    return node


def _digits(factor: exp.Expr) -> int:
    """Return how many digits a factor may have."""
    return precision_of(type_of(factor)) or _MOST


def negate(node: exp.Neg) -> exp.Expr:
    """``-a`` of an integer column: the least one has no counterpart, which the engine does not notice."""
    if isinstance(node.this.unnest(), exp.Literal):
        return node
    if kind(node) is Kind.FLOAT:
        return without_sign_of_nan(typed(exp.Neg(this=paren(node.this)), copied(type_of(node))))
    if kind(node) is not Kind.INTEGER:
        return node
    value = cast(node.this, "BIGINT")
    if type_of(node).this is T.BIGINT:
        return call("int8_negated", value, returns=T.BIGINT)
    return cast(exp.Neg(this=value), type_of(node))


def without_sign_of_nan(value: exp.Expr) -> exp.Expr:
    """Return a float of which NaN has no sign: the engine takes it for less than all numbers where it has one, and for
    another value than NaN without.
    """
    nan = cast(exp.Literal.string("NaN"), type_of(value))
    made = call("nanvl", value, nan, returns=copied(type_of(value)))
    made.meta[TOTAL] = True
    return made


def integer_division(node: exp.Cast) -> exp.Expr:
    """``div(a, b)``: the quotient of numerics, cut off at the point."""
    inner = node.this
    assert isinstance(inner, exp.IntDiv)
    left, right = cast(inner.left, "DECIMAL(76, 24)"), inner.right
    cut = call("trunc", exp.Div(this=left, expression=paren(exact(right)), typed=False, safe=False), returns="DECIMAL")
    return cast(cut, "DECIMAL(38, 0)")


def round_to(node: exp.Expr) -> exp.Expr:
    """``round``, ``trunc``, ``ceil``, ``floor``.

    Of numerics the engine leaves the argument's scale on the result. Of double precision ``round`` goes to even in
    PostgreSQL and away from zero in the engine. Of integers all four are double precision.
    """
    argument, places = node.this, node.args.get("decimals")
    result = type_of(node)
    if result.this is not T.DECIMAL:
        value = cast(argument, "DOUBLE PRECISION")
        if isinstance(node, exp.Round):
            return call("float8_round", value, returns="FLOAT8")
        if isinstance(node, exp.Trunc):  # the engine's makes 0 of -0.5, where PostgreSQL has -0
            return call("float8_trunc", value, returns="FLOAT8")
        node.set("this", value)
        return node
    rescaled = _rescaled(node) if isinstance(node, exp.Round) else None
    if rescaled is not None:
        return rescaled
    name = node.key  # round, trunc, ceil, floor
    arguments = [exact(argument)] + ([cast(places, "BIGINT")] if places is not None else [])
    if kind(argument) is Kind.INTEGER:
        arguments[0] = cast(argument, "DECIMAL(20, 0)")
    elif (digits := scale_of(type_of(argument))) is not None and digits < _MUCH:  # 9.9 of two digits rounds to three
        arguments[0] = cast(argument, f"DECIMAL(38, {digits})")
    found = call(name, *arguments, returns="DECIMAL")
    scale = scale_of(result)
    return typed(cast(found, f"DECIMAL(38, {scale})"), copied(result)) if scale is not None else found


def _rescaled(node: exp.Round) -> exp.Expr | None:
    """``round`` of a numeric of known digits to a constant number of them: a cast, which rounds halves away from zero
    as PostgreSQL does. With as many digits as there are nothing is left to be done for any row.

    A cast around it to a numeric with fewer digits before the point fails for the values that do not fit these: they
    are asked for here, once, where the engine looks at each value to divide it anyway.
    """
    argument, scale = node.this.unnest(), scale_of(type_of(node))
    if scale is None or not isinstance(argument, exp.Column | exp.Cast) or _rounds_before_the_point(node):
        return None
    precision, digits = precision_of(type_of(argument)), scale_of(type_of(argument))
    if precision is None or digits is None or not 0 <= digits <= precision:
        return None
    whole = precision - digits + (scale < digits)  # 9.9 rounds to 10
    room = _room_around(node, scale)
    wanted = max(1, scale + (whole if room is None else min(whole, room)))
    if wanted > _MOST:
        return None
    value = node.this
    if precision <= _MOST_OF_8_BYTES:  # dividing eight bytes takes half of the time that sixteen take
        value = arrow_cast(value, f"Decimal64({precision}, {digits})", copied(type_of(argument)))
        if room is not None and wanted <= _MOST_OF_8_BYTES:  # the cast around it makes sixteen of them
            return arrow_cast(value, f"Decimal64({wanted}, {scale})", copied(type_of(node)))
    return typed(cast(value, f"DECIMAL({wanted}, {scale})"), copied(type_of(node)))


def _room_around(node: exp.Round, scale: int) -> int | None:
    """How many digits before the point the cast around a number has room for; None where there is none, or it rounds
    to fewer than ``scale`` digits behind the point.
    """
    around = node.parent
    while isinstance(around, exp.Paren):
        around = around.parent
    if type(around) is not exp.Cast or around.to.this is not T.DECIMAL:
        return None
    precision, digits = precision_of(around.to), scale_of(around.to)
    if precision is None or digits is None or not scale <= digits <= precision:
        return None
    return precision - digits


def _rounds_before_the_point(node: exp.Round) -> bool:
    places = node.args.get("decimals")
    return places is not None and not isinstance(places.unnest(), exp.Literal)


def sign(node: exp.Sign) -> exp.Expr:
    """``sign``: the engine has it for double precision alone, as signum; of NaN it is zero in PostgreSQL."""
    plain = call("signum", cast(node.this, "DOUBLE PRECISION"), returns="FLOAT8")
    found = call("nanvl", plain, cast(number(0), "DOUBLE PRECISION"), returns="FLOAT8")
    return cast(found, "DECIMAL(38, 0)") if type_of(node).this is T.DECIMAL else found


def square_root(node: exp.Sqrt) -> exp.Expr:
    """``sqrt``: of numerics, exact to sixteen digits and more."""
    if type_of(node).this is T.DECIMAL:
        return numeric_root(node.this)
    node.set("this", cast(node.this, "DOUBLE PRECISION"))
    return node


def numeric_root(value: exp.Expr) -> exp.Expr:
    """Return the square root of a numeric, exact to more digits than a float has."""
    return call("numeric_root", cast(value, QUOTIENT), returns="DECIMAL")


def power(node: exp.Pow) -> exp.Expr:
    """``power`` and ``^``: of numerics exact for a small constant exponent, else by double precision."""
    base, exponent = node.this, node.expression
    if type_of(node).this is not T.DECIMAL:
        return call(
            "float8_power", cast(base, "DOUBLE PRECISION"), cast(exponent, "DOUBLE PRECISION"), returns="FLOAT8"
        )
    bare = exponent.unnest()
    times = int(bare.name) if isinstance(bare, exp.Literal) and bare.is_int else None
    if times is None or not 1 <= times <= MAX_POWER:
        plain = call(
            "float8_power", cast(base, "DOUBLE PRECISION"), cast(exponent, "DOUBLE PRECISION"), returns="FLOAT8"
        )
        return float_to_numeric(plain)
    product: exp.Expr = cast(copied(base), QUOTIENT)
    for _ in range(times - 1):
        product = cast(exp.Mul(this=product, expression=cast(copied(base), QUOTIENT)), QUOTIENT)
    return typed(product, "DECIMAL")


def transcendental(node: exp.Func) -> exp.Expr:
    """``exp``, ``ln``, ``log``: by way of double precision (fifteen digits); a logarithm of nothing is 2201E."""
    arguments = [cast(arg, "DOUBLE PRECISION") for arg in (node.this, node.args.get("expression")) if arg is not None]
    if isinstance(node, exp.Exp):
        found = call("float8_exp", *arguments, returns="FLOAT8")
    elif len(arguments) == 2 and not _is_ten(node.this):
        top, bottom = (call("float8_ln", arg, returns="FLOAT8") for arg in reversed(arguments))
        found = call("float8_divide", top, bottom, returns="FLOAT8")
    else:
        found = call("float8_ln" if isinstance(node, exp.Ln) else "float8_log10", arguments[-1], returns="FLOAT8")
    return float_to_numeric(found) if type_of(node).this is T.DECIMAL else found


def _is_ten(base: exp.Expr) -> bool:
    """Whether a logarithm is ``log10``, or of that base: the quotient of two would be less exact."""
    inner = base.unnest()
    return isinstance(inner, exp.Literal) and not inner.is_string and inner.name == "10"


def float_to_numeric(node: exp.Expr, scale: int | None = None) -> exp.Expr:
    """Return a float as numeric with fifteen significant digits, a real with six, as PostgreSQL converts it;
    and rounded to ``scale`` digits behind the point where that is given and there is a function for it.
    """
    if type_of(node).this is T.FLOAT:
        return call("float4_numeric", cast(node, "REAL"), returns="DECIMAL")
    if scale is not None and 0 <= scale <= MOST_SCALE:
        return call(f"float8_numeric_{scale}", cast(node, "DOUBLE PRECISION"), returns=f"DECIMAL(38, {scale})")
    return call("float8_numeric", cast(node, "DOUBLE PRECISION"), returns="DECIMAL")


def double_function(node: exp.Func) -> exp.Expr:
    """Trigonometry and ``cbrt`` take double precision only; the engine answers NaN where PostgreSQL answers 22003."""
    check = _CHECKS.get(type(node))
    for key, value in list(node.args.items()):
        if isinstance(value, exp.Expr):
            wide: exp.Expr = cast(value, "DOUBLE PRECISION")
            node.set(key, call(check, wide, returns="FLOAT8") if check is not None else wide)
    return node


_CHECKS: dict[type[exp.Expr], str] = {
    **dict.fromkeys((exp.Sin, exp.Cos, exp.Tan, exp.Cot), "float8_bounded"),
    **dict.fromkeys((exp.Asin, exp.Acos), "float8_within_one"),
}


_DEGREE = "0.017453292519943295"  # as radians


def angle(node: exp.Func) -> exp.Expr:
    """``degrees`` and ``radians``: the engine rounds the factor and has infinity where PostgreSQL answers 22003."""
    function = "float8_divide" if isinstance(node, exp.Degrees) else "float8_times"
    degree = cast(exp.Literal.string(_DEGREE), "DOUBLE PRECISION")
    return call(function, cast(node.this, "DOUBLE PRECISION"), degree, returns="FLOAT8")


def bitwise_not(node: exp.BitwiseNot) -> exp.Expr:
    """``~a``: the engine has no such operator; ``-1 - a`` is the same."""
    minus = exp.Sub(this=exp.Neg(this=number(1)), expression=paren(node.this))
    return cast(minus, type_of(node))


def bitwise(node: exp.Binary) -> exp.Expr:
    """``& | # << >>``: constants are 64 bits wide in the engine, so bring the result back to its type."""
    if kind(node) is not Kind.INTEGER:
        raise refuse("a bit string")
    if isinstance(node, exp.BitwiseLeftShift | exp.BitwiseRightShift):
        width = 63 if type_of(node).this is T.BIGINT else 31
        node.set("expression", exp.Paren(this=exp.BitwiseAnd(this=paren(node.right), expression=number(width))))
    return cast(node, type_of(node))


def to_hex(node: exp.Expr) -> exp.Expr:
    """``to_hex``: of a negative int4, eight digits."""
    if type_of(node.this).this is T.BIGINT:
        return call("to_hex", node.this, returns="TEXT")
    masked = exp.BitwiseAnd(this=cast(node.this, "BIGINT"), expression=number(4294967295))
    return call("to_hex", masked, returns="TEXT")


def greatest_common(node: exp.Anonymous) -> exp.Expr:
    """``gcd`` and ``lcm`` of integers."""
    if kind(node) is not Kind.INTEGER:
        raise refuse(f"function {node.name.lower()} of numeric")
    return cast(call(node.name.lower(), *node.expressions, returns="BIGINT"), type_of(node))


def width_bucket(node: exp.WidthBucket) -> exp.Expr:
    """``width_bucket(x, low, high, n)`` for low < high or high < low, spelt out."""
    if any(node.args.get(key) is None for key in ("min_value", "max_value", "num_buckets")):
        raise refuse("width_bucket with an array")
    value, low, high, buckets = (node.args[key] for key in ("this", "min_value", "max_value", "num_buckets"))
    whole = [cast(part, "DOUBLE PRECISION") for part in (value, low, high, buckets)]
    return cast(call("width_bucket", *whole, returns="BIGINT"), "INT")


def random(node: exp.Rand) -> exp.Expr:
    """``random()``, and ``random(low, high)``, whose numbers have as many digits as the bounds."""
    bounds = [one for one in (node.args.get(key) for key in ("this", "lower")) if one is not None]
    if not bounds:
        return call("random", returns="FLOAT8")
    result = type_of(node)
    if kind(node) is Kind.INTEGER:
        return cast(_random_integer(*(cast(one, "BIGINT") for one in bounds)), result)
    scale = kinds.scale_of(result)
    if scale is None or scale > _MOST_RANDOM_DIGITS:
        raise refuse("random with bounds of such numbers", "Use random() * (high - low) + low.")
    factor, unit = "1" + "0" * scale, ("0." + "1".rjust(scale, "0")) if scale else "1"
    whole = (cast(exp.Mul(this=paren(one), expression=number(factor)), "BIGINT") for one in bounds)
    scaled = cast(_random_integer(*whole), "DECIMAL(19, 0)")
    return cast(exp.Mul(this=scaled, expression=number(unit)), result)


_MOST_RANDOM_DIGITS = 9  # behind the point


def _random_integer(low: exp.Expr, high: exp.Expr) -> exp.Expr:
    return call("random_integer", low, high, call("random", returns="FLOAT8"), returns="BIGINT")


def random_normal(node: exp.Anonymous) -> exp.Expr:
    """``random_normal(mean, deviation)``, which are 0 and 1 where they are not given."""
    if any(isinstance(one, exp.Kwarg) for one in node.expressions):
        raise refuse("random_normal with arguments by name")
    given = [*node.expressions, *(number(0), number(1))[len(node.expressions) :]]
    arguments = [cast(one, "DOUBLE PRECISION") for one in given]
    return call("random_normal", *arguments, call("random", returns="FLOAT8"), returns="FLOAT8")


def random_uuid_in_order(node: exp.Anonymous) -> exp.Expr:
    """``uuidv7()``."""
    if node.expressions:
        raise refuse("uuidv7 of another time")
    return call("uuid_in_order", call("random", returns="FLOAT8"), returns=T.UUID)


def random_uuid(node: exp.Expr) -> exp.Expr:
    """``gen_random_uuid()`` and ``uuidv4()``."""
    return call("uuid", returns=T.UUID)
