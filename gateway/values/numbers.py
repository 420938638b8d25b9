"""Integers and decimals: text by table lookups of four digits at a time, binary numeric in base 10000.

Numbers become chunks of eight decimal digits (the most significant first), a chunk becomes a word of eight characters.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gateway.values.fields import (
    LENGTH_BYTES,
    SHORT,
    Bools,
    Field,
    Int32s,
    Int64s,
    Prefixed,
    Short,
    Words,
    gather_words,
    length_words,
    numbers_of,
    scatter,
    with_nulls,
)

# Numbers below 10000 as four characters, in the low and in the high half of a word.
_FIRST_FOUR = np.frombuffer(b"".join(b"%04d" % number for number in range(10_000)), "<u4").astype(np.uint64)
_LAST_FOUR = _FIRST_FOUR << np.uint64(32)
_CHUNK_DIGITS = 8
_CHUNK = 10**_CHUNK_DIGITS
_TABLE_SIZE = 1 << 16
_ZEROS = np.uint64(int.from_bytes(b"00000000", "little"))
_LIMB_BITS = np.uint64(32)
_LOW_LIMB = np.uint64(0xFFFFFFFF)
_MINUS = ord("-")
_NUMERIC_HEADER = 8  # ndigits, weight, sign, dscale, each int16
_NUMERIC_NEGATIVE = 0x4000
_WORD_GROUPS = 4  # groups of four digits, two bytes each, in a word
_SAFE_DIGITS = 18  # decimals of this precision fit into an int64

_Counts = npt.NDArray[np.uint8]
_Zeros = npt.NDArray[np.uint16]


def integer_text(values: pa.Array) -> Field:
    """Encode an array of integers of any width as decimal text."""
    return _decimal_text(values, 0)


def decimal_text(values: pa.Array) -> Field:
    """Encode an array of decimals as text with all digits of the type's scale, which must not be negative."""
    return _decimal_text(values, values.type.scale)


def _decimal_text(values: pa.Array, scale: int) -> Field:
    chunks, negative = _magnitudes(values)
    if scale < SHORT - 1 and _are_small(chunks, negative):
        words, lengths = _small_texts(scale)
        places = chunks[0].view(np.int64)
        return Short(with_nulls(lengths.take(places), values), words.take(places))
    return _text(chunks, negative, scale, values)


def _are_small(chunks: Sequence[Words], negative: Bools | None) -> bool:
    """Return whether numbers are in the tables of small ones."""
    return negative is None and len(chunks) == 1 and int(chunks[0].max(initial=0)) < _TABLE_SIZE


@cache
def _small_numerics(scale: int) -> Prefixed:
    """Return the first numbers at a scale in binary."""
    numbers = pa.array(np.arange(_TABLE_SIZE)).cast(pa.decimal128(38, 0))
    kind = pa.decimal128(38, scale)
    return _any_numeric_binary(pa.Array.from_buffers(kind, _TABLE_SIZE, numbers.buffers()), scale, None, None)


@cache
def _small_texts(scale: int) -> tuple[Words, Int32s]:
    """Return the texts of the first numbers at a scale, and their lengths: most columns hold nothing larger."""
    numbers = pa.array(np.arange(_TABLE_SIZE))
    field = _text(_magnitudes(numbers)[0], None, scale, numbers)
    assert isinstance(field, Short)
    return field.words, field.lengths


def trimmed_text(unscaled: Int64s, negative: Bools | None, scale: int, values: pa.Array) -> Field:
    """Encode numbers given as integers at a scale as text without trailing zeros of the fraction.

    ``negative`` marks what gets a minus sign, zeros included; ``values`` says which rows are NULL.
    """
    return _text(_split(np.abs(unscaled).view(np.uint64), 0), negative, scale, values, _trailing(unscaled, scale))


def integer_binary(values: pa.Array, dtype: str) -> Short:
    """Encode an array of integers or floats whose memory layout is ``dtype`` as big-endian values of the same width."""
    numbers = numbers_of(values, dtype)
    size = numbers.dtype.itemsize
    unsigned = f"u{size}"
    words = numbers.byteswap().view(unsigned).astype(np.uint64)
    return Short(with_nulls(np.full(len(values), size, np.int32), values), words)


