"""Text functions on Arrow arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.errors import SqlError
from gateway.values import registry
from gateway.values.arrays import element_type
from gateway.values.columns import column_encoder
from gateway.values.fields import binary_of_field
from gateway.values.scalars import natural_oid, scalar_encoder
from gateway.values.settings import OutputColumn, OutputSettings

_SPACES = r"[ \t\n\r]+"  # between digits of an encoding
_LONGEST_TEXT = 0x3FFFFFFF - 4  # bytes: MaxAllocSize
_LONGEST_CHARACTER = 4  # bytes in UTF8
_LONGEST_BATCH = 1 << 28  # bytes
_NO_LETTER = "\ufdd0"  # a code point that is no character
# Strings of jsonb, which stay; and zeros at the end behind the point, with the point where nothing else is behind it.
_STRINGS_AND_ZEROS = r'("(?:[^"\\]|\\.)*")|(\.[0-9]*[1-9])0+\b|\.0+\b'


def float_as_text(values: pa.Array, digits: pa.Array) -> pa.Array:
    """Write reals or doubles as a session with ``extra_float_digits`` does."""
    column = OutputColumn(registry.FLOAT4 if pa.types.is_float32(values.type) else registry.FLOAT8)
    return _written(values, column, OutputSettings(extra_float_digits=_constant(digits)))


def date_as_text(values: pa.Array, style: pa.Array) -> pa.Array:
    """Write dates in a ``DateStyle``."""
    return _written(values, OutputColumn(registry.DATE), OutputSettings(date_style=_constant(style)))


def time_as_text(values: pa.Array) -> pa.Array:
    """Write times of day."""
    return _written(values, OutputColumn(registry.TIME), OutputSettings())


def timestamp_as_text(values: pa.Array, style: pa.Array) -> pa.Array:
    """Write timestamps in a ``DateStyle``."""
    return _written(values, OutputColumn(registry.TIMESTAMP), OutputSettings(date_style=_constant(style)))


def timestamptz_as_text(values: pa.Array, style: pa.Array, zone: pa.Array) -> pa.Array:
    """Write timestamps with time zone in a ``DateStyle`` and a ``TimeZone``."""
    settings = OutputSettings(time_zone=_constant(zone), date_style=_constant(style))
    return _written(values, OutputColumn(registry.TIMESTAMPTZ), settings)


def interval_as_text(values: pa.Array, style: pa.Array) -> pa.Array:
    """Write intervals in an ``IntervalStyle``."""
    return _written(values, OutputColumn(registry.INTERVAL), OutputSettings(interval_style=_constant(style)))


def upper(values: pa.Array) -> pa.Array:
    """Return texts in capitals, letter by letter as PostgreSQL's builtin locale does: ``ß`` stays."""
    if _is_ascii(values):
        return pc.ascii_upper(values)
    kept = pc.replace_substring(values, "ß", _NO_LETTER)
    return pc.replace_substring(pc.utf8_upper(kept), _NO_LETTER, "ß")


def lower(values: pa.Array) -> pa.Array:
    """Return texts in small letters, letter by letter: ``İ`` becomes ``i``, and ``Σ`` is ``σ`` at the end, too."""
    return pc.ascii_lower(values) if _is_ascii(values) else pc.utf8_lower(values)


def _is_ascii(values: pa.Array) -> bool:
    """Whether no text has another character, by the bytes of all together."""
    buffer = values.buffers()[2]
    if buffer is None or not len(values):
        return True
    offsets = np.frombuffer(values.buffers()[1], dtype=np.int32)
    first, last = offsets[values.offset], offsets[values.offset + len(values)]
    return last == first or int(np.frombuffer(buffer, dtype=np.uint8)[first:last].max()) < 128


def jsonb_key(values: pa.Array) -> pa.Array:
    """Return a text that jsonb has in common with all that is equal to it: its numbers without zeros at the end.
    Of what else may be written in several ways PostgreSQL's output has one: order and names of keys, blanks, strings.
    """
    return pc.replace_substring_regex(values, _STRINGS_AND_ZEROS, r"\1\2")


def checked_count(values: pa.Array, counts: pa.Array) -> pa.Array:
    """Return how often texts are repeated. What is longer than PostgreSQL's texts can be is its error, and what is too
    much for one batch of rows is an error, too.
    """
    return _checked(counts, pc.multiply(pc.binary_length(values).cast(pa.float64()), counts.cast(pa.float64())), 1)


def checked_length(lengths: pa.Array) -> pa.Array:
    """Return how long texts are to be, in characters; see `checked_count`."""
    return _checked(lengths, lengths.cast(pa.float64()), _LONGEST_CHARACTER)


