"""Govern: a query over tables becomes the same query over governed relations.

A governed relation is ``SELECT <columns, masked> FROM base WHERE <row filter> LIMIT <fence>``, built from the policies
and put in the place of the table; it stands for the table everywhere in the query. After this stage no other reference
to a base table exists. That, and that each relation still has all its policies, is checked again on the tree that is
executed (`check_governed`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import Protocol

import structlog
from sqlglot import exp

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from catalog.store.rows import RowPolicy, ViewRow
from catalog.tables import Column, Table, visible_part
from optimizer.census import find_around
from optimizer.copies import copied
from optimizer.relations import POLICY, READER, conjuncts
from optimizer.stages import Governed, Resolved
from optimizer.views import MARK
from policies.access import Rules, does_not_fit
from policies.fences import fence, is_fenced
from policies.identity import bind_identity
from policies.lineage import Lineage
from policies.masks import Mask
from policies.policy_reader import PolicyReader
from policies.view_relations import (
    CARRIED_PARTS,
    REFUSED_PARTS,
    ViewRules,
    get_reader,
    hides_no_rows,
    is_bare,
    keep_order,
    view_holds,
    view_relation,
)
from policies.views import KIND, View

_log = structlog.get_logger(__name__)

MAX_NODES_OF_VIEW = 20_000  # parts of a view's query, those of views in it included


class Readable(Protocol):
    """Who may read what, one immutable version of it."""

    @property
    def version(self) -> int:
        """Grows with every change."""

    def may_select(self, principal: Principal, name: TableName) -> bool:
        """Say whether the principal may read the table."""

    def columns(self, principal: Principal, name: TableName) -> frozenset[str] | None:
        """Return the columns that the principal may read; None for all."""

    def rules(self, principal: Principal, table: Table) -> Rules:
        """Return what stands between the principal and the table's rows."""

    def require_execute(self, principal: Principal, trees: Iterable[exp.Expr]) -> None:
        """Raise SqlError 42501 where a tree calls a function that the principal may not execute."""

    def shadows_of(self, principal: Principal, table: Table) -> tuple[str, ...]:
        """Return the shadow policies that would change what the principal reads of the table."""

    def get_view(self, name: TableName) -> View | None:
        """Return the view of that name, or None."""

    def view_masks(
        self, reader: Principal, asks: Principal, view: View, lineage: Callable[[ViewRow], Lineage]
    ) -> Mapping[str, Mask]:
        """Return the masks through which ``reader`` sees a view's columns when ``asks`` is the session's role."""


def govern(resolved: Resolved, principal: Principal, access: Readable, reader: PolicyReader) -> Governed:
    """Put governed relations in the place of tables. The resolved tree is used up: hand in a copy of one that is needed
    further.

    Raises SqlError: 42501 for a table that the principal may not read, 42P17 for policies that look into their own
    table, 55000 for one that does not fit its table any more.
    """
    governing = _Governing(_Reading(principal, principal), access, reader)
    tree, tables = resolved.tree, dict(resolved.tables)
    governing.replace_tables(tree, tables, ())
    tables = {name: table for name, table in tables.items() if table.kind != KIND}
    check_governed(tree, tables, principal, access)
    return Governed(tree, tables, governing.policies, governing.shadows)


def check_governed(tree: exp.Query, tables: Mapping[TableName, Table], principal: Principal, access: Readable) -> None:
    """Raise unless every base table stands alone in a governed relation with all that its policies ask for, and is read
    with the rights of who asks, or of the owners of the views between; and every view has its masks and its filter.

    Anything else is a fault of ours, and ends the statement.
    """
    for node in find_around(tree, exp.Table, exp.Select):
        if isinstance(node, exp.Select) and MARK in node.meta and not view_holds(node, principal, access):
            raise SqlError(SqlState.INTERNAL_ERROR, f"view {node.meta[MARK].name} was reached outside its policies")
        if not isinstance(node, exp.Table) or not node.db:
            continue
        table = tables.get(TableName(node.db, node.name))
        reader = get_reader(node, principal, access)
        told = reader is not None and node.meta.get(READER) == reader.name
        if table is None or reader is None or not told or not _is_governed(node, access.rules(reader, table)):
            raise SqlError(SqlState.INTERNAL_ERROR, f"table {node.name} was reached outside its policy")