def numeric_binary(values: pa.Array, scales: Int64s | None = None, special: Int64s | None = None) -> Field:
    """Encode an array of integers or decimals in PostgreSQL's binary numeric format: digits in base 10000.

    ``scales`` are the digits shown behind the point where that differs by row; ``special`` replaces sign and scale of
    the rows where it is not zero (NaN and infinities).
    """
    scale = values.type.scale if pa.types.is_decimal(values.type) else 0
    if scales is None and special is None and scale <= _SAFE_DIGITS:
        chunks, negative = _magnitudes(values)
        if _are_small(chunks, negative):
            table, places = _small_numerics(scale), chunks[0].view(np.int64)
            lengths = with_nulls(table.lengths.take(places), values)
            return Prefixed(lengths, table.words.take(places), table.starts.take(places), table.buffer)
    return _any_numeric_binary(values, scale, scales, special)


def _any_numeric_binary(values: pa.Array, scale: int, scales: Int64s | None, special: Int64s | None) -> Prefixed:
    chunks, negative = _magnitudes(values, -scale % 4)
    digits: list[Words] = []
    for chunk in chunks:
        high = chunk // np.uint64(10_000)
        digits += [high, chunk - high * np.uint64(10_000)]
    leading, trailing = _zero_groups(digits), _zero_groups(digits[::-1])
    if scales is None and special is None:
        pairs = leading * np.uint16(len(digits) + 1)
        pairs += trailing
        places = pairs.astype(np.int64)
        if negative is not None:
            places += negative * np.int64((len(digits) + 1) ** 2)
        headers, sizes = _heads_of_groups(len(digits), scale)
        header, lengths = headers.take(places), sizes.take(places)
    else:
        signs: Int64s | int = negative.astype(np.int64) * _NUMERIC_NEGATIVE if negative is not None else 0
        shown: Int64s | int = scale if scales is None else scales
        if special is not None:
            signs = np.where(special != 0, special >> 16, signs)
            shown = np.where(special != 0, special & 0xFFFF, shown)
        header, lengths = _heads(leading, trailing, len(digits), scale, signs, shown)
    if len(digits) <= _WORD_GROUPS:
        return _numeric_of_word(digits, leading, lengths, header, values)
    return _numeric_of_groups(digits, leading % np.uint16(len(digits)), lengths, header, values)


