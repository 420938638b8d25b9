"""Every statement and login is in the audit, however it was asked and however it ended."""

from __future__ import annotations

import threading
import time

import psycopg
import pytest

from tests.audit.reading import Audited, Entry
from tests.gateway import ADA, BOB, EVE


def simple(watched: Audited, text: str, user: str = ADA) -> None:
    with watched.gateway.connect(user) as connection:
        connection.pgconn.exec_(text.encode())


def test_a_statement_over_the_lake_says_who_what_and_how_much(watched: Audited) -> None:
    with watched.gateway.connect(application_name="ledger") as connection:
        rows = connection.execute("select n from small.numbers where n < 4 and n <> 77").fetchall()
    assert len(rows) == 3
    entry = watched.outcome("select n from small.numbers where n < ? and n <> ?")
    assert entry["user"] == entry["role"] == ADA
    assert entry["roles"] == [ADA]
    assert entry["application_name"] == "ledger"
    assert entry["database"] == "watched"
    assert entry["address"].startswith("127.0.0.1:")
    assert entry["lane"] == "engine"
    assert entry["tables"] == ["small.numbers"]
    assert entry["columns"] == {"small.numbers": ["n"]}
    assert entry["snapshots"] == {"small.numbers": "3"}
    assert entry["rows"] == 3
    assert entry["bytes"] > 0
    assert entry["duration_ms"] > 0
    assert entry["sqlstate"] == "00000"
    assert entry["class"] == "statement"
    assert entry["statement"].startswith(entry["connection"] + ".")
    intents = [one for one in watched.entries() if one["sequence"] == entry["intent"]]
    assert [(one["phase"], one["text"], one["statement"]) for one in intents] == [
        ("intent", entry["text"], entry["statement"])
    ]


@pytest.mark.parametrize(
    ("text", "shown", "sqlstate", "lane", "rows"),
    [
        ("select 4711", "select ?", "00000", "relay", 1),
        ("explain select * from small.numbers", "explain select * from small.numbers", "00000", "explain", None),
        ("refresh source small", "refresh source small", "00000", "refresh", 0),
        ("set work_mem to '4MB'", "set work_mem to ?", "00000", "relay", 0),
        ("select 1 union select 2; select 3", "select ? union select ?; select ?", "00000", "relay", 3),
        ("selec 5", "selec ?", "42601", None, 0),
        ("select 'abc", "select …", "42601", None, 0),
        ("select nothing from small.numbers", "select nothing from small.numbers", "42703", None, 0),
        ("drop table small.numbers", "drop table small.numbers", "0A000", None, 0),
        ("select 1/0", "select ?/?", "22012", "relay", 0),
        ("", "", "00000", "relay", 0),
    ],
)
def test_kinds_of_statement(
    watched: Audited, text: str, shown: str, sqlstate: str, lane: str | None, rows: int | None
) -> None:
    before = len(watched.entries())
    simple(watched, text)

    def ended(entry: Entry) -> bool:
        return entry["sequence"] > before and entry.get("text") == shown and entry["phase"] == "outcome"

    entry = watched.wait_for(ended)
    assert entry["sqlstate"] == sqlstate
    assert rows is None or entry["rows"] == rows
    assert entry.get("lane") == lane


@pytest.mark.parametrize(
    ("text", "shown", "lane", "rows", "tables"),
    [
        ("copy small.numbers to stdout", "copy small.numbers to stdout", "engine", 10_000, ["small.numbers"]),
        (
            "copy (select n from small.numbers where n < 4) to stdout (format csv, null 'x')",
            "copy (select n from small.numbers where n < ?) to stdout (format csv, null ?)",
            *("engine", 3, ["small.numbers"]),
        ),
        ("copy (select 47) to stdout", "copy (select ?) to stdout", "relay", 1, None),
    ],
)
def test_a_copy_says_what_it_read(
    watched: Audited, text: str, shown: str, lane: str, rows: int, tables: list[str] | None
) -> None:
    with watched.gateway.connect() as connection, connection.cursor().copy(text.encode()) as copying:
        assert len(list(copying)) == rows
    entry = watched.outcome(shown)
    assert (entry["sqlstate"], entry["lane"], entry["rows"], entry.get("tables")) == ("00000", lane, rows, tables)
    assert entry["bytes"] > 5 * rows


