"""Quotients of numerics of at most eighteen digits, on Arrow arrays: sixteen bytes and more are divided in parts that
eight bytes hold, fourteen digits behind the point at a time.

What the engine's own numerics take ten times as long for: they are divided as 76 digits, and rounded one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gateway.sql.engine_dialect.array_views import is_known, known_bits, made, viewed
from gateway.sql.engine_dialect.number_functions import digits_of_quotient, rounded_quotient
from gateway.sql.engine_dialect.wide_decimals import words_of

_NUMERIC, _LONGER = pa.decimal256(76, 28), pa.decimal256(76, 29)
_MOST_DIGITS, _PART = 28, 14  # behind the point, and in each half of those
_KEPT, _GROUP = 16, 4  # significant digits, and how many PostgreSQL counts at a time
_EXACT = 2.0**53
_MOST_OF_8_BYTES = 18  # digits
_SMALLEST = 1e-12  # a quotient of which sixteen digits end within twenty-eight behind the point
_STEPS = ((14,), (7, 7), (5, 5, 4), (4, 4, 3, 3))  # the digits of a half, found in so many divisions
_IN_TWO_WORDS = 10**10  # whole numbers that have twenty-eight digits behind them in 128 bits
_HIGH, _LOW = (np.int64(part) for part in divmod(10**_MOST_DIGITS, 2**64))
_HALF = np.int64(10**_PART)
_WORD = 2.0**-64
_WEIGHTS = 20  # no quotient is of more groups, or fewer
_FIRST_UNITS = np.array([10.0 ** max(_PART - scale, 0) for scale in range(_MOST_DIGITS + 1)])
_FIRST_HALVES = np.where(_FIRST_UNITS > 1, _FIRST_UNITS / 2, 0.0)
_LAST_UNITS = np.array([10.0 ** (_MOST_DIGITS - scale if scale >= _PART else _PART + 1) for scale in range(29)])
_LAST_HALVES = np.array([10 ** (_MOST_DIGITS - scale) // 2 if scale >= _PART else 0 for scale in range(29)], float)

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Parts = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class _Division:
    """The digits of quotients: before the point, the first fourteen behind it, the next, whether the digit behind those
    rounds up, and how many are kept.
    """

    whole: _Parts
    first: _Parts
    last: _Parts
    above: npt.NDArray[np.bool_]
    kept: _Ints
    negative: npt.NDArray[np.bool_]
    bits: pa.Buffer | None


_General = Callable[[pa.Array, pa.Array, pa.Array, pa.Array], pa.Array]  # of quotients with all their digits


def divided(left: pa.Array, right: pa.Array, least: pa.Array) -> pa.Array:
    """Divide decimal128 of at most eighteen digits, with the digits that PostgreSQL keeps: ``least`` at the fewest."""
    found = _division(left, right, least, rounded_quotient)
    if not isinstance(found, _Division):
        return found
    return _joined(found.whole, *_rounded(found), found.negative, found.bits)


def divided_digits(left: pa.Array, right: pa.Array, least: pa.Array) -> pa.Array:
    """Return `divided` as text, with as many digits as PostgreSQL shows of each."""
    found = _division(left, right, least, digits_of_quotient)
    if not isinstance(found, _Division):
        return found
    first, last = _rounded(found)
    pieces, places = [], []
    for scale in np.unique(found.kept):
        chosen = np.flatnonzero(found.kept == scale)
        every = len(chosen) == len(first)
        of: Any = slice(None) if every else chosen
        pieces.append(_written(found.whole[of], first[of], last[of], found.negative[of], int(scale)))
        places.append(chosen)
    if not pieces:
        return pa.array([], pa.string())
    texts = pieces[0] if len(pieces) == 1 else pa.concat_arrays(pieces)
    if len(pieces) > 1:
        order = np.empty(len(first), np.int64)
        order[np.concatenate(places)] = np.arange(len(first))
        texts = texts.take(pa.array(order))
    if found.bits is None:
        return texts
    return pa.Array.from_buffers(pa.string(), len(texts), [found.bits, *texts.buffers()[1:]])


def _written(whole: _Parts, first: _Parts, last: _Parts, negative: npt.NDArray[np.bool_], scale: int) -> pa.Array:
    """Write numbers with so many digits behind the point; ``-0`` is no number of PostgreSQL's."""
    before, high = whole.astype(np.int64), first.astype(np.int64)
    low = last.astype(np.int64)
    full = low == _HALF  # what rounding has carried
    high, low = high + full, np.where(full, 0, low)
    full = high == _HALF
    before, high = before + full, np.where(full, 0, high)
    if scale <= _PART:
        behind = [_padded(high // 10 ** (_PART - scale), scale)] if scale else []
    elif scale <= _MOST_OF_8_BYTES:
        more = 10 ** (scale - _PART)
        behind = [_padded(high * more + low // 10 ** (_MOST_DIGITS - scale), scale)]
    else:
        behind = [_padded(high, _PART), _padded(low // 10 ** (_MOST_DIGITS - scale), scale - _PART)]
    signs = []
    if negative.any():
        signs = [pc.if_else(pa.array(negative & ((before | high | low) != 0)), "-", "")]
    point = ["."] if behind else []
    return pc.binary_join_element_wise(*signs, pa.array(before).cast(pa.string()), *point, *behind, "")


def _padded(values: _Ints, digits: int) -> pa.Array:
    return pc.ascii_lpad(pa.array(values).cast(pa.string()), digits, "0")


def _division(left: pa.Array, right: pa.Array, least: pa.Array, general: _General) -> _Division | pa.Array:
    """Divide as far as `divided` asks; where a quotient may be too small for that, return what is made in general."""
    scales = left.type.scale, right.type.scale
    given, by = _lowest(left), _lowest(right)
    bits = known_bits(left, right)
    negative = (given ^ by) < 0
    divisors = _divisors(by, left, right)
    given = np.abs(given)
    if bits is not None:
        given *= is_known(left, right)
    top = given * 10 ** (scales[1] - scales[0]) if scales[1] > scales[0] else given
    bottom = divisors * 10 ** (scales[0] - scales[1]) if scales[0] > scales[1] else divisors
    whole, first, last, above = _digits(top, bottom)
    if _may_be_small(top, bottom):
        found = _with_next_digit(_joined(whole, first, last, negative, bits), above, negative)
        sizes = [pa.array(one * 10.0**-scale) for one, scale in zip((given, divisors), scales, strict=True)]
        return general(found, sizes[0], sizes[1], least)
    return _Division(whole, first, last, above, _kept(given, divisors, scales, viewed(least, np.int64)), negative, bits)


def _with_next_digit(cut: pa.Array, above: npt.NDArray[np.bool_], negative: npt.NDArray[np.bool_]) -> pa.Array:
    """Return numbers with a digit behind their last: 5 where the rest is half of the last or more."""
    words = np.zeros((len(cut), 4), np.int64)
    words[:, 0] = above * np.where(negative, -5, 5)
    words[:, 1:] = words[:, :1] >> 63
    longer = pa.decimal256(75, 29)  # to which numbers of so many digits may be added
    return pc.add(cut.cast(longer), made(longer, words, None)).cast(_LONGER)


def _may_be_small(top: _Ints, bottom: _Ints) -> bool:
    """Whether a quotient may have more digits than are held."""
    if int(bottom.max(initial=1)) * _SMALLEST <= 1:
        return False
    return bool(((top / bottom < _SMALLEST) & (top != 0)).any())


def _lowest(values: pa.Array) -> _Ints:
    """Return the lower half of each number's sixteen bytes."""
    return viewed(values, np.dtype(("<i8", 2)))[:, 0] if len(values) else np.zeros(0, np.int64)


def _divisors(by: _Ints, left: pa.Array, right: pa.Array) -> _Ints:
    """Return the sizes of divisors, 1 for NULL. Raises 22012 where a known number is divided by 0."""
    found: _Ints = np.abs(by)
    if right.null_count:
        found = np.where(is_known(right), found, 1)
    zero = found == 0
    if zero.any():
        if (zero & is_known(left, right)).any():
            raise ZeroDivisionError("[22012] division by zero")
        found = np.where(zero, 1, found)
    return found


def _digits(top: _Ints, bottom: _Ints) -> tuple[_Parts, _Parts, _Parts, npt.NDArray[np.bool_]]:
    """Return the digits of quotients before the point, the first fourteen behind it, the next, and whether the rest is
    half of a digit or more: in floats where these are exact, which processors divide several at a time.
    """
    largest = int(bottom.max(initial=1))
    in_floats = int(top.max(initial=0)) < _EXACT and largest * 10.0**5 < _EXACT
    room = _EXACT if in_floats else 2.0**63
    steps = next(steps for steps in _STEPS if largest * 10.0 ** steps[0] < room)
    of: _Parts = top.astype(np.float64) if in_floats else top
    by: _Parts = bottom.astype(np.float64) if in_floats else bottom
    whole = _cut(of, by)
    rest = of - whole * by
    halves: list[_Parts] = []
    for _ in range(2):
        half: _Parts | None = None
        for digits in steps:
            rest *= 10**digits
            found = _cut(rest, by)
            rest -= found * by
            half = found if half is None else half * 10**digits + found
        assert half is not None
        halves.append(half)
    return whole, halves[0], halves[1], rest * 2 >= by


def _cut(of: _Parts, by: _Parts) -> _Parts:
    """Divide whole numbers. A quotient of floats that are whole and exact is never rounded up to the next."""
    if of.dtype.kind == "f":
        found = of / by
        return np.floor(found, out=found)
    return of // by


def _kept(given: _Ints, divisors: _Ints, scales: tuple[int, int], least: _Ints) -> _Ints:
    """Return how many digits behind the point PostgreSQL keeps (its ``select_div_scale``): sixteen significant ones,
    counted in groups of four, from the first groups of both numbers.
    """
    left, right = _first_group(given, scales[0]), _first_group(divisors, scales[1])
    if scales[0]:
        left[0][given == 0] = 0
    weight = left[0] - right[0]
    weight -= left[1] <= right[1]
    fewest = int(least[0]) if len(least) else 0
    of_weights = np.clip(np.maximum(_KEPT - np.arange(-_WEIGHTS, _WEIGHTS) * _GROUP, fewest), 0, _MOST_DIGITS)
    found: _Ints = of_weights[weight.astype(np.intp) + _WEIGHTS]
    return found


def _first_group(values: _Ints, scale: int) -> tuple[npt.NDArray[np.int8], _Parts]:
    """Return the power of ten thousand that each number begins with, and how many of those it has."""
    groups = -(-scale // _GROUP)  # behind the point
    counted: _Parts = values * 10 ** (groups * _GROUP - scale)  # in the last of them
    most = int(counted.max(initial=0))
    weights = np.full(len(values), -groups, np.int8)
    bounds = [10**power for power in range(_GROUP, 20, _GROUP) if 10**power <= most]
    for bound in bounds:
        weights += (counted >= bound).view(np.int8)
    if most < _EXACT:
        counted = counted.astype(np.float64)
    units = np.array([1, *bounds], counted.dtype)
    return weights, _cut(counted, units[weights.astype(np.intp) + groups])


def _rounded(division: _Division) -> tuple[_Parts, _Parts]:
    """Round the digits behind the point to those that are kept, halves away from zero; what is carried stays in the
    half where it arises.
    """
    first, last, kept = division.first, division.last, division.kept
    fewest, most = (int(kept.min()), int(kept.max())) if len(kept) else (0, 0)
    if most == _MOST_DIGITS:
        last = last + (division.above & (kept == _MOST_DIGITS))
    scales: Any = fewest if fewest == most else kept
    if fewest < _PART:
        unit = _FIRST_UNITS[scales]
        first = np.floor((first + _FIRST_HALVES[scales]) / unit) * unit
    unit = _LAST_UNITS[scales]
    return first, np.floor((last + _LAST_HALVES[scales]) / unit) * unit


def _joined(
    whole: _Parts, first: _Parts, last: _Parts, negative: npt.NDArray[np.bool_], bits: pa.Buffer | None
) -> pa.Array:
    """Return ``whole + first / 10^14 + last / 10^28`` as numerics."""
    before = whole.astype(np.int64)
    words = np.empty((len(before), 4), np.int64)
    if int(before.max(initial=0)) < _IN_TWO_WORDS:
        words[:, 0], words[:, 1] = _in_two_words(before, first, last, negative)
        words[:, 2] = words[:, 3] = words[:, 1] >> 63
    else:
        halves = (first.astype(np.int64), _PART), (last.astype(np.int64), 0)
        words = words_of(((before, _MOST_DIGITS), *halves), negative).view(np.int64)
    return made(_NUMERIC, words, bits)


def _in_two_words(before: _Ints, high: _Parts, low: _Parts, negative: npt.NDArray[np.bool_]) -> tuple[_Ints, _Ints]:
    """Return the lower and the upper eight bytes. What leaves the lower ones is told by the sum as a float, less the
    lower bytes: it is a whole number, and the float's error far less than one.
    """
    lower = before * _LOW + high.astype(np.int64) * _HALF + low.astype(np.int64)
    total = before * float(_LOW) + high * float(_HALF) + low
    upper = np.rint((total - lower) * _WORD).astype(np.int64) + before * _HIGH + (lower >> 63)
    if negative.any():
        sign = -negative.astype(np.int64)
        lower = (lower ^ sign) - sign
        upper = (upper ^ sign) + (negative & (lower == 0))
    return lower, upper
