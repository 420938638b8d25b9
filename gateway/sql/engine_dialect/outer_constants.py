"""Columns that are constant on the side of an outer join that may be missing.

The engine (DataFusion 55) still takes them for constant behind the join, where they are NULL, too: it does not sort or
partition by them, and lets equal rows of a UNION stand. What is read of such a column is hidden in a CASE that the
engine takes for one that may change. The condition costs a random number a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from gateway.sql.engine_dialect.kinds import type_of
from optimizer.copies import copied

_CLAUSES = ("expressions", "group", "having", "order", "windows", "qualify", "distinct")
_CHANGING = (exp.Column, exp.Query, exp.AggFunc, exp.Window, exp.Rand, exp.Uuid)
_Name = tuple[str, str]  # of a source and its column


@dataclass(slots=True)
class _Known:
    """Which output columns of a statement's named queries are constant."""

    named: dict[str, set[str]] = field(default_factory=dict)


def hide(tree: exp.Query) -> exp.Query:
    """Hide such columns of a query with outer joins, in place."""
    _constants(tree, _Known())
    return tree


def _constants(query: exp.Expr, known: _Known) -> set[str]:
    """Return the names of a query's output columns that are the same in all rows; hide columns inside of it."""
    with_ = query.args.get("with_")
    for cte in with_.expressions if with_ is not None else ():
        known.named[cte.alias] = _renamed(cte, _constants(cte.this, known))
    if isinstance(query, exp.SetOperation):
        arms = [_constants(arm, known) for arm in (query.left, query.right)]
        return arms[0] if isinstance(query, exp.Union) and len(arms[0]) == len(query.selects) and all(arms) else set()
    if isinstance(query, exp.Subquery | exp.Paren):
        return _constants(query.this, known)
    return _of_select(query, known) if isinstance(query, exp.Select) else set()


def _of_select(select: exp.Select, known: _Known) -> set[str]:
    sources = dict(_sources(select, known))
    for inner in _inner_queries(select):
        _constants(inner, known)
    missing = _missing(select)
    where = select.args.get("where")
    fixed = _fixed(where.this) if where is not None else set()
    joins = select.args.get("joins") or []
    conditions = [join.args["on"] for join in joins if join.args.get("on") is not None]
    in_joins = {name for condition in conditions for name in _fixed(condition)}
    constant = {(alias, name) for alias, names in sources.items() for name in names}
    seen = constant | fixed | in_joins
    equal = {pair for condition in conditions for pair in _equalities(condition)}
    for _ in range(len(equal)):
        seen |= {other for one, other in equal if one in seen}
    if hidden := {name for name in seen if name[0] in missing}:
        _hide(select, hidden)
    lasting = {name for name in constant | fixed if name[0] not in missing}
    return {column.alias_or_name for column in select.selects if _is_constant(column.unalias(), lasting)}


def _is_constant(value: exp.Expr, lasting: set[_Name]) -> bool:
    if isinstance(value, exp.Column):
        return (value.table, value.name) in lasting
    return _has_no_columns(value) or any(map(_may_be_folded, value.walk()))


def _has_no_columns(value: exp.Expr) -> bool:
    return value.find(*_CHANGING) is None


def _may_be_folded(node: exp.Expr) -> bool:
    """Whether the engine may find a constant for a node with columns: of what these are nothing may depend."""
    if isinstance(node, exp.And | exp.Or):
        return _has_no_columns(node.left) or _has_no_columns(node.right)
    if isinstance(node, exp.Coalesce):
        return _has_no_columns(node.this)
    if isinstance(node, exp.Case):
        return any(_has_no_columns(branch.this) for branch in node.args["ifs"])
    if isinstance(node, exp.Mul | exp.Mod | exp.BitwiseAnd):
        return _is_nought(node.left) or _is_nought(node.right)
    return False


def _is_nought(value: exp.Expr) -> bool:
    """Whether a value is 0, or 1: of which remainders are 0."""
    while isinstance(value, exp.Cast | exp.Paren):
        value = value.this
    return isinstance(value, exp.Literal) and value.name in ("0", "1")


def _inner_queries(select: exp.Select) -> Iterator[exp.Query]:
    """Return the queries in a SELECT's expressions: those in FROM have been looked at, those below have their turn."""
    items = {id(item) for item in _items(select)}
    for key, value in select.args.items():
        pending = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, exp.Expr)]
        while pending and key != "with_":
            node = pending.pop()
            if id(node) in items:
                continue
            if isinstance(node, exp.Query) and not isinstance(node, exp.Table):
                yield node
            else:
                pending.extend(node.iter_expressions())


