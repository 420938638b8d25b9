"""Indexes of sources as statements of the mirror: put together from names, which are quoted, and from expressions of
PostgreSQL's own parts alone. What is constant in these is evaluated when the index is made, as in a generated column.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from catalog.mirror.built_ins import BuiltIns
from catalog.mirror.expressions import get_generation
from catalog.names import always_quoted
from catalog.tables import Index, IndexKey, Table

_METHODS = frozenset({"btree", "hash", "gin", "gist", "spgist", "brin"})


def get_index(index: Index, table: Table, known: BuiltIns) -> str | None:
    """Return the statement that makes an index, or None where something in it is not known."""
    columns = {column.name for column in table.columns}
    keys = [_key(one, columns, known) for one in index.keys]
    named = {*index.included, *(one.column for one in index.keys if one.column is not None)}
    condition = None if index.predicate is None else get_generation(index.predicate, columns, known)
    is_known = index.method in _METHODS and named <= columns and (condition is None) == (index.predicate is None)
    if not keys or None in keys or not is_known:
        return None
    on = f"{always_quoted(table.name.schema)}.{always_quoted(table.name.name)}"
    return "".join(
        (
            f"CREATE {'UNIQUE ' if index.unique else ''}INDEX {always_quoted(index.name)} ON {on}",
            f" USING {index.method} ({', '.join(key for key in keys if key is not None)})",
            f" INCLUDE ({_quoted(index.included)})" if index.included else "",
            "" if index.nulls_distinct else " NULLS NOT DISTINCT",
            "" if condition is None else f" WHERE ({condition})",
        )
    )


def _key(key: IndexKey, columns: Collection[str], known: BuiltIns) -> str | None:
    if key.column is not None:
        words = [always_quoted(key.column)]
    else:
        expression = get_generation(key.expression, columns, known)
        if expression is None:
            return None
        words = [f"({expression})"]
    words += [] if key.collation is None else [f"COLLATE pg_catalog.{always_quoted(key.collation)}"]
    words += [] if key.operator_class is None else [f"pg_catalog.{always_quoted(key.operator_class)}"]
    words += ["DESC"] if key.descending else []
    words += [f"NULLS {'FIRST' if key.nulls_first else 'LAST'}"] if key.nulls_first != key.descending else []
    return " ".join(words)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(map(always_quoted, names))
