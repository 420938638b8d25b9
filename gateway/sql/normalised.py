"""A statement's text as the audit and the history keep it: in one line, without comments, constants replaced by ``?``.

Nothing of a constant may be left, however malformed the text is. So of a text that cannot be read to its end only what
stands before the first quote is kept, and what follows a constant without a space counts as part of it.
"""

from __future__ import annotations

import re
import threading

from cachetools import LRUCache

from gateway.sql.shapes import shape
from gateway.sql.tokens import Token, UnterminatedToken, tokens

LONGEST = 1 << 16  # characters that are kept
SHORT = 1 << 11  # characters; longer texts are to be read in a thread, unless they are known
_REMEMBERED = 1 << 13  # characters of the longest text that is remembered
_UNREADABLE = re.compile(r"['\"$]|/\*|--")
_CONSTANTS = frozenset({"string", "dollar", "number"})
_SECRET_SETTING = re.compile(r"passw|secret|token|credential|api_?key", re.IGNORECASE)
_NAMED_AFTER_PASSWORD = frozenset({"NULL", "VALID"})
_KNOWN: LRUCache[tuple[str, str, bool, bool], str] = LRUCache(1024)
_LOCK = threading.Lock()  # long texts are read in threads


def normalised(text: str, login: str = "", *, backslashes: bool = False) -> str:
    """Return a text without its constants. ``backslashes``: the session's strings have escapes, so that this reading of
    a text with backslashes may not be PostgreSQL's. It is remembered for who has sent it, a ``login``, alone, as
    `gateway.sql.statements.split` does.
    """
    known = known_reading(text, login, backslashes=backslashes)
    if known is None:
        known = _normalised(text, backslashes)[:LONGEST]
        if len(text) <= _REMEMBERED:
            key = _key(text, login, backslashes)
            with _LOCK:
                _KNOWN[key] = known
    return known


def known_reading(text: str, login: str = "", *, backslashes: bool = False) -> str | None:
    """Return what `normalised` made of the same text of this login before, or of one of its shape, if that is known."""
    if len(text) > _REMEMBERED:
        return None
    key = _key(text, login, backslashes)
    with _LOCK:
        return _KNOWN.get(key)


def _key(text: str, login: str, backslashes: bool) -> tuple[str, str, bool, bool]:
    found = shape(text) if text.isascii() else None  # where it has one there is no backslash in it
    return login, text if found is None else found.key, backslashes, found is None


def cleaned(text: str) -> str:
    """Return a text that every reader of JSON can take: without NUL and halves of characters."""
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")


def _normalised(text: str, backslashes: bool) -> str:
    text = cleaned(text)
    if backslashes and "\\" in text:
        return _before_first_quote(text)
    try:
        words = tokens(text)
    except UnterminatedToken:
        return _before_first_quote(text)
    if any(word.text == "$" for word in words):  # of a dollar quote without an end: nothing else has it
        return _before_first_quote(text)
    return _joined(words)


def _before_first_quote(text: str) -> str:
    quote = _UNREADABLE.search(text)
    if quote is None:
        return " ".join(text.split())
    return f"{_joined(tokens(text[: quote.start()]))} …".strip()


def _joined(words: list[Token]) -> str:
    parts: list[str] = []
    hiding = False  # the word before was hidden, and what touches it is too
    end = -1
    for index, word in enumerate(words):
        touches = word.start == end
        end = word.end
        parameter = word.kind == "number" and word.text.startswith("$")
        if touches and hiding and word.kind not in {"sign", "dollar"}:
            continue
        hiding = (word.kind in _CONSTANTS and not parameter) or _is_secret(words, index)
        shown = "?" if hiding else word.text
        parts.append(shown if touches or not parts else f" {shown}")
    return "".join(parts)


def _is_secret(words: list[Token], index: int) -> bool:
    """Whether a word stands where a password does: ``PASSWORD secret`` is a mistake, but one that is made."""
    word, head = words[index], words[0].text.upper()
    if index == 0 or word.kind not in {"word", "quoted"}:
        return False
    if head in {"CREATE", "ALTER"}:
        return words[index - 1].text.upper() == "PASSWORD" and word.text.upper() not in _NAMED_AFTER_PASSWORD
    if head == "SET":
        before = [one.text for one in words[1:index]]
        value = "=" in before or "TO" in [one.upper() for one in before]
        return value and _SECRET_SETTING.search("".join(before)) is not None
    return False
