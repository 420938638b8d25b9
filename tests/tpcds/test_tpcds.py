"""TPC-DS's 99 queries, unchanged, over Delta, Iceberg and PostgreSQL at once: PostgreSQL's rows, types and names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from psycopg.conninfo import make_conninfo
from sqlglot import exp, parse_one

from benchmarks import tpcds_data
from tests.differential.compare import Answer, difference
from tests.differential.subjects import Postgres
from tests.gateway import SampleLake, Section, Settings, serving

_SCALE = 0.01
_LIMIT = 100
_QUERIES = tpcds_data.queries()
_DIGITS = {
    27,
    40,
    61,
    66,
    80,
}  # numerics without a scale that went through CASE, ROLLUP or sum: fewer or more zeros shown


@dataclass(frozen=True, slots=True)
class Both:
    """PostgreSQL with all the tables, and the gateway over three sources that share them. ``rows``: how many each query
    was seen to find.
    """

    postgres: Postgres
    gateway: Postgres
    rows: dict[int, int] = field(default_factory=dict)


@pytest.fixture(scope="module")
def both(lake: SampleLake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    sources: dict[str, Section] = {}
    with tpcds_data.generated(_SCALE) as data:
        names = tpcds_data.table_names(data)
        sources |= tpcds_data.write_lake(data, tmp_path_factory.mktemp("tpcds"))
        elsewhere = [name for name in names if name not in (*tpcds_data.DELTA, *tpcds_data.ICEBERG)]
        crm, reference = (_database(lake, name) for name in ("tpcds_crm", "tpcds"))
        tpcds_data.write_postgres(data, crm, elsewhere)
        tpcds_data.write_postgres(data, reference, names)
    sources["crm"] = {"kind": "postgres", "dsn": crm}
    with serving(lake, Settings(sources=sources, database="tpcds_lake")) as gateway:
        found = Both(Postgres(reference), Postgres(gateway.dsn()))
        found.postgres.connection.execute("SET enable_nestloop = off")  # which it takes for large estimates: seconds
        found.gateway.connection.execute(f"SET search_path = {', '.join(tpcds_data.SCHEMAS)}".encode())
        yield found
        found.gateway.connection.close()
        found.postgres.connection.close()


def _database(lake: SampleLake, name: str) -> str:
    lake.server.create_database(name, f"{name}_owner", "tpcds secret")
    return make_conninfo("", **lake.server.connection_parameters(name, f"{name}_owner", "tpcds secret"))


@pytest.mark.parametrize("number", tpcds_data.NUMBERS)
def test_query(number: int, both: Both) -> None:
    text = _QUERIES[number]
    expected, found = _answers(number, text, both)
    both.rows[number] = len(expected.rows)
    keys = _sorted_columns(text, expected)
    assert (told := difference(_only(expected, keys), _only(found, keys), ordered=True)) is None, told
    if len(expected.rows) == _LIMIT:  # ties may be cut otherwise: all the rows are compared
        whole = re.sub(r"\sLIMIT 100$", "", text)
        assert whole != text
        expected, found = _answers(number, whole, both)
    assert (told := difference(expected, found, ordered=False)) is None, told


def test_most_queries_find_rows(both: Both) -> None:
    if len(both.rows) < len(_QUERIES):
        pytest.skip("not all queries were run")
    assert len(_QUERIES) == 99
    assert sum(1 for count in both.rows.values() if count) >= 70


def _answers(number: int, text: str, both: Both) -> tuple[Answer, Answer]:
    expected, found = both.postgres.answer(text), both.gateway.answer(text)
    return expected, replace(found, exact=number not in _DIGITS)


def _sorted_columns(text: str, answer: Answer) -> list[int]:
    """Return the places of the columns that the rows are sorted by, as far as they are shown."""
    tree = parse_one(text, dialect="postgres")
    order = tree.args.get("order")
    places: list[int] = []
    for one in order.expressions if isinstance(order, exp.Order) else []:
        key = one.this
        if isinstance(key, exp.Literal) and key.is_int:
            places.append(int(key.name) - 1)
        elif isinstance(key, exp.Column) and answer.names.count(key.name.lower()) == 1:
            places.append(answer.names.index(key.name.lower()))
        else:
            break
    return places


def _only(answer: Answer, places: list[int]) -> Answer:
    names, oids = tuple(answer.names[at] for at in places), tuple(answer.oids[at] for at in places)
    return Answer(names, oids, tuple(tuple(row[at] for at in places) for row in answer.rows), answer.exact)
