"""Window frames: what the engine does not know of them, and what it computes otherwise than PostgreSQL."""

from __future__ import annotations

from sqlglot import exp

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.sql.engine_dialect import exclusions
from gateway.sql.engine_dialect.build import QUOTIENT, call, case, cast, data_type, number, refuse, typed
from gateway.sql.engine_dialect.exclusions import get_frame
from gateway.sql.engine_dialect.kinds import Kind, T, is_unknown_constant, kind, kind_of_type, type_of
from optimizer.census import below
from optimizer.copies import copied

_DEVIATIONS: dict[type[exp.Expr], str] = {
    exp.Stddev: "float8_stddev_samp",
    exp.StddevSamp: "float8_stddev_samp",
    exp.StddevPop: "float8_stddev_pop",
    exp.Variance: "float8_var_samp",
    exp.VariancePop: "float8_var_pop",
}
_SLIDING: dict[type[exp.Expr], str] = {exp.Sum: "float8_sum", exp.Avg: "float8_avg", **_DEVIATIONS}


def spell_out(select: exp.Select) -> None:
    """Spell out the windows of a SELECT, in place. Named windows are spelt out already."""
    for window in [one for one in below(select) if isinstance(one, exp.Window)]:
        if window.find_ancestor(exp.Select) is not select:
            continue
        _bounds(window)
        _places(window)
        _peers(window)
        _widen(window)
        new = neighbour(window)
        if isinstance(new, exp.Window):
            new = exclusions.exclude(new)
        if not isinstance(new, exp.Window):
            for part in list(new.find_all(exp.Window)):
                part.replace(_repaired(part))
        new = _repaired(new)
        if new is not window:
            window.replace(new)


def _places(window: exp.Window) -> None:
    """``ntile`` and ``nth_value``, in place: the engine takes one number for all rows, and none that is NULL."""
    function = window.this
    if isinstance(function, exp.NthValue | exp.Ntile):
        key = "offset" if isinstance(function, exp.NthValue) else "this"
        argument = function.args[key]
        if argument.find(exp.Column, exp.Query) is not None:
            raise refuse(
                f"{function.sql_name().lower()} by a number that each row has of its own",
                "Number the rows with row_number() in a derived table.",
            )
        while isinstance(argument, exp.Paren | exp.Cast):
            argument = argument.this
        if isinstance(function, exp.Ntile) and isinstance(argument, exp.Null):
            window.replace(cast(copied(argument), "INT"))


def _repaired(node: exp.Expr) -> exp.Expr:
    """Return what stands for a window whose frame moves; what is no window as it is."""
    return first_known(gathered(summed(node)))


_UNSORTED_BY_RANGE = frozenset({Kind.BYTEA, Kind.TIME})


def _peers(window: exp.Window) -> None:
    """A frame from the first row, or to the last one, and the current row's equals: RANGE of times and bytes, which the
    engine does not plan, are the same as GROUPS.
    """
    order, spec = window.args.get("order"), window.args.get("spec")
    if order is None or not any(kind(one.this) in _UNSORTED_BY_RANGE for one in order.expressions):
        return
    if spec is None:
        whole = {"kind": "GROUPS", "start": "UNBOUNDED", "start_side": "PRECEDING", "end": "CURRENT ROW"}
        window.set("spec", exp.WindowSpec(**whole))
    elif str(spec.args.get("kind") or "").upper() == "RANGE" and all(
        bound in ("CURRENT ROW", "UNBOUNDED PRECEDING", "UNBOUNDED FOLLOWING") for bound in get_frame(window)[1:]
    ):
        spec.set("kind", "GROUPS")


def _widen(window: exp.Window) -> None:
    """``RANGE 1 PRECEDING`` of integers, in place: where the least one less 1 is none of the type, the engine has the
    frame begin or end with the NULLs.
    """
    order, spec = window.args.get("order"), window.args.get("spec")
    if order is None or spec is None or get_frame(window)[0] != "RANGE":
        return
    if any(isinstance(spec.args.get(key), exp.Expr) for key in ("start", "end")):
        for one in order.expressions:
            wide = _WIDER.get(type_of(one.this).this) if kind(one.this) is Kind.INTEGER else None
            if wide is not None:
                one.set("this", typed(exp.Cast(this=copied(one.this), to=data_type(wide)), wide))


_WIDER = {T.SMALLINT: "BIGINT", T.INT: "BIGINT", T.BIGINT: "DECIMAL(20, 0)"}


