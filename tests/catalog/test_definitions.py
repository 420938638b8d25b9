"""Keys and defaults of sources: plain ones pass, anything that could do more does not."""

from __future__ import annotations

import pytest

from catalog.mirror.definitions import get_default, get_foreign_key, get_key
from catalog.names import TableName


@pytest.mark.parametrize(
    "definition",
    [
        "PRIMARY KEY (c_custkey)",
        'PRIMARY KEY (a, "B ""b"" c") INCLUDE (d) DEFERRABLE INITIALLY DEFERRED',
        "UNIQUE NULLS NOT DISTINCT (a)",
    ],
)
def test_plain_keys_pass(definition: str) -> None:
    assert get_key(definition) == definition


@pytest.mark.parametrize(
    "definition",
    [
        "PRIMARY KEY (a); DROP SCHEMA crm CASCADE",
        "PRIMARY KEY (a), ALTER COLUMN a SET DEFAULT pg_read_file('/etc/passwd')",
        "PRIMARY KEY (a), OWNER TO mallory",
        "CHECK (pg_sleep(10) IS NULL)",
        'UNIQUE (a"b)',
        "UNIQUE (a) WITH (fillfactor=10)",
        "PRIMARY KEY USING INDEX other",
        "EXCLUDE USING gist (a WITH =)",
        "PRIMARY KEY (a)\n",
        "PRIMARY KEY ()",
        "",
    ],
)
def test_other_constraints_do_not(definition: str) -> None:
    assert get_key(definition) is None
    assert get_foreign_key(definition) is None


def test_foreign_keys_name_the_table_they_reference() -> None:
    definition = (
        'FOREIGN KEY (a, b) REFERENCES "Odd ""s""".nation(x, y) MATCH FULL ON UPDATE CASCADE ON DELETE SET NULL (a)'
    )
    key = get_foreign_key(definition)
    assert key is not None
    assert key.references == TableName('Odd "s"', "nation")
    assert key.definition == definition


@pytest.mark.parametrize(
    "definition",
    [
        "FOREIGN KEY (a) REFERENCES nation(x)",  # of which schema?
        "FOREIGN KEY (a) REFERENCES crm.nation(x), ADD CHECK (f())",
        "FOREIGN KEY (a) REFERENCES crm.nation(x) ON DELETE CASCADE; SELECT 1",
    ],
)
def test_other_foreign_keys_do_not_pass(definition: str) -> None:
    assert get_foreign_key(definition) is None


@pytest.mark.parametrize(
    ("default", "type_name"),
    [
        ("0", "integer"),
        ("1.50", "numeric(12,2)"),
        ("'-1'::integer", "integer"),
        ("'abc'::character varying", "character varying(10)"),
        ("'it''s; --'::text", "text"),
        ("'x'::bpchar", "character(3)"),
        ("'{}'::text[]", "text[]"),
        ("'{\"a\": 1}'::jsonb", "jsonb"),
        ("false", "boolean"),
        ("now()", "timestamp(3) with time zone"),
        ("CURRENT_TIMESTAMP", "timestamp without time zone"),
        ("CURRENT_DATE", "date"),
        ("gen_random_uuid()", "uuid"),
        ("CURRENT_USER", "text"),
    ],
)
def test_plain_defaults_pass(default: str, type_name: str) -> None:
    assert get_default(default, type_name) == default


@pytest.mark.parametrize(
    ("default", "type_name"),
    [
        ("nextval('public.s'::regclass)", "integer"),
        ("(1 + 1)", "integer"),
        ("pg_sleep(1)", "text"),
        ("0, b integer", "integer"),
        ("0) ; DROP TABLE x; --", "integer"),
        ("'a'::text || 'b'::text", "text"),
        ("'a\\'::text", "text"),
        ("'a'::text'::text", "text"),
        ("'a'::evil.text", "text"),
        ("'ok'::mood", "text"),
        ("'01.02.2024'::date", "date"),
        ("'1'::money", "numeric(20,2)"),
        ("'1'::integer", "text"),
        ("'{}'::text[]", "text"),
        ("'{}'::integer[]", "text[]"),
        ("now()", "text"),
        ("now()", "timestamp with time zone[]"),
        ("true", "text"),
        ("'a'::text\n", "text"),
        ("0\n", "integer"),
        ("١", "integer"),
        ("now(); --", "timestamp with time zone"),
    ],
)
def test_other_defaults_do_not(default: str, type_name: str) -> None:
    assert get_default(default, type_name) is None
