"""The texts of policies and views as trees with names: PostgreSQL's deparsed text, read as a query's would be."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from catalog.store.rows import ViewRow
from catalog.tables import Table
from gateway.sql.engine_dialect.build import POLICY
from gateway.sql.expression_text import parse_expression
from gateway.sql.hidden_columns import HiddenColumns
from gateway.sql.mask_expressions import mask_expression
from gateway.sql.resolve import Names, NotResolved, references, resolve, view_query
from gateway.sql.session_relations import NO_NAMES
from optimizer.stages import Resolved
from policies.access import Access, Narrowed
from policies.identity import bind_identity
from policies.lineage import Lineage, lineage
from policies.policy_reader import KeptRelations, PolicyReader

_NO_ACCESS = Access()
_HIDDEN = frozenset({SqlState.UNDEFINED_COLUMN, SqlState.INSUFFICIENT_PRIVILEGE})


def policy_reader(names: Names, kept: KeptRelations, access: Access | Narrowed = _NO_ACCESS) -> PolicyReader:
    """Return how policies and views are read for a statement: with the names that its principal may see, and no search
    path.
    """
    qualified = replace(names, search_path=(), temporary=NO_NAMES)

    def resolve_relation(select: exp.Select) -> Resolved:
        base = select.args["from_"].this
        own = TableName(base.db, base.name)  # a policy may look at all columns of its own table
        seen = replace(qualified, columns=lambda name: None if name == own else names.columns(name))
        found = references(select, seen)
        if found.system:
            raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, f'a policy cannot read "{found.system[0].name}"')
        resolved = resolve(select, found, seen)
        for node in resolved.tree.walk():
            node.meta[POLICY] = True
        return resolved

    def resolve_view(view: ViewRow, asks: Principal) -> Resolved:
        return _resolved_view(view, asks, qualified, access)

    def of_role(principal: Principal) -> PolicyReader:
        seen = replace(
            names,
            visible=lambda name: access.may_select(principal, name),
            columns=lambda name: access.columns(principal, name),
        )
        return policy_reader(seen, kept, access)

    version = names.catalog.version
    return PolicyReader(
        parse=parse_expression,
        parse_mask=mask_expression,
        resolve=resolve_relation,
        resolve_view=resolve_view,
        of_role=of_role,
        lineage=lambda view: view_lineage(view, names),
        version=version,
        kept=kept,
    )


def view_lineage(view: ViewRow, names: Names) -> Lineage:
    """Return what the columns of a view are made of, found once for a version of the views and of the catalogue. Raises
    SqlError for a view that does not fit its tables.
    """
    key = ("lineage", view, names.catalog.version)
    known = names.view_types.get(key)
    if known is None:
        tree = view_query(view.definition)
        if tree is None:
            raise _not_supported(view)
        name = TableName(view.schema, view.name)
        everybody = Names(names.catalog, names.system_relations, (), lambda _: True, names.database)
        seen = replace(everybody, views=names.views, view_types=names.view_types, within=(name,))
        resolved = resolve(tree, references(tree, seen), seen)
        known = names.view_types[key] = lineage(resolved.tree, resolved.tables)
    assert isinstance(known, Lineage)
    return known


def _not_supported(view: ViewRow) -> NotResolved:
    return NotResolved(SqlState.FEATURE_NOT_SUPPORTED, f'the query of view "{view.name}" is not supported')


def _resolved_view(view: ViewRow, asks: Principal, names: Names, access: Access | Narrowed) -> Resolved:
    """Resolve a view's query. Raises SqlError 42501 for columns that may not be read with the rights it is read by, and
    `NotResolved` for a form of query that the engine has not. Tables that may not be read are the governing's affair.
    """
    tree = view_query(view.definition)
    if tree is None:
        raise _not_supported(view)
    access.require_execute(asks, (tree,))
    bound = bind_identity(tree, asks)
    assert isinstance(bound, exp.Query)
    seen = replace(names, visible=lambda name: True)
    lake: tuple[tuple[exp.Table, Table], ...] = ()
    try:
        found = references(bound, seen)
        lake = found.lake
        if found.system:
            raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, f'a view cannot read "{found.system[0].name}"')
        resolved = resolve(bound, found, seen)
    except SqlError as error:
        error.position = None  # it is one in the view's text
        hidden = [table.name for _, table in lake if names.columns(table.name) is not None]
        if hidden and (isinstance(error, HiddenColumns) or error.sqlstate in _HIDDEN):
            hidden.sort(key=lambda name: bool(names.columns(name)))  # those of which nothing may be read first
            message = f"permission denied for table {hidden[0].name}"
            raise SqlError(SqlState.INSUFFICIENT_PRIVILEGE, message) from None
        raise
    if list(resolved.tree.named_selects) != [name for name, _ in view.columns]:
        raise _not_supported(view)
    return resolved
