"""CHECK constraints of sources: those of PostgreSQL's own parts come through as they are, all others are left out."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from catalog.mirror.built_ins import BuiltIns
from catalog.mirror.expressions import get_check, get_expression, get_generation
from catalog.mirror.mirror import Mirror
from catalog.server import Server

COLUMNS = {
    "a": "integer",
    "price": "numeric(12,2)",
    "state": "character varying(10)",
    "code": "character(3)",
    "word": "text",
    "at": "timestamp with time zone",
    "day": "date",
    "tags": "text[]",
    "document": "jsonb",
    "span": "int4range",
    "flag": "boolean",
    'Odd "one"': "integer",
    "select": "integer",
    "e": "text",
}


@pytest.fixture(scope="module")
def connection(server: Server, mirror: Mirror) -> Iterator[psycopg.Connection]:
    with server.connect(mirror.database) as opened:
        columns = ", ".join('"{}" {}'.format(name.replace('"', '""'), kind) for name, kind in COLUMNS.items())
        opened.execute(f"CREATE TEMP TABLE checked ({columns})".encode())
        yield opened
        opened.rollback()


WRITTEN = [
    "price > 0 AND price < 1e6",
    "state IN ('new', 'it''s paid')",
    "state NOT IN ('x', 'ANY ((ARRAY[''y''::character varying])::text[])') AND state = ANY (ARRAY['z'::text])",
    "state NOT IN ('gone') OR a BETWEEN 1 AND 5",
    "state LIKE 'n%' AND word NOT ILIKE '\\_x' AND word ~ '^[^@]+\\.\\w+$'",
    "word SIMILAR TO 'a|b'",
    "length(word) > 3 AND lower(word) = word AND char_length(code) = 3 AND code = upper(code)",
    "at > '2020-02-03 04:05:06+02' AND day >= date '2001-02-03' AND at <= now()",
    "extract(year FROM day) > 1999 AND date_part('dow', day) < 6",
    "at AT TIME ZONE 'UTC' > timestamp '2020-01-01'",
    "coalesce(a, 0) >= greatest(1, nullif(a, -5)) AND least(a, 9) <> 3",
    "CASE WHEN flag THEN a > 1 WHEN a IS NULL THEN price IS DISTINCT FROM 2 ELSE true END",
    "(CASE state WHEN 'x' THEN 1 ELSE 2 END) = 2",
    "num_nonnulls(a, price, word) = 1 AND (flag IS NOT TRUE OR flag IS UNKNOWN)",
    "cardinality(tags) < 5 AND tags @> ARRAY['x'] AND tags[1] <> ALL (ARRAY['y', NULL])",
    "jsonb_typeof(document -> 'k') = 'object' AND document ->> 'k' <> '{}' AND document ? 'k'",
    "span && int4range(1, 5) AND lower(span) > 0 AND NOT isempty(span)",
    "substring(word FROM 2 FOR 3) = 'x' AND position('x' IN word) > 0 AND trim(BOTH ' ' FROM word) <> ''",
    "overlay(word PLACING 'y' FROM 1) <> '' AND left(word, 1) = 'x' AND \"right\"(word, 1) = 'x'",
    '"Odd ""one""" % 2 = 0 AND "select" = - a AND e <> \'e\'',
    "round(price, 2) = price AND abs(a) < 2 ^ 10 AND a # 3 <> ~ a AND a << 2 > 0",
    "price::integer::text::varchar(5) <> '' AND a::\"char\" <> 'x'",
    "day + interval '1 day 02:03' < 'infinity' AND age(at) > '1 mon'",
    "ROW(a, price) < ROW(1, 2) AND current_date - day < 9",
]


@pytest.mark.parametrize("written", WRITTEN)
def test_checks_of_postgresqls_own_parts_are_shown_alike(connection: psycopg.Connection, written: str) -> None:
    """As one that a source has told, and has been told again."""
    shown = "SELECT pg_get_constraintdef(oid), pg_get_constraintdef(oid, true) FROM pg_constraint WHERE conname = 'c'"
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL search_path = ''")
        connection.execute(f"ALTER TABLE pg_temp.checked ADD CONSTRAINT c CHECK ({written})".encode())
        before = connection.execute(shown.encode()).fetchone()
        assert before is not None
        check = get_check(before[0], COLUMNS, BuiltIns(connection))
        assert check is not None, before[0]
        assert check.validated
        connection.execute("ALTER TABLE pg_temp.checked DROP CONSTRAINT c")
        connection.execute(f"ALTER TABLE pg_temp.checked ADD CONSTRAINT c {check.definition}".encode())
        connection.execute("UPDATE pg_constraint SET convalidated = true WHERE conname = 'c'")
        assert connection.execute(shown.encode()).fetchone() == before