def _is_governed(node: exp.Table, rules: Rules) -> bool:
    select = node.parent_select
    if select is None or not isinstance(select.parent, exp.Subquery) or select.args.get("joins"):
        return False
    if not isinstance(node.parent, exp.From):
        return False
    return rules.are_none or _keeps_rules(node, select)


def _keeps_rules(node: exp.Table, select: exp.Select) -> bool:
    promised, masked = node.meta.get("conditions"), node.meta.get("masked")
    if promised is None or masked is None:
        return False
    where = select.args.get("where")
    conditions = conjuncts(where.this if where is not None else None)
    if sum(bool(one.meta.get(POLICY)) for one in conditions) != promised:
        return False
    if any(is_bare(column) for column in select.expressions if column.alias_or_name in masked):
        return False
    opened = promised == 0 and not masked  # the policies leave the principal every row, as it is
    return opened or is_fenced(select)


@dataclass(frozen=True, slots=True)
class _Reading:
    """With whose rights something is read (``reader``), for whom, and by way of which views, the outermost first."""

    asks: Principal
    reader: Principal
    views: tuple[TableName, ...] = ()
    fences: int = 0  # how many of these views are fenced

    def note(self, base: exp.Table) -> None:
        """Note on a table what `check_governed` looks for."""
        base.meta["views"], base.meta["fences"] = self.views, self.fences
        base.meta[READER] = self.reader.name


