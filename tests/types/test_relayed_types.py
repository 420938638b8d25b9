"""Every type that a PostgreSQL source may bring: relayed as its server has it, and with a lake table beside it."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import pq
from psycopg.conninfo import make_conninfo

from tests.gateway import RunningGateway, SampleLake, Settings, serving
from tests.types.conftest import BINARY, TEXT, Both

_TYPES: dict[str, tuple[str, tuple[str, ...]]] = {
    # built in, with modifiers
    "vc": ("varchar(5)", ("abcde", "ab", "")),
    "ch": ("char(4)", ("ab", "", "abcd")),
    "num": ("numeric(7,2)", ("12345.67", "-0.01", "NaN")),
    "wide": ("numeric(60,20)", ("1" * 40 + ".5", "-1", "0")),
    "neg": ("numeric(3,-2)", ("12300", "-100", "0")),
    "free": ("numeric", ("1e100", "NaN", "-Infinity")),
    "ts3": ("timestamptz(3)", ("2024-01-02 03:04:05.6789+00", "infinity", "0044-03-15 BC")),
    "ts": ("timestamp", ("2024-01-02", "-infinity", "294276-12-31 23:59:59.999999")),
    "d": ("date", ("2024-02-29", "infinity", "-infinity")),
    "t": ("time(2)", ("23:59:59.999", "24:00", "00:00")),
    "tz": ("timetz", ("10:00+02", "00:00-15:59", "24:00+00")),
    "iv": ("interval", ("178000000 years", "-1 mon +2 days -03:00", "2562047788:00:54.775807")),
    "ivd": ("interval day to second(1)", ("1 day 02:03:04.56", "0", "-1 day")),
    "b4": ("bit(4)", ("1010", "0000", "1111")),
    "vb": ("varbit(8)", ("101", "", "11111111")),
    "f": ("real", ("NaN", "-Infinity", "1.5")),
    "by": ("bytea", ("\\x00ff", "", "\\x41")),
    "x": ('"char"', ("x", "", "\\200")),
    "m": ("money", ("12.34", "-0.01", "92233720368547758.07")),
    "u": ("uuid", ("00112233-4455-6677-8899-aabbccddeeff",)),
    "ip": ("inet", ("10.0.0.1", "10.0.0.2/24", "::1")),
    "net": ("cidr", ("10.0.0.0/8", "::/0", "1.2.3.4/32")),
    "mac": ("macaddr", ("08:00:2b:01:02:03",)),
    "mac8": ("macaddr8", ("08:00:2b:01:02:03:04:05",)),
    "pt": ("point", ("(1,2)", "(NaN,0)")),
    "box": ("box", ("(1,2),(0,0)",)),
    "path": ("path", ("[(0,0),(1,1)]", "((0,0),(1,1))")),
    "tsv": ("tsvector", ("'a':1A 'b':2", "")),
    "tsq": ("tsquery", ("'a' & 'b'",)),
    "lsn": ("pg_lsn", ("16/B374D848",)),
    "snap": ("pg_snapshot", ("10:20:10,14,15",)),
    "jp": ("jsonpath", ("$.a[*]",)),
    "j": ("json", ('{"a": 1,  "a": 2}', "null")),
    "jb": ("jsonb", ('{"b": [1, null], "a": 1e2}',)),
    "xid": ("xid8", ("42",)),
    # ranges
    "r4": ("int4range", ("[1,5)", "empty", "(,)")),
    "rn": ("numrange", ("(1.0,2.5]", "empty")),
    "rt": ("tstzrange", ("[2024-01-01 00:00+00,infinity)", "(-infinity,2024-01-01 00:00+00]")),
    "rd": ("daterange", ("[2024-01-01,2024-02-01)", "[2024-01-01,infinity]")),
    "mr": ("int4multirange", ("{[1,2),[5,7)}", "{}")),
    "mrt": ("tstzmultirange", ("{[2024-01-01 00:00+00,2024-02-01 00:00+00)}",)),
    # arrays
    "a1": ("integer[]", ("{1,NULL,3}", "{}", "{{1,2},{3,NULL}}")),
    "a0": ("bigint[]", ("[0:2]={1,2,3}", "[-1:0][2:3]={{1,2},{3,4}}")),
    "at": ("text[]", ('{a,"b c",NULL,"","NULL"}', '{{"x,y"},{"\\"q\\""}}')),
    "an": ("numeric(6,2)[]", ("{1.5,NaN,NULL}", "{{1},{2}}")),
    "afree": ("numeric[]", ("{1e30,NaN}", "{}")),
    "ats": ("timestamptz(0)[]", ("{infinity,2024-01-01 00:00:00.9+00}", "{{2024-01-01 00:00+00}}")),
    "avc": ("varchar(3)[]", ("{abc,d}",)),
    "ach": ("char(3)[]", ("{a,abc}",)),
    "aip": ("inet[]", ("{10.0.0.1,NULL}", "[2:3]={10.0.0.0/8,::1}")),
    "ar": ("int4range[]", ('{"[1,2)",empty}',)),
    "ajb": ("jsonb[]", ('{"{\\"a\\": 1}",NULL}',)),
    "am": ("money[]", ("{1.50,NULL}",)),
    "abit": ("bit(3)[]", ("{101,NULL}", "{}")),
    "amac": ("macaddr[]", ("{08:00:2b:01:02:03,NULL}",)),
    "acid": ("cidr[]", ("{10.0.0.0/8,NULL,::1/128}",)),
    "atz": ("timetz(0)[]", ("{10:00:00.7+02,NULL}",)),
    "ard": ("daterange[]", ('{"[2024-01-01,2024-02-01)",NULL,empty}',)),
    "aiv": ("interval[]", ("{1 day,NULL,-01:00}",)),
    "atime": ("time[]", ("{10:00,NULL}",)),
    "afl": ("double precision[]", ("{0.1,NULL,NaN}",)),
    "aby": ("bytea[]", ('{"\\\\x00ff",NULL}',)),
    "alsn": ("pg_lsn[]", ("{16/B374D848}",)),
    "apt": ("point[]", ('{"(1,2)",NULL}',)),
    "abox": ("box[]", ("{(1,2),(0,0);(3,4),(1,1)}",)),
    "ov": ("oidvector", ("1 2 3",)),
    "tid": ("tid", ("(1,2)",)),
    "xid4": ("xid", ("42",)),
    "avec": ("vector[]", ('{"[1,2]",NULL}',)),
    "vec": ("vector(3)", ("[1,2,3]", "[0.5,-1e+10,0]")),
    # made in the database
    "mood": ("mood", ("happy", "sad")),
    "amood": ("mood[]", ("{happy,NULL}", "{{sad},{ok}}")),
    "pos": ("positive", ("5",)),
    "mail": ("address", ("a@b.c",)),
    "apos": ("positive[]", ("{1,2}", "{{1},{2}}")),
    "pair": ("pair", ('(1,"a b")', "(,)")),
    "apair": ("pair[]", ('{"(1,a)",NULL}',)),
    "myr": ("float_range", ("[1.5,2)",)),
    # extensions
    "hs": ("hstore", ('"a"=>"1", "b"=>NULL', "")),
    "ci": ("citext", ("HeLLo", "")),
    "lt": ("ltree", ("Top.Science", "")),
    "cb": ("cube", ("(1, 2, 3)", "(0),(1)")),
    "isbn": ("isbn13", ("978-0-393-04002-9",)),
    "ahs": ("hstore[]", ('{"\\"a\\"=>\\"1\\"",NULL}',)),
}
_MADE = """
CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION ltree; CREATE EXTENSION cube; CREATE EXTENSION isn;
CREATE EXTENSION vector;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN address AS varchar(40) CHECK (VALUE ~ '@');
CREATE TYPE pair AS (number integer, word text);
CREATE TYPE float_range AS RANGE (subtype = float8);
"""
_ROWS = 4  # the last one of NULLs


@pytest.fixture(scope="module")
def kinds_gateway(lake: SampleLake) -> Iterator[RunningGateway]:
    """A gateway over a database with a table of each type."""
    lake.server.create_database("kinds", "kinds_owner", "kinds secret")
    with lake.server.connect("kinds", autocommit=True) as owner:
        owner.execute(_MADE.encode())
        columns = ", ".join(f'"{name}" {spelled}' for name, (spelled, _) in _TYPES.items())
        owner.execute(f"CREATE SCHEMA rare; CREATE TABLE rare.every (id integer, {columns})".encode())
        owner.execute("CREATE SCHEMA small; CREATE TABLE small.numbers AS SELECT generate_series(1, 10) AS n")
        for row in range(_ROWS):
            values = [each[row] if row < len(each) else None for _, each in _TYPES.values()]
            places = ", ".join("%s" for _ in values)
            owner.execute(f"INSERT INTO rare.every VALUES ({row + 1}, {places})".encode(), values)
        owner.execute("GRANT ALL ON ALL TABLES IN SCHEMA rare, small TO kinds_owner")
        owner.execute("GRANT USAGE ON SCHEMA rare, public, small TO kinds_owner")
    dsn = make_conninfo("", **lake.server.connection_parameters("kinds", "kinds_owner", "kinds secret"))
    sources = {"small": lake.sources["small"], "rare": {"kind": "postgres", "dsn": dsn}}
    with serving(lake, Settings(server={"refresh_interval": "0"}, sources=sources, database="kinds_lake")) as running:
        yield running


@pytest.fixture(scope="module")
def both(kinds_gateway: RunningGateway, lake: SampleLake) -> Iterator[Both]:
    dsn = make_conninfo("", **lake.server.connection_parameters("kinds"))
    with kinds_gateway.connect() as ours, psycopg.connect(dsn, autocommit=True) as theirs:
        theirs.execute("SET TimeZone TO 'UTC'")
        yield Both(ours, theirs)


# Types that are told as text, of which values are therefore texts in binary, too, and two that are told as others.
_TOLD_AS_TEXT = frozenset({"mood", "pair", "myr", "hs", "ci", "lt", "cb", "isbn", "vec"})
_TOLD_AS_TEXTS = frozenset({"afree", "am", "amood", "apos", "apair", "ahs", "avec"})
_TOLD_AS = {**dict.fromkeys(_TOLD_AS_TEXT, 25), **dict.fromkeys(_TOLD_AS_TEXTS, 1009), "m": 1700}
# Where the engine takes part: values that it cannot hold are errors, and so are these types in binary.
_NOT_HELD = frozenset({"num", "free", "ts", "t", "iv", "a1", "a0", "at", "an", "ats", "aip", "amood", "apos"})
_IN_TEXT_ALONE = frozenset({"tsq"})
_JOINED = "FROM rare.every e JOIN small.numbers ON n = id ORDER BY id"


@pytest.mark.parametrize("form", [TEXT, BINARY], ids=["text", "binary"])
@pytest.mark.parametrize("name", [name for name in _TYPES if name not in _TOLD_AS])
def test_relayed_values_are_the_servers(both: Both, name: str, form: int) -> None:
    both.assert_alike(f'SELECT "{name}" FROM rare.every ORDER BY id', result_format=form)
    both.assert_alike(f'SELECT id, "{name}" FROM rare.every WHERE "{name}" IS NULL', result_format=form)


@pytest.mark.parametrize("name", sorted(_TOLD_AS))
def test_types_that_are_told_as_others(both: Both, name: str) -> None:
    sql = f'SELECT "{name}" FROM rare.every ORDER BY id'.encode()
    ours, theirs = (one.pgconn.exec_params(sql, ()) for one in (both.gateway, both.postgres))
    assert ours.ftype(0) == _TOLD_AS[name]
    of_money = {b"$12.34": b"12.34", b"-$0.01": b"-0.01", b"$92,233,720,368,547,758.07": b"92233720368547758.07"}
    for row in range(_ROWS):
        expected = theirs.get_value(row, 0)
        assert ours.get_value(row, 0) == (of_money.get(expected or b"") if name == "m" else expected)
    shown = both.gateway.execute("SELECT typname FROM pg_type WHERE oid = %s", (ours.ftype(0),)).fetchone()
    assert shown == ({25: "text", 1009: "_text", 1700: "numeric"}[_TOLD_AS[name]],)


_WITHOUT_EQUALITY = frozenset({"j", "jp", "pt", "path", "box", "snap", "apt", "abox"})


@pytest.mark.parametrize("name", [name for name in _TYPES if name not in {*_TOLD_AS, *_WITHOUT_EQUALITY}])
def test_parameters_of_every_type(both: Both, name: str) -> None:
    _, values = _TYPES[name]
    sql = f'SELECT id FROM rare.every WHERE "{name}" = $1'
    for value in values:
        ours, theirs = (one.pgconn.exec_params(sql.encode(), [value.encode()]) for one in (both.gateway, both.postgres))
        assert theirs.status == pq.ExecStatus.TUPLES_OK
        if ours.status != pq.ExecStatus.TUPLES_OK:
            assert ours.error_field(pq.DiagnosticField.SQLSTATE) in (b"0A000", b"22003", b"22008", b"22015")
            assert name in {"free", "an", "num", "ts", "iv"}, (value, ours.error_message)
        else:
            assert [ours.get_value(at, 0) for at in range(ours.ntuples)] == [
                theirs.get_value(at, 0) for at in range(theirs.ntuples)
            ]


@pytest.mark.parametrize("form", [TEXT, BINARY], ids=["text", "binary"])
@pytest.mark.parametrize("name", [name for name in _TYPES if name not in _TOLD_AS or name in _NOT_HELD])
def test_beside_a_lake_table_values_are_right_or_refused(both: Both, name: str, form: int) -> None:
    sql = f'SELECT e."{name}" {_JOINED}'
    if name in _NOT_HELD or (form == BINARY and name in _IN_TEXT_ALONE):
        result = both.gateway.pgconn.exec_params(sql.encode(), (), result_format=form)
        assert result.error_field(pq.DiagnosticField.SQLSTATE) in _REFUSED, result.error_message
        assert both.gateway.execute("SELECT 1").fetchone() == (1,)
    else:
        both.assert_alike(sql, result_format=form)


@pytest.mark.parametrize("form", [TEXT, BINARY], ids=["text", "binary"])
@pytest.mark.parametrize("name", [name for name in _TYPES if name not in {*_TOLD_AS, *_NOT_HELD, *_IN_TEXT_ALONE}])
def test_in_temporary_tables_and_beside_them(both: Both, name: str, form: int) -> None:
    made = f'CREATE TEMP TABLE kept AS SELECT id, "{name}" FROM rare.every'
    for connection in (both.gateway, both.postgres):
        connection.execute(made.encode())
    both.assert_alike(f'SELECT "{name}" FROM kept ORDER BY id', result_format=form)
    both.assert_alike(f'SELECT k."{name}" FROM kept k JOIN small.numbers ON n = id', result_format=form)
    for connection in (both.gateway, both.postgres):
        connection.execute("DROP TABLE kept")


def test_arrays_of_other_bounds_are_refused_in_temporary_tables(both: Both) -> None:
    both.gateway.execute("CREATE TEMP TABLE bounds AS SELECT 1 AS id, '[0:1]={1,2}'::int[] AS a, '{{1}}'::int[] AS b")
    for name in "ab":
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="other lower bounds"):
            both.gateway.execute(f"SELECT {name} FROM bounds JOIN small.numbers ON n = id".encode())
    both.gateway.execute("DROP TABLE bounds")


@pytest.mark.parametrize("name", ["rt", "rd", "mrt", "ard", "aiv", "aby", "ts3"])
def test_values_have_the_sessions_style(both: Both, name: str) -> None:
    changed = {"TimeZone": "Asia/Kolkata", "DateStyle": "German", "IntervalStyle": "iso_8601", "bytea_output": "escape"}
    both.set(**changed)
    try:
        both.assert_alike(f'SELECT e."{name}" FROM rare.every e JOIN small.numbers ON n = id WHERE id < 2')
    finally:
        both.set(TimeZone="UTC", DateStyle="ISO", IntervalStyle="postgres", bytea_output="hex")


_REFUSED = (b"0A000", b"22000", b"22003", b"22008", b"42846", b"HV000")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT d, ts3 {} WHERE true",
        "SELECT d FROM rare.every JOIN small.numbers ON n = id WHERE d = 'infinity'",
        "SELECT id FROM rare.every JOIN small.numbers ON n = id WHERE d > '2024-01-01' ORDER BY ts3 DESC, id",
        "SELECT min(d), max(d), max(ts3), min(ts3) FROM rare.every JOIN small.numbers ON n = id",
        "SELECT d, count(*) FROM rare.every JOIN small.numbers ON n = id GROUP BY d ORDER BY d",
        "SELECT a.id, b.id FROM rare.every a JOIN small.numbers ON n = a.id JOIN rare.every b ON a.ts3 < b.ts3",
        "SELECT a.id, b.id FROM rare.every a JOIN small.numbers ON n = a.id JOIN rare.every b ON a.d = b.d",
        "SELECT a.id, b.ts3 FROM rare.every a JOIN small.numbers ON n = a.id JOIN rare.every b USING (ts3)",
        "SELECT q.d FROM (SELECT max(d) AS d FROM rare.every JOIN small.numbers ON n = id) q WHERE q.d IS NOT NULL",
    ],
)
def test_infinite_moments_are_handed_on_compared_and_sorted(both: Both, sql: str) -> None:
    source = "FROM (SELECT id, d, ts3 FROM rare.every JOIN small.numbers ON n = id) e"
    for form in (TEXT, BINARY):
        both.assert_alike(sql.format(source), result_format=form)


@pytest.mark.parametrize(
    "expression", ["d + 1", "d - date '2024-01-01'", "ts3 + interval '1 day'", "extract(year FROM ts3)", "d::timestamp"]
)
def test_the_engine_does_not_count_with_infinity(both: Both, expression: str) -> None:
    for where in ("", "WHERE d > '2024-01-01'"):
        sql = f"SELECT {expression} FROM rare.every JOIN small.numbers ON n = id {where}".encode()
        ours, theirs = (one.pgconn.exec_params(sql, ()) for one in (both.gateway, both.postgres))
        if ours.status == pq.ExecStatus.TUPLES_OK:
            rows = [sorted(str(r.get_value(at, 0)) for at in range(r.ntuples)) for r in (ours, theirs)]
            assert rows[0] == rows[1]
        else:
            assert ours.error_field(pq.DiagnosticField.SQLSTATE) in (b"22008", b"0A000"), ours.error_message
