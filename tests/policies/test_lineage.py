"""What the columns of a query are made of, in every form of query."""

from __future__ import annotations

import pyarrow as pa
import pytest

from catalog.names import TableName
from catalog.tables import Catalog, Column, Table
from gateway.sql.resolve import Names, references, resolve
from gateway.sql.statements import parse_query
from policies.lineage import lineage


def _table(name: str, *columns: str) -> Table:
    made = tuple(Column(column, "integer", pa.int32()) for column in columns)
    return Table(TableName("s", name), "s", "delta", (), made)


TABLES = (_table("t", "a", "b", "c"), _table("u", "a", "x"))
CATALOG = Catalog(1, {one.name: one for one in TABLES}, {"s": None})
EVERYTHING = "t.a t.b t.c u.a u.x"
CASES = {
    "SELECT a, b + c AS d, 1 AS e FROM s.t": {"a": "t.a", "d": "t.b t.c", "e": ""},
    "SELECT a FROM s.t WHERE b = 1 ORDER BY c LIMIT 1": {"a": "t.a"},
    "SELECT max(b) AS m, sum(c) FILTER (WHERE a = 1) AS f FROM s.t GROUP BY c": {"m": "t.b", "f": "t.a t.c"},
    "SELECT count(b) AS n, count(DISTINCT b) AS d, count(*) AS m FROM s.t": {"n": "", "d": "", "m": ""},
    "SELECT count(CASE WHEN b = 1 THEN 1 END) AS n FROM s.t": {"n": "t.b"},
    "SELECT CASE WHEN a = 1 THEN b ELSE c END AS v FROM s.t": {"v": "t.a t.b t.c"},
    "SELECT t.a, x FROM s.t JOIN s.u ON t.b = u.a": {"a": "t.a", "x": "u.x"},
    "SELECT a FROM s.t JOIN s.u USING (a)": {"a": "t.a u.a"},
    "SELECT d.y AS z FROM (SELECT b AS y FROM s.t) AS d": {"z": "t.b"},
    "SELECT d.p AS z FROM (SELECT a, b FROM s.t) AS d (o, p)": {"z": "t.b"},
    "SELECT r.q AS z FROM s.t AS r (p, q)": {"z": "t.b"},
    "WITH w AS (SELECT c AS k FROM s.t), v (l) AS (SELECT k FROM w) SELECT l FROM v": {"l": "t.c"},
    "WITH t AS (SELECT x AS a FROM s.u) SELECT a FROM t": {"a": "u.x"},
    "SELECT a, b FROM s.t UNION SELECT x, 1 FROM s.u": {"a": "t.a u.x", "b": "t.b"},
    "(SELECT a FROM s.t) EXCEPT ALL (SELECT b FROM s.t)": {"a": "t.a t.b"},
    "SELECT (SELECT max(x) FROM s.u WHERE u.a = t.c) AS m FROM s.t": {"m": "t.c u.a u.x"},
    "SELECT EXISTS (SELECT 1 FROM s.u WHERE u.a = t.c) AS e FROM s.t": {"e": "t.c u.a"},
    "SELECT b IN (SELECT x FROM s.u) AS e FROM s.t": {"e": "t.b u.x"},
    "SELECT a FROM s.t WHERE b IN (SELECT x FROM s.u)": {"a": "t.a"},
    "SELECT rank() OVER (PARTITION BY a ORDER BY b) AS r FROM s.t": {"r": "t.a t.b"},
    "SELECT rank() OVER w AS r, a FROM s.t WINDOW w AS (ORDER BY b)": {"r": "t.b", "a": "t.a"},
    "SELECT l.k AS v FROM s.t, LATERAL (SELECT t.b AS k) AS l": {"v": "t.b"},
    "SELECT a FROM (s.t CROSS JOIN (SELECT x FROM s.u) AS o)": {"a": "t.a"},
    "WITH RECURSIVE r (p, q) AS (SELECT a, b FROM s.t UNION ALL SELECT q, p FROM r) SELECT p, 1 AS one FROM r": {
        "p": "t.a t.b t.c",
        "one": "",
    },
    "SELECT v.column1 AS k FROM s.t, (VALUES (1), (2)) AS v": {"k": ""},
}


@pytest.mark.parametrize(("query", "expected"), CASES.items(), ids=CASES)
def test_lineage(query: str, expected: dict[str, str]) -> None:
    tree = parse_query(query)
    assert tree is not None
    names = Names(CATALOG, frozenset(), (), lambda _: True)
    resolved = resolve(tree, references(tree, names), names)
    found = lineage(resolved.tree, resolved.tables)
    told = {
        name: " ".join(sorted(f"{one.table.name}.{one.column}" for one in origins))
        for name, origins in found.columns.items()
    }
    assert told == expected


def test_what_is_not_known_is_everything() -> None:
    tree = parse_query("SELECT t.a FROM s.t, s.u")
    assert tree is not None
    names = Names(CATALOG, frozenset(), (), lambda _: True)
    resolved = resolve(tree, references(tree, names), names)
    resolved.tree.selects[0].unalias().set("table", "strange")
    found = lineage(resolved.tree, resolved.tables)
    for origins in (found.of("a"), found.of("no such column")):
        assert " ".join(sorted(f"{one.table.name}.{one.column}" for one in origins)) == EVERYTHING
