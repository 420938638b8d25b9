"""By which columns the rows of a part were expected, as far as statistics of columns tell of its conditions."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlglot import exp

from catalog.names import TableName
from optimizer.join_block import JoinBlock
from optimizer.join_conditions import Conditions
from optimizer.relations import Relation, conjuncts, get_relation

_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.In, exp.Between)


def compared_columns(query: exp.Query) -> Mapping[TableName, Collection[str]]:
    """Return the columns that a governed relation's conditions compare; none where one of these is no comparison of a
    column, so that nothing is learnt from counting its values.
    """
    relation = get_relation(query.parent) if query.parent is not None else None
    if relation is None or relation.select is not query:
        return {}
    where = relation.select.args.get("where")
    columns: list[str] = []
    for condition in conjuncts(where.this if where is not None else None):
        sides = (condition.this, condition.args.get("expression")) if isinstance(condition, _COMPARISONS) else ()
        column = next((one for one in sides if isinstance(one, exp.Column)), None)
        if column is None or len([*condition.find_all(exp.Column)]) > 1:
            return {}
        columns.append(column.name)
    return {relation.name: columns} if columns else {}


def joined_columns(block: JoinBlock, members: int, conditions: Conditions) -> Mapping[TableName, Collection[str]]:
    """Return the columns by which two tables are joined, those of the mask ``members``; none of other joins, and where
    a table has conditions of its own, which may be what was misjudged.
    """
    numbers = [number for number in range(len(block.sources)) if members >> number & 1]
    relations = {number: get_relation(block.sources[number].node) for number in numbers}
    if len(numbers) != 2 or any(one is None or not _is_plain(one) for one in relations.values()):
        return {}
    found: dict[TableName, list[str]] = {}
    for group in conditions.equal:
        for column in group:
            relation = relations.get(block.numbers[column.table])
            if relation is not None:
                found.setdefault(relation.name, []).append(column.name)
    return found


def _is_plain(relation: Relation) -> bool:
    return relation.select.args.get("where") is None and not relation.renames_columns
