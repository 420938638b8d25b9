"""Columns of derived tables and queries of WITH that nothing asks for are not computed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from optimizer.asked_columns import AskedColumns, asked_columns
from optimizer.census import find_around, holds, with_subclasses
from optimizer.relations import get_relation
from optimizer.views import MARK

_MOST_ROUNDS = 32  # queries in one another
_AGGREGATES = with_subclasses((exp.AggFunc,))
_OF_SETS = with_subclasses((exp.UDTF, exp.Explode, exp.ExplodingGenerateSeries, exp.GenerateSeries, exp.Anonymous))
_NAMING = ("order", "group", "having", "distinct")


def prune_derived_columns(tree: exp.Query) -> exp.Query:
    """Drop the outputs of queries in FROM and WITH, and of the arms of a UNION ALL there, that no expression names.

    Why good: tools write ``WITH c AS (SELECT * FROM customer)``. A server sends the columns that are asked for, and
    what nobody reads is not computed. PostgreSQL does the same, so what would fail there does not either.
    When illegal: of DISTINCT, and of set operations that compare rows; of what makes rows, which are sets and the only
    aggregate of a query without groups; where whole rows or columns by their places are named.
    Before it: conditions have gone into the queries; names are qualified. After it: `prune_columns`.
    """
    for _ in range(_MOST_ROUNDS):
        asked = asked_columns(tree)
        found = [] if asked.by_name else [*_queries(tree, asked)]
        if not sum(_prune(query, names) for query, names in found):  # what is pruned asks for less
            break
    return tree


def _queries(tree: exp.Query, asked: AskedColumns) -> Iterator[tuple[exp.Query, set[str]]]:
    """Yield queries in FROM and WITH, each with the names that are asked of it."""
    found = find_around(tree, exp.Subquery, exp.With, exp.Table, exp.CTE)
    for node in [one for one in found if isinstance(one, exp.Subquery)]:
        if not isinstance(node.parent, exp.From | exp.Join) or not node.alias or get_relation(node) is not None:
            continue
        if isinstance(node.this, exp.Query) and MARK not in node.this.meta and _is_by_columns(node, asked):
            yield node.this, asked.columns.get(node.alias, set())
    yield from _of_with(found, asked)


def _of_with(found: Sequence[exp.Expr], asked: AskedColumns) -> Iterator[tuple[exp.Query, set[str]]]:
    clauses = [one for one in found if isinstance(one, exp.With)]
    if not clauses or any(one.args.get("recursive") for one in clauses):
        return
    read: dict[str, list[exp.Table]] = {}
    for table in found:
        if isinstance(table, exp.Table) and not table.db:
            read.setdefault(table.name, []).append(table)
    queries = [one for one in found if isinstance(one, exp.CTE)]
    named = Counter(one.alias for one in queries)
    for cte in queries:
        places = read.get(cte.alias, [])
        plain = named[cte.alias] == 1 and not cte.args["alias"].args.get("columns")
        if plain and places and all(_is_by_columns(one, asked) for one in places) and isinstance(cte.this, exp.Query):
            yield cte.this, set().union(*(asked.columns.get(one.alias_or_name, set()) for one in places))


def _is_by_columns(node: exp.Expr, asked: AskedColumns) -> bool:
    """Whether a source's columns are asked for by their own names alone."""
    alias = node.args.get("alias")
    renamed = isinstance(alias, exp.TableAlias) and alias.args.get("columns")
    return not renamed and node.alias_or_name not in asked.whole


@dataclass(frozen=True, slots=True)
class _Arm:
    """A SELECT of which some outputs may go."""

    select: exp.Select

    def must_stay(self) -> set[int]:
        """Return the places of outputs that are needed whoever asks for them."""
        named = {
            column.name
            for part in _NAMING
            if (clause := self.select.args.get(part)) is not None
            for column in clause.find_all(exp.Column)
            if not column.table
        }
        outputs = self.select.expressions
        return {at for at, one in enumerate(outputs) if one.alias_or_name in named or holds(one, _OF_SETS)}

    def may_lose(self, kept: Sequence[int]) -> bool:
        """Whether the SELECT has the same rows with these outputs alone."""
        select = self.select
        if select.args.get("distinct") is not None or _has_places(select, "order") or _has_places(select, "group"):
            return False
        if select.args.get("group") is not None:
            return True
        computed = [holds(one, _AGGREGATES) for one in select.expressions]
        return not any(computed) or any(computed[at] for at in kept)


def _has_places(select: exp.Select, part: str) -> bool:
    """Whether a clause names outputs by their places."""
    clause = select.args.get(part)
    return clause is not None and any(
        isinstance(one.this if isinstance(one, exp.Ordered) else one, exp.Literal) for one in clause.expressions
    )


def _prune(query: exp.Query, names: set[str]) -> bool:
    """Drop the outputs of other names; return whether there were any."""
    outputs = query.named_selects
    if set(outputs) <= names:
        return False
    arms = _arms(query)
    if not arms or any(len(one.select.expressions) != len(outputs) for one in arms):
        return False
    asked = {at for at, name in enumerate(outputs) if name in names}
    kept = sorted(asked.union(*(one.must_stay() for one in arms))) or [_cheapest(arms)]
    if len(kept) == len(outputs) or not all(one.may_lose(kept) for one in arms):
        return False
    for one in arms:
        one.select.set("expressions", [one.select.expressions[at] for at in kept])
    return True


def _cheapest(arms: Sequence[_Arm]) -> int:
    """Return the place of an output to keep where only the rows count."""
    outputs = arms[0].select.expressions
    return next((at for at, one in enumerate(outputs) if isinstance(one.unalias(), exp.Column)), 0)


def _arms(query: exp.Expr) -> list[_Arm]:
    """Return the SELECTs of a query or UNION ALL; none where it is anything else."""
    inner = query
    while isinstance(inner, exp.Subquery) and not any(value for name, value in inner.args.items() if name != "this"):
        inner = inner.this
    if isinstance(inner, exp.Select):
        return [] if MARK in inner.meta else [_Arm(inner)]
    if not isinstance(inner, exp.Union) or inner.args.get("distinct") or inner.args.get("by_name"):
        return []
    if inner.args.get("order") is not None:
        return []
    left, right = _arms(inner.left), _arms(inner.right)
    return [*left, *right] if left and right else []
