"""Queries that a session repeats as the same text: kept in the mirror, and like PostgreSQL's whatever comes between."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import pq

from tests.gateway import RunningGateway, SampleLake, Settings, serving

KEPT = "SELECT count(*) FROM pg_prepared_statement() WHERE starts_with(name, 'lakegate own ')"
SHOWN = "SELECT count(*) FROM pg_prepared_statements"
QUERIES = (
    "SELECT oid, relname FROM pg_class WHERE oid = 'pg_class'::regclass",
    "SELECT TIMESTAMPTZ '2024-07-01 00:00', '2024-07-01 12:00 Europe/Paris'::timestamptz",
    "SELECT '01/02/2024'::date, DATE '2024-02-01'",
    "SELECT INTERVAL '1-2 3 4:05:06', '{NULL,a}'::text[]",
    "SELECT current_setting('TimeZone'), current_setting('array_nulls'), current_setting('DateStyle')",
    "SELECT 'x' = NULL, typname FROM pg_type WHERE typname IN ('bool', 'text') ORDER BY typname;",
    "SELECT 1 / (count(*) - count(*)) FROM pg_namespace",
    "SELECT relname FROM pg_class WHERE relname = 'seen'",
    "SELECT count(*) FROM pg_cursors",
    "SELECT name, statement FROM pg_prepared_statements ORDER BY name",
    "SELECT to_char(1234.5, 'L9G999D9'), 12::money",
    "WITH t AS (SELECT 1 AS one) SELECT one, current_schema FROM t",
    "VALUES (1, 'a'), (2, NULL)",
    "SELECT count(*) FROM no_such_table_anywhere",
    "SELECT set_config('array_nulls', 'off', true)",
    "SELECT U&\"set\\005Fconfig\"('array_nulls', 'off', true)",
    f"SELECT 1 AS {'long' * 20}",
    "SELECT relname FROM pg_class WHERE relname = $1",
)
COMMANDS = (
    *("BEGIN", "BEGIN", "COMMIT", "COMMIT", "ROLLBACK", "SAVEPOINT s", "ROLLBACK TO s"),
    *("SET TimeZone = 'Asia/Tokyo'", "SET LOCAL TimeZone = 'America/New_York'", "RESET TimeZone"),
    *("SET DateStyle = 'German, DMY'", "SET DateStyle = 'ISO, MDY'", "SET LOCAL DateStyle = 'SQL, DMY'"),
    *("SET array_nulls = off", "SET LOCAL array_nulls = off", "SET array_nulls = on", "SET IntervalStyle = iso_8601"),
    *("SET transform_null_equals = on", "RESET transform_null_equals", "SET search_path = pg_catalog", "RESET ALL"),
    *(
        "SET array_nulls = off; COMMIT; SELECT 1 / 0",
        "DEALLOCATE ALL; SELECT 1 / 0",
        "SELECT 1 / 0; SET array_nulls = on",
    ),
    *("BEGIN; SET LOCAL array_nulls = off", "SET TimeZone = 'Asia/Tokyo'; ROLLBACK; SELECT 1 / 0"),
    *("DISCARD ALL", "DEALLOCATE ALL", "PREPARE p AS SELECT 1", "DEALLOCATE p", "SHOW TimeZone"),
)


@pytest.fixture
def ada(gateway: RunningGateway) -> Iterator[pq.abc.PGconn]:
    with gateway.connect() as connection:
        yield connection.pgconn


def answer(connection: pq.abc.PGconn, text: str) -> tuple[object, ...]:
    """Return all that the client is told of a statement."""
    return told_by(connection, connection.exec_(text.encode()))


def unnamed(connection: pq.abc.PGconn, text: str) -> tuple[object, ...]:
    """As `answer`, of a text that is sent as the unnamed statement, with a value for its parameter if there is one."""
    values = [b"pg_class"] if "$1" in text else []
    return told_by(connection, connection.exec_params(text.encode(), values))


def bound_again(connection: pq.abc.PGconn, _text: str) -> tuple[object, ...]:
    """As `answer`, of the unnamed statement as it is."""
    return told_by(connection, connection.exec_prepared(b"", []))


def described(connection: pq.abc.PGconn, _text: str) -> tuple[object, ...]:
    """As `answer`, of the unnamed statement's description."""
    result = connection.describe_prepared(b"")
    return *told_by(connection, result), [result.param_type(at) for at in range(result.nparams)]


def told_by(connection: pq.abc.PGconn, result: pq.abc.PGresult) -> tuple[object, ...]:
    error = tuple(
        result.error_field(field)
        for field in (pq.DiagnosticField.SQLSTATE, pq.DiagnosticField.MESSAGE_PRIMARY)
        if result.status == pq.ExecStatus.FATAL_ERROR
    )
    columns = [
        (result.fname(at), result.ftype(at), result.fmod(at), result.fformat(at)) for at in range(result.nfields)
    ]
    rows = [[result.get_value(row, at) for at in range(result.nfields)] for row in range(result.ntuples)]
    return result.status, result.command_status, connection.transaction_status, error, columns, rows


