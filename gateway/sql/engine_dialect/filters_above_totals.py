"""``SELECT sum(n) FILTER (WHERE n > 1) FROM (SELECT count(*) AS n FROM t) AS s``: aggregates with FILTER over the one
row of others, each without groups.

The engine (DataFusion 55) knows that count without reading `t`, looks for it below any aggregate without groups, passes
those with FILTER by, and fails as what it finds is not what was asked for. It does not look through a join.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect.queries import has_row_for_no_rows
from optimizer.census import Census

_FENCE = "_lone_row"


def keep_apart(tree: exp.Query, census: Census) -> bool:
    """Join one row beside such others, in place. Returns whether there were any."""
    named = {cte.alias: cte.this for cte in census.find_all(exp.CTE)}
    holders = {id(one): one for node in census.find_all(exp.Filter) if (one := node.find_ancestor(exp.Select))}
    found = [one for one in holders.values() if one.args.get("group") is None and _reads_a_total(one, named)]
    for select in found:
        row = exp.select(exp.alias_(exp.true(), "one", quoted=True))
        alias = exp.TableAlias(this=exp.to_identifier(_FENCE, quoted=True))
        select.append("joins", exp.Join(this=exp.Subquery(this=row, alias=alias), kind="CROSS"))
    return bool(found)


def _reads_a_total(select: exp.Select, named: dict[str, exp.Expr]) -> bool:
    """Whether all that a query reads is one derived table, in the end of an aggregate without groups."""
    seen: set[int] = set()
    while id(select) not in seen:
        seen.add(id(select))
        from_ = select.args.get("from_")
        if from_ is None or select.args.get("joins"):
            return False
        source = from_.this
        inner = named.get(source.name) if isinstance(source, exp.Table) and not source.db else source.this
        inner = inner.unnest() if isinstance(inner, exp.Expr) else None
        if not isinstance(inner, exp.Select):
            return False
        if inner.args.get("group") is None and has_row_for_no_rows(inner):
            return True
        select = inner
    return False
