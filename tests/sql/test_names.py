"""What a role may not read is told like what does not exist, also where it is broken."""

from __future__ import annotations

import pytest

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.sqlstate import SqlState
from gateway.sql.resolve import Names, references
from gateway.sql.statements import parse_query
from tests.plans.lake import CATALOG


def _told(query: str, readable: frozenset[str]) -> tuple[str, str]:
    def visible(name: TableName) -> bool:
        return name.schema in readable

    tree = parse_query(query)
    assert tree is not None
    with pytest.raises(SqlError) as caught:
        references(tree, Names(CATALOG, frozenset(), ("public",), visible))
    assert caught.value.hint is None
    return str(caught.value.sqlstate), caught.value.message


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("sales.torn", 'table "sales.torn" cannot be read: the log has no version 0'),
        ("hr.people", 'source "hr" cannot be read: connection refused'),
    ],
)
def test_why_a_table_cannot_be_read_is_told_to_those_who_might(table: str, reason: str) -> None:
    assert _told(f"SELECT * FROM {table}", frozenset({"sales", "hr"}))[1] == reason
    absent = (str(SqlState.UNDEFINED_TABLE), f'relation "{table}" does not exist')
    assert _told(f"SELECT * FROM {table}", frozenset({"crm"})) == absent
