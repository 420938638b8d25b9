"""Values that PostgreSQL converts where types meet, and whose text tells which type they are of: a ``cidr`` becomes an
``inet``, which is written without the width of a mask that covers the whole address.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.sql.engine_dialect.build import data_type, named, typed
from gateway.sql.engine_dialect.kinds import carried_as_text, type_of
from optimizer.census import Census

_INET, _CIDR = "inet", "cidr"


def widen_networks(census: Census) -> bool:
    """Cast to ``inet`` each ``cidr`` that meets one in a set operation, a CASE, an array or IN, in a typed query, in
    place; return whether there was any.
    """
    changed = False
    for operation in census.find_all(exp.SetOperation):
        if not isinstance(operation.parent, exp.SetOperation):
            for columns in zip(*_lists(operation), strict=False):
                changed |= _widened([*columns])
    for node in census.find_all(exp.Case, exp.Coalesce, exp.Array, exp.In):
        changed |= _widened([*_operands(node)])
    return changed


def _lists(query: exp.Expr) -> list[list[exp.Expr]]:
    """Return the select lists of all arms of a query."""
    body = query.unnest()
    if isinstance(body, exp.SetOperation):
        return [*_lists(body.left), *_lists(body.right)]
    return [body.selects] if isinstance(body, exp.Select) else []


def _operands(node: exp.Expr) -> Iterator[exp.Expr]:
    if isinstance(node, exp.Case):
        yield from (branch.args["true"] for branch in node.args["ifs"])
        if node.args.get("default") is not None:
            yield node.args["default"]
    elif isinstance(node, exp.In):
        query = node.args.get("query")
        if query is not None:
            yield node.this
            yield from (columns[0] for columns in _lists(query) if columns)
    else:
        yield from (one for one in (node.args.get("this"), *node.expressions) if isinstance(one, exp.Expr))


def _widened(values: list[exp.Expr]) -> bool:
    names = [carried_as_text(type_of(value)) for value in values]
    if _INET not in names or _CIDR not in names:
        return False
    for value, name in zip(values, names, strict=True):
        if name == _CIDR:
            bare = value.unalias()
            made = typed(exp.Cast(this=bare.copy(), to=data_type(_INET)), data_type(_INET))
            value.replace(named(made, value.alias_or_name) if isinstance(value.parent, exp.Select) else made)
    return True