def _bounds(window: exp.Window) -> None:
    """``ROWS 1 + 1 PRECEDING``: the engine takes a plain integer, of ``RANGE 2::bigint PRECEDING`` a plain number."""
    spec = window.args.get("spec")
    if spec is None:
        return
    if str(spec.args.get("kind") or "").upper() == "RANGE":
        for key in ("start", "end"):
            bound = spec.args.get(key)
            plain = bound.unnest() if isinstance(bound, exp.Expr) else None
            if isinstance(plain, exp.Cast) and isinstance(plain.this, exp.Literal) and not plain.this.is_string:
                spec.set(key, copied(plain.this))
        return
    for key in ("start", "end"):
        bound = spec.args.get(key)
        if isinstance(bound, exp.Expr) and not (isinstance(bound, exp.Literal) and bound.is_int):
            if isinstance(bound, exp.Neg) and _constant(bound.this):
                which = "starting" if key == "start" else "ending"
                message = f"frame {which} offset must not be negative"
                raise SqlError(SqlState.INVALID_PRECEDING_OR_FOLLOWING_SIZE, message)
            value = _constant(bound)
            if value is None:
                raise refuse("a frame whose offset is not a constant", "Write the number of rows.")
            spec.set(key, exp.Literal.number(value))


def _constant(node: exp.Expr) -> int | None:
    """Return the integer that a constant expression is, or None."""
    if isinstance(node, exp.Paren | exp.Cast):
        return _constant(node.this)
    if isinstance(node, exp.Literal):
        return int(node.name) if node.name.strip().isdigit() else None
    if isinstance(node, exp.Add | exp.Sub | exp.Mul):
        left, right = _constant(node.left), _constant(node.right)
        if left is None or right is None:
            return None
        return (
            left + right if isinstance(node, exp.Add) else left - right if isinstance(node, exp.Sub) else left * right
        )
    return None


def neighbour(window: exp.Window) -> exp.Expr:
    """``lag`` and ``lead``: the engine takes NULL for one row, and no offset or default that is computed."""
    function = window.this
    if not isinstance(function, exp.Lag | exp.Lead) or function.args.get("offset") is None:
        return window
    if function.args.get("default") is not None:
        _of_one_type(function)
    offset = function.args["offset"].unnest()
    while isinstance(offset, exp.Cast):
        offset = offset.this.unnest()
    if isinstance(offset, exp.Null):
        function.set("this", typed(exp.Nullif(this=function.this, expression=copied(function.this)), type_of(function)))
        function.set("offset", number(0))
        function.set("default", None)
    elif not all(_is_constant(function.args.get(key)) for key in ("offset", "default")):
        return _by_row(window, function)
    return window


def _is_constant(value: exp.Expr | None) -> bool:
    """Whether the engine takes an offset or a default for a constant."""
    inside = value.find_all(exp.Column, exp.Query, exp.Func) if value is not None else ()
    return all(isinstance(one, exp.Cast | exp.Array) for one in inside)


_FORMS: dict[Kind, str] = {
    **dict.fromkeys((Kind.TEXT, Kind.BPCHAR, Kind.UUID, Kind.JSON, Kind.OTHER), "text"),
    **{kind: kind.name.lower() for kind in (Kind.BOOL, Kind.BYTEA, Kind.DATE, Kind.TIME, Kind.TIMESTAMP)},
    **{kind: kind.name.lower() for kind in (Kind.TIMESTAMPTZ, Kind.INTERVAL)},
}
_OF_NUMBERS = {T.SMALLINT: "int2", T.INT: "int4", T.BIGINT: "int8", T.FLOAT: "float4", T.DOUBLE: "float8"}
_EXACT = "DECIMAL(76, 38)"


def _by_row(window: exp.Window, function: exp.Expr) -> exp.Expr:
    """``lag(a, b)``: a function of the gateway's, which takes whole partitions (`window_functions`)."""
    result = type_of(function)
    form, taken = _form(result)
    value, default = (_carried(function.args.get(key), result, taken) for key in ("this", "default"))
    offset = cast(copied(function.args["offset"]), "BIGINT")
    name = "lag_by" if isinstance(function, exp.Lag) else "lead_by"
    window.set("this", call(f"{name}_{form}", value, offset, default, returns=copied(result)))
    window.set("spec", None)
    if form != "exact":
        return window
    window.type = taken
    return typed(cast(copied(window), result), copied(result))


def _carried(value: exp.Expr | None, result: exp.DataType, taken: exp.DataType) -> exp.Expr:
    if value is None or isinstance(value, exp.Null):
        value = typed(exp.Cast(this=exp.Null(), to=copied(result)), copied(result))
    return copied(value) if kind_of_type(taken) in _MOMENTS else cast(copied(value), taken)


_MOMENTS = frozenset({Kind.TIME, Kind.TIMESTAMP, Kind.TIMESTAMPTZ, Kind.INTERVAL})  # which a cast would make less exact


