"""Structs, maps and lists as the text of PostgreSQL's jsonb, built by joining whole columns of strings.

jsonb keeps the keys of an object by length and then by bytes, one of each, the last one given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.types import is_list
from gateway.values.arrays import lengths_of
from gateway.values.encodings import distinct_values, indices_of, is_encoded, missing_rows
from gateway.values.escaping import with_backslashes
from gateway.values.fields import Int64s, binary_of_field, validity
from gateway.values.floats import plain_float_text
from gateway.values.scalars import natural_encoder
from gateway.values.settings import OutputSettings
from gateway.values.strings import parts_of, plain_string

_SPACE = 32  # the first character that is not a control character
_SHORT_ESCAPES = {8: b"\\b", 9: b"\\t", 10: b"\\n", 12: b"\\f", 13: b"\\r"}


@dataclass(frozen=True, slots=True)
class _Form:
    """How texts are written. ``in_literal``: with the backslashes that they have in the literal of an array."""

    settings: OutputSettings
    in_literal: bool

    @property
    def quote(self) -> str:
        return '\\"' if self.in_literal else '"'


def json_text(values: pa.Array, settings: OutputSettings, *, in_literal: bool = False) -> pa.Array:
    """Return each value of an array of any type as jsonb prints it, as strings; NULLs stay NULL. ``in_literal``: as it
    stands in quotes in the literal of an array.
    """
    texts = _json(values, _Form(settings, in_literal))
    return pc.if_else(pa.array(validity(values)), texts, None) if values.null_count else texts


def _json(values: pa.Array, form: _Form) -> pa.Array:
    """Return jsonb texts, ``null`` for NULLs."""
    kind = values.type
    types = pa.types
    if is_encoded(kind):
        texts = _json(distinct_values(values), form)
        return pc.fill_null(texts.take(pa.array(indices_of(values), mask=missing_rows(values))), "null")
    if isinstance(kind, pa.BaseExtensionType):
        return _json_of_extension(values, form)
    if types.is_null(kind):
        return _nulls(values)
    if types.is_struct(kind):
        texts = _object(values, form)
    elif types.is_map(kind):
        texts = _map(values, form)
    elif is_list(kind):
        texts = _list(values, form)
    else:
        texts = _scalar(values, form)
    return pc.if_else(pa.array(validity(values)), texts, "null") if values.null_count else texts


def _scalar(values: pa.Array, form: _Form) -> pa.Array:
    kind = values.type
    types = pa.types
    if types.is_boolean(kind) or types.is_integer(kind):
        return values.cast(pa.string())
    if types.is_decimal(kind):
        return _natural(values, form)
    if types.is_floating(kind):
        numbers = values.cast(pa.float32()) if types.is_float16(kind) else values
        texts = plain_float_text(numbers)
        texts = pc.if_else(pc.equal(texts, "-0"), "0", texts)
        return pc.if_else(pc.is_finite(numbers), texts, pc.binary_join_element_wise(form.quote, texts, form.quote, ""))
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return _quoted(plain_string(values), form)
    texts = _natural(values, form)
    if types.is_timestamp(kind):
        texts = pc.replace_substring(texts, " ", "T", max_replacements=1)
    return _quoted(texts, form)


def _natural(values: pa.Array, form: _Form) -> pa.Array:
    return binary_of_field(natural_encoder(values.type, form.settings)(values)).cast(pa.string())


def _object(values: pa.Array, form: _Form) -> pa.Array:
    columns = dict(zip(values.type.names, values.flatten(), strict=True))  # of several columns of one name the last
    names = sorted(columns, key=lambda name: (len(name.encode()), name.encode()))
    if not names:
        return pa.array(["{}"] * len(values), pa.string())
    keys = _quoted(pa.array(names, pa.string()), form).to_pylist()
    pieces: list[pa.Array | str] = []
    before = "{"
    for name, key in zip(names, keys, strict=True):
        mark, texts = _marked(columns[name], form)
        pieces += [f"{before}{key}: {mark}", texts]
        before = f"{mark}, "
    return pc.binary_join_element_wise(*pieces, f"{mark}}}", "")


def _marked(values: pa.Array, form: _Form) -> tuple[str, pa.Array]:
    """Return jsonb texts, and what is to stand before and behind each: quotes that are joined with other pieces need no
    step of their own.
    """
    if _is_text(values.type) and not values.null_count:
        return form.quote, _escaped(plain_string(values), form)
    return "", _json(values, form)


def _map(values: pa.Array, form: _Form) -> pa.Array:
    rows = len(values)
    entries = values.cast(pa.map_(values.type.key_type, values.type.item_type))
    counts = lengths_of(_as_list(entries))
    flat = _as_list(entries).flatten()
    keys, (mark, items) = flat.field(0), _marked(flat.field(1), form)
    keys = plain_string(keys) if _is_text(keys.type) else _natural(keys, form)
    owners = np.repeat(np.arange(rows), counts)
    kept = _ordered(owners, keys)
    if kept is not None:
        owners, keys, items = owners[kept], keys.take(pa.array(kept)), items.take(pa.array(kept))
    quote = form.quote
    members = pc.binary_join_element_wise(quote, _escaped(keys, form), f"{quote}: {mark}", items, mark, "")
    bounds = np.concatenate(([0], np.cumsum(np.bincount(owners, minlength=rows))))
    lists = pa.ListArray.from_arrays(pa.array(bounds.astype(np.int32)), members)
    return pc.binary_join_element_wise("{", pc.binary_join(lists, ", "), "}", "")


def _ordered(owners: Int64s, keys: pa.Array) -> Int64s | None:
    """Return the places of an object's members in jsonb's order, which is that of the keys' sizes and then of their
    bytes, and of several of one key the last; None where they stand so already, which sizes alone often tell.
    """
    sizes = np.diff(parts_of(keys)[0])
    if ((sizes[1:] > sizes[:-1]) | (owners[1:] != owners[:-1])).all():
        return None
    frame = pa.table({"owner": owners, "size": sizes, "key": keys.cast(pa.binary())})
    order = pc.sort_indices(frame, [("owner", "ascending"), ("size", "ascending"), ("key", "ascending")])
    places: Int64s = order.to_numpy().astype(np.int64)
    sorted_keys = keys.take(order)
    same = pc.equal(sorted_keys[1:], sorted_keys[:-1]).to_numpy(zero_copy_only=False)
    last = np.ones(len(places), np.bool_)
    last[:-1] = ~(same & (owners[places][1:] == owners[places][:-1]))
    kept: Int64s = places[last]
    return kept


def _list(values: pa.Array, form: _Form) -> pa.Array:
    bounds = np.concatenate(([0], np.cumsum(lengths_of(values)))).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(bounds), _json(values.flatten(), form))
    return pc.binary_join_element_wise("[", pc.binary_join(lists, ", "), "]", "")


def _json_of_extension(values: pa.Array, form: _Form) -> pa.Array:
    if values.type.extension_name == "arrow.json":
        texts = plain_string(values.storage)
        return pc.fill_null(with_backslashes(texts).cast(pa.string()) if form.in_literal else texts, "null")
    if values.type.extension_name in {"arrow.uuid", "arrow.bool8"}:
        texts = _natural(values, form)
        texts = texts if values.type.extension_name == "arrow.bool8" else _quoted(texts, form)
        return pc.fill_null(texts, "null")
    return _json(values.storage, form)


def _quoted(texts: pa.Array, form: _Form) -> pa.Array:
    """Return strings in double quotes, escaped as jsonb does."""
    return pc.binary_join_element_wise(form.quote, _escaped(texts, form), form.quote, "")


def _escaped(texts: pa.Array, form: _Form) -> pa.Array:
    """Return strings as they stand in quotes."""
    escaped = with_backslashes(texts)
    data = parts_of(escaped)[1]
    for code in np.unique(data[data < _SPACE]).tolist():
        escaped = pc.replace_substring(escaped, bytes((code,)), _SHORT_ESCAPES.get(code, b"\\u%04x" % code))
    if form.in_literal:
        escaped = with_backslashes(escaped)
    return escaped.view(pa.string())


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _as_list(entries: pa.MapArray) -> pa.ListArray:
    """Return a map array as the list of its entries, which has the same layout."""
    kind = pa.list_(pa.struct([entries.type.key_field, entries.type.item_field]))
    buffers = entries.buffers()[:2]
    inner = pa.StructArray.from_arrays([entries.keys, entries.items], fields=list(kind.value_type))
    return pa.Array.from_buffers(kind, len(entries), buffers, children=[inner], offset=entries.offset)


def _nulls(values: pa.Array) -> pa.Array:
    return pa.array(["null"] * len(values), pa.string())