@pytest.mark.parametrize("text", ["comment on table small.numbers is null", "revoke select on small.numbers from eve"])
def test_changes_of_access_have_a_class_of_their_own(watched: Audited, text: str) -> None:
    with watched.gateway.connect() as connection:
        connection.execute(text.encode())
    assert (watched.outcome(text)["class"], watched.outcome(text)["sqlstate"]) == ("access", "00000")


def test_a_refused_copy(watched: Audited) -> None:
    simple(watched, "copy small.numbers to '/tmp/numbers'")
    assert watched.outcome("copy small.numbers to ?")["sqlstate"] == "42501"


def test_the_extended_protocol_has_an_entry_for_each_execute(watched: Audited) -> None:
    with watched.gateway.connect() as connection:
        for value in (1, 2):
            connection.execute("select n + 1000 from small.numbers where n = %s", (value,), prepare=True)
        connection.execute("select %s::int + 77", (5,))
    entry = watched.outcome("select $1::int + ?")
    assert (entry["lane"], entry["rows"]) == ("relay", 1)
    entry = watched.outcome("select n + ? from small.numbers where n = $1")
    assert (entry["lane"], entry["rows"], entry["tables"]) == ("engine", 1, ["small.numbers"])
    outcomes = [one for one in watched.entries() if one.get("text") == entry["text"] and one["phase"] == "outcome"]
    assert len(outcomes) == 2


def test_a_portal_in_portions_has_an_entry_for_each(watched: Audited) -> None:
    import asyncio

    import asyncpg

    async def read() -> int:
        gateway = watched.gateway
        connection = await asyncpg.connect(
            host=gateway.host, port=gateway.port, user=ADA, password="correct horse", database="watched", ssl=False
        )
        total = 0
        async with connection.transaction():
            async for _ in connection.cursor("select n, n from small.numbers where n <= 25", prefetch=10):
                total += 1
        await connection.close()
        return total

    assert asyncio.run(read()) == 25
    text = "select n, n from small.numbers where n <= ?"
    watched.wait_for(lambda one: one.get("text") == text and one["phase"] == "outcome" and one["rows"] == 5)
    outcomes = [one for one in watched.entries() if one.get("text") == text and one["phase"] == "outcome"]
    assert [(one["rows"], one.get("resumed", False)) for one in outcomes] == [(10, False), (10, True), (5, True)]


def test_a_cursor_has_an_entry_for_declare_and_for_each_fetch(watched: Audited) -> None:
    with watched.gateway.connect() as connection, connection.transaction():
        connection.execute("declare seen cursor for select n from small.numbers where n < 9 and n <> 5")
        connection.execute("fetch 3 from seen")
        connection.execute("move 2 in seen")
    entry = watched.outcome("declare seen cursor for select n from small.numbers where n < ? and n <> ?")
    assert (entry["lane"], entry["tables"], entry["rows"]) == ("engine", ["small.numbers"], 0)
    assert entry["columns"] == {"small.numbers": ["n"]}
    assert entry["snapshots"] == {"small.numbers": "3"}
    entry = watched.outcome("fetch ? from seen")
    assert (entry["lane"], entry["tables"], entry["rows"]) == ("fetch", ["small.numbers"], 3)
    entry = watched.outcome("move ? in seen")
    assert (entry["lane"], entry["tables"]) == ("engine", ["small.numbers"])


def test_execute_says_what_is_executed(watched: Audited) -> None:
    with watched.gateway.connect() as connection:
        connection.execute("prepare seen as select n - 1 from small.numbers where n = $1")
        connection.execute("execute seen(7)")
        connection.execute("explain execute seen(8)")
    entry = watched.outcome("execute seen(?)")
    assert (entry["lane"], entry["tables"], entry["rows"]) == ("engine", ["small.numbers"], 1)
    entry = watched.outcome("explain execute seen(?)")
    assert (entry["lane"], entry["tables"]) == ("explain", ["small.numbers"])


