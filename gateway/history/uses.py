"""How a statement reads the files of its tables, by the columns that it compares with constants."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.names import TableName
from catalog.scans import FileScan
from catalog.usage import WHOLE, Use
from optimizer.stages import Fragment, Fragmented

_COMPARED = frozenset({"=", "<", "<=", ">", ">=", "in"})


def uses_of(read: Fragmented, expected: Sequence[float | None]) -> dict[tuple[TableName, str], Use]:
    """Return the uses of one run. ``expected`` are the rows of each fragment that its own conditions keep; where nobody
    can say, it is taken for all.
    """
    uses: dict[tuple[TableName, str], Use] = {}
    for place, part in enumerate(read.fragments):
        if not isinstance(part.scan, FileScan) or place in read.within:
            continue
        rows = expected[place] if place < len(expected) else None
        use = _use(part, part.scan, rows)
        columns = {one.column for one in (*part.pushed, *part.pruning) if one.operator in _COMPARED}
        for column in (WHOLE, *columns):
            key = (part.snapshot.table.name, column)
            uses[key] = use if key not in uses else uses[key].added(use)
    return uses


def _use(part: Fragment, scan: FileScan, rows: float | None) -> Use:
    files = sum(len(group.files) for group in scan.groups)
    whole = part.snapshot.rows
    kept = min(1.0, rows / whole) if whole and rows is not None else 1.0
    return Use(1.0, scan.files_known, files, kept, scan.files_known, part.snapshot.bytes)
