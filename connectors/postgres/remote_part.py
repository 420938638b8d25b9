"""A part of a query written as one statement for the server that has all of its tables, to be read as a scan is.

Its rows are then those that the engine would have made of the tables' rows, in the engine's types. Its columns are
named by their places: those of a query may be named alike.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp

from catalog.names import TableName, always_quoted, quote_literal
from catalog.tables import Table
from connectors.postgres.part_types import NotSent, output_types
from connectors.postgres.part_words import require_alike
from connectors.postgres.shapes import RelationShape
from connectors.postgres.whole_statement import whole_statement
from optimizer.copies import copied
from optimizer.relations import relations

_MOST_SCALED = 18  # digits that always fit a bigint
T = exp.DType
_OF_PARAMETERS = {
    T.SMALLINT: "smallint",
    T.INT: "integer",
    T.BIGINT: "bigint",
    T.DECIMAL: "numeric",
    T.TEXT: "text",
    T.VARCHAR: "text",
    T.DATE: "date",
}
_AS_STORED = (exp.Column, exp.Min, exp.Max)


@dataclass(frozen=True, slots=True)
class WrittenPart:
    """The query as it is checked word by word (``text``) and as rows are asked for (``query``); what makes it fail
    where a column is another one than was planned; the types of its columns ``c1 …``. ``parameters`` are the constants
    in it that stand for parameters of the statement, as they are written, each with its number.
    """

    text: str
    query: str
    guard: str
    schema: pa.Schema
    parameters: Mapping[str, int]


def remote_part(
    select: exp.Query, tables: Mapping[TableName, Table], shape: Callable[[Table], RelationShape]
) -> WrittenPart:
    """Return the statement for a part. Raises NotSent where its rows might be others there."""
    read = {relation.name: shape(tables[relation.name]) for relation in relations(select)}
    require_alike(select, tables, {name: one.columns for name, one in read.items()})
    types = output_types(select, tables)
    asked = copied(select)
    parameters = dict(map(_stand_in, [*asked.find_all(exp.Parameter)]))
    written = whole_statement(asked, tables, lambda table: read[table.name])
    if written is None:
        raise NotSent("it cannot be written with one meaning")
    names = [f"c{number}" for number in range(1, len(types) + 1)]
    stored = [isinstance(select, exp.Select) and isinstance(one.unalias(), _AS_STORED) for one in select.selects]
    items = zip(names, types, stored, strict=True)
    selected = ", ".join(_selected(name, of, one) for name, of, one in items)
    columns = ", ".join(map(always_quoted, names))
    query = f"SELECT {selected} FROM ({written.text}) AS part ({columns})"
    schema = pa.schema([pa.field(name, of) for name, of in zip(names, types, strict=True)])
    return WrittenPart(written.text, query, written.guard, schema, parameters)


def _stand_in(parameter: exp.Parameter) -> tuple[str, int]:
    """Put a constant that nobody can guess in the place of a parameter; returns how it is written, and the number."""
    token, kind = secrets.token_hex(16), parameter.type
    assert isinstance(kind, exp.DataType)
    constant = exp.Literal.string(token)
    parameter.replace(exp.cast(constant, _OF_PARAMETERS[kind.this], dialect="postgres"))
    return quote_literal(token), int(parameter.name)


def _selected(name: str, of: pa.DataType, is_stored: bool) -> str:
    """Return how a column travels: few digits as a scaled bigint, as those of a scan do."""
    quoted = always_quoted(name)
    if not pa.types.is_decimal(of) or of.precision > _MOST_SCALED or not is_stored:
        return quoted
    scaled = f"({quoted} * {10**of.scale})::int8" if of.scale else f"{quoted}::int8"
    return f"{scaled} AS {quoted}"
