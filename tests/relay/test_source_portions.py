"""Portals in portions, cursors and COPY over the tables of one PostgreSQL: the answers are those of its server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import psycopg
import pytest

from gateway.wire import frontend as f
from tests.clients.wire_replay import Answer, Step, Where, WireClient
from tests.gateway import ADA, PASSWORD, RunningGateway, SampleLake
from tests.relay.test_source_relay import _last_lane

_HUNDRED = "origin.things CROSS JOIN generate_series(1, 100) AS g(n) WHERE id = 1"  # n from 1
_LONG = f"SELECT n, n * 2 AS twice FROM {_HUNDRED} ORDER BY n"
_THINGS = "SELECT id, code, clock, span, uid, ints, texts, moments, docb FROM origin.things ORDER BY id"
# The gateway's sessions in the source's database: those for its own metadata, on the same server, are left aside.
_SESSIONS = "FROM pg_stat_activity WHERE application_name = 'lakegate' AND datname = 'reference'"
_OPEN = f"SELECT count(*) {_SESSIONS} AND state LIKE 'idle in tran%'"
_WORKING = f"SELECT count(*) {_SESSIONS} AND state = 'active'"


class Both:
    """The same messages to the gateway and to the server itself."""

    def __init__(self, gateway: RunningGateway, lake: SampleLake) -> None:
        server = lake.server.connection_parameters("reference", "reference_owner", "reference secret")
        there = Where(server["host"], server["port"], "reference_owner", "reference secret", "reference")
        self._clients = [
            WireClient(Where(gateway.host, gateway.port, ADA, PASSWORD, gateway.database), {}),
            WireClient(there, {"TimeZone": "UTC"}),
        ]

    def ask(self, *messages: f.FrontendMessage) -> list[Answer]:
        """Return the answer of both, which is the same, to the byte."""
        step = Step(messages, ())
        found, expected = (client.ask(step) for client in self._clients)
        assert found == expected
        return found

    def close(self) -> None:
        for client in self._clients:
            client.close()


@pytest.fixture
def both(gateway: RunningGateway, lake: SampleLake) -> Iterator[Both]:
    made = Both(gateway, lake)
    yield made
    made.close()


@pytest.fixture
def through(gateway: RunningGateway) -> Iterator[psycopg.Connection]:
    with gateway.connect() as connection:
        yield connection


@pytest.fixture
def count(lake: SampleLake) -> Iterator[Callable[[str], int]]:
    with psycopg.connect(lake.metadata_url, autocommit=True) as owner:
        yield lambda query: int((owner.execute(query.encode()).fetchone() or (0,))[0])


def _becomes(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def _begin(both: Both) -> None:
    both.ask(f.Query("BEGIN"))


# Portals --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [0, 1], ids=["text", "binary"])
def test_a_portal_in_portions(both: Both, gateway: RunningGateway, form: int) -> None:
    _begin(both)
    open_ = f.Parse("s", _THINGS, ()), f.Bind("p", "s", (), (), (form,)), f.Describe("P", "p")
    assert ("s", None) in both.ask(*open_, f.Execute("p", 2), f.Sync())
    both.ask(f.Execute("p", 1), f.Sync())  # over Sync, in a transaction
    both.ask(f.Execute("p", 1), f.Sync())
    both.ask(f.Execute("p", 0), f.Execute("p", 5), f.Sync())
    assert _last_lane(gateway) == "source"
    both.ask(f.Query("COMMIT"))


def test_several_portals_with_parameters(both: Both) -> None:
    text = f"SELECT n FROM {_HUNDRED} AND n > $1 ORDER BY n"
    _begin(both)
    bind = [f.Bind(f"p{n}", "s", (), (str(n * 10).encode(),), ()) for n in range(3)]
    both.ask(f.Parse("s", text, ()), *bind, *(f.Execute(f"p{n}", 3) for n in range(3)), f.Sync())
    both.ask(*(f.Execute(f"p{n}", 100) for n in (2, 0, 1)), f.Sync())
    both.ask(f.Close("P", "p0"), f.Execute("p1", 1), f.Sync())
    both.ask(f.Query("ROLLBACK"))


def test_a_portal_ends_with_its_transaction(both: Both, count: Callable[[str], int]) -> None:
    both.ask(f.Parse("", _LONG, ()), f.Bind("", "", (), (), ()), f.Execute("", 2), f.Sync())
    both.ask(f.Execute("", 2), f.Sync())  # there is no portal any more
    _begin(both)
    both.ask(f.Parse("", _LONG, ()), f.Bind("q", "", (), (), ()), f.Execute("q", 2), f.Sync())
    assert count(_OPEN) == 1
    both.ask(f.Query("ROLLBACK"))
    assert _becomes(lambda: count(_OPEN) == 0)


def test_an_error_in_a_later_portion(both: Both) -> None:
    _begin(both)
    text = f"SELECT n, 10 / (5 - n) FROM {_HUNDRED}"
    both.ask(f.Parse("", text, ()), f.Bind("p", "", (), (), ()), f.Execute("p", 2), f.Sync())
    answers = both.ask(f.Execute("p", 5), f.Sync())
    assert "22012" in str(answers)
    both.ask(f.Execute("p", 5), f.Sync())
    both.ask(f.Query("ROLLBACK"))


# Cursors --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["SCROLL CURSOR", "NO SCROLL CURSOR", "BINARY SCROLL CURSOR", "SCROLL CURSOR WITH HOLD"]
)
def test_a_cursor(both: Both, gateway: RunningGateway, kind: str) -> None:
    held = kind.endswith("HOLD")
    _begin(both)
    both.ask(f.Query(f"DECLARE c {kind} FOR {_THINGS}"))
    both.ask(f.Query("FETCH 2 FROM c"))
    assert _last_lane(gateway) == "source"
    both.ask(f.Query("MOVE FORWARD 1 IN c"))
    if held:
        both.ask(f.Query("COMMIT"))
    if "NO SCROLL" not in kind:
        for going in ("PRIOR", "ABSOLUTE 2", "RELATIVE 0", "LAST", "BACKWARD ALL", "FIRST", "FORWARD 0", "ALL", "NEXT"):
            both.ask(f.Query(f"FETCH {going} FROM c"))
        both.ask(
            f.Query("MOVE BACKWARD ALL IN c"),
        )
        both.ask(f.Query("MOVE ABSOLUTE 1 IN c; FETCH c"))
    both.ask(f.Query("FETCH ALL c"))
    both.ask(f.Query("CLOSE c"))
    both.ask(f.Query("COMMIT"))


def test_a_cursor_that_cannot_go_back(both: Both) -> None:
    _begin(both)
    both.ask(f.Query(f"DECLARE c NO SCROLL CURSOR FOR {_LONG}"))
    both.ask(f.Query("FETCH 3 FROM c"))
    both.ask(f.Query("SAVEPOINT s"))
    parse = f.Parse("", "FETCH PRIOR FROM c", ())
    assert "55000" in str(both.ask(parse, f.Bind("", "", (), (), ()), f.Execute("", 0), f.Sync()))
    both.ask(f.Query("FETCH NEXT FROM c"))
    both.ask(f.Query("ROLLBACK TO s"))
    both.ask(f.Query("FETCH NEXT FROM c"))
    both.ask(f.Query("ROLLBACK"))
    both.ask(f.Query("FETCH NEXT FROM c"))


@pytest.mark.parametrize("held", [False, True])
def test_fetch_in_the_extended_protocol(both: Both, held: bool) -> None:
    _begin(both)
    declare = f"DECLARE c CURSOR {'WITH HOLD ' if held else ''}FOR SELECT n FROM {_HUNDRED} AND n > $1 ORDER BY n"
    both.ask(f.Parse("", declare, (23,)), f.Bind("", "", (), (b"7",), ()), f.Execute("", 0), f.Sync())
    if held:
        both.ask(f.Query("COMMIT"))
        _begin(both)
    both.ask(f.Parse("f", "FETCH 5 FROM c", ()), f.Bind("x", "f", (), (), (1,)), f.Describe("P", "x"), f.Sync())
    both.ask(f.Execute("x", 2), f.Execute("x", 2), f.Sync())
    both.ask(f.Bind("y", "f", (), (), ()), f.Execute("y", 0), f.Execute("x", 2), f.Sync())
    both.ask(f.Query("MOVE 3 IN c; FETCH 2 FROM c"))
    both.ask(f.Query("COMMIT"))
    both.ask(f.Query("CLOSE ALL"))


def test_fetch_from_a_portal_of_the_protocol(both: Both) -> None:
    _begin(both)
    both.ask(f.Parse("", _LONG, ()), f.Bind("p", "", (), (), ()), f.Execute("p", 2), f.Sync())
    both.ask(f.Query('FETCH 3 FROM "p"'))
    both.ask(f.Execute("p", 2), f.Sync())
    both.ask(f.Query("COMMIT"))


def test_each_cursor_has_a_connection_that_goes_back(
    gateway: RunningGateway, through: psycopg.Connection, count: Callable[[str], int]
) -> None:
    before = count(_OPEN)
    with through.transaction():
        for name in "abc":
            through.execute(f"DECLARE {name} CURSOR FOR {_LONG}".encode())
            assert through.execute(f"FETCH 2 FROM {name}".encode()).fetchall() == [(1, 2), (2, 4)]
        assert count(_OPEN) == before + 3
        through.execute("CLOSE b")
        assert _becomes(lambda: count(_OPEN) == before + 2)
    assert _becomes(lambda: count(_OPEN) == before)
    through.execute(f"DECLARE h CURSOR WITH HOLD FOR {_LONG}".encode())
    assert _becomes(lambda: count(_OPEN) == before)  # its rows are kept: no transaction of the server's stays open
    assert through.execute("FETCH 1 FROM h").fetchall() == [(1, 2)]
    through.execute("CLOSE h")
    assert through.execute(_LONG.encode()).fetchall()[:1] == [(1, 2)]


def test_a_cursor_reads_as_it_is_asked(gateway: RunningGateway, through: psycopg.Connection) -> None:
    before = gateway.memory()
    with through.transaction(), through.cursor("many") as cursor:
        cursor.itersize = 5000
        cursor.execute("SELECT n, filler FROM origin.many WHERE n <= 200000")
        assert sum(1 for _ in cursor) == 200_000
    assert gateway.memory() - before < 100 << 20


@pytest.mark.parametrize("text", ["FETCH ALL FROM c", "MOVE ALL IN c"])
def test_cancel_ends_the_servers_work(
    gateway: RunningGateway, through: psycopg.Connection, count: Callable[[str], int], text: str
) -> None:
    with suppress(psycopg.errors.QueryCanceled), through.transaction():
        through.execute("DECLARE c CURSOR FOR SELECT n FROM origin.slow")
        through.execute("SET LOCAL statement_timeout TO '300ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            through.execute(text.encode())
        assert _becomes(lambda: count(_WORKING) == 0)
        raise psycopg.errors.QueryCanceled
    assert _becomes(lambda: count(_OPEN) == 0)
    assert through.execute(_LONG.encode()).fetchall()[:1] == [(1, 2)]


# COPY -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        *("", "(FORMAT binary)", "CSV HEADER", "(FORMAT csv, DELIMITER ';', NULL 'none', FORCE_QUOTE *)"),
        *("(DELIMITER '|', NULL '', HEADER)", "(FORMAT csv, QUOTE '''', ESCAPE E'\\\\', FORCE_QUOTE (code, texts))"),
        *("(ENCODING 'UTF8')", "(FORMAT csv, HEADER true, FORCE_QUOTE (nothing))", "(FORMAT csv, QUOTE '||')"),
    ],
)
def test_copy(both: Both, gateway: RunningGateway, options: str) -> None:
    answers = both.ask(f.Query(f"COPY ({_THINGS}) TO STDOUT {options}"))
    if not any(kind == "error" for kind, _ in answers):
        assert _last_lane(gateway) == "source"
    both.ask(f.Query("COPY origin.things (id, title, code) TO STDOUT"))
    both.ask(
        f.Parse("", "COPY origin.things (docb, id) TO STDOUT", ()),
        f.Bind("", "", (), (), ()),
        f.Execute("", 1),
        f.Sync(),
    )


def test_an_error_within_a_copy(both: Both) -> None:
    assert "22012" in str(both.ask(f.Query(f"COPY (SELECT 10 / (n - 50) FROM {_HUNDRED}) TO STDOUT")))
    both.ask(f.Query(f"COPY (SELECT n FROM {_HUNDRED} AND n < 3) TO STDOUT"))
    both.ask(f.Query(f"COPY (SELECT n, n + 1, n + 2 FROM {_HUNDRED} AND n < 3) TO STDOUT CSV HEADER"))


def test_a_copy_of_much_is_cancelled(
    gateway: RunningGateway, through: psycopg.Connection, count: Callable[[str], int]
) -> None:
    before = gateway.memory()
    text = "COPY (SELECT n, filler FROM origin.many) TO STDOUT (FORMAT binary)"
    with pytest.raises(psycopg.errors.QueryCanceled), through.cursor().copy(text) as copying:
        for _ in range(1000):
            copying.read()
        time.sleep(0.3)  # the server waits for who reads
        through.cancel()
        for _ in copying:
            pass
    assert gateway.memory() - before < 100 << 20
    assert _becomes(lambda: count(_WORKING) == 0)
    assert through.execute(_LONG.encode()).fetchall()[:1] == [(1, 2)]
