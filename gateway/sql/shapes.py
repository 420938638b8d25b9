"""The shape of a statement: its text without some of its constants, which stand in a list of their own.

A statement that differs from another in constants alone need not be planned again, where the constants decide nothing.
What is cut out here is a constant beyond doubt: of all the forms that PostgreSQL's ``scan.l`` knows only decimal
integers and plain strings are, and a text in which anything stands that may be read otherwise has no shape. A string
``'…'`` has no escapes in such a text, whatever ``standard_conforming_strings`` says: there is no backslash in it.
Which of the constants may be cut out is decided elsewhere (`selected`), from the syntax tree.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from sqlglot import exp

from gateway.sql.statements import parse_query

LONGEST = 1 << 12  # characters of a text that may have a shape
MOST = 32  # constants that are cut out
_LETTER = r"A-Za-z_0-9$\u0080-\U0010ffff"
# A quote behind a letter or an ampersand begins another kind of string, or is none: it is left, and then refused.
_CONSTANT = re.compile(
    rf"((?<![{_LETTER}&'\"])'(?:[^']|'')*+'(?![{_LETTER}'\"])"
    rf"|(?<![{_LETTER}&'\"])\"(?:[^\"]|\"\")*+\"(?!['\"])"
    rf"|(?<![{_LETTER}.])[0-9]++(?![{_LETTER}.]))"
)
# Comments, escapes, and all control characters, of which some are marks here, but for white space. Dollar quotes and
# parameters are refused, too, but not a dollar sign within a plain string.
_REFUSED = re.compile(r"[\\\x00-\x08\x0b\x0e-\x1f\x7f]|--|/\*")
_MOST_INT4, _MOST_INT8 = (1 << 31) - 1, (1 << 63) - 1
_DIGITS = rb"(0|[1-9][0-9]{0,8})"
_CHARACTERS = rb"'((?:[A-Za-z0-9_ .,:;@+=()]|-(?!-)){0,60}+)'"
_LONGEST_ALIKE = LONGEST - (MOST << 6)  # characters, so that no text with other constants is longer than may be
_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
_CONDITIONS = (exp.And, exp.Or, exp.Not, exp.Paren)


class Constant(StrEnum):
    """The class of a constant, as PostgreSQL's lexer and parser give it a type; the value is its mark in a key."""

    INT4 = "\x01"
    INT8 = "\x02"
    STRING = "\x03"  # of a type yet unknown


@dataclass(frozen=True, slots=True)
class Shape:
    """A text in pieces. ``pieces`` are those between the constants, one more than there are of these; ``constants`` are
    as they were written, each with its class in ``classes``.
    """

    key: str
    pieces: tuple[str, ...]
    constants: tuple[str, ...]
    classes: tuple[Constant, ...]

    def value(self, index: int) -> bytes:
        """Return what a constant means, as the text of its type."""
        text = self.constants[index]
        return (text[1:-1].replace("''", "'") if text[0] == "'" else text).encode()

    def with_parameters(self, chosen: Collection[int]) -> str:
        """Return the text with ``$1 …`` in the place of the chosen constants, in their order."""
        parts, number = [self.pieces[0]], 0
        for index, constant in enumerate(self.constants):
            number += index in chosen
            parts += (f"${number}" if index in chosen else constant, self.pieces[index + 1])
        return "".join(parts)

    def fixed(self, chosen: Collection[int]) -> tuple[str, ...]:
        """Return the constants that are not chosen."""
        return tuple(one for index, one in enumerate(self.constants) if index not in chosen)


