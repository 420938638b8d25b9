"""A copy is the same query in nodes of its own."""

from __future__ import annotations

from sqlglot import exp, parse_one
from sqlglot.optimizer.annotate_types import annotate_types

from benchmarks import tpcds_data
from optimizer.copies import copied


def test_a_copy_is_equal_and_its_own() -> None:
    for text in tpcds_data.queries().values():
        tree = annotate_types(parse_one(text, dialect="postgres"))
        for node in tree.find_all(exp.Column):
            node.meta["mark"] = node.name
        made = copied(tree)
        assert made == tree
        assert made.sql("postgres") == tree.sql("postgres") == tree.copy().sql("postgres")
        assert not {id(node) for node in made.walk()} & {id(node) for node in tree.walk()}
        for one, other in zip(tree.walk(), made.walk(), strict=True):
            assert (one.arg_key, one.index, one.type, one.meta) == (other.arg_key, other.index, other.type, other.meta)
            assert other is made or other.parent is not None


def test_what_is_done_to_a_copy_is_not_done_to_the_original() -> None:
    tree = parse_one("SELECT a /* kept */, b FROM t WHERE a = 1 AND b IN (1, 2)", dialect="postgres")
    before = tree.sql("postgres")
    assert tree == copied(tree)  # the hash is kept from here on
    made = copied(tree)
    column = made.find(exp.Column)
    assert column is not None
    column.meta["mark"] = 1
    column.replace(exp.column("c"))
    assert made != tree
    assert tree.sql("postgres") == before
    assert all("mark" not in node.meta for node in tree.walk())
