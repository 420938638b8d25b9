"""Parameters of a statement: what a client bound, in text or binary, becomes an Arrow scalar.

One row of ``_INPUTS`` a type: its Arrow type, how its text is read, how its binary form is read.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID as Uuid

import pyarrow as pa

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.values import registry as oids
from gateway.values import scalar_input
from gateway.values.array_input import parse_array
from gateway.values.client_encodings import to_utf8
from gateway.values.datetime_input import (
    DATE_INFINITY,
    INFINITY,
    parse_date,
    parse_time,
    parse_timestamp,
)
from gateway.values.interval_input import parse_interval
from gateway.values.json_input import parse_json, parse_jsonb
from gateway.values.settings import BINARY, TEXT, InputSettings

_EPOCH_DAYS = 10_957
_EPOCH_MICROS = _EPOCH_DAYS * 86_400_000_000
_NUMERIC_NEGATIVE, _NUMERIC_SPECIAL = 0x4000, 0xC000
_MAX_NUMERIC_GROUPS = 64  # digits in base 10000: more than any decimal of Arrow holds
_MAX_DIMENSIONS = 6
_MAX_ELEMENTS = 2**27 - 1  # MaxArraySize
_JSONB_VERSION = 1
_DIGITS = {oids.INT2: (4, 2), oids.INT4: (9, 4), oids.INT8: (18, 8)}  # digits that always fit, and bytes in binary
_FORMATS = frozenset((TEXT, BINARY))
_CHARACTERS = oids.TEXT_TYPES | {0, oids.JSONB}  # their binary format is characters, too


@dataclass(frozen=True, slots=True)
class Input:
    """How parameters of one type are read. ``read_text`` takes the text and the session's settings."""

    arrow: pa.DataType
    read_text: Callable[[str, InputSettings], Any]
    read_binary: Callable[[bytes], Any]


def decode_parameter(
    value: bytes | None, oid: int, format: int, settings: InputSettings = InputSettings()
) -> pa.Scalar:
    """Return a bound value as a scalar of the Arrow type that stands for its PostgreSQL type; None is NULL.

    ``oid`` 0 and unknown give text. ``format`` is 0 for text, 1 for binary. Timestamps with time zone that name none
    are in that of the session. Raises SqlError as PostgreSQL would: 22P02, 22003, 22007, 22008, 22021, 22P03, 08P01.
    """
    if format not in (TEXT, BINARY):
        raise SqlError(SqlState.INVALID_PARAMETER_VALUE, f"unsupported format code: {format}")
    element = oids.get_element(oid)
    if value is not None and (format == TEXT or (element is None and oid in _CHARACTERS)):
        value = to_utf8(value, settings.client_encoding)
    if element is not None:
        return _decode_array(value, element, format, settings)
    entry = _require_input(oid, format)
    if value is None:
        return pa.scalar(None, entry.arrow or pa.decimal128(38, 0))
    read = entry.read_binary(value) if format == BINARY else entry.read_text(text_of(value), settings)
    return _scalar(read, entry.arrow)


def is_read_here(oid: int) -> bool:
    """Whether `decode_parameter` knows the binary format of a type."""
    element = oids.get_element(oid)
    return (oid if element is None else element) in _INPUTS


def is_surely_valid(value: bytes | None, oid: int, format: int) -> bool:
    """Whether `decode_parameter` would take the value; False also where that is not seen at a glance."""
    known = _DIGITS.get(oid)
    if format not in _FORMATS or (known is None and oid not in oids.TEXT_TYPES):
        return False
    if value is None:
        return True
    if known is None:
        return value.isascii() and b"\0" not in value
    digits, size = known
    return len(value) == size if format == BINARY else value.isdigit() and len(value) <= digits


def typed_name(oid: int, value: pa.Scalar) -> str:
    """Return how SQL writes the type of a parameter; of numerics with the digits behind the point that they have."""
    if oid == oids.NUMERIC:
        return f"numeric({38 if value.type.scale <= 38 else 76},{value.type.scale})"
    kind = value.type.value_type if oids.get_element(oid) == oids.NUMERIC else None
    if kind is None or not pa.types.is_decimal(kind):
        return oids.sql_name(oid)
    return f"numeric({38 if kind.precision <= 38 else 76},{kind.scale})[]"


