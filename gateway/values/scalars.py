"""Columns of scalar types: for each PostgreSQL type one family, with its text and its binary encoder side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from catalog.types import sql_type_of
from gateway.values import coercions, text_binaries
from gateway.values.binaries_by_type import BINARIES
from gateway.values.coercions import Coercion
from gateway.values.date_styles import date_style, styled_date, styled_timestamp
from gateway.values.datetimes import (
    date_binary,
    date_text,
    time_binary,
    time_text,
    timestamp_binary,
    timestamp_text,
)
from gateway.values.fields import NULL_LENGTH, Field, Short, binary_of_field, field_of_binary, numbers_of, with_nulls
from gateway.values.floats import float_text, rounded_float_text
from gateway.values.interval_styles import iso_8601, postgres_verbose, sql_standard
from gateway.values.intervals import interval_binary, interval_text
from gateway.values.numbers import decimal_text, integer_binary, integer_text, numeric_binary
from gateway.values.numeric_floats import numeric_float_binary, numeric_float_text, numeric_text_binary
from gateway.values.registry import (
    BOOL,
    BPCHAR,
    BY_OID,
    BY_SQL_NAME,
    BYTEA,
    CHAR,
    CID,
    DATE,
    FLOAT4,
    FLOAT8,
    INT2,
    INT4,
    INT8,
    INTERVAL,
    JSONB,
    NUMERIC,
    OID_TYPES,
    REGTYPE,
    TEXT_TYPES,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    XID,
    get_element,
    numeric_scale,
)
from gateway.values.settings import BINARY, OutputColumn, OutputSettings
from gateway.values.strings import (
    bytea_escape,
    bytea_hex,
    one_byte_binary,
    padded_text,
    plain_string,
    uuid_binary,
    uuid_text,
)
from gateway.values.zones import require_zone

ColumnEncoder = Callable[[pa.Array], Field]
_JSONB_VERSION = b"\x01"
_TRUE, _FALSE = np.uint64(ord("t")), np.uint64(ord("f"))
_TYPE_NAMES = pa.array([*BY_SQL_NAME, *(f"{name}[]" for name in BY_SQL_NAME)])
_TYPE_OIDS = pa.array(
    [*(one.oid for one in BY_SQL_NAME.values()), *(one.array for one in BY_SQL_NAME.values())], pa.uint32()
)
_SHORTEST = 1  # extra_float_digits from which text is the shortest exact one
_SURE_DIGITS = {FLOAT4: 6, FLOAT8: 15}  # FLT_DIG and DBL_DIG: digits that a float keeps of any text


@dataclass(frozen=True, slots=True)
class Family:
    """How values of one PostgreSQL type are encoded: brought to one layout, then to text or binary."""

    coerce: Callable[[pa.DataType, OutputColumn], Coercion | None]
    text: Callable[[OutputColumn, OutputSettings], ColumnEncoder]
    binary: Callable[[OutputColumn], ColumnEncoder]


def scalar_encoder(arrow: pa.DataType, column: OutputColumn, settings: OutputSettings) -> ColumnEncoder:
    """Return the encoder of a plain (not nested, not dictionary) Arrow type into a scalar PostgreSQL type.

    Raises SqlError (42846) if values of the Arrow type cannot be of the type, 0A000 if a format or setting is missing.
    """
    if pa.types.is_null(arrow):
        return null_field
    family = FAMILIES.get(column.oid)
    if coercions.is_text(arrow) and (family is None or column.oid not in _FROM_TEXT):
        return _from_text(arrow, column, settings)
    if family is None:
        raise cannot_coerce(arrow, column.oid)
    coerce = family.coerce(arrow, column)
    if coerce is None:
        raise cannot_coerce(arrow, column.oid)
    encode = family.binary(column) if column.format == BINARY else family.text(column, settings)
    return encode if coerce is coercions.unchanged else lambda values: encode(coerce(values))


def natural_encoder(arrow: pa.DataType, settings: OutputSettings) -> ColumnEncoder:
    """Return the text encoder of a plain Arrow type as the type it has for clients."""
    return scalar_encoder(arrow, OutputColumn(natural_oid(arrow)), settings)


def natural_oid(arrow: pa.DataType) -> int:
    """Return the oid of the scalar type that an Arrow type has for clients."""
    return BY_SQL_NAME[sql_type_of(arrow).partition("(")[0]].oid


def cannot_coerce(arrow: pa.DataType, oid: int) -> SqlError:
    """Return the error of an Arrow type that cannot become a PostgreSQL type."""
    known = BY_OID.get(oid)
    if known is None and get_element(oid) is None:  # as text it would go as it is
        return _no_binary(oid)
    target = known.sql_name if known else f"with OID {oid}"
    return SqlError(SqlState.CANNOT_COERCE, f"cannot send a column of type {arrow} as type {target}")


def _no_binary(oid: int) -> SqlError:
    return SqlError(
        SqlState.FEATURE_NOT_SUPPORTED,
        f"the binary format of the type with OID {oid} is not available on lake tables",
        hint="Ask for the text format, or cast to text.",
    )


def null_field(values: pa.Array) -> Short:
    """Encode NULLs only."""
    rows = len(values)
    return Short(np.full(rows, NULL_LENGTH, np.int32), np.zeros(rows, np.uint64))


def _from_text(arrow: pa.DataType, column: OutputColumn, settings: OutputSettings) -> ColumnEncoder:
    """Return the encoder of text that already is the type's text format; in binary it is parsed first."""
    if column.format != BINARY:
        return _get_range_text(column.oid, settings) or field_of_binary
    if column.oid == NUMERIC:
        scale = numeric_scale(column.typmod)
        return lambda values: numeric_text_binary(plain_string(values), scale)
    if column.oid == REGTYPE:
        return _type_numbers
    if (made := _get_composed(column.oid, settings)) is not None:
        return made
    kind = _PARSED.get(column.oid)
    if kind is None:
        raise _no_binary(column.oid)
    encode = scalar_encoder(kind, column, settings)

    def parse(values: pa.Array) -> Field:
        try:
            return encode(plain_string(values).cast(kind))
        except pa.ArrowInvalid:
            name = BY_OID[column.oid].sql_name
            raise SqlError(SqlState.INVALID_TEXT_REPRESENTATION, f"invalid input syntax for type {name}") from None

    return parse