def _items(select: exp.Select) -> Iterator[exp.Expr]:
    """Return what stands in FROM, also in parentheses."""
    from_ = select.args.get("from_")
    pending = [from_.this] if from_ is not None else []
    pending += [join.this for join in select.args.get("joins") or []]
    while pending:
        item = pending.pop()
        yield item
        pending += [join.this for join in item.args.get("joins") or []]
        if isinstance(item, exp.Paren | exp.Subquery) and isinstance(item.this, exp.Table | exp.Paren):
            pending.append(item.this)


def _sources(select: exp.Select, known: _Known) -> Iterator[tuple[str, set[str]]]:
    for item in _items(select):
        inner = item.this if isinstance(item, exp.Lateral) else item
        if isinstance(inner, exp.Subquery) and isinstance(inner.this, exp.Query):
            yield item.alias_or_name, _renamed(item, _constants(inner.this, known))
        elif isinstance(item, exp.Table):
            yield item.alias_or_name, known.named.get(item.name, set())


def _renamed(item: exp.Expr, names: set[str]) -> set[str]:
    """Return names after a list of column aliases, of which the first stands for the first column."""
    columns = item.args["alias"].columns if item.args.get("alias") is not None else []
    if not columns or not isinstance(item.this, exp.Query):
        return names
    outputs = [column.alias_or_name for column in item.this.selects]
    given = [column.name for column in columns] + outputs[len(columns) :]
    return {new for old, new in zip(outputs, given, strict=False) if old in names}


def _missing(select: exp.Select) -> set[str]:
    """Return the sources of which rows may be missing."""
    from_ = select.args.get("from_")
    if from_ is None:
        return set()
    missing, before = set(), {*_aliases(from_.this)}
    for join in [*(from_.this.args.get("joins") or []), *(select.args.get("joins") or [])]:
        here = {*_aliases(join.this)}
        if join.side in ("LEFT", "FULL"):
            missing |= here
        if join.side in ("RIGHT", "FULL"):
            missing |= before
        before |= here
    inside = [join for item in _items(select) for join in item.args.get("joins") or [] if join.side]
    return missing | (before if inside else set())


def _aliases(item: exp.Expr) -> Iterator[str]:
    if item.alias_or_name:
        yield item.alias_or_name
    elif isinstance(item.this, exp.Expr):
        yield from _aliases(item.this)
    for join in item.args.get("joins") or []:
        yield from _aliases(join.this)


def _fixed(condition: exp.Expr) -> set[_Name]:
    """Return the columns that a condition leaves one value, or that it is made of."""
    found = set()
    for part in condition.flatten() if isinstance(condition, exp.And) else (condition,):
        bare = part.unnest()
        if isinstance(bare, exp.And):
            found |= _fixed(bare)
        sides = [bare.this, bare.expression] if isinstance(bare, exp.EQ | exp.NullSafeEQ) else [bare]
        if isinstance(bare, exp.In):
            sides = [bare.this]
        found |= {(c.table, c.name) for side in sides for c in side.find_all(exp.Column) if len(sides) < _BOTH}
        if len(sides) == _BOTH and any(side.find(exp.Column, exp.Query) is None for side in sides):
            found |= {(c.table, c.name) for side in sides for c in side.find_all(exp.Column)}
    return found


_BOTH = 2


def _equalities(condition: exp.Expr) -> Iterator[tuple[_Name, _Name]]:
    """Return the pairs of columns that a condition sets equal, in both orders."""
    for one in condition.find_all(exp.EQ, exp.NullSafeEQ):
        sides = [[(c.table, c.name) for c in side.find_all(exp.Column)] for side in (one.this, one.expression)]
        if all(len(side) == 1 for side in sides):
            yield sides[0][0], sides[1][0]
            yield sides[1][0], sides[0][0]


def _hide(select: exp.Select, hidden: set[_Name]) -> None:
    named = select.selects if select.args.get("distinct") else ()
    outputs = {one.unalias().sql(): one.alias_or_name for one in named if isinstance(one, exp.Alias)}
    for key in _CLAUSES:
        value = select.args.get(key)
        for top in value if isinstance(value, list) else [value]:
            for column in [*top.find_all(exp.Column)] if isinstance(top, exp.Expr) else ():
                if (column.table, column.name) in hidden and column.find_ancestor(exp.Select) is select:
                    _hide_column(column, select, key, outputs)


def _hide_column(column: exp.Column, select: exp.Select, clause: str, outputs: dict[str, str]) -> None:
    if clause == "order" and select.args.get("distinct") and (name := outputs.get(column.sql())):
        column.replace(exp.column(name, quoted=True))
        return
    never = exp.LT(this=exp.Rand(), expression=exp.Literal.number("-1.0"))
    whole = exp.Case(ifs=[exp.If(this=never, true=exp.Null())], default=copied(column))
    whole.type = copied(type_of(column))
    place: exp.Expr = whole
    if column.parent is select and clause == "expressions":
        place = exp.Alias(this=whole, alias=exp.to_identifier(column.name, quoted=True))
        place.type = whole.type
    column.replace(place)
