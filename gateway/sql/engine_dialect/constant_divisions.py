"""Divisions of constants by zero: PostgreSQL computes constants when it plans, so that ``1 / 0`` fails over no rows,
too, and in an arm of CASE that no row takes, but in none that constants cut away.
"""

from __future__ import annotations

from sqlglot import exp

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.sql.engine_dialect.call_marks import get_mark
from optimizer.census import Census

_DIVISIONS = (exp.Div, exp.IntDiv, exp.Mod)
_CLAUSES = ("where", "having", "group", "order")
_CHANGING = (exp.Column, exp.Query, exp.Parameter, exp.Placeholder, exp.AggFunc)


def check(tree: exp.Query, census: Census) -> None:
    """Raise 22012 for such a division that PostgreSQL surely computes: of the outputs of the query itself, and in the
    conditions of those in its FROM. In others it may be left out.
    """
    if not any(_fails(node) for node in census.find_all(*_DIVISIONS)):
        return
    _check_query(tree, with_outputs=True)


def _check_query(query: exp.Expr, *, with_outputs: bool) -> None:
    body = query.unnest()
    if isinstance(body, exp.SetOperation):
        _check_query(body.left, with_outputs=with_outputs)
        _check_query(body.right, with_outputs=with_outputs)
        return
    if not isinstance(body, exp.Select):
        return
    for output in body.expressions if with_outputs else ():
        _visit(output)
    for key in _CLAUSES:
        clause = body.args.get(key)
        if isinstance(clause, exp.Expr):
            _visit(clause)
    from_ = body.args.get("from_")
    for holder in [*([from_] if from_ is not None else []), *(body.args.get("joins") or ())]:
        if isinstance(holder.args.get("on"), exp.Expr):
            _visit(holder.args["on"])
        if isinstance(holder.this, exp.Subquery):
            _check_query(holder.this, with_outputs=False)


def _visit(node: exp.Expr) -> None:
    """Look at what PostgreSQL computes of an expression, in its order."""
    if isinstance(node, exp.Query) or get_mark(node) is not None:
        return
    if isinstance(node, exp.Case):
        _visit_case(node)
    elif isinstance(node, exp.Coalesce):
        _visit_first(node)
    elif isinstance(node, exp.And | exp.Or):
        _visit(node.left)
        if not _is_constant(node.left):
            _visit(node.right)
    else:
        for one in node.iter_expressions():
            _visit(one)
        if _fails(node):
            raise SqlError(SqlState.DIVISION_BY_ZERO, "division by zero")


def _visit_case(node: exp.Case) -> None:
    if node.this is not None and _is_constant(node.this):
        return  # which arm it is depends on what constants are equal
    if node.this is not None:
        _visit(node.this)
    for arm in node.args["ifs"]:
        condition = arm.this.unnest()
        if isinstance(condition, exp.Boolean | exp.Null):
            if isinstance(condition, exp.Boolean) and condition.this:
                _visit(arm.args["true"])
                return
            continue
        if node.this is None and _is_constant(condition):
            return
        _visit(condition)
        _visit(arm.args["true"])
    if node.args.get("default") is not None:
        _visit(node.args["default"])


def _visit_first(node: exp.Coalesce) -> None:
    for value in (node.this, *node.expressions):
        _visit(value)
        if _is_constant(value) and not isinstance(value.unnest(), exp.Null):
            return


def _is_constant(node: exp.Expr) -> bool:
    return node.find(*_CHANGING) is None


def _fails(node: exp.Expr) -> bool:
    if not isinstance(node, _DIVISIONS):
        return False
    divisor = _number(node.args["expression"])
    return divisor is not None and divisor.strip("0.") == "" and _number(node.this) is not None


def _number(node: exp.Expr) -> str | None:
    """Return a number as it is written, without casts and signs; None for what is none."""
    while isinstance(node, exp.Paren | exp.Neg | exp.Cast):
        node = node.this
    return node.name if isinstance(node, exp.Literal) and not node.is_string else None
