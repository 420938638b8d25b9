"""The engine joins in the order that the optimizer writes: no rule of its own takes the tree apart."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyarrow as pa
import pytest

from tests.optimizer.small_lake import SmallLake

_ROWS = {"keeps_a": 10, "keeps_b": 2000, "keeps_c": 20, "keeps_d": 3000}


@pytest.fixture
def registered(tables: SmallLake) -> Iterator[SmallLake]:
    """Four tables in memory, of which the engine knows the number of rows."""
    for name, rows in _ROWS.items():
        columns = {"x": pa.array(range(rows)), "y": pa.array(range(rows)), "z": pa.array(range(rows))}
        tables.engine.context.register_record_batches(name, [pa.table(columns).to_batches()])
    yield tables
    for name in _ROWS:
        tables.engine.context.deregister_table(name)


def _joins(tables: SmallLake, query: str) -> list[tuple[int, frozenset[str]]]:
    """The joins of a physical plan, outer ones first: how deep each stands, and the columns that it compares."""
    plan = tables.engine.context.sql(query).execution_plan().display_indent()
    found = re.findall(r"^( *)HashJoinExec: .*? on=\[(.*?)\]", plan, re.MULTILINE)
    joins = [line for line in plan.splitlines() if "JoinExec" in line]
    assert len(joins) == len(found), plan
    assert "CrossJoin" not in plan and "NestedLoop" not in plan, plan
    return [(len(indent), frozenset(re.findall(r"(\w)@", on))) for indent, on in found]


_BUSHY = (
    "SELECT count(*) FROM (keeps_a a JOIN keeps_b b ON a.x = b.x) JOIN (keeps_c c JOIN keeps_d d ON c.y = d.y)"
    " ON b.z = d.z"
)


@pytest.mark.parametrize("where", ["", " WHERE a.y < c.z"])
def test_two_branches_stay_two_branches(registered: SmallLake, where: str) -> None:
    depths = {on: depth for depth, on in _joins(registered, _BUSHY + where)}
    assert depths[frozenset("z")] < depths[frozenset("x")]
    assert depths[frozenset("z")] < depths[frozenset("y")]


def test_a_chain_on_the_right_stays_there(registered: SmallLake) -> None:
    """Each result is streamed past the next hash table: a JOIN (c JOIN (b JOIN d))."""
    query = (
        "SELECT count(*) FROM keeps_a a JOIN (keeps_c c JOIN (keeps_b b JOIN keeps_d d ON b.x = d.x) ON c.y = d.y)"
        " ON a.z = d.z AND a.x < c.x"
    )
    assert [on for _, on in _joins(registered, query)] == [frozenset("z"), frozenset("y"), frozenset("x")]
