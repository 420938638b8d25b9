"""Floating-point numbers as text: the fewest digits that give the number back, laid out as PostgreSQL does.

Arrow finds the digits; it sets the exponent at other sizes than PostgreSQL, so such numbers are laid out again. Columns
of short decimal fractions (prices, measurements) never get there: they are integers at a scale, written by ``numbers``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gateway.values.fields import Bools, Field, field_of_binary, numbers_of, validity
from gateway.values.numbers import trimmed_text

_SCALES = (0, 1, 2, 3, 4, 6)
_SAMPLE = 64
_EXACT = {4: 10**6, 8: 10**15}  # integers below have no more digits than every float of that width keeps
_LARGEST_EXPONENT = {4: 6, 8: 15}  # from this power of ten on PostgreSQL prints an exponent
_SMALLEST_EXPONENT = -4
_MAX_FIVES = 23  # 5**24 has more bits than a float's half-way point
_MOST_BITS = 58  # digits fit into so many


def float_text(values: pa.Array) -> Field:
    """Encode an array of float32 or float64 as PostgreSQL's shortest exact text."""
    width = values.type.bit_width // 8
    numbers = numbers_of(values, f"f{width}")
    quick = _as_decimals(numbers, width, values)
    if quick is not None:
        return quick
    texts = values.cast(pa.string())
    return field_of_binary(_with_layout(texts, values, _odd(numbers, width), _LARGEST_EXPONENT[width]))


def rounded_float_text(values: pa.Array, digits: int) -> Field:
    """Encode an array of float32 or float64 with so many significant digits, as C's ``%g`` does."""
    numbers = numbers_of(values, f"f{values.type.bit_width // 8}").astype(np.float64)
    texts = pa.array(np.char.mod(f"%.{digits}g", numbers), pa.string())
    if not np.isfinite(numbers).all():
        for found, name in (("inf", "Infinity"), ("-inf", "-Infinity"), ("nan", "NaN")):
            texts = pc.if_else(pc.equal(texts, found), name, texts)
    return field_of_binary(pc.if_else(pa.array(validity(values)), texts, None) if values.null_count else texts)


def plain_float_text(values: pa.Array) -> pa.Array:
    """Return an array of float32 or float64 as strings without exponents, as numeric prints them."""
    width = values.type.bit_width // 8
    numbers = numbers_of(values, f"f{width}")
    return _with_layout(values.cast(pa.string()), values, _odd(numbers, width), 400, -400)


def _as_decimals(numbers: npt.NDArray[np.floating], width: int, values: pa.Array) -> Field | None:
    """Return the texts of numbers that all are short decimal fractions, or None."""
    for scale in _SCALES:
        if _unscaled(numbers[:_SAMPLE], width, scale) is None:
            continue
        unscaled = _unscaled(numbers, width, scale)
        if unscaled is not None and (scale <= -_SMALLEST_EXPONENT or not _has_exponent(unscaled, scale)):
            negative: Bools = np.signbit(numbers)
            return trimmed_text(unscaled, negative if negative.any() else None, scale, values)
    return None


def _has_exponent(unscaled: npt.NDArray[np.int64], scale: int) -> bool:
    """Whether a number is so small that it is printed with an exponent."""
    size = np.abs(unscaled)
    return bool(((size > 0) & (size < 10 ** (scale + _SMALLEST_EXPONENT))).any())


def _unscaled(numbers: npt.NDArray[np.floating], width: int, scale: int) -> npt.NDArray[np.int64] | None:
    """Return the numbers times 10**scale if these are small integers that give the numbers back, else None."""
    power = numbers.dtype.type(10**scale)
    with np.errstate(all="ignore"):
        whole = np.rint(numbers * power)
        exact = (np.abs(whole) < _EXACT[width]) & (whole / power == numbers)
    return whole.astype(np.int64) if exact.all() else None


