"""EXCLUDE in window frames, which the engine has not: what is left of a frame is put together from other frames.

Before and behind the current row's group, or the row, there is a frame each. The other rows of the group are those of a
partition by the sort keys, too. Where a RANGE has offsets, what is left out is taken off sums and counts.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect import frame_arrays
from gateway.sql.engine_dialect.build import call, case, data_type, number, paren, refuse, typed
from gateway.sql.engine_dialect.kinds import EXACT, Kind, T, decimal_type, kind, type_of
from optimizer.copies import copied

_ENDS = ("UNBOUNDED PRECEDING", "CURRENT ROW", "UNBOUNDED FOLLOWING")
_KNOWN = (exp.Avg, exp.Count, exp.Max, exp.Min, exp.Sum)
_HINT = (
    "Available are CURRENT ROW, and GROUP and TIES behind one sort key, for sum, avg, count, min and max; "
    "all for array_agg, string_agg, first_value, last_value and nth_value."
)


def get_frame(window: exp.Window) -> tuple[str, str, str]:
    """Return mode, start and end of a frame in words, as the standard completes them."""
    spec = window.args["spec"]
    words = []
    for key in ("start", "end"):
        bound, side = spec.args.get(key), str(spec.args.get(f"{key}_side") or "").upper()
        text = bound.name if isinstance(bound, exp.Expr) else str(bound or "")
        words.append(f"{text.upper()} {side}".strip())
    return str(spec.args.get("kind") or "").upper(), words[0], words[1] or "CURRENT ROW"


def exclude(window: exp.Window) -> exp.Expr:
    """Spell out a window's EXCLUDE; other windows are returned as they are. Raises 0A000 for what no frames make up."""
    spec = window.args.get("spec")
    excluded = spec.args.get("exclude") if spec is not None else None
    if spec is None or excluded is None:
        return window
    what = excluded.name.upper() if isinstance(excluded, exp.Expr) else str(excluded).upper()
    spec.set("exclude", None)
    if what == "NO OTHERS":
        return window
    function = window.this.this if isinstance(window.this, exp.Filter) else window.this
    filtered = function is not window.this
    if isinstance(function, frame_arrays.FUNCTIONS):
        return typed(frame_arrays.of_rows(window, function, what), type_of(window))
    mode, start, end = _at_groups(window, what)
    inside = start.endswith(("PRECEDING", "ROW")) and end.endswith(("FOLLOWING", "ROW"))
    known = isinstance(function, _KNOWN) and not isinstance(function.this, exp.Distinct | exp.Order)
    if not (inside and known) or (what == "TIES" and filtered):
        raise refuse("this EXCLUDE in a window frame", _HINT)
    if isinstance(function, exp.Avg):
        return _average(window, function, what)
    if mode == "RANGE":
        return typed(_without(window, function, what), type_of(window))
    parts = _parts(window, what, (mode, start, end))
    own = _own(function) if what == "TIES" else None
    return typed(_together(function, parts, own), type_of(window))


def _at_groups(window: exp.Window, what: str) -> tuple[str, str, str]:
    """Return mode, start and end of a frame; a RANGE without offsets is one of GROUPS, as a whole partition is."""
    mode, start, end = get_frame(window)
    whole = start == "UNBOUNDED PRECEDING" and end == "UNBOUNDED FOLLOWING"
    if window.args.get("order") is None:
        if mode == "ROWS" and what == "CURRENT ROW":
            return mode, start, end
        if mode == "RANGE" or whole:
            return ("ROWS" if what == "CURRENT ROW" else "NONE"), "UNBOUNDED PRECEDING", "UNBOUNDED FOLLOWING"
    elif (mode == "RANGE" and start in _ENDS and end in _ENDS) or (whole and what != "CURRENT ROW"):
        return "GROUPS", start, end
    if mode == "ROWS" and what != "CURRENT ROW":
        raise refuse("this EXCLUDE in a window frame", _HINT)
    return mode, start, end


def _parts(window: exp.Window, what: str, frame: tuple[str, str, str]) -> tuple[list[exp.Expr], list[exp.Expr]]:
    """Return the frames before and behind what is left out."""
    mode, start, end = frame
    if mode == "NONE":  # no order: all rows are of one group
        return [], []
    before = [_part(window, mode, (start, "1 PRECEDING"))] if start != "CURRENT ROW" else []
    behind = [_part(window, mode, ("1 FOLLOWING", end))] if end != "CURRENT ROW" else []
    if what == "CURRENT ROW" and mode == "GROUPS":
        peers = _of_peers(window)
        before.append(_part(peers, "ROWS", ("UNBOUNDED PRECEDING", "1 PRECEDING")))
        behind.insert(0, _part(peers, "ROWS", ("1 FOLLOWING", "UNBOUNDED FOLLOWING")))
    return before, behind


def _of_peers(window: exp.Window) -> exp.Window:
    """Return a window over the rows of the current row's group alone."""
    peers: exp.Window = copied(window)
    keys = [one.this for one in window.args["order"].expressions]
    if any(kind(one) in (Kind.INTERVAL, Kind.JSON) for one in keys):
        raise refuse("EXCLUDE CURRENT ROW beside an ORDER BY of intervals", "Sort by extract(epoch FROM …) of it.")
    peers.set("partition_by", [*(window.args.get("partition_by") or ()), *(copied(one) for one in keys)])
    for one in peers.args["partition_by"]:
        if one.find(exp.Window):
            raise refuse("EXCLUDE CURRENT ROW beside an ORDER BY of a window", "Compute it in a derived table.")
    return peers


