"""The SQL that makes a mirrored table, and the fingerprint by which a later change of the table is seen."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from catalog.mirror import partitions
from catalog.mirror.applied import Notes
from catalog.mirror.built_ins import BuiltIns
from catalog.mirror.definitions import get_default, get_key
from catalog.mirror.expressions import get_check, get_default_expression, get_generation
from catalog.mirror.indexes import get_index
from catalog.mirror.sequences import get_sequence, statements_after, statements_before, words_of_column
from catalog.names import MAX_IDENTIFIER_BYTES, TableName, always_quoted, quote_literal
from catalog.tables import Column, Constraint, Table

_FORM = "2"  # of the scripts: a change of it makes all tables anew
_FALLBACK_TYPE = "text"
_GENERATED = {"s": "STORED", "v": "VIRTUAL"}
SHOWN_KINDS = {"r": "TABLE", "p": "TABLE", "v": "VIEW", "m": "MATERIALIZED VIEW"}
"""What a relation of a source is in the mirror, by ``relkind``, in the words of its DDL."""
# Privileges to write are told as they are, and owners have them all; what is written here would be lost.
_WALL = (
    "lakegate_wall BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {} FOR EACH STATEMENT"
    " EXECUTE FUNCTION lakegate.refuse_writing()"
)


def fingerprint(table: Table) -> str:
    """Return a text that is equal only for tables that are mirrored alike; numbers of rows are left out."""
    parts: list[str | None] = [_FORM, table.description]
    for column in table.columns:
        parts += [column.name, column.sql_type, "null" if column.nullable else "not null", column.comment]
        parts.append(f"{column.generated} {column.default}" if column.generated else column.default)
        parts += [] if column.sequence is None else [repr(column.sequence)]
    for constraint in table.constraints:
        parts += [constraint.name, constraint.kind, constraint.definition]
        parts += [] if constraint.comment is None else [constraint.comment]
    parts += map(repr, table.indexes)
    if table.partitioned_by is not None or table.partition is not None:
        parts += [table.partitioned_by, repr(table.partition)]
    if table.relkind != "r":
        parts += [table.relkind, table.definition, table.source, *table.remote]
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def is_mirrorable(table: Table) -> bool:
    """Whether PostgreSQL can have names such as this table's."""
    names = (table.name.schema, table.name.name, *(column.name for column in table.columns))
    return all(is_name(name) for name in names)


def is_name(name: str) -> bool:
    """Whether PostgreSQL takes a name as it is: neither cut nor refused."""
    try:
        return 0 < len(name.encode()) <= MAX_IDENTIFIER_BYTES and "\0" not in name
    except UnicodeEncodeError:
        return False


def table_script(table: Table, known: BuiltIns, notes: Notes) -> str:
    """Return the statements that make a table or view without its keys and indexes."""
    columns = [_column(table, column, known, notes) for column in table.columns]
    name = quoted(table.name)
    statements = _with_sequences(table, _create(table, name, columns))
    if table.description:
        statements.append(f"COMMENT ON {SHOWN_KINDS[table.relkind]} {name} IS {literal(table.description)}")
    statements += [
        f"COMMENT ON COLUMN {name}.{always_quoted(column.name)} IS {literal(column.comment)}"
        for column in table.columns
        if column.comment
    ]
    return joined(statements)


def _column(table: Table, column: Column, known: BuiltIns, notes: Notes) -> str:
    spelling = known.get_type(column.sql_type)
    if spelling is None:
        notes.add(table.name, f"column {column.name} of type {column.sql_type} is shown as {_FALLBACK_TYPE}")
    words = [always_quoted(column.name), spelling or _FALLBACK_TYPE]
    if table.relkind == "r":
        words += [] if spelling is None else _told_of_values(table, column, spelling, known)
        words += [] if column.nullable else ["NOT NULL"]
    return " ".join(words)


def _told_of_values(table: Table, column: Column, spelling: str, known: BuiltIns) -> list[str]:
    """Return the words that tell what a column is generated from, or its default, where these are shown."""
    if (sequence := get_sequence(column, spelling)) is not None:
        return [words_of_column(sequence, table.name)]
    if column.default is None:
        return []
    if not column.generated:
        default = get_default(column.default, spelling) or _of_same_type(column, spelling, known)
        return [] if default is None else ["DEFAULT", default]
    others = {one.name for one in table.columns if not one.generated}
    expression = get_generation(column.default, others, known)
    return [] if expression is None else [f"GENERATED ALWAYS AS ({expression}) {_GENERATED[column.generated]}"]