@lru_cache(maxsize=256)  # the audit and the session ask for the same
def shape(text: str) -> Shape | None:
    """Return the shape of a text; None where it has none, or no constants."""
    if len(text) > LONGEST or _REFUSED.search(text) is not None:
        return None
    parts = _CONSTANT.split(text)
    if len(parts) == 1 or len(parts) > 2 * MOST + 1:
        return None
    pieces: list[str] = [parts[0]]
    constants: list[str] = []
    classes: list[Constant] = []
    if "'" in parts[0] or '"' in parts[0]:
        return None
    for constant, piece in zip(parts[1::2], parts[2::2], strict=True):
        if "'" in piece or '"' in piece:
            return None  # of a string or name that is not a plain one, or has no end
        found = _class(constant)
        if found is None:
            pieces[-1] += constant + piece
            continue
        if found is Constant.STRING and classes and classes[-1] is found and not pieces[-1].strip():
            return None  # a string that goes on behind a line's end
        pieces.append(piece)
        constants.append(constant)
        classes.append(found)
    if not constants or any("$" in piece for piece in pieces):
        return None
    key = "".join(part for pair in zip(pieces, (*classes, ""), strict=True) for part in pair)
    return Shape(key, tuple(pieces), tuple(constants), tuple(classes))


def alike(found: Shape, chosen: frozenset[int]) -> re.Pattern[bytes] | None:
    """Return what texts in UTF-8 match that have the same shape for certain, with the same constants but the chosen
    ones, whose values are the groups. Not all such texts do. None: there is no telling.

    Where digits take the place of digits, and plain characters that of such between quotes, all that was read before
    and behind them is read as it was.
    """
    text = "".join((*found.pieces, *found.fixed(chosen)))
    if not text.isascii() or len(text) > _LONGEST_ALIKE:
        return None
    parts = [re.escape(found.pieces[0].encode())]
    for index, constant in enumerate(found.constants):
        parts.append(_any_of(found.classes[index]) if index in chosen else re.escape(constant.encode()))
        parts.append(re.escape(found.pieces[index + 1].encode()))
    return re.compile(b"".join(parts))


def _any_of(found: Constant) -> bytes:
    """Return what constants match that are surely of this class."""
    if found is Constant.STRING:
        return _CHARACTERS
    return _DIGITS if found is Constant.INT4 else b"(?!)"


def _class(constant: str) -> Constant | None:
    """Return the class of a constant; None for a quoted name, and a number that has to stay where it is."""
    if constant[0] == "'":
        return Constant.STRING
    if constant[0] == '"' or (constant[0] == "0" and len(constant) > 1) or len(constant) > 19:
        return None
    number = int(constant)
    if number <= _MOST_INT4:
        return Constant.INT4
    return Constant.INT8 if number <= _MOST_INT8 else None


def selected(found: Shape) -> frozenset[int]:
    """Return which constants do nothing but to be compared with a column, in a condition on rows: those that a
    parameter of their type may stand for. A constant anywhere else may be part of a type, a name, a place or a number
    of rows, and stays.
    """
    tree = parse_query(found.with_parameters(range(len(found.constants))))
    if tree is None:
        return frozenset()
    chosen: dict[int, bool] = {}
    for parameter in tree.find_all(exp.Parameter):
        index = _index(parameter)
        if index is None or index in chosen:  # it was read as something else, or written twice
            return frozenset()
        chosen[index] = _is_compared(parameter)
    return frozenset(index for index, is_chosen in chosen.items() if is_chosen)


def _index(parameter: exp.Parameter) -> int | None:
    number = str(parameter.name)
    return int(number) - 1 if number.isdecimal() else None


def _is_compared(parameter: exp.Parameter) -> bool:
    node: exp.Expr | None = parameter.parent
    if isinstance(node, _COMPARISONS):
        other = node.expression if node.this is parameter else node.this
        is_compared = type(other) is exp.Column
    elif isinstance(node, exp.Between):
        is_compared = type(node.this) is exp.Column
    elif isinstance(node, exp.In):
        is_compared = type(node.this) is exp.Column and any(one is parameter for one in node.expressions)
    else:
        return False
    return is_compared and node is not None and _is_condition(node)


def _is_condition(node: exp.Expr) -> bool:
    above = node.parent
    while isinstance(above, _CONDITIONS):
        above = above.parent
    return isinstance(above, exp.Where) and isinstance(above.parent, exp.Select)