def _heads(
    leading: _Zeros, trailing: _Zeros, groups: int, scale: int, signs: Int64s | int, shown: Int64s | int
) -> tuple[Words, Int32s]:
    """Return the headers of numerics whose ``groups`` begin and end with so many zeros, as they are sent, and the
    lengths of the whole values.
    """
    zero = leading == groups
    used = np.where(zero, 0, groups - leading.astype(np.int64) - trailing)
    weight = np.where(zero, 0, groups - 1 - (scale + 3) // 4 - leading.astype(np.int64))
    header = used << 48 | (weight & 0xFFFF) << 32 | signs << 16 | shown
    return header.byteswap().view(np.uint64), (_NUMERIC_HEADER + 2 * used).astype(np.int32)


@cache
def _heads_of_groups(groups: int, scale: int) -> tuple[Words, Int32s]:
    """Return the headers and lengths of all numbers of so many groups at a scale: by how many are zero in the front
    and at the end, first those without a sign, then those with one.
    """
    leading, trailing = np.divmod(np.arange((groups + 1) ** 2, dtype=np.uint16), np.uint16(groups + 1))
    positive, negative = (_heads(leading, trailing, groups, scale, sign, scale) for sign in (0, _NUMERIC_NEGATIVE))
    return np.concatenate((positive[0], negative[0])), np.concatenate((positive[1], negative[1]))


def _zero_groups(digits: list[Words]) -> _Zeros:
    """Return how many groups are zero before the first that is not."""
    zero = digits[0] == 0
    counts = zero.astype(np.uint8)
    for digit in digits[1:]:
        zero &= digit == 0
        counts += zero.view(np.uint8)
    widened: _Zeros = counts.astype(np.uint16)
    return widened


def _numeric_of_word(
    digits: list[Words], leading: _Zeros, lengths: Int32s, header: Words, values: pa.Array
) -> Prefixed:
    """Return the field of numerics whose groups of four digits fit into one word behind the header."""
    rows = len(values)
    word = digits[0]
    for digit in digits[1:]:
        word = word << np.uint64(16) | digit
    # The first group that is not zero goes to the top; a shift by all 64 bits is not needed where all are zero.
    place = leading + np.uint16(_WORD_GROUPS - len(digits)) & np.uint16(_WORD_GROUPS - 1)
    groups = (word << (place << np.uint16(4)).astype(np.uint64)).byteswap()
    scratch = np.empty((rows, 3), np.uint64)
    scratch[:, 0] = length_words(lengths) << np.uint64(32)
    scratch[:, 1], scratch[:, 2] = header, groups
    starts = np.arange(LENGTH_BYTES, 24 * rows + LENGTH_BYTES, 24, dtype=np.int64)
    return Prefixed(with_nulls(lengths, values), header, starts, pa.py_buffer(scratch))


def _numeric_of_groups(
    digits: list[Words], first: _Zeros, lengths: Int32s, header: Words, values: pa.Array
) -> Prefixed:
    """Return the field of numerics of any size; ``first`` is each one's first group that is not zero."""
    rows, gap = len(values), LENGTH_BYTES + _NUMERIC_HEADER
    padding = -len(digits) % _WORD_GROUPS
    # Words of four groups each at the end of a row, where the head of the first group that counts is put before it.
    words = 2 + (padding + len(digits)) // _WORD_GROUPS
    scratch = np.empty((rows, words), np.uint64)
    groups = [*[None] * padding, *digits]
    for place in range(2, words):
        at = _WORD_GROUPS * (place - 2)
        scratch[:, place] = _joined_groups(groups[at : at + _WORD_GROUPS]).byteswap()
    starts = np.arange(16 - gap + 2 * padding, 8 * rows * words, 8 * words, dtype=np.int64) + 2 * first
    heads = np.empty(rows, [("length", ">i4"), ("header", np.uint64)])
    heads["length"], heads["header"] = lengths, header
    scatter(scratch.view(np.uint8), starts, heads.view(np.uint8).reshape(rows, gap))
    return Prefixed(with_nulls(lengths, values), header, starts, pa.py_buffer(scratch))


def _joined_groups(groups: Sequence[Words | None]) -> Words:
    """Return groups of four digits as one word, the first at the top; None: zeros, before all that are not."""
    word: Words | None = None
    for group in groups:
        if group is not None:
            word = group if word is None else word << np.uint64(16) | group
    assert word is not None
    return word


def eight_characters(chunk: Words) -> Words:
    """Return numbers below 10**8 as eight digits each, the first digit in the lowest byte."""
    if not chunk.any():  # behind the point of numbers that are whole, or nearly so
        return np.full(len(chunk), _ZEROS)
    high = chunk // np.uint64(10_000)
    low = chunk - high * np.uint64(10_000)
    characters: Words = _FIRST_FOUR.take(high.view(np.int64))
    characters |= _LAST_FOUR.take(low.view(np.int64))
    return characters


def _trailing(unscaled: Int64s, scale: int) -> Int32s:
    """Return how many characters at the end of each number are zeros of the fraction, and a point before nothing."""
    counts = np.zeros(len(unscaled), np.int32)
    whole = np.ones(len(unscaled), np.bool_)
    for place in range(1, scale + 1):
        whole &= unscaled % 10**place == 0
        counts += whole
    return counts + whole if scale else counts


def _text(
    chunks: Sequence[Words], negative: Bools | None, scale: int, values: pa.Array, trailing: Int32s | None = None
) -> Field:
    """Return the field of the text of numbers given by chunks of digits and their signs, the last ``trailing``
    characters of each left out.
    """
    rows = len(values)
    counts = np.maximum(_count_digits(chunks), np.uint8(scale + 1))
    counts += np.uint8(scale > 0)
    if negative is not None:
        counts += negative.view(np.uint8)
    lengths = counts.astype(np.int32)
    widest = int(lengths.max(initial=1)) + int(negative is not None)
    words = [eight_characters(chunk) for chunk in chunks]
    words = [np.full(rows, _ZEROS)] * (-(-widest // 8) - len(words)) + words
    if scale:
        words = _with_point(words, scale)
    if len(words) == 1:
        word = words[0] >> ((np.int32(8) - lengths) << 3).astype(np.uint64)
        if negative is not None:
            word ^= negative * np.uint64(ord("0") ^ _MINUS)
        if trailing is not None:
            lengths -= trailing
        return Short(with_nulls(lengths, values), word)
    return _long_text(words, lengths, negative, values, trailing)


def _long_text(
    words: list[Words], lengths: Int32s, negative: Bools | None, values: pa.Array, trailing: Int32s | None
) -> Field:
    """Return the field of texts that stand at the right end of ``words``, see ``_text``."""
    rows, stride = len(values), 8 * (len(words) + 1)
    scratch = np.empty((rows, len(words) + 1), np.uint64)
    for place, word in enumerate(words, start=1):
        scratch[:, place] = word
    flat = scratch.view(np.uint8).reshape(-1)
    starts = np.arange(stride - LENGTH_BYTES, stride * (rows + 1) - LENGTH_BYTES, stride, dtype=np.int64) - lengths
    if negative is not None:
        # What has no sign gets it where its length is written next: to choose rows takes longer.
        flat[starts + (negative.astype(np.int64) << 2)] = _MINUS
    short = words[-1]
    if trailing is not None or int(lengths.min(initial=SHORT)) <= SHORT:
        if negative is not None:
            short = np.ascontiguousarray(scratch[:, -1])
        short = short >> (np.maximum(np.int32(SHORT) - lengths, 0) << 3).astype(np.uint64)
    if trailing is not None:
        # What became short by losing its end begins where it stands, not in the last word.
        long = lengths > SHORT
        lengths = lengths - trailing
        cut = np.flatnonzero(long & (lengths <= SHORT))
        short[cut] = gather_words(flat, starts[cut] + LENGTH_BYTES)
    scatter(flat, starts, lengths.byteswap().view(np.uint8).reshape(rows, LENGTH_BYTES))
    return Prefixed(with_nulls(lengths, values), short, starts, pa.py_buffer(scratch))


def _with_point(words: list[Words], scale: int) -> list[Words]:
    """Return texts of digits with a point before the last ``scale`` ones; the first character goes."""
    at = 8 * len(words) - scale - 1  # the character that becomes the point
    result: list[Words] = []
    for place, word in enumerate(words):
        inside = at - 8 * place
        if inside < 0:
            result.append(word)
            continue
        following = words[place + 1] if place + 1 < len(words) else None
        moved = word >> np.uint64(8)
        if following is not None:
            moved |= following << np.uint64(56)
        if inside < 8:
            before = np.uint64((1 << 8 * inside) - 1)
            after = np.uint64(~((1 << 8 * (inside + 1)) - 1) & 0xFFFFFFFFFFFFFFFF)
            moved = moved & before | np.uint64(ord(".") << 8 * inside) | word & after
        result.append(moved)
    return result


def _count_digits(chunks: Sequence[Words]) -> _Counts:
    """Return how many digits numbers have, 1 for zero."""
    counts = _chunk_digits(chunks[-1])
    for place, chunk in enumerate(reversed(chunks[:-1]), start=1):
        above = _chunk_digits(chunk) + np.uint8(_CHUNK_DIGITS * place)
        above -= counts  # modulo 256, which the sum takes back
        above *= (chunk != 0).view(np.uint8)
        counts += above
    return counts


def _chunk_digits(chunk: Words) -> _Counts:
    counts = np.ones(len(chunk), np.uint8)
    small = chunk.astype(np.uint32)
    largest = int(small.max(initial=0))
    for power in range(1, 8):
        if largest < 10**power:
            break
        counts += (small >= np.uint32(10**power)).view(np.uint8)
    return counts


def _magnitudes(values: pa.Array, zeros: int = 0) -> tuple[list[Words], Bools | None]:
    """Return absolute values times 10**zeros as chunks of eight digits, the highest first, and which are negative
    (None if none is). A decimal's value is its unscaled integer.
    """
    kind = values.type
    if pa.types.is_decimal(kind) and kind.bit_width > 64:
        limbs = (
            numbers_of(values, np.dtype((np.void, kind.bit_width // 8)))
            .view(np.int64)
            .reshape(len(values), kind.bit_width // 64)
        )
        numbers = np.ascontiguousarray(limbs[:, 0])
        if kind.precision > _SAFE_DIGITS:
            sign = numbers >> np.int64(63)
            if not all(np.array_equal(limbs[:, place], sign) for place in range(1, limbs.shape[1])):
                return _of_one_word(limbs, zeros) or _wide_magnitudes(limbs, zeros)
        return _signed_magnitudes(numbers, zeros)
    if pa.types.is_unsigned_integer(kind):
        return _split(numbers_of(values, f"u{kind.bit_width // 8}").astype(np.uint64), zeros), None
    numbers = numbers_of(values, f"i{kind.bit_width // 8}").astype(np.int64, copy=False)
    return _signed_magnitudes(numbers, zeros)


def _signed_magnitudes(numbers: Int64s, zeros: int) -> tuple[list[Words], Bools | None]:
    if int(numbers.min(initial=0)) >= 0:
        return _split(numbers.view(np.uint64), zeros), None
    return _split(np.abs(numbers).view(np.uint64), zeros), numbers < 0


def _split(numbers: Words, zeros: int) -> list[Words]:
    """Return numbers times 10**zeros as chunks of eight digits, the highest first."""
    largest = int(numbers.max(initial=0))
    chunks: list[Words] = []
    if zeros:  # they come behind the last digits: numbers times their power of ten might not fit into a word
        place = 10 ** (_CHUNK_DIGITS - zeros)
        rest = numbers // np.uint64(place)
        chunks.append((numbers - rest * np.uint64(place)) * np.uint64(10**zeros))
        numbers, largest = rest, largest // place
        if not largest:
            return chunks
    while largest >= _CHUNK:
        rest = numbers // np.uint64(_CHUNK)
        chunks.append(numbers - rest * np.uint64(_CHUNK))
        numbers, largest = rest, largest // _CHUNK
    return [numbers, *reversed(chunks)]


def _of_one_word(limbs: Int64s, zeros: int) -> tuple[list[Words], Bools | None] | None:
    """Do as ``_magnitudes`` for integers of 128 bits whose absolute values fit into a word; None where some do not."""
    if limbs.shape[1] != 2:
        return None
    low, sign = np.ascontiguousarray(limbs[:, 0]).view(np.uint64), np.ascontiguousarray(limbs[:, 1])
    least, most = int(sign.min()), int(sign.max())
    if least < -1 or most > 0:
        return None
    if least == 0:
        return _split(low, zeros), None
    negative = sign < 0
    if (negative & (low == 0)).any():
        return None  # -2**64
    flip = sign.view(np.uint64)
    return _split((low ^ flip) - flip, zeros), negative


def _wide_magnitudes(limbs: Int64s, zeros: int) -> tuple[list[Words], Bools | None]:
    """Do as ``_magnitudes`` for integers of several 64-bit words each, the lowest first."""
    negative = limbs[:, -1] < 0
    flip = negative.astype(np.uint64) * np.uint64(2**64 - 1)
    carry = negative.astype(np.uint64)
    halves: list[Words] = []
    for place in range(limbs.shape[1]):
        word = limbs[:, place].view(np.uint64) ^ flip
        for half in (word & _LOW_LIMB, word >> _LIMB_BITS):
            total = half + carry
            halves.append(total & _LOW_LIMB)
            carry = total >> _LIMB_BITS
    return _split_limbs(halves, zeros), negative if negative.any() else None


def _times(limbs: list[Words], factor: int) -> list[Words]:
    """Return integers given in base 2**32, the lowest limb first, times a factor of at most 32 bits."""
    carry = np.zeros(len(limbs[0]), np.uint64)
    scaled: list[Words] = []
    for limb in limbs:
        total = limb * np.uint64(factor) + carry
        scaled.append(total & _LOW_LIMB)
        carry = total >> _LIMB_BITS
    return [*scaled, carry]


def _split_limbs(limbs: list[Words], zeros: int) -> list[Words]:
    """Return integers given in base 2**32, the lowest limb first, times 10**zeros as chunks of eight digits."""
    scaled = _times(limbs, 10**zeros) if zeros else [*limbs]
    while len(scaled) > 1 and not scaled[-1].any():
        scaled.pop()
    chunks: list[Words] = []
    while len(scaled) > 1 or not chunks or scaled[0].any():
        remainder = np.zeros(len(limbs[0]), np.uint64)
        for place in range(len(scaled) - 1, -1, -1):
            current = remainder << _LIMB_BITS | scaled[place]
            scaled[place] = current // np.uint64(_CHUNK)
            remainder = current - scaled[place] * np.uint64(_CHUNK)
        chunks.append(remainder)
        while len(scaled) > 1 and not scaled[-1].any():
            scaled.pop()
    return chunks[::-1]