def text_of(value: bytes) -> str:
    """Return the characters of a text parameter. Raises SqlError (22021) if it is not UTF-8 or has a zero byte."""
    wrong = value.find(0)
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        wrong = error.start if wrong < 0 else min(wrong, error.start)
        text = ""
    if wrong >= 0:
        shown = " ".join(f"0x{byte:02x}" for byte in value[wrong : wrong + _sequence_length(value[wrong])])
        message = f'invalid byte sequence for encoding "UTF8": {shown}'
        raise SqlError(SqlState.CHARACTER_NOT_IN_REPERTOIRE, message)
    return text


def _sequence_length(first: int) -> int:
    """Return how many bytes a character takes whose first byte is this one."""
    if first & 0xE0 == 0xC0:
        return 2
    if first & 0xF0 == 0xE0:
        return 3
    return 4 if first & 0xF8 == 0xF0 else 1


def _require_input(oid: int, format: int) -> Input:
    entry = _INPUTS.get(oid)
    if entry is not None:
        return entry
    if format == BINARY:
        message = f"no binary input function available for the type with OID {oid}"
        raise SqlError(SqlState.UNDEFINED_FUNCTION, message)
    return _INPUTS[oids.TEXT]


def _scalar(value: Any, arrow: pa.DataType | None) -> pa.Scalar:
    """Return a value read as a scalar; of numeric the type follows from the digits."""
    if arrow is None:
        return pa.scalar(value, decimal_type(value))
    if pa.types.is_temporal(arrow) and arrow != pa.month_day_nano_interval():
        width = pa.int32() if arrow == pa.date32() else pa.int64()
        return pa.scalar(value, width).cast(arrow)
    return pa.scalar(value, arrow)


def decimal_type(*values: Decimal | None) -> pa.DataType:
    """Return the smallest decimal type (128 or 256 bits) that holds values of at most 76 digits each.

    Raises SqlError (22003) if no type holds all of them at one scale.
    """
    whole, scale = 1, 0
    for value in values:
        if value is not None:
            _, digits, exponent = value.as_tuple()
            assert isinstance(exponent, int)
            whole, scale = max(whole, len(digits) + exponent), max(scale, -exponent)
    if whole + scale > scalar_input.MAX_DECIMAL_DIGITS:
        message = f"numeric parameters can have at most {scalar_input.MAX_DECIMAL_DIGITS} digits"
        raise SqlError(SqlState.NUMERIC_VALUE_OUT_OF_RANGE, message)
    return pa.decimal128(whole + scale, scale) if whole + scale <= 38 else pa.decimal256(whole + scale, scale)


def _decode_array(value: bytes | None, element: int, format: int, settings: InputSettings) -> pa.Scalar:
    entry = _require_input(element, format)
    if value is None:
        return pa.scalar(None, pa.list_(entry.arrow or pa.decimal128(38, 0)))
    if format == BINARY:
        nested = _binary_array(value, element, _binary_reader(entry, element, settings))
    else:
        nested = parse_array(text_of(value), lambda text: entry.read_text(text, settings))
    leaves, depth = nested, 1
    while leaves and isinstance(leaves[0], list):
        leaves, depth = [leaf for inner in leaves for leaf in inner], depth + 1
    arrow = entry.arrow or decimal_type(*leaves)
    kind = arrow
    for _ in range(depth):
        kind = pa.list_(kind)
    if not leaves:
        return pa.scalar([], pa.list_(arrow))
    plain = _storage(arrow)
    stored = plain
    for _ in range(depth):
        stored = pa.list_(stored)
    return pa.array([nested], stored).cast(kind)[0]


def _binary_reader(entry: Input, oid: int, settings: InputSettings) -> Callable[[bytes], Any]:
    """Return the reader of elements in binary, whose characters may be in the client's encoding."""
    if oid not in _CHARACTERS:
        return entry.read_binary
    return lambda value: entry.read_binary(to_utf8(value, settings.client_encoding))


def _storage(arrow: pa.DataType) -> pa.DataType:
    """Return the type that holds what readers return: numbers, for dates and times."""
    if not pa.types.is_temporal(arrow) or arrow == pa.month_day_nano_interval():
        return arrow
    return pa.int32() if arrow == pa.date32() else pa.int64()