def _get_range_text(oid: int, settings: OutputSettings) -> ColumnEncoder | None:
    """Return what writes ranges of dates and timestamps in the session's style and zone; None for other types."""
    of_range = text_binaries.MULTIRANGES.get(oid, oid)
    bound = text_binaries.RANGES.get(of_range)
    if bound not in text_binaries.MOMENTS:
        return None
    kind = _PARSED[bound]
    moment = scalar_encoder(kind, OutputColumn(bound), settings)
    write = text_binaries.range_text if of_range == oid else text_binaries.multirange_text
    return lambda values: write(values, lambda texts: moment(texts.cast(kind)))


def _get_composed(oid: int, settings: OutputSettings) -> ColumnEncoder | None:
    """Return what writes values from PostgreSQL's text of them; None for types that are read as Arrow's own."""
    if (encode := BINARIES.get(oid)) is not None:
        return lambda values: encode(plain_string(values))
    of_range = text_binaries.MULTIRANGES.get(oid, oid)
    bound = text_binaries.RANGES.get(of_range)
    if bound is None:
        return None
    bounds = scalar_encoder(pa.string(), OutputColumn(bound, format=BINARY), settings)
    if bound in text_binaries.MOMENTS:
        bounds = text_binaries.with_infinities(bounds, bound)
    write = text_binaries.range_binary if of_range == oid else text_binaries.multirange_binary
    return lambda values: write(plain_string(values), bounds)