class _Governing:
    """One statement's governing: the principal, the rules, and how their texts are read."""

    def __init__(self, reading: _Reading, access: Readable, reader: PolicyReader) -> None:
        self._reading = reading
        self._principal = reading.reader
        self._access = access
        self._reader = reader
        self.policies: dict[TableName, tuple[str, ...]] = {}
        self.shadows: dict[TableName, tuple[str, ...]] = {}

    def replace_tables(self, tree: exp.Expr, tables: dict[TableName, Table], within: tuple[TableName, ...]) -> None:
        """Replace the tables below a node; ``within`` are those whose policies are being read."""
        for node in find_around(tree, exp.Table):
            if not node.db:  # a WITH name or a function: it has no rows of its own
                continue
            name = TableName(node.db, node.name)
            table = tables.get(name)
            if table is None or not self._access.may_select(self._principal, name):
                kind = "table" if table is None or table.kind != KIND else KIND
                raise SqlError(SqlState.INSUFFICIENT_PRIVILEGE, f"permission denied for {kind} {name.name}")
            part = visible_part(table, self._access.columns(self._principal, name))
            relation = self._view(part, within) if table.kind == KIND else self._relation(table, part, within)
            if table.kind == KIND:
                keep_order(node, relation.tree)
                _check_size(relation.tree)
            tables.update(relation.tables)
            self.policies.update(relation.policies)
            self.shadows.update(relation.shadows)
            _replace(node, table, relation.tree)

    def _view(self, part: Table, within: tuple[TableName, ...]) -> Governed:
        """The relation that a view is, with the columns of ``part``."""
        view = self._access.get_view(part.name)
        if view is None:
            raise SqlError(SqlState.UNDEFINED_TABLE, f'relation "{part.name}" does not exist')
        if part.name in within:
            raise _recursion(part.name)
        told = self._access.shadows_of(self._principal, view.table)
        key = (part.name, self._reading, self._access.version, self._reader.version)
        kept = self._reader.kept.get(key)
        if kept is None or within:  # within policies it may lead back to their table
            kept = self._under_view(view, part, within)
            self._reader.kept.keep(key, kept)
        shadows = {**kept.shadows, view.name: told} if told else kept.shadows
        return replace(kept, tree=copied(kept.tree), shadows=shadows)

    def _under_view(self, view: View, part: Table, within: tuple[TableName, ...]) -> Governed:
        asks = self._reading.asks
        rights = view.reader(asks)
        reader = self._reader if rights == self._principal else self._reader.of_role(rights)
        resolved = reader.resolve_view(view.row, asks)
        tree, tables = copied(resolved.tree), dict(resolved.tables)
        seen = self._view_rules(view, part)
        others = rights.name != self._principal.name and not asks.superuser
        fenced = seen.is_fence_needed or (others and not hides_no_rows(tree, tables))
        reading = _Reading(asks, rights, (*self._reading.views, view.name), self._reading.fences + fenced)
        governing = _Governing(reading, self._access, reader)
        governing.replace_tables(tree, tables, within)
        own: dict[TableName, tuple[str, ...]] = {}
        if rights.name != asks.name and not asks.superuser:  # what the plan tells of is not his to know
            own[view.name] = (f"rights of {rights.name}",)
        if seen.is_fence_needed:
            own[view.name] = (*own.get(view.name, ()), *seen.names)
        select = view_relation(view.table, part, tree, seen)
        looked_up = self._look_up(select, dict(seen.tables), (*within, view.name))
        tables.update(looked_up.tables)
        if fenced:
            fence(select)
        policies = {**own, **governing.policies, **looked_up.policies}
        return Governed(select, tables, policies, {**governing.shadows, **looked_up.shadows})

    def _view_rules(self, view: View, part: Table) -> ViewRules:
        """What stands between who reads a view and its rows: masks and the row filter as expressions over its columns,
        with names and types. Policies may look at columns that are not in ``part``.
        """
        masks = self._access.view_masks(self._principal, self._reading.asks, view, self._reader.lineage)
        told = {name: mask for name, mask in masks.items() if part.column(name) is not None}
        rules = Rules(self._access.rules(self._principal, view.table).row_filter, told)
        if rules.are_none:
            return ViewRules()
        self._access.require_execute(self._reading.asks, self._conditions(rules))
        try:
            resolved = self._reader.resolve(self._written(part, rules))
        except SqlError as error:
            _log.error("policy cannot be applied", view=str(view.name), reason=error.message)
            raise does_not_fit(view.name) from error
        masked = {one.alias_or_name: one.unalias() for one in resolved.tree.selects if not is_bare(one)}
        where = resolved.tree.args.get("where")
        conditions = tuple(conjuncts(where.this if where is not None else None))
        return ViewRules(masked, rules.row_filter is not None, conditions, rules.names, resolved.tables)

    def _look_up(self, select: exp.Select, tables: dict[TableName, Table], within: tuple[TableName, ...]) -> Governed:
        """Govern what a view's row policies look up, which is read as the view is."""
        where = select.args.get("where")
        governing = _Governing(self._reading, self._access, self._reader)
        if where is not None:
            looked_up = exp.Select(where=where)
            governing.replace_tables(looked_up, tables, within)
            select.set("where", looked_up.args.get("where"))
        return Governed(select, tables, governing.policies, governing.shadows)

    def _relation(self, table: Table, part: Table, within: tuple[TableName, ...]) -> Governed:
        """The relation with the columns of ``part``; policies may look at all of the table's."""
        rules = self._access.rules(self._principal, table)
        told = self._access.shadows_of(self._principal, table)
        shadows = {table.name: told} if told else {}
        if rules.are_none:
            plain = _plain_relation(part)
            self._reading.note(plain.args["from_"].this)
            return Governed(plain, {}, shadows=shadows)
        if table.name in within:
            raise _recursion(table.name)
        key = (table.name, self._reading, self._access.version, self._reader.version)
        kept = self._reader.kept.get(key)
        if kept is None:
            kept = self._under_rules(part, rules, (*within, table.name))
            self._reader.kept.keep(key, kept)
        return replace(kept, tree=copied(kept.tree), shadows={**kept.shadows, **shadows})

    def _under_rules(self, table: Table, rules: Rules, within: tuple[TableName, ...]) -> Governed:
        self._access.require_execute(self._reading.asks, self._conditions(rules))
        try:
            written = self._written(table, rules)
            resolved = self._reader.resolve(written)
        except SqlError as error:
            _log.error("policy cannot be applied", table=str(table.name), reason=error.message)
            raise does_not_fit(table.name) from error
        select = resolved.tree
        assert isinstance(select, exp.Select)
        base = select.args["from_"].this
        base.set("alias", None)
        tables = dict(resolved.tables)
        inner = exp.Select(expressions=[*select.expressions], where=select.args.get("where"))
        governing = _Governing(self._reading, self._access, self._reader)
        governing.replace_tables(inner, tables, within)
        select.set("expressions", inner.expressions)
        select.set("where", inner.args.get("where"))
        _fence(select, base)
        self._reading.note(base)
        own = {table.name: rules.names} if is_fenced(select) else {}
        return Governed(select, tables, own | governing.policies, governing.shadows)

    def _written(self, table: Table, rules: Rules) -> exp.Select:
        """The relation as its policies say it, with names still to be resolved."""
        columns = [exp.alias_(self._column(table, rules, one.name), one.name, quoted=True) for one in table.columns]
        select = exp.Select(expressions=columns, from_=exp.From(this=_base(table, with_alias=True)))
        condition = self._condition(rules)
        return select.where(condition, copy=False) if condition is not None else select

    def _column(self, table: Table, rules: Rules, name: str) -> exp.Expr:
        mask = rules.masks.get(name)
        if mask is None:
            return exp.column(name, table.name.name, quoted=True)
        expression = bind_identity(self._reader.parse_mask(mask.policy), self._reading.asks)
        masked = mask.over_columns(expression).unnest()
        if masked == exp.column(name, quoted=True):  # the policy leaves this principal the value itself
            return exp.column(name, table.name.name, quoted=True)
        column = table.column(name)
        assert column is not None
        return exp.Cast(this=exp.paren(masked, copy=False), to=_data_type(column.sql_type).copy())

    def _condition(self, rules: Rules) -> exp.Expr | None:
        """The row filter, in which who asks is a constant; None where it leaves every row."""
        if rules.row_filter is None:
            return None
        permissive = [self._using(policy) for policy in rules.row_filter.permissive]
        opened = exp.or_(*permissive, copy=False) if permissive else exp.false()
        every = exp.and_(opened, *(self._using(policy) for policy in rules.row_filter.restrictive), copy=False)
        condition = bind_identity(every, self._reading.asks)
        return None if condition.unnest() == exp.true() else condition

    def _conditions(self, rules: Rules) -> Iterable[exp.Expr]:
        for policy in rules.row_filter.policies if rules.row_filter is not None else ():
            with suppress(SqlError):  # it is told as a policy that does not fit, and without its text
                yield self._using(policy)

    def _using(self, policy: RowPolicy) -> exp.Expr:
        assert policy.using is not None
        return exp.paren(self._reader.parse(policy.using), copy=False)


