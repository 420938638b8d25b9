"""JSON parameters: checked, and for jsonb brought to the one spelling that PostgreSQL gives equal values."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from catalog.errors import SqlError
from catalog.sqlstate import SqlState

_MAX_DIGITS = 131_072  # before the point of a numeric


def parse_json(text: str) -> str:
    """Return a JSON text as it is. Raises SqlError (22P02) if it is none."""
    _load(text)
    return text


def parse_jsonb(text: str) -> str:
    """Return a JSON text as jsonb prints it. Raises SqlError (22P02, 22P05)."""
    return _print(_load(text))


def _load(text: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=_refuse)
    except (json.JSONDecodeError, _ConstantError):
        raise SqlError(SqlState.INVALID_TEXT_REPRESENTATION, "invalid input syntax for type json") from None
    except RecursionError:
        raise SqlError(SqlState.STATEMENT_TOO_COMPLEX, "stack depth limit exceeded") from None


class _ConstantError(Exception):
    """JSON has no NaN and no Infinity."""


def _refuse(name: str) -> Any:
    raise _ConstantError(name)


def _print(value: Any) -> str:
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: (len(member[0].encode()), member[0].encode()))
        return "{" + ", ".join(f"{_print(key)}: {_print(item)}" for key, item in members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_print(item) for item in value) + "]"
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, str):
        return _string(value)
    return {True: "true", False: "false", None: "null"}[value]


def _number(value: Decimal) -> str:
    if value.adjusted() > _MAX_DIGITS or -value.adjusted() > _MAX_DIGITS:
        raise SqlError(SqlState.NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format")
    text = f"{value:f}"
    return text.removeprefix("-") if value.is_zero() else text


def _string(value: str) -> str:
    if "\0" in value:
        detail = r"\u0000 cannot be converted to text."
        raise SqlError(SqlState.UNTRANSLATABLE_CHARACTER, "unsupported Unicode escape sequence", detail=detail)
    if any(0xD800 <= ord(character) <= 0xDFFF for character in value):
        raise SqlError(SqlState.INVALID_TEXT_REPRESENTATION, "invalid input syntax for type json")
    return json.dumps(value, ensure_ascii=False)