def _type_numbers(values: pa.Array) -> Field:
    """Encode names of types as the numbers they stand for."""
    names = plain_string(values)
    numbers = pc.take(_TYPE_OIDS, pc.index_in(names, _TYPE_NAMES))
    if numbers.null_count > names.null_count:
        raise _no_binary(REGTYPE)
    return integer_binary(numbers, "u4")


def _boolean_text(values: pa.Array) -> Field:
    flags = numbers_of(values, np.uint8)
    return Short(with_nulls(np.ones(len(values), np.int32), values), np.where(flags, _TRUE, _FALSE))


def _boolean_binary(values: pa.Array) -> Field:
    return integer_binary(values, "u1")


def _integer_binary(column: OutputColumn) -> ColumnEncoder:
    size = BY_OID[column.oid].size
    kind = {2: pa.int16(), 4: pa.int32(), 8: pa.int64()}[size]
    if column.oid in OID_TYPES:
        kind = pa.uint32()
    layout = f"{'u' if column.oid in OID_TYPES else 'i'}{size}"
    return lambda values: integer_binary(values.cast(kind), layout)


def _numeric_text(column: OutputColumn) -> ColumnEncoder:
    scale = numeric_scale(column.typmod)

    def encode(values: pa.Array) -> Field:
        if pa.types.is_floating(values.type):
            return numeric_float_text(values, scale)
        return decimal_text(values) if pa.types.is_decimal(values.type) else integer_text(values)

    return encode


def _numeric_binary(column: OutputColumn) -> ColumnEncoder:
    def encode(values: pa.Array) -> Field:
        if pa.types.is_floating(values.type):
            return numeric_float_binary(values, numeric_scale(column.typmod))
        return numeric_binary(values)

    return encode


def _float_text(column: OutputColumn, settings: OutputSettings) -> ColumnEncoder:
    if settings.extra_float_digits >= _SHORTEST:
        return float_text
    digits = max(_SURE_DIGITS[column.oid] + settings.extra_float_digits, 1)
    return lambda values: rounded_float_text(values, digits)


def _character_text(column: OutputColumn) -> ColumnEncoder:
    if column.oid == BPCHAR and column.typmod > 4:
        width = column.typmod - 4
        return lambda values: padded_text(values, width)
    return field_of_binary


def _to_characters(arrow: pa.DataType, column: OutputColumn) -> Coercion | None:
    """Return how to make text: of what is not text, the text of its own type (``true`` and ``false`` spelled out)."""
    if coercions.is_text(arrow):
        return coercions.unchanged
    if coercions.is_bytes(arrow) or pa.types.is_nested(arrow):
        return None
    if pa.types.is_boolean(arrow):
        return lambda values: values.cast(pa.string())
    encode = natural_encoder(arrow, OutputSettings())
    return lambda values: binary_of_field(encode(values))


def _jsonb_binary(_: OutputColumn) -> ColumnEncoder:
    def encode(values: pa.Array) -> Field:
        return field_of_binary(pc.binary_join_element_wise(_JSONB_VERSION, values.cast(pa.binary()), b""))

    return encode


def _bytea_text(_: OutputColumn, settings: OutputSettings) -> ColumnEncoder:
    return bytea_escape if settings.bytea_output == "escape" else bytea_hex


def _date_text(_: OutputColumn, settings: OutputSettings) -> ColumnEncoder:
    style = date_style(settings.date_style)
    return date_text if style.is_iso else lambda values: styled_date(values, style)


def _timestamp_text(_: OutputColumn, settings: OutputSettings) -> ColumnEncoder:
    style = date_style(settings.date_style)
    if style.is_iso:
        return lambda values: timestamp_text(values, None)
    return lambda values: styled_timestamp(values, style, None)


def _timestamptz_text(_: OutputColumn, settings: OutputSettings) -> ColumnEncoder:
    style, zone = date_style(settings.date_style), require_zone(settings.time_zone)
    if style.is_iso:
        return lambda values: timestamp_text(values, zone)
    return lambda values: styled_timestamp(values, style, settings.time_zone)


def _interval_text(_: OutputColumn, settings: OutputSettings) -> ColumnEncoder:
    return _INTERVAL_STYLES[settings.interval_style.lower()]


