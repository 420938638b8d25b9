"""Statements on user mappings, as they are read."""

from __future__ import annotations

import pytest

from catalog.errors import SqlError
from gateway.sql.mapping_statements import MappingStatement, Option, Whom, parse_mapping
from gateway.sql.statements import Kind, split

READ = {
    "CREATE USER MAPPING FOR bob SERVER crm OPTIONS (user 'b''ob', password 'p;w')": MappingStatement(
        "CREATE", Whom("bob"), "crm", (Option("ADD", "user", "b'ob"), Option("ADD", "password", "p;w"))
    ),
    'create user mapping if not exists for "PUBLIC" server "My Crm"': MappingStatement(
        "CREATE", Whom("PUBLIC"), "My Crm", (), True
    ),
    "CREATE USER MAPPING FOR PUBLIC SERVER crm": MappingStatement("CREATE", Whom(), "crm"),
    "CREATE USER MAPPING FOR USER SERVER crm": MappingStatement("CREATE", Whom(own=True), "crm"),
    "ALTER USER MAPPING FOR CURRENT_USER SERVER crm OPTIONS (SET user 'x', DROP password, add 'y')": MappingStatement(
        "ALTER",
        Whom(own=True),
        "crm",
        (Option("SET", "user", "x"), Option("DROP", "password"), Option("ADD", "add", "y")),
    ),
    "ALTER USER MAPPING FOR CURRENT_ROLE SERVER crm OPTIONS (ADD password 'x')": MappingStatement(
        "ALTER", Whom(own=True), "crm", (Option("ADD", "password", "x"),)
    ),
    "DROP USER MAPPING IF EXISTS FOR bob SERVER crm": MappingStatement("DROP", Whom("bob"), "crm", (), True),
    "DROP USER MAPPING FOR mapping SERVER server": MappingStatement("DROP", Whom("mapping"), "server"),
}


@pytest.mark.parametrize("text", READ)
def test_read(text: str) -> None:
    assert split(text)[0].kind is Kind.USER_MAPPING
    assert parse_mapping(text) == READ[text]


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("CREATE USER MAPPING", 20),
        ("CREATE USER MAPPING bob", 21),
        ("CREATE USER MAPPING FOR bob", 28),
        ("CREATE USER MAPPING FOR bob SERVER crm OPTIONS", 47),
        ("CREATE USER MAPPING FOR bob SERVER crm OPTIONS ()", 49),
        ("CREATE USER MAPPING FOR bob SERVER crm OPTIONS (password secret)", 58),
        ("CREATE USER MAPPING FOR bob SERVER crm OPTIONS (password $$x$$)", 58),
        ("CREATE USER MAPPING FOR bob SERVER crm OPTIONS (password 'x') WITH x", 63),
        ("CREATE USER MAPPING FOR bob SERVER crm OPTIONS (SET user 'x')", 53),
        ("ALTER USER MAPPING FOR bob SERVER crm", 38),
        ("DROP USER MAPPING FOR bob SERVER crm CASCADE", 38),
    ],
)
def test_not_read(text: str, position: int) -> None:
    with pytest.raises(SqlError) as caught:
        parse_mapping(text)
    assert (str(caught.value.sqlstate), caught.value.position) == ("42601", position)
    assert "secret" not in caught.value.message
