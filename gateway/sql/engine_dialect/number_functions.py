"""Number functions on Arrow arrays."""

from __future__ import annotations

import decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.sql.engine_dialect.array_views import is_known, known_bits, made, viewed
from gateway.sql.engine_dialect.wide_decimals import wide_decimals

_QUOTIENT = pa.decimal256(76, 28)
_SMALLEST = 1e-12  # a quotient of which sixteen digits end within twenty-eight behind the point
_MIN_DIGITS = 16  # NUMERIC_MIN_SIG_DIGITS
_GROUP = 4  # decimal digits of a digit of PostgreSQL's numeric
_MOST_BEFORE = 48  # digits before the point, where 28 of 76 stand behind it
_BEYOND = 10.0**_MOST_BEFORE
_REAL_DIGITS = 6  # FLT_DIG, of a real
_SPLIT = 2.0**27 + 1
_MOST_BUCKETS = 2.0**53
_FLOAT_DIGITS = 15  # DBL_DIG: what a double keeps when it becomes a numeric
_POWERS = np.array([float(f"1e{exponent}") for exponent in range(309)])
_WHOLE_POWERS = np.array([10**exponent for exponent in range(19)], dtype=np.uint64)
_MOST_BEHIND = 46  # a number of fifteen digits that end there is less than half of one at the twenty-eighth


_Floats = np.ndarray[Any, np.dtype[np.float64]]
_Scales = np.ndarray[Any, np.dtype[np.int64]]


def _array(value: Any) -> pa.Array:
    return value.combine_chunks() if isinstance(value, pa.ChunkedArray) else value


def _scales(values: pa.Array) -> _Scales:
    found: _Scales = pc.fill_null(values, 0).to_numpy(zero_copy_only=False)
    return found


def _floats(values: pa.Array) -> _Floats:
    found: _Floats = pc.fill_null(values, 0.0).to_numpy(zero_copy_only=False)
    return found


def quotient_scales(left: _Floats, right: _Floats, least: _Scales) -> _Scales:
    """Return the digits after the point that PostgreSQL keeps of each ``left / right`` (its ``select_div_scale``):
    sixteen significant digits, counted in groups of four, from the first groups of both numbers, and at least as many
    as the numbers have.
    """
    weights, firsts = [], []
    for side in (np.abs(left), np.abs(right)):
        safe = np.where(side == 0, 1.0, side)
        weight = np.floor(np.log10(safe) / _GROUP + 1e-13).astype(np.int64)
        weights.append(np.where(side == 0, 0, weight))
        firsts.append(np.where(side == 0, 0, np.floor(safe / np.power(10.0, weight * _GROUP) * (1 + 1e-15))))
    weight = weights[0] - weights[1] - (firsts[0] <= firsts[1])
    return np.clip(np.maximum(_MIN_DIGITS - weight * _GROUP, least), 0, 28)


def quotient_scale(left: pa.Array, right: pa.Array, least: pa.Array) -> pa.Array:
    """Return `quotient_scales` as a column."""
    return pa.array(quotient_scales(_floats(left), _floats(right), _scales(least)))


def rounded_quotient(quotient: pa.Array, left: pa.Array, right: pa.Array, least: pa.Array) -> pa.Array:
    """Round quotients, of which one digit more than is ever kept is known, to the digits PostgreSQL keeps of each."""
    scales = _held_scales(quotient, left, right, least)
    kept = np.unique(scales)
    if len(kept) == 1:
        return _rounded(quotient, int(kept[0]))
    result = quotient.cast(_QUOTIENT, safe=False)
    for scale in kept:
        chosen = pa.array(scales == scale)
        result = pc.replace_with_mask(result, chosen, _rounded(quotient.filter(chosen), int(scale)))
    return result


def _rounded(quotient: pa.Array, scale: int) -> pa.Array:
    return pc.round(quotient, ndigits=scale, round_mode="half_towards_infinity").cast(_QUOTIENT, safe=False)


def _held_scales(quotient: pa.Array, left: pa.Array, right: pa.Array, least: pa.Array) -> _Scales:
    """Return `quotient_scales` of quotients that have enough digits for them."""
    parts = _floats(left), _floats(right)
    _require_digits(quotient, *parts)
    return quotient_scales(*parts, _scales(least))


