"""Which temporary relations a session has, in step with its session in the mirror.

The mirror is asked again after whatever may have changed them, and only in sessions that have ever made one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.relay.mirror_connection import MirrorConnection
from gateway.relay.mirror_errors import error_of
from gateway.sessions.temporary_room import TemporaryRoom
from gateway.sql.session_expressions import SessionExpression
from gateway.sql.session_relations import (
    NAMED_RELATION,
    NO_NAMES,
    TEMPORARY_RELATIONS,
    TYPE,
    SessionColumn,
    SessionRelation,
    TemporaryNames,
    full_name,
    parse_relations,
    parse_type,
    temporary_name,
)
from gateway.sql.statements import Kind, Statement
from gateway.sql.temporary_statements import temporary_statement
from gateway.wire import backend

_KEEPS = frozenset(
    (Kind.QUERY, Kind.EXPLAIN, Kind.EMPTY, Kind.DECLARE, Kind.FETCH, Kind.PREPARE, Kind.EXECUTE)
)  # kinds of statements that make and drop nothing
_FILLS = frozenset({"ANALYZE", "DELETE", "INSERT", "MERGE", "TRUNCATE", "UPDATE"})
_PLANNED = frozenset({Kind.QUERY, Kind.EXPLAIN, Kind.TEMPORARY, Kind.DECLARE, Kind.PREPARE})
_VIEW_STATEMENTS = frozenset({"ALTER", "DROP"})


class TemporaryRelations:
    """The temporary relations of one session."""

    def __init__(self, mirror: MirrorConnection, room: TemporaryRoom) -> None:
        self._mirror = mirror
        self.room = room
        self.names: TemporaryNames = NO_NAMES
        self._any = False  # the session may have made some
        self._outdated = False
        self._to_be_committed = False  # something was changed since the last Sync

    def changed(self, *statements: Statement) -> None:
        """Note statements that were sent to the mirror, or none in particular: something has failed there."""
        self._any = self._any or any(one.kind is Kind.TEMPORARY for one in statements)
        if self._any and (not statements or any(_changes_names(one) for one in statements)):
            self._outdated = self._to_be_committed = True

    def filling(self, statement: Statement) -> None:
        """Note a statement that is sent to the mirror, and may fill tables."""
        self.changed(statement)
        self.room.filling(statement)

    def synced(self, *, failed: bool) -> None:
        """Note that a transaction may have ended, with which tables go, or that it has failed."""
        self._outdated = self._outdated or self._to_be_committed or (self._any and failed)
        self._to_be_committed = False

    def may_mean_others(self, statement: Statement) -> bool:
        """Whether names of a prepared statement may mean other relations by now, temporary ones or no more."""
        return self._any and statement.kind in _PLANNED

    @property
    def has_none(self) -> bool:
        """Whether the session has made none, so that nothing is to be followed."""
        return not self._any and not self._outdated

    @property
    def is_outdated(self) -> bool:
        """Whether `know` would ask."""
        return self._outdated

    async def know(self, drain: Callable[[], Awaitable[None]]) -> None:
        """Ask the mirror where something may have changed. ``drain`` takes the answers that the mirror still owes."""
        if not self._outdated or self._mirror.status == "E":
            return
        await drain()
        row, error = await self._mirror.ask(TEMPORARY_RELATIONS)
        if error is not None:
            raise error_of(error[5:], 0)
        names = TemporaryNames(parse_relations(row[0], temporary_name))
        self.names = names if names != self.names else self.names
        self._outdated = False

    def reread(self, statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
        """Return statements on views with their kind where the views are temporary ones of the session."""
        if not self.names or all(one.kind is not Kind.ACCESS for one in statements):
            return statements
        return tuple(replace(one, kind=Kind.TEMPORARY) if self._is_on_view(one) else one for one in statements)

    def _is_on_view(self, statement: Statement) -> bool:
        if statement.kind is not Kind.ACCESS or statement.head not in _VIEW_STATEMENTS:
            return False
        form = temporary_statement(statement.text)
        found = [self.names.get(one.schema, one.name) for one in form.changed]
        return form.command.endswith(" VIEW") and bool(found) and all(one is not None for one in found)

    async def describe(self, name: tuple[str, str]) -> SessionRelation:
        """Return a relation of PostgreSQL's catalogues. Raises SqlError 42P01 where there is none of this name."""
        row, error = await self._mirror.ask(NAMED_RELATION, full_name(*name).encode())
        if error is not None:
            raise error_of(error[5:], 0)
        found = parse_relations(row[0] if row else None, full_name)
        if not found:
            raise SqlError(SqlState.UNDEFINED_TABLE, f'relation "{name[0]}.{name[1]}" does not exist')
        return found[0]

    async def describe_expression(self, expression: SessionExpression) -> SessionColumn:
        """Return a column of an expression's type. Raises SqlError as the session does."""
        query = f"SELECT {expression.sql} FROM {expression.relation.written}"
        for message in await self._mirror.describe(query, ()):
            if message[:1] == b"E":
                raise _without_place(error_of(message[5:], 0))
            if message[:1] == b"T":
                field = backend.RowDescription.decode(message[5:]).fields[0]
        row, error = await self._mirror.ask(TYPE, str(field.type_oid).encode(), str(field.type_modifier).encode())
        if error is not None:
            raise error_of(error[5:], 0)
        return parse_type(row[0], expression.sql)


def _changes_names(statement: Statement) -> bool:
    """Whether a statement may make or drop relations, or end the transaction that did."""
    if statement.kind is Kind.TEMPORARY:
        return statement.head not in _FILLS
    return statement.kind not in _KEEPS


def _without_place(error: SqlError) -> SqlError:
    error.position = None  # it is one in a text of ours
    return error
