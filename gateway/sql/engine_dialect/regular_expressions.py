r"""PostgreSQL's regular expressions, which are POSIX's with Perl's abbreviations, in the grammar of the engine's, which
are Rust's; and the patterns of SIMILAR TO as PostgreSQL's regular expressions.

The same escape says another thing there: ``\b`` is a backspace and no border of a word, ``\B`` a backslash, ``\<``
itself. In brackets ``[``, ``&&``, ``--`` and ``~~`` are characters.
"""

from __future__ import annotations

import re

from gateway.sql.engine_dialect.build import refuse

_LOOK = re.compile(r"\(\?[=!<]")
_ATOM = re.compile(
    r"\\(?:x[0-9a-fA-F]+|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|c.|0[0-7]{0,2}|.)|\[\^?\]?(?:\[:\w+:\]|\\.|[^\]\\])*\]|.",
    re.DOTALL,
)
_MEMBER = re.compile(r"\\(?:x[0-9a-fA-F]+|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|c.|0[0-7]{0,2}|.)|\[:\w+:\]|--|.", re.DOTALL)
_CLASSES = {"alpha": r"\p{Alphabetic}", "alnum": r"\p{Alphabetic}\p{N}", "upper": r"\p{Lu}", "lower": r"\p{Ll}",
            "space": r"\s", "digit": r"\d"}  # fmt: skip
_ESCAPES = {"b": r"\x08", "B": r"\\", "e": r"\x1b", "y": r"\b", "m": r"\b{start}", "M": r"\b{end}", "Y": r"\B",
            "Z": r"\z"}  # fmt: skip
_SAME = frozenset("AafnrtvdwsDWS")  # in both
_HEXADECIMAL, _OCTAL, _CONTROL = frozenset("xuU"), "0", "c"
ESCAPES = frozenset(_ESCAPES) | _SAME | _HEXADECIMAL | {_CONTROL} | frozenset("0123456789")  # all that there are
_NOT_ESCAPED = frozenset("<>")  # borders of words to Rust
_REGEX_SPECIAL = frozenset(".^$\\")


def translate(pattern: str) -> str:
    """Translate PostgreSQL's regular expression to Rust's. Raises SqlError 0A000 for what Rust cannot do."""
    if _LOOK.search(pattern):
        raise refuse("looking ahead or behind in a regular expression")
    if pattern.startswith("***") or pattern.startswith("(?"):
        raise refuse("a regular expression with embedded options", "Use ~* for matching without regard to case.")
    atoms = _ATOM.findall(pattern)
    translated = "".join(map(_atom, atoms))
    return f"(?s){translated}" if "." in atoms else translated


def _atom(atom: str) -> str:
    if len(atom) > 1 and atom[0] == "[":
        return _bracket(atom)
    return _escape(atom) if len(atom) > 1 else atom


def _escape(atom: str) -> str:
    sign = atom[1]
    if sign in _ESCAPES:
        return _ESCAPES[sign]
    if sign in _HEXADECIMAL and len(atom) > 2:
        return rf"\x{{{atom[2:]}}}"
    if sign == _OCTAL:
        return rf"\x{{{int(atom[1:], 8):x}}}"
    if sign == _CONTROL and len(atom) > 2:
        return rf"\x{{{ord(atom[2]) & 31:x}}}"
    if sign.isdecimal():
        raise refuse("a back reference in a regular expression")
    if sign.isalnum() and sign not in _SAME:
        raise refuse("this escape in a regular expression")
    return atom if sign in _SAME or (sign.isascii() and sign not in _NOT_ESCAPED) else sign


def _bracket(atom: str) -> str:
    head = "[^" if atom[1] == "^" else "["
    members = [_member(found, first=not at) for at, found in enumerate(_MEMBER.findall(atom[len(head) : -1]))]
    return f"{head}{''.join(members)}]"


def _member(found: str, *, first: bool) -> str:
    if found == "--":  # from a hyphen on, or up to one
        return r"\--" if first else r"-\-"
    if found[0] == "[" and len(found) > 1:
        return _CLASSES.get(found[2:-2], found)
    if found[0] == "\\" and len(found) > 1:
        return _escape(found)
    return "\\" + found if found in "[]&~" else found


def similar_regex(pattern: str) -> str | None:
    """Return the regular expression that PostgreSQL makes of an SQL pattern, whose escape character is the backslash
    (``similar_to_escape`` in regexp.c); None where it has separators (``\\"``), of which SIMILAR TO has no use.
    """
    found: list[str] = []
    is_escaped, depth, members = False, 0, 0  # brackets that are open, and what was read of the outer one
    for character in pattern:
        if is_escaped:
            if character == '"' and not depth:
                return None
            found.append("\\" + character)
            is_escaped, members = False, 3
        elif character == "\\":
            is_escaped = True
        elif depth:
            found.append(character)
            depth += (character == "[") - (character == "]" and members > 2)
            members = members + 1 if character == "^" else 3  # up to 2 the next ] is a member
        elif character == "[":
            found.append(character)
            depth, members = 1, 1
        else:
            found.append(_outside(character))
    return f"^(?:{''.join(found)})$"


def _outside(character: str) -> str:
    if character in "%_":
        return ".*" if character == "%" else "."
    if character == "(":
        return "(?:"
    return "\\" + character if character in _REGEX_SPECIAL else character
