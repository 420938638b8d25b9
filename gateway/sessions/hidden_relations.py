"""Statements of access on what their sender may not know of: it is as if absent.

PostgreSQL, which judges these statements, says "permission denied" of a table that is there. So names are looked up
here first: who has no privilege at all on a relation, or on a column of it, hears that there is none. What the queries
of views and the conditions of policies read is PostgreSQL's affair: it asks for privileges when they are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from catalog.errors import SqlError
from catalog.names import TableName, always_quoted
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from catalog.store.rows import ALL_TABLES, PUBLIC, SCHEMA_ITSELF, AccessRows, Grant
from gateway.officers.officers import is_officer
from gateway.sql.resolve import Names
from gateway.sql.tokens import Token, tokens
from gateway.sql.unread import get_meant, identifier, possible_tables

_OF_ROLES = frozenset(
    {"ROLE", "USER", "GROUP", "OWNED", "DEFAULT", "DATABASE"}
)  # second words of statements without relations
_OTHER_OBJECTS = frozenset({"ALL", "DATABASE", "FOREIGN", "FUNCTION", "PROCEDURE", "ROUTINE", "SCHEMA"})
_BEFORE_NAMES = frozenset({"ON", "TABLE", "COLUMN", "VIEW", "EXISTS", "ONLY"})
_GRANTS = frozenset({"GRANT", "REVOKE"})
_PUBLIC_SCHEMA = "public"


def refuse_hidden(text: str, principal: Principal, names: Names, rows: AccessRows) -> None:
    """Raise as PostgreSQL does for what is not there, where a statement of access names a relation (42P01) or gives a
    privilege on a column (42703) that is there, and on which the principal has no privilege.
    """
    if is_officer(principal):
        return
    words, rights = tokens(text), _Rights(principal, rows)
    known: list[TableName] = []
    is_grant = words[0].text.upper() in _GRANTS
    for schema, name, position in _named(words, is_grant=is_grant):
        if not is_grant and not _is_target(words, position):
            continue
        found = get_meant(schema, name, names)
        if found is None and schema in names.catalog.schemas:
            return  # PostgreSQL says that of this one, and of none behind it
        if found is None or not rights.uses(found.schema):  # of a whole schema PostgreSQL says it by itself
            continue
        if not rights.knows(found):
            written = f"{schema}.{name}" if schema else name
            raise SqlError(SqlState.UNDEFINED_TABLE, f'relation "{written}" does not exist')
        if not is_grant and not rights.owns(found):
            return  # PostgreSQL says so, and looks at nothing behind it
        known.append(found)
    for found in known if is_grant else ():
        _refuse_columns(words, found, names, rights)


def _named(words: Sequence[Token], *, is_grant: bool) -> Iterator[tuple[str, str, int]]:
    """Yield the relations that a statement may name, as `possible_tables` does. Roles in lists are none."""
    if is_grant:
        yield from possible_tables(_objects(words), _BEFORE_NAMES | {","})
        return
    upper = [token.text.upper() for token in words[:3]]
    makes_view = upper[0] == "CREATE" and "POLICY" not in upper[1:]
    if len(upper) > 1 and upper[1] not in _OF_ROLES and not makes_view:
        yield from possible_tables(words, _BEFORE_NAMES)


def _objects(words: Sequence[Token]) -> Sequence[Token]:
    """What stands between ON and TO or FROM, ON included, where it is tables; else nothing."""
    upper = [token.text.upper() if token.kind == "word" else "" for token in words]
    first = upper.index("ON") if "ON" in upper else len(upper)
    last = next((at for at in range(first, len(upper)) if upper[at] in {"TO", "FROM"}), len(upper))
    following = words[first + 2].text if first + 2 < last else ""
    others = first + 1 < last and upper[first + 1] in _OTHER_OBJECTS and following not in {"", ",", "."}
    return () if others else words[first:last]


def name_known(text: str, principal: Principal, names: Names, rows: AccessRows) -> str:
    """Return a statement with the relations that the principal knows of in the place of ALL TABLES IN SCHEMA: of the
    others PostgreSQL would tell the names. Raises SqlError 42501 where he knows of none.
    """
    words = tokens(text)
    upper = [token.text.upper() if token.kind == "word" else "" for token in words]
    ons = [at for at, word in enumerate(upper) if word == "ON"]
    if is_officer(principal) or upper[0] not in _GRANTS or not ons:
        return text
    first = ons[0] + 1
    if upper[first : first + 4] != ["ALL", "TABLES", "IN", "SCHEMA"]:
        return text
    schemas, last = _listed(words, first + 4)
    rights = _Rights(principal, rows)
    if not all(map(rights.uses, schemas)):
        return text
    there = [*names.views, *(table for table in names.catalog.tables)]
    known = [name for name in sorted({*there}) if name.schema in schemas and rights.knows(name)]
    if not known:
        raise SqlError(SqlState.INSUFFICIENT_PRIVILEGE, f"permission denied for schema {schemas[0]}")
    listed = ", ".join(f"{always_quoted(name.schema)}.{always_quoted(name.name)}" for name in known)
    return f"{text[: words[first].start]}{listed}{text[words[last].start + len(words[last].text) :]}"


def _listed(words: Sequence[Token], at: int) -> tuple[list[str], int]:
    """The names in a list that begins at a word, and the place of its last."""
    found = []
    while at < len(words) and words[at].kind in {"word", "quoted"}:
        found.append(identifier(words[at]))
        if at + 1 >= len(words) or words[at + 1].text != ",":
            break
        at += 2
    return found, min(at, len(words) - 1)


def _refuse_columns(words: Sequence[Token], name: TableName, names: Names, rights: _Rights) -> None:
    table = names.get_table(name)
    for column in _columns(words):
        if table is not None and table.column(column) is not None and not rights.knows_column(name, column):
            message = f'column "{column}" of relation "{name.name}" does not exist'
            raise SqlError(SqlState.UNDEFINED_COLUMN, message)


def _columns(words: Sequence[Token]) -> Iterator[str]:
    """The columns in ``GRANT privilege (column, …) ON``."""
    inside = False
    for token in words:
        if token.text in {"(", ")"}:
            inside = token.text == "("
        elif token.kind == "word" and not inside and token.text.upper() == "ON":
            return
        elif inside and token.kind in {"word", "quoted"}:
            yield identifier(token)


def _is_target(words: Sequence[Token], position: int) -> bool:
    at = next(index for index, token in enumerate(words) if token.start + 1 == position)
    return at > 0 and words[at - 1].text.upper() in _BEFORE_NAMES


class _Rights:
    """What a principal has any privilege on."""

    def __init__(self, principal: Principal, rows: AccessRows) -> None:
        roles = {PUBLIC, *principal.roles}
        self._grants: list[Grant] = [row for row in rows.grants if row.role in roles]
        self._owned = {TableName(row.schema, row.table) for row in rows.tables if row.owner in principal.roles}

    def uses(self, schema: str) -> bool:
        """Whether he may look into a schema."""
        whole = {SCHEMA_ITSELF, ALL_TABLES}
        return schema == _PUBLIC_SCHEMA or any(row.schema == schema and row.table in whole for row in self._grants)

    def knows(self, name: TableName) -> bool:
        """Whether he has a privilege on a relation or a column of it."""
        return name in self._owned or any(self._on(row, name) for row in self._grants)

    def owns(self, name: TableName) -> bool:
        """Whether he owns a relation."""
        return name in self._owned

    def knows_column(self, name: TableName, column: str) -> bool:
        """Whether he has a privilege on a column or all of its relation."""
        told = (row for row in self._grants if row.column in (None, column))
        return name in self._owned or any(self._on(row, name) for row in told)

    @staticmethod
    def _on(row: Grant, name: TableName) -> bool:
        return row.schema == name.schema and row.table in (name.name, ALL_TABLES)
