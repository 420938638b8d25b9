"""Tables that are read by the keys of others: the same rows, whatever joins them, and whatever the keys are."""

from __future__ import annotations

from collections import Counter
from random import Random

from tests.optimizer.small_lake import SmallLake

_SEED = 7
_INTEGERS = ("id", "k", '"Mixed Case"', '"select"')
_FILES = ("lk.one", 'lk."select"', "lk.none")
_REMOTE = ("pg.one", 'pg."order"', "pg.none")
_CONDITIONS = ("l.id > 2", "l.k IS NOT NULL", "l.id IN (1, 5)", "l.s <> 'B'", "coalesce(l.k, 1) < 4", "true")
_FORMS = (
    "SELECT l.*, p.* FROM {file} l JOIN {remote} p ON l.{a} = p.{b} WHERE {condition}",
    "SELECT l.*, p.* FROM {remote} p JOIN {file} l ON l.{a} = p.{b} AND l.{c} = p.{c} WHERE {condition}",
    "SELECT l.*, p.* FROM {file} l LEFT JOIN {remote} p ON l.{a} = p.{b} AND p.id < 9 WHERE {condition}",
    "SELECT l.*, p.* FROM {file} l RIGHT JOIN {remote} p ON l.{a} = p.{b} WHERE {condition}",
    "SELECT l.*, p.* FROM {file} l FULL JOIN {remote} p ON l.{a} = p.{b} WHERE {condition}",
    "SELECT p.* FROM {remote} p WHERE p.{b} IN (SELECT l.{a} FROM {file} l WHERE {condition})",
    "SELECT p.* FROM {remote} p WHERE p.{b} NOT IN (SELECT l.{a} FROM {file} l WHERE {condition})",
    "SELECT p.* FROM {remote} p WHERE EXISTS (SELECT 1 FROM {file} l WHERE l.{a} = p.{b} AND {condition})",
    "SELECT p.* FROM {remote} p WHERE EXISTS (SELECT count(*) FROM {file} l WHERE l.{a} = p.{b} AND {condition})",
    "SELECT p.* FROM {remote} p WHERE NOT EXISTS (SELECT 1 FROM {file} l WHERE l.{a} = p.{b} AND {condition})",
    "SELECT p.* FROM {remote} p WHERE p.{b} IN (SELECT max(l.{a}) FROM {file} l WHERE {condition} GROUP BY l.s)",
    "SELECT p.* FROM {remote} p, (SELECT {a} AS x, count(*) AS n FROM {file} l WHERE {condition} GROUP BY 1) g"
    " WHERE g.x = p.{b}",
    "SELECT l.id, m.k, p.id FROM {file} l JOIN lk.one m ON l.{c} = m.{c} JOIN {remote} p ON m.{a} = p.{b}"
    " WHERE {condition}",
    "SELECT l.id, p.id, q.k FROM {file} l LEFT JOIN {remote} p ON l.{a} = p.{b} LEFT JOIN pg.one q ON p.{c} = q.{b}"
    " AND l.{b} = q.{a} WHERE {condition}",
    "SELECT l.s, p.s FROM {file} l JOIN {remote} p ON l.s = p.s WHERE {condition}",
)
_QUERIES = 4  # of each form


def _queries() -> list[str]:
    random = Random(_SEED)

    def choices() -> dict[str, str]:
        columns = {name: random.choice(_INTEGERS) for name in "abc"}
        condition, file, remote = (random.choice(each) for each in (_CONDITIONS, _FILES[:2] * 3 + _FILES, _REMOTE))
        return {**columns, "condition": condition, "file": file, "remote": remote}

    return [form.format(**choices()) for form in _FORMS for _ in range(_QUERIES)]


def test_rows_are_the_same_by_keys(tables: SmallLake) -> None:
    tables.filtered.clear()
    for query in _queries():
        expected = Counter(tables.reference.execute(query.encode()).fetchall())
        assert Counter(tables.rows(query, dynamic=True)) == expected, query
    used = [one for one in tables.filtered if one.scan is not None]
    assert len(used) > 3 * _QUERIES, "nothing was tried"
    assert {0} < {one.keys for one in used}, "among them should be some without any key"
