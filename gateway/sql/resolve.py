"""Resolve: every name of a query gets its one meaning, against one version of the catalogue.

Names follow PostgreSQL: unquoted identifiers fold to lower case, a name without schema is looked up in ``pg_catalog``,
then along ``search_path``; a name in WITH hides tables inside its scope. What a role may not read is as if absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import lru_cache
from types import MappingProxyType

from sqlglot import exp
from sqlglot.dialects.dialect import DialectType
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import Scope, traverse_scope
from sqlglot.schema import MappingSchema

from catalog.errors import SqlError
from catalog.mask_library import SCHEMA
from catalog.names import TableName
from catalog.own_views import OWN_VIEWS
from catalog.sqlstate import SqlState
from catalog.tables import Catalog, Table, visible_part
from gateway.sql.engine_dialect import after_qualify, before_qualify
from gateway.sql.engine_dialect.inference import annotate
from gateway.sql.engine_dialect.postgres_calls import ResultTypes
from gateway.sql.engine_dialect.qualify_names import qualify_names
from gateway.sql.enumerations import order_enumerations
from gateway.sql.hidden_columns import (
    HiddenColumns,
    keep_visible_names,
    refuse_whole_rows,
    system_column,
    unknown_column,
)
from gateway.sql.same_names import tell_apart
from gateway.sql.session_relations import NO_NAMES, TEMPORARY_SCHEMA, SessionRelation, TemporaryNames
from gateway.sql.statements import parse_query
from optimizer.census import Census, measure
from optimizer.copies import copied
from optimizer.stages import Resolved
from policies.view_relations import column_type
from policies.views import KIND as VIEW

SYSTEM_SCHEMAS = frozenset({"pg_catalog", "information_schema", "pg_toast"})
MAX_DEPTH = 400  # levels of a tree: beyond it the engine's own recursion is at risk
MAX_NODES = 100_000
MAX_VIEWS = 32  # one in another


_NOT_READ = (
    "this form of query is not supported on lake tables",
    "Give each table an alias and qualify the columns by it.",
)


class NotResolved(SqlError):
    """The names are known, but the query cannot be resolved. Often it is wrong, and then PostgreSQL's parser, in the
    mirror, says better what is; so this is told only after the mirror was asked.
    """


def _all_columns(_: TableName) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Names:
    """What names mean for one session: the catalogue, the system's relations, the search path, and which tables and
    columns the principal may know of.
    """

    catalog: Catalog
    system_relations: frozenset[str]
    search_path: tuple[str, ...]
    visible: Callable[[TableName], bool]
    database: str = "lake"
    columns: Callable[[TableName], frozenset[str] | None] = _all_columns  # that it may know of; None: each
    views: Mapping[TableName, Table] = field(default_factory=lambda: MappingProxyType({}))
    view_types: dict[object, object] = field(default_factory=dict, compare=False)  # those found before, of any session
    within: tuple[TableName, ...] = ()  # the views that are being resolved
    temporary: TemporaryNames = NO_NAMES  # the session's own; policies and views never see them
    types: ResultTypes | None = None  # of expressions that the engine's dialect does not know

    def get_table(self, name: TableName) -> Table | None:
        """Return the view or table of that name, whoever may know of it, or None."""
        return self.views.get(name) or self.catalog.get_table(name)


@dataclass(frozen=True, slots=True)
class References:
    """The tables that a query names: of the lake, of PostgreSQL's own catalogues, and temporary ones of the session."""

    lake: tuple[tuple[exp.Table, Table], ...]
    system: tuple[exp.Table, ...]
    session: tuple[tuple[exp.Table, SessionRelation], ...] = ()


