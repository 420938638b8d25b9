"""A copy is the same query in nodes of its own."""

from __future__ import annotations

from sqlglot import exp, parse_one
from sqlglot.optimizer.annotate_types import annotate_types

from benchmarks import tpcds_data
from gateway.sql.policy_text import policy_reader
from gateway.sql.resolve import references, resolve
from gateway.sql.statements import parse_query
from optimizer.copies import copied
from optimizer.optimize import optimize
from policies.govern import govern
from policies.policy_reader import KeptRelations
from tests.plans.lake import ACCESS, PRINCIPALS, STATISTICS, names


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


def test_rules_leave_each_node_one_place() -> None:
    """They change one tree after the other in place: a node that stood in two places would be changed in both."""
    analyst = PRINCIPALS["analyst"]
    for text in (
        "SELECT c_name, count(*) FROM crm.customer JOIN sales.orders ON o_custkey = c_custkey WHERE c_custkey = 7"
        " AND (o_orderkey = 1 OR o_orderkey = 2) AND o_orderdate < date '1998-12-01' - interval '90 day' GROUP BY 1",
        "SELECT o_orderkey FROM sales.orders, sales.lineitem l WHERE o_orderkey = l.l_orderkey AND l_partkey = 3"
        " AND l.l_quantity < (SELECT avg(l_quantity) FROM sales.lineitem i WHERE i.l_partkey = l.l_partkey)",
        "SELECT * FROM (SELECT o_custkey, o_orderkey FROM sales.orders ORDER BY 2) s WHERE o_custkey IN (1, 2) LIMIT 3",
    ):
        tree = parse_query(text)
        assert tree is not None
        found = names(("sales", "supply", "crm"))
        governed = govern(
            resolve(tree, references(tree, found), found), analyst, ACCESS, policy_reader(found, KeptRelations())
        )
        optimized = optimize(governed, STATISTICS).tree
        nodes = [*optimized.walk()]
        assert len({id(node) for node in nodes}) == len(nodes)
        for node in nodes:
            assert all(child.parent is node for child in node.iter_expressions())
