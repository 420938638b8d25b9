"""What a statement can do to the engine ends its worker process at the most: sessions live on.

Every fault is a real one: processes are killed and stopped, memory is eaten, what heeds no cancel is cancelled.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import psutil
import psycopg
import pytest

from gateway.execute.workers.proc import ProcessFigures, has_endless_work
from tests.faults.conftest import wait_until
from tests.gateway import RunningGateway, SampleLake, Settings, serving

LIMIT = 400 << 20  # bytes of a worker
SMALL = "select n from small.numbers where n = 1"
# Four million rows three times over: each batch of the join's one side meets all of the other's before it looks up.
ENDLESS = "select count(*) from small.series a, small.series b where a.n + b.n < 0"
SLOW = "select count(*) from origin.slow s join small.numbers n on s.n = n.n"  # the engine waits for a source
BOMB = (
    "select length(repeat('x', 250000000 + n::int) || repeat('y', 250000000 + n::int)"
    " || repeat('z', 250000000 + n::int)) from small.numbers where n = 1"
)


@pytest.fixture(scope="module")
def guarded(lake: SampleLake) -> Iterator[RunningGateway]:
    """A gateway with one worker."""
    with serving(lake, settings(lake, workers=1)) as running:
        all_ready(running, 2)
        yield running


def settings(lake: SampleLake, workers: int, **engine: object) -> Settings:
    return Settings(
        server={"refresh_interval": "0", "http_listen": "127.0.0.1:0"},
        engine={"workers": workers, "worker_memory_limit": f"{LIMIT >> 20}MB", "memory_limit": "128MB", **engine},
        sources={name: lake.sources[name] for name in ("small", "origin", "sales")},
        database="guarded",
    )


@pytest.fixture
def bystander(guarded: RunningGateway) -> Iterator[psycopg.Connection]:
    """A session that has nothing to do with a fault, and must not notice it."""
    with guarded.connect() as connection:
        assert connection.execute(SMALL).fetchone() == (1,)
        yield connection
        started = time.monotonic()
        assert connection.execute(SMALL).fetchone() == (1,)
        assert connection.execute("select 1").fetchone() == (1,)
        assert time.monotonic() - started < 1


def workers(gateway: RunningGateway) -> list[psutil.Process]:
    """Return the worker processes, those that are being started and the spare one among them."""
    found = []
    for process in psutil.Process(gateway.process.pid).children():
        with suppress(psutil.Error):  # it has just ended
            if "gateway.engine_worker" in process.cmdline():
                found.append(process)
    return found


def is_running(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def computes(process: psutil.Process) -> bool:
    """Say whether a thread of a process computes without a pause."""
    try:
        figures = ProcessFigures(process.pid)
        before = figures.threads()
        time.sleep(0.4)
        after = figures.threads()
    except OSError:
        return False
    figures.close()
    return has_endless_work(before, after)


def serving_worker(gateway: RunningGateway) -> psutil.Process:
    """Return the worker that statements are sent to: the spare one is the youngest."""
    return min(workers(gateway), key=lambda process: (process.create_time(), process.pid))


def in_background(connection: psycopg.Connection, query: str) -> tuple[threading.Thread, list[Any]]:
    """Run a query in a thread; its rows or its error and the moment come into the list."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(connection.execute(query).fetchall())
        except psycopg.Error as error:
            outcome.append(error)
        outcome.append(time.monotonic())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, outcome


def ended(gateway: RunningGateway) -> list[str]:
    return [record["reason"] for record in gateway.records("worker ended")]


def works_again(gateway: RunningGateway) -> None:
    """Statements are executed at once, and soon there are as many workers as before."""
    started = time.monotonic()
    with gateway.connect() as connection:
        assert connection.execute(SMALL).fetchone() == (1,)
    assert time.monotonic() - started < 1
    wait_until(lambda: len(workers(gateway)) == 2, 5)
    all_ready(gateway, 2)


