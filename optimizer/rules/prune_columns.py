"""Columns that nothing asks for are not read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from optimizer.relations import Relation, get_relation


def prune_columns(tree: exp.Query) -> bool:
    """Drop the columns of governed relations that no expression names, and those that only EXISTS does, which asks for
    rows. Returns whether there were any.

    Why good: a source sends and decodes less; a Parquet file is read by columns.
    When illegal: a whole-row reference (``SELECT t FROM t``), a NATURAL join or a column list on the alias
    (``AS t (a, b)``) needs the columns by position or by a name that is not written. Such relations stay as they are.
    Before it: names are qualified; an alias used in several scopes keeps the columns of all of them.
    """
    asked = _asked(tree)
    changed = False
    if asked.existences:
        changed = sum(map(_ask_for_rows, (one.this for one in asked.existences))) > 0
        asked = _asked(tree)
    if asked.by_name:
        return changed
    for relation in asked.relations:
        if relation.alias not in asked.whole and not relation.renames_columns:
            changed |= _keep(relation, asked.columns.get(relation.alias, set()))
    return changed


def _ask_for_rows(query: exp.Expr) -> bool:
    """Have a subquery of EXISTS read none of the columns it selects. Computed ones stay: they may fail, and aggregates
    decide how many rows there are; and so do columns that an order or groups may name by number.
    """
    if not isinstance(query, exp.Select) or any(query.args.get(name) for name in ("distinct", "group", "order")):
        return False
    chosen = query.expressions
    if len(chosen) < 2 or not all(map(_is_plain, chosen)):
        return False
    query.set("expressions", [exp.alias_(exp.true(), "row", quoted=True)])
    return True


def _is_plain(one: exp.Expr) -> bool:
    column = one.unalias()
    return isinstance(column, exp.Column) and not isinstance(column.this, exp.Star)


@dataclass(slots=True)
class _Asked:
    """What a query asks for: columns by qualifier, the qualifiers whose whole row is, and whether columns meet by their
    names alone. What EXISTS asks for is among it.
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


def _asked(tree: exp.Query) -> _Asked:
    """Read a query, but for its governed relations: inside of them columns are the base table's, and say nothing of
    what the query around asks for. Queries in their conditions are outside.
    """
    asked = _Asked()
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


def _keep(relation: Relation, names: set[str]) -> bool:
    columns = relation.select.expressions
    # A relation of which only the rows count still needs one expression to be a table.
    kept = [one for one in columns if one.alias_or_name in names] or [exp.alias_(exp.true(), "row", quoted=True)]
    if len(kept) == len(columns) and kept == columns:
        return False
    relation.select.set("expressions", kept)
    return True
