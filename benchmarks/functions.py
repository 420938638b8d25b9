"""What the gateway makes of PostgreSQL's functions and operators, beside the engine's own nearest."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
from datafusion import SessionConfig, SessionContext

from benchmarks import function_pairs, function_rows
from benchmarks.function_pairs import Pair
from benchmarks.measure import Timings, in_turn
from benchmarks.report import Floor, Section, Table
from benchmarks.setting import Setting
from benchmarks.stages import Stages, evaluating, stages
from catalog.names import TableName
from catalog.tables import Column
from catalog.tables import Table as LakeTable
from gateway.execute.context_settings import ALL
from gateway.sql.engine_dialect.functions import register_functions

_ROWS, _QUICK_ROWS = 1_000_000, 100_000
_BATCH = 8192
_RATIO = 1.5
_TABLE = TableName("public", "t")
_PUT_OUT = "SELECT {} AS v FROM t"
_OF_ROWS = f"SELECT bool_or(v IS NULL) FROM ({_PUT_OUT}) AS u"  # the engine counts a cast without casting anything
_OF_GROUPS = "SELECT bool_or(v IS NULL) FROM (SELECT k, {} AS v FROM t GROUP BY k) AS u"
_ASKED = "postgres_"  # the names of the engine's functions that have PostgreSQL evaluate begin so
FORMS: dict[str, tuple[str, tuple[Pair, ...]]] = {
    "numbers": (_OF_ROWS, function_pairs.NUMBERS),
    "texts": (_OF_ROWS, function_pairs.TEXTS),
    "dates and times": (_OF_ROWS, function_pairs.MOMENTS),
    "casts": (_OF_ROWS, function_pairs.CASTS),
    "arrays and rows": (_OF_ROWS, function_pairs.ARRAYS),
    "aggregates": (_OF_GROUPS, function_pairs.AGGREGATES),
    "windows": (_OF_ROWS, function_pairs.WINDOWS),
    "put out": (_PUT_OUT, function_pairs.PUT_OUT),
}


@dataclass(frozen=True, slots=True)
class Compared:
    """A pair, what the engine is sent for it, and how long that and the nearest take."""

    pair: Pair
    sent: str
    taken: dict[str, Timings]

    @property
    def ratio(self) -> float:
        """How many times as long as the engine's own it takes: the median of both."""
        return self.taken["gateway"].median / self.taken["engine"].median

    @property
    def is_replaced(self) -> bool:
        """Whether the engine computes it, and not PostgreSQL."""
        return _ASKED not in self.sent


def run(setting: Setting) -> Section:
    """Compare each pair in turn, over the same rows in memory, on one core."""
    rows, rounds = (_QUICK_ROWS, 3) if setting.quick else (_ROWS, 5)
    with evaluating() as evaluator:
        context = engine(rows)
        evaluator.register(context)
        known = stages({_TABLE: _table()}, evaluator)
        found = {
            family: [compared(pair, form, known, context, rounds) for pair in pairs]
            for family, (form, pairs) in FORMS.items()
        }
    return _section(found, rows)


def engine(rows: int) -> SessionContext:
    """Return an engine set up as the gateway's own, with the table."""
    context = SessionContext(SessionConfig({**ALL}).with_target_partitions(1))
    register_functions(context)
    context.register_record_batches("t", [function_rows.made(rows).to_batches(_BATCH)])
    return context


def _table() -> LakeTable:
    types = function_rows.made(1).schema
    columns = tuple(Column(name, written, types.field(name).type) for name, written in function_rows.TYPES.items())
    return LakeTable(_TABLE, "files", "files", ("t",), columns)


def compared(pair: Pair, form: str, known: Stages, context: SessionContext, rounds: int) -> Compared:
    """Measure a pair."""
    sent = known.rendered(form.format(pair.asked)).sql
    nearest = form.format(pair.nearest)
    subjects: dict[str, Callable[[], object]] = {
        "gateway": partial(_ask, context, sent),
        "engine": partial(_ask, context, nearest),
    }
    return Compared(pair, sent, in_turn(subjects, rounds, clock=time.process_time))


def _ask(context: SessionContext, text: str) -> list[pa.RecordBatch]:
    return context.sql(text).collect()


def _section(found: dict[str, list[Compared]], rows: int) -> Section:
    tables, floors = [], []
    data: dict[str, object] = {}
    for family, each in found.items():
        tables.append(_as_table(family, each))
        worst = max((one for one in each if one.is_replaced), key=lambda one: one.ratio)
        floors.append(Floor(f"{family}, the worst: {worst.pair.asked}", worst.ratio, _RATIO))
        data[family] = {
            one.pair.asked: {"sent": one.sent, "ratio": one.ratio, **{k: v.plain() for k, v in one.taken.items()}}
            for one in each
        }
    notes = (
        f"{rows:,} rows in memory in batches of {_BATCH:,}, one core, processor time, the two in turn. Aggregates are"
        " of a thousand groups, windows of a thousand partitions.",
        "Whether a value is NULL is asked, so that each is computed and none is written; those that are put out are"
        " written as text, as a client has them.",
        "What PostgreSQL itself evaluates is in the tables with that word, and in no floor: the engine has no such"
        " function, or one that answers otherwise.",
    )
    return Section("Functions beside the engine's own", tuple(tables), tuple(floors), notes, data)


def _as_table(family: str, each: Sequence[Compared]) -> Table:
    lines = [
        (
            f"`{one.pair.asked}`".replace("|", "\\|"),
            f"`{one.pair.nearest}`".replace("|", "\\|"),
            one.pair.why if one.is_replaced else "PostgreSQL evaluates it",
            *(f"{one.taken[subject].median * 1000:.1f}" for subject in ("gateway", "engine")),
            f"{one.ratio:.2f}",
        )
        for one in sorted(each, key=lambda one: -one.ratio)
    ]
    return Table((family, "the engine's nearest", "", "gateway, ms", "engine, ms", "ratio"), tuple(lines))
