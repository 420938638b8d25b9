"""Which names in statements of access are held to be relations; roles, schemas and columns of their names are not."""

from __future__ import annotations

from types import MappingProxyType

import pyarrow as pa
import pytest

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.principals import Principal
from catalog.store.rows import SCHEMA_ITSELF, USAGE, AccessRows, Grant, TableRights
from catalog.tables import Catalog, Column, Table
from gateway.sessions.hidden_relations import name_known, refuse_hidden
from gateway.sql.resolve import Names

ANN = Principal("ann", frozenset({"ann"}))
_COLUMNS = (Column("id", "integer", pa.int32()), Column("pay", "integer", pa.int32()))
_TABLES = tuple(Table(TableName("s", name), "s", "files", (), _COLUMNS) for name in ("hidden", "known", "mine"))
ROWS = AccessRows(
    1,
    grants=(Grant("ann", "s", SCHEMA_ITSELF, USAGE), Grant("ann", "s", "known", column="id")),
    tables=(TableRights("s", "mine", "ann"),),
)


def _names() -> Names:
    tables = MappingProxyType({table.name: table for table in _TABLES})
    catalog = Catalog(1, tables, {"s": None}, sources=("s",))
    return Names(catalog, frozenset(), ("s",), lambda name: name.name != "hidden")


@pytest.mark.parametrize(
    "text",
    [
        "GRANT hidden TO ann, hidden",
        "GRANT ann, hidden TO bob",
        "GRANT SELECT ON s.known TO bob, hidden",
        "GRANT SELECT (id) ON known TO hidden",
        "REVOKE SELECT ON s.known FROM bob, hidden CASCADE",
        "GRANT USAGE ON SCHEMA s, hidden TO bob",
        "GRANT EXECUTE ON FUNCTION hidden(text) TO hidden",
        "GRANT SELECT ON ALL TABLES IN SCHEMA s TO bob, hidden",
        "DROP ROLE bob, hidden",
        "CREATE ROLE hidden IN ROLE bob, hidden",
        "DROP OWNED BY bob, hidden",
        "REASSIGN OWNED BY bob, hidden TO hidden",
        "ALTER DEFAULT PRIVILEGES FOR ROLE bob, hidden GRANT SELECT ON TABLES TO bob, hidden",
        "CREATE POLICY hidden ON s.mine TO bob, hidden USING (id = (1, 2))",
        "ALTER TABLE s.mine OWNER TO hidden",
        "CREATE VIEW s.v (id, hidden) AS SELECT id, (hidden) FROM known",
        "COMMENT ON TABLE s.mine IS 'hidden'",
        "CREATE OR REPLACE VIEW s.hidden AS SELECT 1",
        "CREATE VIEW s.v AS SELECT 1 FROM known JOIN s.hidden h ON true",
        "CREATE POLICY p ON s.mine USING (id IN (SELECT id FROM hidden))",
        "COMMENT ON POLICY hidden ON s.known IS 'x'",
        "CREATE POLICY p ON s.known USING (EXISTS (SELECT FROM s.hidden))",  # PostgreSQL says that it is not his
        "GRANT SELECT ON s.nosuch, s.hidden TO bob",  # and that the first is not there
    ],
)
def test_what_is_no_hidden_relation_is_left_to_postgresql(text: str) -> None:
    refuse_hidden(text, ANN, _names(), ROWS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("GRANT SELECT ON hidden TO bob", 'relation "hidden" does not exist'),
        ('GRANT SELECT ON TABLE s.known, "s".hidden TO bob', 'relation "s.hidden" does not exist'),
        ("REVOKE ALL ON known, hidden FROM bob", 'relation "hidden" does not exist'),
        ("GRANT SELECT (pay, id) ON s.known TO bob", 'column "pay" of relation "known" does not exist'),
        ("ALTER TABLE IF EXISTS ONLY s.hidden ENABLE ROW LEVEL SECURITY", 'relation "s.hidden" does not exist'),
        ("DROP POLICY p ON hidden", 'relation "hidden" does not exist'),
        ("COMMENT ON COLUMN s.hidden.id IS 'x'", 'relation "s.hidden" does not exist'),
    ],
)
def test_what_is_hidden_is_absent(text: str, message: str) -> None:
    with pytest.raises(SqlError) as refused:
        refuse_hidden(text, ANN, _names(), ROWS)
    assert (refused.value.message, refused.value.position) == (message, None)
    refuse_hidden(text, Principal("root", frozenset({"root"}), superuser=True), _names(), ROWS)


def test_all_tables_are_those_that_are_known() -> None:
    text = "GRANT SELECT ON ALL TABLES IN SCHEMA s TO bob, hidden WITH GRANT OPTION"
    known = 'GRANT SELECT ON "s"."known", "s"."mine" TO bob, hidden WITH GRANT OPTION'
    assert name_known(text, ANN, _names(), ROWS) == known
    nothing = AccessRows(1, grants=ROWS.grants[:1])
    with pytest.raises(SqlError, match="permission denied for schema s"):
        name_known(text, ANN, _names(), nothing)
    assert name_known(text, ANN, _names(), AccessRows(1)) == text  # PostgreSQL says it of the schema
