"""Rights change at one gateway while sessions of another ask without a pause: no answer is older than a second.

Each answer is held against what was in force: at any moment from a second before its statement was sent until it came.
LAKEGATE_LOAD_SECONDS has it go on for longer than a test's few seconds.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event

import psycopg
import pytest

from tests.gateway import BOB, EVE, RunningGateway, SampleLake, Settings, serving

Connection = psycopg.Connection[tuple[object, ...]]
Ask = Callable[[Connection], object]

SECONDS = float(os.environ.get("LAKEGATE_LOAD_SECONDS", "8"))
WITHIN = 1.0  # seconds in which a change is to count everywhere
PAUSE = 1.2  # seconds between two changes, so that each is seen
QUERY = "SELECT id FROM shop.orders WHERE id > 0 ORDER BY id"
JOIN = "SELECT a.id FROM shop.orders a JOIN shop.orders b USING (id) ORDER BY a.id"
DENIED = frozenset({"42501", "42P01", "28000"})
# What a change may do to a statement that is under way: it tells no rows.
ENDED = frozenset({"0A000", "57P01", "55P03", "25P02", "08000", "08006", None})


@dataclass
class History:
    """What bob and eve may see, and since when; None stands for nothing. A change lasts as long as its statement."""

    moments: list[tuple[float, float, object]] = field(default_factory=list)

    def allowed(self, sent: float, came: float) -> list[object]:
        """Return what may be answered to a statement."""
        found = []
        for number, (began, _, state) in enumerate(self.moments):
            until = self.moments[number + 1][1] if number + 1 < len(self.moments) else float("inf")
            if began <= came and until >= sent - WITHIN:
                found.append(state)
        return found


def simple(connection: Connection) -> object:
    return connection.execute(QUERY.encode(), prepare=False).fetchall()


def prepared(connection: Connection) -> object:
    return connection.execute(QUERY.replace("> 0", "> %s").encode(), (0,), prepare=True).fetchall()


def joined(connection: Connection) -> object:
    return connection.execute(JOIN.encode()).fetchall()


def copied(connection: Connection) -> object:
    with connection.cursor() as cursor, cursor.copy(f"COPY ({QUERY}) TO STDOUT".encode()) as copy:
        copy.set_types(["int4"])
        return [*copy.rows()]


def fetched(connection: Connection) -> object:
    with connection.transaction():
        connection.execute(f"DECLARE mine CURSOR FOR {QUERY}".encode())
        return connection.execute("FETCH ALL FROM mine").fetchall()


DOORS = (simple, prepared, joined, copied, fetched)


@pytest.fixture(scope="module")
def second(shop: SampleLake, shop_gateway: RunningGateway) -> Iterator[RunningGateway]:
    with serving(shop, Settings(server={"refresh_interval": "0"})) as running:
        yield running


def changes() -> Iterator[tuple[str, object]]:
    """Yield statements of an officer, each with what bob sees by them."""
    chance = random.Random(1)
    limit, is_member, is_granted = 4, True, True
    while True:
        what = chance.choice(("policy", "policy", "member", "grant"))
        if what == "policy":
            limit = chance.choice([one for one in (1, 2, 3, 4) if one != limit])
            statement = f"ALTER POLICY loaded ON shop.orders USING (id <= {limit})"
        elif what == "member":
            is_member = not is_member
            statement = "GRANT loaded_readers TO bob" if is_member else "REVOKE loaded_readers FROM bob"
        else:
            is_granted = not is_granted
            verb = "GRANT SELECT ON shop.orders TO" if is_granted else "REVOKE SELECT ON shop.orders FROM"
            statement = f"{verb} loaded_readers"
        yield statement, [(number,) for number in range(1, limit + 1)] if is_member and is_granted else None


def ask_on(gateway: RunningGateway, ask: Ask, stop: Event, user: str = BOB) -> list[tuple[float, float, object]]:
    """Ask until it is over; return when each statement was sent and answered, and what came."""
    found: list[tuple[float, float, object]] = []
    connection: Connection | None = None
    while not stop.is_set():
        sent = time.monotonic()
        try:
            connection = connection or gateway.connect(user)
            answer = ask(connection)
        except psycopg.Error as error:
            answer = None if error.sqlstate in DENIED else error.sqlstate or "08000"
            if connection is not None and connection.closed:
                connection = None
        found.append((sent, time.monotonic(), answer))
    if connection is not None:
        connection.close()
    return found


def wrong(history: History, found: list[tuple[float, float, object]]) -> list[object]:
    """Return the answers that were older than they may be."""
    told = [one for one in found if not (isinstance(one[2], str) and one[2] in ENDED)]
    return [(*one, history.allowed(*one[:2])) for one in told if one[2] not in history.allowed(*one[:2])]


@pytest.mark.usefixtures("clean")
def test_no_answer_is_older_than_a_second(shop_gateway: RunningGateway, second: RunningGateway) -> None:
    history, stop = History(), Event()
    with shop_gateway.connect() as officer, ThreadPoolExecutor(len(DOORS)) as threads:
        officer.execute("CREATE ROLE loaded_readers; GRANT loaded_readers TO bob")
        officer.execute("GRANT USAGE ON SCHEMA shop TO loaded_readers; GRANT SELECT ON shop.orders TO loaded_readers")
        officer.execute("CREATE POLICY loaded ON shop.orders USING (id <= 4)")
        officer.execute("ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY")
        time.sleep(WITHIN)
        now = time.monotonic()
        history.moments.append((now, now, [(1,), (2,), (3,), (4,)]))
        asking = [threads.submit(ask_on, second, ask, stop) for ask in DOORS]
        try:
            until = now + SECONDS
            for statement, state in changes():
                time.sleep(PAUSE)
                began = time.monotonic()
                if began > until:
                    break
                officer.execute(statement.encode())
                history.moments.append((began, time.monotonic(), state))
        finally:
            stop.set()
        answers = [one.result(60) for one in asking]
    assert [(ask.__name__, wrong(history, found)[:3]) for ask, found in zip(DOORS, answers, strict=True)] == [
        (ask.__name__, []) for ask in DOORS
    ]
    # All have been answered with rows of one state and another; else nothing was tried.
    assert all(len({str(one[2]) for one in found}) > 1 for found in answers)


@pytest.mark.usefixtures("clean")
def test_roles_that_go(shop_gateway: RunningGateway, second: RunningGateway) -> None:
    """A role that may not log in any more has no new sessions; one that is dropped is not answered."""
    stop, asked = Event(), Event()

    def log_in(_: Connection) -> object:
        asked.set()
        with second.connect(EVE) as mine:
            return mine.execute("SELECT current_user").fetchall()

    with shop_gateway.connect() as officer, ThreadPoolExecutor(3) as threads:
        officer.execute("CREATE ROLE goes_soon LOGIN PASSWORD 'correct horse'; GRANT USAGE ON SCHEMA shop TO goes_soon")
        officer.execute("GRANT SELECT ON shop.orders TO goes_soon")
        time.sleep(WITHIN)
        asking = [threads.submit(ask_on, second, ask, stop, "goes_soon") for ask in (simple, joined)]
        logins = threads.submit(ask_on, second, log_in, stop)
        assert asked.wait(30)
        time.sleep(1.0)
        officer.execute("ALTER ROLE eve NOLOGIN")
        officer.execute("REVOKE ALL ON shop.orders FROM goes_soon; REVOKE USAGE ON SCHEMA shop FROM goes_soon")
        officer.execute("DROP ROLE goes_soon")
        changed = time.monotonic()
        try:
            time.sleep(WITHIN + 1.5)
        finally:
            stop.set()
        for found in (one.result(60) for one in (*asking, logins)):
            assert [one for one in found if isinstance(one[2], list)]
            assert [one for one in found if one[0] > changed + WITHIN]
            assert [one for one in found if one[0] > changed + WITHIN and isinstance(one[2], list)] == []
        officer.execute("ALTER ROLE eve LOGIN")
