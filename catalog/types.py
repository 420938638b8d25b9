"""Which PostgreSQL type a column of the lake has: Arrow's types spelled as PostgreSQL does."""

from __future__ import annotations

import pyarrow as pa

from catalog.errors import SqlError
from catalog.sqlstate import SqlState

_SIMPLE: dict[pa.DataType, str] = {
    pa.null(): "text",
    pa.bool_(): "boolean",
    pa.int8(): "smallint",
    pa.int16(): "smallint",
    pa.uint8(): "smallint",
    pa.int32(): "integer",
    pa.uint16(): "integer",
    pa.int64(): "bigint",
    pa.uint32(): "bigint",
    pa.uint64(): "numeric(20,0)",
    pa.float16(): "real",
    pa.float32(): "real",
    pa.float64(): "double precision",
    pa.string(): "text",
    pa.large_string(): "text",
    pa.string_view(): "text",
    pa.binary(): "bytea",
    pa.large_binary(): "bytea",
    pa.binary_view(): "bytea",
    pa.date32(): "date",
    pa.date64(): "date",
    pa.time32("s"): "time without time zone",
    pa.time32("ms"): "time without time zone",
    pa.time64("us"): "time without time zone",
    pa.time64("ns"): "time without time zone",
    pa.month_day_nano_interval(): "interval",
}


def sql_type_of(arrow: pa.DataType) -> str:
    """Return PostgreSQL's spelling of the type that values of an Arrow type have for clients.

    Raises SqlError (0A000) for types without a counterpart (unions, for instance).
    """
    simple = _SIMPLE.get(arrow)
    if simple is not None:
        return simple
    types = pa.types
    if types.is_decimal(arrow):
        scale = max(arrow.scale, 0)  # PostgreSQL 14 and older clients know no negative scale: show the digits
        return f"numeric({arrow.precision + max(-arrow.scale, 0)},{scale})"
    if types.is_timestamp(arrow):
        return "timestamp without time zone" if arrow.tz is None else "timestamp with time zone"
    if types.is_fixed_size_binary(arrow):
        return "bytea"
    if types.is_duration(arrow):
        return "interval"
    if types.is_struct(arrow) or types.is_map(arrow):
        return "jsonb"
    if is_list(arrow):
        return _array_of(sql_type_of(arrow.value_type))
    if types.is_dictionary(arrow) or types.is_run_end_encoded(arrow):
        return sql_type_of(arrow.value_type)
    if isinstance(arrow, pa.BaseExtensionType):
        return _of_extension(arrow)
    raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, f"columns of type {arrow} are not supported")


def is_list(arrow: pa.DataType) -> bool:
    """Return whether a type is a list of any layout."""
    types = pa.types
    return bool(
        types.is_list(arrow)
        or types.is_large_list(arrow)
        or types.is_fixed_size_list(arrow)
        or types.is_list_view(arrow)
        or types.is_large_list_view(arrow)
    )


def _array_of(element: str) -> str:
    """Return the array type of an element type; PostgreSQL's arrays of arrays are arrays of more dimensions."""
    return element if element.endswith("[]") else f"{element}[]"


def _of_extension(arrow: pa.BaseExtensionType) -> str:
    named = {"arrow.uuid": "uuid", "arrow.json": "json", "arrow.bool8": "boolean"}.get(arrow.extension_name)
    return named or sql_type_of(arrow.storage_type)
