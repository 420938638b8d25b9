"""Types that only PostgreSQL sources have, in statements that the engine answers."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.gateway import RunningGateway, SampleLake, Settings, serving
from tests.types.conftest import Both

ODD = """
CREATE DOMAIN origin.positive AS integer CHECK (VALUE > 0);
CREATE TABLE origin.odd (
    id integer, ip inet, net cidr, mac macaddr, bits bit(4), varbits varbit(8), r int4range, nr numrange, tz timetz,
    p point, pos origin.positive, mr int4multirange, ips inet[], words text[], oidc oid, lsn pg_lsn, c "char", nm name,
    ch char(3), vc varchar(4), price money, mood origin.mood, grid integer[], far timestamp
);
GRANT SELECT ON origin.odd TO reference_owner;
INSERT INTO origin.odd VALUES
    (1, '10.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03', B'1010', B'101', '[1,5)', '[1.0,2.0)', '10:00+02', '(1,2)', 5,
     '{[1,2),[5,7)}', '{10.0.0.1,NULL}', '{a,NULL}', 42, '0/16', 'x', 'nm', 'a', 'abcd', 12.34, 'happy',
     '{{1,2},{3,4}}', 'infinity'),
    (2, '10.0.0.2/24', '::1/128', '08:00:2b:01:02:04', B'0000', B'', 'empty', '[1,2)', '08:00+00', '(0,0)', 7,
     '{}', '{}', '{}', 1, '0/0', 'y', 'other', '', '', -5, 'sad', '{}', '2024-01-01');
INSERT INTO origin.odd (id) VALUES (3);
INSERT INTO origin.odd (id, ch, vc) VALUES (4, 'a', 'a '), (5, 'ab', 'ab');
"""
JOINED = "FROM origin.odd JOIN small.numbers ON n = id"
AS_TEXT = ("ip", "net", "mac", "bits", "varbits", "r", "nr", "tz", "p", "mr", "lsn", "c", "nm", "ch", "vc")


@pytest.fixture(scope="module")
def odd_gateway(lake: SampleLake) -> Iterator[RunningGateway]:
    """A gateway over a table of such types."""
    with psycopg.connect(lake.reference_dsn, autocommit=True) as connection:
        connection.execute(ODD)
        try:
            with serving(lake, Settings(server={"refresh_interval": "0"})) as running:
                yield running
        finally:
            connection.execute("DROP TABLE origin.odd; DROP DOMAIN origin.positive")


@pytest.fixture
def odd(odd_gateway: RunningGateway, lake: SampleLake) -> Iterator[Both]:
    """Two sessions, with the table of such types."""
    with odd_gateway.connect() as ours, psycopg.connect(lake.reference_dsn, autocommit=True) as theirs:
        yield Both(ours, theirs)


@pytest.mark.parametrize("column", [*AS_TEXT, "pos", "oidc", "words", "ips"])
def test_values_have_their_type_and_text(column: str, odd: Both) -> None:
    odd.assert_alike(f"SELECT id, {column} {JOINED}")
    if column != "ips":
        odd.assert_alike(f"SELECT id, {column}::text {JOINED}")


@pytest.mark.parametrize("column", ["ip", "net", "mac", "bits", "varbits", "r", "lsn", "c", "pos", "oidc", "ch", "vc"])
def test_equal_values_are_found_by_their_text(column: str, odd: Both) -> None:
    odd.assert_alike(f"SELECT {column}, count(*) {JOINED} GROUP BY {column}")
    odd.assert_alike(f"SELECT DISTINCT {column} {JOINED}")
    odd.assert_alike(
        f"SELECT a.id, b.id FROM origin.odd a JOIN small.numbers ON n = a.id JOIN origin.odd b USING ({column})"
    )


@pytest.mark.parametrize(
    "condition",
    [
        *("ch LIKE 'a'", "ch LIKE 'a  '", "ch NOT LIKE 'a_'", "ch ILIKE 'A_ '", "ch ~ 'b$'", "(ch) !~ 'a *$'"),
        *("ch SIMILAR TO 'a +'", "ch LIKE vc || '%'", "vc LIKE ch || ''", "ch LIKE ANY (ARRAY['a', 'ab '])"),
        *("ch = vc", "vc = ch ", "vc <> ch ", "ch < vc", "vc IS DISTINCT FROM ch ", "vc::text = ch ", "ch = vc::text"),
    ],
)
def test_blanks_behind_characters_count_where_they_do(condition: str, odd: Both) -> None:
    odd.assert_alike(f"SELECT id {JOINED} WHERE {condition}")
    pairs = condition.replace("vc", "b.vc").replace("ch ", "a.ch ").replace("(ch)", "(a.ch)")
    pairs = pairs if "b.vc" in pairs else f"{pairs} AND a.id = b.id"
    odd.assert_alike(f"SELECT a.id, b.id FROM origin.odd a JOIN small.numbers ON n = a.id JOIN origin.odd b ON {pairs}")


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("SELECT max(lsn) {}", "max of pg_lsn"),
        ("SELECT id {} ORDER BY lsn", "ORDER BY of pg_lsn"),
        ("SELECT nr, count(*) {} GROUP BY nr", "GROUP BY or DISTINCT of numrange"),
        ("SELECT DISTINCT nr {}", "GROUP BY or DISTINCT of numrange"),
    ],
)
def test_what_texts_do_not_tell_is_refused(sql: str, named: str, odd: Both) -> None:
    with pytest.raises(psycopg.errors.FeatureNotSupported, match=named):
        odd.gateway.execute(sql.format(JOINED).encode())


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id {} WHERE ip = '10.0.0.1'",
        "SELECT id {} WHERE ip > net",
        "SELECT id {} WHERE ip IN ('10.0.0.1')",
        "SELECT a.id FROM origin.odd a JOIN small.numbers ON n = a.id JOIN origin.odd b ON a.nr = b.nr",
        "SELECT id {} WHERE r @> 3",
    ],
)
def test_postgresql_compares_what_texts_do_not_tell(sql: str, odd: Both) -> None:
    odd.assert_alike(sql.format(JOINED))


@pytest.mark.parametrize("column", ["ip", "net", "r", "nr", "tz"])
def test_values_are_sorted_as_postgresql_sorts_them(column: str, odd: Both) -> None:
    odd.assert_alike(f"SELECT id, row_number() OVER (ORDER BY {column}) {JOINED} ORDER BY {column} DESC")
    odd.assert_alike(f"SELECT array_agg(id ORDER BY {column}) {JOINED}")
    if column != "tz":
        odd.assert_alike(f"SELECT id {JOINED} ORDER BY {column} LIMIT 1")
    if column in ("ip", "net", "tz"):
        odd.assert_alike(f"SELECT min({column}), max({column}) FILTER (WHERE id < 9) {JOINED}")


def test_money_and_enums_come_as_numeric_and_text(odd: Both) -> None:
    rows = odd.gateway.execute(f"SELECT price, mood {JOINED} ORDER BY id".encode()).fetchall()
    assert [(str(price), mood) for price, mood in rows[:2]] == [("12.34", "happy"), ("-5.00", "sad")]


@pytest.mark.parametrize("column", ["grid", "far + interval '1 day'"])
def test_values_that_the_engine_has_not_are_errors(column: str, odd: Both) -> None:
    with pytest.raises(psycopg.Error, match=r"several dimensions|infinite"):
        odd.gateway.execute(f"SELECT id, {column} {JOINED}".encode())
