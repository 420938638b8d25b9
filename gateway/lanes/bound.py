"""A statement bound to its parameters: a portal, and what it takes to tell the client of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import pyarrow as pa

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.lanes.kept_encoder import KeptEncoder
from gateway.lanes.portals import RowSource
from gateway.lanes.prepared import Lane, PreparedStatement
from gateway.lanes.whole_rows import WholeRows
from gateway.sql.cursor_statements import Declaration, Fetch
from gateway.sql.tokens import tokens
from gateway.values.columns import unsupported_format
from gateway.values.settings import BINARY, TEXT
from gateway.wire import backend, frontend
from gateway.wire.fields import ENCODING
from optimizer.stages import Fragmented

Scalars = tuple[pa.Scalar, ...]


def require_formats(message: frontend.Bind) -> None:
    """Raise SqlError where a message has neither no format, one for all, nor one for each parameter."""
    formats, parameters = len(message.parameter_formats), len(message.parameters)
    if formats > 1 and formats != parameters:
        text = f"bind message has {formats} parameter formats but {parameters} parameters"
        raise SqlError(SqlState.PROTOCOL_VIOLATION, text)


def require_values(message: frontend.Bind, expected: int) -> None:
    """Raise SqlError where a message has not one value for each parameter of its statement."""
    given = len(message.parameters)
    if given != expected:
        text = f'bind message supplies {given} parameters, but prepared statement "{message.statement}"'
        raise SqlError(SqlState.PROTOCOL_VIOLATION, f"{text} requires {expected}")


def name_keeper(status: str) -> str:
    """Return what the mirror parses in the place of a statement that the gateway carries out, to keep its name. In a
    transaction that has failed it is one that PostgreSQL refuses there, as it would refuse the statement.
    """
    return "UNLISTEN lakegate" if status == "E" else ""


def require_no_parameters(prepared: PreparedStatement, status: str) -> None:
    """Raise SqlError where a statement that is sent by itself, without parameters, names one. PREPARE declares them,
    and generic plans need no values; that a transaction of the status E has failed comes first.
    """
    statement = prepared.statement
    declares = prepared.lane is Lane.PREPARE or prepared.is_generic
    if "$" not in statement.text or declares or status == "E":
        return
    for token in tokens(statement.text):
        if token.kind == "number" and token.text.startswith("$"):
            position = statement.start + token.start + 1
            raise SqlError(SqlState.UNDEFINED_PARAMETER, f"there is no parameter {token.text}", position=position)


def no_generic_plan() -> SqlError:
    """Return what is told of a plan without values of its parameters, where no server makes it."""
    return SqlError(
        SqlState.FEATURE_NOT_SUPPORTED,
        "EXPLAIN option GENERIC_PLAN is not supported for a statement with parameters that no server answers alone",
        detail="It is planned for the values of its parameters, each time it is executed.",
        hint="PREPARE the statement, and use EXPLAIN EXECUTE with values.",
    )


class RowClient(Protocol):
    """Where rows go."""

    def write(self, data: bytes | memoryview) -> None:
        """Queue bytes of complete messages."""

    def relay(self, message: bytes) -> None:
        """Queue a message of the mirror, or of a source's server, unchanged."""

    async def drain(self) -> None:
        """Wait until the client has read enough of what is queued."""

    def note_fragments(self) -> Callable[[Fragmented], None]:
        """Return what is told, in any thread, what the statement at hand reads."""


class Client(RowClient, Protocol):
    """Where answers go."""

    def send(self, message: backend.BackendMessage) -> None:
        """Queue a message."""

    def reading(
        self, lane: str, tables: tuple[str, ...], policies: tuple[str, ...], shadows: tuple[str, ...] = ()
    ) -> None:
        """Note what the statement at hand was planned for."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A statement's parameters as the client sent them, with their types as the mirror told them. Where a generic plan
    is asked for there may be types without values.
    """

    oids: tuple[int, ...] = ()
    formats: tuple[int, ...] = ()
    values: tuple[bytes | None, ...] = ()

    @property
    def is_unknown(self) -> bool:
        """Whether there are no values for the parameters that there are."""
        return len(self.values) < len(self.oids)


@dataclass(slots=True)
class Returned:
    """The rows, as messages, that a change of a temporary table gives back and that were not sent, and its tag."""

    rows: deque[bytes]
    tag: str


