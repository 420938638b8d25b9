"""Temporary views that read the lake: each is replaced by its query before names are resolved and anything is governed.

PostgreSQL makes them in the client's session of the mirror, over tables without rows, and tells their queries with all
names in full: no search path, and no table made since, changes what they mean. What stands in the statement then is
governed as if the client had written it. So it is read with the rights of who asks now, and of nobody else: a role that
was taken off gives nothing to the next one by the views that it has left behind.
"""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from catalog.errors import SqlError
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from gateway.sql.resolve import MAX_NODES, MAX_VIEWS, Names, References, checked_census, references, view_query
from gateway.sql.same_names import tell_apart
from gateway.sql.session_relations import LakeView, SessionRelation
from policies.view_relations import CARRIED_PARTS, REFUSED_PARTS, keep_order

_PLACES = ("start", "end", "line", "col")  # in the meta of nodes: of another text than the client's


def with_views(tree: exp.Query, found: References, names: Names, asks: Principal) -> References:
    """Put the queries of temporary views over the lake in their places in the tree, and return what it names then.
    Raises SqlError 42501 for a view that is another's.
    """
    if all(relation.view is None for _, relation in found.session):
        return found
    tell_apart((*found.lake, *((node, relation.table) for node, relation in found.session)))
    replaced = _Replacing(names, asks).references(found, 1)
    checked_census(tree)
    return replaced


class _Replacing:
    """Of one statement."""

    def __init__(self, names: Names, asks: Principal) -> None:
        self._names = replace(names, search_path=())
        self._asks = asks
        self._room = MAX_NODES

    def references(self, found: References, depth: int) -> References:
        """Replace the views among references; return what is named then."""
        if depth > MAX_VIEWS:
            raise SqlError(SqlState.STATEMENT_TOO_COMPLEX, f"views are nested in more than {MAX_VIEWS} levels")
        kept = tuple(pair for pair in found.session if pair[1].view is None)
        made = References(found.lake, found.system, kept)
        for node, relation in found.session:
            if relation.view is not None:
                within = self._replace(node, relation, relation.view, depth)
                made = References(
                    (*made.lake, *within.lake), (*made.system, *within.system), (*made.session, *within.session)
                )
        return made

    def _replace(self, node: exp.Table, relation: SessionRelation, view: LakeView, depth: int) -> References:
        name = relation.table.name.name
        if not (self._asks.superuser or view.owner in self._asks.roles):
            raise SqlError(SqlState.INSUFFICIENT_PRIVILEGE, f"permission denied for view {name}")
        query = view_query(view.definition)
        if query is None:
            raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, f"the query of view {name} is not supported on lake tables")
        try:
            found = references(query, self._names)
        except SqlError as error:
            error.position = None  # it is one in the view's text
            raise
        self._count(query)
        _put(node, name, query)
        return self.references(found, depth + 1)

    def _count(self, query: exp.Query) -> None:
        for node in query.walk():
            self._room -= 1
            for key in _PLACES:
                node.meta.pop(key, None)
        if self._room < 0:
            raise SqlError(SqlState.STATEMENT_TOO_COMPLEX, "statement is too complex: its views have too many parts")


def _put(node: exp.Table, name: str, query: exp.Query) -> None:
    """Put a view's query in the place of its name."""
    for part in REFUSED_PARTS:
        if part != "only" and node.args.get(part):
            message = f"{part.upper()} on view {name} is not supported"
            raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, message)
    alias = node.args.get("alias") or exp.TableAlias()
    if alias.this is None:
        alias.set("this", exp.to_identifier(name, quoted=True))
        _name_plainly(node, name)
    derived = exp.Subquery(this=query, alias=alias)
    keep_order(node, exp.Select(from_=exp.From(this=derived)))
    for part in CARRIED_PARTS:
        if node.args.get(part):
            derived.set(part, node.args[part])
    node.replace(derived)


def _name_plainly(node: exp.Table, name: str) -> None:
    """Take the schema out of columns that name it: ``pg_temp.view.column``."""
    select = node.parent_select
    for column in select.find_all(exp.Column) if node.db and select is not None else ():
        if column.table == name and column.db == node.db:
            column.set("db", None)
