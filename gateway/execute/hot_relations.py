"""Relations over hot columns: files whose columns are in memory as rows of this process, all others as files.

A relation has the columns that a statement reads and no others. Policies stand in the query, around it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pyarrow as pa
from datafusion import DataFrame, Expr, SessionContext, col

from catalog.names import always_quoted
from catalog.scans import FileScan
from catalog.whole_numbers import Summed, whole
from gateway.counts import CacheState
from gateway.execute import file_relations
from gateway.execute.file_groups import balanced_union, named_again
from gateway.execute.hot_arrays import in_whole_numbers
from gateway.execute.hot_columns import Entry, HotColumns, Piece, rows_of

_KEPT = 64  # relations; one of millions of rows takes some megabytes beside its columns
_Key = tuple[int, str, bool, tuple[str, ...], frozenset[str], tuple[int, ...], tuple[str, ...]]


@dataclass(slots=True)
class HotRelation:
    """A relation, its name quoted for SQL. ``files`` are those in memory, ``compares_texts`` says that
    conditions are to be planned over the different texts of a column, ``in_whole`` that it has what a query in whole
    numbers asks for, ``users`` are statements that are planned now.
    """

    name: str
    context: SessionContext
    columns: tuple[str, ...]
    pieces: tuple[Piece, ...]
    compares_texts: bool
    in_whole: bool = False
    users: int = 0

    @property
    def files(self) -> int:
        """How many are in memory."""
        return len(self.pieces)


@dataclass(slots=True)
class Planning:
    """The relations that one statement is planned over; of ``in_whole`` are those that have whole numbers."""

    relations: HotRelations
    taken: list[HotRelation] = field(default_factory=list)
    in_whole: set[str] = field(default_factory=set)

    def take(
        self, context: SessionContext, scan: FileScan, partitions: int, summed: Summed | None = None, *, fenced: bool
    ) -> HotRelation | None:
        """Note that a scan is read; return a relation for it where columns of its files are in memory, with numerics as
        whole numbers beside them where the sums of ``summed`` may be of these.
        """
        found = self.relations.take(context, scan, partitions, summed, fenced=fenced)
        if found is not None:
            self.taken.append(found)
            if found.in_whole and summed is not None:
                self.in_whole.add(summed.relation)
        return found

    def simplified(self, context: SessionContext, frame: DataFrame) -> DataFrame:
        """Return a query's plan with comparisons of different texts in the place of those of each row's.

        The engine finds them in its second round, when conditions stand at the tables. Its first round ends with what
        is common to several expressions: two comparisons of a column would then share the text of each row.
        """
        if not any(one.compares_texts for one in self.taken):
            return frame
        apart = self.relations.unshared.create_dataframe_from_logical_plan(frame.logical_plan())
        return context.create_dataframe_from_logical_plan(apart.optimized_logical_plan())


class HotRelations:
    """Relations over at most ``limit`` bytes of columns. ``files`` is a context that reads files in one partition,
    ``unshared`` one that computes nothing once for several expressions; ``forget`` is told the name of each relation
    that was given up: nothing may hold on to it. Safe for several threads.
    """

    def __init__(
        self, files: SessionContext, unshared: SessionContext, limit: int, forget: Callable[[str], None]
    ) -> None:
        self.unshared = unshared
        self._forget = forget
        self._made: OrderedDict[_Key, HotRelation] = OrderedDict()
        self.columns = HotColumns(limit, lambda scan: file_relations.unregistered(files, scan), self._give_up)

    @property
    def state(self) -> CacheState:
        """What is kept."""
        return self.columns.state

    @contextmanager
    def planning(self) -> Iterator[Planning]:
        """Keep what is taken within the block until its end: then it is planned."""
        plan = Planning(self)
        try:
            yield plan
        finally:
            with self.columns.lock:
                for one in plan.taken:
                    one.users -= 1

    def take(
        self, context: SessionContext, scan: FileScan, partitions: int, summed: Summed | None, *, fenced: bool
    ) -> HotRelation | None:
        """Do what `Planning.take` says; the relation stays for as long as it has users."""
        pieces = self.columns.used(scan)
        hot = _in_whole(pieces, scan.read)
        if pieces:
            with self.columns.lock:
                self.columns.counts.note(found=bool(hot))
        if not hot:
            return None
        rest = _without(scan, hot)
        files = file_relations.register(context, rest) if rest is not None else None
        with self.columns.lock:
            if _in_whole(pieces, scan.read) != hot:
                return None  # that has changed just now
            wholes = tuple(summed.scales) if summed is not None and files is None and _is_exact(summed, hot) else ()
            key = id(context), scan.key, fenced, scan.read, scan.compared, tuple(map(id, hot)), wholes
            made = self._made.get(key)
            if made is None:
                made = self._made[key] = self._make(context, scan, hot, files, partitions, wholes, fenced=fenced)
                self._limit_number()
            self._made.move_to_end(key)
            made.users += 1
            return made

    def _make(
        self,
        context: SessionContext,
        scan: FileScan,
        hot: tuple[Piece, ...],
        files: str | None,
        partitions: int,
        wholes: tuple[str, ...],
        *,
        fenced: bool,
    ) -> HotRelation:
        frames = _in_memory(context, hot, scan, partitions, wholes)
        if files is not None:
            frames.append(context.sql(f"SELECT {', '.join(map(always_quoted, scan.read))} FROM {files}"))
        frame = balanced_union(frames, fenced=fenced)
        name = f"hot_{secrets.token_hex(8)}"  # nobody can guess it
        context.register_table(name, frame.into_view())
        compares_texts = any(_is_by_texts(piece, name) for piece in hot for name in scan.compared)
        return HotRelation(f'"{name}"', context, scan.read, hot, compares_texts, bool(wholes))

    def _limit_number(self) -> None:
        for key, relation in [*self._made.items()][: max(0, len(self._made) - _KEPT)]:
            if not relation.users:
                self._drop(key)

    def _give_up(self, entry: Entry) -> bool:
        piece, name = entry
        over = [key for key, one in self._made.items() if name in one.columns and piece in one.pieces]
        if any(self._made[key].users for key in over):
            return False
        for key in over:
            self._drop(key)
        return True

    def _drop(self, key: _Key) -> None:
        relation = self._made.pop(key)
        name = relation.name.strip('"')
        self._forget(name)
        relation.context.deregister_table(name)


def _in_whole(pieces: Sequence[Piece], names: Sequence[str]) -> tuple[Piece, ...]:
    """Return the files of which all of the columns are in memory."""
    return tuple(piece for piece in pieces if all(name in piece.columns for name in names))


def _is_exact(summed: Summed, pieces: Sequence[Piece]) -> bool:
    """Whether a query in whole numbers has the same sums: all values are in memory, as such, and none is too large."""
    for piece in pieces:
        for name, scale in summed.scales.items():
            kept = piece.columns[name][0].type if name in piece.columns else None
            if kept is None or not pa.types.is_decimal64(kept) or kept.scale != scale or whole(name) in piece.fields:
                return False
    largest = {name: max(piece.largest[name] for piece in pieces) for name in summed.scales}
    return summed.fits(sum(map(_rows, pieces)), largest)


def _in_memory(
    context: SessionContext, pieces: Sequence[Piece], scan: FileScan, partitions: int, wholes: Sequence[str]
) -> list[DataFrame]:
    """Return rows in memory as relations; values have the types that the files' relation has."""
    names = scan.read
    alike: dict[tuple[pa.DataType, ...], list[Piece]] = defaultdict(list)
    for piece in pieces:
        alike[tuple(piece.columns[name][0].type for name in names)].append(piece)
    rows = sum(map(_rows, pieces))
    return [
        _alike_in_memory(context, some, scan, max(1, partitions * sum(map(_rows, some)) // max(1, rows)), wholes)
        for some in alike.values()
    ]


def _rows(piece: Piece) -> int:
    return rows_of(next(iter(piece.columns.values())))


def _alike_in_memory(
    context: SessionContext, pieces: Sequence[Piece], scan: FileScan, partitions: int, wholes: Sequence[str]
) -> DataFrame:
    """Return the rows of files whose columns are kept in the same types, ``wholes`` as whole numbers, too."""
    wanted = [_field(pieces, name) for name in scan.read]
    kept = [one.with_type(pieces[0].columns[one.name][0].type) for one in wanted]
    beside = [pa.field(whole(one.name), pa.int64(), one.nullable) for one in wanted if one.name in wholes]
    schema = pa.schema([*kept, *beside])
    parts: list[list[pa.RecordBatch]] = [[] for _ in range(partitions)]
    rows, done = sum(map(_rows, pieces)), 0
    for piece in pieces:
        for arrays in zip(*(piece.columns[name] for name in scan.read), strict=True):
            numbers = [in_whole_numbers(one) for name, one in zip(scan.read, arrays, strict=True) if name in wholes]
            parts[min(partitions - 1, done * partitions // max(1, rows))].append(
                pa.RecordBatch.from_arrays([*arrays, *numbers], schema=schema)
            )
            done += len(arrays[0])
    name = f"rows_{secrets.token_hex(8)}"
    context.register_record_batches(name, [part for part in parts if part])
    frame = named_again(context.table(name))
    context.deregister_table(name)  # only the relation made of it still refers to it
    columns = zip(wanted, kept, strict=True)
    given = [_as_wanted(one, as_kept.type, compared=one.name in scan.compared) for one, as_kept in columns]
    return frame.select(*given, *(col(always_quoted(one.name)) for one in beside))


def _is_by_texts(piece: Piece, name: str) -> bool:
    return name in piece.columns and pa.types.is_dictionary(piece.columns[name][0].type)


def _field(pieces: Sequence[Piece], name: str) -> pa.Field:
    """Return a column's field: the value of a partition is never NULL in one file, and may be so in the next."""
    fields = [piece.fields[name] for piece in pieces]
    return fields[0].with_nullable(any(one.nullable for one in fields))


def _as_wanted(wanted: pa.Field, kept: pa.DataType, *, compared: bool) -> Expr:
    """Return a column in the type that is wanted. The engine compares constants with the different texts, and not with
    that of each row, where a cast gives just their type: the way over it costs a little for each row that is handed on.
    """
    name = always_quoted(wanted.name)
    if kept == wanted.type:
        return col(name)
    by_texts = compared and pa.types.is_dictionary(kept) and kept.value_type != wanted.type
    value = col(name).cast(kept.value_type) if by_texts else col(name)
    return value.cast(wanted.type).alias(wanted.name)


def _without(scan: FileScan, hot: Sequence[Piece]) -> FileScan | None:
    """Return the scan of the files that are not in memory; None where all are."""
    within = {file for piece in hot for group in piece.scan.groups for file in group.files}
    groups = (replace(group, files=tuple(file for file in group.files if file not in within)) for group in scan.groups)
    left = tuple(group for group in groups if group.files)
    if not left:
        return None
    names = "\n".join(file for group in left for file in group.files)
    return replace(scan, key=f"{scan.key}-{hashlib.sha256(names.encode()).hexdigest()[:32]}", groups=left)
