"""Array literals: ``{a,"b c",NULL}``, nested for more dimensions, as PostgreSQL reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from catalog.errors import SqlError
from catalog.sqlstate import SqlState

Nested = list[Any]  # of elements, or of lists of one length each

_BOUNDS = re.compile(r"\s*((?:\[\s*[+-]?\d+\s*(?::\s*[+-]?\d+\s*)?\]\s*)+)=\s*")
_TOKEN = re.compile(r'\s*(?:(?P<mark>[{},])|"(?P<quoted>(?:[^"\\]|\\.)*)"\s*|(?P<plain>(?:[^{},"\\]|\\.)+))', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_SPACE = " \t\n\r\v\f"
_MAX_DIMENSIONS = 6


def parse_array(text: str, element: Callable[[str], Any]) -> Nested:
    """Return the elements of an array literal, each read by ``element``, NULL as None.

    Bounds (``[0:1]={1,2}``) are read and dropped. Raises SqlError (22P02) as PostgreSQL does.
    """
    bounds = _BOUNDS.match(text)
    start = bounds.end() if bounds else 0
    if not text[start:].lstrip(_SPACE).startswith("{"):
        raise _malformed(text, 'Array value must start with "{" or dimension information.')
    tokens = _tokens(text, start)
    next(tokens)
    result = _list(tokens, text, element, 1)
    if next(tokens, None) is not None:
        raise _malformed(text, "Junk after closing right brace.")
    check_rectangular(result, text)
    return result


def check_rectangular(nested: Nested, text: str) -> None:
    """Raise SqlError (22P02) if lists inside ``nested`` differ in depth or length."""
    if not any(isinstance(item, list) for item in nested):
        return
    if len({_shape(item) for item in nested}) > 1:
        raise _malformed(text, "Multidimensional arrays must have sub-arrays with matching dimensions.")


def _shape(item: Any) -> tuple[int, ...]:
    """Return the lengths of a nested list in each dimension; no two are equal if it is not rectangular itself."""
    if not isinstance(item, list):
        return ()
    shapes = {_shape(inner) for inner in item}
    if len(shapes) > 1:
        return (len(item), -1, id(item))
    return (len(item), *(shapes.pop() if shapes else ()))


def _list(tokens: Iterator[tuple[str, str]], text: str, element: Callable[[str], Any], depth: int) -> Nested:
    """Return the items up to the closing brace."""
    if depth > _MAX_DIMENSIONS:
        message = f"number of array dimensions exceeds the maximum allowed ({_MAX_DIMENSIONS})"
        raise SqlError(SqlState.PROGRAM_LIMIT_EXCEEDED, message)
    items: Nested = []
    expected = True  # whether an item may come next
    for kind, piece in tokens:
        if kind == "mark" and piece == "}":
            if expected and items:
                raise _malformed(text, 'Unexpected "}" character.')
            return items
        if kind == "mark" and piece == ",":
            if expected:
                raise _malformed(text, 'Unexpected "," character.')
            expected = True
            continue
        if not expected:
            detail = "Incorrectly quoted array element." if kind != "mark" else 'Unexpected "{" character.'
            raise _malformed(text, detail)
        expected = False
        if kind == "mark":
            items.append(_list(tokens, text, element, depth + 1))
        else:
            items.append(None if kind == "plain" and piece.upper() == "NULL" else element(piece))
    raise _malformed(text, "Unexpected end of input.")


def _tokens(text: str, at: int) -> Iterator[tuple[str, str]]:
    """Yield braces, commas and elements, these without quotes and escapes."""
    end = len(text.rstrip(_SPACE))
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise _malformed(text, "Unexpected end of input.")
        at = match.end()
        if match["plain"] is not None:
            raw = match["plain"]
            plain = raw.rstrip(_SPACE)
            if plain.endswith("\\") and plain != raw:
                plain += raw[len(plain)]  # an escaped space belongs to the element
            # A backslash makes NULL an ordinary element.
            kind = "quoted" if "\\" in plain else "plain"
            yield kind, _ESCAPE.sub(r"\1", plain)
        elif match["mark"] is not None:
            yield "mark", match["mark"]
        else:
            yield "quoted", _ESCAPE.sub(r"\1", match["quoted"])


def _malformed(text: str, detail: str) -> SqlError:
    return SqlError(SqlState.INVALID_TEXT_REPRESENTATION, f'malformed array literal: "{text}"', detail=detail)