def _recursion(name: TableName) -> SqlError:
    message = f'infinite recursion detected in policy for relation "{name.name}"'
    return SqlError(SqlState.INVALID_OBJECT_DEFINITION, message)


def _check_size(tree: exp.Query) -> None:
    """Bound what views over views make of a short statement."""
    if sum(1 for _ in islice(tree.walk(), MAX_NODES_OF_VIEW + 1)) > MAX_NODES_OF_VIEW:
        raise SqlError(SqlState.STATEMENT_TOO_COMPLEX, "statement is too complex: its views have too many parts")


def _fence(select: exp.Select, base: exp.Table) -> None:
    """End a relation in the fence, and note on its nodes what `check_governed` looks for."""
    bare = {column.alias_or_name for column in select.expressions if is_bare(column)}
    where = select.args.get("where")
    conditions = conjuncts(where.this if where is not None else None)
    for condition in conditions:
        condition.meta[POLICY] = True
    masked = frozenset(column.alias_or_name for column in select.expressions if column.alias_or_name not in bare)
    base.meta["conditions"], base.meta["masked"] = len(conditions), masked
    if conditions:
        select.set("where", exp.Where(this=exp.and_(*conditions, copy=False)))
    if conditions or masked:
        fence(select)


def _replace(node: exp.Table, table: Table, relation: exp.Query) -> None:
    for part in REFUSED_PARTS:
        if node.args.get(part):
            raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, f"{part.upper()} on table {table.name} is not supported")
    derived = exp.Subquery(this=relation, alias=node.args["alias"])
    for part in CARRIED_PARTS:
        if node.args.get(part):
            derived.set(part, node.args[part])
    node.replace(derived)


def _plain_relation(table: Table) -> exp.Select:
    columns = [exp.Alias(this=_base_column(table, column), alias=_quoted(column.name)) for column in table.columns]
    return exp.Select(expressions=columns, from_=exp.From(this=_base(table)))


def _base(table: Table, *, with_alias: bool = False) -> exp.Table:
    name = exp.to_identifier(table.name.name, quoted=True)
    base = exp.Table(this=name, db=exp.to_identifier(table.name.schema, quoted=True))
    if with_alias:
        base.set("alias", exp.TableAlias(this=name.copy()))
    return base


def _base_column(table: Table, column: Column) -> exp.Column:
    """A column with its type, as resolve leaves those that were written."""
    node = exp.Column(this=_quoted(column.name), table=_quoted(table.name.name))
    node.type = _data_type(column.sql_type)
    return node


def _quoted(name: str) -> exp.Identifier:
    return exp.Identifier(this=name, quoted=True)


@lru_cache(maxsize=4096)
def _data_type(sql_type: str) -> exp.DataType:
    return exp.DataType.build(sql_type, dialect="postgres", udt=True)