def test_a_failing_parse_and_what_a_failed_batch_skips(watched: Audited) -> None:
    with watched.gateway.connect() as connection:
        with pytest.raises(psycopg.Error):
            connection.execute("select %s::int from small.absent", (1,))
        with pytest.raises(psycopg.errors.DivisionByZero), connection.pipeline():
            cursor = connection.execute("select 1 / %s::int", (0,))
            connection.execute("select 'skipped', %s::int", (1,))
            cursor.fetchall()
    entry = watched.outcome("select $1::int from small.absent")
    assert (entry["sqlstate"], entry["class"]) == ("42P01", "denied")
    assert watched.outcome("select ? / $1::int")["sqlstate"] == "22012"
    skipped = [one for one in watched.entries() if one.get("text") == "select ?, $1::int"]
    assert {one.get("sqlstate") for one in skipped if one["phase"] == "outcome"} <= {None}


def test_what_is_forbidden_is_of_class_denied(watched: Audited) -> None:
    simple(watched, "select c_name from crm.customer where c_phone = 'x'", EVE)
    entry = watched.outcome("select c_name from crm.customer where c_phone = ?")
    assert (entry["user"], entry["class"], entry["rows"]) == (EVE, "denied", 0)
    assert entry["sqlstate"] in {"42P01", "42501"}


def test_a_cancelled_statement_and_the_request_for_it(watched: Audited) -> None:
    with watched.gateway.connect() as connection:
        timer = threading.Timer(0.4, connection.cancel)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("select count(*) from origin.slow")
    entry = watched.outcome("select count(*) from origin.slow")
    assert entry["sqlstate"] == "57014"
    assert entry["tables"] == ["origin.slow"]
    assert watched.wait_for(lambda one: one["event"] == "cancel")["sqlstate"] == "00000"


def test_a_client_that_leaves_in_the_middle(watched: Audited) -> None:
    connection = watched.gateway.connect()
    connection.pgconn.send_query(b"select count(*) + 9 from origin.slow")
    connection.pgconn.flush()
    time.sleep(0.3)
    connection.close()
    assert watched.outcome("select count(*) + ? from origin.slow")["sqlstate"] == "08006"


def test_logins_that_succeed_and_fail(watched: Audited) -> None:
    with watched.gateway.connect(BOB, application_name="in"):
        pass
    entry = watched.wait_for(lambda one: one["event"] == "login" and one["application_name"] == "in")
    assert (entry["user"], entry["sqlstate"], entry["detail"]) == (BOB, "00000", {"method": "scram-sha-256"})
    logout = watched.wait_for(lambda one: one["event"] == "logout" and one["connection"] == entry["connection"])
    assert logout["user"] == BOB
    for user, password, sqlstate in ((BOB, "wrong", "28P01"), ("nobody", "wrong", "28P01")):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(watched.gateway.dsn(user, password, application_name=f"out {user}"))
        failed = watched.wait_for(lambda one, user=user: one.get("application_name") == f"out {user}")  # type: ignore[misc]
        assert (failed["event"], failed["user"], failed["sqlstate"]) == ("login", user, sqlstate)
        assert "wrong" not in str(failed)


def test_nothing_that_a_client_writes_breaks_a_line_or_reaches_a_terminal(watched: Audited) -> None:
    evil = 'x\n{"forged": 1}\r\x1b[2J\u202e\u0085'
    with watched.gateway.connect(application_name=evil) as connection:
        connection.execute(b'select 1 as "a\nb\x1b[31m"')
    raw = b"".join(path.read_bytes() for path in sorted(watched.folder.glob("*.journal")))
    for line in raw.splitlines():
        assert line.count(b"\t") == 7
    assert not set(raw) & (set(range(32)) - {9, 10})
    assert max(raw) < 127
    assert watched.outcome('select ? as "a\nb\x1b[31m"')["sqlstate"] == "00000"


def test_a_password_in_a_statement_that_is_refused_is_not_kept(watched: Audited) -> None:
    for text in (
        "alter role ada password 'hunter2'",
        "alter role ada password 'hunter2",
        "create user x password $$hunter2",
    ):
        simple(watched, text)
    watched.outcome("create user x password …")
    raw = b"".join(path.read_bytes() for path in watched.folder.glob("*.journal"))
    assert b"hunter2" not in raw


def test_long_texts_are_cut_and_do_not_hide_what_was_read(watched: Audited) -> None:
    numbers = " + ".join(["n"] * 9000)
    simple(watched, f"select count({numbers}) as lengthy from small.numbers where n = 1")
    entry = watched.wait_for(lambda one: one["phase"] == "outcome" and len(one.get("text", "")) > 30_000, seconds=20)
    assert entry["text"].startswith("select count(n + n")


