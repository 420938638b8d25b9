"""A long run of conversations that no honest client has: ``python -m tests.wire.long_run --minutes 60 --seed 7``.

Prints each difference from PostgreSQL, cut down to what makes it, in the form of a file of ``broken_once``; and every
minute what the gateway holds: memory, descriptors, threads, files, sessions, connections to servers. Ends with exit
code 1 if anything differed, was not answered, broke, or was still held at the end.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path

import psutil
import psycopg

from tests.gateway import RunningGateway, SampleLake, Settings, make_lake, serving
from tests.wire.fuzzing import Batch, Place, Unanswered, again, conversation
from tests.wire.interrupting import interruptions
from tests.wire.said_twice import differences, places_of, unproven

_PATIENCE = 60.0  # seconds: other work may be on the machine
_SETTLES = 15.0  # seconds that the gateway has at the end to give back what it holds
_GROWTH = Counter(memory=64, descriptors=24, threads=8, files=0, sessions=0, connections=24)  # memory in MB
_FIRST, _BLOCK = 400, 64  # conversations
_HEADER = 5


@dataclass(frozen=True, slots=True)
class Held:
    """What the gateway holds: memory in MB, files that it keeps for a time, and others' places at its servers."""

    memory: int
    descriptors: int
    threads: int
    files: int
    sessions: int
    connections: int


def held(gateway: RunningGateway, lake: SampleLake) -> Held:
    """Look at the gateway."""
    process = psutil.Process(gateway.process.pid)
    state = gateway.log.parent / "state"
    files = [path for path in state.rglob("*") if path.is_file() and "audit" not in path.parts]
    with gateway.connect() as connection, psycopg.connect(lake.metadata_url) as server:
        sessions = connection.execute("select count(*) from pg_stat_activity").fetchone()
        connections = server.execute("select count(*) from pg_stat_activity").fetchone()
    assert sessions is not None and connections is not None
    memory = gateway.memory() >> 20
    return Held(memory, process.num_fds(), process.num_threads(), len(files), sessions[0], connections[0])


def asked(seed: int, places: tuple[Place, Place]) -> list[str]:
    """Have what a seed has; return what was wrong."""
    kind, version = seed % 8, "3.2" if seed % 16 >= 8 else "3.0"
    ours, _ = places
    try:
        if kind == 0:
            return unproven(seed, ours)
        if kind == 1:
            return interruptions(seed, ours, _PATIENCE)
        batches = again(seed) if kind < 4 else conversation(seed)
        found = differences(places, batches, version, _PATIENCE)
    except Unanswered as unanswered:
        return [f"not answered: {unanswered}"]
    return [*found, *_kept(smaller(batches, places))] if found else []


def smaller(batches: Sequence[Batch], places: tuple[Place, Place]) -> Sequence[Batch]:
    """Leave out batches and messages as long as a difference stays."""
    found, at = list(batches), 0
    while at < len(found):
        without = found[:at] + found[at + 1 :]
        if without and differences(places, without, patience=_PATIENCE):
            found = without
        else:
            found[at] = _shorter(found, at, places)
            at += 1
    return found


def _shorter(batches: list[Batch], at: int, places: tuple[Place, Place]) -> Batch:
    batch = batches[at]
    if batch.broken:
        return batch
    messages, place = list(_messages(batch.data)), 0
    while place < len(messages) > 1:
        left = messages[:place] + messages[place + 1 :]
        tried = Batch(b"".join(left))
        if differences(places, [*batches[:at], tried, *batches[at + 1 :]], patience=_PATIENCE):
            messages, batch = left, tried
        else:
            place += 1
    return batch


def _messages(data: bytes) -> Iterator[bytes]:
    while data:
        size = 1 + int.from_bytes(data[1:_HEADER], "big")
        yield data[:size]
        data = data[size:]


def _kept(batches: Sequence[Batch]) -> list[str]:
    return [f"# {batch.data!r}\n{batch.data.hex()}" for batch in batches]


def main() -> int:
    """Run, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000, help="the first of 2^40 seeds")
    parser.add_argument("--clients", type=int, default=4, help="how many conversations are had at once")
    parser.add_argument("--log", type=Path, help="where to keep the gateway's log")
    given = parser.parse_args()
    with make_lake() as lake, serving(lake, Settings(server={"refresh_interval": "0"})) as gateway:
        try:
            return _run(given.seed, given.minutes * 60, given.clients, gateway, lake)
        finally:
            if given.log is not None:
                shutil.copy(gateway.log, given.log)


def _run(seed: int, seconds: float, clients: int, gateway: RunningGateway, lake: SampleLake) -> int:
    places = places_of(gateway, lake)
    first, number, told = seed << 20, 0, 0.0
    with ThreadPoolExecutor(clients) as pool:

        def ask(many: int, begin: int) -> int:
            return sum(pool.map(lambda one: _ask(one, places), range(begin, begin + many)))

        wrong = ask(_FIRST, first - _FIRST)  # what is kept for good is there after these
        before, began = held(gateway, lake), time.monotonic()
        print(f"seed {seed}\n{before}", flush=True)
        while time.monotonic() - began < seconds:
            wrong += ask(_BLOCK, first + number)
            number += _BLOCK
            if time.monotonic() - told > 60:
                told = time.monotonic()
                print(f"{number} had, {wrong} wrong, {held(gateway, lake)}", flush=True)
    leaks = _leaks(gateway, lake, before)
    errors = gateway.records("internal error")
    print(f"{number} in {time.monotonic() - began:.0f} s, {wrong} wrong, {len(errors)} internal errors; {leaks}")
    return int(bool(wrong or errors or leaks))


def _ask(seed: int, places: tuple[Place, Place]) -> int:
    found = asked(seed, places)
    if found:
        print(f"seed {seed}", *found, "", sep="\n", flush=True)
    return int(bool(found))


def _leaks(gateway: RunningGateway, lake: SampleLake, before: Held) -> list[str]:
    deadline = time.monotonic() + _SETTLES
    while True:
        now = held(gateway, lake)
        found = [
            f"{name}: {then} before, {since} after"
            for name in (one.name for one in fields(Held))
            if (since := getattr(now, name)) - (then := getattr(before, name)) > _GROWTH[name]
        ]
        if not found or time.monotonic() > deadline:
            print(now)
            return found
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
