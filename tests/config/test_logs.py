"""Logs: their form, their ids, and what never gets into them."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from gateway import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Logging as JSON into memory; what was set up before comes back."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure("info", stream=stream, terminal=False)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()
    logs._Direct.records = None


def records(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_record_is_one_line_of_json_whatever_is_in_it(stream: io.StringIO) -> None:
    structlog.get_logger().info("connected", peer="x\n\x1b[31m", number=1)
    (record,) = records(stream)
    assert record["event"] == "connected"
    assert record["level"] == "info"
    assert record["peer"] == "x\n\x1b[31m"
    assert record["timestamp"].endswith("Z")


def test_records_of_libraries_take_the_same_form(stream: io.StringIO) -> None:
    logging.getLogger("some.library").warning("cannot reach %s", "postgresql://u:hunter2@host/db")
    (record,) = records(stream)
    assert record["event"] == "cannot reach postgresql://u:***@host/db"


def test_a_stream_that_takes_no_more_fails_nobody(stream: io.StringIO) -> None:
    stream.close()
    structlog.get_logger().error("disk full")
    logs.configure("info", stream=io.StringIO(), terminal=False)


def test_debug_is_left_out_at_info(stream: io.StringIO) -> None:
    structlog.get_logger().debug("detail", sql="SELECT 'x'")
    assert records(stream) == []


def test_each_connection_and_statement_has_its_id(stream: io.StringIO) -> None:
    async def connection(number: int) -> None:
        logs.bind_connection(number)
        for statement in range(2):
            with logs.bind_statement(f"{number}.{statement}"):
                await asyncio.sleep(0)
                structlog.get_logger().info("ran")
        structlog.get_logger().info("left")

    async def both() -> None:
        await asyncio.gather(connection(1), connection(2))
        structlog.get_logger().info("none")

    asyncio.run(both())
    seen = [(record.get("connection"), record.get("statement")) for record in records(stream)]
    assert sorted(seen[:-1], key=str) == sorted(
        [("1", "1.0"), ("1", "1.1"), ("1", None), ("2", "2.0"), ("2", "2.1"), ("2", None)], key=str
    )
    assert seen[-1] == (None, None)


@pytest.mark.parametrize(
    "fields",
    [
        {"password": "hunter2"},
        {"dsn": "host=x password=hunter2"},
        {"storage_options": {"key": "hunter2"}},
        {"reason": "cannot connect to postgresql://u:hunter2@h/d"},
        {"reason": "host=h password=hunter2 port=5"},
        {"reason": "password = 'hunter2'"},
        {"sql": "SELECT * FROM t WHERE a = 'hunter2'"},
    ],
)
def test_credentials_and_literals_are_hidden(stream: io.StringIO, fields: dict[str, Any]) -> None:
    structlog.get_logger().info("something", **fields)
    assert "hunter2" not in stream.getvalue()
    assert len(records(stream)) == 1


def test_a_traceback_does_not_show_a_password(stream: io.StringIO) -> None:
    try:
        raise ValueError("postgresql://u:hunter2@h/d")
    except ValueError:
        structlog.get_logger().exception("failed")
    (record,) = records(stream)
    assert "ValueError" in record["exception"]
    assert "hunter2" not in stream.getvalue()


def test_a_terminal_gets_no_control_characters_from_clients() -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:]
    try:
        logs.configure("info", stream=stream, terminal=True)
        structlog.get_logger().info("login", user="x\r\nfaked line\x1b]0;title\x07")
    finally:
        root.handlers[:] = before
        structlog.reset_defaults()
    assert "\x1b]0;" not in stream.getvalue()
    assert len(stream.getvalue().splitlines()) == 1


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("SELECT a1 FROM t2 WHERE x = 'it''s' AND y > 4.5e3", "SELECT a1 FROM t2 WHERE x = ? AND y > ?"),
        ("SELECT E'a\\'b', 'c' -- 'd'\n, 1", "SELECT ?, ? , ?"),
        ("SELECT $$x$$, $q$ it's $$ $q$ FROM \"it's 5\"", 'SELECT ?, ? FROM "it\'s 5"'),
        ("SELECT $1 /* 'secret' */ + -7", "SELECT $1 + -?"),
        ("SELECT 'never ends", "SELECT ?"),
        ("SELECT $a$ never 'ends'", "SELECT ?"),
        ("SELECT 0xFF, 1_000, .5", "SELECT ?, ?, ?"),
    ],
)
def test_statements_without_their_literals(sql: str, shown: str) -> None:
    assert logs.without_literals(sql) == shown


@pytest.mark.parametrize("rows", [None, 0, 12])
def test_a_statement_has_the_record_that_any_other_event_would_have(stream: io.StringIO, rows: int | None) -> None:
    log = structlog.get_logger()

    async def work() -> None:
        logs.bind_connection(7)
        counted = {} if rows is None else {"rows": rows}
        with logs.bind_statement("7.1"):
            logs.soon(log.info, "statement", lane="source", **counted, milliseconds=0.125)
            logs.note_statement(log, "source", rows, 0.125)
        await asyncio.sleep(0.1)
        logs.configure("warning", stream=stream, terminal=False)
        logs.note_statement(structlog.get_logger(), "source", rows, 0.125)
        await asyncio.sleep(0)

    asyncio.run(work())
    theirs, ours = (list(one.items()) for one in records(stream))
    assert sorted(theirs[:-1], key=str) == sorted(ours[:-1], key=str)  # structlog's ids are in no certain order
    (name, then), (other, now) = theirs[-1], ours[-1]
    assert name == other == "timestamp" and len(then) == len(now) and then[:10] <= now[:10]


def test_records_of_statements_that_gather_come_before_what_is_noted_later(stream: io.StringIO) -> None:
    async def work() -> None:
        log = structlog.get_logger()
        for rows in (1, 2):
            logs.note_statement(log, "source", rows, 0.125)
        log.info("later")
        logs.note_statement(log, "source", 3, 0.125)
        assert [one.get("rows", one["event"]) for one in records(stream)] == [1, 2, "later"]
        await asyncio.sleep(0.1)

    asyncio.run(work())
    assert [one.get("rows", one["event"]) for one in records(stream)] == [1, 2, "later", 3]


def test_ids_are_bound_for_a_block(stream: io.StringIO) -> None:
    assert logs.bound_ids() == (None, None)
    logs.bind_connection(7)
    with pytest.raises(KeyError), logs.bind_statement("7.1"):
        with logs.bind_statement("7.2"):
            assert logs.bound_ids() == ("7", "7.2")
        assert logs.bound_ids() == ("7", "7.1")
        raise KeyError
    assert logs.bound_ids() == ("7", None)
    structlog.get_logger().info("left")
    assert "statement" not in records(stream)[0]
