"""Conversations that no honest client has: made at random from a seed, said to any server, and told in a form in which
two servers can be compared.

A conversation is a list of batches of bytes; after each its answers are read up to ReadyForQuery or the connection's
end. Most messages are well formed, in orders that the protocol does not foresee; some have bytes changed, lengths that
are wrong, or are no messages at all. Others execute one statement again and again, as drivers do, until it goes
straight to its source, with something else in between.
"""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Literal

import psycopg

from gateway.wire import frontend as f
from gateway.wire.sent_at_once import END as AT_ONCE

_LENGTH = Struct(">I")
PATIENCE = 8.0  # seconds after which a message counts as unanswered
_WAITS = 2.0  # seconds after which a server that was sent a wrong length is taken to wait for the rest
_DROPPED = frozenset(b"SNAK")  # settings, notices, notifications and keys come when they come
_SYNC = f.Sync().encode()
# Behind each batch: what ends a COPY and a skipping of messages, and a statement whose error tells that all before it
# is answered, in a failed transaction too.
_END = f.CopyFail("the end").encode() + _SYNC + f.Query("endofbatch").encode()
_END_SEEN = b'"endofbatch"'
_MOST_ROWS = 200
_TARGETS: tuple[Literal["S", "P"], ...] = ("S", "P")
_BROKEN = 0.05  # of the batches

# Both servers have these tables, with the same rows.
TEXTS = (
    "select 1",
    "select $1::int + 1",
    "select n from small.numbers where n <= 3 order by n",
    "",
    ";",
    " -- nothing",
    "select name, day, price from small.kinds order by 1, 2, 3 limit 5",
    "select count(*) from small.numbers where n < $1",
    "select n, $2::text from small.numbers where n < $1::int order by n",
    "select 1; select 2",
    "select n from small.none",
    "begin",
    "commit",
    "rollback",
    "savepoint a",
    "rollback to a",
    "release a",
    "begin; select 1; commit",
    "abort",
    "declare c cursor for select n from small.numbers order by n",
    "fetch 3 from c",
    "move 2 in c",
    "close c",
    "close all",
    "declare h cursor with hold for select n from small.numbers where n < 6 order by n",
    "fetch all from h",
    "fetch 0 from c",
    "declare s scroll cursor for select n from small.numbers where n < 9 order by n",
    "fetch backward 2 from s",
    "fetch absolute -1 from s",
    "prepare p as select n from small.numbers where n = $1",
    "execute p(3)",
    "deallocate p",
    "prepare q(int) as select $1",
    "execute q('x')",
    "deallocate all",
    "discard all",
    "discard plans",
    "copy small.none to stdout",
    "copy (select n from small.numbers where n < 4 order by n) to stdout (format csv, header)",
    "copy (select 1 as a) to stdout (format binary)",
    "create temp table t (a int, b text)",
    "insert into t values (1, 'x')",
    "table t",
    "drop table t",
    "selec 1",
    "select",
    "select nothing from small.numbers",
    "select n from small.nowhere",
    "select 'open",
    "select $1",
    "select n / 0 from small.numbers where n = 1",
    "select 1 / 0",
    "select 'x'::int",
    "select $0",
    "select $3::int",
    "set timezone to 'Asia/Tokyo'",
    "set local datestyle to 'german'",
    "show timezone",
    "reset all",
    "set nothing to 1",
    "select n::text from small.numbers where n = 7",
    "listen a",
    "unlisten *",
    "select pg_sleep(0.001)",
    "explain select 1",
    "show nothing",
    "select * from pg_class limit 0",
    "values (1, 'a'), (2, null)",
    "select repeat('x', 3000)",
    "select n from small.numbers order by n limit 30",
    "select id, title from origin.things where id = $1",
    "select id, title from origin.things order by id",
    "select 12 / (id - 2) from origin.things where id = $1",
    "select t.id, n.n from origin.things t join small.numbers n on n.n = t.id order by 1",
    "declare o scroll cursor for select id, ints from origin.things order by id",
    "fetch 2 from o",
    "fetch prior from o",
    "copy (select id, uid from origin.things order by id) to stdout",
    "copy (select id, span from origin.things order by id) to stdout (format binary)",
    "prepare o as select id, clock from origin.things where id = $1",
    "execute o(1)",
)
# What is executed again and again: a text, and the type of its parameter. The rows are a server's, or of the lake.
AGAIN = (
    "select id, title from origin.things where id = $1",
    "select id, title from origin.things where id = $1",
    "select 12 / (id - 2), repeat('x', 3000 * id) from origin.things where id = $1",
    "select n, repeat('y', n) from origin.things cross join generate_series(1, 2000) as g(n) where id = 1 and n < $1",
    "select id, uid, span, ints, docb from origin.things where id >= $1 order by id",
    "select n from small.numbers where n = $1",
    "select count(*) from small.numbers where n < $1",
    "select oid, relname from pg_class where oid = $1",
)
NAMES = ("", "", "", "a", "b", "c", "p", "é", "x" * 70)
VALUES = (
    None,
    b"1",
    b"7",
    b"",
    b"x",
    b"\0\0\0\1",
    b"\0",
    b"\xff\xfe",
    b"'; drop",
    b"9" * 30,
    b"1" * 5000,
    "é".encode(),
)
TYPES = ((), (), (), (23,), (25,), (0, 25), (999999,), (23, 23, 23))
FORMATS = ((), (), (0,), (1,), (0, 1), (2,), (1, 1, 1))
NO_MESSAGES = (b"X", b"", b"\0", b"B", b"F", b"!", b"\xff", b"p", b"d")