def references(tree: exp.Query, names: Names) -> References:
    """Find each table reference of a query that is not a WITH name; raise 42P01 for a name that means nothing here."""
    census = checked_census(tree)
    _check_statement(census)
    _fold(census.find_all(exp.Identifier))
    lake: list[tuple[exp.Table, Table]] = []
    system: list[exp.Table] = []
    session: list[tuple[exp.Table, SessionRelation]] = []
    for node in _table_nodes(tree, census):
        found = lookup(node, names)
        if found is None:
            system.append(node)
        elif isinstance(found, SessionRelation):
            session.append((node, found))
        else:
            lake.append((node, found))
    return References(tuple(lake), tuple(system), tuple(session))


def resolve(tree: exp.Query, found: References, names: Names, parameters: Sequence[str] = ()) -> Resolved:
    """Qualify a query's names and set its types. ``tree`` is changed: hand in a copy of your own. ``parameters`` are
    the types of ``$1 …`` where they are known, as SQL writes them.
    """
    of_session = tuple((node, relation.table) for node, relation in found.session)
    tables = {table.name: table for _, table in (*found.lake, *of_session)}
    own = {table.name for _, table in of_session}
    visible = {
        name: table if name in own else visible_part(table, names.columns(name)) for name, table in tables.items()
    }
    hidden = frozenset(name for name, table in tables.items() if len(visible[name].columns) < len(table.columns))
    tell_apart((*found.lake, *of_session))
    for node, table in (*found.lake, *of_session):
        _name_fully(node, table.name)
        if table.name in hidden:
            keep_visible_names(node, table, visible[table.name])
    refuse_whole_rows(tree, hidden)
    schema = schema_of(visible.values(), names)
    try:
        completed = before_qualify.prepare(copied(tree) if hidden else tree, schema)
        qualified, census = qualify_names(completed, schema)
        refuse_whole_rows(qualified, hidden)
        keys = {(one.name.schema, one.name.name): one.primary_key for one in visible.values() if one.primary_key}
        qualified = after_qualify.complete(qualified, census, schema, keys)
        order_enumerations(qualified, visible.values())
        typed = annotate(qualified, schema, [_data_type(one) for one in parameters], names.types)
    except (SqlglotError, RecursionError) as error:
        if hidden and (unknown := unknown_column(tree, str(error))) is not None:
            raise unknown from None  # the mirror knows columns that the principal may not know of
        failure = HiddenColumns if hidden else NotResolved
        message, hint = system_column(str(error)) or _NOT_READ
        detail = _first_line(str(error)) if message == _NOT_READ[0] else None
        raise failure(SqlState.FEATURE_NOT_SUPPORTED, message, detail=detail, hint=hint) from error
    return Resolved(typed, tables, names.search_path)


def with_computed(
    resolved: Resolved, session: Iterable[Table], names: Names, parameters: Sequence[str] = ()
) -> Resolved:
    """Return a query whose relations of the session have got computed columns, which it names, with its types anew."""
    tables = {**resolved.tables, **{table.name: table for table in session}}
    typed = annotate(resolved.tree, schema_of(tables.values(), names), [_data_type(one) for one in parameters])
    return Resolved(typed, tables, resolved.search_path)


def view_query(definition: str) -> exp.Query | None:
    """Return the syntax tree of a view's definition, or None where sqlglot cannot read it as a query."""
    return parse_query(definition) or parse_query(f'SELECT * FROM ({definition}) AS "*VALUES*"')


def fold_identifiers(tree: exp.Expr) -> None:
    """Fold unquoted identifiers to lower case, as PostgreSQL does, in place."""
    _fold(tree.find_all(exp.Identifier))


def _fold(identifiers: Iterable[exp.Identifier]) -> None:
    for identifier in identifiers:
        if not identifier.args.get("quoted") and (folded := str(identifier.this).lower()) != identifier.this:
            identifier.set("this", folded)


def _check_statement(census: Census) -> None:
    if census.has(exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Command, exp.Into):
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, "writing is not supported yet")
    if census.has(exp.Lock):
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, "row locks (FOR UPDATE, FOR SHARE) are not supported")