def test_the_user_is_who_logged_in(watched: Audited) -> None:
    with watched.gateway.connect() as connection:
        connection.execute(f"SET SESSION AUTHORIZATION {BOB}")
        connection.execute("select 4712, session_user")
    entry = watched.outcome("select ?, session_user")
    assert (entry["user"], entry["role"], entry["roles"]) == (ADA, BOB, [BOB])
    assert watched.outcome(f"SET SESSION AUTHORIZATION {BOB}")["lane"] == "relay"


def test_long_statements_are_written_each_time(watched: Audited) -> None:
    """Also when their text was read before, in a thread the first time."""
    listed = ", ".join(f"relname AS long_{number}" for number in range(200))
    text = f"SELECT {listed} FROM pg_catalog.pg_class WHERE oid = {{}}"
    with watched.gateway.connect() as connection:
        for number in (1, 1, 2):
            connection.execute(text.format(number).encode())
        connection.execute("SELECT 1 AS behind_the_long_ones")
    watched.outcome("SELECT ? AS behind_the_long_ones")
    found = [entry for entry in watched.entries() if entry.get("text") == text.format("?")]
    assert [entry["phase"] for entry in found] == ["intent", "outcome"] * 3


@pytest.mark.parametrize(
    ("text", "lane", "value"),
    [
        ("select relname from pg_class where oid = %s::oid", "relay", 1259),
        ("select n from small.numbers where n = %s and n <> 78", "engine", 2),
    ],
)
def test_what_comes_at_once_is_one_message_with_an_intent_and_an_outcome(
    watched: Audited, text: str, lane: str, value: int
) -> None:
    name = f"at once {lane}"
    with watched.gateway.connect(application_name=name, options="-c lakegate.result_cache=off") as connection:
        connection.autocommit = True
        for _ in range(4):
            assert len(connection.execute(text, [value], prepare=True).fetchall()) == 1
    watched.wait_for(lambda entry: entry["event"] == "logout" and entry["application_name"] == name)
    found = [one for one in watched.entries() if one["event"] == "statement" and one["application_name"] == name]
    ids = [int(entry["statement"].rpartition(".")[2]) for entry in found if entry["phase"] == "intent"]
    assert (ids[2] - ids[1], ids[3] - ids[2]) == (1, 1)
    ended = [(entry["lane"], entry["rows"], entry["sqlstate"]) for entry in found if entry["phase"] == "outcome"]
    assert ended == [(lane, 1, "00000")] * 4
    assert [entry["phase"] for entry in found] == ["intent", "outcome"] * 4


def test_what_a_source_answers_again_and_again_is_written_each_time_alike(watched: Audited) -> None:
    before = len(watched.entries())
    with watched.gateway.connect() as connection:
        connection.pgconn.prepare(b"again", b"select title, free from origin.things where id = $1")
        for _ in range(4):
            assert connection.pgconn.exec_prepared(b"again", [b"1"]).ntuples == 1
        for value in (1, 2, 1, 2):
            assert connection.pgconn.exec_(f"select code from origin.things where id = {value}".encode()).ntuples == 1
    for text in ("select title, free from origin.things where id = $1", "select code from origin.things where id = ?"):
        watched.wait_for(lambda one: one["sequence"] > before and one["event"] == "logout")
        ours = [one for one in watched.entries()[before:] if one.get("text") == text]
        intents = [one for one in ours if one["phase"] == "intent"]
        outcomes = [one for one in ours if one["phase"] == "outcome"]
        assert [one["intent"] for one in outcomes] == [one["sequence"] for one in intents]
        assert len({one["statement"] for one in intents}) == len(outcomes) == 4
        changing = ("sequence", "intent", "at", "statement", "duration_ms", "bytes")
        told = [{name: value for name, value in one.items() if name not in changing} for one in outcomes]
        assert told == [told[0]] * 4
        assert told[0]["lane"] == "source" and told[0]["rows"] == 1 and told[0]["tables"] == ["origin.things"]
        assert "id" in told[0]["columns"]["origin.things"]
        assert all(one["bytes"] > 0 for one in outcomes)
