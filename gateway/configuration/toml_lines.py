"""On which line of a TOML text each key stands, which ``tomllib`` does not say.

The text must already have been read by ``tomllib`` without an error: this scanner finds keys, it does not validate.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

KeyPath = tuple[str | int, ...]

_TOKEN = re.compile(
    r'(?P<string>"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\')'
    r"|(?P<comment>#[^\n]*)|(?P<newline>\n)|(?P<space>[ \t\r]+)|(?P<mark>[\[\]{},=.])|(?P<bare>[^\s\[\]{},=.#\"']+)",
    re.DOTALL,
)


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def key_lines(text: str) -> dict[KeyPath, int]:
    """Return the 1-based line of each key and table; elements of arrays have their index in the path."""
    return _Scanner(text).scan()


class _Scanner:
    """Walks the tokens of one text once, from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens = [*_tokens(text), _Token("end", "", text.count("\n") + 1)]
        self._next = 0
        self._lines: dict[KeyPath, int] = {}
        self._elements: dict[KeyPath, int] = {}  # arrays of tables -> tables seen

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while (token := self._peek()).kind != "end":
            if token.kind == "newline":
                self._take()
            elif token.text == "[" and token.kind == "mark":
                table = self._header()
            else:
                self._pair(table)
        return self._lines

    def _header(self) -> KeyPath:
        line = self._take().line
        array = self._peek().text == "["
        if array:
            self._take()
        path: KeyPath = ()
        for part in self._key():
            path = (*path, part)
            self._lines.setdefault(path, line)
            if path in self._elements and not (array and self._peek().text == "]"):
                path = (*path, self._elements[path] - 1)
        if array:
            count = self._elements.get(path, 0)
            self._elements[path] = count + 1
            path = (*path, count)
            self._take()
        self._lines.setdefault(path, line)
        self._take()
        return path

    def _pair(self, table: KeyPath) -> None:
        line = self._peek().line
        path = table
        for part in self._key():
            path = (*path, part)
            self._lines.setdefault(path, line)
        self._take()  # the equals sign
        self._value(path)

    def _key(self) -> Iterator[str]:
        """Yield the parts of a dotted key; the token that ends it stays to be read."""
        while True:
            token = self._take()
            quoted = token.kind == "string"
            yield _unquoted(token.text) if quoted else token.text
            if self._peek().text != ".":
                return
            self._take()

    def _value(self, path: KeyPath) -> None:
        token = self._peek()
        if token.kind == "mark" and token.text == "{":
            self._inline_table(path)
        elif token.kind == "mark" and token.text == "[":
            self._array(path)
        else:
            while not (token.kind in {"newline", "end"} or (token.kind == "mark" and token.text in ",]}")):
                self._take()
                token = self._peek()

    def _inline_table(self, path: KeyPath) -> None:
        self._take()
        while (token := self._peek()).text != "}" or token.kind != "mark":
            if token.kind == "newline" or token.text == ",":
                self._take()
            else:
                self._pair(path)
        self._take()

    def _array(self, path: KeyPath) -> None:
        self._take()
        index = 0
        while (token := self._peek()).text != "]" or token.kind != "mark":
            if token.kind == "newline":
                self._take()
            elif token.text == ",":
                index += 1
                self._take()
            else:
                self._lines[*path, index] = token.line
                self._value((*path, index))
        self._take()

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind not in {"space", "comment"}:
            yield _Token(kind, match[0], line)
        line += match[0].count("\n")


def _unquoted(text: str) -> str:
    """Return a quoted key's own text; TOML's escapes in keys are JSON's, but for ``\\U``, which no key of ours has."""
    if text.startswith("'"):
        return text[1:-1]
    try:
        return str(json.loads(text))
    except ValueError:
        return text[1:-1]
