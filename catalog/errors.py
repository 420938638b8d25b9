"""Errors a client can see: PostgreSQL's SQLSTATE, a message, and where they help detail, hint and position."""

from __future__ import annotations

from catalog.sqlstate import SqlState


class SqlError(Exception):
    """A statement, a login or a setting that cannot be carried out, in the terms a PostgreSQL client understands.

    ``position`` is the 1-based character in the client's own statement text, ``context`` what was being done. Texts
    never hold rows of a table, credentials or the words of an engine underneath.
    """

    def __init__(
        self,
        sqlstate: SqlState,
        message: str,
        *,
        detail: str | None = None,
        hint: str | None = None,
        position: int | None = None,
        context: str | None = None,
    ) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.message = message
        self.detail = detail
        self.hint = hint
        self.position = position
        self.context = context

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the keyword fields when an error crosses a process boundary."""
        return _rebuild, (self.sqlstate, self.message, self.detail, self.hint, self.position, self.context)


def _rebuild(
    sqlstate: SqlState,
    message: str,
    detail: str | None,
    hint: str | None,
    position: int | None,
    context: str | None,
) -> SqlError:
    return SqlError(sqlstate, message, detail=detail, hint=hint, position=position, context=context)
