"""EXCLUDE of every kind, in frames of every kind, for what goes by the frame's rows one by one: ``string_agg``,
``array_agg``, ``first_value``, ``last_value`` and ``nth_value``.

The frame is gathered as it is. What is left out stands together in it, and where is told by counts: how many rows come
before the frame, before the current row's group, or the row, and before its end.
"""

from __future__ import annotations

from sqlglot import exp

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.sql.engine_dialect.build import call, case, cast, number, paren, refuse, text, typed
from gateway.sql.engine_dialect.kinds import Kind, T, array_type, kind, type_of

_BEFORE_ALL = ("UNBOUNDED", "PRECEDING")
_HERE = ("CURRENT ROW", None)
_LAST_BEFORE = ("1", "PRECEDING")
_Bound = tuple[str, str | None]
FUNCTIONS = (exp.ArrayAgg, exp.FirstValue, exp.GroupConcat, exp.LastValue, exp.NthValue)


def of_rows(window: exp.Window, function: exp.Expr, what: str) -> exp.Expr:
    """Return one of `FUNCTIONS` over the rows that ``EXCLUDE`` leaves."""
    own = _gathered(window, function)
    rows = _kept(own, what)
    if isinstance(function, exp.ArrayAgg):
        return _or_null(rows, rows)
    if isinstance(function, exp.GroupConcat):
        return _or_null(rows, call("array_to_string", rows.copy(), _separator(function), returns=T.TEXT))
    place: exp.Expr = number(1)
    if isinstance(function, exp.LastValue):
        place = number(-1)
    elif isinstance(function, exp.NthValue):
        place = _nth(function.args["offset"])
    return call("array_element", rows, place, returns=type_of(function))


def _nth(offset: exp.Expr) -> exp.Expr:
    bare = offset.unnest()
    if isinstance(bare, exp.Neg) or (isinstance(bare, exp.Literal) and bare.name.strip("0") == ""):
        message = "argument of nth_value must be greater than zero"
        raise SqlError(SqlState.INVALID_ARGUMENT_FOR_NTH_VALUE, message)
    return cast(offset.copy(), "BIGINT")


def _separator(function: exp.GroupConcat) -> exp.Expr:
    if kind(function.this) is Kind.BYTEA:
        raise refuse("string_agg of bytea with EXCLUDE", "Gather the values with array_agg.")
    separator = function.args.get("separator")
    bare = separator.unnest() if isinstance(separator, exp.Expr) else exp.Null()
    while isinstance(bare, exp.Cast):
        bare = bare.this.unnest()
    if isinstance(bare, exp.Null):
        return text("")
    if not isinstance(bare, exp.Literal):
        raise refuse("string_agg with EXCLUDE and a separator that is no constant", "Write the separator as a text.")
    return text(bare.name)


def _gathered(window: exp.Window, function: exp.Expr) -> exp.Window:
    """Return the window that gathers the frame's values; of ``string_agg`` those that are known."""
    whole = window.copy()
    value = function.this.copy()
    filtered = whole.this if isinstance(whole.this, exp.Filter) else None
    if isinstance(function, exp.GroupConcat):
        known = exp.Not(this=exp.Is(this=paren(value.copy()), expression=exp.Null()))
        asked = exp.and_(filtered.expression.this, known) if filtered is not None else known
        filtered = exp.Filter(this=exp.Null(), expression=exp.Where(this=typed(asked, T.BOOLEAN)))
    elements = array_type(type_of(value))
    array = typed(exp.ArrayAgg(this=value), elements)
    if filtered is not None:
        filtered.set("this", array)
        whole.set("this", typed(filtered, elements))
    else:
        whole.set("this", array)
    return typed(whole, elements)


def _kept(gathered: exp.Window, what: str) -> exp.Expr:
    """Return the array without what is left out."""
    mode = str(gathered.args["spec"].args.get("kind") or "").upper()
    sorted_ = gathered.args.get("order") is not None
    before_frame = _less(_count(gathered, mode, _BEFORE_ALL), _count(gathered, mode))

    def place(by: str, end: _Bound) -> exp.Expr:
        """Return how many of the frame's rows there are up to a row."""
        rows = _less(_count(gathered, by, _BEFORE_ALL, end), before_frame.copy())
        return call("greatest", rows, _whole(0), returns=T.BIGINT)

    def part(start: exp.Expr, end: exp.Expr) -> exp.Expr:
        """Return the rows behind so many, up to so many."""
        first = typed(exp.Add(this=start, expression=_whole(1)), T.BIGINT)
        return call("array_slice", gathered.copy(), first, end, returns=type_of(gathered))

    own = place("ROWS", _LAST_BEFORE), place("ROWS", _HERE)
    size = _count(gathered, mode)
    if what == "CURRENT ROW":
        parts = [part(_whole(0), own[0]), part(own[1], size)]
    elif sorted_:
        group = place("GROUPS", _LAST_BEFORE), place("GROUPS", _HERE)
        parts = [part(_whole(0), group[0]), part(group[1], size)]
    else:  # all rows are of one group
        parts = [part(_whole(0), _whole(0))]
    if what == "TIES":
        parts.insert(1, part(*own))
    return call("array_concat", *parts, returns=type_of(gathered)) if len(parts) > 1 else parts[0]


def _whole(value: int) -> exp.Expr:
    return typed(number(value), T.BIGINT)


def _less(one: exp.Expr, other: exp.Expr) -> exp.Expr:
    return typed(exp.Paren(this=typed(exp.Sub(this=one, expression=other), T.BIGINT)), T.BIGINT)


def _count(gathered: exp.Window, mode: str, start: _Bound | None = None, end: _Bound | None = None) -> exp.Expr:
    """Return a count of the rows in the frame, or in one that begins or ends elsewhere."""
    whole = gathered.copy()
    counted = typed(exp.Count(this=exp.Star(), big_int=True), T.BIGINT)
    (whole.this if isinstance(whole.this, exp.Filter) else whole).set("this", counted)
    spec = whole.args["spec"]
    spec.set("kind", mode)
    for key, bound in (("start", start), ("end", end)):
        if bound is not None:
            spec.set(key, exp.Literal.number(bound[0]) if bound[0].isdigit() else bound[0])
            spec.set(f"{key}_side", bound[1])
    if spec.args.get("end") is None:
        spec.set("end", "CURRENT ROW")
    return typed(whole, T.BIGINT)


def _or_null(rows: exp.Expr, value: exp.Expr) -> exp.Expr:
    """Return a value, NULL where there are no rows."""
    size = call("cardinality", rows.copy(), returns=T.BIGINT)
    return typed(case((exp.GT(this=size, expression=_whole(0)), value)), type_of(value))