def _part(window: exp.Window, mode: str, bounds: tuple[str, str]) -> exp.Expr:
    part = copied(window)
    spec = part.args["spec"]
    spec.set("kind", mode)
    for key, bound in zip(("start", "end"), bounds, strict=True):
        words = bound.split()
        plain = words[0] if words[0] in ("UNBOUNDED",) or bound == "CURRENT ROW" else exp.Literal.number(words[0])
        spec.set(key, "CURRENT ROW" if bound == "CURRENT ROW" else plain)
        spec.set(f"{key}_side", None if bound == "CURRENT ROW" else words[1])
    return part


def _own(function: exp.Expr) -> exp.Expr:
    """Return what the current row alone adds to an aggregate."""
    if not isinstance(function, exp.Count):
        return typed(exp.Paren(this=copied(function.this)), type_of(function))
    if isinstance(function.this, exp.Star):
        return typed(exp.Literal.number(1), T.BIGINT)
    absent = exp.Is(this=paren(copied(function.this)), expression=exp.Null())
    return typed(case((absent, number(0)), default=number(1)), T.BIGINT)


def _together(function: exp.Expr, parts: tuple[list[exp.Expr], list[exp.Expr]], own: exp.Expr | None) -> exp.Expr:
    """Return what an aggregate is over several frames, and the row itself between them."""
    before, behind = parts
    every = [*before, *([own] if own is not None else []), *behind]
    if not every:
        return typed(exp.Literal.number(0), T.BIGINT) if isinstance(function, exp.Count) else exp.Null()
    if isinstance(function, exp.Min | exp.Max):
        name = "least" if isinstance(function, exp.Min) else "greatest"
        return every[0] if len(every) == 1 else call(name, *every, returns=type_of(function))
    whole = every[0]
    for part in every[1:]:
        both = typed(exp.Add(this=paren(copied(whole)), expression=paren(copied(part))), type_of(function))
        whole = typed(
            case((_absent(whole), copied(part)), (_absent(part), copied(whole)), default=both), type_of(function)
        )
    return whole


def _absent(value: exp.Expr) -> exp.Expr:
    return exp.Is(this=paren(copied(value)), expression=exp.Null())


def _without(window: exp.Window, function: exp.Expr, what: str) -> exp.Expr:
    """Take what is left out off a sum or a count over a RANGE with offsets, which has the whole group of the row."""
    if not isinstance(function, exp.Sum | exp.Count) or (
        isinstance(function, exp.Sum) and kind(function.this) not in EXACT
    ):
        raise refuse("this EXCLUDE in a frame of RANGE with offsets", "Available are sum and count of exact numbers.")
    left = _left(window, function, what)
    if isinstance(function, exp.Count):
        return left
    counted = typed(exp.Count(this=copied(function.this), big_int=True), T.BIGINT)
    rows = _left(_with(window, counted), counted, what)
    return case((exp.GT(this=paren(rows), expression=number(0)), left))


def _left(window: exp.Window, function: exp.Expr, what: str) -> exp.Expr:
    """Return a sum or a count over the frame, less what it is of the rows left out."""
    signs: list[tuple[type[exp.Binary], exp.Expr]] = []
    if what in ("GROUP", "TIES"):
        group = _part(_of_peers(window), "ROWS", ("UNBOUNDED PRECEDING", "UNBOUNDED FOLLOWING"))
        signs.append((exp.Sub, group))
    if what in ("CURRENT ROW", "TIES"):
        own = _own(function)
        if isinstance(window.this, exp.Filter):
            own = typed(case((copied(window.this.expression.this), own)), type_of(own))
        signs.append((exp.Add if what == "TIES" else exp.Sub, own))
    whole: exp.Expr = _known(copied(window))
    for operator, part in signs:
        whole = typed(operator(this=whole, expression=_known(part)), type_of(function))
    return paren(whole)


def _known(value: exp.Expr) -> exp.Expr:
    return typed(exp.Coalesce(this=value, expressions=[number(0)]), type_of(value))


def _with(window: exp.Window, function: exp.Expr) -> exp.Window:
    """Return a copy of a window with another function."""
    whole: exp.Window = copied(window)
    (whole.this if isinstance(whole.this, exp.Filter) else whole).set("this", function)
    return typed(whole, type_of(function))


def _average(window: exp.Window, function: exp.Avg, what: str) -> exp.Expr:
    """``avg``: the sum of what is left by its count."""
    value = function.this
    if kind(value) is Kind.INTERVAL:
        raise refuse("avg of intervals with EXCLUDE in a window frame", "Average extract(epoch FROM …) of them.")
    if kind(value) is Kind.INTEGER:
        value = typed(exp.Cast(this=copied(value), to=data_type("numeric")), decimal_type(20, 0))
    elif kind(value) is Kind.FLOAT:
        value = typed(exp.Cast(this=copied(value), to=data_type("double precision")), T.DOUBLE)
    sides: list[exp.Expr] = []
    for part in (exp.Sum(this=copied(value)), exp.Count(this=copied(function.this), big_int=True)):
        sql_type = T.BIGINT.into_expr() if isinstance(part, exp.Count) else copied(type_of(value))
        whole = _with(window, typed(part, sql_type))
        whole.args["spec"].set("exclude", what)
        sides.append(paren(exclude(whole)))
    total, count = sides
    known = typed(exp.Nullif(this=count, expression=number(0)), T.BIGINT)
    result = "double precision" if kind(value) is Kind.FLOAT else "DECIMAL"
    return typed(exp.Paren(this=typed(exp.Div(this=total, expression=known), result)), result)