@dataclass(frozen=True, slots=True)
class Place:
    """A server as it is reached: a folder or a host, a port, and the names to log in with."""

    host: str
    port: int
    dsn: str
    user: str
    database: str

    def open(self) -> socket.socket:
        """Connect and say nothing."""
        if self.host.startswith("/"):
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(PATIENCE)
            connection.connect(f"{self.host}/.s.PGSQL.{self.port}")
            return connection
        return socket.create_connection((self.host, self.port), timeout=PATIENCE)


@dataclass(frozen=True, slots=True)
class Batch:
    """Bytes that are said at once, or in two pieces, of which the second begins at ``cut``. Of ``broken`` ones a
    message's length may be wrong, so that the server waits. ``readies``: how many ReadyForQuery end it, where nothing
    is to be said behind it; 0: unknown.
    """

    data: bytes
    broken: bool = False
    readies: int = 0
    cut: int = 0


class Unanswered(AssertionError):
    """A server says nothing where it owes an answer."""


def conversation(seed: int) -> list[Batch]:
    """Return the batches of a seed."""
    dice = random.Random(seed)
    batches = []
    for _ in range(dice.randint(1, 5)):
        data = b"".join(_message(dice) for _ in range(dice.choice((1, 1, 2, 3, 4, 6, 9))))
        is_broken = dice.random() < _BROKEN
        batches.append(Batch(_broken(dice, data) if is_broken else data, is_broken))
    return batches


def again(seed: int) -> list[Batch]:
    """Return the batches of a seed that execute one statement many times."""
    dice = random.Random(seed)
    text = dice.choice(AGAIN)
    simple = dice.random() < 0.3
    name = dice.choice(("s", "s", "a", ""))
    formats = dice.choice(((), (0,), (1,)))
    types = dice.choice(((), (23,), (20,), (25,))) if "series" not in text else (23,)
    batches = [Batch(f.Parse(name, text, types).encode() + _SYNC, readies=1)]
    for _ in range(dice.randint(6, 14)):
        value = dice.choice((b"1", b"2", b"3", b"3", b"7", b"1500", b"x", b"\0\0\0\1", b"", None))
        if simple and value is not None:
            data = f.Query(text.replace("$1", value.decode("latin-1").replace("\0", "0") or "1")).encode()
        else:
            data = f.Bind("", name, dice.choice(((), (), (), (0,), (1,))), (value,), formats).encode() + AT_ONCE
        batches.append(_said_again(dice, data))
    return batches


def _said_again(dice: random.Random, data: bytes) -> Batch:
    kind = dice.random()
    if kind < 0.7:
        return Batch(data, readies=1)
    if kind < 0.78:
        return Batch(data, readies=1, cut=dice.randrange(1, len(data)))
    if kind < 0.84:
        return Batch(data * 3, readies=3)
    if kind < 0.9:
        return Batch(data + _message(dice))
    if kind < 0.97:
        return Batch(_message(dice))
    return Batch(_broken(dice, data), broken=True)


