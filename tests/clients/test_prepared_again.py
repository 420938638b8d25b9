"""A prepared statement executed again and again: other values, other versions of its tables, other policies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from tests.gateway import BOB, RunningGateway, SampleLake, Settings, serving


def _rows(start: int, count: int) -> pa.Table:
    return pa.table(
        {"n": pa.array(range(start, start + count), pa.int64()), "word": [f"w{n % 7}" for n in range(count)]}
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of a few files."""
    folder = tmp_path_factory.mktemp("again")
    for start in (0, 100, 200):
        write_deltalake(folder / "t", _rows(start, 100), mode="append")
    return folder


@pytest.fixture(scope="module")
def again(lake: SampleLake, folder: Path) -> Iterator[RunningGateway]:
    """A gateway over it, and over what the lake has in PostgreSQL and small Delta tables."""
    sources: dict[str, Mapping[str, object]] = {"again": {"kind": "delta", "location": str(folder)}}
    sources |= {name: lake.sources[name] for name in ("small", "crm", "supply")}
    with serving(lake, Settings(server={"refresh_interval": "0"}, sources=sources, database="again")) as running:
        yield running


@pytest.fixture
def ada(again: RunningGateway) -> Iterator[psycopg.Connection]:
    with again.connect() as connection:
        yield connection


QUERIES = (
    ("SELECT count(*), min(n) FROM again.t WHERE n >= $1 AND word <> $2", "bigint, text"),
    ("SELECT n FROM again.t WHERE n = $1 OR word = $2 ORDER BY 1 LIMIT 3", "bigint, text"),
    (
        "SELECT count(*) FROM again.t JOIN crm.nation ON n = n_nationkey WHERE n_nationkey <= $1 AND word < $2",
        "bigint, text",
    ),
    ("SELECT $2 || n, n + $1 FROM again.t WHERE n BETWEEN $1 - 2 AND $1 ORDER BY 2", "bigint, text"),
    ("SELECT sum(s_acctbal), count(*) FROM supply.supplier WHERE s_nationkey = $1 OR s_name = $2", "bigint, text"),
)
VALUES: tuple[tuple[int | None, str | None], ...] = (
    *((5, "w1"), (150, "w2"), (1000, "none"), (None, "w1"), (7, None), (None, None)),
    *((-1, ""), (0, "it's"), (5, "w1"), (250, "w6")),
)


@pytest.mark.parametrize(("query", "types"), QUERIES)
def test_rows_are_those_of_the_values_in_the_text(ada: psycopg.Connection, query: str, types: str) -> None:
    ada.execute(f"PREPARE one ({types}) AS {query}".encode())
    as_bound = query.replace("$1", "%(one)s::bigint").replace("$2", "%(two)s::text").encode()
    for number, text in VALUES:
        one = "NULL::bigint" if number is None else f"{number}::bigint"
        two = "NULL::text" if text is None else "'" + text.replace("'", "''") + "'::text"
        expected = ada.execute(query.replace("$1", one).replace("$2", two).encode()).fetchall()
        assert ada.execute(f"EXECUTE one ({one}, {two})".encode()).fetchall() == expected, (number, text)
        assert ada.execute(as_bound, {"one": number, "two": text}, prepare=True).fetchall() == expected, (number, text)


@pytest.mark.parametrize("binary", [False, True])
def test_each_execution_has_the_table_as_it_is(ada: psycopg.Connection, folder: Path, binary: bool) -> None:
    write_deltalake(folder / "t", _rows(0, 50), mode="overwrite")
    query = b"SELECT count(*), max(n) FROM again.t WHERE n >= %s"
    found: list[object] = []
    for number in range(6):
        seen = {ada.execute(query, [number], prepare=True, binary=binary).fetchone() for _ in range(5)}
        found += seen
        write_deltalake(folder / "t", _rows(100 * (number + 1), 10), mode="append")
    assert found == [(50 + 9 * number, 49 if not number else 100 * number + 9) for number in range(6)]


def test_each_execution_is_under_the_policies_of_its_time(again: RunningGateway, ada: psycopg.Connection) -> None:
    query = b"SELECT count(*) FROM small.numbers WHERE n <= %s"
    ada.execute("GRANT USAGE ON SCHEMA small TO bob; GRANT SELECT ON small.numbers TO bob")
    try:
        with again.connect(BOB) as bob:
            assert bob.execute(query, [10], prepare=True).fetchone() == (10,)
            assert bob.execute(query, [11], prepare=True).fetchone() == (11,)
            ada.execute("CREATE POLICY even ON small.numbers USING (n % 2 = 0)")
            ada.execute("ALTER TABLE small.numbers ENABLE ROW LEVEL SECURITY")
            assert bob.execute(query, [10], prepare=True).fetchone() == (5,)
            assert bob.execute(query, [20], prepare=True).fetchone() == (10,)
            ada.execute("DROP POLICY even ON small.numbers")
            assert bob.execute(query, [10], prepare=True).fetchone() == (0,)
            ada.execute("ALTER TABLE small.numbers DISABLE ROW LEVEL SECURITY")
            ada.execute("REVOKE SELECT ON small.numbers FROM bob")
            with pytest.raises(psycopg.errors.UndefinedTable):
                bob.execute(query, [10], prepare=True)
    finally:
        ada.execute("DROP POLICY IF EXISTS even ON small.numbers")
        ada.execute("ALTER TABLE small.numbers DISABLE ROW LEVEL SECURITY")
        ada.execute("REVOKE SELECT ON small.numbers FROM bob; REVOKE USAGE ON SCHEMA small FROM bob")