def _binary_array(value: bytes, element: int, read: Callable[[bytes], Any]) -> list[Any]:
    """Return the elements of an array in binary format, nested by dimension."""
    if len(value) < 12:
        raise _too_short()
    dimensions, flags, oid = struct.unpack_from(">iiI", value)
    if not 0 <= dimensions <= _MAX_DIMENSIONS:
        message = f"number of array dimensions ({dimensions}) exceeds the maximum allowed ({_MAX_DIMENSIONS})"
        raise SqlError(SqlState.PROGRAM_LIMIT_EXCEEDED, message)
    if flags not in (0, 1):
        raise SqlError(SqlState.INVALID_BINARY_REPRESENTATION, "invalid array flags")
    if oid != element:
        message = f"binary data has array element type {oid} instead of expected {element}"
        raise SqlError(SqlState.DATATYPE_MISMATCH, message)
    if len(value) < 12 + 8 * dimensions:
        raise _too_short()
    sizes = [struct.unpack_from(">i", value, 12 + 8 * place)[0] for place in range(dimensions)]
    count = 1 if sizes else 0
    for size in sizes:
        count *= size
        if size < 0 or count > _MAX_ELEMENTS:
            message = f"array size exceeds the maximum allowed ({_MAX_ELEMENTS})"
            raise SqlError(SqlState.PROGRAM_LIMIT_EXCEEDED, message)
    if len(value) < 12 + 8 * dimensions + 4 * count:
        raise _too_short()
    items = _binary_elements(value, 12 + 8 * dimensions, count, read)
    for size in reversed(sizes[1:]):
        items = [items[at : at + size] for at in range(0, len(items), size)] if size else []
    return items


def _binary_elements(value: bytes, at: int, count: int, read: Callable[[bytes], Any]) -> list[Any]:
    items: list[Any] = []
    for _ in range(count):
        if at + 4 > len(value):
            raise _too_short()
        (size,) = struct.unpack_from(">i", value, at)
        at += 4
        if size < -1 or at + size > len(value):
            raise _too_short()
        items.append(None if size < 0 else read(value[at : at + size]))
        at += max(size, 0)
    if at != len(value):
        raise _too_long()
    return items


def _unpacked(layout: str, value: bytes) -> tuple[Any, ...]:
    """Return the parts of a value of fixed length. Raises SqlError (08P01, 22P03) for another length."""
    size = struct.calcsize(layout)
    if len(value) < size:
        raise _too_short()
    if len(value) > size:
        raise _too_long()
    return struct.unpack(layout, value)


def _too_short() -> SqlError:
    return SqlError(SqlState.PROTOCOL_VIOLATION, "insufficient data left in message")


def _too_long() -> SqlError:
    return SqlError(SqlState.INVALID_BINARY_REPRESENTATION, "incorrect binary data format in bind parameter")


def _number(layout: str) -> Callable[[bytes], Any]:
    return lambda value: _unpacked(layout, value)[0]


def _binary_boolean(value: bytes) -> bool:
    return bool(_unpacked("B", value)[0])


def _binary_date(value: bytes) -> int:
    (days,) = _unpacked(">i", value)
    if days in (DATE_INFINITY, -DATE_INFINITY - 1):
        return int(days)
    if not -_DATE_RANGE[0] <= days < _DATE_RANGE[1]:
        raise SqlError(SqlState.DATETIME_VALUE_OUT_OF_RANGE, "date out of range")
    return int(days) + _EPOCH_DAYS


_DATE_RANGE = (2_451_545, 2_145_031_584)  # days before and after 2000-01-01
_TIMESTAMP_RANGE = (211_813_488_000_000_000, 9_223_371_331_200_000_000)  # microseconds


def _binary_timestamp(value: bytes) -> int:
    (micros,) = _unpacked(">q", value)
    if micros in (INFINITY, -INFINITY - 1):
        return int(micros)
    if not -_TIMESTAMP_RANGE[0] <= micros < _TIMESTAMP_RANGE[1]:
        raise SqlError(SqlState.DATETIME_VALUE_OUT_OF_RANGE, "timestamp out of range")
    return int(micros) + _EPOCH_MICROS


def _binary_time(value: bytes) -> int:
    (micros,) = _unpacked(">q", value)
    if not 0 <= micros <= 86_400_000_000:
        raise SqlError(SqlState.DATETIME_VALUE_OUT_OF_RANGE, "time out of range")
    return int(micros)


def _binary_interval(value: bytes) -> tuple[int, int, int]:
    micros, days, months = _unpacked(">qii", value)
    return _nanoseconds((months, days, micros))


