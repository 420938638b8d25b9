"""PostgreSQL and the gateway over the same rows, each asked as a client asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from catalog.server import Server
from tests.differential.generated.rows import create_view, load, write_files
from tests.gateway import RunningGateway, SampleLake, Settings, serving

LOST = "lost"
_DATABASE = "generated"
_TIMEOUT = "20s"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a statement came to. ``state`` is empty where there were rows, `LOST` where the connection broke."""

    state: str = ""
    message: str = ""
    at_once: bool = False  # it failed before it ran
    names: tuple[str, ...] = ()
    types: tuple[tuple[int, int], ...] = ()  # oid and modifier
    parameters: tuple[int, ...] = ()
    rows: tuple[tuple[bytes | None, ...], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """An execution: the texts of the parameters, and the format in which rows are wanted."""

    values: tuple[str | None, ...] = ()
    binary: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A statement that is prepared once, and executed in each turn."""

    sql: str
    turns: tuple[Turn, ...] = (Turn(),)


class Client:
    """A connection that is opened anew when it breaks."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._settings: dict[str, str] = {}
        self._connection = self._opened()

    def _opened(self) -> psycopg.Connection:
        connection = psycopg.connect(self._dsn, autocommit=True)
        for name, value in {"statement_timeout": _TIMEOUT, **self._settings}.items():
            connection.execute(f"SET {name} TO '{value}'".encode())
        return connection

    def set(self, name: str, value: str) -> None:
        """Set a parameter of the session's."""
        self._settings[name] = value
        self._connection.execute(f"SET {name} TO '{value}'".encode())

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def ask(self, question: Question) -> Iterator[Outcome]:
        """Prepare and describe a statement, and run it as often as it has turns, or until the connection breaks."""
        try:
            yield from self._asked(question)
        except psycopg.OperationalError as error:  # the other side has hung up
            self._connection.close()
            self._connection = self._opened()
            yield Outcome(LOST, str(error))

    def _asked(self, question: Question) -> Iterator[Outcome]:
        pgconn = self._connection.pgconn
        prepared = pgconn.prepare(b"", question.sql.encode())
        if prepared.status != pq.ExecStatus.COMMAND_OK:
            yield replace(self._failure(prepared), at_once=True)
            return
        described = pgconn.describe_prepared(b"")
        if described.status != pq.ExecStatus.COMMAND_OK:
            yield self._failure(described)
            return
        columns = range(described.nfields)
        head = Outcome(
            names=tuple((described.fname(at) or b"").decode() for at in columns),
            types=tuple((described.ftype(at), described.fmod(at)) for at in columns),
            parameters=tuple(described.param_type(at) for at in range(described.nparams)),
        )
        for turn in question.turns:
            values: list[Any] = [None if value is None else value.encode() for value in turn.values]
            result = pgconn.exec_prepared(b"", values, result_format=int(turn.binary))
            if result.status != pq.ExecStatus.TUPLES_OK:
                failure = self._failure(result)
                yield failure
                if failure.state == LOST:
                    return
                continue
            rows = tuple(tuple(result.get_value(row, at) for at in columns) for row in range(result.ntuples))
            yield replace(head, rows=rows)

    def _failure(self, result: pq.abc.PGresult) -> Outcome:
        state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
        # PostgreSQL itself cuts some messages between the bytes of a letter.
        told = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or result.error_message
        message = told.decode(errors="replace")
        if self._connection.pgconn.status != pq.ConnStatus.OK or not state or state.startswith("XX"):
            self._connection.close()  # behind an internal error the gateway hangs up
            self._connection = self._opened()
            return Outcome(state or LOST, message)
        return Outcome(state, message)


@dataclass(frozen=True, slots=True)
class Pair:
    """Both sides."""

    postgres: Client
    gateway: Client

    def set(self, name: str, value: str) -> None:
        """Set a parameter of both sessions."""
        self.postgres.set(name, value)
        self.gateway.set(name, value)


@contextmanager
def served(lake: SampleLake, count: int = 1) -> Iterator[tuple[str, list[RunningGateway]]]:
    """Make the tables and serve them; what is given is PostgreSQL's connection string, and so many gateways. One of
    them plans in one thread at a time, so each that asks much should have its own.
    """
    server: Server = lake.server
    server.create_database(_DATABASE, "generated_owner", "generated secret")
    dsn = make_conninfo("", **server.connection_parameters(_DATABASE, "generated_owner", "generated secret"))
    with psycopg.connect(dsn) as connection:
        load(connection)
    folder = lake.folder / _DATABASE
    write_files(folder)
    sources: dict[str, dict[str, object]] = {
        "lk": {"kind": "files", "location": str(folder)},
        "db": {"kind": "postgres", "dsn": dsn},
    }
    settings = Settings(server={"refresh_interval": "0"}, sources=sources, database="generated_lake")
    with ExitStack() as running:
        first = running.enter_context(serving(lake, settings))
        with first.connect() as connection:
            create_view(connection)
        yield dsn, [first, *(running.enter_context(serving(lake, settings)) for _ in range(count - 1))]


@contextmanager
def paired(dsn: str, gateway: str) -> Iterator[Pair]:
    """Connect to both."""
    pair = Pair(Client(dsn), Client(gateway))
    try:
        yield pair
    finally:
        pair.postgres.close()
        pair.gateway.close()


def empty_lake(folder: Path, server: Server) -> SampleLake:
    """Return a lake without tables of its own, for runs outside of pytest."""
    return SampleLake(folder, server, {})