def checked_census(tree: exp.Query) -> Census:
    """Bound the tree before anything recursive sees it; the walk itself does not recurse. Raises SqlError 54001."""
    nodes, depth = measure(tree, MAX_DEPTH)
    if depth > MAX_DEPTH or len(nodes) > MAX_NODES:
        raise SqlError(
            SqlState.STATEMENT_TOO_COMPLEX,
            "statement is too complex",
            detail=f"The limits are {MAX_DEPTH} levels of nesting or chaining and {MAX_NODES} parts.",
            hint="Use IN (…) or = ANY (array) for long lists of values.",
        )
    return Census(nodes, frozenset(map(type, nodes)))


def _table_nodes(tree: exp.Query, census: Census) -> Iterable[exp.Table]:
    """Yield the table references that no WITH name hides, once each."""
    seen: set[int] = set()
    known: set[int] = set()
    try:
        scopes = traverse_scope(tree)
    except (SqlglotError, RecursionError) as error:
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, "this form of query is not supported") from error
    for scope in scopes:
        for table in scope.tables:
            seen.add(id(table))
            if _is_table(scope, table) and id(table) not in known and not _is_function(table):
                known.add(id(table))
                yield table
    for table in census.find_all(exp.Table):
        if id(table) not in seen and not _is_function(table):  # a place the scopes do not reach: treat it as a table
            yield table


def _is_table(scope: Scope, table: exp.Table) -> bool:
    """A name with a schema is never a WITH name; else the scope knows which WITH names it sees."""
    return bool(table.db) or not isinstance(scope.cte_sources.get(table.name), Scope)


def _is_function(table: exp.Table) -> bool:
    return not isinstance(table.this, exp.Identifier)


def lookup(node: exp.Table, names: Names) -> Table | SessionRelation | None:
    """Return the lake table or the temporary relation that a reference means, None for a system relation; raise where
    it means nothing.
    """
    catalog_name, schema, name = node.catalog, node.db, node.name
    if catalog_name and catalog_name != names.database:
        raise SqlError(
            SqlState.FEATURE_NOT_SUPPORTED,
            f'cross-database references are not implemented: "{catalog_name}.{schema}.{name}"',
            position=_position(node),
        )
    if names.temporary and (schema or TEMPORARY_SCHEMA not in names.search_path):
        temporary = names.temporary.get(schema, name)
        if temporary is not None:  # without being named in the path its schema stands before all others
            return temporary
    if schema in SYSTEM_SCHEMAS or schema.startswith("pg_temp") or (not schema and name in names.system_relations):
        return None
    if schema == SCHEMA and name in OWN_VIEWS:
        return None
    for candidate in (schema,) if schema else names.search_path:
        if candidate in SYSTEM_SCHEMAS:
            continue
        if candidate == TEMPORARY_SCHEMA and (temporary := names.temporary.get("", name)) is not None:
            return temporary
        table = names.get_table(TableName(candidate, name))
        if table is not None and names.visible(table.name):
            return table
    raise _unknown_table(node, names)


def _unknown_table(node: exp.Table, names: Names) -> SqlError:
    schema, name = node.db, node.name
    written = f"{schema}.{name}" if schema else name
    for candidate in (schema,) if schema else names.search_path:
        if not names.visible(TableName(candidate, name)):
            continue  # not even that there is such a table, or source
        if reason := names.catalog.broken.get(TableName(candidate, name)):
            return SqlError(SqlState.FDW_ERROR, f'table "{written}" cannot be read: {reason}', position=_position(node))
        if candidate in names.catalog.failures:
            return SqlError(
                SqlState.SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION,
                f'source "{candidate}" cannot be read: {names.catalog.failures[candidate]}',
                position=_position(node),
            )
    return SqlError(
        SqlState.UNDEFINED_TABLE,
        f'relation "{written}" does not exist',
        hint=_did_you_mean(written, names),
        position=_position(node),
    )


