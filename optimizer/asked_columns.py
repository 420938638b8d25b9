"""Which columns a query asks for, by the qualifiers under which it speaks of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from optimizer.census import LEAVES, with_subclasses
from optimizer.relations import Relation, get_relation


@dataclass(slots=True)
class AskedColumns:
    """What a query asks for: columns by qualifier, the qualifiers whose whole row is, and whether columns meet by their
    names alone. What EXISTS asks for is among it. An alias used in several scopes has the columns of all of them.
    """

    relations: list[Relation] = field(default_factory=list)
    existences: list[exp.Exists] = field(default_factory=list)
    columns: dict[str, set[str]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    by_name: bool = False

    def note(self, node: exp.Expr) -> None:
        """Note what a node asks for."""
        if isinstance(node, exp.Column):
            self._note_column(node)
        elif isinstance(node, exp.TableColumn):
            self.whole.add(node.name)
        elif isinstance(node, exp.Join):
            self.by_name = self.by_name or node.method == "NATURAL" or bool(node.args.get("using"))
        elif isinstance(node, exp.Exists):
            self.existences.append(node)

    def _note_column(self, node: exp.Column) -> None:
        qualifier = node.table
        if not qualifier:
            self.whole.add(node.name)
            return
        names = self.columns.get(qualifier)
        if names is None:
            names = self.columns[qualifier] = set()
        names.add(node.name)
        if isinstance(node.this, exp.Star):
            self.whole.add(qualifier)


_COLUMNS = with_subclasses((exp.Column,))
_ASKING = with_subclasses((exp.Column, exp.TableColumn, exp.Join, exp.Exists))


def asked_columns(tree: exp.Query) -> AskedColumns:
    """Read a query, but for its governed relations: inside of them columns are the base table's, and say nothing of
    what the query around asks for. Queries in their conditions are outside.
    """
    asked = AskedColumns()
    pending: list[exp.Expr] = [tree]
    while pending:
        node = pending.pop()
        kind = node.__class__
        if kind in LEAVES:
            continue
        relation = get_relation(node) if kind is exp.Subquery else None
        if relation is not None:
            asked.relations.append(relation)
            pending.extend(_queries_within(relation.select, asked.existences))
            pending.extend(one for one in node.iter_expressions() if one is not relation.select)
            continue
        if kind in _ASKING:
            asked.note(node)
        if kind not in _COLUMNS:
            pending.extend(node.iter_expressions())
    return asked


def _queries_within(select: exp.Select, existences: list[exp.Exists]) -> list[exp.Select]:
    """Return the queries in what a relation computes; EXISTS around one of them goes to ``existences``."""
    found: list[exp.Select] = []
    pending: list[exp.Expr] = []
    for one in select.iter_expressions():
        value = one.args["this"] if isinstance(one, exp.Alias) else one
        if value.__class__ not in _COLUMNS:
            pending.append(one)
    while pending:
        node = pending.pop()
        if isinstance(node, exp.Select):
            found.append(node)
            continue
        if isinstance(node, exp.Exists):
            existences.append(node)
        if node.__class__ not in LEAVES:
            pending.extend(node.iter_expressions())
    return found
