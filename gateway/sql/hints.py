"""pg_hint_plan's hints: ``/*+ Leading(a b) HashJoin(a b) Rows(a b #10) Set(lakegate.feedback off) */``.

They stand in the first block comment of a statement, before its first word or behind, with nothing but letters, digits,
spaces, ``_``, ``,`` and parentheses before it. Reading ends at the first mistake; hints before it count. Names are
those of the query, in its case, in double quotes where they have spaces or parentheses.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from catalog.errors import SqlError
from gateway.tuning import SETTINGS, Tuning, boolean
from optimizer.hints import NO_SETTING, OF_SOURCES, Hint, JoinMethod, Leading, Pair, Rows

_HEAD = re.compile(r"[A-Za-z0-9\s_,()]*")
_KEYWORD = re.compile(r"\s*([^\s()]+)?\s*")
_WORD = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([^\s()"]+))\s*')
_CORRECTION = re.compile(r"([#+*-]?)([0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?)\Z")
_METHODS = ("HashJoin", "MergeJoin", "NestLoop", "NoHashJoin", "NoMergeJoin", "NoNestLoop")
_SCANS = (
    *("SeqScan", "TidScan", "IndexScan", "IndexOnlyScan", "BitmapScan", "IndexScanRegexp", "IndexOnlyScanRegexp"),
    *("BitmapScanRegexp", "NoSeqScan", "NoTidScan", "NoIndexScan", "NoIndexOnlyScan", "NoBitmapScan", "Parallel"),
    *("Memoize", "NoMemoize", "DisableIndex"),
)
_KEYWORDS = {name.lower(): name for name in ("Leading", "Rows", "Set", *_METHODS, *_SCANS)}
_MOST_BYTES = 1 << 16
_MOST_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Mistake:
    """Where reading has ended, and why, in pg_hint_plan's words."""

    near: str
    detail: str


@dataclass(frozen=True, slots=True)
class Hints:
    """What a comment asks for. ``settings`` are in the order of the comment, ``unheeded`` are hints that are none of
    the gateway's, with the reason, ``repeated`` those in whose place a later one stands.
    """

    hints: tuple[Hint, ...] = ()
    settings: tuple[tuple[str, str, str], ...] = ()  # its text, the name and the value
    unheeded: tuple[tuple[str, str], ...] = ()
    repeated: tuple[str, ...] = ()
    mistake: Mistake | None = None

    @property
    def is_told(self) -> bool:
        """Whether there is anything that a client might be told of."""
        return self is not NO_HINTS

    def tuned(self, tuning: Tuning) -> Tuning:
        """Return what a session's tuning is for this statement."""
        for _, name, value in self.settings:
            tuning = replace(tuning, **{name.rpartition(".")[2]: boolean(name, value)})
        return tuning


NO_HINTS = Hints()


class _Wrong(Exception):
    """A hint cannot be read."""

    def __init__(self, near: str, detail: str) -> None:
        super().__init__(detail)
        self.mistake = Mistake(near, detail)


def hint_comment(text: str) -> str:
    """Return what stands in the hint comment of a statement's text, empty where there is none. ``text`` begins behind
    the statement before.
    """
    start = text.find("/*+")
    if start < 0 or _HEAD.fullmatch(text, 0, start) is None:
        return ""
    end = text.find("*/", start)
    return text[start + 3 : end] if end >= 0 else ""


def read_hints(comment: str) -> Hints:
    """Read the hints of a comment."""
    if not comment.strip():
        return NO_HINTS
    reader = _Reader(comment)
    mistake: Mistake | None = None
    try:
        reader.read()
    except _Wrong as wrong:
        mistake = wrong.mistake
    hints, repeated = _last_ones(reader.hints)
    return Hints(hints, tuple(reader.settings), tuple(reader.unheeded), repeated, mistake)


def _last_ones(hints: Sequence[Hint]) -> tuple[tuple[Hint, ...], tuple[str, ...]]:
    """Of hints that contradict each other the last one counts."""
    last: dict[object, Hint] = {}
    repeated: list[str] = []
    for one in hints:
        key = (type(one), None if isinstance(one, Leading) else frozenset(one.names))
        if key in last:
            repeated.append(last.pop(key).text)
        last[key] = one
    return tuple(last.values()), tuple(repeated)


