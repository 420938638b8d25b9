"""Forms that are brought to others before names are resolved, a case a rule. What they answer is in the differential
suite; here, what they become.
"""

from __future__ import annotations

import pytest
from sqlglot import exp

from gateway.sql.engine_dialect import short_forms, spelling
from gateway.sql.engine_dialect.before_qualify import parse

_CASES = [
    (
        "system_names",
        "SELECT pg_catalog.lower(a)::pg_catalog.text FROM pg_catalog.t",
        "SELECT CAST(LOWER(a) AS TEXT) FROM pg_catalog.t",
    ),
    # spelling: what the parser does not read
    ("type_constants", "SELECT cidr '10.0.0.0/8'", "SELECT CAST('10.0.0.0/8' AS cidr)"),
    (
        "unlimited_constants",
        "SELECT bit '101', a IS UNKNOWN, b IS NOT UNKNOWN FROM t",
        "SELECT b'101', a IS NULL, b IS NOT NULL FROM t",
    ),
    ("containing_operators", "SELECT a <<= b FROM t", "SELECT a OPERATOR(<<=) b FROM t"),
    ("trims", "SELECT trim(LEADING FROM a, 'x') FROM t", "SELECT TRIM(LEADING 'x' FROM a) FROM t"),
    ("only", "SELECT a FROM ONLY (s.t)", "SELECT a FROM s.t"),
    (
        "interval_fields",
        "SELECT INTERVAL(2) '1 s', INTERVAL '1 2' DAY TO HOUR",
        "SELECT CAST('1 s' AS INTERVAL 2), CAST('1 2' AS INTERVAL DAY TO HOUR)",
    ),
    ("interval_constants", "SELECT INTERVAL '1 day 02:30'", "SELECT INTERVAL '1 DAY 9000 SECOND'"),
    ("pattern_operators", "SELECT a || b ~<~ c || d FROM t", "SELECT ((a || b) < (c)) || d FROM t"),
    ("prefix_operators", "SELECT @ a + 1, ~ a + 1 FROM t", "SELECT ABS(a + 1), ~(a + 1) FROM t"),
    ("some_is_any", "SELECT a > SOME(b) FROM t", "SELECT a > ANY(b) FROM t"),
    ("other_joins", "SELECT a FROM t ANTI JOIN u ON b = c", "SELECT a FROM t AS ANTI JOIN u ON b = c"),
    (
        "similar_substrings",
        "SELECT substring(a SIMILAR 'b' ESCAPE '#'), a SIMILAR TO 'b' FROM t",
        "SELECT SUBSTRING(a FROM 'b' FOR '#'), a SIMILAR TO 'b' FROM t",
    ),
    ("like_calls", "SELECT like(a, 'b%'), a LIKE ('b%') FROM t", "SELECT ((a) LIKE ('b%')), a LIKE ('b%') FROM t"),
    ("order_using", "SELECT a FROM t ORDER BY a USING >, b USING <", "SELECT a FROM t ORDER BY a DESC, b ASC"),
    (
        "join_aliases",
        "SELECT j.a FROM t JOIN u USING (a) AS j",
        'SELECT j.a FROM t JOIN u USING (a, "\0join:j")',
    ),
    ("normal_forms", "SELECT a IS NOT NFD NORMALIZED FROM t", "SELECT (NOT IS_NORMALIZED(a, 'NFD')) FROM t"),
    ("local_times", "SELECT a AT LOCAL FROM t", "SELECT TIMEZONE(a) FROM t"),
    ("names_behind_as", "SELECT a AS ORDER FROM t", 'SELECT a AS "order" FROM t'),
    (
        "recursive_clauses",
        "WITH RECURSIVE x AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM x) SEARCH BREADTH FIRST BY a SET o SELECT 1",
        'WITH RECURSIVE x("a", "o", "o key") AS (SELECT "a", CAST((0, "a") AS TEXT) AS "o", '
        'CAST(0 AS BIGINT) AS "o key" '
        'FROM (SELECT 1 AS a) AS "*TLOCRN*"("a") UNION ALL SELECT "a", CAST(("o key" + 1, "a") AS TEXT) AS "o", '
        '"o key" + 1 AS "o key" FROM (SELECT a + 1 AS "?column?", "x"."o", "x"."o key" FROM x) '
        'AS "*TROCRN*"("a", "o", "o key")) SELECT 1',
    ),
    (
        "json_arrays",
        "SELECT json_array(SELECT a FROM t)",
        "SELECT (SELECT COALESCE(CAST(('[' || STRING_AGG(COALESCE(CAST(TO_JSON(\"a\") AS TEXT), 'null'), ', ') "
        "FILTER(WHERE NOT (\"a\") IS NULL) || ']') AS JSON), CASE WHEN COUNT(*) > 0 THEN CAST('[]' AS JSON) END) "
        'FROM (SELECT a FROM t) AS "q"("a"))',
    ),
    (
        "json_clauses",
        "SELECT json_query(a, '$.b' RETURNING text OMIT QUOTES) FROM t",
        "SELECT JSON_QUERY(a, '''$.b'' RETURNING text OMIT QUOTES') FROM t",
    ),
    (
        "array_aggregates",
        "SELECT json_arrayagg(a ORDER BY b NULL ON NULL RETURNING jsonb) FROM t",
        "SELECT CAST(('[' || STRING_AGG(COALESCE(CAST(TO_JSONB(a) AS TEXT), 'null'), ', ' ORDER BY b) "
        "|| ']') AS JSONB) FROM t",
    ),
    # short forms: what the parser reads, and the engine does not
    (
        "json_calls",
        "SELECT v FROM t, json_table(a, '$[*]' COLUMNS (n FOR ORDINALITY, v int)) AS j",
        "SELECT v FROM t, JSON_TABLE(a, '''$[*]'' COLUMNS (\"n\" FOR ORDINALITY, \"v\" integer)', 'n', 'v') AS j",
    ),
    (
        "object_aggregates",
        "SELECT json_objectagg(a : b) FROM t",
        "SELECT CAST(('{ ' || STRING_AGG(LEFT(RIGHT(CAST(JSON_BUILD_OBJECT(a, b) AS TEXT), -1), -1), ', "
        "') || ' }') AS JSON) FROM t",
    ),
    (
        "search_and_cycle",
        "WITH RECURSIVE x (a) AS (SELECT 1 UNION ALL SELECT a FROM x) CYCLE a SET c USING p SELECT c FROM x",
        'WITH RECURSIVE x("a", "c", "p") AS (SELECT "a", FALSE AS "c", ARRAY[CAST(("a") AS TEXT)] AS "p" '
        'FROM (SELECT 1 AS "?column?") AS "*TLOCRN*"("a") UNION ALL SELECT "a", '
        'CASE WHEN ARRAY_POSITION("p", CAST(("a") AS TEXT)) IS NOT NULL THEN TRUE ELSE FALSE END AS "c", '
        '"p" || CAST(("a") AS TEXT) AS "p" FROM (SELECT a, "x"."c", "x"."p" FROM x) AS "*TROCRN*"("a", "c", "p") '
        'WHERE "c" <> TRUE) SELECT c FROM x',
    ),
    ("negative_constants", "SELECT -(-2147483648) FROM t", "SELECT 2147483648 FROM t"),
    ("row_keyword", "SELECT ROW(a, b) FROM t", "SELECT (a, b) FROM t"),
    ("like_calls", "SELECT a FROM t WHERE NOT like(a, b)", "SELECT a FROM t WHERE NOT ((a) LIKE (b))"),
    (
        "named_arguments",
        "SELECT make_date(2024, day => 3, month := a) FROM t",
        "SELECT MAKE_DATE(2024, a, 3) FROM t",
    ),
    ("compared", "SELECT NOT a ~>=~ b FROM t", "SELECT NOT ((a) >= (b)) FROM t"),
    (
        "queries_as_conditions",
        "SELECT a FROM t WHERE (SELECT true) AND a > 1",
        "SELECT a FROM t WHERE ((SELECT TRUE) = TRUE) AND a > 1",
    ),
    (
        "similar_patterns",
        "SELECT a FROM t WHERE NOT (a ~ similar_to_escape('b%'::text))",
        "SELECT a FROM t WHERE NOT ((a SIMILAR TO 'b%'))",
    ),
    (
        "regexp_like_calls",
        "SELECT a FROM t WHERE regexp_like(a, 'b', 'i'::text)",
        "SELECT a FROM t WHERE (CAST(a AS TEXT) ~* 'b')",
    ),
    ("normal_forms", "SELECT a IS NORMALIZED FROM t", "SELECT IS_NORMALIZED(a, 'NFC') FROM t"),
    ("local_times", "SELECT a AT LOCAL FROM t", "SELECT TIMEZONE(a) FROM t"),
    (
        "times_of_day",
        "SELECT LOCALTIME(2) FROM t WHERE a < CURRENT_TIME",
        'SELECT CAST(LOCALTIMESTAMP AS TIME(2)) AS "localtime" FROM t WHERE a < CAST(CURRENT_TIMESTAMP AS TIMETZ)',
    ),
    ("row_star", "SELECT (t).* FROM t", "SELECT t.* FROM t"),
    (
        "values_as_query",
        "SELECT a FROM t WHERE a IN (VALUES (1), (2))",
        'SELECT a FROM t WHERE a IN (SELECT 1 AS "column1" UNION ALL SELECT 2 AS "column1")',
    ),
    (
        "sample",
        "SELECT a FROM t TABLESAMPLE BERNOULLI (5)",
        "SELECT a FROM (SELECT * FROM t WHERE RANDOM() * 100 < 5) AS t",
    ),
    ("code_point_order", 'SELECT a FROM t ORDER BY a COLLATE "C"', "SELECT a FROM t ORDER BY a"),
    ("limit_all", "SELECT a FROM t LIMIT ALL", "SELECT a FROM t"),
    ("only", "SELECT a FROM ONLY t", "SELECT a FROM t"),
    (
        "plain_grouping_sets",
        "SELECT a FROM t GROUP BY a, ROLLUP (b, (c, d))",
        "SELECT a FROM t GROUP BY GROUPING SETS ((a, b, c, d), (a, b), (a))",
    ),
    (
        "with_order",
        "WITH RECURSIVE a AS (SELECT x FROM b), b AS (SELECT 1 AS x UNION SELECT x + 1 FROM b) SELECT x FROM a",
        'WITH RECURSIVE b AS (SELECT 1 AS x UNION SELECT x + 1 AS "?column?" FROM b), a AS (SELECT x FROM b) '
        "SELECT x FROM a",
    ),
    (
        "inner_with",
        "SELECT (WITH x AS (SELECT b FROM u) SELECT MAX(b) FROM x) FROM t",
        "SELECT (SELECT MAX(b) FROM (SELECT b FROM u) AS x) FROM t",
    ),
]


