"""Lanes that depend on what a session has: FETCH goes where its cursor is, EXECUTE where its statement is. They are
decided each time anew, for a name may mean something else by then.
"""

from __future__ import annotations

from collections.abc import Mapping

from catalog.errors import SqlError
from gateway.lanes.bound import Portal
from gateway.lanes.prepared import Lane, NamedStatement, NamedStatements, PreparedStatement
from gateway.sessions.reserved_names import require_clients
from gateway.sql.cursor_statements import execution, fetched_name
from gateway.sql.statements import Kind, Statement, explained
from gateway.told_errors import moved

LATE = frozenset({Kind.FETCH, Kind.EXECUTE})


class LateLanes:
    """Decides them, by the prepared statements and portals of one session."""

    def __init__(self, statements: NamedStatements, portals: Mapping[str, Portal]) -> None:
        self._statements = statements
        self._portals = portals

    def get(self, statement: Statement) -> PreparedStatement | None:
        """Return a FETCH, MOVE, EXECUTE, or an EXPLAIN of one, with its lane of this moment; None for any other.
        Raises SqlError 42601.
        """
        if statement.kind is Kind.FETCH:
            portal = self._portals.get(fetched_name(statement.text) or "")
            if portal is None or portal.prepared.lane is not Lane.ENGINE:
                return PreparedStatement(statement, Lane.RELAY)
            return PreparedStatement(statement, Lane.MOVE if statement.head == "MOVE" else Lane.FETCH)
        if statement.kind is Kind.EXECUTE:
            return PreparedStatement(statement, Lane.EXECUTE if self._is_ours(statement) else Lane.RELAY)
        return self._explained(statement) if statement.kind is Kind.EXPLAIN else None

    def executed(self, statement: Statement) -> NamedStatement | None:
        """Return the prepared statement that an EXECUTE, or an EXPLAIN of one, names. Raises SqlError 42601."""
        if statement.kind is Kind.EXPLAIN:
            found = _explained_execution(statement)
            return None if found is None else self._named(found)
        return self._named(statement) if statement.kind is Kind.EXECUTE else None

    def _explained(self, statement: Statement) -> PreparedStatement | None:
        executed = _explained_execution(statement)
        if executed is None:
            return None
        if not self._is_ours(executed):
            return PreparedStatement(statement, Lane.RELAY)
        query = PreparedStatement(executed, Lane.EXECUTE)
        return PreparedStatement(statement, Lane.EXECUTE, explain=explained(statement)[0], query=query)

    def _is_ours(self, statement: Statement) -> bool:
        named = self._named(statement)
        return named is not None and named.prepared.lane is Lane.ENGINE

    def _named(self, statement: Statement) -> NamedStatement | None:
        try:
            name = execution(statement.text).name
        except SqlError as error:
            raise moved(error, statement.start) from None
        require_clients(name)
        return self._statements.get(name)


def _explained_execution(statement: Statement) -> Statement | None:
    """Return the EXECUTE that an EXPLAIN explains, or None."""
    _, text = explained(statement)
    if text[:7].upper() != "EXECUTE":
        return None
    return Statement(text, Kind.EXECUTE, "EXECUTE", statement.start + len(statement.text) - len(text))
