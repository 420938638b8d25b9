"""By what a statement is known again: its text without constants, and the tables that it names."""

from __future__ import annotations

import re
from collections.abc import Collection
from hashlib import blake2b

from catalog.names import TableName
from gateway.sql.normalised import normalised
from gateway.sql.tokens import tokens

LONGEST = 8192  # characters of a text that are kept
_PARAMETER = re.compile(r'(?<![\w"$])\$[0-9]+')
_LIST = re.compile(r"\b(IN|in|In|ARRAY|array)(\s*[(\[])\s*\?(?:\s*,\s*\?)+\s*(?=[)\]])")


def statement_text(text: str) -> str:
    """Return a statement's text in one line with ``?`` for each constant and parameter; lists of constants have any
    length.
    """
    return _LIST.sub(r"\1\2?, ...", _PARAMETER.sub("?", normalised(text)))


def query_id(shown: str, tables: Collection[TableName]) -> int:
    """Return a number for a statement by what `statement_text` made of it and the tables that it names: the case of
    words does not count, nor do spaces.
    """
    words = (word.text.lower() if word.kind == "word" else word.text for word in tokens(shown))
    named = sorted(str(name) for name in tables)
    return number_of("\n".join([" ".join(words), *named]))


def number_of(text: str) -> int:
    """Return a signed number of 64 bits for a text, the same on every gateway."""
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), signed=True)