def _require_digits(quotient: pa.Array, left: _Floats, right: _Floats) -> None:
    """Raise 22003 where a quotient is so small that twenty-eight digits behind the point are fewer than sixteen
    significant ones, and it has more than those.
    """
    with np.errstate(all="ignore"):
        ratio = np.abs(left / right)
        small = (ratio > 0) & (ratio < _SMALLEST)
    if not small.any():
        return
    held = quotient.take(pa.array(np.flatnonzero(small)))
    away = np.abs(np.abs(_floats(held.cast(pa.float64()))) - ratio[small])
    last = pc.not_equal(pc.round(held, ndigits=24), held).to_numpy(zero_copy_only=False)
    if (last | (away > ratio[small] * 1e-15)).any():
        raise ValueError("[22003] a quotient has more digits behind the point than lake tables hold")


def square_root(values: pa.Array) -> pa.Array:
    """Return square roots: a float's, and one step of Newton's method with an exact remainder."""
    least = pc.min(values).as_py()
    if least is not None and least < 0:
        raise ValueError("[2201F] cannot take square root of a negative number")
    guess = pc.sqrt(values.cast(pa.float64()))
    rough = pc.round(guess.cast(pa.decimal256(60, 40)), ndigits=18).cast(pa.decimal256(36, 18))
    square = pc.multiply(rough, rough).cast(pa.decimal256(75, 36))
    remainder = pc.subtract(values.cast(pa.decimal256(75, 36)), square)
    double = pc.multiply(guess, 2.0)
    step = pc.if_else(pc.equal(guess, 0.0), 0.0, pc.divide(remainder.cast(pa.float64()), double))
    return pc.add(rough.cast(pa.decimal256(60, 28)), step.cast(pa.decimal256(60, 28))).cast(_QUOTIENT)


def numeric_text(values: pa.Array) -> pa.Array:
    """Write numerics without the zeros behind their last digit."""
    return pc.replace_substring_regex(_plain_text(values, 28), r"\.?0*$", "")


def digits_of_quotient(quotient: pa.Array, left: pa.Array, right: pa.Array, least: pa.Array) -> pa.Array:
    """Write quotients with the digits PostgreSQL shows of each."""
    return _with_digits(quotient, _held_scales(quotient, left, right, least))


def digits_of_variance(values: pa.Array, left: pa.Array, right: pa.Array, least: pa.Array) -> pa.Array:
    """Write variances, and their roots, with the digits of the quotient that they are of; zero without any."""
    parts = _floats(left)
    return _with_digits(values, np.where(parts == 0, 0, quotient_scales(parts, _floats(right), _scales(least))))


def digits_by_scale(values: pa.Array, scales: pa.Array) -> pa.Array:
    """Write numerics with so many digits behind the point, as far as they are held."""
    return _with_digits(values, np.clip(_scales(scales), 0, 28))


def digits_by_size(values: pa.Array) -> pa.Array:
    """Write numerics that were computed from quotients: sixteen significant digits, by the value's own size, and all
    others that it has.
    """
    size = np.abs(_floats(values.cast(pa.float64())))
    weight = np.floor(np.log10(np.where(size == 0, 1.0, size)) / _GROUP + 1e-13).astype(np.int64)
    scales = np.clip(_MIN_DIGITS - weight * _GROUP, 0, 28)
    for scale in np.unique(scales):
        chosen = np.flatnonzero(scales == scale)
        some = values.take(pa.array(chosen))
        kept = pc.equal(pc.round(some, ndigits=int(scale), round_mode="half_towards_infinity"), some)
        cut = ~pc.fill_null(kept, True).to_numpy(zero_copy_only=False)
        if cut.any():
            scales[chosen[cut]] = _own_scales(some.filter(pa.array(cut)))
    return _with_digits(values, scales)


def own_scale(values: pa.Array) -> pa.Array:
    """Return how many digits behind the point each numeric has, without zeros at the end; none for NULL."""
    values = _array(values)
    return pa.array(_own_scales(pc.fill_null(values, pa.scalar(decimal.Decimal(0), _QUOTIENT))))