def _form(result: exp.DataType) -> tuple[str, exp.DataType]:
    """Return the end of the function's name for values of a type, and the type that it takes."""
    found = kind_of_type(result)
    if found is Kind.NUMERIC:
        return ("exact", data_type(_EXACT)) if result.expressions else ("inexact", data_type(QUOTIENT))
    form = _FORMS.get(found) or _OF_NUMBERS.get(result.this)
    if form is None:
        name = result.sql("postgres").lower()
        raise refuse(f"lag and lead of {name} by what is no constant", "Join the rows by their row_number().")
    return form, data_type("text") if form == "text" else result


def _of_one_type(function: exp.Expr) -> None:
    """Bring the value and the default of ``lag`` and ``lead`` to their common type, in place."""
    result = type_of(function)
    for key in ("this", "default"):
        value = function.args.get(key)
        if value is not None and (is_unknown_constant(value) or type_of(value) != result):
            function.set(key, typed(exp.Cast(this=copied(value), to=copied(result)), copied(result)))


def summed(node: exp.Expr) -> exp.Expr:
    """Sums of floats in a frame whose start moves: the engine subtracts what leaves the frame, so a NaN, an infinity or
    a large number stays in the sum for ever. The frame's values are gathered and summed anew.
    """
    if not isinstance(node, exp.Window):
        return node
    function = node.this.this if isinstance(node.this, exp.Filter) else node.this
    spec = node.args.get("spec")
    name = _SLIDING.get(type(function))
    if name is None or spec is None or isinstance(function.this, exp.Distinct):
        return node
    if kind(function.this) is not Kind.FLOAT or get_frame(node)[1] == "UNBOUNDED PRECEDING":
        return node
    values = typed(exp.ArrayAgg(this=cast(copied(function.this), "DOUBLE PRECISION")), "double precision[]")
    result = call(name, _with(node, values), returns=T.DOUBLE)
    return typed(cast(result, type_of(node)) if type_of(node).this is T.FLOAT else result, type_of(node))


def is_moving(window: exp.Window) -> bool:
    """Whether rows leave a window's frame: the engine takes them back from an aggregate, which not all of them know."""
    return window.args.get("spec") is not None and get_frame(window)[1] != "UNBOUNDED PRECEDING"


def gathered(node: exp.Expr) -> exp.Expr:
    """``bool_or``, ``bit_or`` and their kin in a moving frame: of truths the largest number, of bits a list."""
    if not isinstance(node, exp.Window) or not is_moving(node):
        return node
    function = node.this.this if isinstance(node.this, exp.Filter) else node.this
    if (extreme := _TRUTHS.get(type(function))) is not None or _is_every(function):
        value = function.expressions[0] if isinstance(function, exp.Anonymous) else function.this
        number_of = typed((extreme or exp.Min)(this=cast(copied(value), "INT")), T.INT)
        return typed(exp.Paren(this=cast(_with(node, number_of), "BOOLEAN")), T.BOOLEAN)
    name = _LISTS.get(type(function))
    if name is None or kind(function.this) is not Kind.INTEGER:
        return node
    listed = typed(exp.ArrayAgg(this=cast(copied(function.this), "BIGINT")), "BIGINT[]")
    return typed(cast(call(name, _with(node, listed), returns=T.BIGINT), type_of(node)), type_of(node))


def first_known(node: exp.Expr) -> exp.Expr:
    """``any_value`` over sorted rows: the first of the frame that is not NULL, as PostgreSQL gives it."""
    if not isinstance(node, exp.Window) or node.args.get("order") is None:
        return node
    function = node.this.this if isinstance(node.this, exp.Filter) else node.this
    if not isinstance(function, exp.AnyValue) or isinstance(function.this, exp.Distinct):
        return node
    value = copied(function.this)
    if isinstance(node.this, exp.Filter):
        value = typed(case((copied(node.this.expression.this), value)), type_of(value))
    first = typed(exp.FirstValue(this=value), type_of(function))
    whole = copied(node)
    whole.set("this", typed(exp.IgnoreNulls(this=first), type_of(function)))
    return typed(whole, type_of(node))


_TRUTHS: dict[type[exp.Expr], type[exp.Func]] = {exp.LogicalAnd: exp.Min, exp.LogicalOr: exp.Max}
_LISTS: dict[type[exp.Expr], str] = {
    exp.BitwiseAndAgg: "and_of",
    exp.BitwiseOrAgg: "or_of",
    exp.BitwiseXorAgg: "xor_of",
}


def _is_every(function: exp.Expr) -> bool:
    return isinstance(function, exp.Anonymous) and function.name.lower() == "every"


def _with(window: exp.Window, other: exp.Expr) -> exp.Expr:
    """Return a copy of a window with another function."""
    whole = copied(window)
    place: exp.Expr = whole.this if isinstance(whole.this, exp.Filter) else whole
    place.set("this", other)
    return typed(whole, type_of(other))
