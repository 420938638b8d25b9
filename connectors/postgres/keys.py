"""Keys of a join's other side as conditions of the remote query: an array that the server looks up or hashes.

They stand in the text as one constant, ``'{1,2,3}'::int8[]``: rows come by COPY, which takes no parameters. The text is
written whole columns at a time. What cannot be written exactly as the server reads it is no condition, so that the scan
sends more rows than it need, and never fewer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from catalog.names import always_quoted, quote_literal
from catalog.scans import Keys
from connectors.postgres.shapes import ColumnShape

MOST_KEYS = 100_000  # of one scan; a server looks at each of them while it plans
_MOST_BYTES = 8 << 20  # of their text
_FIRST_DAY, _LAST_DAY = -719162, 2932896  # 0001-01-01 and 9999-12-31 in days of the Unix epoch
_MICROSECONDS_A_DAY = 86_400_000_000
_TEXTS = frozenset({"text", "bpchar"})


def written_keys(columns: Mapping[str, ColumnShape], keys: Iterable[Keys]) -> tuple[str, ...]:
    """Return a condition for each set of keys that can be asked of this server."""
    found = ((one, columns.get(one.column)) for one in keys)
    conditions = (condition(shape, one) for one, shape in found if shape is not None)
    return tuple(one for one in conditions if one is not None)


def condition(shape: ColumnShape, keys: Keys) -> str | None:
    """Return the condition that a column has one of the keys; a range where they are many. None where the server's
    equality is another one, or a key has no text that it would read.
    """
    values = keys.values
    if not shape.takes_equality() or values.type != shape.type.arrow:
        return None
    column, cast = shape.type.compared.format(always_quoted(keys.column)), shape.type.literal
    if not len(values):
        return "false"
    texts = _texts(values, cast)
    if texts is None:
        return None
    if len(texts) > MOST_KEYS or pc.sum(pc.binary_length(texts)).as_py() > _MOST_BYTES:
        return _range(shape, column, texts)
    return f"{column} = ANY ({quote_literal(_array(texts))}::{cast}[])"


def _range(shape: ColumnShape, column: str, texts: pa.Array) -> str | None:
    """Keys are sorted as Arrow sorts, which has to be the server's order: it is not that of padded texts."""
    if not shape.takes_order() or shape.type.literal == "bpchar" or not len(texts):
        return None
    low, high = (quote_literal(texts[end].as_py()) for end in (0, -1))
    return f"{column} BETWEEN {low}::{shape.type.literal} AND {high}::{shape.type.literal}"


def _texts(values: pa.Array, cast: str) -> pa.Array | None:
    """Return what the type's input function reads for each value, or None where it would not."""
    arrow = values.type
    if pa.types.is_integer(arrow) or pa.types.is_decimal(arrow):
        return values.cast(pa.string())
    if pa.types.is_date32(arrow):
        return values.cast(pa.string()) if _are_between(values.cast(pa.int32()), _FIRST_DAY, _LAST_DAY) else None
    if pa.types.is_timestamp(arrow):
        first, end = (day * _MICROSECONDS_A_DAY for day in (_FIRST_DAY, _LAST_DAY + 1))
        if not _are_between(values.cast(pa.int64()), first, end - 1):
            return None
        text = values.cast(pa.timestamp("us")).cast(pa.string())
        return text if arrow.tz is None else pc.binary_join_element_wise(text, "+00", "")
    if pa.types.is_string(arrow) and cast in _TEXTS:  # no text of the server's has a zero byte
        return values.filter(pc.invert(pc.match_substring(values, "\0")))
    return None


def _are_between(numbers: pa.Array, first: int, last: int) -> bool:
    extent = pc.min_max(numbers)
    return bool(first <= extent["min"].as_py() and extent["max"].as_py() <= last)


def _array(texts: pa.Array) -> str:
    """Return the text of an array of PostgreSQL's."""
    escaped = pc.replace_substring(pc.replace_substring(texts, "\\", "\\\\"), '"', '\\"')
    joined = pc.binary_join(pa.ListArray.from_arrays([0, len(escaped)], escaped), '","')
    return f'{{"{joined[0].as_py()}"}}' if len(escaped) else "{}"
