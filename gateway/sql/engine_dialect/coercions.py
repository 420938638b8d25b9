"""Values that PostgreSQL converts where types meet, and whose text tells which type they are of: a ``cidr`` becomes an
``inet``, which is written without the width of a mask that covers the whole address.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.sql.engine_dialect.build import data_type, named, typed
from gateway.sql.engine_dialect.kinds import (
    TEXTS,
    Kind,
    carried_as_text,
    common_type,
    is_unknown_constant,
    kind,
    kind_of_type,
    type_of,
)
from optimizer.census import Census
from optimizer.copies import copied

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


def join_types(census: Census) -> bool:
    """Bring columns of set operations to one type where the engine would choose another, in a typed query, in place:
    constants to that of the others, ``char(n)`` and text to the first one's. Likewise constants that are looked for
    among a query's rows. Return whether there was any.
    """
    changed = False
    for sought, query in _sought(census):
        values = sought.expressions if isinstance(sought, exp.Tuple) else [sought]
        lists = _lists(query)
        for value, *arms in zip(values, *lists, strict=False):
            changed |= bool(arms) and is_unknown_constant(value) and _read_constants([value, *arms])
    for operation in census.find_all(exp.SetOperation):
        if not isinstance(operation.parent, exp.SetOperation):
            for columns in zip(*_lists(operation), strict=False):
                changed |= _read_constants([*columns]) or _join_texts([*columns])
    return changed


def _sought(census: Census) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    """Yield what is compared with the rows of a query, with the query."""
    for node in census.find_all(exp.In):
        if (query := node.args.get("query")) is not None:
            yield node.this.unnest(), query
    for quantifier in census.find_all(exp.Any, exp.All):
        if isinstance(quantifier.parent, exp.Binary) and isinstance(quantifier.this.unnest(), exp.Query):
            yield quantifier.parent.this.unnest(), quantifier.this


def _read_constants(columns: list[exp.Expr]) -> bool:
    """``SELECT price … UNION SELECT '1.50'``: the constant is a price."""
    values = [column.unalias() for column in columns]
    written = [value for value in values if is_unknown_constant(value) and not isinstance(value.unnest(), exp.Null)]
    if not written:
        return False
    result = common_type(type_of(value) for value in values if not is_unknown_constant(value))
    if kind_of_type(result) in (Kind.UNKNOWN, *TEXTS):
        return False
    if kind_of_type(result) is not Kind.ARRAY and result.expressions:
        result = result.this.into_expr()  # without a length, which is the column's own
    for value in written:
        bare = value.unnest()
        bare.replace(typed(exp.Cast(this=copied(bare), to=copied(result)), copied(result)))
    return True


def _join_texts(columns: list[exp.Expr]) -> bool:
    """``bpchar`` of a ``char(n)`` and of texts behind it, whose blanks do not tell rows apart; else text of both."""
    found = [kind(column) for column in columns]
    first = next((one for one in found if one is not Kind.UNKNOWN), None)
    if first not in TEXTS or not {*found} >= TEXTS:
        return False
    for column, one in zip(columns, found, strict=True):
        value = column.unalias()
        if first is Kind.BPCHAR and not isinstance(value, exp.Null):
            nothing = exp.cast(exp.Null(), "bpchar", dialect="postgres")
            made: exp.Expr = exp.Coalesce(this=nothing, expressions=[copied(value)])
        elif first is Kind.TEXT and one is Kind.BPCHAR:
            made = exp.cast(copied(value), "text", dialect="postgres")
        else:
            continue
        column.replace(named(made, column.alias_or_name))
    return True


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
            made = typed(exp.Cast(this=copied(bare), to=data_type(_INET)), data_type(_INET))
            value.replace(named(made, value.alias_or_name) if isinstance(value.parent, exp.Select) else made)
    return True