def all_ready(gateway: RunningGateway, count: int) -> None:
    """Wait until so many workers have said that they are ready and live."""

    def ready() -> bool:
        alive = {process.pid for process in workers(gateway)}
        return len(alive & {record["pid"] for record in gateway.records("worker started")}) == count

    wait_until(ready, 20)


def test_a_worker_is_killed(guarded: RunningGateway, bystander: psycopg.Connection) -> None:
    with guarded.connect() as connection:
        thread, outcome = in_background(connection, ENDLESS)
        time.sleep(0.3)
        worker = serving_worker(guarded)
        killed = time.monotonic()
        worker.kill()
        thread.join(5)
        error, told = outcome
        assert isinstance(error, psycopg.errors.CrashShutdown)
        assert error.diag.message_hint == "Run the statement again."
        assert told - killed < 2
        assert bystander.execute(SMALL).fetchone() == (1,)
        assert connection.execute(SMALL).fetchone() == (1,)
    works_again(guarded)
    wait_until(lambda: "crashed" in ended(guarded), 2)


def test_a_worker_is_killed_in_the_midst_of_rows(guarded: RunningGateway, bystander: psycopg.Connection) -> None:
    """What came before is right, nothing passes for the end, and the session goes on."""
    with guarded.connect() as connection:
        found = 0
        with pytest.raises(psycopg.errors.CrashShutdown), connection.cursor() as cursor:
            for (n,) in cursor.stream("select n from small.series"):
                found += 1
                if found == 20_000:
                    serving_worker(guarded).kill()
                assert isinstance(n, int)
        assert 20_000 <= found < 4_000_000
        assert connection.execute(SMALL).fetchone() == (1,)
        assert connection.execute("select count(*) from small.series").fetchone() == (4_000_000,)
    works_again(guarded)


def test_a_cursor_ends_with_its_worker(guarded: RunningGateway) -> None:
    with guarded.connect() as connection, connection.transaction():
        connection.execute("declare c cursor for select n from small.series")
        assert len(connection.execute("fetch 10 from c").fetchall()) == 10
        serving_worker(guarded).kill()
        with pytest.raises(psycopg.errors.CrashShutdown), connection.transaction():
            connection.execute("fetch all from c").fetchall()
        assert connection.execute(SMALL).fetchone() == (1,)
    works_again(guarded)


def test_a_killed_worker_reads_no_source_any_more(
    guarded: RunningGateway, running_at_source: Callable[[str], int]
) -> None:
    with guarded.connect() as connection:
        thread, outcome = in_background(connection, SLOW)
        wait_until(lambda: running_at_source('"slow"') > 0, 5)
        serving_worker(guarded).kill()
        thread.join(5)
        assert isinstance(outcome[0], psycopg.errors.CrashShutdown)
        wait_until(lambda: running_at_source('"slow"') == 0, 5)
    works_again(guarded)


def test_a_worker_crashes(guarded: RunningGateway, bystander: psycopg.Connection) -> None:
    with guarded.connect() as connection:
        thread, outcome = in_background(connection, ENDLESS)
        time.sleep(0.3)
        serving_worker(guarded).send_signal(signal.SIGSEGV)
        thread.join(5)
        assert isinstance(outcome[0], psycopg.errors.CrashShutdown)
        assert connection.execute(SMALL).fetchone() == (1,)
    works_again(guarded)


def test_a_worker_is_killed_again_and_again(guarded: RunningGateway, bystander: psycopg.Connection) -> None:
    """Each statement gives all of its rows or says that it did not, and none waits for ever."""
    stop = time.monotonic() + 3
    longest = 0.0

    def kill() -> None:
        while time.monotonic() < stop:
            for process in workers(guarded)[:1]:
                process.kill()
            time.sleep(0.7)

    killing = threading.Thread(target=kill)
    killing.start()
    while time.monotonic() < stop:
        started = time.monotonic()
        try:
            assert bystander.execute("select count(*), sum(n) from small.numbers").fetchone() == (10_000, 50_005_000)
        except psycopg.errors.CrashShutdown as error:
            assert error.diag.message_hint == "Run the statement again."
        longest = max(longest, time.monotonic() - started)
    killing.join()
    assert longest < 10
    works_again(guarded)


