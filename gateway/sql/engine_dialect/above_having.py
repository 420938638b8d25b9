"""What a SELECT computes of its groups stands around a derived table that has the groups which HAVING leaves: beside
HAVING the engine may compute it for all of them (see `barriers`).
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect.build import named, typed
from gateway.sql.engine_dialect.correlation import conjuncts
from gateway.sql.engine_dialect.group_keys import ROWS
from gateway.sql.engine_dialect.kinds import type_of
from optimizer.copies import copied

_GROUPS = "_groups"
_AROUND = ("order", "limit", "offset", "with_")
_OTHER_CLAUSES = ("distinct", "qualify", "windows")
_ELSEWHERE = (exp.Window, exp.Query, exp.Grouping, *ROWS)
_SETS = (exp.GroupingSets, exp.Rollup, exp.Cube)


def above_having(select: exp.Select) -> exp.Select | None:
    """Return a SELECT with HAVING that computes something of its aggregates as one from a derived table; None where
    that is not so, or cannot be.
    """
    group, order = select.args.get("group"), select.args.get("order")
    if select.args.get("having") is None or any(select.args.get(clause) is not None for clause in _OTHER_CLAUSES):
        return None
    outputs = {one.alias_or_name for one in select.selects}
    keys = [] if group is None else group.expressions
    sorted_by = (
        [one.this for one in order.expressions if not _is_output(one.this, outputs)] if order is not None else []
    )
    values = [one.unalias() for one in select.selects]
    if any(one.find(*_ELSEWHERE) for one in (*values, *sorted_by)) or (group is not None and group.find(*_SETS)):
        return None
    if all(_is_piece(one, keys) or isinstance(one, exp.Literal) for one in (*values, *sorted_by)):
        return None
    return _apart(select, keys, outputs) if _may_pass(select, keys, values) else None


def _may_pass(select: exp.Select, keys: list[exp.Expr], values: list[exp.Expr]) -> bool:
    """Whether a condition of HAVING asks nothing but what is put out: below others nothing is moved."""
    for part in conjuncts(select.args["having"].this):
        asked: dict[exp.Expr, str] = {}
        _of_groups(part, keys, asked)
        if all(one in values for one in asked):
            return True
    return False


def _is_output(key: exp.Expr, outputs: set[str]) -> bool:
    return isinstance(key, exp.Column) and not key.table and key.name in outputs


def _is_piece(node: exp.Expr, keys: list[exp.Expr]) -> bool:
    """Whether something is a key of the groups, or an aggregate with what belongs to it."""
    if isinstance(node, exp.Filter | exp.WithinGroup):
        return _is_piece(node.this, [])
    is_every = isinstance(node, exp.Anonymous) and node.name.lower() == "every"
    return isinstance(node, exp.AggFunc) or is_every or node in keys


def _apart(select: exp.Select, keys: list[exp.Expr], outputs: set[str]) -> exp.Select | None:
    pieces: dict[exp.Expr, str] = {}
    outer = exp.Select(
        expressions=[named(_of_groups(one.unalias(), keys, pieces), one.alias_or_name) for one in select.selects]
    )
    for clause in _AROUND:
        outer.set(clause, copied(value) if isinstance(value := select.args.get(clause), exp.Expr) else None)
    for ordered in outer.args["order"].expressions if outer.args.get("order") is not None else ():
        if not _is_output(ordered.this, outputs):
            ordered.set("this", _of_groups(ordered.this, keys, pieces))
    parts = [*outer.selects, *([outer.args["order"]] if outer.args.get("order") is not None else [])]
    if any(one.table not in ("", _GROUPS) for part in parts for one in part.find_all(exp.Column)):
        return None  # of what the keys determine, or of an aggregate that is not known here
    inner = copied(select)
    for clause in _AROUND:
        inner.set(clause, None)
    inner.set("expressions", [named(copied(piece), name) for piece, name in pieces.items()])
    alias = exp.TableAlias(this=exp.to_identifier(_GROUPS, quoted=True))
    outer.set("from_", exp.From(this=exp.Subquery(this=inner, alias=alias)))
    return outer


def _of_groups(value: exp.Expr, keys: list[exp.Expr], pieces: dict[exp.Expr, str]) -> exp.Expr:
    """Return a value in terms of the derived table's columns, which are added to ``pieces``."""
    holder = exp.Paren(this=copied(value))
    waiting: list[exp.Expr] = [holder.this]
    while waiting:
        node = waiting.pop()
        if _is_piece(node, keys):
            name = pieces.setdefault(copied(node), f"g{len(pieces)}")
            node.replace(typed(exp.column(name, table=_GROUPS, quoted=True), copied(type_of(node))))
        else:
            waiting.extend(node.iter_expressions())
    made: exp.Expr = holder.this
    return made