@pytest.mark.parametrize(("rule", "written", "read"), _CASES, ids=[case[0] for case in _CASES])
def test_rule(rule: str, written: str, read: str) -> None:
    assert parse(written).sql("postgres") == read


def test_every_rule_has_a_case() -> None:
    rules = [rule.__name__ for rule, _ in (*spelling.RULES, *short_forms.RULES)]
    assert [case[0] for case in _CASES] == rules


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("upper(a)", "upper"),
        ("char_length(a)", "char_length"),
        ("a + 1", "?column?"),
        ("a::text", "a"),
        ("(a + 1)::bigint", "int8"),
        ("date '2024-01-01'", "date"),
        ("CASE WHEN a THEN 1 ELSE b END", "b"),
        ("CASE WHEN a THEN 1 END", "case"),
        ("count(*) FILTER (WHERE a) OVER ()", "count"),
        ("(SELECT max(b) FROM u)", "max"),
        ("EXISTS (SELECT 1)", "exists"),
        ("ARRAY[1, 2]", "array"),
        ("(a, b)", "row"),
        ("extract(year FROM a)", "extract"),
        ("trim(a)", "btrim"),
        ("a AT TIME ZONE 'UTC'", "timezone"),
        ("a IS NULL", "?column?"),
    ],
)
def test_columns_are_named_as_postgresql_names_them(written: str, name: str) -> None:
    inner = list(parse(f"SELECT * FROM (SELECT {written} FROM t) AS x").find_all(exp.Select))[1]
    assert inner.selects[0].alias_or_name == name
