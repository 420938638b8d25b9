"""Patterns: LIKE, SIMILAR TO and regular expressions.

PostgreSQL's regular expressions are POSIX's with Perl's abbreviations, the engine's are Rust's. Patterns that are
constants are translated; what Rust cannot do (back references, looking ahead and behind) is refused.
What is no regular expression PostgreSQL evaluates, and says why.
Of alternatives PostgreSQL takes the longest match, Rust the first: where it matters what has matched, they are refused.
"""

from __future__ import annotations

import re
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.sql.engine_dialect.blanks import with_blanks
from gateway.sql.engine_dialect.build import call, cast, number, paren, refuse, text, typed
from gateway.sql.engine_dialect.kinds import Kind, T, kind
from gateway.sql.engine_dialect.regular_expressions import ESCAPES, similar_regex, translate
from optimizer.copies import copied

_BACKSLASH = re.compile(r"\\\\|\\x\{0*5[cC]\}")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
# What RE2 reads otherwise: as it reads it, or something like it.
_SAME = {"y": r"\b", "m": r"\b", "M": r"\b", "Y": r"\B", "Z": r"\z", "u": "x", "U": "x", "c": "x", "e": "x"}
# What PostgreSQL alone takes for an error, and collating elements.
_LOOSE = re.compile(
    r"(?<![\\\[])\^[*+?{]|(?<!\\)\{(?!\d+(?:,\d*)?\})|\\x(?![0-9a-fA-F])|\[\..+?\.\]|\[=.+?=\]", re.DOTALL
)
_ONE_TEXT = pa.array([""], pa.string())
_OPTIONAL_GROUP = re.compile(r"\)(?:[?*]|\{0)")
_AMBIGUOUS = re.compile(r"\||[*+?}]\?")
_PLAIN = re.compile(r"[\w ,;:/@-]+")
_ATOM = re.compile(r"\(\?:|\\x[0-9a-fA-F]+|\\.|\[\^?\]?(?:\[[:.=].*?[:.=]\]|[^\]])*\]|\{[^}]*\}|.", re.DOTALL)
_TAKES_NOTHING = frozenset({"^", "$", "*", "+", "?", r"\y", r"\m", r"\M", r"\Y", r"\Z", r"\A"})
_NONE_WILL_DO = ("*", "?", "{0", "{,")


def matches(node: exp.Binary) -> exp.Expr:
    """``~``, ``~*`` and ``regexp_like`` without flags."""
    subject, pattern = node.this, node.expression
    if kind(subject) not in (Kind.TEXT, Kind.UNKNOWN, Kind.BPCHAR):
        raise refuse(f"~ on {kind(subject).name.lower()}")
    node.set("this", paren(with_blanks(subject)))
    node.set("expression", _as_written(translated(pattern)))
    return node


def _as_written(pattern: exp.Expr) -> exp.Expr:
    """Return a pattern that the engine does not make a LIKE of where it has a backslash, which it forgets to escape
    there; a group keeps it from that.
    """
    is_constant = isinstance(pattern, exp.Literal) and pattern.is_string
    return text(f"({pattern.name})") if is_constant and _BACKSLASH.search(pattern.name) else pattern


def translated(pattern: exp.Expr) -> exp.Expr:
    """Return a pattern in the engine's grammar. ``.`` takes newlines in PostgreSQL."""
    bare = pattern.unnest()
    if isinstance(bare, exp.Literal) and bare.is_string:
        return text(translate(bare.name))
    if isinstance(bare, exp.Null):
        return cast(bare, "TEXT")
    return call("concat", text("(?s)"), pattern, returns="TEXT")


def is_surely_valid(node: exp.Expr) -> bool:
    """Whether the pattern of an operator or function is one, if it is a constant."""
    pattern = node.args.get("start") if isinstance(node, exp.Substring) else node.expression
    if isinstance(node, exp.SimilarTo) and isinstance(pattern, exp.Literal) and pattern.is_string:
        made = similar_regex(pattern.name)
        return made is not None and _is_valid(made)
    return pattern is None or is_valid_constant(pattern)


def is_valid_constant(pattern: exp.Expr) -> bool:
    """Whether a constant is a regular expression; what is none is not asked here."""
    bare = pattern.unnest()
    return not (isinstance(bare, exp.Literal) and bare.is_string) or _is_valid(bare.name)


@lru_cache(maxsize=1024)
def _is_valid(pattern: str) -> bool:
    """Whether a pattern is surely one. RE2, which reads nearly what Rust does, is stricter than both: for what it does
    not take, PostgreSQL is asked.
    """
    alike = _ESCAPE.sub(lambda found: _SAME.get(found[1], found[0]), pattern)
    if _LOOSE.search(alike) or not all(map(_is_escape, _ESCAPE.findall(pattern))):
        return False
    try:
        pc.match_substring_regex(_ONE_TEXT, alike)
    except pa.ArrowInvalid:
        return False
    return True


