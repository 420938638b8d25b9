"""Texts of scalar types as PostgreSQL reads them, each into a Python value; errors are PostgreSQL's own."""

from __future__ import annotations

import math
import re
import struct
from decimal import Decimal

from catalog.errors import SqlError
from catalog.sqlstate import SqlState

MAX_DECIMAL_DIGITS = 76  # of Arrow's decimal256

SPACE = " \t\n\r\v\f"
_DECIMAL_INTEGER = re.compile(r"[+-]?\d+(?:_\d+)*\Z")
_OTHER_INTEGER = re.compile(r"[+-]?0(?:[xX](?:_?[0-9a-fA-F])+|[oO](?:_?[0-7])+|[bB](?:_?[01])+)\Z")
_FLOAT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\Z")
_HEX_FLOAT = re.compile(r"[+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][+-]?\d+)?\Z")
_NUMERIC = re.compile(r"[+-]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?\Z")
_SPECIAL_FLOATS = {"nan": math.nan, "inf": math.inf, "infinity": math.inf}
_UUID = re.compile(r"(\{)?([0-9a-fA-F]{4}(?:-?[0-9a-fA-F]{4}){7})(?(1)\})\Z")
_ESCAPED_BYTE = re.compile(rb"\\(?:([0-3][0-7]{2})|(\\)|)")
_LIMITS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
TRUE_WORDS = ("t", "tr", "tru", "true", "y", "ye", "yes", "on", "1")
FALSE_WORDS = ("f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0")
_MAX_EXPONENT = 131_072  # digits before the point of a numeric


def invalid(type_name: str, text: str) -> SqlError:
    """Return the error of a text that is no value of a type."""
    return SqlError(SqlState.INVALID_TEXT_REPRESENTATION, f'invalid input syntax for type {type_name}: "{text}"')


def parse_boolean(text: str) -> bool:
    """Return what any unambiguous beginning of true, false, yes, no, on and off says, or 1 and 0."""
    word = text.strip(SPACE).lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise invalid("boolean", text)


def parse_integer(text: str, type_name: str) -> int:
    """Return an integer: decimal, or with 0x, 0o, 0b; underscores between digits."""
    digits = text.strip(SPACE)
    if _DECIMAL_INTEGER.match(digits):
        number = _whole(digits, type_name, text)
    elif _OTHER_INTEGER.match(digits):
        number = int(digits.replace("_", ""), 0)
    else:
        raise invalid(type_name, text)
    limit = _LIMITS[type_name]
    if not -limit <= number < limit:
        raise _out_of_range(text, type_name)
    return number


def parse_oid(text: str) -> int:
    """Return an object identifier; negative numbers count from 2**32 down."""
    digits = text.strip(SPACE)
    if not re.match(r"[+-]?\d+\Z", digits):
        raise invalid("oid", text)
    number = _whole(digits, "oid", text)
    if not -(2**31) <= number < 2**32:
        raise _out_of_range(text, "oid")
    return number % 2**32


def parse_float(text: str, type_name: str) -> float:
    """Return a float of 8 bytes, or of 4 for ``real``; neither overflow nor underflow is silent."""
    word = text.strip(SPACE)
    sign = -1.0 if word.startswith("-") else 1.0
    special = _SPECIAL_FLOATS.get(word.lstrip("+-").lower()) if word[1:2] not in {"+", "-"} else None
    if special is not None:
        return sign * special
    if _FLOAT.match(word):
        number = float(word)
    elif _HEX_FLOAT.match(word):
        number = _hexadecimal(word)
    else:
        raise invalid(type_name, text)
    if type_name == "real" and math.isfinite(number):
        number = _narrow(number)
    mantissa = re.split("[eE]", word)[0]
    vanished = number == 0 and any(digit in "123456789" for digit in mantissa)
    if math.isinf(number) or vanished:
        raise SqlError(SqlState.NUMERIC_VALUE_OUT_OF_RANGE, f'"{text}" is out of range for type {type_name}')
    return number


