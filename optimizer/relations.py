"""The shape of a governed relation in a query's tree, for the rules and the fragmenter that look for it.

``(SELECT base.a AS a, … FROM schema.base [WHERE …] [LIMIT …]) AS alias``: one base table, alone. A LIMIT in it is a
fence, larger than any table, that only leakproof conditions may pass.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from catalog.names import TableName
from optimizer.census import find_around

READER = "reader"  # in the meta of a base table: the role with whose rights it is read
POLICY = "policy"  # in the meta of a condition: a row policy has made it


@dataclass(frozen=True, slots=True)
class Relation:
    """One governed relation: its derived table, the SELECT in it and the base table's node."""

    derived: exp.Subquery
    select: exp.Select
    base: exp.Table

    @property
    def name(self) -> TableName:
        """The base table."""
        return TableName(self.base.db, self.base.name)

    @property
    def reader(self) -> str | None:
        """The role with whose rights the table is read."""
        reader: str | None = self.base.meta.get(READER)
        return reader

    @property
    def alias(self) -> str:
        """The name by which the query around it speaks of it."""
        return str(self.derived.alias)

    @property
    def renames_columns(self) -> bool:
        """Whether the alias has a column list, ``AS t (a, b)``."""
        alias = self.derived.args.get("alias")
        return bool(alias is not None and alias.args.get("columns"))

    @property
    def is_fenced(self) -> bool:
        """Whether conditions must stay outside."""
        return self.select.args.get("limit") is not None


def relations(tree: exp.Expr) -> list[Relation]:
    """Return the governed relations below a node."""
    return [_relation(base) for base in find_around(tree, exp.Table) if base.db]


def get_relation(node: object) -> Relation | None:
    """Return the relation that a derived table is, or None."""
    if not isinstance(node, exp.Subquery) or not isinstance(node.this, exp.Select):
        return None
    source = node.this.args.get("from_")
    base = source.this if source is not None else None
    return Relation(node, node.this, base) if isinstance(base, exp.Table) and base.db else None


def _relation(base: exp.Table) -> Relation:
    select = base.parent_select
    derived = select.parent if select is not None else None
    if not isinstance(select, exp.Select) or not isinstance(derived, exp.Subquery):
        raise ValueError(f"table {base.name} does not stand in a governed relation")
    return Relation(derived, select, base)


def conjuncts(condition: exp.Expr | None) -> list[exp.Expr]:
    """Return the conditions that are joined by AND, without parentheses around them."""
    if condition is None:
        return []
    inner = condition.unnest()
    return [part for side in inner.flatten() for part in conjuncts(side)] if isinstance(inner, exp.And) else [inner]
