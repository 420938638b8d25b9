"""Late materialization: which relations are worth filtering before their other columns are decoded.

A column of a file is decoded by pages of some thousand values. Where conditions leave so few rows that most pages hold
none of them, only the pages that do are decoded of the columns that no condition names. Elsewhere that costs more
than it saves: what the conditions read is decoded apart from the rest, and scattered rows are picked one by one.
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from optimizer.cardinality import Cardinality, Sources, Statistics
from optimizer.relations import Relation, conjuncts, relations

_PAGE_ROWS: Final = 20_000  # of a page at the most, as parquet-rs and parquet-java write them
_PAGES_HIT: Final = 1 / 4  # of all pages at the most; measured: half of them is no gain any more


def late_relations(tree: exp.Query, statistics: Statistics) -> frozenset[int]:
    """Return the governed relations to be filtered first, by their place among `relations` of the query."""
    cardinality = Cardinality(statistics)
    return frozenset(place for place, relation in enumerate(relations(tree)) if _is_late(relation, cardinality))


def _is_late(relation: Relation, cardinality: Cardinality) -> bool:
    where = relation.select.args.get("where")
    if where is None or not _reads_more(relation.select, where):
        return False
    table = cardinality.of_table(relation.name)
    if table is None:
        return False
    kept = cardinality.selectivity(conjuncts(where.this), Sources({relation.base.alias_or_name: table}))
    return kept * table.rows <= max(1.0, table.rows / _PAGE_ROWS * _PAGES_HIT)


def _reads_more(select: exp.Select, where: exp.Where) -> bool:
    """Whether a column is read that is in no condition."""
    compared = {column.name for column in where.find_all(exp.Column)}
    return any(column.name not in compared for one in select.expressions for column in one.find_all(exp.Column))
