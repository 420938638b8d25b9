"""A key that has expired opens nothing, and what it has opened is shut, whichever way is asked there."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta

import psycopg

from tests.authentication.conftest import Guarded
from tests.authentication.test_logins import NUMBER, refused

DOORS: dict[str, Callable[[psycopg.Connection], None]] = {
    "simple": lambda one: one.pgconn.send_query(b"SELECT 1"),
    "extended": lambda one: one.pgconn.send_query_params(b"SELECT n FROM small.numbers WHERE n = $1", [b"1"]),
    "prepared": lambda one: one.pgconn.send_query_prepared(b"kept", []),
    "described": lambda one: one.pgconn.send_describe_prepared(b"kept"),
    "fetch": lambda one: one.pgconn.send_query(b"FETCH 1 FROM c"),
    "execute": lambda one: one.pgconn.send_query(b"EXECUTE known"),
    "copy": lambda one: one.pgconn.send_query(b"COPY (SELECT n FROM small.numbers LIMIT 1) TO STDOUT"),
    "catalogue": lambda one: one.pgconn.send_query(b"SELECT relname FROM pg_class"),
    "explain": lambda one: one.pgconn.send_query(b"EXPLAIN SELECT n FROM small.numbers"),
    "commit": lambda one: one.pgconn.send_query(b"COMMIT"),
    "cached": lambda one: one.pgconn.send_query(NUMBER.encode()),
}


def test_an_expired_key_is_refused_at_each_door(guarded: Guarded) -> None:
    made = guarded.api_key("robot", expires=timedelta(seconds=4))
    with ExitStack() as stack:
        opened = {door: stack.enter_context(guarded.gateway.connect("robot", password=made.text)) for door in DOORS}
        for connection in opened.values():
            connection.execute("PREPARE known AS SELECT n FROM small.numbers WHERE n = 2")
            connection.pgconn.prepare(b"kept", b"SELECT n FROM small.numbers WHERE n = 3")
            connection.execute("BEGIN")
            connection.execute("DECLARE c CURSOR FOR SELECT n FROM small.numbers")
            connection.execute(NUMBER).fetchone()
        left = made_until(guarded, made.id) - time.time()
        assert left > 0, "the machine is too slow for this key"
        time.sleep(left + 0.05)
        for door, connection in opened.items():
            assert "credential of method api-key has expired" in told(connection, DOORS[door]), door
            assert connection.pgconn.status != psycopg.pq.ConnStatus.OK, door
        failed = 'API key authentication failed for user "robot"'
        assert refused(guarded, "robot", made.text) == failed
        assert refused(guarded, "robot", made.text, **guarded.tls()) == failed
        assert refused(guarded, "robot", made.text, **guarded.tls(sslnegotiation="direct")) == failed


def made_until(guarded: Guarded, key: str) -> float:
    """Return when a key expires, in seconds since 1970."""
    kept = guarded.store.get_api_key(key)
    assert kept is not None and kept.expires is not None
    return kept.expires.timestamp()


def told(connection: psycopg.Connection, send: Callable[[psycopg.Connection], None]) -> str:
    """Send something and return all errors that come back."""
    send(connection)
    results = iter(connection.pgconn.get_result, None)
    return "".join(one.error_message.decode() for one in results)