def _checked(asked: pa.Array, sizes: pa.Array, width: int) -> pa.Array:
    if (pc.max(sizes).as_py() or 0) * width > _LONGEST_TEXT:
        raise ValueError("[54000] requested length too large")
    if (pc.sum(pc.max_element_wise(sizes, 0.0)).as_py() or 0) > _LONGEST_BATCH:
        raise ValueError("[53200] out of memory: the texts of so many rows are too long")
    return asked


def bytea_as_text(values: pa.Array) -> pa.Array:
    """Write bytes in the format ``escape``."""
    return _written(values, OutputColumn(registry.BYTEA), OutputSettings(bytea_output="escape"))


def concatenated(left: pa.Array, right: pa.Array) -> pa.Array:
    """Join bytes."""
    return pc.binary_join_element_wise(left, right, b"")


def character_number(numbers: pa.Array) -> pa.Array:
    """Return the numbers of characters as they are. Raises PostgreSQL's errors for those of none."""
    known = numbers.drop_null().to_numpy(zero_copy_only=False)
    if (known < 0).any():
        raise ValueError("[22023] character number must be positive")
    if (known == 0).any():
        raise ValueError("[54000] null character not permitted")
    for word, wrong in (("too large", known > 0x10FFFF), ("not valid", (known >= 0xD800) & (known <= 0xDFFF))):
        if wrong.any():
            raise ValueError(f"[54000] requested character {word} for encoding: {known[wrong][0]}")
    return numbers


def hex_digits(texts: pa.Array) -> pa.Array:
    """Return hexadecimal digits without the spaces between them. Raises an error for what are none."""
    digits = pc.replace_substring_regex(texts, _SPACES, "")
    return _all_digits(digits, "^(?:[0-9A-Fa-f]{2})*$")


def base64_digits(texts: pa.Array) -> pa.Array:
    """Return digits of base64 without the spaces between them. Raises an error for what are none, and for signs of
    equality inside of them, behind which PostgreSQL reads on.
    """
    digits = pc.replace_substring_regex(texts, _SPACES, "")
    return _all_digits(digits, "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$")


def _all_digits(digits: pa.Array, pattern: str) -> pa.Array:
    """Raise an error for digits that are not as a pattern has them. It does not say which: they may be hidden."""
    if pc.all(pc.match_substring_regex(digits, pattern)).as_py() is False:
        raise ValueError("[22023] invalid data for decode()")
    return digits


def array_as_text(values: pa.Array, style: pa.Array) -> pa.Array:
    """Write arrays in a ``DateStyle``."""
    if not len(values):
        return pa.array([], pa.string())
    element = natural_oid(element_type(values.type))
    column = OutputColumn(registry.BY_OID[element].array)
    encode = column_encoder(values.type, column, OutputSettings(date_style=_constant(style)))
    return binary_of_field(encode(values)).cast(pa.string())


def _written(values: pa.Array, column: OutputColumn, settings: OutputSettings) -> pa.Array:
    """Return values as a client is sent them."""
    if not len(values):
        return pa.array([], pa.string())
    try:
        encode = scalar_encoder(values.type, column, settings)
        return binary_of_field(encode(values)).cast(pa.string())
    except SqlError as error:
        raise ValueError(f"[{error.sqlstate.value}] {error.message}") from None


def _constant(values: pa.Array) -> Any:
    """Return what an argument is for all rows; None where there are none."""
    return values[0].as_py() if len(values) else None


def split_by_pattern(values: pa.Array, patterns: pa.Array) -> pa.Array:
    """Split texts at each match of one pattern, the same for all rows."""
    distinct = pc.unique(patterns).drop_null()
    if len(distinct) > 1:
        raise ValueError("[0A000] regexp_split_to_array with a pattern that is not a constant is not available")
    if len(distinct) == 0:
        return pa.nulls(len(values), pa.list_(pa.string()))
    return pc.split_pattern_regex(values, distinct[0].as_py())


def pairs_joined(lists: pa.Array) -> pa.Array:
    """Join the values of each list's pairs of a separator and a value; the first separator is left out."""
    chunk = lists.combine_chunks() if isinstance(lists, pa.ChunkedArray) else lists
    pairs = pc.list_flatten(chunk)
    words = pc.list_flatten(pairs)
    sizes = pc.multiply(pc.fill_null(pc.list_value_length(chunk), 0), pa.scalar(2, pa.int32()))
    offsets = np.concatenate([[0], np.cumsum(sizes.to_numpy(zero_copy_only=False))]).astype(np.int32)
    empty = pa.scalar("" if pa.types.is_string(words.type) else b"", words.type)
    first = np.zeros(len(words), dtype=bool)
    first[offsets[:-1][np.diff(offsets) > 0]] = True
    kept = pc.if_else(pa.array(first), empty, pc.fill_null(words, empty))
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), kept), empty)
    return pc.if_else(pc.is_valid(chunk), joined, pa.scalar(None, joined.type))
