"""Advice on tables, from how statements read them, what was misjudged, and what ANALYZE has found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from catalog.advice import Advice
from catalog.analyzed import Analyzed
from catalog.feedback import TableThen
from catalog.names import TableName, quote_identifier
from catalog.tables import Table
from catalog.usage import WHOLE, Misjudged, Use, Uses
from policies.views import KIND as VIEW

_GROWN = 1.2  # times more or fewer rows than when a table was analyzed
_RECENT = timedelta(days=7)  # in which tables of servers were misjudged: nobody tells when they were analyzed
_MANY_FILES = 20
_SMALL = 16 << 20  # bytes of a file on average
_OFTEN = 10.0  # runs that compare a column
_FILES = 4.0  # of a table; of fewer none can be left out
_READ = 0.5  # part of the files, of which more are read than need be
_KEPT = 0.1  # part of the rows, of which fewer are wanted


@dataclass(frozen=True, slots=True)
class Known:
    """The tables as they are now, what ANALYZE has found of each, and which version is read, with how many rows."""

    tables: Mapping[TableName, Table]
    analyzed: Callable[[TableName], Analyzed | None]
    now: Callable[[TableName], TableThen]


def advise(uses: Uses, known: Known) -> list[Advice]:
    """Return what may help, by table."""
    by_table: dict[TableName, dict[str, Use]] = {}
    for (name, column), use in uses.items():
        table = known.tables.get(name)
        if table is not None and table.kind != VIEW and (column == WHOLE or table.column(column) is not None):
            by_table.setdefault(name, {})[column] = use
    found: list[Advice] = []
    for name, table in sorted(known.tables.items()):
        if table.kind == VIEW:
            continue
        own = by_table.get(name, {})
        for kind, reason, statement in (*_statistics(table, own, known), *_files(own), *_sort_orders(own)):
            found.append(Advice(kind, name, reason, statement))
    return found


def _statistics(table: Table, own: Mapping[str, Use], known: Known) -> Iterator[tuple[str, str, str | None]]:
    wrong = {column: use.misjudged for column, use in own.items() if use.misjudged is not None}
    if table.kind == "postgres":
        wrong = {column: one for column, one in wrong.items() if one.at > datetime.now(UTC) - _RECENT}
        if wrong:
            yield "statistics", f"{_misjudged(wrong)} Run ANALYZE on it at its source.", None
        return
    analyzed, now = known.analyzed(table.name), known.now(table.name)
    is_as_it_was = analyzed is not None and analyzed.version == now.version
    if analyzed is not None:
        counted = analyzed.statistics.columns
        wrong = {
            column: one
            for column, one in wrong.items()
            if column not in counted or (one.at > analyzed.at and not is_as_it_was)
        }
    if wrong:
        columns = ", ".join(map(quote_identifier, sorted(wrong)))
        yield "statistics", f"{_misjudged(wrong)} {_state(analyzed, now, wrong)}", f"ANALYZE {table.name} ({columns})"
    elif analyzed is not None and not is_as_it_was:
        before = analyzed.statistics.rows
        if before and now.rows and not 1 / _GROWN < now.rows / before < _GROWN:
            columns = ", ".join(map(quote_identifier, sorted(analyzed.statistics.columns)))
            reason = f"It had {before:,.0f} rows when it was analyzed, and has {now.rows:,.0f} now."
            yield "stale statistics", reason, f"ANALYZE {table.name} ({columns})"


def _misjudged(wrong: Mapping[str, Misjudged]) -> str:
    column, worst = max(wrong.items(), key=lambda one: (_factor(one[1]), one[0]))
    return (
        f"What a statement asked of {quote_identifier(column)} was expected to have {worst.expected:,.0f} rows and had"
        f" {worst.found:,.0f}."
    )


def _factor(one: Misjudged) -> float:
    least, most = sorted((max(1.0, one.expected), max(1.0, one.found)))
    return most / least


def _state(analyzed: Analyzed | None, now: TableThen, wrong: Mapping[str, Misjudged]) -> str:
    if analyzed is None:
        return "The table was never analyzed."
    if not wrong.keys() <= analyzed.statistics.columns.keys():
        return "ANALYZE has not counted its values."
    return f"It was analyzed at version {analyzed.version}, and is at {now.version} now."


def _files(own: Mapping[str, Use]) -> Iterator[tuple[str, str, str | None]]:
    use = own.get(WHOLE)
    if use is None or use.files is None or use.bytes is None or use.files < _MANY_FILES:
        return
    average = use.bytes / use.files
    if average < _SMALL:
        reason = f"It has {use.files:,} files of {_size(average)} on average. Have them compacted where it is written."
        yield "small files", reason, None


def _sort_orders(own: Mapping[str, Use]) -> Iterator[tuple[str, str, str | None]]:
    for column, use in sorted(own.items()):
        if column == WHOLE or use.scans < _OFTEN or use.known < _FILES * use.scans:
            continue
        read, kept = use.read / use.known, use.kept / use.scans
        if read > _READ and kept < _KEPT:
            name = quote_identifier(column)
            reason = (
                f"The last {use.scans:,.0f} statements with conditions on {name} were expected to keep {kept:.2%} of"
                f" the rows and read {read:.0%} of the files. Have it sorted by {name}, or in Z-order, where it is"
                " written."
            )
            yield "sort order", reason, None


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1024 or unit == "MB":
            return f"{count:,.0f} {unit}"
        count /= 1024
    raise AssertionError("unreachable")