def test_memory_beyond_the_ceiling(guarded: RunningGateway, bystander: psycopg.Connection) -> None:
    with guarded.connect() as connection:
        most, crossed = [0], [0.0]
        watched = threading.Event()

        def watch() -> None:
            while not watched.is_set():
                for process in workers(guarded):
                    try:
                        memory = process.memory_info()
                    except psutil.Error:  # it has ended
                        continue
                    most[0] = max(most[0], memory.rss - memory.shared)
                    if most[0] > LIMIT:
                        crossed[0] = crossed[0] or time.monotonic()
                time.sleep(0.005)

        watching = threading.Thread(target=watch)
        watching.start()
        with pytest.raises(psycopg.errors.OutOfMemory) as caught:
            connection.execute(BOMB)
        assert time.monotonic() - (crossed[0] or time.monotonic()) < 2
        watched.set()
        watching.join()
        assert caught.value.diag.message_hint is not None
        assert "worker_memory_limit" in caught.value.diag.message_hint
        assert most[0] < LIMIT * 2
        assert bystander.execute(SMALL).fetchone() == (1,)
        assert connection.execute(SMALL).fetchone() == (1,)
    works_again(guarded)
    assert "memory limit" in ended(guarded)


def test_a_cancelled_statement_that_goes_on(guarded: RunningGateway, bystander: psycopg.Connection) -> None:
    before = len(ended(guarded))
    with guarded.connect() as connection:
        thread, outcome = in_background(connection, ENDLESS)
        time.sleep(1)
        cancelled = time.monotonic()
        connection.cancel()
        thread.join(5)
        error, told = outcome
        assert isinstance(error, psycopg.errors.QueryCanceled)
        assert told - cancelled < 2
        assert connection.execute(SMALL).fetchone() == (1,)
    wait_until(lambda: not any(map(computes, workers(guarded))), 5)
    assert set(ended(guarded)[before:]) <= {"a cancelled statement went on"}  # it may have been cancelled in time
    works_again(guarded)


def test_a_statement_timeout_ends_what_heeds_no_cancel(guarded: RunningGateway) -> None:
    with guarded.connect() as connection:
        connection.execute("set statement_timeout = '1s'")
        started = time.monotonic()
        with pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout"):
            connection.execute(ENDLESS)
        assert time.monotonic() - started < 3
    wait_until(lambda: not any(map(computes, workers(guarded))), 5)
    works_again(guarded)


def test_others_in_the_worker_are_told_to_try_again(guarded: RunningGateway) -> None:
    """The one that eats memory is told so; one that had begun long before and grows no more is told otherwise."""
    with guarded.connect() as victim, guarded.connect() as culprit:
        thread, outcome = in_background(victim, SLOW)
        time.sleep(0.5)
        with pytest.raises(psycopg.errors.OutOfMemory):
            culprit.execute(BOMB)
        thread.join(5)
        assert isinstance(outcome[0], psycopg.errors.OutOfMemory | psycopg.errors.CrashShutdown)
        assert victim.execute(SMALL).fetchone() == (1,)
    works_again(guarded)


def test_a_worker_that_does_not_go_on(guarded: RunningGateway, bystander: psycopg.Connection) -> None:
    with guarded.connect() as connection:
        thread, outcome = in_background(connection, ENDLESS)
        time.sleep(0.3)
        worker = serving_worker(guarded)
        stopped = time.monotonic()
        worker.suspend()
        thread.join(8)
        assert isinstance(outcome[0], psycopg.errors.CrashShutdown)
        assert outcome[1] - stopped < 5
    works_again(guarded)


