"""The encoder of a column: what Arrow wraps around scalars (dictionaries, lists, structs) is taken off here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pyarrow as pa

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from catalog.types import is_list
from gateway.values import registry
from gateway.values.arrays import Texts, array_binary, array_text, element_type, written_by
from gateway.values.binaries_by_type import ARRAYS
from gateway.values.client_encodings import UTF8, converted, is_converted
from gateway.values.coercions import is_text
from gateway.values.encodings import is_encoded, picked
from gateway.values.fields import Field, field_of_binary, validity
from gateway.values.json_text import json_text
from gateway.values.records import record_binary
from gateway.values.registry import JSON, JSONB, TEXT_TYPES, get_element
from gateway.values.scalars import ColumnEncoder, cannot_coerce, null_field, scalar_encoder
from gateway.values.settings import BINARY, TEXT, OutputColumn, OutputSettings

__all__ = ["ColumnEncoder", "column_encoder"]

_JSON_AS = frozenset({JSON, JSONB}) | TEXT_TYPES


def column_encoder(arrow: pa.DataType, column: OutputColumn, settings: OutputSettings) -> ColumnEncoder:
    """Return what encodes arrays of an Arrow type as values of a PostgreSQL type.

    Raises SqlError (42846) if such values cannot be of the type; 0A000 if format or settings do not allow it. In a
    format that does not exist the first values are refused (22023), as by PostgreSQL.
    """
    if column.format not in (TEXT, BINARY):
        return partial(_refused, column.format)
    if is_converted(settings.client_encoding) and _is_text(arrow, column):
        inside = replace(settings, client_encoding=UTF8)
        return converted(column_encoder(arrow, column, inside), settings.client_encoding)
    if is_encoded(arrow):
        return picked(column_encoder(arrow.value_type, column, settings))
    if pa.types.is_null(arrow):
        return null_field
    if isinstance(arrow, pa.BaseExtensionType):
        if pa.types.is_nested(arrow.storage_type):
            return _json_encoder(arrow, column, settings)
        inner = column_encoder(arrow.storage_type, column, settings)
        return lambda values: inner(values.storage)
    element = _element(arrow, column)
    if element is not None and is_list(arrow):
        return _array_encoder(arrow, element, column, settings)
    if pa.types.is_struct(arrow) and column.fields:
        return _record_encoder(arrow, column, settings)
    if pa.types.is_nested(arrow):
        return _json_encoder(arrow, column, settings)
    return scalar_encoder(arrow, column, settings)


def unsupported_format(code: int) -> SqlError:
    """Return the error of values in a format that does not exist."""
    return SqlError(SqlState.INVALID_PARAMETER_VALUE, f"unsupported format code: {code}")


def _refused(code: int, _values: pa.Array) -> Field:
    raise unsupported_format(code)


def _is_text(arrow: pa.DataType, column: OutputColumn) -> bool:
    """Whether all bytes of a column's values are characters that need not be of ASCII."""
    if column.format == BINARY:  # of arrays in binary, each element by itself
        return column.oid in _JSON_AS
    known = registry.BY_OID.get(get_element(column.oid) or column.oid)
    return known is None or known.oid in _JSON_AS or pa.types.is_nested(arrow)


def _element(arrow: pa.DataType, column: OutputColumn) -> int | None:
    """Return the type of an array's elements. Arrays of types that are not known here come as lists of their text."""
    known = get_element(column.oid)
    if known is not None or not is_list(arrow) or not is_text(element_type(arrow)):
        return known
    element = ARRAYS.get(column.oid)
    if element is None and column.format == TEXT and column.oid not in _JSON_AS:
        return registry.TEXT
    return element


def _array_encoder(arrow: pa.DataType, element: int, column: OutputColumn, settings: OutputSettings) -> ColumnEncoder:
    inner = OutputColumn(element, column.typmod, column.format)
    encode = column_encoder(element_type(arrow), inner, settings)
    if column.format == BINARY:
        return lambda values: array_binary(values, encode, element)
    write = _object_texts(settings) if _are_objects(arrow, element) else written_by(encode, element)
    return lambda values: array_text(values, write, element)


def _are_objects(arrow: pa.DataType, element: int) -> bool:
    """Whether lists are arrays of JSON's objects."""
    inner = element_type(arrow)
    return element in (JSON, JSONB) and (pa.types.is_struct(inner) or pa.types.is_map(inner))


def _record_encoder(arrow: pa.StructType, column: OutputColumn, settings: OutputSettings) -> ColumnEncoder:
    """Return the encoder of structs as records, which come in binary: as text they are made by the engine."""
    if column.format != BINARY or arrow.num_fields != len(column.fields):
        raise cannot_coerce(arrow, column.oid)
    encoders = [column_encoder(part.type, each, settings) for part, each in zip(arrow, column.fields, strict=True)]
    oids = [each.oid for each in column.fields]
    return lambda values: record_binary(values, encoders, oids)


def _json_encoder(arrow: pa.DataType, column: OutputColumn, settings: OutputSettings) -> ColumnEncoder:
    """Return the encoder of nested values as JSON, in any type that holds text. Of the session's settings only the time
    zone counts inside of it.
    """
    if column.oid not in _JSON_AS:
        raise cannot_coerce(arrow, column.oid)
    encode = scalar_encoder(pa.string(), column, settings)
    inside = OutputSettings(time_zone=settings.time_zone)

    def encode_nested(values: pa.Array) -> Field:
        return encode(json_text(values, inside))

    return encode_nested


def _object_texts(settings: OutputSettings) -> Callable[[pa.Array], Texts]:
    """Return what gives JSON's objects as they stand in an array's literal, where all are in quotes."""
    inside = OutputSettings(time_zone=settings.time_zone)

    def written(elements: pa.Array) -> Texts:
        return Texts(field_of_binary(json_text(elements, inside, in_literal=True)), validity(elements))

    return written
