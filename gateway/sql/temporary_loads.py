"""What becomes of a statement on temporary relations: the mirror's session carries it out, alone or with rows of the
lake, which the engine reads for it.

Only relations of the session may be changed. Tables of the lake may be named in one place, the query that fills a
temporary table: it is planned and governed as every query is. Everything else of the statement is PostgreSQL's.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlglot import exp

from catalog.errors import SqlError
from catalog.names import TableName, always_quoted
from catalog.sqlstate import SqlState
from gateway.sql.resolve import SYSTEM_SCHEMAS, Names, lookup
from gateway.sql.session_relations import TEMPORARY_SCHEMA, SessionRelation
from gateway.sql.statements import not_supported
from gateway.sql.temporary_changes import (
    HINT,
    Change,
    IsPlanned,
    get_change,
    numbered,
    untyped,
    without_parentheses,
)
from gateway.sql.temporary_statements import TemporaryStatement, Written, temporary_statement
from gateway.sql.unread import refuse_tables

_CHANGES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})
_READ_ONLY = "Views are for reading."
_BEFORE_NAMES = frozenset({"LIKE", "INHERITS", "INHERIT", "OF", "REFERENCES", "FROM", "JOIN", "USING", "ONLY"})


@dataclass(frozen=True, slots=True)
class Load:
    """How the rows of a query get into a temporary table.

    ``query`` is the statement's text with all but the query blank, so that places in it are places of the statement.
    ``make`` makes ``table``, empty, with the query's columns. ``stages`` has the text before and behind the query of an
    INSERT, whose rows go to a stage first. ``fills`` says that there are to be rows at all, ``is_view`` that there are
    none because it is a view.
    """

    query: str
    make: str
    table: str
    stages: tuple[str, str] | None = None
    fills: bool = True
    is_view: bool = False

    def stage(self, columns: int) -> str:
        """Return the statement that makes the stage of so many columns: those of the query may have no names."""
        return f"CREATE TEMPORARY TABLE {self.table} ({', '.join(numbered(columns))}) AS {self.query} WITH NO DATA"

    def insert(self, columns: int) -> str:
        """Return the statement that takes the rows from the stage. Strings and NULLs without a type stand in it as they
        are: they take the type of the column that they go to.
        """
        before, behind = self.stages or ("", "")
        literals = untyped(self.query, columns)
        items = [literals.get(place, name) for place, name in enumerate(numbered(columns))]
        return f"{before}SELECT {', '.join(items)} FROM {self.table}{behind}"


def get_load(text: str, names: Names) -> Load | None:
    """Return how a statement is to be filled with rows, if its query turns out to read the lake; None for one that is
    the mirror's alone. Raises SqlError for one that changes what is not temporary, or names tables of the lake outside
    of its query.
    """
    form = temporary_statement(text)
    _require_temporary(form, names)
    if form.is_recursive:
        hint = "Write WITH RECURSIVE inside of the view's query."
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, "CREATE RECURSIVE VIEW is not supported", hint=hint)
    if form.query is None:
        if form.command not in _CHANGES:  # of which `get_copies` has found what they read
            refuse_tables(text, names, _BEFORE_NAMES)
        return None
    start, end = without_parentheses(text, *form.query)
    if form.into is not None:
        return _making(form, text[: form.into[0]] + " " * (form.into[1] - form.into[0]) + text[form.into[1] :])
    outside = text[:start] + " " * (end - start) + text[end:]
    refuse_tables(outside, names, _BEFORE_NAMES)
    query = " " * start + text[start:end]
    if form.made is not None:
        make = text[: form.query[1]] + " WITH NO DATA"
        table = f"{TEMPORARY_SCHEMA}.{always_quoted(form.made.name)}"
        return Load(query, make, table, fills=not (form.no_data or form.is_view), is_view=form.is_view)
    return _staged(text, query, end)


def get_copies(text: str, names: Names, is_planned: IsPlanned) -> Change | None:
    """Return a statement that changes a temporary table as one over copies of what it reads of the lake; None where it
    reads nothing of it, or `get_load` is the way: rows of an INSERT that gives none back need no copy of their own.
    Raises SqlError as `get_load`.
    """
    form = temporary_statement(text)
    if form.command not in _CHANGES:
        return None
    _require_temporary(form, names)
    if form.query is None:
        return get_change(text, form, names, is_planned)
    start, end = form.query
    outside = f"{text[:start]} {text[end:]}".lower()
    if "select" not in text.lower() or not ("returning" in outside or "select" in outside):
        return None
    change = get_change(text, form, names, is_planned)
    if change is None:
        return None
    is_needed = "returning" in outside or any(not start <= one.start < end for one in change.copies)
    return change if is_needed else None


def names_temporary(text: str, names: Names) -> bool:
    """Whether a statement is on temporary relations of the session, or says so."""
    found = temporary_statement(text).changed
    return any(one.schema == TEMPORARY_SCHEMA or names.temporary.get(one.schema, one.name) for one in found)


def refuse_load(text: str) -> None:
    """Raise 0A000 for statements whose query may not read the lake."""
    form = temporary_statement(text)
    if form.has_check_option:
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, "WITH CHECK OPTION is not supported", hint=_READ_ONLY)
    if form.query is not None and "returning" in text[form.query[1] :].lower():
        raise SqlError(
            SqlState.FEATURE_NOT_SUPPORTED, "INSERT ... RETURNING of rows of the lake is not supported", hint=HINT
        )


def _making(form: TemporaryStatement, query: str) -> Load:
    assert form.made is not None
    table = f"{TEMPORARY_SCHEMA}.{always_quoted(form.made.name)}"
    return Load(query, f"CREATE TEMPORARY TABLE {table} AS {query} WITH NO DATA", table)


def _staged(text: str, query: str, end: int) -> Load:
    """Rows of INSERT are staged, so that defaults, casts, ON CONFLICT and the like are PostgreSQL's."""
    stage = f"{TEMPORARY_SCHEMA}.{always_quoted('lakegate_rows_' + secrets.token_hex(8))}"
    start = len(query) - len(query.lstrip(" "))
    return Load(query, "", stage, (text[:start], text[end:]))