def _own_scales(values: pa.Array) -> _Scales:
    """Return how many digits behind the point each value has, without zeros at the end."""
    written = _plain_text(values, 28)
    zeros = pc.subtract(pc.utf8_length(written), pc.utf8_length(pc.utf8_rtrim(written, characters="0")))
    found: _Scales = 28 - zeros.to_numpy(zero_copy_only=False).astype(np.int64)
    return found


def _with_digits(values: pa.Array, scales: _Scales) -> pa.Array:
    """Write each value with its own number of digits behind the point."""
    if len(values) == 0:
        return pa.array([], pa.string())
    pieces, places = [], []
    for scale in np.unique(scales):
        chosen = np.flatnonzero(scales == scale)
        some = values if len(chosen) == len(values) else values.take(pa.array(chosen))
        if scale < some.type.scale:
            some = pc.round(some, ndigits=int(scale), round_mode="half_towards_infinity")
        pieces.append(_plain_text(some.cast(pa.decimal256(76, int(scale))), int(scale)))
        places.append(chosen)
    if len(pieces) == 1:
        return pieces[0]
    return pa.concat_arrays(pieces).take(pa.array(np.argsort(np.concatenate(places), kind="stable")))


def _plain_text(values: pa.Array, scale: int) -> pa.Array:
    """Write decimals of a scale without an exponent, which Arrow uses for small ones: the digits as a whole number
    first, then the point.
    """
    values = _array(values)
    whole = pa.Array.from_buffers(pa.decimal256(76, 0), len(values), values.buffers(), values.null_count, values.offset)
    largest = pc.max(pc.abs(whole)).as_py() or 0
    if largest < 10**18:
        whole = whole.cast(pa.int64())  # written ten times as fast
    digits = whole.cast(pa.string())
    negative = pc.starts_with(digits, "-")
    signs = [pc.if_else(negative, "-", "")] if pc.any(negative).as_py() else []
    digits = pc.ascii_lpad(pc.ascii_ltrim(digits, characters="-") if signs else digits, scale + 1, "0")
    if scale == 0:
        return pc.binary_join_element_wise(*signs, digits, "") if signs else digits
    before, after = pc.utf8_slice_codeunits(digits, 0, -scale), pc.utf8_slice_codeunits(digits, -scale)
    return pc.binary_join_element_wise(*signs, before, ".", after, "")


def to_numeric(values: pa.Array) -> pa.Array:
    """Turn floats into numerics of fifteen significant digits."""
    return _to_digits(values, _FLOAT_DIGITS)


def real_to_numeric(values: pa.Array) -> pa.Array:
    """Turn reals into numerics of six significant digits."""
    return _to_digits(pc.cast(values, pa.float64()), _REAL_DIGITS)


