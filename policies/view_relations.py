"""The relation that stands in the place of a view, and the proof that what is in it is read with the right rights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from sqlglot import exp

from catalog.names import TableName
from catalog.principals import Principal
from catalog.tables import Column, Table
from optimizer.relations import POLICY, conjuncts
from optimizer.views import MARK
from policies.access import Rules
from policies.fences import FENCE, is_fenced
from policies.views import KIND, View

_MAY_HIDE = (
    "joins",
    "where",
    "group",
    "having",
    "qualify",
    "limit",
    "offset",
    "fetch",
    "distinct",
    "laterals",
    "with_",
)

_ALIAS = "definition"  # of the view's query; no other part of a statement speaks of it
_MASKED = "masked"  # in ``meta`` of a view's relation: the columns that are seen through masks
_FILTERED = "filtered"  # and whether row security is on for its reader
_CONDITIONS = "conditions"  # and how many conditions that makes, each of which has `POLICY` in its own
REFUSED_PARTS = ("pivots", "sample", "version", "when", "only", "partition", "changes", "rows_from", "hints")
CARRIED_PARTS = ("joins", "laterals")
"""What stands at a table in the tree: that no relation in its place can have, and that it takes over."""
_REORDERS = ("joins", "order", "group", "having", "distinct", "laterals")


class Readable(Protocol):
    """Who may read what, as far as views go."""

    def may_select(self, principal: Principal, name: TableName) -> bool:
        """Say whether the principal may read the table or view."""

    def get_view(self, name: TableName) -> View | None:
        """Return the view of that name, or None."""

    def rules(self, principal: Principal, table: Table) -> Rules:
        """Return what stands between the principal and the rows of a table or view."""


@dataclass(frozen=True, slots=True)
class ViewRules:
    """What stands between one principal and the rows of a view, over the view's columns: the expressions that stand for
    masked ones, and the conditions of its row policies. ``filtered``: its row security is on for the principal, also
    where that leaves no condition. ``names`` are the policies', ``tables`` those that the conditions look into.
    """

    masked: Mapping[str, exp.Expr] = field(default_factory=dict)
    filtered: bool = False
    conditions: tuple[exp.Expr, ...] = ()
    names: tuple[str, ...] = ()
    tables: Mapping[TableName, Table] = field(default_factory=dict)

    @property
    def is_fence_needed(self) -> bool:
        """Whether the principal does not see all of the view."""
        return bool(self.masked or self.conditions)


def view_relation(view: Table, part: Table, query: exp.Query, rules: ViewRules) -> exp.Select:
    """Return a view's relation: the columns of ``part`` from its governed query, each of the type PostgreSQL told, or
    masked, and of the rows those that its policies let through. `view_holds` looks for all of that again.
    """
    inner = {one.alias_or_name: one.type for one in query.selects}
    columns = []
    for column in part.columns:
        mask = rules.masked.get(column.name)
        made = _column(column, inner[column.name]) if mask is None else _masked(mask, column, view, inner)
        columns.append(exp.alias_(made, column.name, quoted=True))
    derived = exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier(_ALIAS, quoted=True)))
    select = exp.Select(expressions=columns, from_=exp.From(this=derived))
    conditions = [_over_query(one, view, inner) for one in rules.conditions]
    for condition in conditions:
        condition.meta[POLICY] = True
    if conditions:
        select.set("where", exp.Where(this=exp.and_(*conditions, copy=False)))
    select.meta[MARK], select.meta[_MASKED] = part.name, frozenset(rules.masked)
    select.meta[_FILTERED], select.meta[_CONDITIONS] = rules.filtered, len(conditions)
    return select


def view_holds(select: exp.Select, asks: Principal, access: Readable) -> bool:
    """Whether a view's relation shows each column that is masked through its mask, and the rows that its policies let
    through alone, from under the fence.
    """
    masked, filtered, promised = (select.meta.get(key) for key in (_MASKED, _FILTERED, _CONDITIONS))
    view = access.get_view(select.meta[MARK])
    reader = _reader([name for name, _ in _around(select)], asks, access)
    if masked is None or promised is None or view is None or reader is None:
        return False
    if bool(filtered) != (access.rules(reader, view.table).row_filter is not None):
        return False
    if (masked or promised) and not is_fenced(select):
        return False
    where = select.args.get("where")
    conditions = conjuncts(where.this if where is not None else None)
    if sum(bool(one.meta.get(POLICY)) for one in conditions) != promised:
        return False
    return not any(is_bare(column) for column in select.expressions if column.alias_or_name in masked)


def is_bare(column: exp.Expr) -> bool:
    """Whether a relation hands on a column of what it reads under its own name."""
    inner = column.unalias()
    return isinstance(inner, exp.Column) and inner.name == column.alias_or_name


def hides_no_rows(query: exp.Query, tables: Mapping[TableName, Table]) -> bool:
    """Whether a view shows a row for each that it reads: then no condition of who asks meets a hidden one."""
    if not isinstance(query, exp.Select) or any(query.args.get(part) for part in _MAY_HIDE):
        return False
    source = query.args.get("from_")
    if source is None or not isinstance(source.this, exp.Table) or any(source.this.args.get(one) for one in _MAY_HIDE):
        return False
    read = tables.get(TableName(source.this.db, source.this.name))
    if read is None or read.kind == KIND:  # a view in it may hide some
        return False
    return all(isinstance(one.unalias(), exp.Column) for one in query.selects)


def get_reader(base: exp.Table, asks: Principal, access: Readable) -> Principal | None:
    """Return with whose rights a base table is read, by the views that it was reached through; None where one of them
    may not be read, is not around the table, or has lost its fence.
    """
    views, fences = base.meta.get("views"), base.meta.get("fences")
    if views is None or fences is None:
        return None
    around = _around(base)
    if tuple(name for name, _ in around) != views or sum(fenced for _, fenced in around) != fences:
        return None
    return _reader(views, asks, access)


def _reader(views: Sequence[TableName], asks: Principal, access: Readable) -> Principal | None:
    """With whose rights what stands within some views is read, the outermost first."""
    reader = asks
    for name in views:
        view = access.get_view(name)
        if view is None or not access.may_select(reader, name):
            return None
        reader = view.reader(asks)
    return reader


def _around(inside: exp.Expr) -> list[tuple[TableName, bool]]:
    """The views around a table or a view's relation, the outermost first, each with whether it is fenced. What the
    policies of a view look up is not read with its rights: it stands in its WHERE.
    """
    found: list[tuple[TableName, bool]] = []
    child, node = inside, inside.parent
    while node is not None:
        if isinstance(node, exp.Select) and child.arg_key == "from_" and (name := node.meta.get(MARK)) is not None:
            found.insert(0, (name, is_fenced(node)))
        child, node = node, node.parent
    return found


def column_type(told: exp.DataType, inner: exp.DataType | None) -> exp.DataType:
    """Return the type of a view's column in the engine: what its query yields where that is of the kind that PostgreSQL
    told, with digits that it does not tell.
    """
    return inner if inner is not None and inner.this == told.this else told


def _masked(mask: exp.Expr, column: Column, view: Table, inner: Mapping[str, exp.DataType | None]) -> exp.Expr:
    """A mask over the view's query, of the type that the column has without it."""
    made = mask.copy()
    for node in [*made.find_all(exp.Column)]:
        read = view.column(node.name)
        assert read is not None
        node.replace(_column(read, inner[read.name]))
    if isinstance(made, exp.Cast):  # to the type that PostgreSQL told, which may lack digits
        kind = column_type(_data_type(column.sql_type), inner[column.name])
        made.set("to", kind.copy())
        made.type = kind.copy()
    return made


