"""What is computed is computed for the rows that are kept alone: DataFusion moves it below filters and limits, where it
fails for rows that are left out. Over files, of which the engine reads no more columns than it must.
"""

from __future__ import annotations

import psycopg
import pytest

from tests.gateway import RunningGateway, SampleLake

_VALUE = "10 / (id - 1) + length(name) + price"


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT id AS p, {_VALUE} AS q FROM small.kinds WHERE id > 1",
        f"SELECT id AS p, {_VALUE} AS q FROM small.kinds WHERE id <> 1 LIMIT 3",
        f"SELECT DISTINCT id AS p, {_VALUE} AS q FROM small.kinds WHERE id <> 1",
        f"SELECT id, sum({_VALUE}), max({_VALUE}) FROM small.kinds WHERE id <> 1 GROUP BY id",
        f"SELECT id, rank() OVER (ORDER BY {_VALUE}) FROM small.kinds WHERE id <> 1",
        f"SELECT id FROM small.kinds WHERE id <> 1 ORDER BY {_VALUE}",
        f"SELECT p, q FROM (SELECT id AS p, {_VALUE} AS q FROM small.kinds) s WHERE p <> 1",
        f"WITH w AS (SELECT id AS p, {_VALUE} AS q FROM small.kinds) SELECT * FROM w WHERE p <> 1",
        f"SELECT * FROM (SELECT id AS p, {_VALUE} AS q FROM small.kinds"
        f" UNION ALL SELECT id, {_VALUE} FROM small.kinds) s WHERE p <> 1",
        f"SELECT s.p, q FROM (SELECT id AS p, {_VALUE} AS q FROM small.kinds) s"
        " JOIN small.numbers n ON n.n = s.p WHERE s.p <> 1",
        f"SELECT k.id FROM small.kinds k JOIN small.numbers n ON n.n = {_VALUE} WHERE k.id <> 1",
        "SELECT id, 10 / (id - 3) + length(name) + price FROM (SELECT * FROM small.kinds ORDER BY id LIMIT 2) s",
        "SELECT id, 10 / (id - 3) + length(name) + price FROM (SELECT * FROM small.kinds WHERE id < 3) s",
        "SELECT id / 2 AS k, count(*) AS c, 10 / (count(*) - 2) + max(id) + min(id) AS q FROM small.kinds GROUP BY 1"
        " HAVING count(*) <> 2",
        "SELECT k.id, n.n, 10 / (k.id - coalesce(n.n, 0)) + k.price FROM small.kinds k LEFT JOIN small.numbers n"
        " ON n.n = k.id AND n.n > 1 WHERE k.id <> coalesce(n.n, 0)",
        "SELECT k, 10 / (c - 2) + a + b FROM (SELECT id / 2 AS k, count(*) AS c, max(id) AS a, min(id) AS b"
        " FROM small.kinds GROUP BY 1 HAVING count(*) <> 2) s",
        "SELECT k.id FROM small.kinds k WHERE k.id <> 1 AND EXISTS"
        f" (SELECT 1 FROM small.numbers n WHERE n.n = {_VALUE})",
        "SELECT k.id FROM small.kinds k WHERE k.id <> 1 AND NOT EXISTS"
        f" (SELECT 1 FROM small.numbers n WHERE n.n = {_VALUE})",
        f"SELECT k.id FROM small.kinds k WHERE k.id <> 1 AND {_VALUE} IN (SELECT n FROM small.numbers)",
        f"SELECT k.id, (SELECT count(*) FROM small.numbers n WHERE n.n = {_VALUE}) FROM small.kinds k WHERE k.id <> 1",
        "SELECT k.id, n.n FROM small.kinds k JOIN small.numbers n ON n.n = k.id WHERE k.id <> 1"
        f" AND EXISTS (SELECT 1 FROM small.numbers m WHERE m.n = {_VALUE})",
        "SELECT s.id, 10 / (s.id - 1) + length(s.name) + s.price FROM (SELECT k.id, k.name, k.price FROM small.kinds k"
        " JOIN small.numbers n ON n.n = k.id OR n.n > 1 WHERE k.id <> 1) s",
        "SELECT s.id, 10 / (s.id - s.n) + length(s.name) + s.price FROM (SELECT k.id, k.name, k.price, n.n"
        " FROM small.kinds k JOIN small.numbers n ON n.n = k.id OR n.n > 1 WHERE k.id <> n.n) s",
        "SELECT s.id, 10 / (s.id - 1) + length(s.name) + s.price FROM (SELECT k.id, k.name, k.price FROM"
        " (SELECT * FROM small.kinds WHERE id <> 1) k LEFT JOIN small.numbers n ON n.n = k.id) s",
        "SELECT s.id, sum(10 / (s.id - 1) + s.price), max(10 / (s.id - 1) + s.price) FROM (SELECT k.id, k.name,"
        " k.price FROM (SELECT * FROM small.kinds WHERE id <> 1) k, (SELECT * FROM small.numbers LIMIT 2) n) s"
        " GROUP BY 1",
        "SELECT id, (nullif(name, '') || '')::json, price, day FROM small.kinds WHERE id <> 1 AND id <> 3",
    ],
)
def test_rows_that_are_left_out_raise_nothing(gateway: RunningGateway, lake: SampleLake, query: str) -> None:
    with psycopg.connect(lake.reference_dsn) as reference:
        expected = reference.execute(query.encode()).fetchall()
    with gateway.connect() as client:
        assert sorted(map(str, client.execute(query.encode()).fetchall())) == sorted(map(str, expected))


def test_a_filter_still_reaches_the_files(gateway: RunningGateway) -> None:
    query = f"SELECT id AS p, {_VALUE} AS q FROM small.kinds WHERE id > 1"
    with gateway.connect() as client:
        plan = "\n".join(row[0] for row in client.execute(f"EXPLAIN {query}".encode()).fetchall())
    assert "Prunes files: id > 1" in plan, plan
