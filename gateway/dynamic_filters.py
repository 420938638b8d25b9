"""Keys of small relations are read first, and large ones by them: how `optimizer.stages.DynamicFilter` is carried out.

Whether a filter is used is decided again when its keys are there: where they are more than was expected, the large
relation is read as it is. Keys of rows that policies choose or mask for who asks are sent to a server only where
that is read with a login of the session's own: under one that all share, others may see what the server is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from catalog.principals import Principal
from catalog.scans import FileScan, Keys, RemoteScan, Scan
from gateway.execute.port import EngineQuery
from gateway.lake import Lake
from gateway.rendering import rendered_fragments
from gateway.sql.engine_dialect.moments import Session
from optimizer.dynamic_filters import is_worth, left_by
from optimizer.fragment import fragment
from optimizer.stages import DynamicFilter, Fragment, Fragmented, Optimized
from policies.quoted_values import may_quote_hidden

MOST_KEYS = 1_000_000  # that are read before the attempt is given up
_GATHERED = 1 << 16  # rows after which doubles are taken out
_MOST_FILES = 0.5  # part of the files that may hold any one value, if keys are to leave some out


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, how his session reads constants, and with which parameters."""

    principal: Principal
    session: Session
    parameters: Sequence[pa.Scalar]
    lake: Lake


@dataclass(frozen=True, slots=True)
class KeyQuery:
    """A filter with what the engine is asked for its keys. ``is_private`` says that policies or grants choose the rows
    that have them.
    """

    filter: DynamicFilter
    query: EngineQuery
    is_private: bool


@dataclass(frozen=True, slots=True)
class Filtered:
    """What became of a filter: how many keys there were (None: too many), and the scan that they made, None where the
    relation is read as it is.
    """

    filter: DynamicFilter
    keys: int | None
    scan: Scan | None


def key_queries(optimized: Optimized, fragmented: Fragmented, asking: Asking) -> tuple[KeyQuery, ...]:
    """Return what is to be asked first, of the same versions of the tables. Blocks."""
    if not asking.session.tuning.dynamic_filters:
        return ()
    read = (one for one in optimized.dynamic if one.target not in fragmented.within)
    chosen = (one for one in read if _may_help(one, fragmented.fragments[one.target], optimized, asking))
    return tuple(
        KeyQuery(one, _query(one, optimized, fragmented, asking), _is_private(one, optimized, asking)) for one in chosen
    )


async def with_keys(
    query: EngineQuery, fragmented: Fragmented, asked: Sequence[KeyQuery], asking: Asking
) -> tuple[EngineQuery, tuple[Filtered, ...]]:
    """Return the query with large relations read by keys, and what became of each filter. Raises SqlError where a
    query for keys fails.
    """
    parts = fragmented.fragments
    # Logins may have changed since the queries were made: they are kept with the plan.
    asked = [one for one in asked if not one.is_private or _has_own_login(parts[one.filter.target].scan, asking.lake)]
    found = await asyncio.gather(*(_read(one, asking) for one in asked))
    values = [_of_type(each, parts[one.filter.target], one.filter) for one, each in zip(asked, found, strict=True)]
    helpful: dict[int, list[tuple[DynamicFilter, pa.Array]]] = {}
    for one, each in zip(asked, values, strict=True):
        if each is not None and _is_worth(one.filter, parts[one.filter.target], len(each)):
            helpful.setdefault(one.filter.target, []).append((one.filter, each))
    scans = {target: scan for target, by in helpful.items() if (scan := _scan(parts[target], by, asking)) is not None}
    names = {parts[target].relation: scan for target, scan in scans.items()}
    used = {id(one) for target in scans for one, _ in helpful[target]}
    told = tuple(
        Filtered(
            one.filter,
            None if each is None else len(each),
            scans[one.filter.target] if id(one.filter) in used else None,
        )
        for one, each in zip(asked, values, strict=True)
    )
    return replace(query, scans=tuple((name, names.get(name, scan)) for name, scan in query.scans)), told


def _may_help(one: DynamicFilter, part: Fragment, optimized: Optimized, asking: Asking) -> bool:
    """Whether keys may be sent to where the relation is read, and may leave something out there."""
    lake, scan = asking.lake, part.scan
    if isinstance(scan, RemoteScan):
        return _has_own_login(scan, lake) or not _is_private(one, optimized, asking)
    if not isinstance(scan, FileScan) or one.probe is None:
        return False
    files = _files(scan)
    probed = _new_scan(part, (Keys(one.column, pa.array([one.probe.as_py()], one.probe.type)),), lake)
    return files > 1 and isinstance(probed, FileScan) and _files(probed) <= files * _MOST_FILES


def _is_private(one: DynamicFilter, optimized: Optimized, asking: Asking) -> bool:
    """Whether keys tell which rows of a table who asks may see, while others see others."""
    access, principal = asking.lake.access, asking.principal
    limited = (name in optimized.policies or access.columns(principal, name) is not None for name in one.tables)
    return not principal.superuser and any(limited)


def _has_own_login(scan: Scan, lake: Lake) -> bool:
    """Whether what is sent for a scan is seen by nobody but who asks: what is read here goes nowhere."""
    if not isinstance(scan, RemoteScan):
        return True
    return scan.reader is not None and lake.remote_logins.has_own(scan.source, scan.reader)


