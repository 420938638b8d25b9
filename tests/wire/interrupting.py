"""Clients that do not wait for the end: statements that are cancelled at any moment, with the right key or a wrong one,
and connections that are left while rows come.
"""

from __future__ import annotations

import random
import time

from gateway.wire import frontend as f
from gateway.wire.sent_at_once import END as AT_ONCE
from tests.wire.fuzzing import PATIENCE, Batch, Client, Place

_LONGEST_WAIT = 0.12  # seconds before a client loses its patience


def _query(text: str) -> bytes:
    return f.Query(text).encode()


def _slowly(steps: bytes) -> bytes:
    return f.Bind("", "s", (), (steps,), ()).encode() + AT_ONCE


_PREPARED = f.Parse("s", "select count(*) from origin.second where n <= $1", (23,)).encode()
_DECLARED = _query("begin; declare c cursor for select n, n::text from small.series")
_ROLLED_BACK = Batch(_query("rollback"), readies=1)
_AFTER = tuple(
    Batch(data, readies=1)
    for data in (
        _query("select n from small.numbers where n = 7"),
        _query("select id, title from origin.things where id = 1"),
        _slowly(b"0"),
    )
)
# Those that end by themselves soon, and those that do not.
_SHORT = (
    _query("select pg_sleep(0.05)"),
    _query("select n from small.numbers order by n desc"),
    _query("copy small.numbers to stdout"),
    _query("select id, title from origin.things where id = 2"),
    _query("select count(*) from origin.second where n <= 4"),
    _query("select count(*) from pg_class"),
    _slowly(b"3"),
    _slowly(b"6"),
    _slowly(b"0"),
)
_LONG = (
    _query("select count(*) from origin.slow"),
    _query("select n, filler from origin.many"),
    _query("copy origin.many to stdout (format binary)"),
    _query("copy small.series to stdout (format csv)"),
    _query("select n::text from small.series order by n desc"),
    _query("select o.n, s.n from origin.slow o join small.series s using (n)"),
    _query("fetch all from c"),
    _slowly(b"100"),
)
_MAY_BE = (
    "E ERROR 57014",  # cancelled
    "E ERROR 34000",  # no cursor was declared
)


def interruptions(seed: int, place: Place, patience: float = PATIENCE) -> list[str]:
    """Have a client of a seed lose its patience; return the first answer that is another than it may be."""
    dice = random.Random(seed)
    client = Client(place, logged_in=True, version=dice.choice(("3.0", "3.2")), patience=patience)
    try:
        client.say(Batch(_PREPARED))
        wanted = [client.say(batch) for batch in _AFTER]
        for _ in range(dice.randint(1, 5)):
            if dice.random() < 0.3:
                client.say(Batch(_DECLARED, readies=1))
            told = _interrupted(dice, client)
            if client.ended:
                return []
            if any(one.startswith("E") and one not in _MAY_BE for one in told):
                return told
            for _ in range(2):  # a cancel that came too late may meet the next statement
                client.say(_ROLLED_BACK)
            if (now := [client.say(batch) for batch in _AFTER]) != wanted:
                return [*told, "and then", *map(str, now)]
    finally:
        client.close()
    return []


def _interrupted(dice: random.Random, client: Client) -> list[str]:
    """Have a statement begin, and something come between; return its answer."""
    is_long = dice.random() < 0.4
    client.send(dice.choice(_LONG if is_long else _SHORT))
    time.sleep(dice.random() * _LONGEST_WAIT)
    if dice.random() < 0.2:
        client.leave()
        return []
    if dice.random() < 0.2:
        client.cancel(dice.randbytes(dice.choice((0, 4, 4, 32, 256))))
    elif not is_long and dice.random() < 0.2:
        client.send(_query("select 1"))  # which waits for the end of the one before it
        return [*client.hear(), *client.hear()]
    if is_long or dice.random() < 0.8:
        client.cancel()
    return client.hear()