_INTERVAL_STYLES: dict[str, ColumnEncoder] = {
    "postgres": interval_text,
    "postgres_verbose": postgres_verbose,
    "sql_standard": sql_standard,
    "iso_8601": iso_8601,
}


def _to_uuid(arrow: pa.DataType, _: OutputColumn) -> Coercion | None:
    return coercions.unchanged if coercions.is_bytes(arrow) or coercions.is_text(arrow) else None


def _to_bytes(arrow: pa.DataType, _: OutputColumn) -> Coercion | None:
    return coercions.unchanged if coercions.is_bytes(arrow) or coercions.is_text(arrow) else None


def _to_interval(arrow: pa.DataType, _: OutputColumn) -> Coercion | None:
    intervals = arrow == pa.month_day_nano_interval() or pa.types.is_duration(arrow)
    return coercions.unchanged if intervals else None


def _to_json(arrow: pa.DataType, _: OutputColumn) -> Coercion | None:
    return coercions.unchanged if coercions.is_text(arrow) else None


_CHARACTERS = Family(_to_characters, lambda column, _: _character_text(column), _character_text)
_INTEGER = Family(
    lambda arrow, column: coercions.to_integer(arrow, BY_OID[column.oid]), lambda *_: integer_text, _integer_binary
)
_FLOAT = Family(
    lambda arrow, column: coercions.to_float(arrow, BY_OID[column.oid]),
    _float_text,
    lambda column: lambda values: integer_binary(values, f"f{BY_OID[column.oid].size}"),
)

FAMILIES: dict[int, Family] = {
    BOOL: Family(lambda arrow, _: coercions.to_boolean(arrow), lambda *_: _boolean_text, lambda _: _boolean_binary),
    INT2: _INTEGER,
    INT4: _INTEGER,
    INT8: _INTEGER,
    **dict.fromkeys(OID_TYPES, _INTEGER),
    FLOAT4: _FLOAT,
    FLOAT8: _FLOAT,
    NUMERIC: Family(
        lambda arrow, column: coercions.to_numeric(arrow, column.typmod),
        lambda column, _: _numeric_text(column),
        _numeric_binary,
    ),
    **dict.fromkeys(TEXT_TYPES, _CHARACTERS),
    CHAR: Family(_to_characters, lambda column, _: _character_text(column), lambda _: one_byte_binary),
    JSONB: Family(_to_json, lambda *_: field_of_binary, _jsonb_binary),
    BYTEA: Family(_to_bytes, _bytea_text, lambda _: field_of_binary),
    UUID: Family(_to_uuid, lambda *_: uuid_text, lambda _: uuid_binary),
    DATE: Family(lambda arrow, _: coercions.to_date(arrow), _date_text, lambda _: date_binary),
    TIME: Family(lambda arrow, _: coercions.to_time(arrow), lambda *_: time_text, lambda _: time_binary),
    TIMESTAMP: Family(
        lambda arrow, _: coercions.to_timestamp(arrow),
        _timestamp_text,
        lambda _: timestamp_binary,
    ),
    TIMESTAMPTZ: Family(lambda arrow, _: coercions.to_timestamp(arrow), _timestamptz_text, lambda _: timestamp_binary),
    INTERVAL: Family(_to_interval, _interval_text, lambda _: interval_binary),
}

_FROM_TEXT = TEXT_TYPES | {JSONB, UUID, BYTEA}
# What the text of other types is parsed as for their binary format.
_PARSED: dict[int, pa.DataType] = {
    BOOL: pa.bool_(),
    INT2: pa.int16(),
    INT4: pa.int32(),
    INT8: pa.int64(),
    FLOAT4: pa.float32(),
    FLOAT8: pa.float64(),
    XID: pa.uint32(),
    CID: pa.uint32(),
    DATE: pa.date32(),
    TIMESTAMP: pa.timestamp("us"),
    TIMESTAMPTZ: pa.timestamp("us", "UTC"),
}