def _is_escape(character: str) -> bool:
    return character in ESCAPES or not character.isalnum()


def like(node: exp.Expr) -> exp.Expr:
    """``LIKE ANY (array)``: spelt out. (The escape is handled by `escape`.)"""
    if kind(node.this) not in (Kind.TEXT, Kind.UNKNOWN, Kind.BPCHAR):
        raise refuse(f"LIKE on {kind(node.this).name.lower()}")
    node.set("this", with_blanks(node.this))
    quantifier = node.expression
    if not isinstance(quantifier, exp.Any | exp.All):
        return node
    array = quantifier.this.unnest()
    while isinstance(array, exp.Cast):
        array = array.this.unnest()
    if not isinstance(array, exp.Array) or not array.expressions:
        raise refuse("LIKE ANY of an array that is not a constant")
    terms = [type(node)(this=copied(node.this), expression=pattern) for pattern in array.expressions]
    if node.args.get("negate"):
        terms = [exp.Not(this=term) for term in terms]
    joined = exp.or_(*terms) if isinstance(quantifier, exp.Any) else exp.and_(*terms)
    return typed(exp.Paren(this=joined), T.BOOLEAN)


def escape(node: exp.Escape) -> exp.Expr:
    """``LIKE … ESCAPE c``: the engine takes no other than the backslash."""
    inner, sign = node.this, node.expression
    assert isinstance(inner, exp.Expr)
    pattern = inner.expression
    if not (isinstance(pattern, exp.Literal) and isinstance(sign, exp.Literal)):
        raise refuse("ESCAPE with a pattern that is not a constant")
    if len(sign.name) > 1:
        hint = "Escape string must be empty or one character."
        raise SqlError(SqlState.INVALID_ESCAPE_SEQUENCE, "invalid escape string", hint=hint)
    inner.set("expression", text(_escaped(pattern.name, sign.name)))
    return typed(inner, T.BOOLEAN)


def _escaped(pattern: str, sign: str) -> str:
    if sign and (len(pattern) - len(pattern.rstrip(sign))) % 2:
        raise refuse("a pattern that ends with the escape character")  # of which PostgreSQL tells
    if sign == "\\":
        return pattern
    found, at = [], 0
    while at < len(pattern):
        character = pattern[at]
        if sign and character == sign and at + 1 < len(pattern):
            at += 1
            found.append("\\" + pattern[at])
        else:
            found.append("\\\\" if character == "\\" else character)
        at += 1
    return "".join(found)


def similar(node: exp.SimilarTo) -> exp.Expr:
    """``SIMILAR TO``: the engine takes the pattern for a regular expression; translate it into one."""
    pattern = node.expression
    if not (isinstance(pattern, exp.Literal) and pattern.is_string):
        raise refuse("SIMILAR TO a pattern that is not a constant")
    made = similar_regex(pattern.name)
    if made is None:
        raise refuse("SIMILAR TO a pattern with separators")
    regex = exp.RegexpLike(this=paren(with_blanks(node.this)), expression=_as_written(text(translate(made))))
    return typed(regex, T.BOOLEAN)


def by_backslash(pattern: str, escape: str) -> str | None:
    """Return an SQL pattern with the backslash in the place of its own escape character, "" for none; None where that
    is more than a character. At the end it says nothing.
    """
    if escape == "\\":
        return pattern
    found, is_escaped = [], False
    for character in pattern:
        if character == escape and not is_escaped:
            is_escaped = True
            continue
        found.append("\\" + character if is_escaped or character == "\\" else character)
        is_escaped = False
    return None if len(escape) > 1 else "".join(found)


def _alone(pattern: exp.Expr) -> exp.Expr:
    """Return a pattern in the engine's grammar that has one match: no alternatives, no reluctant repetition."""
    bare = pattern.unnest()
    if isinstance(bare, exp.Literal) and _AMBIGUOUS.search(bare.name):
        raise refuse("alternatives in this regular expression")
    return translated(pattern)


def _counted(pattern: exp.Expr) -> exp.Expr:
    """Return a pattern in the engine's grammar whose matches are all found: behind a match PostgreSQL finds the one of
    nothing too, of ``a*`` in ``a`` two, where Rust goes on by a character.
    """
    bare = pattern.unnest()
    if not isinstance(bare, exp.Literal) or not _needs_text(bare.name):
        raise refuse("all matches of a regular expression that may match nothing")
    return _alone(pattern)