def _over_query(condition: exp.Expr, view: Table, inner: Mapping[str, exp.DataType | None]) -> exp.Expr:
    """A condition over a view's columns, over the view's query. Names in its subqueries stay."""
    root = exp.Paren(this=condition.copy())
    for node in [*root.find_all(exp.Column)]:
        read = view.column(node.name) if node.table == view.name.name and not _is_named_within(node) else None
        if read is not None:
            node.replace(_column(read, inner[read.name]))
    made: exp.Expr = root.this
    made.pop()
    return made


def _is_named_within(column: exp.Column) -> bool:
    """Whether a subquery around a column has something of its own by the name of the column's table."""
    node = column.parent_select
    while node is not None:
        read = [one for one in (node.args.get("from_"), *(node.args.get("joins") or [])) if one is not None]
        sources = [*(one.this for one in read), *(node.args.get("laterals") or [])]
        if any(one.alias_or_name == column.table for one in sources):
            return True
        node = node.parent_select
    return False


def _column(column: Column, inner: exp.DataType | None) -> exp.Expr:
    """A column of the view's query, cast where the engine's type of it would be another kind than PostgreSQL's."""
    told = _data_type(column.sql_type)
    node = exp.column(column.name, _ALIAS, quoted=True)
    if inner is None or inner.this == told.this or _is_untyped(inner) or column.sql_type == "name":
        node.type = column_type(told, inner).copy()
        return node
    node.type = inner.copy()
    made = exp.Cast(this=node, to=told.copy())
    made.type = told.copy()
    return made


def _is_untyped(one: exp.DataType) -> bool:
    return one.this in (exp.DataType.Type.UNKNOWN, exp.DataType.Type.NULL)


def keep_order(node: exp.Table, relation: exp.Query) -> None:
    """Keep the order of a view's rows where nothing but the view is read: the engine lets go of one inside of FROM."""
    source = relation.args.get("from_")
    query = source.this.this if source is not None and isinstance(source.this, exp.Subquery) else None
    if not isinstance(query, exp.Query) or query.args.get("order") is None or query.args.get("limit") is not None:
        return
    select = node.parent_select
    alone = isinstance(select, exp.Select) and isinstance(node.parent, exp.From)
    if alone and select is not None and not any(select.args.get(part) for part in _REORDERS):
        query.set("limit", exp.Limit(expression=exp.Literal.number(FENCE)))
    elif query.args.get("distinct") is None and query.args.get("offset") is None:  # else it says which rows there are
        query.set("order", None)


@lru_cache(maxsize=4096)
def _data_type(sql_type: str) -> exp.DataType:
    return exp.DataType.build(sql_type, dialect="postgres", udt=True)
