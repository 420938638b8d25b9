"""Names as PostgreSQL writes them: folding, quoting, and the schema names of sources (D12)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*\Z")
_UNNAMED = frozenset({"default", "public", ""})
MAX_IDENTIFIER_BYTES = 63  # NAMEDATALEN - 1


@dataclass(frozen=True, slots=True, order=True)
class TableName:
    """A table's name as clients see it: its schema and its own name, both already folded."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{quote_identifier(self.schema)}.{quote_identifier(self.name)}"


def quote_identifier(name: str) -> str:
    """Return ``name`` as PostgreSQL prints it: plain where folding keeps it, else in double quotes."""
    return name if _PLAIN.match(name) else always_quoted(name)


def always_quoted(name: str) -> str:
    """Return ``name`` in double quotes, for SQL that we generate (it may be a key word)."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """Return ``text`` as an SQL string constant, for servers with ``standard_conforming_strings``."""
    return "'" + text.replace("'", "''") + "'"


def schema_for(source: str, namespace: str) -> str:
    """Return the schema in which tables of a source's namespace appear: the source's name for its own namespace
    (``default``, ``public``, or the one named like the source), else ``<source>_<namespace>``.
    """
    return source if namespace in _UNNAMED or namespace == source else f"{source}_{namespace}"
