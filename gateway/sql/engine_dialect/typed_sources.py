"""What sqlglot finds no types of stands as derived tables while types are set: LATERAL queries, functions in FROM."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlglot import exp

from optimizer.census import Census

_FUNCTIONS = (exp.ExplodingGenerateSeries, exp.GenerateSeries, exp.Explode)
_RENAMED = "_renamed"


@contextmanager
def as_derived_tables(census: Census) -> Iterator[None]:
    """Have derived tables in place of LATERAL queries and of functions in FROM for the length of a block."""
    changed: list[tuple[exp.Expr, exp.Subquery]] = []
    for source in census.find_all(exp.Lateral, exp.Table):
        query = _query(source)
        if query is not None:
            alias = exp.TableAlias(this=exp.to_identifier(source.alias, quoted=True))
            stand_in = exp.Subquery(this=_renamed(query, source.alias_column_names), alias=alias)
            source.replace(stand_in)
            changed.append((source, stand_in))
    try:
        yield
    finally:
        for one, derived in reversed(changed):
            _give_back(one, derived)


def _query(source: exp.Expr) -> exp.Query | None:
    """Return the query whose rows are a source's; the node of the source is in it."""
    inner = source.this
    if isinstance(inner, exp.Subquery) and isinstance(inner.this, exp.Query):
        return inner.this
    if isinstance(inner, _FUNCTIONS):
        value, *others = source.alias_column_names or [source.alias]
        ordinals = [exp.alias_(exp.cast(exp.Null(), "bigint"), name, quoted=True) for name in others]
        return exp.Select(expressions=[exp.alias_(inner, value, quoted=True, copy=False), *ordinals])
    return None


def _renamed(query: exp.Query, names: list[str]) -> exp.Query:
    """Return a query with its columns under the names that an alias gives them."""
    own = [one.alias_or_name for one in query.selects]
    if own[: len(names)] == names:
        return query
    columns = [
        exp.alias_(exp.column(inner, table=_RENAMED, quoted=True), name, quoted=True)
        for inner, name in zip(own, [*names, *own[len(names) :]], strict=False)
    ]
    held = exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier(_RENAMED)))
    return exp.Select(expressions=columns, from_=exp.From(this=held))


def _give_back(source: exp.Expr, stand_in: exp.Subquery) -> None:
    stand_in.replace(source)
    query = stand_in.this
    origin = query.args.get("from_")
    if origin is not None and origin.this.alias == _RENAMED:
        query = origin.this.this
    if isinstance(source.this, exp.Subquery):
        source.this.set("this", query)
    else:
        source.set("this", query.selects[0].this)
