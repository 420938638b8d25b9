"""Hot columns: what statements read again and again of files is decoded once and kept in memory, column by column.

A column of a file is kept once it has been read by a few statements, so a large table that is streamed once, or asked
by chance, takes no memory. Where there is no room it displaces only what is read less often: tables that are larger
than the memory do not drive out each other's columns in turn.

What a file holds is known by its name, size and time for formats that never write one again, so that the next version
of a table finds the columns of the files that it kept; for all others by the key of the scan, which is equal only for
equal contents. Files with deleted rows are not kept: the order of what is left depends on the plan, and columns that
are read at different times have to be in one order.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from weakref import WeakValueDictionary

import pyarrow as pa
import structlog
from cachetools import LRUCache
from datafusion import DataFrame

from catalog.names import always_quoted
from catalog.scans import Constant, FileGroup, FileScan
from connectors.object_stores import is_local
from gateway.counts import CacheCounts, CacheState
from gateway.execute.hot_arrays import Chunks, gathered, largest, may_be_kept

USES = 3
"""With which a column is worth its memory."""
_MOST_FILES = 256  # of a scan; more are looked up for longer than it takes to plan
_KNOWN = 512  # scans whose files are known
_AGING = 1024  # scans, after which all that was used before counts half

_log = structlog.get_logger(__name__)
Read = Callable[[FileScan], DataFrame]


@dataclass(slots=True, eq=False, weakref_slot=True)
class Piece:
    """A file as one table has it. ``scan`` reads it alone; ``columns`` are those in memory, ``fields`` what the engine
    has them as, ``largest`` the largest of a numeric's whole numbers (`hot_arrays.largest`). ``uses`` counts statements
    that have read each, ``next_try`` says with how many it is read for memory.
    """

    scan: FileScan
    has_deletes: bool
    fields: dict[str, pa.Field] = field(default_factory=dict)
    columns: dict[str, Chunks] = field(default_factory=dict)
    uses: dict[str, float] = field(default_factory=dict)
    next_try: dict[str, float] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    largest: dict[str, int] = field(default_factory=dict)


Entry = tuple[Piece, str]


class HotColumns:
    """Columns of files in memory, at most ``limit`` bytes of them. Safe for several threads.

    ``read`` gives the relation of a scan's files. ``give_up`` is told of columns that are to make room, and says
    whether they may: then nothing holds on to them.
    """

    def __init__(self, limit: int, read: Read, give_up: Callable[[Entry], bool]) -> None:
        self.lock = threading.RLock()  # held while `give_up` is called
        self._limit = limit
        self._read = read
        self._give_up = give_up
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hot")  # one file after another
        self._scans: LRUCache[str, tuple[Piece, ...]] = LRUCache(_KNOWN)
        self._pieces: WeakValueDictionary[object, Piece] = WeakValueDictionary()
        self._kept: dict[tuple[int, str], Entry] = {}
        self._until_aging = _AGING
        self._bytes = 0
        self.counts = CacheCounts()

    @property
    def bytes(self) -> int:
        """How many there are."""
        return self._bytes

    @property
    def state(self) -> CacheState:
        """What is kept, in columns of files; asked are scans whose columns may be kept."""
        return CacheState(self.counts, len(self._kept), self._bytes, self._limit)

    def close(self) -> None:
        """Give back the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def submitted(self) -> Future[None]:
        """Return what is done when all columns that are to be read by now were read."""
        return self._thread.submit(lambda: None)

    def used(self, scan: FileScan) -> tuple[Piece, ...]:
        """Return the files of a scan, and note that a statement reads them; columns that are worth it are then read in
        a thread. No files for scans whose columns are not kept.
        """
        if not self._limit or not _is_of_use(scan):
            return ()
        with self.lock:
            pieces = self._scans.get(scan.key)
            if pieces is None:
                pieces = self._scans[scan.key] = self._pieces_of(scan)
            self._age()
            for piece in pieces:
                if piece.has_deletes:
                    continue
                wanted = [name for name in scan.read if _note(piece, name) and name not in piece.columns]
                if wanted and self._has_room(piece, wanted):
                    piece.next_try |= dict.fromkeys(wanted, float("inf"))  # until this one is done
                    self._thread.submit(self._keep, piece, wanted)
        return pieces

    def _pieces_of(self, scan: FileScan) -> tuple[Piece, ...]:
        found = []
        for group in scan.groups:
            shape = _shape(scan, group)
            for file in group.files:
                key = shape, _identity(scan, group, file)
                piece = self._pieces.get(key)
                if piece is None:
                    alone = replace(group, files=(file,))
                    name = f"{scan.key}/{file}"
                    made = replace(scan, key=name, groups=(alone,), read=())
                    piece = self._pieces[key] = Piece(made, _has_deletes(group))
                found.append(piece)
        return tuple(found)

    def _age(self) -> None:
        self._until_aging -= 1
        if self._until_aging <= 0:
            self._until_aging = _AGING
            for piece in [*self._pieces.values()]:
                piece.uses = {name: uses / 2 for name, uses in piece.uses.items()}
                piece.next_try = {
                    name: uses if uses == float("inf") else max(USES, uses / 2) for name, uses in piece.next_try.items()
                }

    def _has_room(self, piece: Piece, names: Iterable[str]) -> bool:
        """Whether columns whose sizes are known would find room now; those whose are not have to be read first."""
        sizes = [piece.sizes.get(name, 0) for name in names]
        lowest = min(piece.uses[name] for name in names)
        given_up = sum(_size(entry) for entry in self._kept.values() if entry[0].uses[entry[1]] < lowest)
        if self._bytes - given_up + sum(sizes) <= self._limit:
            return True
        _put_off(piece, names)
        return False

    def _keep(self, piece: Piece, names: Sequence[str]) -> None:
        try:
            frame = self._read(piece.scan)
            fields = {one.name: one for one in frame.schema()}
            kept = [name for name in names if may_be_kept(fields[name].type)]
            columns = _decoded(frame.select(*map(always_quoted, kept)), self._limit) if kept else []
        except Exception as failure:  # statements find it, too, and tell of it
            _log.info("columns are not kept", reason=type(failure).__name__)
            with self.lock:
                _put_off(piece, names)
            return
        found = {name: largest(column) for name, column in zip(kept, columns or (), strict=False)}
        with self.lock:
            if columns is None:
                _put_off(piece, kept)  # they are too large together
                return
            piece.largest |= {name: value for name, value in found.items() if value is not None}
            piece.fields |= {name: fields[name] for name in kept}
            for name, column in zip(kept, columns, strict=True):
                self._add(piece, name, column)

    def _add(self, piece: Piece, name: str, column: Chunks) -> None:
        piece.sizes[name] = pa.chunked_array(column).get_total_buffer_size()
        is_aligned = all(rows_of(column) == rows_of(other) for other in piece.columns.values())
        if not is_aligned or not self._make_room(piece.sizes[name], piece.uses[name]):
            _put_off(piece, [name])
            return
        piece.columns[name] = column
        self._kept[id(piece), name] = piece, name
        self._bytes += piece.sizes[name]

    def _make_room(self, size: int, uses: float) -> bool:
        """Give up columns that are read less often, as far as needed and possible; say whether there is room."""
        if self._bytes + size <= self._limit:
            return True
        less = sorted((one for one in self._kept.values() if _uses(one) < uses), key=_uses)
        if self._bytes - sum(map(_size, less)) + size > self._limit:
            return False  # nothing is given up in vain
        for entry in less:
            if self._bytes + size <= self._limit:
                break
            if self._give_up(entry):
                piece, name = entry
                self._bytes -= _size(entry)
                del self._kept[id(piece), name], piece.columns[name]
                self.counts.evicted += 1
                piece.next_try[name] = max(USES, 2 * piece.uses[name])
        return self._bytes + size <= self._limit