def _odd(numbers: npt.NDArray[np.floating], width: int) -> Bools:
    """Return which numbers Arrow may lay out unlike PostgreSQL, a few more included."""
    size = np.abs(numbers)
    limit = 1e4 if width == 4 else 1e9
    result: Bools = ~((size < limit) & (size >= 2e-4)) & (size != 0)
    return result


def _with_layout(
    texts: pa.Array, values: pa.Array, odd: Bools, largest: int, smallest: int = _SMALLEST_EXPONENT
) -> pa.Array:
    """Return texts in which the numbers marked ``odd`` have an exponent if it is below ``smallest`` or not below
    ``largest``, and NaN and infinities their names.
    """
    odd = odd & validity(values)
    if not odd.any():
        return texts
    mask = pa.array(odd)
    width = values.type.bit_width // 8
    fixed = _lay_out(texts.filter(mask), numbers_of(values, f"f{width}")[odd], largest, smallest)
    return pc.replace_with_mask(texts, mask, fixed)


def _lay_out(texts: pa.Array, numbers: npt.NDArray[np.floating], largest: int, smallest: int) -> pa.Array:
    """Return numbers in any notation in PostgreSQL's."""
    sign = pc.if_else(pc.starts_with(texts, "-"), "-", "")
    bare = pc.utf8_ltrim(texts, "-")
    special = pc.is_in(bare, pa.array(["nan", "inf"]))
    names = pc.if_else(pc.equal(bare, "nan"), "NaN", pc.binary_join_element_wise(sign, "Infinity", ""))
    bare = pc.if_else(special, "1", bare)
    mantissa = pc.replace_substring_regex(bare, "e.*", "")
    power = pc.replace_substring_regex(bare, r"^[^e]*e?\+?", "")
    power = pc.if_else(pc.equal(power, ""), "0", power).cast(pa.int32()).to_numpy(zero_copy_only=False)
    whole = pc.utf8_length(pc.replace_substring_regex(mantissa, r"\..*", "")).to_numpy(zero_copy_only=False)
    figures = pc.replace_substring(mantissa, ".", "")
    significant = pc.utf8_ltrim(figures, "0")
    leading = pc.subtract(pc.utf8_length(figures), pc.utf8_length(significant)).to_numpy(zero_copy_only=False)
    digits = pc.utf8_rtrim(significant, "0")
    exponent = (power + whole - 1 - leading).astype(np.int64)
    digits, exponent = _strictly_between(digits, exponent, numbers)
    result = _scientific(digits, exponent)
    inside = (exponent >= smallest) & (exponent < largest)
    for value in np.unique(exponent[inside]):
        result = pc.if_else(pa.array(exponent == value), _positional(digits, int(value)), result)
    return pc.if_else(special, names, pc.binary_join_element_wise(sign, result, ""))


def _strictly_between(
    digits: pa.Array, exponent: npt.NDArray[np.int64], numbers: npt.NDArray[np.floating]
) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """Return digits in which none lies exactly half-way to the next float.

    Such digits do give the number back (ties go to the even neighbour), and Arrow takes them; PostgreSQL does not and
    prints more digits. They exist among large numbers only, where the half-way point is ``half * 2**shift`` with an odd
    ``half``, and equals ``digits * 10**ten`` only if 5**ten divides ``half``.
    """
    bits = np.finfo(numbers.dtype).nmant + 1
    large = np.flatnonzero(np.isfinite(numbers) & (np.abs(numbers) >= 2.0 ** (bits - 2)))
    if not len(large):
        return digits, exponent
    places = pa.array(large)
    figures = digits.take(places).cast(pa.int64()).to_numpy()
    counts = pc.utf8_length(digits.take(places)).to_numpy().astype(np.int64)
    ten = exponent[large] - counts + 1
    fraction, binary = np.frexp(np.abs(numbers[large]).astype(np.float64))
    mantissa = (fraction * 2.0**bits).astype(np.int64)
    better, found = figures.copy(), np.zeros(len(large), np.bool_)
    power_of_two = mantissa == 2 ** (bits - 1)  # half as far from the float below as from the one above
    always = np.ones(len(large), np.bool_)
    for factor, side, where in ((2, 1, always), (2, -1, ~power_of_two), (4, -1, power_of_two)):
        half = mantissa * factor + side
        shift = binary.astype(np.int64) - bits - factor // 2
        tie = where & ~found & _equal(figures, ten, half, shift)
        better[tie], ten[tie] = _next_digits(figures[tie], ten[tie], shift[tie], side)
        found |= tie
    if not found.any():
        return digits, exponent
    changed = pa.array(better).cast(pa.string())
    mask = np.zeros(len(digits), np.bool_)
    mask[large[found]] = True
    sizes = pc.utf8_length(changed).to_numpy().astype(np.int64)
    exponent = exponent.copy()
    exponent[large[found]] = (ten + sizes - 1)[found]
    return pc.replace_with_mask(digits, pa.array(mask), changed.filter(pa.array(found))), exponent


