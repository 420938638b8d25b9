"""Of the conditions on a governed table those come first that leave the fewest rows."""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from optimizer.cardinality import Cardinality, Sources, Statistics
from optimizer.leakproof import is_leakproof
from optimizer.relations import Relation, conjuncts, relations

_OF_TEXTS: Final = 4.0  # what making or searching a text costs, of the comparison of a column
_TEXTS: Final = (exp.Upper, exp.Lower, exp.Trim, exp.Left, exp.Right, exp.Case, exp.Like, exp.ILike)


def order_conditions(tree: exp.Query, statistics: Statistics) -> exp.Query:
    """Order the conditions in fenced relations by how many rows they leave for what they cost.

    Why good: a policy's conditions come before those that are pushed to them, so each row of the table is asked about
    the policy; the engine asks the second condition of the rows alone that the first has left, where they are few.
    When illegal: a condition that may fail must not come behind one of the user's, who could tell by its error which
    hidden rows meet his. So all of them must be leakproof.
    Before it: conditions are where they are asked.
    """
    cardinality = Cardinality(statistics)
    for relation in relations(tree):
        conditions = _in_order(relation, cardinality)
        if conditions is not None:
            relation.select.set("where", exp.Where(this=exp.and_(*conditions, copy=False)))
    return tree


def _in_order(relation: Relation, cardinality: Cardinality) -> list[exp.Expr] | None:
    """Return a relation's conditions in the order in which they are to be asked; None where they stay."""
    where = relation.select.args.get("where") if relation.is_fenced else None
    conditions = conjuncts(where.this) if where is not None else []
    table = cardinality.of_table(relation.name) if len(conditions) > 1 else None
    if table is None or not all(map(is_leakproof, conditions)):
        return None
    sources = Sources({relation.base.alias_or_name: table})

    def rank(condition: exp.Expr) -> float:
        cost = _OF_TEXTS if condition.find(*_TEXTS) is not None else 1.0
        return (cardinality.selectivity([condition], sources) - 1) / cost

    return sorted(conditions, key=rank)