def _of_same_type(column: Column, spelling: str, known: BuiltIns) -> str | None:
    """Return a default of several parts, of a column that is shown with the type that the source has."""
    if column.default is None or spelling != known.get_type(column.sql_type):
        return None
    expression = get_default_expression(column.default, known)
    return None if expression is None else f"({expression})"


def _with_sequences(table: Table, statements: Sequence[str]) -> list[str]:
    """Return what makes a table, with the sequences that its columns have as defaults."""
    owned = [] if table.relkind != "r" else [(get_sequence(one, one.sql_type), one) for one in table.columns]
    before = [text for one, _ in owned if one is not None for text in statements_before(one, table.name)]
    after = [text for one, column in owned if one is not None for text in statements_after(one, table, column)]
    return [*before, *statements, *after]


def plain(table: Table) -> Table:
    """Return a table that is not partitioned, and whose columns are, with plain defaults alone."""
    columns = (
        one if _is_plain(one) else replace(one, default=None, generated="", sequence=None) for one in table.columns
    )
    return replace(table, columns=tuple(columns), partitioned_by=None)


def _is_plain(column: Column) -> bool:
    if column.generated or column.sequence is not None:
        return False
    return column.default is None or get_default(column.default, column.sql_type) is not None


def _create(table: Table, name: str, columns: Sequence[str]) -> list[str]:
    """Return what makes the relation. A view's columns have their types from what it selects from."""
    if table.relkind == "r":
        key = table.partitioned_by and partitions.get_key(table.partitioned_by, {one.name for one in table.columns})
        parted = f" PARTITION BY {key}" if key else ""
        return [f"CREATE TABLE {name} ({', '.join(columns)}){parted}", f"CREATE TRIGGER {_WALL.format(name)}"]
    told = f"{literal(table.source)}, {literal('.'.join(table.remote))}"
    selected = ", ".join(always_quoted(column.name) for column in table.columns)
    origin = f"lakegate.view_of_source({told}) AS view ({', '.join(columns) or 'none text'})"
    end = " WITH NO DATA" if table.relkind == "m" else ""
    return [f"CREATE {SHOWN_KINDS[table.relkind]} {name} AS SELECT {selected} FROM {origin}{end}"]


def key_statements(table: Table, known: BuiltIns, notes: Notes) -> list[str]:
    """Return the statements that add a table's keys, checks and indexes, foreign keys left out."""
    statements = []
    for constraint in table.constraints:
        if constraint.kind == "f":
            continue
        statement = _constraint(table, constraint, known) if is_name(constraint.name) else None
        if statement is None:
            notes.add(table.name, f"constraint {constraint.name} is not shown")
        else:
            statements.append(with_comment(statement, table, constraint))
    for index in table.indexes:
        made = get_index(index, table, known) if is_name(index.name) else None
        if made is None:
            notes.add(table.name, f"index {index.name} is not shown")
        else:
            statements.append(made)
    return statements


def _constraint(table: Table, constraint: Constraint, known: BuiltIns) -> str | None:
    """Return what adds a key or a CHECK constraint. One that is added as valid would be evaluated, though on no row:
    functions of constants are, and with the owner's rights.
    """
    added = f"ALTER TABLE {quoted(table.name)} ADD CONSTRAINT {always_quoted(constraint.name)}"
    if constraint.kind != "c":
        key = get_key(constraint.definition)
        return None if key is None else f"{added} {key}"
    check = get_check(constraint.definition, {column.name for column in table.columns}, known)
    if check is None or not check.validated:
        return None if check is None else f"{added} {check.definition}"
    which = f"conrelid = {literal(quoted(table.name))}::pg_catalog.regclass AND conname = {literal(constraint.name)}"
    return f"{added} {check.definition};\nUPDATE pg_catalog.pg_constraint SET convalidated = true WHERE {which}"


def with_comment(statement: str, table: Table, constraint: Constraint) -> str:
    """Return what adds a constraint, with the source's comment on it."""
    if not constraint.comment:
        return statement
    on = f"{always_quoted(constraint.name)} ON {quoted(table.name)}"
    return f"{statement};\nCOMMENT ON CONSTRAINT {on} IS {literal(constraint.comment)}"


def quoted(name: TableName) -> str:
    """Return a table's name for generated SQL."""
    return f"{always_quoted(name.schema)}.{always_quoted(name.name)}"


def literal(text: str | None) -> str:
    """Return a string constant, or NULL; what no text of PostgreSQL can hold is left out."""
    if text is None:
        return "NULL"
    return quote_literal(text.replace("\0", "").encode("utf-8", "replace").decode())


def joined(statements: Sequence[str]) -> str:
    """Return statements as one text."""
    return ";\n".join(statements)
