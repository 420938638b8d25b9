"""What a census tells is what walks through the tree would have found."""

from __future__ import annotations

from sqlglot import exp, parse_one

from optimizer.census import take_census

_TREE = parse_one(
    "WITH w AS (SELECT a FROM t WHERE b IN (1, 2)) SELECT w.a, sum(u.c) FROM w JOIN u ON u.a = w.a GROUP BY w.a "
    "UNION ALL SELECT 1, CASE WHEN EXISTS (SELECT 1 FROM v) THEN 2 END",
    read="postgres",
)


def test_nodes_come_as_in_a_walk() -> None:
    census = take_census(_TREE)
    assert [id(one) for one in census.nodes] == [id(one) for one in _TREE.walk()]
    assert census.classes == {type(one) for one in _TREE.walk()}


def test_a_class_stands_for_those_derived_from_it() -> None:
    census = take_census(_TREE)
    for classes in ((exp.Query,), (exp.AggFunc, exp.Binary), (exp.Column,), (exp.Window,), (exp.Condition, exp.Join)):
        found = [*_TREE.find_all(*classes)]
        assert [id(one) for one in census.find_all(*classes)] == [id(one) for one in found]
        assert census.has(*classes) is bool(found)


def test_levels_are_counted_up_to_a_limit() -> None:
    deepest = max(one.depth for one in _TREE.walk()) + 1
    assert take_census(_TREE).depth == take_census(_TREE, deepest).depth == deepest
    assert take_census(_TREE, 3).depth == 4
    assert all(one.depth < 3 for one in take_census(_TREE, 3).nodes)
