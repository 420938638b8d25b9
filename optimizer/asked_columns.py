"""Which columns a query asks for, by the qualifiers under which it speaks of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp

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
            if not node.table:
                self.whole.add(node.name)
                return
            self.columns.setdefault(node.table, set()).add(node.name)
            if isinstance(node.this, exp.Star):
                self.whole.add(node.table)
        elif isinstance(node, exp.TableColumn):
            self.whole.add(node.name)
        elif isinstance(node, exp.Join):
            self.by_name = self.by_name or node.method == "NATURAL" or bool(node.args.get("using"))
        elif isinstance(node, exp.Exists):
            self.existences.append(node)


_ASKING = (exp.Column, exp.TableColumn, exp.Join, exp.Exists)


def asked_columns(tree: exp.Query) -> AskedColumns:
    """Read a query, but for its governed relations: inside of them columns are the base table's, and say nothing of
    what the query around asks for. Queries in their conditions are outside.
    """
    asked = AskedColumns()
    pending: list[exp.Expr] = [tree]
    while pending:
        node = pending.pop()
        relation = get_relation(node) if isinstance(node, exp.Subquery) else None
        if relation is not None:
            asked.relations.append(relation)
            pending.extend(_queries_within(relation.select, asked.existences))
            pending.extend(one for one in node.iter_expressions() if one is not relation.select)
            continue
        if isinstance(node, _ASKING):
            asked.note(node)
        if not isinstance(node, exp.Column):
            pending.extend(node.iter_expressions())
    return asked


def _queries_within(select: exp.Select, existences: list[exp.Exists]) -> Iterator[exp.Select]:
    """Yield the queries in what a relation computes; EXISTS around one of them goes to ``existences``."""
    plain = {id(one) for one in select.expressions if isinstance(one.unalias(), exp.Column)}
    pending = [one for one in select.iter_expressions() if id(one) not in plain]
    while pending:
        node = pending.pop()
        if isinstance(node, exp.Select):
            yield node
            continue
        if isinstance(node, exp.Exists):
            existences.append(node)
        pending.extend(node.iter_expressions())