class _Reader:
    """Reads one comment from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.hints: list[Hint] = []
        self.settings: list[tuple[str, str, str]] = []
        self.unheeded: list[tuple[str, str]] = []

    def read(self) -> None:
        """Read all hints. Raises `_Wrong` at the first mistake."""
        if "/*" in self._text:
            raise _Wrong(self._text[self._text.index("/*") :].strip(), "Nested block comments are not supported.")
        if len(self._text) > _MOST_BYTES:
            raise _Wrong("", f"The comment is longer than {_MOST_BYTES} bytes.")
        while self._text[self._at :].strip():
            self._hint()

    def _hint(self) -> None:
        match = _KEYWORD.match(self._text, self._at)
        assert match is not None
        start, word = match.start(1), match[1]
        if word is None:
            raise _Wrong(self._rest(), 'Unrecognized hint keyword "".')
        name = _KEYWORDS.get(word.lower())
        if name is None:
            raise _Wrong(self._text[start:].strip(), f'Unrecognized hint keyword "{word}".')
        self._at = match.end()
        if self._next() != "(":
            raise _Wrong(self._rest(), "Opening parenthesis is necessary.")
        self._at += 1
        words = self._words(0)
        text = " ".join(self._text[start : self._at].split())
        self._add(name, text, words)

    def _words(self, depth: int) -> list[object]:
        """Read up to the closing parenthesis: words, and lists of what stands in parentheses."""
        if depth > _MOST_DEPTH:
            raise _Wrong(self._rest(), "Parentheses are nested too deeply.")
        found: list[object] = []
        while (sign := self._next()) != ")":
            if sign == "":
                raise _Wrong("", "Closing parenthesis is necessary.")
            if sign == "(":
                self._at += 1
                found.append(self._words(depth + 1))
                continue
            match = _WORD.match(self._text, self._at)
            if match is None:
                raise _Wrong(self._rest(), "Unterminated quoted string.")
            found.append(match[2] if match[1] is None else match[1].replace('""', '"'))
            self._at = match.end()
        self._at += 1
        return found

    def _next(self) -> str:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
        return self._text[self._at : self._at + 1]

    def _rest(self) -> str:
        return self._text[self._at :].strip()

    def _add(self, keyword: str, text: str, words: list[object]) -> None:
        if keyword == "Leading":
            self.hints.append(_leading(text, words))
        elif keyword == "Rows":
            self.hints.append(_rows(text, words))
        elif keyword == "Set":
            self._set(text, _plain(text, words))
        elif keyword in _METHODS:
            names = _names(text, keyword, _plain(text, words))
            self.hints.append(JoinMethod(text, names, keyword))
        else:
            self.unheeded.append((text, OF_SOURCES))

    def _set(self, text: str, words: list[str]) -> None:
        if len(words) != 2:
            raise _Wrong(text, "Set hint requires name and value of GUC parameter.")
        name, value = words[0].lower(), words[1]
        if name not in SETTINGS:
            self.unheeded.append((text, NO_SETTING))
            return
        try:
            boolean(name, value)
        except SqlError as error:
            raise _Wrong(text, f"{error.message}.") from None
        self.settings.append((text, name, value))


def _plain(text: str, words: list[object]) -> list[str]:
    plain = [word for word in words if isinstance(word, str)]
    if len(plain) < len(words):
        raise _Wrong(text, "Closing parenthesis is necessary.")
    return plain


def _names(text: str, keyword: str, names: list[str]) -> tuple[str, ...]:
    if len(names) < 2:
        raise _Wrong(text, f"{keyword} hint requires at least two relations.")
    twice = next((one for at, one in enumerate(names) if one in names[:at]), None)
    if twice is not None:
        raise _Wrong(text, f'Relation name "{twice}" is duplicated.')
    return tuple(names)


def _leading(text: str, words: list[object]) -> Leading:
    if len(words) == 1 and isinstance(words[0], list):
        pair = _pair(text, words[0])
        return Leading(text, _names(text, "Leading", _leaves(pair)), pair)
    return Leading(text, _names(text, "Leading", _plain(text, words)))


def _pair(text: str, words: object) -> Pair:
    if isinstance(words, str):
        return words
    assert isinstance(words, list)
    if len(words) != 2:
        raise _Wrong(text, "Leading hint requires two sets of relations when parentheses nests.")
    return _pair(text, words[0]), _pair(text, words[1])


def _leaves(pair: Pair) -> list[str]:
    return [pair] if isinstance(pair, str) else [*_leaves(pair[0]), *_leaves(pair[1])]


def _rows(text: str, words: list[object]) -> Rows:
    plain = _plain(text, words)
    if len(plain) < 2:
        raise _Wrong(text, "Rows hint needs at least one relation followed by one correction term.")
    correction = _CORRECTION.match(plain[-1])
    if correction is None or not correction[1]:
        raise _Wrong(plain[-1], "Unrecognized rows value type notation.")
    return Rows(text, _names(text, "Rows", plain[:-1]), correction[1], float(correction[2]))
