"""A query that was cut once is read with other values of its parameters exactly as if it had been cut for them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pyarrow as pa
import pytest
from sqlglot import exp

from optimizer.fragment import fragment, with_parameters
from optimizer.stages import Fragment, Fragmented
from tests.optimizer.small_lake import SmallLake

INTEGER, TEXT = pa.int32(), pa.string()
QUERIES = (
    ("SELECT id FROM pg.one WHERE k = $1 AND id > 0", ("integer",)),
    ("SELECT id FROM lk.one WHERE k = $1 OR id = 2", ("integer",)),
    ("SELECT id FROM lk.one WHERE k BETWEEN $1 AND $2", ("integer", "integer")),
    ("SELECT l.id FROM lk.one l JOIN pg.one p ON l.id = p.id WHERE l.k <= $1 AND p.k IN ($2, 7)", ("integer",) * 2),
    (
        "SELECT p.id FROM pg.one p WHERE p.s = $1 AND EXISTS (SELECT 1 FROM lk.one l WHERE l.k = $2)",
        ("text", "integer"),
    ),
    ("SELECT id + $1 FROM pg.one WHERE s < $2", ("integer", "text")),
)
VALUES = {"integer": (1, 4, -1, 2_000_000_000), "text": ("a", "it's", "", "ä")}


def _given(types: tuple[str, ...], number: int) -> tuple[pa.Scalar, ...]:
    arrow = {"integer": INTEGER, "text": TEXT}
    return tuple(pa.scalar(VALUES[one][(number + at) % 4], arrow[one]) for at, one in enumerate(types))


def _cut(lake: SmallLake, query: str, types: tuple[str, ...], given: tuple[pa.Scalar, ...]) -> Fragmented:
    optimized = lake.optimized(query, parameters=types)
    snapshots = {table.name: lake.sources[table.source].pin(table) for table in optimized.tables.values()}
    return fragment(optimized, snapshots, lake.sources, given)


def _plain(cut: Fragmented) -> tuple[str, list[Fragment]]:
    """Return what there is of it, with relations by their number: their names are made by chance."""
    tree = cut.tree.copy()
    numbers = {part.relation: f"relation {at}" for at, part in enumerate(cut.fragments)}
    for table in tree.find_all(exp.Table):
        table.this.set("this", numbers[table.name])
    return tree.sql("postgres"), [replace(part, relation=numbers[part.relation]) for part in cut.fragments]


@pytest.mark.parametrize(("query", "types"), QUERIES)
def test_as_if_it_had_been_cut_for_them(tables: SmallLake, query: str, types: tuple[str, ...]) -> None:
    first = _cut(tables, query, types, _given(types, 0))
    for number in (1, 2, 3):
        given = _given(types, number)
        again = with_parameters(first, tables.sources, given)
        assert again is not None
        assert _plain(again) == _plain(_cut(tables, query, types, given))
        first = again


def test_another_value_is_another_scan(tables: SmallLake) -> None:
    query, types = QUERIES[0]
    first = _cut(tables, query, types, (pa.scalar(1, INTEGER),))
    again = with_parameters(first, tables.sources, (pa.scalar(4, INTEGER),))
    assert again is not None
    assert [one.pushed for one in again.fragments] != [one.pushed for one in first.fragments]
    assert [one.scan for one in again.fragments] != [one.scan for one in first.fragments]


@pytest.mark.parametrize(("query", "types"), [QUERIES[0], *QUERIES[2:5]])
def test_null_has_the_query_cut_anew(tables: SmallLake, query: str, types: tuple[str, ...]) -> None:
    first = _cut(tables, query, types, _given(types, 0))
    null = tuple(pa.scalar(None, INTEGER if one == "integer" else TEXT) for one in types)
    assert with_parameters(first, tables.sources, null) is None


def test_what_only_the_engine_compares_may_be_null(tables: SmallLake) -> None:
    query, types = QUERIES[1]
    first = _cut(tables, query, types, _given(types, 0))
    null = (pa.scalar(None, INTEGER),)
    again = with_parameters(first, tables.sources, null)
    assert again is not None
    assert _plain(again) == _plain(_cut(tables, query, types, null))


@pytest.mark.parametrize(
    ("given", "of", "pushed"),
    [
        (pa.scalar(4, pa.int16()), "smallint", 4),
        (pa.scalar(4, pa.int64()), "bigint", 4),
        (pa.scalar(Decimal(4), pa.decimal128(38, 0)), "numeric(38,0)", 4),
        (pa.scalar(Decimal("4.5"), pa.decimal128(38, 1)), "numeric(38,1)", None),
        (pa.scalar(1 << 40, pa.int64()), "bigint", None),
        (pa.scalar(4.0, pa.float64()), "double precision", None),
        (pa.scalar(True), "boolean", None),
    ],
)
def test_a_number_is_brought_to_the_type_of_its_column(
    tables: SmallLake, given: pa.Scalar, of: str, pushed: int | None
) -> None:
    (part,) = _cut(tables, "SELECT id FROM pg.one WHERE k < $1", (of,), (given,)).fragments
    assert [one.values[0] for one in part.pushed] == ([] if pushed is None else [pa.scalar(pushed, INTEGER)])


@pytest.mark.parametrize(
    ("condition", "given", "of", "pushed"),
    [
        ("k = ANY (ARRAY[1, 4, NULL])", None, "", [1, 4]),
        ("k = ANY ($1)", pa.scalar([1, 4], pa.list_(pa.int32())), "integer[]", [1, 4]),
        ("k = ANY ($1)", pa.scalar([1, None, 4], pa.list_(pa.int64())), "bigint[]", [1, 4]),
        ("s = ANY ($1)", pa.scalar(["a", "it's"], pa.list_(pa.string())), "text[]", ["a", "it's"]),
        ("k = ANY ($1)", pa.scalar([1 << 40], pa.list_(pa.int64())), "bigint[]", None),
        ("k = ANY ($1)", pa.scalar([], pa.list_(pa.int32())), "integer[]", None),
        ("k = ANY ($1)", pa.scalar([None], pa.list_(pa.int32())), "integer[]", None),
        ("k = ANY ($1)", pa.scalar(None, pa.list_(pa.int32())), "integer[]", None),
        ("k = ANY ($1)", pa.scalar([0] * 1001, pa.list_(pa.int32())), "integer[]", None),
        ("k <> ANY ($1)", pa.scalar([1], pa.list_(pa.int32())), "integer[]", None),
        ("NOT k = ANY (ARRAY[1, NULL])", None, "", None),
        ("k = ALL (ARRAY[1])", None, "", None),
        ("k = ANY (ARRAY[id])", None, "", None),
    ],
)
def test_arrays_are_lists_of_values(
    tables: SmallLake, condition: str, given: pa.Scalar | None, of: str, pushed: list[object] | None
) -> None:
    types, values = ((of,), (given,)) if given is not None else ((), ())
    (part,) = _cut(tables, f"SELECT id FROM pg.one WHERE {condition}", types, values).fragments
    assert [[value.as_py() for value in one.values] for one in part.pushed] == ([] if pushed is None else [pushed])
