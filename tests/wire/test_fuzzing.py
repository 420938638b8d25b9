"""Conversations that no honest client has: the gateway answers each as PostgreSQL does, and nobody else notices.

Seeds are tried for a bounded time; what once broke something is kept in ``broken_once``, a conversation a file: what a
client sends, a batch a line in hexadecimal behind words of what it is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.gateway import RunningGateway, SampleLake
from tests.wire.fuzzing import Batch, Place, again, conversation
from tests.wire.interrupting import interruptions
from tests.wire.said_twice import differences, places_of, unproven

_SECONDS = 7.0
_LEAST = 20  # conversations, however slow the machine is
_GROWTH = 48 << 20  # bytes of memory that the gateway may take meanwhile, for caches and heaps
_GROWTH_OF_STREAMS = 256 << 20  # what large answers take the first time
_FILES = 24  # descriptors: connections to the mirror that are kept
KEPT = sorted((Path(__file__).parent / "broken_once").iterdir())


@pytest.fixture(scope="module")
def places(gateway: RunningGateway, lake: SampleLake) -> tuple[Place, Place]:
    """The gateway, and PostgreSQL with the same small tables."""
    return places_of(gateway, lake)


@contextmanager
def unharmed(gateway: RunningGateway, growth: int = _GROWTH) -> Iterator[None]:
    """Check at the end that nothing broke, that no other session was touched, and that nothing was left open."""
    errors = len(gateway.records("internal error"))
    process = psutil.Process(gateway.process.pid)
    with gateway.connect() as warm:
        warm.execute("select n from small.numbers limit 1").fetchall()
    memory, files = gateway.memory(), process.num_fds()
    with psycopg.connect(gateway.dsn()) as bystander:
        bystander.execute("set timezone to 'Asia/Tokyo'")
        bystander.execute("prepare p as select n + 1 from small.numbers where n = $1")
        bystander.execute("declare c cursor for select n from small.numbers order by n")
        bystander.execute("create temporary table t as select n from small.numbers where n < 4")
        assert bystander.execute("fetch 2 from c").fetchall() == [(1,), (2,)]
        yield
        assert bystander.execute("fetch 1 from c").fetchall() == [(3,)]
        assert bystander.execute("execute p(41)").fetchall() == [(42,)]
        assert bystander.execute("select count(*) from t").fetchone() == (3,)
        assert bystander.execute("show timezone").fetchone() == ("Asia/Tokyo",)
    assert len(gateway.records("internal error")) == errors
    assert gateway.process.poll() is None
    assert gateway.memory() - memory < growth
    deadline = time.monotonic() + 5
    while process.num_fds() - files > _FILES and time.monotonic() < deadline:
        time.sleep(0.1)
    assert process.num_fds() - files <= _FILES


def seeds() -> Iterator[int]:
    """Seeds from 0 on for a while."""
    deadline = time.monotonic() + _SECONDS
    for seed in count():
        if seed >= _LEAST and time.monotonic() > deadline:
            return
        yield seed


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.name)
def test_what_broke_something_once_is_answered_as_by_postgresql(path: Path, places: tuple[Place, Place]) -> None:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert differences(places, [Batch(bytes.fromhex(line)) for line in lines]) == []


def test_conversations_are_answered_as_by_postgresql(gateway: RunningGateway, places: tuple[Place, Place]) -> None:
    with unharmed(gateway):
        for seed in seeds():
            assert differences(places, conversation(seed)) == [], f"seed {seed}"


def test_statements_executed_again_are_answered_as_by_postgresql(
    gateway: RunningGateway, places: tuple[Place, Place]
) -> None:
    with unharmed(gateway):
        for seed in seeds():
            assert differences(places, again(seed)) == [], f"seed {seed}"


def test_clients_that_lose_their_patience_end_nothing_else(
    gateway: RunningGateway, places: tuple[Place, Place]
) -> None:
    ours, _ = places
    with unharmed(gateway, _GROWTH_OF_STREAMS):
        for seed in seeds():
            assert interruptions(seed, ours) == [], f"seed {seed}"


def test_what_comes_before_a_login_is_answered_or_waited_for(
    gateway: RunningGateway, places: tuple[Place, Place]
) -> None:
    ours, _ = places
    with unharmed(gateway):
        for seed in seeds():
            assert (told := unproven(seed, ours)) == [], f"seed {seed}: {told}"