def _nanoseconds(parts: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return an interval as Arrow holds it. Raises SqlError (22015) if its time has more than 64 bits."""
    months, days, micros = parts
    if not -(2**63) <= micros * 1000 < 2**63:
        raise SqlError(SqlState.INTERVAL_FIELD_OVERFLOW, "interval out of range")
    return months, days, micros * 1000


def _binary_numeric(value: bytes) -> Decimal:
    if len(value) < 8:
        raise _too_short()
    count, weight, sign, scale = struct.unpack_from(">HhHH", value)
    if sign & _NUMERIC_SPECIAL == _NUMERIC_SPECIAL:
        raise scalar_input.not_finite()
    if sign not in (0, _NUMERIC_NEGATIVE):
        raise SqlError(SqlState.INVALID_BINARY_REPRESENTATION, 'invalid sign in external "numeric" value')
    if scale > 0x3FFF:
        raise SqlError(SqlState.INVALID_BINARY_REPRESENTATION, 'invalid scale in external "numeric" value')
    if len(value) < 8 + 2 * count:
        raise _too_short()
    if len(value) > 8 + 2 * count:
        raise _too_long()
    if count > _MAX_NUMERIC_GROUPS or abs(weight) > _MAX_NUMERIC_GROUPS:
        message = f"numeric parameters can have at most {scalar_input.MAX_DECIMAL_DIGITS} digits"
        raise SqlError(SqlState.NUMERIC_VALUE_OUT_OF_RANGE, message)
    groups = struct.unpack_from(f">{count}H", value, 8)
    if any(group > 9999 for group in groups):
        raise SqlError(SqlState.INVALID_BINARY_REPRESENTATION, 'invalid digit in external "numeric" value')
    number = 0
    for group in groups:
        number = number * 10_000 + group
    # The number counts 10000**(weight - count + 1); what is behind the declared scale is cut off.
    shift = 4 * (weight - count + 1) + scale
    number = number * 10**shift if shift >= 0 else number // 10**-shift
    digits = tuple(int(digit) for digit in str(number))
    return scalar_input.require_digits(Decimal((int(sign == _NUMERIC_NEGATIVE), digits, -scale)))


def _binary_jsonb(value: bytes) -> str:
    if not value:
        raise _too_short()
    if value[0] != _JSONB_VERSION:
        raise SqlError(SqlState.INTERNAL_ERROR, f"unsupported jsonb version number {value[0]}")
    return parse_jsonb(text_of(value[1:]))


def _plain(read: Callable[[str], Any]) -> Callable[[str, InputSettings], Any]:
    """Return a reader of text that does not depend on the session."""
    return lambda text, _: read(text)


def _integers(name: str, arrow: pa.DataType, layout: str) -> Input:
    return Input(arrow, _plain(partial(scalar_input.parse_integer, type_name=name)), _number(layout))


def _floats(name: str, arrow: pa.DataType, layout: str) -> Input:
    return Input(arrow, _plain(partial(scalar_input.parse_float, type_name=name)), _number(layout))


_TEXT = Input(pa.string(), _plain(str), text_of)
_OID = Input(pa.int64(), _plain(scalar_input.parse_oid), _number(">I"))

_INPUTS: dict[int, Input] = {
    0: _TEXT,
    **dict.fromkeys(oids.TEXT_TYPES, _TEXT),
    **dict.fromkeys(oids.OID_TYPES, _OID),
    oids.BOOL: Input(pa.bool_(), _plain(scalar_input.parse_boolean), _binary_boolean),
    oids.INT2: _integers("smallint", pa.int16(), ">h"),
    oids.INT4: _integers("integer", pa.int32(), ">i"),
    oids.INT8: _integers("bigint", pa.int64(), ">q"),
    oids.FLOAT4: _floats("real", pa.float32(), ">f"),
    oids.FLOAT8: _floats("double precision", pa.float64(), ">d"),
    oids.NUMERIC: Input(None, _plain(scalar_input.parse_numeric), _binary_numeric),
    oids.BYTEA: Input(pa.binary(), _plain(scalar_input.parse_bytea), bytes),
    oids.UUID: Input(
        pa.string(), _plain(scalar_input.parse_uuid), lambda value: str(Uuid(bytes=_unpacked("16s", value)[0]))
    ),
    oids.JSON: Input(pa.string(), _plain(parse_json), lambda value: parse_json(text_of(value))),
    oids.JSONB: Input(pa.string(), _plain(parse_jsonb), _binary_jsonb),
    oids.DATE: Input(pa.date32(), parse_date, _binary_date),
    oids.TIME: Input(pa.time64("us"), _plain(parse_time), _binary_time),
    oids.TIMESTAMP: Input(pa.timestamp("us"), partial(parse_timestamp, with_zone=False), _binary_timestamp),
    oids.TIMESTAMPTZ: Input(pa.timestamp("us", "UTC"), partial(parse_timestamp, with_zone=True), _binary_timestamp),
    oids.INTERVAL: Input(
        pa.month_day_nano_interval(),
        lambda text, settings: _nanoseconds(parse_interval(text, settings.interval_style)),
        _binary_interval,
    ),
}