def number(connection: pq.abc.PGconn, text: str) -> int:
    value = connection.exec_(text.encode()).get_value(0, 0)
    assert value is not None
    return int(value)


def test_from_the_third_time_on_a_query_is_kept(ada: pq.abc.PGconn) -> None:
    query = QUERIES[0]
    number(ada, SHOWN)  # the session has its process from now on
    answers = []
    kept = []
    for _ in range(5):
        answers.append(answer(ada, query))
        kept.append(number(ada, f"{KEPT} AND statement LIKE 'SELECT oid,%'"))
    assert answers == answers[:1] * 5
    assert kept == [0, 0, 1, 1, 1]
    assert number(ada, SHOWN) == 0


@pytest.mark.parametrize("query", [QUERIES[0], QUERIES[-1]])
def test_an_unnamed_statement_is_kept_so_too(ada: pq.abc.PGconn, query: str) -> None:
    number(ada, SHOWN)
    answers = []
    kept = []
    for _ in range(5):
        answers.append(unnamed(ada, query))
        kept.append(number(ada, f"{KEPT} AND statement = $${query}$$"))
    assert answers == answers[:1] * 5
    assert len(answers[0][5]) == 1  # type: ignore[arg-type]
    assert kept[:2] == [0, 0]
    assert kept[3:] == [1, 1]  # from the third time on, or from the fourth, should no session have sent its like
    assert number(ada, SHOWN) == 0


def test_types_of_parameters_make_another_statement(ada: pq.abc.PGconn) -> None:
    text = b"SELECT pg_typeof($1)"
    for _ in range(4):
        for oid, name in ((23, b"integer"), (25, b"text")):
            assert ada.exec_params(text, [b"1"], [oid]).get_value(0, 0) == name
    assert number(ada, KEPT) == 2


def test_the_unnamed_statement_stays_though_a_kept_one_stood_in_for_it(ada: pq.abc.PGconn) -> None:
    first = unnamed(ada, QUERIES[0])
    other = unnamed(ada, QUERIES[5])
    for _ in range(3):
        assert unnamed(ada, QUERIES[0]) == first
    assert bound_again(ada, "") == first
    assert bound_again(ada, "") == first
    assert described(ada, "")[4] == first[4]
    assert unnamed(ada, QUERIES[5]) == other
    assert unnamed(ada, QUERIES[0]) == first
    assert described(ada, "")[4] == first[4]
    answer(ada, QUERIES[0])
    assert bound_again(ada, "")[3] == (b"26000", b"unnamed prepared statement does not exist")


def test_what_a_rolled_back_transaction_leaves(ada: pq.abc.PGconn) -> None:
    number(ada, SHOWN)
    for _ in range(3):
        for text in ("BEGIN", QUERIES[0], "SAVEPOINT s", QUERIES[3], "ROLLBACK TO s", "ROLLBACK"):
            answer(ada, text)
    assert number(ada, KEPT) == 2, "it has changed no setting"
    outside = answer(ada, QUERIES[3])
    answer(ada, "BEGIN")
    answer(ada, "SET LOCAL array_nulls = off")
    inside = [answer(ada, QUERIES[3])[5] for _ in range(4)]
    answer(ada, "ROLLBACK")
    assert inside == [[[b"1 year 2 mons 3 days 04:05:06", b'{"NULL",a}']]] * 4
    assert answer(ada, QUERIES[3]) == outside


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 'now'::timestamptz, 'Today'::date",
        "SELECT 'now()'::timestamptz",
        "SELECT 'to'\n'day'::date",
        "SELECT U&'\\006eow'::timestamptz, E'n\\x6fw'::timestamptz",
        "SELECT '10:00'::timetz",
        "SELECT set_config('application_name', 'again', false)",
        "SELECT count(*) FROM pg_stat_activity WHERE pid = pg_backend_pid()",
        "SELECT count(*) FROM pg_cursors",
        "SELECT count(*) FROM pg_am; SELECT 1",
    ],
)
def test_what_is_not_kept(ada: pq.abc.PGconn, query: str) -> None:
    for _ in range(5):
        assert ada.exec_(query.encode()).status == pq.ExecStatus.TUPLES_OK
    assert number(ada, KEPT) == 0


def test_few_are_kept(ada: pq.abc.PGconn) -> None:
    for which in range(50):
        for _ in range(3):
            assert number(ada, f"SELECT {which} FROM pg_database LIMIT 1") == which
    assert 25 < number(ada, KEPT) <= 33


