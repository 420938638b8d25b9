"""What has another value each time it is computed, and WITH queries that have it: PostgreSQL computes such a query
once, the engine for each time that it is named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlglot import exp

from gateway.sql.engine_dialect.build import refuse
from optimizer.census import Census

CLASSES: tuple[type[exp.Expr], ...] = (exp.Rand, exp.Randn, exp.TableSample, exp.Uuid)
NAMES = frozenset(("clock_timestamp", "gen_random_uuid", "random", "random_normal", "timeofday", "uuidv4", "uuidv7"))


MARK = "volatile"  # in the meta of a WITH query that is to be computed once


def mark(census: Census) -> None:
    """Mark each WITH query that is volatile, or reads one that is, and is named more than once. What the names of a
    statement mean is not looked up: of two queries of one name either may be meant.
    """
    if not census.has(exp.CTE) or not _has_one(census.find_all(*CLASSES, exp.Anonymous)):
        return
    ctes = census.find_all(exp.CTE)
    volatile = {cte.alias for cte in ctes if _has_one(cte.find_all(*CLASSES, exp.Anonymous))}
    named = [node for node in census.find_all(exp.Table) if not node.db]
    while found := {cte.alias for cte in ctes if cte.alias not in volatile and _names_one(cte, volatile)}:
        volatile |= found
    for cte in ctes:
        if cte.alias in volatile and sum(1 for node in named if node.name == cte.alias and not _is_in(node, cte)) > 1:
            cte.meta[MARK] = True


def check(census: Census, computed: Collection[str]) -> None:
    """Raise 0A000 for a marked query whose name is not among those that are computed once."""
    for cte in census.find_all(exp.CTE):
        if cte.meta.get(MARK) and cte.alias not in computed:
            raise refuse(
                f'a WITH query with random values, "{cte.alias}", that is named more than once',
                "Keep its rows in a temporary table: CREATE TEMPORARY TABLE … AS.",
            )


def is_volatile(query: exp.Expr) -> bool:
    """Whether a query has what is computed anew each time."""
    return _has_one(query.find_all(*CLASSES, exp.Anonymous))


def _is_volatile(node: exp.Expr) -> bool:
    return not isinstance(node, exp.Anonymous) or node.name.lower() in NAMES


def _has_one(nodes: Iterable[exp.Expr]) -> bool:
    return any(map(_is_volatile, nodes))


def _names_one(cte: exp.CTE, names: set[str]) -> bool:
    return any(not node.db and node.name in names for node in cte.find_all(exp.Table))


def _is_in(node: exp.Expr, cte: exp.CTE) -> bool:
    """Whether a node stands within a query, as a recursive one's own name does."""
    above = node.parent
    while above is not None and above is not cte:
        above = above.parent
    return above is cte