@pytest.mark.parametrize(
    "expression",
    [
        "a > 0) NOT VALID; DROP TABLE x; --",
        "a > 0) OR (a < 0",
        "(a > 0",
        "a > 0)",
        "(tags[1) = 'x']",
        "a > 0; SELECT 1",
        "a > 0 -- b",
        "a > 0 /* b */",
        "a >/* b */ 0",
        "public.f(a)",
        "pg_catalog.lower(word) = word",
        "a OPERATOR(public.>) 0",
        "word = 'x'::public.mood",
        "f(a)",
        "pg_sleep(1) IS NULL",
        "random() > 0.5",
        "nextval('s'::text) > 0",
        "pg_read_file('x'::text) = ''",
        "pg_get_viewdef(word) = ''",
        "make_interval(days => 3) > '1 mon'::interval",
        "f(a => 3) > 1",
        "count(a) > 0",
        "generate_series(1, 2) > 0",
        "absent > 0",
        "A > 0",
        "a > $1",
        "word = $$x$$",
        "word = E'x'",
        "word = U&'x'",
        "word = x'00'",
        "word = 'x",
        "word = 'x\0'",
        "word = 'pg_class'::regclass",
        "word = ANY ('{pg_class}'::regclass[])",
        "word = '<!DOCTYPE x>'::xml",
        "a = 'x'::mood",
        "(SELECT 1) > 0",
        "EXISTS (SELECT 1)",
        "a = ANY (SELECT 1)",
        "checked.* IS NOT NULL",
        "word COLLATE de = 'x'::text",
        "CURRENT_USER = word",
        "١ > a",
        "a\t> 0",
        "ä > 0",
        "(" * 101 + "a" + ")" * 101,
        f"word <> '{'x' * 1001}'::text",
        " + ".join("a" for _ in range(1500)),
    ],
)
def test_all_others_are_left_out(connection: psycopg.Connection, expression: str) -> None:
    assert get_expression(expression, COLUMNS, BuiltIns(connection)) is None


@pytest.mark.parametrize("definition", ["CHECK (a > 0) NOT VALID NOT VALID", "CHECK a > 0", "CHECK (a > 0) x", "x"])
def test_definitions_are_checks_and_nothing_behind_them(connection: psycopg.Connection, definition: str) -> None:
    assert get_check(definition, COLUMNS, BuiltIns(connection)) is None


def test_what_could_be_lexed_otherwise_is_kept_apart(connection: psycopg.Connection) -> None:
    """A column called e, select or u, before a constant: neither an escape, nor a query, nor another name."""
    known = BuiltIns(connection)
    assert get_expression(r"e'\' <> word", COLUMNS, known) == r'''"e" '\' <> "word"'''
    assert get_expression("(select a)", COLUMNS, known) == '( "select" "a" )'
    assert get_expression('a&"Odd ""one"""', COLUMNS, known) == '"a" & "Odd ""one"""'
    assert get_expression("lower(word)", COLUMNS, known) == 'pg_catalog."lower" ( "word" )'


@pytest.mark.parametrize(
    "written",
    [
        "a + 1",
        "round(price * 1.20, 2)",
        "word || ' ' || \"left\"(state::text, 3)",
        "CASE WHEN a > 0 THEN lower(word) ELSE coalesce(state, 'none') END",
        "extract(year FROM day)",
        "(document ->> 'name')",
        "int4range(a, 9, '[]')",
    ],
)
def test_generated_columns_of_postgresqls_own_parts_are_shown_alike(
    connection: psycopg.Connection, written: str
) -> None:
    shown = "SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'pg_temp.checked'::regclass"
    add = "ALTER TABLE pg_temp.checked ADD COLUMN g {} GENERATED ALWAYS AS ({}) STORED"
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL search_path = ''")
        row = connection.execute(
            f"SELECT pg_typeof({written}) FROM (VALUES (1)) v LEFT JOIN pg_temp.checked ON true".encode()
        )
        (kind,) = row.fetchone() or ("",)
        connection.execute(add.format(kind, written).encode())
        before = connection.execute(shown.encode()).fetchone()
        assert before is not None
        expression = get_generation(before[0], COLUMNS, BuiltIns(connection))
        assert expression is not None, before[0]
        connection.execute("ALTER TABLE pg_temp.checked DROP COLUMN g")
        connection.execute(add.format(kind, expression).encode())
        assert connection.execute(shown.encode()).fetchone() == before


@pytest.mark.parametrize(
    "expression",
    [
        "repeat('x'::text, 1000000000)",
        "lpad('x'::text, 1000000000)",
        "\"lpad\"('x'::text, 1000000000)",
        "replace(word, 'x'::text, 'y'::text)",
        "(2)::numeric ^ (100000)::numeric",
        "word ~ '(x*)*y'::text",
        "('x'::character(1000000))::text",
        "('x'::bpchar(1000000))::text",
        "('x'::bpchar (1000000))::text",
        "public.f(a)",
        "pg_sleep(1)",
        "absent + 1",
        " + ".join("a" for _ in range(300)),
    ],
)
def test_what_would_take_long_is_left_out_of_generated_columns(connection: psycopg.Connection, expression: str) -> None:
    assert get_generation(expression, COLUMNS, BuiltIns(connection)) is None
