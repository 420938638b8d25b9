"""A statement that waits has the rights that count when it goes on, as in PostgreSQL one that waits for a lock has."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress

import psycopg
import pytest
from psycopg.rows import tuple_row

from catalog.names import TableName
from catalog.scans import Snapshot
from catalog.tables import Table
from gateway.execute.admission import Place
from gateway.versions_at_once import VersionsAtOnce
from tests.attacks.own_gateway import OwnGateway, own_gateway
from tests.gateway import ADA, BOB, PASSWORD, SampleLake, Settings

Connection = psycopg.Connection[tuple[object, ...]]
Ask = Callable[[Connection], object]

ALL, OWN = [(1, "bob"), (2, "eve"), (3, "bob"), (4, "ada")], [(1, "bob"), (3, "bob")]
MASKED = [(number, "***") for number in range(1, 5)]
# Joined, so that it is not brief: such statements wait for nobody.
QUERY = "SELECT a.id, a.owner FROM shop.orders a JOIN shop.orders b ON a.id = b.id ORDER BY a.id"
ONLY_OWN = "ALTER POLICY waits ON shop.orders USING (owner = current_user)"
MASK = "ALTER TABLE shop.orders ALTER COLUMN owner SET MASKING POLICY hides_waiting"
REVOKE = "REVOKE SELECT ON shop.orders FROM bob"
BACK = (
    "ALTER POLICY waits ON shop.orders USING (id < 5)",
    "GRANT SELECT ON shop.orders TO bob",
)


@pytest.fixture(scope="module")
def narrow(shop: SampleLake) -> Iterator[OwnGateway]:
    """A gateway in a thread, which executes one statement at a time."""
    settings = Settings(server={"refresh_interval": "0"}, engine={"concurrent_statements": 1})
    with own_gateway(shop, settings) as running:
        with connected(running, ADA) as officer:
            officer.execute("GRANT USAGE ON SCHEMA shop TO bob")
            officer.execute("GRANT SELECT ON shop.orders TO bob")
            officer.execute("CREATE POLICY waits ON shop.orders USING (id < 5)")
            officer.execute("ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY")
            officer.execute("CREATE MASKING POLICY hides_waiting (value text) RETURNS text AS '***'")
        yield running
        with connected(running, ADA) as officer:
            officer.execute("DROP POLICY waits ON shop.orders")
            officer.execute("DROP MASKING POLICY hides_waiting")
            officer.execute("ALTER TABLE shop.orders DISABLE ROW LEVEL SECURITY")
            officer.execute("REVOKE SELECT ON shop.orders FROM bob")
            officer.execute("REVOKE USAGE ON SCHEMA shop FROM bob")


def connected(running: OwnGateway, user: str) -> Connection:
    """Connect a user."""
    host, port = running.address
    return psycopg.connect(host=host, port=port, user=user, password=PASSWORD, dbname="lake", autocommit=True)


@pytest.fixture
def officer(narrow: OwnGateway) -> Iterator[Connection]:
    with connected(narrow, ADA) as connection:
        yield connection
        with suppress(psycopg.errors.UndefinedObject):
            connection.execute("ALTER TABLE shop.orders ALTER COLUMN owner UNSET MASKING POLICY")
        for statement in BACK:
            connection.execute(statement.encode())


@contextmanager
def nothing_else(running: OwnGateway) -> Iterator[None]:
    """Have the engine's only place for statements over small tables taken in a block."""
    admission, place, loop = running.gateway.lake.admissions["small"], Place(), running.gateway.lake._loop
    assert admission.take(place)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(admission.leave, place)


def answered(running: OwnGateway, ask: Ask, change: Callable[[], object]) -> object:
    """Return what bob is answered where something changes while his statement waits."""
    with connected(running, BOB) as reader, ThreadPoolExecutor(1) as threads:
        with nothing_else(running):
            asked: Future[object] = threads.submit(ask, reader)
            deadline = time.monotonic() + 30
            while not running.gateway.lake.admissions["small"].waiting:
                assert time.monotonic() < deadline and not asked.done()
                time.sleep(0.005)
            change()
            assert not asked.done()
        return outcome(asked)


def outcome(asked: Future[object]) -> object:
    """Return rows, or the error's SQLSTATE."""
    try:
        return asked.result(60)
    except psycopg.Error as error:
        return error.sqlstate


def rows(connection: Connection) -> object:
    return connection.execute(QUERY.encode()).fetchall()


def prepared(connection: Connection) -> object:
    return connection.execute(f"SELECT * FROM ({QUERY}) q WHERE id < %s".encode(), (9,), prepare=True).fetchall()


def copied(connection: Connection) -> object:
    with connection.cursor(row_factory=tuple_row) as cursor, cursor.copy(f"COPY ({QUERY}) TO STDOUT".encode()) as copy:
        copy.set_types(["int8", "text"])
        return [*copy.rows()]


def declared(connection: Connection) -> object:
    with connection.transaction(), connection.cursor("waits") as cursor:
        return cursor.execute(QUERY.encode()).fetchall()


def in_portions(connection: Connection) -> object:
    with connection.cursor() as cursor:
        return [*cursor.stream(QUERY.encode())]


