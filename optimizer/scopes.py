"""Which source of a query a column's qualifier means: inner aliases hide outer ones."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from optimizer.census import find_around


def is_in_parentheses(node: object) -> bool:
    """Whether a source is ``(a JOIN b …)``: sqlglot has a derived table without an alias around the first of them."""
    return isinstance(node, exp.Subquery) and not node.alias and isinstance(node.this, exp.Subquery | exp.Table)


def exposed_names(source: exp.Expr) -> Iterator[str]:
    """Yield the names by which the query around a source may speak of it: joins in parentheses have several."""
    if not is_in_parentheses(source):
        yield source.alias_or_name
        return
    yield from exposed_names(source.this)
    for join in source.this.args.get("joins") or ():
        yield from exposed_names(join.this)


def source_names(select: exp.Select) -> set[str]:
    """Return the names by which a SELECT knows what it reads."""
    source = select.args.get("from_")
    joined = [source, *(select.args.get("joins") or ())] if source is not None else []
    return {name for node in joined for name in exposed_names(node.this)}


def source_select(column: exp.Column, within: exp.Expr) -> exp.Select | None:
    """Return the SELECT whose source a column names, or None where it is none within that node.

    A derived table does not see those beside it, and LATERAL ones are held to be like the others.
    """
    node: exp.Expr = column
    beside = in_condition = False
    while node is not within and node.parent is not None:
        parent = node.parent
        if node.arg_key == "this" and (isinstance(parent, exp.From | exp.Join) or is_in_parentheses(parent)):
            # A condition of joins in parentheses hangs from the first of their sources, and is not within that.
            beside = beside or not (in_condition or is_in_parentheses(node))
        beside = beside or isinstance(parent, exp.CTE)
        in_condition = node.arg_key == "joins" and not isinstance(parent, exp.Select)
        node = parent
        if isinstance(node, exp.Select):
            if not beside and column.table in source_names(node):
                return node
            beside = False
    return None


def queries(tree: exp.Expr) -> list[exp.Query]:
    """Return the SELECTs and set operations of a tree, outer ones first: in this order their places are counted."""
    return find_around(tree, exp.Select, exp.SetOperation)


def is_closed(query: exp.Expr) -> bool:
    """Whether a query reads tables, and names of its own WITH, and speaks of no columns but theirs."""
    own = {one.alias for one in query.find_all(exp.CTE)}
    if any(not one.db and one.name not in own for one in query.find_all(exp.Table)):
        return False
    return all(is_own(one, query) for one in query.find_all(exp.Column))


def is_own(column: exp.Column, query: exp.Expr) -> bool:
    """Whether a column is one of a source within a query, or of the result in ORDER BY."""
    if column.table:
        return source_select(column, query) is not None
    within = column.parent_select
    in_order = column.find_ancestor(exp.Ordered, exp.Select)
    return isinstance(in_order, exp.Ordered) and within is not None and column.name in within.named_selects


def get_cte(table: exp.Table) -> exp.CTE | None:
    """Return the query of WITH that a table's name means; None for a table, and where WITH is RECURSIVE."""
    if table.db or not isinstance(table.this, exp.Identifier):
        return None
    inner: exp.Expr = table
    while inner.parent is not None:
        above = inner.parent
        clause = above if isinstance(above, exp.With) else above.args.get("with_")
        if isinstance(clause, exp.With) and clause is not inner:
            known = clause.expressions[: inner.index] if clause is above else clause.expressions
            found = next((one for one in known if one.alias == table.name), None)
            if found is not None:
                return None if clause.args.get("recursive") else found
        inner = above
    return None