def _did_you_mean(written: str, names: Names) -> str | None:
    """Suggest among the tables that the principal may read, and no others."""
    visible = {str(name): name for name in (*names.catalog.tables, *names.views) if names.visible(name)}
    if "." not in written:
        same = [full for full, name in visible.items() if name.name == written]
        by_name = {name.name: full for full, name in visible.items()}
        near = same or [by_name[match] for match in get_close_matches(written, by_name, n=1, cutoff=0.7)]
    else:
        near = get_close_matches(written, visible, n=1, cutoff=0.7)
    return f'Perhaps you meant "{near[0]}".' if near else None


def _position(node: exp.Table) -> int | None:
    first = node.args.get("catalog") or node.args.get("db") or node.this
    start = first.meta.get("start")
    return start + 1 if isinstance(start, int) else None


def _name_fully(node: exp.Table, name: TableName) -> None:
    if not node.alias:
        node.set("alias", exp.TableAlias(this=exp.to_identifier(node.name, quoted=True)))
    node.set("catalog", None)
    node.set("db", exp.to_identifier(name.schema, quoted=True))
    node.set("this", exp.to_identifier(name.name, quoted=True))


def schema_of(tables: Iterable[Table], names: Names) -> MappingSchema:
    """Return the types of tables' columns, as `annotate` reads them."""
    mapping: dict[str, dict[str, dict[str, exp.DataType]]] = {}
    for table in tables:
        columns = {column.name: _data_type(column.sql_type) for column in table.columns}
        if table.kind == VIEW:
            found = _view_types(table.name, names)
            columns = {name: column_type(told, found.get(name)) for name, told in columns.items()}
        mapping.setdefault(table.name.schema, {})[table.name.name] = columns
    return _LakeSchema(mapping)


class _LakeSchema(MappingSchema):
    """The types of columns by schema, table and name, which are looked up for each column of a query: without what
    sqlglot does for names that are not folded yet.
    """

    def __init__(self, types: Mapping[str, Mapping[str, Mapping[str, exp.DataType]]]) -> None:
        super().__init__({**types}, dialect="postgres", normalize=False)
        self._types = types

    def get_column_type(
        self,
        table: exp.Table | str,
        column: exp.Column | str,
        dialect: DialectType = None,
        normalize: bool | None = None,
    ) -> exp.DataType:
        if isinstance(table, exp.Table) and isinstance(column, exp.Column) and not table.catalog:
            found = self._types.get(table.db, {}).get(table.name, {}).get(column.name)
            if found is not None:
                return found
        return super().get_column_type(table, column, dialect, normalize)


def _view_types(name: TableName, names: Names) -> Mapping[str, exp.DataType | None]:
    """Return the types of a view's columns as the engine gives them; nothing where its query is not supported."""
    if len(names.within) == MAX_VIEWS:
        raise SqlError(SqlState.STATEMENT_TOO_COMPLEX, f"views are nested in more than {MAX_VIEWS} levels")
    key = (name, names.catalog.version)
    known = names.view_types.get(key)
    if known is None:
        known = {}
        tree = view_query(names.views[name].remote[0])
        if tree is not None:
            seen = replace(names, visible=lambda _: True, columns=_all_columns, within=(*names.within, name))
            seen = replace(seen, temporary=NO_NAMES)
            with suppress(NotResolved):  # it is told when the view itself is
                tree = resolve(tree, references(tree, replace(seen, search_path=())), seen).tree
                known = {one.alias_or_name: one.type for one in tree.selects}
        names.view_types[key] = known
    return known  # type: ignore[return-value]


@lru_cache(maxsize=4096)
def _data_type(sql_type: str) -> exp.DataType:
    return exp.DataType.build(sql_type, dialect="postgres", udt=True)


def _first_line(text: str) -> str:
    return text.splitlines()[0][:200] if text else ""
