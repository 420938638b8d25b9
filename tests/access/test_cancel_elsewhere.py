"""Two gateways behind a balancer on one metadata server: a wish to cancel finds the session's gateway, with its key
alone, and no more of them go on their way than strangers may send.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psycopg
import pytest

from catalog.store.listener import CANCELS
from gateway.wire import backend as b
from gateway.wire import frontend as f
from tests.attacks.clients import AttackClient, shown
from tests.audit.reading import Audited, audited
from tests.clients.conftest import HEAVY
from tests.gateway import ADA, BOB, RunningGateway, SampleLake

DATABASE = "cancelling"
STATEMENTS = {
    "of the engine": HEAVY,
    "of the mirror": "SELECT 'slept' FROM pg_sleep(20)",
    "of a source": "TABLE origin.slow",
}
_SLEEP = "SELECT 'slept' FROM pg_sleep(0.6)"


@dataclass(frozen=True, slots=True)
class Two:
    """The gateway that has the sessions, and another one."""

    own: Audited
    other: Audited
    lake: SampleLake

    def words(self) -> psycopg.Connection:
        """Listen to what gateways tell each other."""
        connection = self.lake.server.connect("lakegate", autocommit=True)
        connection.execute(f"LISTEN {CANCELS}".encode())
        return connection


@pytest.fixture(scope="module")
def two(lake: SampleLake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    """Two gateways of the same lake, each with an audit of its own."""
    with ExitStack() as stack:
        own, other = (
            stack.enter_context(audited(lake, tmp_path_factory.mktemp("audit") / name, DATABASE))
            for name in ("own", "other")
        )
        yield Two(own, other, lake)


@contextmanager
def balanced(*gateways: RunningGateway) -> Iterator[int]:
    """A port that has its first connection with the first gateway, the next one with the second, and so on."""

    def copy(source: socket.socket, target: socket.socket) -> None:
        with source, target:
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def serve() -> None:
        for gateway in gateways:
            client, _ = listener.accept()
            server = gateway.socket(timeout=60)
            with client, server:
                for ends in ((client, server), (server, client)):
                    threads.append(threading.Thread(target=copy, args=[one.dup() for one in ends]))
                    threads[-1].start()

    threads = [threading.Thread(target=serve)]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads[0].start()
        yield listener.getsockname()[1]
        for thread in threads:
            thread.join()


def cancel(gateway: RunningGateway, process: int, key: bytes) -> bytes:
    """Send a CancelRequest and return what comes back, which must be nothing."""
    with gateway.socket() as connection:
        connection.sendall(f.CancelRequest(process, key).encode())
        return connection.recv(100)


def key_of(client: AttackClient) -> b.BackendKeyData:
    """Return what a client was told of how to cancel."""
    assert isinstance(client.key, b.BackendKeyData)
    return client.key


def client_of(gateway: RunningGateway, user: str = BOB) -> AttackClient:
    """Log in."""
    return AttackClient((gateway.host, gateway.port), user, database=DATABASE)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_driver_cancels_through_a_balancer(two: Two, statement: str) -> None:
    own, other = two.own.gateway, two.other.gateway
    with balanced(own, other) as port, own.connect(port=port) as connection:
        asked: list[float] = []

        def ask() -> None:
            asked.append(time.monotonic())
            connection.cancel_safe()

        threading.Timer(0.5, ask).start()
        with pytest.raises(psycopg.errors.QueryCanceled, match="user request"):
            connection.execute(STATEMENTS[statement].encode())
        assert time.monotonic() - asked[0] < 5
        assert connection.execute("SELECT 1").fetchone() == (1,)
        process = connection.info.backend_pid
    passed_on = two.other.wait_for(lambda one: one["event"] == "cancel" and one["detail"].get("passed_on") == process)
    assert passed_on["sqlstate"] == "00000"
    heeded = two.own.wait_for(lambda one: one["event"] == "cancel" and one["detail"] == {"process": process})
    assert (heeded["sqlstate"], heeded["address"]) == ("00000", passed_on["address"])


def test_wrong_keys_cancel_nothing(two: Two) -> None:
    bob, ada = client_of(two.own.gateway), client_of(two.own.gateway, ADA)
    known = key_of(bob)
    answers: list[list[str]] = []
    asking = threading.Thread(target=lambda: answers.append(shown(bob.ask(f.Query(_SLEEP)))))
    asking.start()
    time.sleep(0.1)
    near = int.from_bytes(known.secret_key, "big")
    guesses = [bytes(4), b"\0" * 32, key_of(ada).secret_key, known.secret_key + b"\0"]
    guesses += [((near + step) % (1 << 32)).to_bytes(4, "big") for step in (-1, 1)]
    assert {cancel(two.other.gateway, known.process_id, guess) for guess in guesses} == {b""}
    asking.join()
    assert answers == [["slept"]]
    two.own.wait_for(lambda one: one["event"] == "cancel" and one["sqlstate"] == "28000")
    bob.close()
    ada.close()


def test_what_gateways_tell_each_other_shows_no_key_and_is_not_believed(two: Two) -> None:
    bob = client_of(two.own.gateway)
    known = key_of(bob)
    with two.words() as words:
        assert cancel(two.other.gateway, known.process_id, known.secret_key) == b""  # nothing runs: nothing happens
        (told,) = words.notifies(timeout=5, stop_after=1)
        two.own.wait_for(lambda one: one["event"] == "cancel" and one["detail"] == {"process": known.process_id})
        fields = json.loads(told.payload)
        assert fields[:3] == [DATABASE, known.process_id, "key"]
        number = int.from_bytes(known.secret_key, "big")
        for one in (known.secret_key.hex(), str(number), known.secret_key.decode("latin-1")):
            assert one not in told.payload
        bob.send(f.Query(_SLEEP))
        time.sleep(0.1)
        ada = client_of(two.own.gateway, ADA)
        forged = [
            fields,  # said again
            [*fields[:2], "judged", *fields[3:]],
            [*fields[:5], "0" * 64],
            [*fields[:3], "192.0.2.1:1", *fields[4:]],
            [*fields[:4], "0" * 32, fields[5]],
            [fields[0], key_of(ada).process_id, *fields[2:]],
            [*fields, "more"],
            ["x"],
        ]
        for text in (*map(json.dumps, forged), "[", "", "null", "é\\u0000"):
            words.execute("SELECT pg_notify(%s, %s)", (CANCELS, text))
        bob.received.clear()
        while bob.message()[0] != b"Z":
            pass
        assert shown(bob.received) == ["slept"]
    bob.close()
    ada.close()


def test_strangers_are_passed_on_at_a_bounded_rate(two: Two) -> None:
    bob = client_of(two.own.gateway)
    number = key_of(bob).process_id
    with two.words() as words:
        began = time.monotonic()
        for attempt in range(200):
            cancel(two.other.gateway, number, attempt.to_bytes(4, "big"))
        for nobody in (0, 1, (1 << 22) - 1, (1 << 31), (1 << 32) - 1):  # and these are of no gateway at all
            cancel(two.other.gateway, nobody, bytes(4))
        cancel(two.own.gateway, number, bytes(4))  # nor is it asked elsewhere for what is here
        seconds = time.monotonic() - began
        told = [one.payload for one in words.notifies(timeout=1)]
    assert 1 <= len(told) <= 16 * (int(seconds) + 2)
    assert {json.loads(one)[1] for one in told} == {number}
    assert shown(bob.ask(f.Query("SELECT 'well'"))) == ["well"]
    bob.close()


def test_pg_cancel_backend_reaches_what_another_gateway_runs(two: Two) -> None:
    with two.own.gateway.connect() as connection, two.other.gateway.connect() as asker:
        pid = connection.info.backend_pid
        here, deadline = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s", time.monotonic() + 10
        while asker.execute(here, (pid,)).fetchone() != (1,):  # the other gateway has told of the session
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with two.other.gateway.connect(BOB) as bob, pytest.raises(psycopg.errors.InsufficientPrivilege):
            bob.execute("SELECT pg_cancel_backend(%s)", (pid,))
        for statement in STATEMENTS.values():
            timer = threading.Timer(0.5, lambda: asker.execute("SELECT pg_cancel_backend(%s)", (pid,)))
            timer.start()
            with pytest.raises(psycopg.errors.QueryCanceled, match="user request"):
                connection.execute(statement.encode())
            timer.join()
        assert connection.execute("SELECT 1").fetchone() == (1,)
