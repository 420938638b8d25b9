"""PREPARE and EXECUTE of statements over the lake.

The mirror prepares them too, so names, parameter types and ``pg_prepared_statements`` are PostgreSQL's own, and what
PREPARE has made a Bind message finds and the other way round. The arguments of EXECUTE are expressions: the mirror
computes them and casts them to the parameters' types.
"""

from __future__ import annotations

from dataclasses import replace

from catalog.errors import SqlError
from catalog.mirror.prepared_statements import OWN_PREFIX
from catalog.sqlstate import SqlState
from gateway.audit.witness import Witness
from gateway.lanes.bound import Portal
from gateway.lanes.engine_lane import EngineLane
from gateway.lanes.prepared import Lane, NamedStatement, NamedStatements, PreparedStatement
from gateway.relay.mirror_connection import MirrorConnection
from gateway.relay.mirror_errors import error_of
from gateway.sessions.preparation import Preparation
from gateway.sessions.role import SessionRole
from gateway.sql.cursor_statements import execution, preparation
from gateway.sql.statements import Statement
from gateway.values.settings import BINARY
from gateway.wire import backend, frontend

_ARGUMENTS = f"{OWN_PREFIX}arguments"  # the statement that hands on what EXECUTE's arguments are
_EXECUTE = f'EXECUTE "{_ARGUMENTS}"'
_TYPES = """
SELECT pg_catalog.array_to_string(p.parameter_types::pg_catalog.oid[], ' ')
FROM pg_catalog.pg_prepared_statements p WHERE p.name = $1
"""


class PreparedInSql:
    """Prepares and binds them for one session."""

    def __init__(
        self,
        engine: EngineLane,
        mirror: MirrorConnection,
        client: Witness,
        role: SessionRole,
        statements: NamedStatements,
        preparation: Preparation,
    ) -> None:
        self._engine = engine
        self._mirror = mirror
        self._client = client
        self._role = role
        self._statements = statements
        self._preparation = preparation

    async def prepare(self, prepared: PreparedStatement) -> None:
        """Carry out a PREPARE."""
        query = prepared.query
        assert query is not None
        if query.plan is None:
            await self._engine.describe(NamedStatement(query, ()), self._role.names())
            query.require_plan()
        statement = prepared.statement
        _, error = await self._mirror.ask(statement.text)
        if error is not None:
            raise error_of(error[5:], statement.start)
        name = preparation(statement.text).name
        row, error = await self._mirror.ask(_TYPES, name.encode())
        if error is not None:
            raise error_of(error[5:], 0)
        oids = tuple(map(int, (row[0] or b"").split()))
        self._statements.add(name, NamedStatement(query, oids))
        self._client.send(backend.CommandComplete("PREPARE"))

    async def bind(self, prepared: PreparedStatement, message: frontend.Bind) -> Portal:
        """Bind the statement that an EXECUTE names, or an EXPLAIN of one. Raises SqlError of its arguments."""
        statement = prepared.statement if prepared.query is None else prepared.query.statement
        executed = execution(statement.text)
        named = self._statements.require(executed.name)
        if named.prepared.lane is Lane.EXECUTE:  # it may have taken the name of what it executes
            raise SqlError(SqlState.STATEMENT_TOO_COMPLEX, "stack depth limit exceeded")
        description = await self._engine.describe(named, self._role.names())
        oids = description.parameter_oids
        values = await self._values(statement, oids) if oids or executed.arguments else ()
        formats = message.result_formats if prepared.explain is None else ()
        bind = frontend.Bind("", executed.name, (BINARY,) * len(oids), values, formats)
        portal = await self._engine.bind(named, self._role.names(), bind)
        return portal if prepared.explain is None else await self._explained(prepared, portal)

    async def _values(self, statement: Statement, oids: tuple[int, ...]) -> tuple[bytes | None, ...]:
        executed = execution(statement.text)
        columns = ", ".join(f"${number}" for number in range(1, len(oids) + 1))
        query = frontend.Parse(_ARGUMENTS, f"SELECT {columns}", oids)
        row, error = await self._mirror.values_of(query, _EXECUTE + executed.arguments)
        if error is None:
            return tuple(row)
        found = error_of(error[5:], 0)
        found.message = found.message.replace(f'"{_ARGUMENTS}"', f'"{executed.name}"')
        if found.position is not None:
            found.position = max(1, found.position - len(_EXECUTE) + executed.start) + statement.start
        raise found

    async def _explained(self, prepared: PreparedStatement, portal: Portal) -> Portal:
        """Return a portal of EXPLAIN in the place of one of the statement that is explained."""
        statement = replace(portal.prepared, statement=prepared.statement, lane=Lane.EXPLAIN, explain=prepared.explain)
        told = NamedStatement(PreparedStatement(prepared.statement, Lane.RELAY), ())
        description = await self._engine.describe(told, self._role.names())
        return Portal(statement, description.fields, portal.given, portal.sent, described=description.message)
