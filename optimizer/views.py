"""The relation of a view as the rules see it: ``SELECT <columns> FROM (<the view's query>) AS name [LIMIT fence]``."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from optimizer.census import find_around

MARK = "view"
"""In ``meta`` of the relation's SELECT: the view's name. What marks it is never a user's text."""

_NOT_PLAIN = (
    "group",
    "having",
    "qualify",
    "limit",
    "offset",
    "fetch",
    "distinct",
    "windows",
    "with_",
    "laterals",
    "order",
)
_WHOLE = (exp.AggFunc, exp.Window, exp.Explode, exp.Unnest, exp.Anonymous)


@dataclass(frozen=True, slots=True)
class ViewRelation:
    """A view's relation: its derived table, the SELECT in it, and the view's query."""

    derived: exp.Subquery
    select: exp.Select
    query: exp.Query

    @property
    def alias(self) -> str:
        """The name by which the query around it speaks of it."""
        return str(self.derived.alias)

    @property
    def is_fenced(self) -> bool:
        """Whether conditions must stay outside."""
        return self.select.args.get("limit") is not None

    @property
    def renames_columns(self) -> bool:
        """Whether the alias has a column list."""
        alias = self.derived.args.get("alias")
        return bool(alias is not None and alias.args.get("columns"))

    def plain_query(self) -> exp.Select | None:
        """Return the view's query where it shows rows one for one, so that a condition may as well stand in it."""
        query = self.query
        if not isinstance(query, exp.Select) or any(query.args.get(part) for part in _NOT_PLAIN):
            return None
        outputs = [one.unalias() for one in query.selects]
        return None if any(one.find(*_WHOLE) is not None for one in outputs) else query

    def outer(self, name: str) -> exp.Column | None:
        """Return the column of the view's query that a column of the relation is; None where a policy made it."""
        return _bare(self.select, name)


def view_relations(tree: exp.Expr) -> list[ViewRelation]:
    """Return the relations of views, the outer ones first."""
    found = map(get_view_relation, find_around(tree, exp.Subquery))
    return [one for one in found if one is not None]


def get_view_relation(node: object) -> ViewRelation | None:
    """Return the view's relation that a derived table is, or None."""
    if not isinstance(node, exp.Subquery) or not isinstance(node.this, exp.Select) or MARK not in node.this.meta:
        return None
    source = node.this.args["from_"].this
    return ViewRelation(node, node.this, source.this) if isinstance(source, exp.Subquery) else None


def _bare(query: exp.Query, name: str) -> exp.Column | None:
    found = next((one.unalias() for one in query.selects if one.alias_or_name == name), None)
    return found if isinstance(found, exp.Column) else None
