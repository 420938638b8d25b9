"""Comparisons as conditions of the remote query, and which of them mean there what they mean here.

Constants are rendered as ``'text'::type``: every type's input function reads back exactly what is written here, the
quotes are doubled, and sessions have ``standard_conforming_strings`` on. The type is the column's own, so that the
server compares within one type and can use its indexes.
"""

from __future__ import annotations

import datetime
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.names import always_quoted, quote_literal
from catalog.scans import Comparison
from connectors.postgres.shapes import ColumnShape

_EQUALITY = frozenset({"=", "<>", "in"})
_ORDERED = frozenset({"<", "<=", ">", ">="})
_NULL_TESTS = {"is_null": "IS NULL", "is_not_null": "IS NOT NULL"}
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
_FIRST_DAY, _LAST_DAY = -719162, 2932896  # 0001-01-01 and 9999-12-31 in days of the Unix epoch
_MICROSECONDS_A_DAY = 86_400_000_000
_MOST_VALUES = 10_000  # of an IN list; the text of a longer one costs more than it saves


def takes(shape: ColumnShape, comparison: Comparison) -> bool:
    """Say whether `condition` selects exactly the rows that PostgreSQL would."""
    if comparison.operator in _NULL_TESTS:
        return True
    if comparison.operator in _EQUALITY:
        comparable = shape.takes_equality()
    else:
        comparable = comparison.operator in _ORDERED and shape.takes_order()
    values = comparison.values
    return comparable and 0 < len(values) <= _MOST_VALUES and all(_can_write(shape, value) for value in values)


def condition(shape: ColumnShape, comparison: Comparison) -> str:
    """Return the condition in SQL; only for what `takes` accepts."""
    column = shape.type.compared.format(always_quoted(comparison.column))
    if comparison.operator in _NULL_TESTS:
        return f"{always_quoted(comparison.column)} {_NULL_TESTS[comparison.operator]}"
    if comparison.operator == "in":
        values = ", ".join(_text(value) for value in comparison.values)
        return f"{column} = ANY (ARRAY[{values}]::{shape.type.literal}[])"
    return f"{column} {comparison.operator} {_text(comparison.values[0])}::{shape.type.literal}"


def constant(value: pa.Scalar) -> str | None:
    """Return a value as a constant, still without its type; None where it has no text that means it alone."""
    arrow = value.type
    if value.is_valid and pa.types.is_date32(arrow) and not _FIRST_DAY <= value.value <= _LAST_DAY:
        return None
    if value.is_valid and pa.types.is_string(arrow) and "\0" in value.as_py():
        return None
    return _text(value)


def _can_write(shape: ColumnShape, value: pa.Scalar) -> bool:
    arrow = shape.type.arrow
    if not value.is_valid:
        return True
    if value.type != arrow:
        return False
    if pa.types.is_string(arrow):
        return _can_write_text(shape, value.as_py())
    if pa.types.is_timestamp(arrow):
        return bool(_FIRST_DAY <= value.value // _MICROSECONDS_A_DAY <= _LAST_DAY)
    if pa.types.is_date32(arrow):
        return bool(_FIRST_DAY <= value.value <= _LAST_DAY)
    return True


def _can_write_text(shape: ColumnShape, text: str) -> bool:
    if "\0" in text:
        return False
    if shape.type.literal == "uuid":  # what is no uuid is an error in the server
        return _UUID.match(text) is not None
    if shape.type.literal == "bpchar":  # which ignores blanks at the end
        return not text.endswith(" ")
    return shape.type.literal != "name" or len(text.encode()) < 64  # a longer one would be cut


def _text(value: pa.Scalar) -> str:
    """Return a constant as SQL, still without its type."""
    if not value.is_valid:
        return "NULL"
    return quote_literal(_input(value))


def _input(value: pa.Scalar) -> str:
    """Return the text that the type's input function reads."""
    arrow = value.type
    if pa.types.is_float32(arrow):
        return str(np.float32(value.as_py()))
    if pa.types.is_binary(arrow):
        return f"\\x{value.as_py().hex()}"
    if pa.types.is_timestamp(arrow):
        text = str(np.datetime64(value.value, "us")).replace("T", " ")
        return text if arrow.tz is None else f"{text}+00"
    if pa.types.is_time(arrow):
        return pc.cast(value, pa.string()).as_py()  # type: ignore[no-any-return]
    if pa.types.is_boolean(arrow):
        return "true" if value.as_py() else "false"
    python = value.as_py()
    if isinstance(python, datetime.date):
        return python.isoformat()
    if pa.types.is_decimal(arrow):
        return format(python, "f")
    return repr(python) if isinstance(python, float) else str(python)
