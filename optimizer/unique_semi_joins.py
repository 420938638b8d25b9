"""Semi-joins that may be ordered like inner joins: ``x IN (SELECT k … GROUP BY k)`` finds each x at most once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sqlglot import exp

from optimizer.join_block import JoinBlock, Source
from optimizer.relations import Relation, conjuncts, get_relation
from optimizer.scopes import source_select


def semi_joins_as_sources(block: JoinBlock) -> JoinBlock:
    """Return the block with such semi-joins among its sources; changes the relations in which they stood, in place.

    NULL is found by neither form. Relations with a fence keep their conditions.
    """
    sources, conditions = [*block.sources], [*block.conditions]
    names = _unused_names(block.select)
    for source in block.sources:
        relation = get_relation(source.node)
        if relation is None or relation.is_fenced or relation.renames_columns:
            continue
        where = relation.select.args.get("where")
        found = conjuncts(where.this if where is not None else None)
        taken = [one for one in found if _is_unique(one)]
        for one in taken:
            assert isinstance(one, exp.In)
            joined, condition = _source(one, _output(relation, one.this.unnest()), next(names))
            sources.append(joined)
            conditions.append(condition)
        if taken:
            rest = [one for one in found if not any(one is other for other in taken)]
            relation.select.set("where", exp.Where(this=exp.and_(*rest, copy=False)) if rest else None)
    if len(sources) == len(block.sources):
        return block
    return replace(block, sources=tuple(sources), conditions=tuple(conditions))


def _is_unique(condition: exp.Expr) -> bool:
    """Whether a condition is ``column IN (query)`` whose query speaks of nothing outside and has no value twice."""
    if not isinstance(condition, exp.In) or condition.args.get("negate") or condition.args.get("query") is None:
        return False
    query = condition.args["query"].this
    if not isinstance(condition.this.unnest(), exp.Column) or not isinstance(query, exp.Select):
        return False
    if len(query.expressions) != 1 or any(query.args.get(key) for key in ("limit", "offset", "with_")):
        return False
    if any(source_select(column, condition) is None for column in query.find_all(exp.Column)):
        return False
    inner, outer = query.expressions[0].unalias().type, condition.this.unnest().type
    if not isinstance(inner, exp.DataType) or not isinstance(outer, exp.DataType):
        return False
    distinct, group = query.args.get("distinct"), query.args.get("group")
    if distinct is not None:
        return not distinct.args.get("on")
    if group is None or any(value for key, value in group.args.items() if key != "expressions"):
        return False
    return [one.unnest() for one in group.expressions] == [query.expressions[0].unalias()]


def _output(relation: Relation, inner: exp.Expr) -> exp.Column:
    """Return a relation's column as the query around it names it; one that was pruned is handed on again."""
    name = next((one.alias_or_name for one in relation.select.expressions if one.unalias() == inner), None)
    if name is None:
        name = inner.name
        relation.select.append("expressions", exp.alias_(inner.copy(), name, quoted=True))
    return _typed(exp.column(name, relation.alias, quoted=True), inner)


def _source(condition: exp.In, column: exp.Column, name: str) -> tuple[Source, exp.Expr]:
    query = condition.args["query"].this
    node = exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier(name, quoted=True)))
    key = _typed(exp.column(query.expressions[0].alias_or_name, name, quoted=True), query.expressions[0].unalias())
    equality = exp.EQ(this=column, expression=key)
    equality.type = exp.DataType(this=exp.DType.BOOLEAN)
    return Source(node, frozenset({name})), equality


def _typed(column: exp.Column, like: exp.Expr) -> exp.Column:
    assert isinstance(like.type, exp.DataType)
    column.type = like.type.copy()
    return column


def _unused_names(select: exp.Select) -> Iterator[str]:
    known = {node.alias_or_name for node in select.root().find_all(exp.Table, exp.Subquery, exp.CTE)}
    number = 0
    while True:
        number += 1
        if f"members_{number}" not in known:
            yield f"members_{number}"