def _require_temporary(form: TemporaryStatement, names: Names) -> None:
    if form.command == "SELECT INTO" and form.made is None:
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, "writing is not supported yet")
    if form.made is None and not form.changed:
        raise not_supported(form.command)
    for written in form.changed:
        _require_changeable(written, form, names)


def _require_changeable(written: Written, form: TemporaryStatement, names: Names) -> None:
    """Raise unless the name means a temporary relation, or nothing at all: then PostgreSQL says so."""
    try:
        found = lookup(_node(written), names)
    except SqlError:
        if written.schema in SYSTEM_SCHEMAS or written.schema in names.catalog.schemas or _is_hidden(written, names):
            raise _absent(written) from None
        return
    if isinstance(found, SessionRelation):
        if found.view is not None and form.command in _CHANGES:
            message = f"{form.command} on a view over tables of the lake is not supported"
            raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, message, hint=_READ_ONLY)
        return
    if found is None and written.schema.startswith(TEMPORARY_SCHEMA):
        return
    raise not_supported(form.command)


def _is_hidden(written: Written, names: Names) -> bool:
    path = (written.schema,) if written.schema else names.search_path
    return any(names.get_table(TableName(schema, written.name)) is not None for schema in path)


def _absent(written: Written) -> SqlError:
    return SqlError(SqlState.UNDEFINED_TABLE, f'relation "{written}" does not exist', position=written.position)


def _node(written: Written) -> exp.Table:
    db = exp.to_identifier(written.schema, quoted=True) if written.schema else None
    return exp.Table(this=exp.to_identifier(written.name, quoted=True), db=db)
