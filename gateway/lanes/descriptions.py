"""What PostgreSQL says of a statement, asked of the session's mirror: its parameters and columns, or what is wrong."""

from __future__ import annotations

from gateway.lanes.prepared import Description, NamedStatement
from gateway.relay.mirror_connection import MirrorConnection
from gateway.relay.mirror_errors import error_of
from gateway.wire import backend


async def described(mirror: MirrorConnection, named: NamedStatement) -> Description:
    """Return PostgreSQL's description of a statement. Raises SqlError with its errors."""
    statement = named.prepared.statement
    parameter_oids: tuple[int, ...] = ()
    fields: tuple[backend.FieldDescription, ...] = ()
    told: bytes | None = None
    for message in await mirror.describe(named.prepared.described_as, named.parameter_oids):
        kind, body = message[:1], message[5:]
        if kind == b"t":
            parameter_oids = backend.ParameterDescription.decode(body).type_oids
        elif kind == b"T":
            fields, told = backend.RowDescription.decode(body).fields, message
        elif kind == b"E":
            error, copy = error_of(body, statement.start), named.prepared.copy
            raise error if copy is None else copy.placed(error)
    return Description(parameter_oids, fields, told)
