"""Text functions on Arrow arrays."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def float8_text(values: pa.Array) -> pa.Array:
    """Write doubles as PostgreSQL does: the shortest digits that read back, an exponent below 1e-4 and from 1e15."""
    return _spelt(values, 1e15)


def float4_text(values: pa.Array) -> pa.Array:
    """Write reals as PostgreSQL does: an exponent below 1e-4 and from 1e6."""
    return _spelt(values, 1e6)


def _spelt(values: pa.Array, exponent_from: float) -> pa.Array:
    written = values.cast(pa.string())
    size = pc.abs(values)
    finite = pc.is_finite(values)
    large = pc.fill_null(pc.and_(finite, pc.greater_equal(size, exponent_from)), False)
    small = pc.fill_null(pc.and_(finite, pc.and_(pc.less(size, 1e-4), pc.greater(size, 0.0))), False)
    middle = pc.invert(pc.or_(large, small))
    if pc.any(pc.and_(middle, pc.match_substring(pc.fill_null(written, ""), "e"))).as_py():
        written = pc.if_else(middle, _without_exponent(values, written), written)
    if pc.any(large).as_py() or pc.any(small).as_py():
        written = pc.if_else(pc.or_(large, small), _with_exponent(written), written)
    written = pc.replace_substring_regex(written, r"\.0$", "")
    names = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN", "-nan": "NaN"}
    for found, name in names.items():
        written = pc.if_else(pc.equal(written, found), name, written)
    return written


def _without_exponent(values: pa.Array, written: pa.Array) -> pa.Array:
    """Spell out ``1e+06``: whole numbers by way of integers; Arrow writes an exponent only for those."""
    whole = pc.if_else(pc.less(pc.abs(values), 9e18), values, 0.0)
    plain = pc.trunc(whole).cast(pa.int64()).cast(pa.string())
    return pc.if_else(pc.match_substring(written, "e"), plain, written)


def _with_exponent(written: pa.Array) -> pa.Array:
    """Give every number a mantissa of one digit before the point and an exponent of two digits or more."""
    parts = pc.extract_regex(
        written, r"^(?P<sign>-?)(?P<whole>\d+)(?:\.(?P<fraction>\d+))?(?:e(?P<exponent>[-+]?\d+))?$"
    )
    sign, whole, fraction = (pc.struct_field(parts, name) for name in ("sign", "whole", "fraction"))
    exponent = pc.struct_field(parts, "exponent")
    fraction, exponent = pc.fill_null(fraction, ""), pc.fill_null(exponent, "")
    shift = pc.if_else(pc.equal(exponent, ""), "0", pc.replace_substring(exponent, "+", "")).cast(pa.int64())
    digits = pc.binary_join_element_wise(whole, fraction, "")
    significant = pc.utf8_ltrim(digits, characters="0")
    leading = pc.subtract(pc.utf8_length(digits), pc.utf8_length(significant))
    power = pc.subtract(pc.add(shift, pc.subtract(pc.utf8_length(whole).cast(pa.int64()), 1)), leading.cast(pa.int64()))
    mantissa = pc.utf8_rtrim(significant, characters="0")
    first, rest = pc.utf8_slice_codeunits(mantissa, 0, 1), pc.utf8_slice_codeunits(mantissa, 1)
    point = pc.if_else(pc.equal(rest, ""), "", ".")
    power_sign = pc.if_else(pc.less(power, 0), "e-", "e+")
    power_text = pc.utf8_lpad(pc.abs(power).cast(pa.string()), 2, "0")
    return pc.binary_join_element_wise(sign, first, point, rest, power_sign, power_text, "")


def split_by_pattern(values: pa.Array, patterns: pa.Array) -> pa.Array:
    """Split texts at each match of one pattern, the same for all rows."""
    distinct = pc.unique(patterns).drop_null()
    if len(distinct) > 1:
        raise ValueError("[0A000] regexp_split_to_array with a pattern that is not a constant is not available")
    if len(distinct) == 0:
        return pa.nulls(len(values), pa.list_(pa.string()))
    return pc.split_pattern_regex(values, distinct[0].as_py())
