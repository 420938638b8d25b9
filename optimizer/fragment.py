"""Fragment: what each source runs, and what is left to the engine.

Every governed relation becomes one scan of its source. A condition goes down only where the source says that it applies
it exactly as PostgreSQL would (D9); each one that stays has its reason.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
from sqlglot import exp

from catalog.names import TableName
from catalog.scans import Comparison, FileScan, RemoteScan, SessionScan, Snapshot, Source
from catalog.tables import Table
from optimizer.comparisons import comparisons
from optimizer.copies import copied
from optimizer.infinite_moments import may_be_infinite
from optimizer.relations import Relation, conjuncts, relations
from optimizer.scopes import queries
from optimizer.stages import NOT_COMPARED, Applied, Condition, Fragment, Fragmented, Optimized, RemotePart

_PARAMETERS = (exp.Parameter, exp.Placeholder)


def fragment(
    optimized: Optimized,
    snapshots: Mapping[TableName, Snapshot],
    sources: Mapping[str, Source],
    parameters: Sequence[pa.Scalar] = (),
    parts: Sequence[RemotePart] = (),
) -> Fragmented:
    """Cut the query into scans of its sources at the given snapshots, and the ``parts`` of it that servers answer.
    Blocks: sources may read metadata.
    """
    tree = copied(optimized.tree)
    asked = queries(tree) if parts else []
    infinite = may_be_infinite(tree)
    token = secrets.token_hex(8)  # relation names cannot be guessed, so no text of a user can name one
    read = [*relations(tree)]
    within = frozenset(
        at for at, relation in enumerate(read) if any(_stands_in(relation, asked[p.place]) for p in parts)
    )
    fragments = [
        _fragment(relation, f"scan_{token}_{number}", snapshots[relation.name], sources, parameters)
        for number, relation in enumerate(read)
    ]
    late = (_late(part) if at in optimized.late else part for at, part in enumerate(fragments))
    whole = tuple(_infinite(part) if infinite else part for part in late)
    named = [replace(part, relation=f"part_{token}_{number}") for number, part in enumerate(parts)]
    for part in named:
        _read_part(asked[part.place], part)
    if infinite:
        named = [replace(part, scan=replace(part.scan, infinite=True)) for part in named]
    return Fragmented(tree, whole, tuple(named), within)


def _stands_in(relation: Relation, query: exp.Query) -> bool:
    node: exp.Expr | None = relation.derived
    while node is not None and node is not query:
        node = node.parent
    return node is query


def _read_part(query: exp.Query, part: RemotePart) -> None:
    """Read a subquery's rows from its server, in place."""
    select = query if isinstance(query, exp.Select) else query.replace(exp.Select())
    base = exp.Table(this=_quoted(part.relation), alias=exp.TableAlias(this=_quoted("part")))
    for name in [*select.args]:
        select.set(name, None)
    select.set("expressions", [copied(one) for one in part.outputs])
    select.set("from_", exp.From(this=base))


def _late(part: Fragment) -> Fragment:
    return replace(part, scan=replace(part.scan, late=True)) if isinstance(part.scan, FileScan) else part


def _infinite(part: Fragment) -> Fragment:
    if not isinstance(part.scan, RemoteScan | SessionScan):
        return part
    return replace(part, scan=replace(part.scan, infinite=True))


