"""What a statement may hold that a source's server answers alone."""

from __future__ import annotations

import pytest

from gateway.sql.source_words import has_allowed_words

_FUNCTIONS = frozenset({"upper", "count", "sum", "length"})


@pytest.mark.parametrize(
    "text",
    [
        'SELECT UPPER("a"."b") AS "b" FROM "s"."t" AS "a" WHERE "a"."c" IN (1, 2) AND NOT ("a"."d" > 3)',
        'SELECT COUNT(*) FILTER(WHERE "t"."a" > 1) AS "n" FROM "s"."t" AS "t" GROUP BY "t"."b" HAVING COUNT(*) > 1',
        'SELECT "x"."a" AS "a" FROM (VALUES (1), (2)) AS "x"("a")',
        'SELECT CAST("t"."a" AS DECIMAL(10, 2)) AS "a" FROM "s"."t" AS "t"',
        'SELECT SUM("t"."a") OVER (PARTITION BY "t"."b") AS "s" FROM "s"."t" AS "t" LIMIT 3 OFFSET 1',
        "SELECT 'pg_read_file(1) current_user' AS \"a\"",
    ],
)
def test_plain_statements_are_allowed(text: str) -> None:
    assert has_allowed_words(text, _FUNCTIONS)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT pg_read_file('/etc/passwd') AS \"a\"",
        "SELECT PG_READ_FILE ('/etc/passwd') AS \"a\"",
        "SELECT pg_catalog.pg_read_file('/etc/passwd') AS \"a\"",
        'SELECT "pg_read_file"(\'/etc/passwd\') AS "a"',
        'SELECT "public"."own"(1) AS "a"',
        'SELECT public."own"(1) AS "a"',
        "SELECT query_to_xml('select 1', true, true, '') AS \"a\"",
        'SELECT current_user AS "a"',
        'SELECT CURRENT_TIMESTAMP AS "a"',
        "SELECT CAST('pg_authid' AS REGCLASS) AS \"a\"",
        "SELECT 'pg_authid'::regclass AS \"a\"",
        'SELECT 1 OPERATOR(public.+) 2 AS "a"',
        'SELECT "t"."a" AS "a" FROM "s"."t" AS "t" FOR UPDATE',
        'SELECT "t"."a" AS "a" INTO "s"."u" FROM "s"."t" AS "t"',
        'SELECT "t"."a" AS "a" FROM "s"."t" AS "t" TABLESAMPLE BERNOULLI (10)',
        'SELECT $x$quoted$x$ AS "a"',
        "SELECT 'no end",
    ],
)
def test_what_reaches_beyond_the_tables_is_not(text: str) -> None:
    assert not has_allowed_words(text, _FUNCTIONS)
