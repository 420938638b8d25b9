"""What is asked of one of two equal columns is asked of the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlglot import exp

from optimizer.census import find_around
from optimizer.inner_joins import equalities, forms, is_plain
from optimizer.relations import conjuncts

_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
_ALIKE = frozenset(  # types whose equal values are alike in each comparison: not so floats, nor padded texts
    {
        *(exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT, exp.DType.DECIMAL, exp.DType.BOOLEAN, exp.DType.UUID),
        *(exp.DType.DATE, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ, exp.DType.TEXT, exp.DType.VARCHAR),
    }
)
_Pair = tuple[exp.Column, exp.Column]


def infer_from_equalities(tree: exp.Query) -> exp.Query:
    """Add ``b.y = 5`` to ``a.x = b.y AND a.x = 5``.

    Why good: the added condition goes into the other table, whose files and rows are then left out as well.
    When illegal: where the columns' types differ, or their equal values may be told apart. An equality of a LEFT JOIN
    holds for its right side alone, so what follows from it is asked in its ON. Of columns of a query outside nothing
    is asked within: the engine could not take such a subquery apart.
    Before it: names are qualified and have types.
    """
    for select in find_around(tree, exp.Select):
        if select.args.get("joins"):
            _infer_within(select)
    return tree


def _infer_within(select: exp.Select) -> None:
    joins: list[exp.Join] = select.args["joins"]
    if any(join.side in ("RIGHT", "FULL") or join.args.get("using") or join.method for join in joins):
        return
    where = select.args.get("where")
    clauses = [where.this if where is not None else None]
    clauses += [join.args.get("on") for join in joins if not join.side and join.kind in ("", "INNER", "CROSS")]
    conditions = [one for clause in clauses for one in conjuncts(clause)]
    sources = {node.alias_or_name for node in (select.args["from_"].this, *(join.this for join in joins))}
    pairs = [pair for pair in equalities(tuple(conditions)) if {one.table for one in pair} <= sources]
    added = _implied(conditions, pairs)
    if added:
        select.where(*added, copy=False)
    for join in joins:
        if join.side == "LEFT" and join.args.get("on") is not None:
            _infer_for_right_side(join, [*conditions, *added])


def _infer_for_right_side(join: exp.Join, known: list[exp.Expr]) -> None:
    """Add to the ON of a LEFT JOIN what follows for its right side from what is known of the left."""
    own = conjuncts(join.args["on"])
    pairs = [pair for pair in equalities(tuple(own)) if pair[1].table == join.this.alias_or_name != pair[0].table]
    added = [one for one in _implied(known, pairs) if one not in own]
    if added:
        join.set("on", exp.and_(*own, *added, copy=False))


def _implied(conditions: list[exp.Expr], pairs: list[_Pair]) -> list[exp.Expr]:
    """Return what conditions on one column say of those it equals, directly or by way of others."""
    alike = [pair for pair in pairs if pair[0] != pair[1] and _are_alike(*pair)]
    columns = {left for left, _ in alike}
    facts = [fact for one in conditions if (fact := _fact(one)) is not None] if columns else []
    waiting = [fact for fact in facts if fact[0] in columns]
    known = {form for one in conditions for form in forms(one)} if waiting else set()
    added: list[exp.Expr] = []
    while waiting:
        column, condition = waiting.pop()
        for other in _equal_to(column, alike):
            found = _of_other(condition, column, other)
            if found not in known:
                known |= forms(found)
                added.append(found)
                waiting.append((other, found))
    return added


def _equal_to(column: exp.Column, pairs: Iterable[_Pair]) -> Iterator[exp.Column]:
    return (right for left, right in pairs if left == column)


def _are_alike(left: exp.Column, right: exp.Column) -> bool:
    return left.type is not None and left.type == right.type and left.type.this in _ALIKE


def _fact(condition: exp.Expr) -> tuple[exp.Column, exp.Expr] | None:
    """Return the column that a condition compares with constants, and the condition."""
    columns = [*condition.find_all(exp.Column)]
    if len(columns) != 1 or not is_plain(condition):
        return None
    column = columns[0]
    compares = isinstance(condition, _COMPARISONS) and column.parent is condition
    lists = isinstance(condition, exp.Between | exp.In) and column is condition.this
    return (column, condition) if compares or lists else None


def _of_other(condition: exp.Expr, column: exp.Column, other: exp.Column) -> exp.Expr:
    changed = condition.copy()
    found = changed.find(exp.Column)
    assert found is not None and found == column
    found.replace(other.copy())
    return changed
