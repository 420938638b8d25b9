"""EXCLUDE GROUP and TIES in frames of ROWS, which cut through groups of equal rows: the frame's values and keys are
gathered, and PostgreSQL computes the aggregate of those that stay (`catalog.gathering_functions`).
"""

from __future__ import annotations

from sqlglot import exp

from catalog.gathering_functions import OTHERS, aggregating_name
from catalog.order_functions import GREATEST, LEAST
from gateway.sql.engine_dialect.exclusions import get_frame
from gateway.sql.engine_dialect.kinds import Kind, kind
from gateway.sql.engine_dialect.queries import named_windows
from optimizer.census import Census
from optimizer.copies import copied

_NAMES: dict[type[exp.Expr], str] = {
    exp.Avg: aggregating_name("avg"),
    exp.Max: GREATEST,
    exp.Min: LEAST,
    exp.Sum: aggregating_name("sum"),
}


def gather_frames(census: Census) -> bool:
    """Put calls in place of such windows of one sort key, in a typed query; return whether there was one."""
    if not any(one.args.get("exclude") for one in census.find_all(exp.WindowSpec)):
        return False
    selects = [one for one in census.find_all(exp.Select) if one.find(exp.Window) is not None]
    for select in reversed(selects):  # inner ones first
        named_windows(select)
    windows = {id(one): one for select in selects for one in select.find_all(exp.Window)}
    found = [one for one in windows.values() if _excluded(one) and _is_simple(one)]
    for window in found:
        window.replace(_call(window))
    return bool(found)


def _excluded(window: exp.Window) -> str:
    """Return what a frame of ROWS leaves out, GROUP or TIES; else nothing."""
    spec = window.args.get("spec")
    excluded = spec.args.get("exclude") if spec is not None else None
    if spec is None or excluded is None or get_frame(window)[0] != "ROWS":
        return ""
    what = excluded.name.upper() if isinstance(excluded, exp.Expr) else str(excluded).upper()
    return what if what in ("GROUP", "TIES") else ""


def _is_simple(window: exp.Window) -> bool:
    order = window.args.get("order")
    _, start, end = get_frame(window)
    inside = start.endswith(("PRECEDING", "ROW")) and end.endswith(("FOLLOWING", "ROW"))
    whole = start == "UNBOUNDED PRECEDING" and end == "UNBOUNDED FOLLOWING"  # of which other frames are made
    function = _function(window)
    known = isinstance(function, (*_NAMES, exp.Count))
    if not known or not inside or whole or order is None or len(order.expressions) != 1:
        return False
    taken = function.this
    if isinstance(taken, exp.Distinct | exp.Order):
        return False
    return not {kind(taken), kind(order.expressions[0].this)} & {Kind.INTERVAL, Kind.ARRAY}


def _function(window: exp.Window) -> exp.Expr:
    function: exp.Expr = window.this.this if isinstance(window.this, exp.Filter) else window.this
    return function


def _call(window: exp.Window) -> exp.Expr:
    """Return the aggregate of the values whose keys differ from the row's own, and of the row's own value for TIES."""
    key = window.args["order"].expressions[0].this
    function = _function(window)
    star = isinstance(function, exp.Count) and isinstance(function.this, exp.Star)
    value: exp.Expr = exp.Literal.number(1) if star else copied(function.this)
    if isinstance(window.this, exp.Filter):
        condition = copied(window.this.expression.this)
        value = exp.Case(ifs=[exp.If(this=condition, true=value)])
    place = (
        exp.Literal.number(0) if _excluded(window) == "GROUP" else _over(window, exp.Count(this=exp.Star()), here=True)
    )
    arrays = [_over(window, exp.ArrayAgg(this=one)) for one in (value, copied(key))]
    others = exp.Anonymous(
        this=OTHERS, expressions=[*arrays, copied(key), exp.cast(place, "bigint", dialect="postgres")]
    )
    if isinstance(function, exp.Count):
        return exp.Anonymous(this=aggregating_name("count"), expressions=[others])
    return exp.Anonymous(this=_NAMES[type(function)], expressions=[others])


def _over(window: exp.Window, function: exp.Expr, *, here: bool = False) -> exp.Expr:
    """Return another function over the frame, or over its rows up to the row itself."""
    made = copied(window)
    made.set("this", function)
    made.args["spec"].set("exclude", None)
    if here:
        made.args["spec"].set("end", "CURRENT ROW")
        made.args["spec"].set("end_side", None)
    return made
