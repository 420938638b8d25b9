"""Statements that a gateway is asked with values, or that speak of the session: PostgreSQL's answer in text and binary.

Statements without either are in ``scripts``, where they take less time.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.differential.generated.servers import Outcome, Pair, Question, Turn, paired
from tests.gateway import RunningGateway

WITH_VALUES: tuple[tuple[str, tuple[str, ...]], ...] = (
    # patterns are read as PostgreSQL reads them
    ("select id from lk.wild where t ~ $1 order by id", (r"\mapple\M",)),
    ("select id from lk.wild where t ~* $1 order by id", ("^A",)),
    ("select id from lk.wild where t !~ $1 order by id", (r"(?i)\yb",)),
    ("select id, regexp_replace(t, $1, 'X'), regexp_replace(t, $1, 'X', 'g') from lk.wild order by id", (r"\ma",)),
    ("select id from lk.wild where t ~ $1", ("a(",)),
    # infinite moments
    ("select extract(year from $1::timestamp) from lk.tame limit 1", ("infinity",)),
    ("select extract(year from $1::timestamp) from lk.tame limit 1", ("2024-02-03 04:05",)),
    ("select $1::timestamp::date, date_trunc('day', $1::timestamp) from lk.tame limit 1", ("-infinity",)),
    ("select $1::timestamp + interval '1 day', $2::date - 1 from lk.tame limit 1", ("infinity", "-infinity")),
    ("select id from lk.tame where d + 1 < $1::date order by id", ("infinity",)),
    # arrays
    ("select id, i4 = any($1), i4 <> all($1) from lk.tame order by id", ("{}",)),
    ("select id, i4 = any($1), i4 <> all($1) from lk.tame order by id", ("{2,NULL}",)),
    ("select id, ai @> $1, ai && $1, ai <@ $1 from lk.tame order by id", ("{1,NULL,2}",)),
    ("select round(n, $1), trunc(n, $1), string_agg(t, $2) from lk.tame group by n order by n", ("2", "; ")),
    # each row has the digits of the branch that it takes
    ("select id, case when v ~ $1 then v::numeric else -1.50 end from lk.wild order by id", (r"^\d+$",)),
    ("select id, case when t ~ '^[0-9.]+$' then t::numeric end as x from lk.wild order by x, id", ()),
    ("select id, case when i4 = 0 then null else n / i4 end from lk.tame order by id", ()),
    ("select id, case id % 3 when 0 then n / 7 when 1 then null else 2.5 end from lk.tame order by id", ()),
    ("select id, coalesce(case when i4 = 0 then null else n / i4 end, 0) from lk.tame order by id", ()),
    ("select case when count(*) > $1 then sum(n) / count(*) else 0 end from lk.tame", ("5",)),
    (
        "select coalesce(n, 0), coalesce(n, $1), greatest(n, 0), least(n, 2.5, null), n from lk.tame order by id",
        ("1.5",),
    ),
    ("select greatest(least(n, 2), -1), case id % 2 when 0 then n else 0 end, abs(coalesce(n, 0)) from lk.tame", ()),
    ("select coalesce(n, 0) - coalesce(n, 1.5), coalesce(n, 0) * 2.5, coalesce(n, 0) / 3 from lk.tame order by id", ()),
    ("select case when b then null when i4 > 1 then n else 0 end as x from lk.tame order by x, id", ()),
    ("select b, coalesce(sum(n), 0) as s, count(distinct i4) from lk.tame group by b order by s, b", ()),
    ("select coalesce(n, 0.0000), count(*) from lk.tame group by 1 order by 1", ()),
    # NaN, of which statistics in files tell nothing
    ("select id from lk.wild where f8 = 'NaN'", ()),
    ("select id from lk.wild where f8 = $1 or f4 >= $1", ("NaN",)),
    ("select id from lk.wild where f8 > 'Infinity'", ()),
    ("select id from lk.wild where not (f8 < 'Infinity' or id = $1) order by id", ("5",)),
    ("select a.id from lk.wild a join lk.wild b on a.f8 = b.f8 where b.id = 8", ()),
    ("select id from lk.wild where f8 in (select f8 from lk.wild where id = 8)", ()),
    ("select id, f8 / 0, f4 / '-0'::real from lk.wild where id = 8", ()),
    # tables of one name from two schemas, without aliases
    ("select db.wild.i4, lk.wild.t from db.wild join lk.wild using (id) where id < $1 order by id", ("5",)),
    (
        "select db.wild.id, count(*) from db.wild, lk.wild where db.wild.id < lk.wild.id group by 1 order by 1",
        (),
    ),
    ("select lk.wild.id, db.wild.* from lk.wild, db.wild where lk.wild.id = db.wild.id order by lk.wild.id", ()),
    # char(n) of a source beside files
    (
        "select c like $1, c ~ 'b$', max(c) over (), coalesce(c, 'none at all') from db.tame join lk.tame using (id)",
        ("ab",),
    ),
    (
        "select max(c), array_agg(c order by id), length(max(c)) from db.tame join lk.tame using (id)",
        (),
    ),
    # what is looked for among a query's rows is of their type
    ("select x.id from db.wild x, lk.wild y where (x.w, x.id) in (select 'Two'::char(5), 2)", ()),
    ("select x.id from lk.wild x where ('ab ', x.id) in (select c, id from db.tame) or x.id = 7", ()),
    ("select id from lk.wild where 'ab ' in (select c from db.tame) and $1 = any (select c from db.tame)", ("ab ",)),
    ("select id, 'ab ' in (select c from db.tame), 'ab ' not in (select c from db.tame) from lk.wild", ()),
    (
        "select id from lk.wild where '{\"a\":1.0}' in (select j from db.tame) "
        "and '24:00' = any (select iv from db.tame)",
        (),
    ),
    ("select y.id from db.tame y, lk.tame where (y.j, y.id) in (select '{\"a\":1.0}'::jsonb, 1)", ()),
    (
        "select y.id from db.wild y, lk.tame where y.j = any (select j from db.wild) "
        "and y.j <> all (select '1.5'::jsonb)",
        (),
    ),
    # binary forms
    ("select int4range(id, id + 3), numrange(n, 20), daterange(d, null) from lk.tame order by id", ()),
    ("select tsrange(ts, '2030-01-01'), int8multirange(int8range(id, null)) from lk.tame order by id", ()),
    ("select i4::bit(11), (i4::bit(8))::varbit from lk.tame order by id", ()),
    # beside what the session tells
    ("select id, $1 || $2, $1 || t, t || $2 from lk.tame order by id", ("a", "b")),
    ("select $2::int, id, $1 || current_setting('TimeZone') from lk.tame order by id", ("a", "7")),
    ("select id from db.tame where t <> current_setting('TimeZone') and id < $1 order by id", ("5",)),
    ("select pg_typeof($1::int8)::text, version() = $2 from lk.tame", ("1", "x")),
)

OF_THE_SESSION = (
    "select id, version(), pg_catalog.version() = version() from lk.tame order by id limit 2",
    "select current_setting('TimeZone'), current_setting('datestyle'), current_setting('server_version_num')::int "
    "from lk.tame limit 1",
    "select current_setting('no.such', true), current_setting('no.such', true) is null from lk.tame limit 1",
    "select current_setting('no.such') from lk.tame",
    "select x.*, current_schema from (select current_schema(), version(), id from lk.tame) x order by id",
    "select id from lk.tame where t <> current_setting('TimeZone') order by id",
    "select id from db.tame where t <> current_setting('TimeZone') order by id",
    "select count(*), current_setting('TimeZone') from lk.tame group by 2",
    "select max(current_setting('TimeZone')) from lk.tame group by current_setting('TimeZone')",
    "with v as materialized (select version() as v) select v.v = version(), id from lk.tame, v order by id",
    "select pg_backend_pid() > 0, pg_is_in_recovery(), has_schema_privilege('lk', 'usage') from lk.tame limit 1",
    "select id from lk.tame where has_table_privilege('lk.tame', 'select') and pg_has_role(current_user, 'member') "
    "order by id",
    # types
    "select pg_typeof(i4), pg_typeof(n), pg_typeof(t), pg_typeof(ai), pg_typeof(tz), pg_typeof(i4 + 1.5) "
    "from lk.tame order by id",
    "select pg_typeof(sum(i8))::text, pg_typeof(avg(f4)), pg_typeof(array_agg(n))::text from lk.tame",
    "select b, pg_typeof(max(d))::text from lk.tame group by b order by b",
    "select pg_typeof(d - d)::text, pg_typeof(ts - ts)::text, pg_typeof(d + interval '1 day')::text, "
    "pg_typeof(now())::text, pg_typeof(case when b then 1 end)::text, pg_typeof(t::char(4))::text from lk.tame",
    "select pg_typeof(c)::text, pg_typeof(w)::text, pg_typeof(j)::text, pg_typeof(iv)::text from db.tame",
    "select pg_typeof(null), pg_typeof('x'), pg_typeof(row_number() over ()) from lk.tame",
    "select pg_typeof(u)::text, pg_typeof(x)::text from lk.tame, unnest(ai) u, (select n + 1 as x from lk.tame) s",
    "select id from lk.tame where pg_typeof(i4)::text = 'integer' order by id",
)
"""Statements that speak of the session, or of types."""


@pytest.fixture(scope="module")
def sides(generated: tuple[str, RunningGateway]) -> Iterator[Pair]:
    """PostgreSQL and the gateway over the same rows."""
    dsn, gateway = generated
    with paired(dsn, gateway.dsn()) as pair:
        yield pair


def _told(outcome: Outcome) -> tuple[object, ...]:
    return outcome.state, outcome.names, outcome.types, outcome.parameters, outcome.rows


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize(("sql", "values"), WITH_VALUES)
def test_question(sides: Pair, sql: str, values: tuple[str, ...], binary: bool) -> None:
    question = Question(sql, (Turn(values, binary),))
    (answer,) = sides.gateway.ask(question)
    (expected,) = sides.postgres.ask(question)
    assert _told(answer) == _told(expected), answer.message


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize("sql", OF_THE_SESSION)
def test_of_the_session(sides: Pair, sql: str, binary: bool) -> None:
    test_question(sides, sql, (), binary)


def test_settings_are_those_of_each_statement(sides: Pair) -> None:
    question = Question("select current_setting('TimeZone') as zone, id from lk.tame order by id limit 1")
    told = []
    for zone in ("Asia/Kolkata", "UTC"):
        sides.gateway.set("TimeZone", zone)
        told += [one.rows for one in sides.gateway.ask(question)]
    assert told == [((b"Asia/Kolkata", b"1"),), ((b"UTC", b"1"),)]


def test_types_as_values_are_refused(sides: Pair) -> None:
    (answer,) = sides.gateway.ask(Question("select id from lk.tame where pg_typeof(i4) = 'int4'::regtype"))
    assert (answer.state, answer.message) == ("0A000", "function pg_typeof is not available on lake tables")