def _query(one: DynamicFilter, optimized: Optimized, fragmented: Fragmented, asking: Asking) -> EngineQuery:
    snapshots = {part.snapshot.table.name: part.snapshot for part in fragmented.fragments}
    own = Optimized(one.query, {name: optimized.tables[name] for name in one.tables})
    parts = fragment(own, snapshots, asking.lake.sources, asking.parameters)
    rendered = rendered_fragments(parts, asking.session, asking.lake.evaluator)
    sizes = [snapshots[name].bytes for name in one.tables]
    return EngineQuery(
        rendered.sql,
        tuple((part.relation, part.scan) for part in parts.fragments),
        bytes=None if None in sizes else sum(size for size in sizes if size is not None),
        fenced=frozenset(part.relation for part in parts.fragments if part.is_fenced),
        calls=rendered.calls,
        withholds_values=may_quote_hidden(one.query),
    )


async def _read(asked: KeyQuery, asking: Asking) -> pa.Array | None:
    """Return the distinct keys, or None where they are more than anybody can make use of."""
    running = await asking.lake.engine.start(lambda: asked.query, asking.parameters)
    kept: list[pa.Array] = []
    gathered = 0
    try:
        async with aclosing(running.batches()) as batches:  # type: ignore[type-var]
            async for batch in batches:
                kept.append(_plain(batch.column(0)))
                gathered += batch.num_rows
                if gathered > _GATHERED:
                    kept = [_distinct(kept)]
                    gathered = 0
                    if len(kept[0]) > MOST_KEYS:
                        return None
    finally:
        await running.close()
    return _distinct(kept) if kept else _plain(pa.array([], running.schema.field(0).type))


def _plain(values: pa.Array) -> pa.Array:
    """Return texts in the form that Arrow sorts, and leaves NULL out of: it does so with views of them not at all."""
    return values.cast(pa.string()) if pa.types.is_string_view(values.type) else values


def _distinct(chunks: list[pa.Array]) -> pa.Array:
    values = pc.unique(pa.chunked_array(chunks))
    return values.drop_null()


def _of_type(values: pa.Array | None, part: Fragment, one: DynamicFilter) -> pa.Array | None:
    """Return keys as the other column has them, sorted; None where that column cannot be compared with them so. A key
    beyond its integers is equal to none of them.
    """
    column = part.snapshot.table.column(one.column)
    if values is None or column is None or _has_infinity(values):
        return None
    wanted = column.arrow_type
    if pa.types.is_integer(wanted) and pa.types.is_integer(values.type) and wanted != values.type:
        most = 1 << wanted.bit_width - 1
        wide = values.cast(pa.int64())
        inside = pc.and_(pc.greater_equal(wide, -most), pc.less_equal(wide, most - 1))
        values = wide.filter(inside)
    try:
        return values.cast(wanted).take(pc.array_sort_indices(values))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _has_infinity(values: pa.Array) -> bool:
    """Whether an infinite date or timestamp is among the keys: no calendar of Python or numpy has such a day."""
    if not (pa.types.is_date32(values.type) or pa.types.is_timestamp(values.type)) or not len(values):
        return False
    bits = values.type.bit_width
    extent = pc.min_max(values.view(pa.int32() if bits == 32 else pa.int64()))
    return bool(extent["max"].as_py() == (1 << bits - 1) - 1 or extent["min"].as_py() == -(1 << bits - 1))


def _is_worth(one: DynamicFilter, part: Fragment, keys: int) -> bool:
    """Decide again, by the number of keys that there are."""
    if isinstance(part.scan, RemoteScan):
        return keys <= one.keys or is_worth(one, keys)
    return True


def _scan(part: Fragment, by: list[tuple[DynamicFilter, pa.Array]], asking: Asking) -> Scan | None:
    """Return a relation's scan by keys, or None where these leave nothing out."""
    scan = _new_scan(part, tuple(Keys(one.column, values) for one, values in by), asking.lake)
    if isinstance(scan, RemoteScan) and isinstance(part.scan, RemoteScan):
        left = min(left_by(one, len(values)) for one, values in by)
        known = scan.rows if scan.rows is not None else left
        return None if scan.queries == part.scan.queries else replace(scan, rows=int(min(known, left)))
    return scan if isinstance(scan, FileScan) and _files(scan) < _files(part.scan) else None


def _new_scan(part: Fragment, keys: tuple[Keys, ...], lake: Lake) -> Scan:
    source = lake.sources[part.snapshot.table.source]
    scan = source.scan(part.snapshot, part.columns, (*part.pushed, *part.pruning), keys)
    if isinstance(scan, RemoteScan) and isinstance(part.scan, RemoteScan):
        return replace(scan, reader=part.scan.reader)
    if isinstance(scan, FileScan) and isinstance(part.scan, FileScan):
        return replace(scan, late=part.scan.late, read=part.scan.read, compared=part.scan.compared)
    return scan


def _files(scan: Scan) -> int:
    return sum(len(group.files) for group in scan.groups) if isinstance(scan, FileScan) else 0
