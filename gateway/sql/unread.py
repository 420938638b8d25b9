"""Queries that sqlglot cannot read but PostgreSQL perhaps can: they may not name tables of the lake.

The mirror would find no rows in them, but it describes columns, plans (EXPLAIN) and refuses by rules of its own, which
know of what the principal may not know. So the names are looked for among the tokens, where a table's name may stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.sqlstate import SqlState
from gateway.sql.hidden_columns import HiddenColumns
from gateway.sql.resolve import SYSTEM_SCHEMAS, Names, NotResolved
from gateway.sql.tokens import Token, tokens

_BEFORE_TABLES = frozenset({"FROM", "JOIN", "ONLY", "TABLE", ",", "("})


def refuse_tables(
    text: str, names: Names, before: frozenset[str] = _BEFORE_TABLES, *, is_described: bool = False
) -> None:
    """Raise for a query that names tables of the lake: 42P01 where one is absent or the principal may not know of it,
    else `HiddenColumns`, or `NotResolved` where all their columns may be known and ``is_described`` says that the
    mirror is asked what is wrong. ``before`` are the words behind which a table's name may stand.
    """
    visible = hides = False
    schemas = {*names.catalog.schemas, *(table.schema for table in names.catalog.tables)}
    schemas |= {view.schema for view in names.views}
    for schema, name, position in possible_tables(tokens(text), before):
        temporary = names.temporary.get(schema, name) if names.temporary else None
        if temporary is not None:
            if temporary.view is not None:
                visible = hides = True  # what it may hide is not looked for
            continue
        found = get_meant(schema, name, names)
        if found is None and schema not in schemas:
            continue
        if found is None or not names.visible(found):
            written = f"{schema}.{name}" if schema else name
            raise SqlError(SqlState.UNDEFINED_TABLE, f'relation "{written}" does not exist', position=position)
        visible, hides = True, hides or names.columns(found) is not None
    if visible:
        failure = NotResolved if is_described and not hides else HiddenColumns
        raise failure(SqlState.FEATURE_NOT_SUPPORTED, "this form of query is not supported on lake tables")


def possible_tables(words: Sequence[Token], before_names: frozenset[str]) -> Iterator[tuple[str, str, int]]:
    """Yield what may be a table's name, with its schema ("" for none) and its place in the text, counted from 1."""
    for index, token in enumerate(words):
        if token.kind not in {"word", "quoted"}:
            continue
        before = words[index - 1].text.upper() if index else ""
        if before == "." and index > 1 and words[index - 2].kind in {"word", "quoted"}:
            yield identifier(words[index - 2]), identifier(token), words[index - 2].start + 1
        elif before in before_names:
            yield "", identifier(token), token.start + 1


def get_meant(schema: str, name: str, names: Names) -> TableName | None:
    """Return the table of the lake that a name may mean; the first that may be known of along the path, if one may."""
    if not schema and name in names.system_relations:
        return None
    path = (schema,) if schema else names.search_path
    found = [TableName(one, name) for one in path if one not in SYSTEM_SCHEMAS]
    found = [one for one in found if names.get_table(one) is not None]
    return next((one for one in found if names.visible(one)), found[0] if found else None)


def identifier(token: Token) -> str:
    """Return an identifier as PostgreSQL reads it."""
    if token.kind == "word":
        return token.text.lower()
    if token.text[0] != '"':  # U&"…": which letters are meant may depend on a UESCAPE behind it
        raise SqlError(
            SqlState.FEATURE_NOT_SUPPORTED,
            "identifiers with Unicode escapes are not supported in this form of query",
            position=token.start + 1,
        )
    return token.text[1:-1].replace('""', '"')