def test_what_was_forgotten_is_closed(ada: pq.abc.PGconn) -> None:
    for which in range(10):
        ada.exec_(b"SET extra_float_digits = %d" % (which % 3))
        for _ in range(4):
            assert ada.exec_(QUERIES[0].encode()).ntuples == 1
        assert number(ada, KEPT) == 1


def test_a_transaction_sees_no_cursor_of_them(ada: pq.abc.PGconn) -> None:
    ada.exec_(b"BEGIN")
    for _ in range(4):
        answer(ada, QUERIES[0])
        assert number(ada, "SELECT count(*) FROM pg_cursors") == 0
    ada.exec_(b"COMMIT")


def test_rows_that_come_and_go(ada: pq.abc.PGconn) -> None:
    query = "SELECT count(*) FROM pg_class WHERE relname = 'mine' AND relpersistence = 't'"
    for _ in range(3):
        assert number(ada, query) == 0
        ada.exec_(b"CREATE TEMPORARY TABLE mine (a int)")
        assert number(ada, query) == 1
        ada.exec_(b"DROP TABLE mine")


def test_a_name_that_comes_to_mean_another_relation(ada: pq.abc.PGconn) -> None:
    query = "SELECT count(*) FROM pg_temp.pg_am"
    assert [answer(ada, query)[3] for _ in range(4)] == [(b"42P01", b'relation "pg_temp.pg_am" does not exist')] * 4
    ada.exec_(b"CREATE TEMPORARY TABLE pg_am AS SELECT 1 AS one")
    assert [number(ada, query) for _ in range(4)] == [1] * 4
    ada.exec_(b"DROP TABLE pg_temp.pg_am")
    assert answer(ada, query)[3] == (b"42P01", b'relation "pg_temp.pg_am" does not exist')


def test_a_pipeline_that_changes_a_setting_for_a_transaction(gateway: RunningGateway) -> None:
    query = "SELECT '{NULL,a}'::text[]"
    with gateway.connect() as connection:
        one = connection.pgconn
        outside = answer(one, query)
        with connection.pipeline():
            connection.execute("BEGIN")
            connection.execute("SET LOCAL array_nulls = off")
        inside = [answer(one, query) for _ in range(4)]
        assert inside[0][5] != outside[5]
        assert inside[1:] == inside[:1] * 3
        one.exec_(b"COMMIT")
        assert [answer(one, query) for _ in range(4)] == [outside] * 4


def test_notices_of_reading_a_text_come_each_time(gateway: RunningGateway) -> None:
    told: list[str | None] = []
    with gateway.connect() as connection:
        connection.add_notice_handler(lambda notice: told.append(notice.sqlstate))
        for _ in range(6):
            connection.pgconn.exec_(f"SELECT 1 AS {'long' * 20}".encode())
    assert told == ["42622"] * 6


@pytest.mark.parametrize("seed", range(10))
def test_whatever_comes_between(gateway: RunningGateway, lake: SampleLake, seed: int) -> None:
    chosen = random.Random(seed)
    few = chosen.sample(QUERIES, 5)  # so that they are repeated
    texts = [chosen.choice(few if chosen.random() < 0.8 else COMMANDS) for _ in range(250)]
    settings = "-c timezone=UTC -c datestyle=ISO,DMY -c intervalstyle=postgres -c lc_monetary=C"
    with (
        gateway.connect(options=settings, application_name="between") as ours,
        psycopg.connect(lake.reference_dsn, options=settings, application_name="between", autocommit=True) as theirs,
    ):
        said: list[str] = []
        for text in texts:
            way = chosen.choice((answer, unnamed, unnamed, unnamed, bound_again, described))
            said.append(f"{way.__name__}: {text}")
            found, expected = (_comparable(way(one.pgconn, text)) for one in (ours, theirs))
            assert found == expected, "\n".join(said[-12:])


def _comparable(told: tuple[object, ...]) -> tuple[object, ...]:
    """Leave out the numbers of objects, which differ between databases, and messages in the gateway's words."""
    status, command, transaction, error, columns, rows, *types = told
    assert isinstance(error, tuple)
    return status, command, transaction, error[:1], columns, rows, types


def test_sessions_that_give_up_their_process(lake: SampleLake) -> None:
    processes = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'repeating' AND application_name = 'idle'"
    with (
        serving(lake, Settings(server={"idle_process_timeout": "200ms"}, database="repeating")) as restless,
        restless.connect(application_name="idle") as connection,
        lake.server.connect(autocommit=True) as owner,
    ):
        one = connection.pgconn
        expected = answer(one, QUERIES[1])
        deadline = time.monotonic() + 15
        while owner.execute(processes).fetchone() != (0,):
            assert time.monotonic() < deadline, "the session has kept its process"
            time.sleep(0.05)
        assert [answer(one, QUERIES[1]) for _ in range(4)] == [expected] * 4
        assert number(one, f"{KEPT} AND statement LIKE 'SELECT TIMESTAMPTZ%'") == 1
