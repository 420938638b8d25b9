"""Columns that a role may not know of: absent by name, refused in whole rows, and no condition can ask for them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlglot import exp

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.sqlstate import SqlState
from gateway.sql.resolve import references, resolve
from gateway.sql.statements import parse_query
from tests.plans.lake import names

_CUSTOMER = TableName("crm", "customer")
_NAMES = replace(names(), columns=lambda name: frozenset({"c_custkey", "c_name"}) if name == _CUSTOMER else None)


def _resolved(query: str) -> exp.Query:
    tree = parse_query(query)
    assert tree is not None
    return resolve(tree, references(tree, _NAMES), _NAMES).tree


@pytest.mark.parametrize(
    "query",
    [
        "SELECT c_name FROM crm.customer",
        "SELECT c.c_name, o.* FROM crm.customer c JOIN sales.orders o ON c_custkey = o_custkey",
        "SELECT count(*) FROM crm.customer",
        "SELECT * FROM (SELECT c_custkey FROM crm.customer) c",
        "SELECT * FROM sales.orders o WHERE o_custkey IN (SELECT c_custkey FROM crm.customer)",
        "SELECT x FROM crm.customer AS c (x, y)",
    ],
)
def test_what_may_be_read_is(query: str) -> None:
    assert _resolved(query).sql()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT c_acctbal FROM crm.customer",
        "SELECT no_such FROM crm.customer",
        "SELECT c.c_acctbal FROM crm.customer c",
        "SELECT c.no_such FROM crm.customer c",
        "SELECT c_name FROM crm.customer WHERE c_acctbal IS NULL",
        "SELECT c_name FROM crm.customer ORDER BY c_acctbal",
        "SELECT count(*) FROM crm.customer GROUP BY c_acctbal",
        "SELECT o_custkey FROM sales.orders o WHERE EXISTS (SELECT 1 FROM crm.customer c WHERE c.c_acctbal > 0)",
        "WITH w AS (SELECT c_acctbal FROM crm.customer) SELECT 1 FROM sales.orders",
    ],
)
def test_what_may_not_be_read_is_as_if_absent(query: str) -> None:
    with pytest.raises(SqlError) as caught:
        _resolved(query)
    name = "no_such" if "no_such" in query else "c_acctbal"
    assert (caught.value.sqlstate, caught.value.message) == (
        SqlState.UNDEFINED_COLUMN, f'column "{name}" does not exist'
    )  # fmt: skip
    assert caught.value.hint is None
    assert caught.value.position == query.index(name) + 1


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM crm.customer",
        "SELECT c.* FROM crm.customer c",
        "SELECT * FROM sales.orders, crm.customer",
        "SELECT o_custkey FROM sales.orders WHERE EXISTS (SELECT * FROM crm.customer)",
        "SELECT c_name FROM sales.orders NATURAL JOIN crm.customer",
        "WITH w AS (SELECT * FROM crm.customer) SELECT c_name FROM w",
    ],
)
def test_whole_rows_are_refused(query: str) -> None:
    with pytest.raises(SqlError, match="permission denied for table customer") as caught:
        _resolved(query)
    assert caught.value.sqlstate == SqlState.INSUFFICIENT_PRIVILEGE