def _needs_text(pattern: str) -> bool:
    """Whether a pattern without alternatives surely matches no empty text."""
    groups = [False]  # of each group that is open, whether something in it takes a character
    for found in _ATOM.finditer(pattern):
        atom = found[0]
        if atom.startswith("("):
            groups.append(False)
            continue
        closes = atom == ")" and len(groups) > 1
        needs = groups.pop() if closes else atom[0] != "{" and atom not in _TAKES_NOTHING
        if needs and not pattern.startswith(_NONE_WILL_DO, found.end()):
            groups[-1] = True
    return groups[0]


def replace(node: exp.RegexpReplace) -> exp.Expr:
    """``regexp_replace``: flags g and i, references ``\\1`` and ``\\&``; a dollar sign is itself."""
    flags = node.args.get("modifiers")
    if node.args.get("position") is not None or node.args.get("occurrence") is not None:
        raise refuse("regexp_replace with a start or a count")
    written = _flags(flags)
    replacement = node.args.get("replacement") or text("")
    if isinstance(replacement, exp.Literal):
        replacement = text(_replacement(replacement.name))
    pattern = _counted(node.expression) if "g" in written else _alone(node.expression)
    parts = [node.this, pattern, replacement] + ([text(written)] if written else [])
    return call("regexp_replace", *parts, returns="TEXT")


def _replacement(written: str) -> str:
    r"""Rust's ``$1`` for PostgreSQL's ``\1``. The engine itself turns ``\1`` into ``${1}``."""
    plain = written.replace("$", "$$")
    return re.sub(r"\\(&|\\)", lambda found: "${0}" if found[1] == "&" else "\\", plain)


def _flags(flags: exp.Expr | None) -> str:
    if flags is None:
        return ""
    if not isinstance(flags, exp.Literal) or not set(flags.name) <= set("gicn"):
        raise refuse("these flags of a regular expression", "g and i are.")
    return flags.name.replace("c", "").replace("n", "m")


def first_match(subject: exp.Expr, pattern: exp.Expr) -> exp.Expr:
    """Return the first match, or of a pattern with groups the first group's."""
    found = call("regexp_match", subject, _with_groups(pattern), returns="TEXT[]")
    return call("array_element", found, number(1), returns="TEXT")


def _with_groups(pattern: exp.Expr) -> exp.Expr:
    """Return a pattern of which each group takes part in a match: the engine leaves out those that do not, where
    PostgreSQL has NULL.
    """
    bare = pattern.unnest()
    if not isinstance(bare, exp.Literal) or _OPTIONAL_GROUP.search(bare.name):
        raise refuse("groups that a match may leave out")
    return _alone(pattern)


def match_groups(node: exp.Anonymous) -> exp.Expr:
    """``regexp_match``: an array of groups."""
    subject, pattern, *rest = node.expressions
    written = _flags(rest[0] if rest else None)
    if "g" in written:
        raise refuse("regexp_match with the flag g")
    extra = [text(written)] if written else []
    return call("regexp_match", subject, _with_groups(pattern), *extra, returns="TEXT[]")


def substring_match(node: exp.RegexpSubstr) -> exp.Expr:
    """``regexp_substr(text, pattern)``: the first whole match."""
    if any(node.args.get(key) is not None for key in ("position", "occurrence", "parameters", "group")):
        raise refuse("regexp_substr with a start, a count or flags")
    pattern = node.expression.unnest()
    if not isinstance(pattern, exp.Literal):
        raise refuse("regexp_substr with a pattern that is not a constant")
    _alone(pattern)
    whole = text(f"({translate(pattern.name)})")
    found = call("regexp_match", node.this, whole, returns="TEXT[]")
    return call("array_element", found, number(1), returns="TEXT")


def count(node: exp.RegexpCount) -> exp.Expr:
    """``regexp_count(text, pattern)``."""
    if any(node.args.get(key) is not None for key in ("position", "parameters")):
        raise refuse("regexp_count with a start or flags")
    return cast(call("regexp_count", node.this, _counted(node.expression), returns="BIGINT"), "INT")


def split_to_array(node: exp.Anonymous) -> exp.Expr:
    """``regexp_split_to_array`` at a constant text. Arrow does not end where a pattern matches nothing."""
    pattern = node.expressions[1].unnest()
    if len(node.expressions) > 2 or not (isinstance(pattern, exp.Literal) and _PLAIN.fullmatch(pattern.name)):
        raise refuse("regexp_split_to_array by a pattern")
    return call("regexp_split_to_array", node.expressions[0], translated(node.expressions[1]), returns="TEXT[]")