def test_a_client_that_leaves_stops_the_source(
    guarded: RunningGateway, running_at_source: Callable[[str], int]
) -> None:
    connection = guarded.connect()
    thread, _ = in_background(connection, SLOW)
    wait_until(lambda: running_at_source('"slow"') > 0, 5)
    connection.cancel()
    thread.join(5)
    connection.close()
    wait_until(lambda: running_at_source('"slow"') == 0, 2)


def test_cancelling_ends_calls_of_functions(guarded: RunningGateway, running_at_source: Callable[[str], int]) -> None:
    """PostgreSQL evaluates them for the worker, by a connection of the worker's."""
    query = "select count(length(jsonb_pretty(to_jsonb(repeat(n::text, 200000))))) from small.numbers"
    with guarded.connect() as connection:
        thread, outcome = in_background(connection, query)
        wait_until(lambda: running_at_source("JSONB_PRETTY") > 0, 5)
        connection.cancel()
        thread.join(5)
        assert isinstance(outcome[0], psycopg.errors.QueryCanceled)
        wait_until(lambda: running_at_source("JSONB_PRETTY") == 0, 5)
        assert connection.execute(SMALL).fetchone() == (1,)
    works_again(guarded)


def test_functions_that_postgresql_evaluates(guarded: RunningGateway, lake: SampleLake) -> None:
    """In the worker, by a connection of its own: the gateway has none that has called anything."""
    query = "select id, to_json(name) ->> 0, pair ->> 'x', to_jsonb(words) from small.kinds order by id"
    with guarded.connect() as connection, psycopg.connect(lake.reference_dsn) as reference:
        assert connection.execute(query).fetchall() == reference.execute(query).fetchall()
        with pytest.raises(psycopg.errors.InvalidTextRepresentation, match="invalid input syntax for type json"):
            connection.execute("select name::jsonb from small.kinds where id = 1")
        assert connection.execute(query).fetchall() == reference.execute(query).fetchall()


def test_rows_of_the_session(guarded: RunningGateway) -> None:
    with guarded.connect() as connection:
        connection.execute("create temporary table picked (n int, word text)")
        connection.execute("insert into picked select n, repeat('x', 100) from generate_series(1, 20000) n")
        joined = "select count(*), sum(length(p.word)) from small.numbers l join picked p on l.n = p.n"
        assert connection.execute(joined).fetchone() == (10_000, 1_000_000)
        query = (
            "select p.n, jsonb_build_array(l.n) ->> 0 from small.numbers l join picked p on l.n = p.n where p.n = %s"
        )
        assert connection.execute(query, (7,)).fetchall() == [(7, "7")]
        catalogue = (
            "select l.n, c.relname from small.numbers l join pg_class c on c.relnatts = l.n"
            " where c.relname = 'pg_namespace'"
        )
        assert connection.execute(catalogue).fetchall() == [(4, "pg_namespace")]


def test_the_log_tells_of_workers_and_not_of_secrets(guarded: RunningGateway) -> None:
    assert len(guarded.records("worker started")) >= 2
    log = guarded.log.read_text(encoding="utf-8")
    assert "reference secret" not in log
    for process in workers(guarded):
        assert "secret" not in " ".join(process.cmdline())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_worker_outlives_its_gateway(lake: SampleLake, number: signal.Signals) -> None:
    with serving(lake, settings(lake, workers=1), exit_code=None) as gateway:
        all_ready(gateway, 2)
        left = workers(gateway)
        assert len(left) == 2
        with closing(gateway.connect()) as connection:  # to end it well is no longer possible then
            in_background(connection, ENDLESS)
            time.sleep(0.3)
            gateway.process.send_signal(number)
            if number == signal.SIGTERM:
                gateway.process.send_signal(number)
            gateway.process.wait(10)
        wait_until(lambda: not any(map(is_running, left)), 3)
