"""What a census tells is what walks through the tree would have found."""

from __future__ import annotations

from sqlglot import exp, parse_one

from optimizer.census import below, holds, measure, take_census, with_subclasses
from optimizer.copies import copied, copied_with_census

_TREE = parse_one(
    "WITH w AS (SELECT a FROM t WHERE b IN (1, 2)) SELECT w.a, sum(u.c) FROM w JOIN u ON u.a = w.a GROUP BY w.a "
    "UNION ALL SELECT 1, CASE WHEN EXISTS (SELECT v.* FROM v) THEN 2 END",
    read="postgres",
)


def test_nodes_come_as_in_a_walk_without_the_names_of_columns() -> None:
    census = take_census(_TREE)
    walked = [one for one in _TREE.walk() if not isinstance(one.parent, exp.Column) or one.parent.is_star]
    assert [id(one) for one in census.nodes] == [id(one) for one in walked]
    assert census.classes == {type(one) for one in _TREE.walk()}
    assert any(isinstance(one.parent, exp.Column) for one in walked)


def test_what_is_below_a_class_may_be_left_out() -> None:
    inner = _TREE.find(exp.In)
    assert inner is not None
    assert [type(one) for one in below(inner, frozenset({exp.Column}))] == [type(one) for one in below(inner)]
    assert [type(one) for one in below(inner, frozenset({exp.In}))] == [exp.In]


def test_a_node_is_found_below_another_one() -> None:
    for cls in (exp.Star, exp.Exists, exp.Literal, exp.AggFunc, exp.Window, exp.Query):
        assert holds(_TREE, with_subclasses((cls,))) is (_TREE.find(cls) is not None)


def test_a_copy_with_its_census_shares_names_alone() -> None:
    made, census = copied_with_census(_TREE)
    assert made == _TREE == copied(_TREE)
    assert [id(one) for one in census.nodes] == [id(one) for one in made.walk() if not isinstance(one, exp.Identifier)]
    own = {id(one) for one in _TREE.walk()}
    assert {type(one) for one in made.walk() if id(one) in own} == {exp.Identifier}
    assert all(one.root() is made for one in census.nodes)
    assert not any(id(one) in own for one in copied(_TREE).walk())


def test_a_class_stands_for_those_derived_from_it() -> None:
    census = take_census(_TREE)
    for classes in ((exp.Query,), (exp.AggFunc, exp.Binary), (exp.Column,), (exp.Window,), (exp.Condition, exp.Join)):
        found = [*_TREE.find_all(*classes)]
        assert [id(one) for one in census.find_all(*classes)] == [id(one) for one in found]
        assert census.has(*classes) is bool(found)


def test_levels_are_counted_up_to_a_limit() -> None:
    deepest = max(one.depth for one in _TREE.walk()) + 1
    nodes, depth = measure(_TREE, deepest)
    assert depth == deepest == measure(_TREE, deepest + 1)[1]
    assert [id(one) for one in nodes] == [id(one) for one in _TREE.walk()]
    nodes, depth = measure(_TREE, 3)
    assert depth == 4
    assert all(one.depth < 3 for one in nodes)
