"""Fragment: what each source runs, and what is left to the engine.

Every governed relation becomes one scan of its source. A condition goes down only where the source says that it applies
it exactly as PostgreSQL would (D9); each one that stays has its reason.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
from sqlglot import exp

from catalog.names import TableName
from catalog.scans import Comparison, FileScan, RemoteScan, Snapshot, Source
from optimizer.comparisons import comparisons
from optimizer.copies import copied
from optimizer.infinite_moments import may_be_infinite
from optimizer.relations import Relation, conjuncts, relations
from optimizer.stages import Fragment, Fragmented, Optimized


def fragment(
    optimized: Optimized,
    snapshots: Mapping[TableName, Snapshot],
    sources: Mapping[str, Source],
    parameters: Sequence[pa.Scalar] = (),
) -> Fragmented:
    """Cut the query into scans of its sources at the given snapshots. Blocks: sources may read metadata."""
    tree = copied(optimized.tree)
    infinite = may_be_infinite(tree)
    token = secrets.token_hex(8)  # relation names cannot be guessed, so no text of a user can name one
    fragments = [
        _fragment(relation, f"scan_{token}_{number}", snapshots[relation.name], sources, parameters)
        for number, relation in enumerate([*relations(tree)])
    ]
    parts = (_late(part) if at in optimized.late else part for at, part in enumerate(fragments))
    return Fragmented(tree, tuple(_infinite(part) if infinite else part for part in parts))


def _late(part: Fragment) -> Fragment:
    return replace(part, scan=replace(part.scan, late=True)) if isinstance(part.scan, FileScan) else part


def _infinite(part: Fragment) -> Fragment:
    return replace(part, scan=replace(part.scan, infinite=True)) if isinstance(part.scan, RemoteScan) else part


def _fragment(
    relation: Relation,
    name: str,
    snapshot: Snapshot,
    sources: Mapping[str, Source],
    parameters: Sequence[pa.Scalar],
) -> Fragment:
    source = sources[snapshot.table.source]
    where = relation.select.args.get("where")
    pushed: list[Comparison] = []
    pruning: list[Comparison] = []
    kept: list[tuple[str, str]] = []
    rest: list[exp.Expr] = []
    for condition in conjuncts(where.this if where is not None else None):
        plain = comparisons(condition, snapshot.table, parameters)
        if plain is not None and all(source.takes(snapshot.table, one) for one in plain):
            pushed += plain
            continue
        rest.append(condition)
        if plain is None:
            kept.append((_shown(condition), "not a comparison of a column with constants"))
        elif source.kind == "postgres":
            kept.append((_shown(condition), "the source may compare these values differently"))
        else:
            pruning += plain
    relation.select.set("where", exp.Where(this=exp.and_(*rest, copy=False)) if rest else None)
    columns = _columns(relation, snapshot)
    scan = source.scan(snapshot, columns, (*pushed, *pruning))
    if isinstance(scan, RemoteScan):
        scan = replace(scan, reader=relation.reader)
    base = exp.Table(this=exp.to_identifier(name, quoted=True), alias=exp.TableAlias(this=_quoted(relation.base.name)))
    relation.base.replace(base)
    return Fragment(name, snapshot, scan, columns, tuple(pushed), tuple(pruning), tuple(kept), relation.is_fenced)


def _quoted(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)


def _columns(relation: Relation, snapshot: Snapshot) -> tuple[str, ...]:
    """The columns the engine still reads, in the table's order."""
    columns = relation.select.find_all(exp.Column)
    named = {column.name for column in columns if column.parent_select is relation.select}
    return tuple(column.name for column in snapshot.table.columns if column.name in named)


def _shown(condition: exp.Expr) -> str:
    return condition.sql("postgres", comments=False)