def _to_digits(values: pa.Array, significant: int) -> pa.Array:
    floats = _floats(values)
    if not np.isfinite(floats).all():
        raise ValueError("[0A000] numeric NaN and infinity are not available on lake tables")
    size = np.abs(floats)
    safe = np.where(floats == 0, 1.0, size)
    exponents = np.floor(np.log10(safe)).astype(np.int64) - (significant - 1)
    digits = _scaled(size, exponents)
    short = (digits < _POWERS[significant - 1]) & (floats != 0)  # of 9.99999999999999e46 the logarithm is 47
    if short.any():
        exponents = exponents - short
        digits = _scaled(size, exponents)
    digits = _to_nearest(digits, size, exponents)
    held = np.where(exponents < -_MOST_BEHIND, 0.0, digits)  # smaller ones are nothing behind twenty-eight digits
    if ((size >= _BEYOND) | (held >= _POWERS[np.clip(_MOST_BEFORE - exponents, 0, len(_POWERS) - 1)])).any():
        raise ValueError("[0A000] a numeric of more than 48 digits before the point is not available on lake tables")
    whole = held.astype(np.uint64)
    cut = _WHOLE_POWERS[np.clip(-exponents - 28, 0, len(_WHOLE_POWERS) - 1)]  # digits behind the twenty-eighth
    return wide_decimals((whole + cut // 2) // cut, np.maximum(exponents + 28, 0), floats < 0, values)


def _to_nearest(digits: _Floats, size: _Floats, exponents: _Scales) -> _Floats:
    """Round ``size / 10^exponent``, of which ``digits`` are the nearest floats, to whole numbers. Where such a float is
    a half, the number itself may be less or more: what the product, or quotient, has lost tells.
    """
    whole = np.floor(digits)
    half = digits - whole == 0.5
    if not half.any():
        found: _Floats = np.rint(digits)
        return found
    given, power = size[half], exponents[half]
    factors = _POWERS[np.minimum(np.abs(power), len(_POWERS) - 1)]
    with np.errstate(over="ignore", invalid="ignore"):
        lost = np.where(power < 0, _lost(given, factors, digits[half]), -_lost(digits[half], factors, given))
    up = (lost > 0) | ((lost == 0) & (whole[half] % 2 == 1))
    found = np.rint(digits)
    found[half] = whole[half] + up
    return found


def _lost(left: _Floats, right: _Floats, product: _Floats) -> _Floats:
    """Return ``left * right - product``, the product being the nearest float of it: by halves of digits (Dekker)."""
    (one, first), (other, second) = _halves(left), _halves(right)
    found: _Floats = one * other - product + one * second + first * other + first * second
    return found


def _halves(values: _Floats) -> tuple[_Floats, _Floats]:
    wide = values * _SPLIT
    upper = wide - (wide - values)
    return upper, values - upper


def _scaled(floats: _Floats, exponents: _Scales) -> _Floats:
    factors = _POWERS[np.minimum(np.abs(exponents), len(_POWERS) - 1)]
    with np.errstate(over="ignore", invalid="ignore"):
        found: _Floats = np.where(exponents < 0, floats * factors, floats / factors)
    return found


def width_bucket(values: pa.Array, low: pa.Array, high: pa.Array, buckets: pa.Array) -> pa.Array:
    """Return the number of the bucket, of equal widths, that a value falls in; 0 and n + 1 outside."""
    if (found := _usual_buckets(values, low, high, buckets)) is not None:
        return found
    span = pc.subtract(high, low)
    known = pa.array(is_known(values, low, high, buckets))  # of other rows nothing is asked
    if pc.any(pc.and_(known, pc.less_equal(buckets, 0.0))).as_py():
        raise ValueError("[2201G] count must be greater than zero")
    if pc.any(pc.and_(known, pc.equal(span, 0.0))).as_py():
        raise ValueError("[2201G] lower bound cannot equal upper bound")
    place = pc.floor(pc.add(pc.multiply(pc.divide(pc.subtract(values, low), span), buckets), 1.0))
    inside = pc.max_element_wise(pc.min_element_wise(place, pc.add(buckets, 1.0)), 0.0)
    return pc.if_else(known, inside, None).cast(pa.int64())


def _usual_buckets(values: pa.Array, low: pa.Array, high: pa.Array, buckets: pa.Array) -> pa.Array | None:
    """Return the numbers of buckets where nothing is wrong, infinite or missing but values; None elsewhere."""
    bounds = [viewed(one, np.float64) for one in (low, high, buckets)]
    given = viewed(values, np.float64)
    if any(one.null_count for one in (low, high, buckets)) or not np.isfinite(given).all():
        return None
    if not (np.isfinite(bounds).all() and bounds[2].min() > 0 and (bounds[0] != bounds[1]).all()):
        return None
    with np.errstate(all="ignore"):
        place = (given - bounds[0]) / (bounds[1] - bounds[0]) * bounds[2] + 1.0
    np.floor(place, out=place)
    np.minimum(place, bounds[2] + 1.0, out=place)
    np.maximum(place, 0.0, out=place)
    if not np.isfinite(place).all() or place.max() >= _MOST_BUCKETS:
        return None
    return made(pa.int64(), place.astype(np.int64), known_bits(values))


def at_most_one(counts: pa.Array) -> pa.Array:
    """Return true for each count of at most one; more is an error."""
    most = pc.max(counts).as_py()
    if most is not None and most > 1:
        raise ValueError("[21000] more than one row returned by a subquery used as an expression")
    return pc.less_equal(counts, 1)
