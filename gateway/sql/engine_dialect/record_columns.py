"""Rows in columns of derived tables and WITH queries, and their fields: ``SELECT (s.r).k FROM (SELECT t AS r …) s``.

The engine has no records. A column that is one becomes a column for each field, and one that tells whether there is a
record; where it is named the record is put together again. So records may be DISTINCT and in set operations, too: what
such a query puts out is put together above it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from gateway.sql.engine_dialect import correlation
from gateway.sql.engine_dialect.build import named
from gateway.sql.engine_dialect.row_json import replace_row
from optimizer.census import take_census

ROW = "row"  # in a tuple's meta: it is the whole row of a source, or a record of a column
MARK = "row:"  # a column that is NULL where there is no row; in a tuple's meta: its last part is such a column
FIELDS = "fields"  # in a tuple's meta: the names of its fields
_ROWS = "_records"
_Records = Mapping[str, tuple[tuple[str, ...], bool]]  # by column: names of the fields, and whether one may be absent


def take_apart(tree: exp.Query) -> exp.Query:
    """Take the records in columns of a qualified query apart, in place. Returns the query, which may have got another
    around it.
    """
    census = take_census(tree)
    if not census.has(exp.Tuple):
        return tree
    tree = _put_together_above(tree)
    known: dict[int, _Records] = {}
    for scope in traverse_scope(tree):
        select = scope.expression
        if not isinstance(select, exp.Select):
            continue
        for item in [*correlation.items(select)]:
            query = _query_of(item, scope)
            if query is not None:
                if id(query) not in known:
                    known[id(query)] = _with_fields(query)
                _name_records(select, item.alias_or_name, known[id(query)])
        _take_fields(select)
    return tree


def _query_of(item: exp.Expr, scope: Scope) -> exp.Query | None:
    """Return the query that an item of FROM is, or names; none that reads itself."""
    inner = item.this if isinstance(item, exp.Lateral) else item
    if isinstance(inner, exp.Subquery):
        query = inner.unnest()
        return query if isinstance(query, exp.Query) else None
    source = scope.sources.get(item.alias_or_name)
    if not isinstance(source, Scope) or not isinstance(source.expression, exp.Query):
        return None
    clause = source.expression.find_ancestor(exp.With)
    return None if clause is not None and clause.args.get("recursive") else source.expression


def fields_of(row: exp.Tuple) -> list[tuple[str, exp.Expr]]:
    """Return the fields of a record by their names."""
    values = row.expressions[:-1] if row.meta.get(MARK) else row.expressions
    names = row.meta.get(FIELDS) or [f"f{place}" for place in range(1, len(values) + 1)]
    return [*zip(names, values, strict=True)]


def _put_together_above(tree: exp.Query) -> exp.Query:
    """Return ``SELECT * FROM (query)`` of a query whose different rows have records in them."""
    differ = isinstance(tree, exp.SetOperation) or bool(tree.args.get("distinct"))
    if not differ or not any(isinstance(one.unalias(), exp.Tuple) for arm in _arms(tree) for one in arm.selects):
        return tree
    names = [one.alias_or_name for one in tree.selects]
    for arm in _arms(tree):
        for at, one in enumerate(arm.selects):
            one.set("alias", exp.to_identifier(f"c{at}", quoted=True))
    order = tree.args.get("order")
    for key in order.expressions if order is not None else ():
        if isinstance(key.this, exp.Column) and not key.this.table and key.this.name in names:
            key.set("this", exp.column(f"c{names.index(key.this.name)}", quoted=True))
    columns = [named(exp.column(f"c{at}", table=_ROWS, quoted=True), name) for at, name in enumerate(names)]
    outer = exp.Select(expressions=columns)
    clause = tree.args.get("with_")
    tree.set("with_", None)
    outer.set("with_", clause)
    held = exp.Subquery(this=tree, alias=exp.TableAlias(this=exp.to_identifier(_ROWS, quoted=True)))
    outer.set("from_", exp.From(this=held))
    return outer


def _arms(query: exp.Expr) -> Iterator[exp.Select]:
    """Yield the SELECTs of a query, which is one or a set operation of several."""
    body = query.unnest()
    if isinstance(body, exp.SetOperation):
        yield from _arms(body.left)
        yield from _arms(body.right)
    elif isinstance(body, exp.Select):
        yield body


def _with_fields(query: exp.Query) -> _Records:
    """Put the fields in the place of the records that a query puts out, in place. Returns which it did."""
    arms = [*_arms(query)]
    found: dict[str, tuple[tuple[str, ...], bool]] = {}
    names = [one.alias_or_name for one in query.selects]
    if any(len(arm.selects) != len(names) for arm in arms):
        return found
    for place in range(len(names) - 1, -1, -1):
        values = [arm.selects[place].unalias() for arm in arms]
        rows = [one for one in values if isinstance(one, exp.Tuple)]
        if len(rows) < len(values):
            continue
        if len({len(fields_of(row)) for row in rows}) > 1 or any(_has_rows(row) for row in rows):
            continue
        fields = tuple(name for name, _ in fields_of(rows[0]))
        found[names[place]] = fields, any(row.meta.get(MARK) for row in rows)
        for arm, row in zip(arms, rows, strict=True):
            outputs = [*arm.expressions]
            outputs[place : place + 1] = [*_columns(names[place], row)]
            _sort_by_fields(arm, arm.selects[place].alias_or_name, names[place], len(fields))
            arm.set("expressions", outputs)
    return found


def _has_rows(row: exp.Tuple) -> bool:
    return any(isinstance(one, exp.Tuple) for one in row.expressions)


def _columns(name: str, row: exp.Tuple) -> Iterator[exp.Alias]:
    fields = fields_of(row)
    for at, (_, value) in enumerate(fields, 1):
        yield named(value.copy(), f"{name}:{at}")
    is_there = row.expressions[-1].copy() if row.meta.get(MARK) else exp.true()
    yield named(is_there, f"{name}:{MARK}")


def _sort_by_fields(select: exp.Select, alias: str, name: str, count: int) -> None:
    """Sort by the fields of a record that ORDER BY names, in place."""
    order = select.args.get("order")
    if order is None:
        return
    keys: list[exp.Expr] = []
    for key in order.expressions:
        is_record = isinstance(key.this, exp.Column) and not key.this.table and key.this.name == alias
        for at in range(1, count + 1) if is_record else ():
            one = key.copy()
            one.set("this", exp.column(f"{name}:{at}", quoted=True))
            keys.append(one)
        keys += [] if is_record else [key]
    order.set("expressions", keys)


def _name_records(select: exp.Select, source: str, records: _Records) -> None:
    """Put records together where a query names them, in place."""
    for column in [*select.find_all(exp.Column)] if records else ():
        if column.table != source or column.name not in records or not correlation.is_of_from(column, source, select):
            continue
        names, may_be_absent = records[column.name]
        made = f"{column.name}:"
        fields = [exp.column(f"{made}{at}", table=source, quoted=True) for at in range(1, len(names) + 1)]
        mark = None
        if may_be_absent or may_be_missing(select, source):
            mark = exp.column(f"{made}{MARK}", table=source, quoted=True)
        if replace_row(column, [*zip(names, fields, strict=True)], mark):
            continue
        row = exp.Tuple(expressions=[*fields, *([mark] if mark is not None else [])])
        row.meta.update({ROW: source, FIELDS: names, **({MARK: True} if mark is not None else {})})
        column.replace(row)


def may_be_missing(select: exp.Select, source: str) -> bool:
    """Whether an outer join may find no row of a source."""
    before: list[str] = [select.args["from_"].this.alias_or_name]
    for join in select.args.get("joins") or ():
        if source == join.alias_or_name and join.side in ("LEFT", "FULL"):
            return True
        if source in before and join.side in ("RIGHT", "FULL"):
            return True
        before.append(join.alias_or_name)
    return False


def _take_fields(select: exp.Select) -> None:
    """``(row).field``, and ``(row).*`` in a select list, in place."""
    outputs: list[exp.Expr] = []
    for one in select.expressions:
        rows = _rows_of(one) if isinstance(one, exp.Dot) and isinstance(one.expression, exp.Star) else None
        outputs += [one] if rows is None else [named(value, name) for name, value in rows]
    select.set("expressions", outputs)
    for node in reversed([*select.find_all(exp.Dot)]):
        rows = _rows_of(node) if isinstance(node.expression, exp.Identifier) else None
        found = dict(rows or ()).get(node.name if rows is None else node.expression.name)
        if found is not None:
            node.replace(found)


def _rows_of(node: exp.Dot) -> list[tuple[str, exp.Expr]] | None:
    """Return the fields of what stands before the dot, by name; None for what is no record that is known."""
    row = node.this.unnest()
    if isinstance(row, exp.Tuple):
        return [(name, value.copy()) for name, value in fields_of(row)]
    query = row.this if isinstance(row, exp.Subquery) else row
    if not isinstance(query, exp.Select) or query.args.get("distinct") or len(query.selects) != 1:
        return None
    inner = query.selects[0].unalias()
    if not isinstance(inner, exp.Tuple):
        return None
    found: list[tuple[str, exp.Expr]] = []
    for name, value in fields_of(inner):
        one = query.copy()
        one.set("expressions", [named(value.copy(), name)])
        found.append((name, exp.Subquery(this=one)))
    return found