def opening(seed: int, place: Place) -> list[bytes]:
    """Return what is said instead of a login; names of the place are in it."""
    dice = random.Random(seed)
    settings = {"user": dice.choice((place.user, place.user, "nobody", "", "x" * 80))}
    settings["database"] = dice.choice((place.database, place.database, "nowhere", ""))
    if dice.random() < 0.3:
        name = dice.choice(("client_encoding", "options", "nothing", "_pq_.new", "TimeZone", "replication", "user"))
        settings[name] = dice.choice(("UTF8", "-c work_mem=1MB", "x", "", "database", "true", "-c nothing=1"))
    version = dice.choice((196608, 196608, 196608, 196610, 196709, 131072, 262144, 0, 80877104))
    first = f.StartupMessage(version, settings).encode()
    kind = dice.random()
    if kind < 0.15:
        first = dice.choice((f.SSLRequest().encode(), f.GSSENCRequest().encode())) + first
    elif kind < 0.3:
        first = _broken(dice, first)
    elif kind < 0.4:
        first = f.CancelRequest(dice.randrange(1 << 31), dice.randbytes(dice.choice((4, 4, 32, 0, 256)))).encode()
    elif kind < 0.45:
        first = dice.choice((b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\4", b"\0\0\0\7\0\0\0", b"\x7f\xff\xff\xff", bytes(40)))
    following: tuple[Callable[[], bytes], ...] = (
        lambda: f.PasswordMessage("wrong").encode(),
        lambda: f.SASLInitialResponse("SCRAM-SHA-256", b"n,,n=,r=abcdefghijklmnop").encode(),
        lambda: f.SASLInitialResponse("SCRAM-SHA-256", b"y,,n=,r=" + dice.randbytes(9)).encode(),
        lambda: f.SASLInitialResponse("NONE", b"").encode(),
        lambda: f.SASLResponse(b"c=biws,r=abc,p=AAAA").encode(),
        lambda: f.Query("select 1").encode(),
        lambda: b"p" + _LENGTH.pack(dice.choice((3, 4, 5, 70000, 0xFFFFFFFF))),
        lambda: dice.randbytes(12),
    )
    return [first, *(dice.choice(following)() for _ in range(dice.choice((0, 1, 2, 2))))]


def _message(dice: random.Random) -> bytes:
    text, name, other = dice.choice(TEXTS), dice.choice(NAMES), dice.choice(NAMES)
    values = tuple(dice.choice(VALUES) for _ in range(dice.choice((0, 0, 1, 1, 2, 3))))
    makers: tuple[tuple[int, Callable[[], bytes]], ...] = (
        (8, lambda: f.Query(text).encode()),
        (8, lambda: f.Parse(name, text, () if text.startswith("prepare") else dice.choice(TYPES)).encode()),
        (8, lambda: f.Bind(other, name, dice.choice(FORMATS), values, dice.choice(FORMATS)).encode()),
        (4, lambda: f.Describe(dice.choice(_TARGETS), name).encode()),
        (8, lambda: f.Execute(name, dice.choice((0, 0, 1, 2, 1000))).encode()),
        (2, lambda: f.Close(dice.choice(_TARGETS), name).encode()),
        (3, lambda: _SYNC),
        (2, lambda: f.Flush().encode()),
        (2, lambda: f.CopyData(dice.choice((b"1\tx\n", b"\\.\n", b"nonsense", b"", b"2,3\n"))).encode()),
        (1, lambda: f.CopyDone().encode()),
        (1, lambda: f.CopyFail("no more").encode()),
    )
    weights = [weight for weight, _ in makers]
    return dice.choices([maker for _, maker in makers], weights)[0]()


def _broken(dice: random.Random, data: bytes) -> bytes:
    """Return data of which something is wrong."""
    wrong = bytearray(data)
    match dice.randrange(4):
        case 0:  # bytes changed
            for _ in range(dice.randint(1, 4)):
                wrong[dice.randrange(len(wrong))] = dice.randrange(256)
        case 1:  # a part left out
            at = dice.randrange(len(wrong))
            del wrong[at : at + dice.randint(1, 8)]
        case 2:  # a message that is none
            kind = dice.choice(NO_MESSAGES)
            wrong += kind + _LENGTH.pack(dice.choice((4, 5, 8, 3, 0, 1 << 30))) + dice.randbytes(dice.randrange(6))
        case _:  # bytes in between
            at = dice.randrange(len(wrong))
            wrong[at:at] = dice.randbytes(dice.randint(1, 5))
    return bytes(wrong)


class Client:
    """A connection that says batches and tells what was answered."""

    def __init__(self, place: Place, *, logged_in: bool, version: str = "3.0", patience: float = PATIENCE) -> None:
        self._libpq = psycopg.connect(place.dsn, max_protocol_version=version) if logged_in else None
        self._place, self._patience = place, patience
        if self._libpq is not None:
            self._socket = socket.socket(fileno=self._libpq.pgconn.socket)
            self._socket.settimeout(patience)
        else:
            self._socket = place.open()
        self._buffer = bytearray()
        self.ended = False

    def close(self) -> None:
        """Leave without a word."""
        if self._libpq is not None:
            self._socket.detach()
            self._libpq.close()
        else:
            self._socket.close()

    def say(self, batch: Batch) -> list[str]:
        """Say a batch and return all that is answered to it."""
        if batch.cut:
            self.send(batch.data[: batch.cut])
            time.sleep(0.002)
        data = batch.data[batch.cut :] + (b"" if batch.readies else _END)
        patience = _WAITS if batch.broken else self._patience
        return self._said(data, patience, readies=batch.readies, waits=batch.broken)

    def say_first(self, data: bytes) -> list[str]:
        """Say what comes before a login, and return what is answered to that."""
        return self._said(data, _WAITS, waits=True)

    def send(self, data: bytes) -> None:
        """Say something, and do not wait for an answer."""
        try:
            self._socket.sendall(data)
        except OSError:
            self.ended = True

    def hear(self) -> list[str]:
        """Return all that is answered to what was sent, up to the next ReadyForQuery."""
        return self._said(b"", self._patience, readies=1, waits=False)

    def leave(self) -> None:
        """Cut the connection."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self.ended = True

    def cancel(self, key: bytes | None = None) -> None:
        """Ask for the cancel of what is under way; with a key that is not the connection's, if one is given."""
        assert self._libpq is not None
        if key is None:
            self._libpq.cancel_safe(timeout=self._patience)
            return
        with self._place.open() as other:
            other.sendall(f.CancelRequest(self._libpq.info.backend_pid, key).encode())
            other.recv(1)

    def _said(self, data: bytes, patience: float, *, readies: int = 0, waits: bool) -> list[str]:
        self._socket.settimeout(patience)
        self.send(data)
        try:
            return self._answers(readies)
        except TimeoutError:
            if not waits:
                raise Unanswered(data[:60].hex()) from None
            return [*self._told, "waits"]

    def _answers(self, readies: int) -> list[str]:
        self._told: list[str] = []
        rows: list[bytes] = []
        end_seen = False
        while (message := self._message()) is not None:
            kind, body = message
            if kind in b"Dd":
                rows.append(body)
                continue
            if kind in _DROPPED:
                continue
            if rows:
                self._told.append(_rows(rows))
                rows = []
            self._told.append(_shown(kind, body))
            end_seen = end_seen or (kind == ord("E") and _END_SEEN in body)
            if kind == ord("Z"):
                readies -= 1
                end_seen = end_seen or readies == 0
            if (kind == ord("Z") and end_seen) or (kind == ord("R") and body[3] not in b"\0\x0c"):
                return self._told
        return [*self._told, "ended"]

    def _message(self) -> tuple[int, bytes] | None:
        """Return the next message; the single letter that answers a wish for encryption is one, too."""
        while not self.ended:
            if len(self._buffer) >= 5 and len(self._buffer) >= 1 + self._size():
                end = 1 + self._size()
                kind, body = self._buffer[0], bytes(self._buffer[5:end])
                del self._buffer[:end]
                return kind, body
            try:
                data = self._socket.recv(1 << 16)
            except ConnectionError:
                data = b""
            self.ended = not data
            self._buffer += data
            if self._buffer[:1] == b"N" and self._libpq is None and len(self._buffer) < 5:
                del self._buffer[:1]
        return None

    def _size(self) -> int:
        return int(_LENGTH.unpack_from(self._buffer, 1)[0])


def _rows(rows: Sequence[bytes]) -> str:
    return f"{len(rows)} rows" if len(rows) > _MOST_ROWS else f"rows {b' '.join(sorted(rows)).hex()}"


def _shown(kind: int, body: bytes) -> str:
    letter = chr(kind)
    if letter == "E":
        fields = {part[:1]: part[1:].decode("utf-8", "replace") for part in body.split(b"\0") if part}
        return f"E {fields.get(b'S')} {fields.get(b'C')}"
    if letter in "CZt":
        return f"{letter} {body.hex() if letter == 't' else body.rstrip(bytes(1)).decode()}"
    if letter == "R":
        return f"R {_LENGTH.unpack_from(body)[0]}"
    if letter == "T":
        return f"T {_columns(body)}"
    return letter


def _columns(body: bytes) -> str:
    """Names, types, modifiers and formats; the numbers of tables are a server's own."""
    found, at = [], 2
    for _ in range(int.from_bytes(body[:2], "big")):
        end = body.index(b"\0", at)
        oid, modifier = body[end + 7 : end + 11].hex(), body[end + 13 : end + 17].hex()
        found.append(f"{body[at:end]!r}:{oid}:{modifier}:{body[end + 18]}")
        at = end + 19
    return " ".join(found)
