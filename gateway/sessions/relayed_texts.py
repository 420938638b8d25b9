"""Texts that the mirror answers, known again: by the very text in a session, by their shape in all sessions.

What tools ask of the catalogues differs from table to table in constants alone (``WHERE c.oid = '16384'``). Which lane
a query takes is decided by the relations that it names, and no constant is part of a name. So where one statement of a
shape names no table of the lake, none does; and what the mirror is sent is the client's own text in any case.

A text counts here only where every setting leaves it one reading: in ASCII, without backslashes.
"""

from __future__ import annotations

from dataclasses import dataclass

from catalog.errors import SqlError
from gateway.lanes.prepared import Lane, PreparedStatement
from gateway.sessions.role import SessionRole
from gateway.sessions.services import SessionServices
from gateway.sessions.temporary import TemporaryRelations
from gateway.sql.resolve import Names
from gateway.sql.shapes import LONGEST, shape
from gateway.sql.statements import Kind, Statement, asks_about_gateway

_KEPT = 64  # texts of one session
_BETWEEN = " \t\r\n;"  # what may stand around the one statement of a text


@dataclass(frozen=True, slots=True)
class RelayedShape:
    """The statement of a shape: how many characters of a text stand before it, and how many behind."""

    head: str
    before: int
    behind: int


class RelayedTexts:
    """Those of one session. What holds for a shape is shared, under all that a lane is decided by."""

    def __init__(self, services: SessionServices, role: SessionRole, temporary: TemporaryRelations) -> None:
        self._lake = services.lake
        self._shapes = services.statements.shapes
        self._role = role
        self._temporary = temporary
        self._known: dict[str, PreparedStatement] = {}
        self._names: Names | None = None  # under which these are known
        self._asked = ""

    def get(self, text: str) -> PreparedStatement | None:
        """Return the query that a text consists of, where it is known that the mirror answers it."""
        self._asked = text
        names = self._current_names()
        if names is None:
            return None
        known = self._known.get(text) if names is self._names else None
        if known is None and len(text) <= LONGEST:
            known = self._of_shape(text, names)
        return known

    def note(self, prepared: PreparedStatement) -> None:
        """Remember a statement of which `get` was asked and knew nothing, if it is a query for the mirror."""
        statement, text = prepared.statement, self._asked
        if prepared.lane is not Lane.RELAY or statement.kind is not Kind.QUERY or statement.about_gateway:
            return
        before, behind = statement.start, len(text) - statement.start - len(statement.text)
        around = text[:before], text[before + len(statement.text) :]
        names = self._current_names()
        if text[before : before + len(statement.text)] != statement.text or any(one.strip(_BETWEEN) for one in around):
            return
        if names is None or len(text) > LONGEST or not text.isascii() or "\\" in text:
            return
        self._keep(text, prepared, names)
        found = shape(text)
        if found is not None and not names.temporary:
            self._shapes[self._key(found.key, names)] = RelayedShape(statement.head, before, behind)

    def _of_shape(self, text: str, names: Names) -> PreparedStatement | None:
        found = shape(text) if text.isascii() and not names.temporary else None
        known = self._shapes.get(self._key(found.key, names)) if found is not None else None
        if not isinstance(known, RelayedShape) or asks_about_gateway(text):
            return None
        cut = text[known.before : len(text) - known.behind]
        prepared = PreparedStatement(Statement(cut, Kind.QUERY, known.head, known.before), Lane.RELAY)
        self._keep(text, prepared, names)
        return prepared

    def _keep(self, text: str, prepared: PreparedStatement, names: Names) -> None:
        if names is not self._names or len(self._known) >= _KEPT:
            self._known, self._names = {}, names
        self._known[text] = prepared

    def _current_names(self) -> Names | None:
        """Return what names mean now; None where that has to be found out first."""
        if self._temporary.is_outdated:
            return None
        self._role.temporary = self._temporary.names
        try:
            return self._role.names()
        except SqlError:  # it is told when the statement is prepared
            return None

    def _key(self, key: str, names: Names) -> tuple[object, ...]:
        versions = names.search_path, names.catalog.version, self._lake.access.version
        return ("relayed", key, self._role.principal(), *versions)