def _equal(
    figures: npt.NDArray[np.int64],
    ten: npt.NDArray[np.int64],
    half: npt.NDArray[np.int64],
    shift: npt.NDArray[np.int64],
) -> Bools:
    """Return where ``figures * 10**ten`` is ``half * 2**shift``."""
    possible = (ten >= -2) & (ten <= _MAX_FIVES)
    fives = 5 ** np.where(possible & (ten > 0), ten, 0)
    left = figures
    whole = half // fives
    right_fives = 5 ** np.where(possible & (ten < 0), -ten, 0)
    move = shift - ten
    possible &= (half % fives == 0) & (np.abs(move) < _MOST_BITS)
    move = np.where(possible, move, 0)
    up, down = np.maximum(move, 0), np.maximum(-move, 0)
    raised = whole * right_fives
    result: Bools = (
        possible & (left >> up << up == left) & (left >> up == raised >> down) & (raised >> down << down == raised)
    )
    return result


def _next_digits(
    figures: npt.NDArray[np.int64], ten: npt.NDArray[np.int64], shift: npt.NDArray[np.int64], side: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the fewest digits between a float and the half-way point ``figures * 10**ten``, which is 2**shift away."""
    figures, ten = figures.copy(), ten.copy()
    distance = np.ldexp(1.0, shift.astype(np.int32)) / 10.0**ten
    todo = np.ones(len(figures), np.bool_)
    while todo.any():
        figures[todo] *= 10
        ten[todo] -= 1
        distance[todo] *= 10
        ready = todo & (np.rint(distance) >= 1)
        figures[ready] -= side * np.rint(distance[ready]).astype(np.int64)
        todo &= ~ready
    return figures, ten


def _scientific(digits: pa.Array, exponent: npt.NDArray[np.int64]) -> pa.Array:
    rest = pc.utf8_slice_codeunits(digits, 1)
    point = pc.if_else(pc.equal(rest, ""), "", ".")
    mark = pa.array(np.where(exponent < 0, "e-", "e+"))
    size = pc.utf8_lpad(pa.array(np.abs(exponent)).cast(pa.string()), 2, "0")
    return pc.binary_join_element_wise(pc.utf8_slice_codeunits(digits, 0, 1), point, rest, mark, size, "")


def _positional(digits: pa.Array, exponent: int) -> pa.Array:
    """Return ``digits`` with the point after the digit of 10**0, the first digit being that of 10**exponent."""
    if exponent < 0:
        return pc.binary_join_element_wise("0." + "0" * (-exponent - 1), digits, "")
    whole = pc.utf8_rpad(pc.utf8_slice_codeunits(digits, 0, exponent + 1), exponent + 1, "0")
    rest = pc.utf8_slice_codeunits(digits, exponent + 1)
    return pc.binary_join_element_wise(whole, pc.if_else(pc.equal(rest, ""), "", "."), rest, "")