@dataclass(slots=True)
class Portal:
    """A statement with its parameters, ready to be executed or in the midst of it."""

    prepared: PreparedStatement
    fields: tuple[backend.FieldDescription, ...] = ()
    given: Scalars | Callable[[], Scalars] = ()  # the parameters, or what reads them
    sent: Sent = field(default_factory=Sent)
    encoder: KeptEncoder = field(default_factory=KeptEncoder)
    described: bytes | None = None  # the mirror's own message, where the columns are told as it told them
    rows: RowSource | WholeRows | None = None
    bound: tuple[tuple[int, ...], frontend.Bind] | None = None  # parameters as they came, and their types
    done: bool = field(default=False)
    lane: str = "engine"  # who has answered, for the log
    name: str = ""
    types: tuple[str, ...] = ()  # of the parameters, as SQL writes them
    declared: Declaration | None = None  # of a cursor that DECLARE has made
    cursor: Portal | None = None  # that a DECLARE is to open, or a FETCH or MOVE is about
    wanted: Fetch | None = None  # of a FETCH or MOVE
    failed: bool = False  # when it was fetched from: it stands nowhere
    took: float = 0.0  # milliseconds until now, of all its portions
    rows_sent: int = 0  # in all portions
    read: Fragmented | None = None  # what the engine reads for it
    returned: Returned | None = None  # of a change that was carried out

    @property
    def parameters(self) -> Scalars:
        """The parameters as the engine has them."""
        if callable(self.given):
            self.given = self.given()
        return self.given

    def tag(self, rows: int) -> str:
        """Return how the end of its statement is told, with so many rows."""
        if self.prepared.copy is not None:
            return f"COPY {rows}"
        if self.wanted is not None:
            return f"{self.wanted.command} {rows}"
        if self.prepared.lane is Lane.ENGINE or self.prepared.lane is Lane.PLAN_PIN:
            return f"SELECT {rows}"
        return "EXPLAIN" if self.prepared.statement.head == "EXPLAIN" else "CHECK ACCESS"

    @classmethod
    def of_command(cls, prepared: PreparedStatement) -> Portal:
        """Return the portal of a statement without rows."""
        return cls(prepared)

    def describe(self, client: Client) -> None:
        """Tell the client the portal's columns, in the mirror's own words where it has told them."""
        if self.prepared.lane is Lane.LOAD and not (self.prepared.change and self.fields):
            client.send(backend.NoData())
        elif self.described is not None:
            client.relay(self.described)
        else:
            rowless = self.prepared.lane.is_command or self.prepared.copy is not None
            client.send(backend.NoData() if rowless else backend.RowDescription(self.fields))

    def noting(self, noted: Callable[[Fragmented], None]) -> Callable[[Fragmented], None]:
        """Return what is to be told what the statement reads, where ``noted`` is told it, too."""

        def note(fragmented: Fragmented) -> None:
            self.read = fragmented
            noted(fragmented)

        return note

    def bind_again(self, fresh: Portal) -> None:
        """Become what the same message binds now, of which nothing was sent yet."""
        self.prepared, self.fields, self.given, self.sent = fresh.prepared, fresh.fields, fresh.given, fresh.sent
        self.encoder, self.described, self.types, self.failed = fresh.encoder, fresh.described, fresh.types, False

    async def close(self) -> None:
        """Stop what still runs."""
        if self.rows is not None:
            rows, self.rows = self.rows, None
            await rows.close()


def send_lines(portal: Portal, client: Client, lines: Sequence[str]) -> int:
    """Send the rows of an EXPLAIN; return how many. Raises SqlError 22023 where their format does not exist."""
    for one in portal.fields:
        if one.format not in (TEXT, BINARY):
            raise unsupported_format(one.format)
    for line in lines:
        client.send(backend.DataRow((line.encode(ENCODING.get(), "backslashreplace"),)))
    return len(lines)


def formatted(
    fields: tuple[backend.FieldDescription, ...], formats: Sequence[int]
) -> tuple[backend.FieldDescription, ...]:
    """Return columns in the formats that a Bind message asks for, which need not exist: PostgreSQL finds that out with
    the first row. Raises SqlError 08P01.
    """
    codes = spread(formats, len(fields), "{} result formats but query has {} columns")
    if not any(codes):
        return fields
    return tuple(replace(one, format=form) for one, form in zip(fields, codes, strict=True))


def spread(formats: Sequence[int], count: int, mismatch: str) -> tuple[int, ...]:
    """Apply the protocol's rule for format codes: none means text, one stands for all. Raises SqlError 08P01."""
    if len(formats) not in (0, 1, count):
        raise SqlError(SqlState.PROTOCOL_VIOLATION, f"bind message has {mismatch.format(len(formats), count)}")
    if len(formats) == 1:
        return (formats[0],) * count
    return tuple(formats) or (0,) * count
