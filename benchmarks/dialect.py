"""What the gateway's rewriting adds to a statement: TPC-DS's 99 queries and some small statements, stage by stage."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from benchmarks import tpcds, tpcds_data
from benchmarks.measure import Timings, in_turn
from benchmarks.report import Floor, Section, Table
from benchmarks.setting import Setting
from benchmarks.stages import Stages, evaluating, stages
from gateway import garbage_collection

Made = TypeVar("Made")
Staged = Mapping[str, Mapping[str, float]]
"""The milliseconds of each stage of some statements."""
_QUERY_MS, _SMALL_MS = 2.0, 0.2
_STAGES = ("parse", "resolve", "typing", "rewrite")
_SMALL = {
    "point query": "SELECT * FROM item WHERE i_item_sk = 4711",
    "some columns": "SELECT i_item_sk, i_brand, i_current_price FROM item WHERE i_category = 'Books' LIMIT 10",
    "count": "SELECT count(*) FROM store_sales",
    "small aggregate": "SELECT s_state, count(*), sum(s_floor_space) FROM store GROUP BY s_state ORDER BY s_state",
    "join of two": "SELECT s_store_name, d_year FROM store JOIN date_dim ON d_date_sk = s_closed_date_sk",
}
_FORMS = {"as it was": "SELECT s_suppkey FROM supply.supplier WHERE s_suppkey = 1"}
_FORMS["anew"] = _FORMS["as it was"] + " AND {0} = {0}"
"""One that is in memory, and one that differs each time: what a repeated statement is spared."""


def run(setting: Setting) -> Section:
    """Measure each stage in this process, with the gateway's own functions, then a repeated statement through it."""
    rounds = 3 if setting.quick else 7
    with evaluating() as evaluator, tpcds_data.generated(0.01) as data:
        known = stages(tpcds.lake_tables(data), evaluator)
        texts = {f"Q{number}": text for number, text in tpcds_data.queries().items()}
        garbage_collection.leave_little()  # as the gateway does when it has started
        queries = {name: staged(text, known, rounds) for name, text in texts.items()}
        small = {name: staged(text, known, 10 * rounds) for name, text in _SMALL.items()}
    return _section(queries, small, _repeated(setting, 20 * rounds))


def staged(text: str, known: Stages, rounds: int) -> dict[str, float]:
    """Return the least milliseconds of each stage. Of the first round nothing counts: it asks PostgreSQL for types."""
    each = [_once(text, known) for _ in range(rounds + 1)][1:]
    return {stage: min(one[stage] for one in each) for stage in _STAGES}


def _once(text: str, known: Stages) -> dict[str, float]:
    tree, parsed = _timed(partial(known.parse, text))
    resolved, named = _timed(partial(known.resolve, tree))
    _, typed = _timed(partial(known.type, resolved))
    optimized = known.optimize(resolved)
    _, rewritten = _timed(partial(known.render, optimized))
    return dict(zip(_STAGES, (parsed, named, typed, rewritten), strict=True))


def _timed(work: Callable[[], Made]) -> tuple[Made, float]:
    """Return what was made, and the milliseconds of this thread."""
    started = time.thread_time()
    made = work()
    return made, (time.thread_time() - started) * 1000


def _repeated(setting: Setting, rounds: int) -> dict[str, Timings]:
    """Ask the gateway the same statement again and again, and others beside it of the same form."""
    counter = iter(range(1 << 30))
    with setting.gateway.connect() as ours:

        def ask(text: str) -> object:
            return ours.execute(text.format(next(counter)).encode(), prepare=False).fetchall()

        subjects: dict[str, Callable[[], object]] = {name: partial(ask, text) for name, text in _FORMS.items()}
        return in_turn(subjects, rounds, warm_up=5)


def _section(
    queries: Mapping[str, Mapping[str, float]],
    small: Mapping[str, Mapping[str, float]],
    repeated: Mapping[str, Timings],
) -> Section:
    spared = (repeated["anew"].median - repeated["as it was"].median) * 1000
    added = statistics.median(_added(one) for one in queries.values())
    of_small = max(_added(one) for one in small.values())
    floors = (
        Floor("TPC-DS: typing and rewriting a query, median", added, _QUERY_MS, "ms"),
        Floor("small statements: typing and rewriting, the longest", of_small, _SMALL_MS, "ms"),
    )
    notes = (
        "Processor time of the thread, the least of some rounds; nothing is kept between them but the types that"
        " PostgreSQL has told. Parsing, finding what names mean, policies and the optimizer are not counted as added.",
        "Typing is a part of resolving, done once more on a copy, which counts; rewriting begins with the optimizer's"
        " tree and ends with the engine's SQL, for output as text.",
        f"Over a gateway a repeated statement takes {repeated['as it was'].median * 1000:.2f} ms, one that differs in a"
        f" constant each time {spared:.2f} ms more: all of planning is spared.",
    )
    columns = ("", *(f"{stage}, ms" for stage in _STAGES), "added, ms")
    tables = (Table(columns, (*_rows(queries), *_summary(queries))), Table(columns, tuple(_rows(small))))
    data = {"queries": queries, "small": small, "repeated": {name: one.plain() for name, one in repeated.items()}}
    return Section("Typing and rewriting", tables, floors, notes, data)


def _added(taken: Mapping[str, float]) -> float:
    return taken["typing"] + taken["rewrite"]


def _rows(each: Staged) -> list[tuple[str, ...]]:
    return [(name, *(f"{one[stage]:.2f}" for stage in _STAGES), f"{_added(one):.2f}") for name, one in each.items()]


def _summary(each: Staged) -> list[tuple[str, ...]]:
    """Return the median of each column, and what one of twenty is above."""
    columns = [*([one[stage] for one in each.values()] for stage in _STAGES), [_added(one) for one in each.values()]]
    middle = ("median", *(f"{statistics.median(one):.2f}" for one in columns))
    return [middle, ("the 95th of 100", *(f"{statistics.quantiles(one, n=20)[-1]:.2f}" for one in columns))]