def explained(connection: Connection) -> object:
    connection.execute(f"EXPLAIN ANALYZE {QUERY}".encode()).fetchall()
    return rows(connection)


DENIED = ("42501", "42P01")  # what nothing of may be read is as if absent
DOORS = (rows, prepared, copied, declared, in_portions, explained)


@pytest.mark.parametrize("ask", DOORS)
def test_who_may_not_read_any_more_is_refused(narrow: OwnGateway, officer: Connection, ask: Ask) -> None:
    assert answered(narrow, ask, lambda: officer.execute(REVOKE.encode())) in DENIED


# Who waits within a transaction is ended by a policy that is altered: it needs the table alone in the mirror.
@pytest.mark.parametrize(
    ("ask", "change", "expected"),
    [(ask, ONLY_OWN, OWN) for ask in (rows, copied, explained)] + [(ask, MASK, MASKED) for ask in DOORS],
)
def test_policies_and_masks_of_now_count(
    narrow: OwnGateway, officer: Connection, ask: Ask, change: str, expected: object
) -> None:
    assert answered(narrow, ask, lambda: officer.execute(change.encode())) == expected


@pytest.mark.parametrize("ask", DOORS)
def test_changes_of_other_tables_end_nothing(narrow: OwnGateway, officer: Connection, ask: Ask) -> None:
    def change() -> None:
        officer.execute("GRANT SELECT ON shop.regions TO bob")
        officer.execute("REVOKE SELECT ON shop.regions FROM bob")

    assert answered(narrow, ask, change) == ALL


def test_rows_for_a_temporary_table(narrow: OwnGateway, officer: Connection) -> None:
    def load(connection: Connection) -> object:
        connection.execute(f"CREATE TEMPORARY TABLE mine AS {QUERY}".encode())
        return connection.execute("SELECT * FROM mine").fetchall()

    assert answered(narrow, load, lambda: officer.execute(REVOKE.encode())) in DENIED
    officer.execute(BACK[1].encode())
    assert answered(narrow, load, lambda: officer.execute(ONLY_OWN.encode())) == "0A000"
    assert answered(narrow, load, lambda: None) == OWN


def test_roles_that_go_while_they_wait(narrow: OwnGateway, officer: Connection) -> None:
    officer.execute("CREATE ROLE readers_then; GRANT readers_then TO bob; REVOKE SELECT ON shop.orders FROM bob")
    officer.execute("GRANT SELECT ON shop.orders TO readers_then; GRANT USAGE ON SCHEMA shop TO readers_then")
    try:
        revoked = answered(narrow, rows, lambda: officer.execute("REVOKE readers_then FROM bob"))
        assert revoked in DENIED
        officer.execute("GRANT readers_then TO bob")

        def as_reader(connection: Connection) -> object:
            connection.execute("SET ROLE readers_then")
            return rows(connection)

        assert answered(narrow, as_reader, lambda: None) == ALL
        revoked = answered(narrow, as_reader, lambda: officer.execute("REVOKE readers_then FROM bob"))
        assert revoked == "42501"
    finally:
        officer.execute("REVOKE ALL ON shop.orders FROM readers_then; REVOKE USAGE ON SCHEMA shop FROM readers_then")
        officer.execute("DROP ROLE readers_then")


@pytest.mark.parametrize(("change", "expected"), [(ONLY_OWN, OWN), (MASK, MASKED), (REVOKE, None)])
def test_rows_that_were_kept(narrow: OwnGateway, officer: Connection, change: str, expected: object) -> None:
    """Whether kept rows count is found out by a look at the tables' versions: rights may change meanwhile."""
    is_looking, is_changed, look = threading.Event(), threading.Event(), VersionsAtOnce.of

    async def slow(versions: VersionsAtOnce, tables: Sequence[Table]) -> Mapping[TableName, Snapshot]:
        is_looking.set()
        assert await asyncio.to_thread(is_changed.wait, 30)
        return await look(versions, tables)

    with connected(narrow, BOB) as reader, ThreadPoolExecutor(1) as threads, pytest.MonkeyPatch.context() as patch:
        assert [rows(reader) for _ in range(3)] == [ALL] * 3
        patch.setattr(VersionsAtOnce, "of", slow)
        asked = threads.submit(rows, reader)
        assert is_looking.wait(30)
        officer.execute(change.encode())
        is_changed.set()
        found = outcome(asked)
        assert found in DENIED if expected is None else found == expected


def test_names_of_a_cursor_are_those_of_its_query(narrow: OwnGateway, officer: Connection) -> None:
    with connected(narrow, BOB) as reader, reader.transaction():
        reader.execute("SET LOCAL search_path = shop")
        reader.execute("DECLARE mine CURSOR FOR SELECT id FROM orders WHERE id > 2 ORDER BY id")
        assert reader.execute("FETCH 1 FROM mine").fetchall() == [(3,)]
        reader.execute("SET LOCAL search_path = public")
        officer.execute("GRANT SELECT ON shop.regions TO bob; REVOKE SELECT ON shop.regions FROM bob")
        assert reader.execute("FETCH 1 FROM mine").fetchall() == [(4,)]
