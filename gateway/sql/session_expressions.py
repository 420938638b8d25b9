"""Expressions over a relation of the session that only PostgreSQL can evaluate: they are computed where it is read.

``pg_get_expr``, ``format_type``, ``'crm.nation'::regclass`` and their kin mean something in the client's session alone.
Where all columns of such an expression are those of one relation of the session, the expression becomes a column of
it. Others are refused as functions that the engine has not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from catalog.names import TableName
from gateway.sql.engine_dialect.allowed import CLASSES, NAMES
from gateway.sql.session_relations import SessionColumn, SessionRelation, with_columns

_NAMED = "lakegate_"  # of computed columns: names of the query were resolved before
_OBJECTS = ("reg", "oid", "xid", "cid", "tid", '"char"', "pg_", "aclitem", "int2vector")
_BOUNDARIES = (
    *(
        exp.Query,
        exp.From,
        exp.Where,
        exp.Having,
        exp.Group,
        exp.Order,
        exp.Ordered,
        exp.Join,
        exp.Alias,
        exp.Connector,
    ),
    *(exp.AggFunc, exp.Window, exp.Lateral, exp.Table, exp.Qualify, exp.Limit, exp.Offset, exp.Distinct, exp.Filter),
)
_FOREIGN = (exp.Query, exp.AggFunc, exp.Window, exp.Parameter, exp.Placeholder, exp.Star, exp.Subquery)


@dataclass(frozen=True, slots=True)
class SessionExpression:
    """An expression over the columns of a relation, as SQL."""

    relation: SessionRelation
    sql: str


def session_expressions(
    tree: exp.Query, session: Mapping[TableName, SessionRelation]
) -> list[tuple[exp.Expr, str, SessionExpression]]:
    """Return the expressions of a resolved query that the session is to compute, each with the name that its relation
    has there.
    """
    found: list[tuple[exp.Expr, str, SessionExpression]] = []
    seen: set[int] = set()
    for node in [*tree.walk()]:
        if not _is_foreign(node):
            continue
        top = _widest(node, session)
        if top is None or id(top) in seen:
            continue
        seen.add(id(top))
        (alias, relation), *_ = {(column.table, _owner(column, session)) for column in top.find_all(exp.Column)}
        assert relation is not None
        found.append((top, alias, SessionExpression(relation, _sql(top))))
    return [one for one in found if not _is_within(one[0], seen)]


def compute(
    found: list[tuple[exp.Expr, str, SessionExpression]],
    types: Mapping[SessionExpression, SessionColumn],
    session: Mapping[TableName, SessionRelation],
) -> dict[TableName, SessionRelation]:
    """Put columns in the place of expressions, in place, and return the relations with these columns. ``types`` has a
    column of the expression's type for each.
    """
    made: dict[SessionExpression, SessionColumn] = {}
    for node, alias, expression in found:
        column = made.get(expression)
        if column is None:
            like = types[expression]
            name = f"{_NAMED}{len(made) + 1}"
            column = made[expression] = SessionColumn(name, expression.sql, like.shape, is_computed=True)
        node.replace(exp.column(column.name, alias, quoted=True))
    return {
        name: with_columns(one, tuple(column for key, column in made.items() if key.relation == one))
        for name, one in session.items()
    }


def _is_foreign(node: exp.Expr) -> bool:
    """Whether only PostgreSQL has the function, or the type that is cast to."""
    if isinstance(node, exp.Anonymous):
        return node.name.lower() not in NAMES
    if isinstance(node, exp.Cast):
        return node.to.sql("postgres").lower().startswith(_OBJECTS)
    return isinstance(node, exp.Func) and type(node) not in CLASSES and not isinstance(node, _FOREIGN)


def _widest(node: exp.Expr, session: Mapping[TableName, SessionRelation]) -> exp.Expr | None:
    """Return the widest expression around a node that is of one relation of the session; None if there is none."""
    widest = node if _is_of_one(node, session) else None
    outer = node.parent
    while isinstance(outer, exp.Expr) and not isinstance(outer, _BOUNDARIES):
        if _is_of_one(outer, session) and _is_value(outer):
            widest = outer
        outer = outer.parent
    return widest


def _is_value(node: exp.Expr) -> bool:
    return isinstance(node, exp.Condition | exp.Func | exp.Paren | exp.Cast)


def _is_of_one(node: exp.Expr, session: Mapping[TableName, SessionRelation]) -> bool:
    if any(isinstance(one, _FOREIGN) for one in node.walk()):
        return False
    owners = {(column.table, _owner(column, session)) for column in node.find_all(exp.Column)}
    return len(owners) == 1 and all(owner is not None for _, owner in owners)


def _owner(column: exp.Column, session: Mapping[TableName, SessionRelation]) -> SessionRelation | None:
    """Return the relation of the session that a column is of, None for others."""
    select = column.parent_select
    while select is not None:
        for source in _sources(select):
            if source.alias_or_name == column.table:
                return session.get(TableName(source.db, source.name)) if isinstance(source, exp.Table) else None
        select = select.parent_select
    return None


def _sources(select: exp.Expr) -> Iterator[exp.Expr]:
    source = select.args.get("from_")
    if source is not None:
        yield source.this
        yield from (join.this for join in source.this.args.get("joins") or ())
    yield from (join.this for join in select.args.get("joins") or ())
    yield from select.args.get("laterals") or ()


def _sql(node: exp.Expr) -> str:
    bare = node.copy()
    for column in [bare] if isinstance(bare, exp.Column) else [*bare.find_all(exp.Column)]:
        column.set("table", None)
    return bare.sql("postgres", comments=False)


def _is_within(node: exp.Expr, others: set[int]) -> bool:
    outer = node.parent
    while outer is not None:
        if id(outer) in others:
            return True
        outer = outer.parent
    return False