def parse_numeric(text: str) -> Decimal:
    """Return a decimal with the digits given. NaN, infinities and more than 76 digits are refused (22003)."""
    word = text.strip(SPACE)
    if word.lower() == "nan" or word.lower().lstrip("+-") in {"inf", "infinity"}:
        raise not_finite()
    if _OTHER_INTEGER.match(word):
        return require_digits(Decimal(int(word.replace("_", ""), 0)))
    if not _NUMERIC.match(word):
        raise invalid("numeric", text)
    number = word.replace("_", "")
    _, _, exponent = number.lower().partition("e")
    if exponent and abs(int(exponent)) > _MAX_EXPONENT:
        raise SqlError(SqlState.NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format")
    return require_digits(Decimal(number))


def not_finite() -> SqlError:
    """Return the error of a numeric parameter without digits."""
    return SqlError(
        SqlState.NUMERIC_VALUE_OUT_OF_RANGE,
        "numeric parameters must be finite",
        hint="Use double precision for NaN and infinity.",
    )


def require_digits(number: Decimal) -> Decimal:
    """Return a decimal without exponent above zero. Raises SqlError (22003) if its digits do not fit into Arrow's."""
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    if max(len(digits), len(digits) + exponent, -exponent) > MAX_DECIMAL_DIGITS and number:
        message = f"numeric parameters can have at most {MAX_DECIMAL_DIGITS} digits"
        raise SqlError(SqlState.NUMERIC_VALUE_OUT_OF_RANGE, message)
    if exponent > 0:
        return Decimal(int(number))
    return number if number else Decimal((0, (0,), max(exponent, -MAX_DECIMAL_DIGITS)))


def parse_uuid(text: str) -> str:
    """Return a uuid in lower case with dashes; braces and dashes after any four digits are allowed in ``text``."""
    match = _UUID.match(text)
    if match is None:
        raise invalid("uuid", text)
    digits = match[2].replace("-", "").lower()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def parse_bytea(text: str) -> bytes:
    """Return binary data in hexadecimal (``\\x``) or escape format."""
    if text.startswith("\\x"):
        return _hex(text[2:])
    data = text.encode()
    if any(match[0] == b"\\" for match in _ESCAPED_BYTE.finditer(data)):
        raise SqlError(SqlState.INVALID_TEXT_REPRESENTATION, "invalid input syntax for type bytea")
    return _ESCAPED_BYTE.sub(lambda match: bytes([int(match[1], 8)]) if match[1] else b"\\", data)


def _hex(digits: str) -> bytes:
    compact = re.sub(r"(?<=\A)[ \t\n\r]+|(?<=[0-9a-fA-F]{2})[ \t\n\r]+", "", digits) if " " in digits else digits
    wrong = re.search("[^0-9a-fA-F]", compact)
    if wrong:
        raise SqlError(SqlState.INVALID_PARAMETER_VALUE, f'invalid hexadecimal digit: "{wrong[0]}"')
    if len(compact) % 2:
        raise SqlError(SqlState.INVALID_PARAMETER_VALUE, "invalid hexadecimal data: odd number of digits")
    return bytes.fromhex(compact)


def _whole(digits: str, type_name: str, text: str) -> int:
    """Return decimal digits as an integer; Python reads no more than a few thousand of them."""
    significant = digits.lstrip("+-").replace("_", "").lstrip("0")
    if len(significant) > 40:
        raise _out_of_range(text, type_name)
    return int(significant or "0") * (-1 if digits.startswith("-") else 1)


def _hexadecimal(word: str) -> float:
    try:
        return float.fromhex(word)
    except OverflowError:
        return math.inf


def _narrow(number: float) -> float:
    try:
        return float(struct.unpack("f", struct.pack("f", number))[0])
    except OverflowError:
        return math.inf


def _out_of_range(text: str, type_name: str) -> SqlError:
    return SqlError(SqlState.NUMERIC_VALUE_OUT_OF_RANGE, f'value "{text}" is out of range for type {type_name}')
