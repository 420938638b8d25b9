"""What PostgreSQL says of a statement, asked of the session's mirror: its parameters and columns, or what is wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence

from gateway.lanes.kept_encoder import NO_RECORDS, Records
from gateway.lanes.prepared import Description, NamedStatement
from gateway.relay.mirror_connection import MirrorConnection
from gateway.relay.mirror_errors import error_of
from gateway.values.settings import BINARY, OutputColumn
from gateway.wire import backend

_FIRST_NORMAL_OID = 16384  # PostgreSQL's own types have lower ones
_FIELDS = """
SELECT pg_catalog.json_agg(pg_catalog.json_build_array(t.oid::pg_catalog.int8, a.atttypid::pg_catalog.int8, a.atttypmod)
         ORDER BY a.attnum)
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_attribute a ON a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
WHERE t.oid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.oid[]) AND t.typtype = 'c'
"""


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
    return Description(parameter_oids, fields, told, await _records(mirror, fields))


async def _records(mirror: MirrorConnection, fields: Sequence[backend.FieldDescription]) -> Records:
    """Return the fields of those columns' types that are composite."""
    oids = {one.type_oid for one in fields if one.type_oid >= _FIRST_NORMAL_OID}
    if not oids:
        return NO_RECORDS
    row, error = await mirror.ask(_FIELDS, f"{{{','.join(map(str, sorted(oids)))}}}".encode())
    if error is not None:
        raise error_of(error[5:], 0)
    told: list[list[int]] = json.loads(row[0] or b"[]")
    columns = [(of, OutputColumn(oid, modifier, BINARY)) for of, oid, modifier in told]
    return {of: tuple(column for one, column in columns if one == of) for of, _ in columns}