def rows_of(column: Chunks) -> int:
    """Return how many rows a column has."""
    return sum(map(len, column))


def _is_of_use(scan: FileScan) -> bool:
    """Whether a scan's columns may be kept: where few rows are looked for, files are read page by page."""
    files = sum(len(group.files) for group in scan.groups)
    return bool(scan.read) and not scan.late and 0 < files <= _MOST_FILES


def _note(piece: Piece, name: str) -> bool:
    """Note that a column was read; say whether it is time to keep it."""
    uses = piece.uses[name] = piece.uses.get(name, 0) + 1
    return uses >= piece.next_try.get(name, USES)


def _put_off(piece: Piece, names: Iterable[str]) -> None:
    """Try again when columns have been used twice as often: there may be room."""
    piece.next_try |= {name: 2 * piece.uses[name] for name in names}


def _uses(entry: Entry) -> float:
    return entry[0].uses[entry[1]]


def _size(entry: Entry) -> int:
    return entry[0].sizes[entry[1]]


def _shape(scan: FileScan, group: FileGroup) -> object:
    """Return how a table reads a file: two tables, or versions, may do so in different ways, or by other rights."""
    columns = tuple(
        (one.value.is_valid, str(one.value)) if isinstance(one, Constant) else one.name for one in group.columns
    )
    options = tuple(sorted(group.options.items())), tuple(sorted(scan.storage.items()))
    return group.format, columns, str(group.schema), str(scan.schema), options


def _identity(scan: FileScan, group: FileGroup, file: str) -> object:
    if _has_deletes(group) or not group.immutable:
        return scan.key, file
    with contextlib.suppress(OSError):  # a statement looks for its files itself
        if is_local(file):
            known = Path(file).stat()
            return file, known.st_size, known.st_mtime_ns, known.st_ino
    return file


def _has_deletes(group: FileGroup) -> bool:
    return group.deleted_positions is not None or bool(group.equality_deletes)


def _decoded(frame: DataFrame, limit: int) -> list[Chunks] | None:
    batches = (batch.to_pyarrow() for batch in frame.execute_stream())
    return gathered(frame.schema().types, batches, limit)