def _fragment(
    relation: Relation,
    name: str,
    snapshot: Snapshot,
    sources: Mapping[str, Source],
    parameters: Sequence[pa.Scalar],
) -> Fragment:
    source = sources[snapshot.table.source]
    where = relation.select.args.get("where")
    conditions: list[Condition] = []
    pushed: list[Comparison] = []
    pruning: list[Comparison] = []
    kept: list[tuple[str, str]] = []
    for condition in conjuncts(where.this if where is not None else None):
        applied, plain = _judged(condition, snapshot.table, source, parameters)
        conditions.append(Condition(condition, applied))
        if applied is Applied.BY_SOURCE:
            pushed += plain
        elif applied is Applied.BY_ENGINE_AND_FILES:
            pruning += plain
        elif plain:
            kept.append((_shown(condition), "the source may compare these values differently"))
        else:
            kept.append((_shown(condition), NOT_COMPARED))
    rest = [one.tree for one in conditions if one.applied is not Applied.BY_SOURCE]
    relation.select.set("where", exp.Where(this=exp.and_(*rest, copy=False)) if rest else None)
    columns, compared = _columns(relation, snapshot), _compared(one.tree for one in conditions)
    scan = source.scan(snapshot, columns, (*pushed, *pruning))
    if isinstance(scan, RemoteScan):
        scan = replace(scan, reader=relation.reader)
    elif isinstance(scan, FileScan):
        scan = replace(scan, read=columns, compared=compared)
    base = exp.Table(this=exp.to_identifier(name, quoted=True), alias=exp.TableAlias(this=_quoted(relation.base.name)))
    relation.base.replace(base)
    sorted_out = tuple(pushed), tuple(pruning), tuple(kept)
    bound = tuple(conditions) if any(one.tree.find(*_PARAMETERS) is not None for one in conditions) else ()
    return Fragment(name, snapshot, scan, columns, *sorted_out, relation.is_fenced, bound)


def with_parameters(
    fragmented: Fragmented, sources: Mapping[str, Source], parameters: Sequence[pa.Scalar]
) -> Fragmented | None:
    """Return the fragments of the same query and versions with other values of its parameters, without cutting it
    again; None where these values have sources apply other conditions. Blocks as `fragment` does.
    """
    parts: list[Fragment] = []
    for part in fragmented.fragments:
        found = _with_parameters(part, sources[part.snapshot.table.source], parameters) if part.bound else part
        if found is None:
            return None
        parts.append(found)
    return replace(fragmented, fragments=tuple(parts))


def _with_parameters(part: Fragment, source: Source, parameters: Sequence[pa.Scalar]) -> Fragment | None:
    pushed: list[Comparison] = []
    pruning: list[Comparison] = []
    for condition in part.bound:
        applied, plain = _judged(condition.tree, part.snapshot.table, source, parameters)
        if applied is not condition.applied:
            return None
        if applied is Applied.BY_SOURCE:
            pushed += plain
        elif applied is Applied.BY_ENGINE_AND_FILES:
            pruning += plain
    scan, before = source.scan(part.snapshot, part.columns, (*pushed, *pruning)), part.scan
    if isinstance(scan, FileScan) and isinstance(before, FileScan):
        scan = replace(scan, late=before.late, read=before.read, compared=before.compared)
    elif isinstance(scan, RemoteScan) and isinstance(before, RemoteScan):
        scan = replace(scan, reader=before.reader, infinite=before.infinite)
    return replace(part, scan=scan, pushed=tuple(pushed), pruning=tuple(pruning))


def _judged(
    condition: exp.Expr, table: Table, source: Source, parameters: Sequence[pa.Scalar]
) -> tuple[Applied, Sequence[Comparison]]:
    """Return who applies a condition, and the comparisons that it means if it has that form."""
    plain = comparisons(condition, table, parameters)
    if plain is None:
        return Applied.BY_ENGINE, ()
    if all(source.takes(table, one) for one in plain):
        return Applied.BY_SOURCE, plain
    return (Applied.BY_ENGINE if source.kind == "postgres" else Applied.BY_ENGINE_AND_FILES), plain


def _quoted(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)


def _columns(relation: Relation, snapshot: Snapshot) -> tuple[str, ...]:
    """The columns the engine still reads, in the table's order. Queries in a policy's condition name some too."""
    columns, own = relation.select.find_all(exp.Column), relation.base.name
    named = {column.name for column in columns if column.parent_select is relation.select or column.table == own}
    return tuple(column.name for column in snapshot.table.columns if column.name in named)


def _compared(conditions: Iterable[exp.Expr]) -> frozenset[str]:
    """The columns that are compared with texts, in alternatives and negations too."""
    found: set[str] = set()
    for condition in conditions:
        for one in condition.find_all(exp.EQ, exp.NEQ, exp.In):
            sides = [one.this, *one.expressions] if isinstance(one, exp.In) else [one.this, one.expression]
            if any(isinstance(side, exp.Literal) and side.is_string for side in sides):
                found.update(side.name for side in sides if isinstance(side, exp.Column))
    return frozenset(found)


def _shown(condition: exp.Expr) -> str:
    return condition.sql("postgres", comments=False)
