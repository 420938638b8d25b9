"""CHECK constraints, generated columns and defaults as a source writes them, let through if of PostgreSQL's own parts
alone.

Their text comes from a source and is parsed in the mirror with its owner's rights. So it is cut into words, each of
which has to be known: a column of the table, a function, type or operator of PostgreSQL's own, a constant, or one of a
few key words, none of which begins a statement or a query. What is written into the script is put together from these
words anew, with columns quoted and functions qualified. Whatever a source qualifies with a schema is its own, and is
left out by its point. The mirror parses a CHECK and never evaluates it. Of a generated column PostgreSQL evaluates what
is constant in its expression when it is made: there only such parts are let through whose results are not much longer
than what they are given.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass

from catalog.mirror.built_ins import BuiltIns
from catalog.names import always_quoted

_MOST_CHARACTERS = 4000
_MOST_GENERATED = 1000
_MOST_IN_CONSTANT = 1000
_DEEPEST = 100  # parentheses in each other
_CHECK = re.compile(
    r"CHECK \((?P<expression>.*)\)(?P<inherited> NO INHERIT)?(?P<state> NOT VALID| NOT ENFORCED)?", re.DOTALL
)
_TYPE = (
    r'(?:"char"|(?:character|bit) varying|double precision|time(?:stamp)?(?:\([0-6]\))? with(?:out)? time zone'
    r"|[a-z][a-z0-9_]*)(?:\([0-9]{1,4}(?:,-?[0-9]{1,4})?\))?(?:\[\])?"
)
_TOKEN = re.compile(
    rf"""
      (?P<space>[ \n]+)
    | ::(?P<type>{_TYPE.replace(" ", "[ ]")})
    | EXTRACT\((?P<field>[a-z_]+)[ ]FROM[ ]
    | (?P<constant>'(?:[^'\0]|'')*')
    | (?P<quoted>"(?:[^"\0]|"")+")
    | (?P<number>[0-9]+(?:\.[0-9]+)?(?:e[+-][0-9]+)?)
    | (?P<word>[A-Za-z_][A-Za-z0-9_$]*)
    | (?P<operator>[-+*/<>=~!@#%^&|`?]+)
    | (?P<mark>[()\[\],])
    """,
    re.ASCII | re.VERBOSE,
)
# As PostgreSQL writes them when it tells an expression.
_KEY_WORDS = frozenset(
    {
        *("AND", "OR", "NOT", "IS", "NULL", "TRUE", "FALSE", "UNKNOWN", "true", "false", "DISTINCT", "FROM"),
        *("ANY", "ALL", "ARRAY", "ROW", "CASE", "WHEN", "THEN", "ELSE", "END", "COALESCE", "NULLIF", "GREATEST"),
        *("LEAST", "SUBSTRING", "POSITION", "OVERLAY", "TRIM", "BOTH", "LEADING", "TRAILING", "PLACING", "FOR"),
        *("IN", "AT", "TIME", "ZONE", "CURRENT_DATE", "CURRENT_TIMESTAMP", "LOCALTIMESTAMP"),
    }
)
# Neither repeated nor padded, and not searched for a pattern.
_BRIEF = frozenset(
    {
        *("lower", "upper", "initcap", "btrim", "ltrim", "rtrim", "length", "char_length", "character_length"),
        *("octet_length", "reverse", "left", "right", "substring", "substr", "split_part", "strpos", "starts_with"),
        *("md5", "sha256", "abs", "sign", "ceil", "ceiling", "floor", "round", "trunc", "mod", "div", "date_part"),
        *("date_trunc", "make_date", "age", "isfinite", "array_length", "cardinality", "json_typeof", "jsonb_typeof"),
        *("jsonb_array_length", "num_nulls", "num_nonnulls", "isempty", "int4range", "int8range", "numrange"),
        *("daterange", "tsrange", "tstzrange", "text", "numeric", "date"),
    }
)
_MOMENTS = frozenset({"now", "timezone", "transaction_timestamp", "statement_timestamp"})  # of a default, too
_LONG_OPERATORS = re.compile(r".*[~^].*")
# Their input looks into the mirror's catalogues, or expands what it reads.
_NO_CONSTANTS = re.compile(r"(?:reg[a-z]+|aclitem|xml|pg_[a-z_]+)(?:\[\])?")
# What PostgreSQL makes of IN over varchar. Read again with the cast, each constant of the list would have its own.
_OF_VARCHAR = r"'(?:[^']|'')*' ::character varying"
_LISTS = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")+"|"""
    rf"(?P<before>(?:ANY|ALL) \( )\( (?P<list>ARRAY \[ {_OF_VARCHAR}(?: , {_OF_VARCHAR})* \]) \) ::text\[\]"
)
_PAIRS = {"(": ")", "[": "]"}


@dataclass(frozen=True, slots=True)
class Check:
    """A CHECK constraint: what stands behind its name, to be added without a look at rows, and whether it is shown as
    one that all rows have been found to satisfy.
    """

    definition: str
    validated: bool


def get_check(definition: str, columns: Container[str], known: BuiltIns) -> Check | None:
    """Return a CHECK constraint on these columns, or None where the definition has anything else in it."""
    match = _CHECK.fullmatch(definition)
    expression = None if match is None else get_expression(match["expression"], columns, known)
    if match is None or expression is None:
        return None
    state = match["state"]
    added = f"CHECK ({expression}){match['inherited'] or ''}{state or ' NOT VALID'}"
    return Check(added, validated=state is None)


def get_generation(text: str, columns: Container[str], known: BuiltIns) -> str | None:
    """Return what a column is generated from, put together anew, or None where it has anything else in it."""
    return get_expression(text, columns, known) if _is_brief(text, _BRIEF) else None


def get_default_expression(text: str, known: BuiltIns) -> str | None:
    """Return a default, put together anew, or None where it has anything else in it than `get_generation` lets through,
    and the moment.
    """
    return get_expression(text, (), known) if _is_brief(text, _BRIEF | _MOMENTS) else None


def _is_brief(text: str, functions: Container[str]) -> bool:
    """Whether a text is short, and so is what it comes to: of functions it calls these alone."""
    return len(text) <= _MOST_GENERATED and not any(
        (kind == "operator" and _LONG_OPERATORS.fullmatch(token)) or (opened and _calls(kind, token, functions))
        for kind, token, opened in _tokens(text)
    )


def _calls(kind: str, token: str, but: Container[str]) -> bool:
    """Whether a token that a parenthesis follows calls another function than these."""
    name = token[1:-1] if kind == "quoted" else token
    return kind in ("word", "quoted") and name not in but and token not in _KEY_WORDS


def get_expression(text: str, columns: Container[str], known: BuiltIns) -> str | None:
    """Return an expression over columns, put together anew, or None where it has anything unknown in it."""
    if len(text) > _MOST_CHARACTERS:
        return None
    words = [_known(*token, columns, known) for token in _tokens(text)]
    spelled = [word for word in words if word is not None]
    if len(spelled) < len(words) or not _is_balanced(spelled):
        return None
    return _LISTS.sub(_without_cast, " ".join(spelled))


def _without_cast(found: re.Match[str]) -> str:
    return found[0] if found["list"] is None else found["before"] + found["list"]


def _tokens(text: str) -> list[tuple[str, str, bool]]:
    """Return kinds, texts, and whether a parenthesis follows; ``unknown`` where no token begins, the last one then."""
    found: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            found.append(("unknown", text[position]))
            break
        if match.lastgroup != "space":
            found.append((match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return [
        (kind, token, after == ("mark", "(")) for (kind, token), after in zip(found, [*found[1:], None], strict=True)
    ]


def _known(kind: str, token: str, opened: bool, columns: Container[str], known: BuiltIns) -> str | None:
    """Return how a token is written into the script; None for one that is not known. A name that a parenthesis follows
    is a function's.
    """
    match kind:
        case "type":
            spelled = None if opened else known.get_type(token)  # behind it, a longer modifier than is let through
            return None if spelled is None or _NO_CONSTANTS.fullmatch(spelled) else f"::{spelled}"
        case "field":
            return f"EXTRACT ( {token} FROM"
        case "constant":
            return token if len(token) <= _MOST_IN_CONSTANT else None
        case "operator":
            return None if "--" in token or "/*" in token else token
        case "number" | "mark":
            return token
        case "word" if token in _KEY_WORDS:
            return token
        case "word" | "quoted":
            name = token if kind == "word" else token[1:-1].replace('""', '"')
            if opened:
                return f"pg_catalog.{always_quoted(name)}" if known.has_function(name) else None
            return always_quoted(name) if name in columns else None
    return None


def _is_balanced(words: list[str]) -> bool:
    """Whether each bracket has its other half, and none closes what is around the expression."""
    open_ones: list[str] = []
    for word in words:
        if word in _PAIRS:
            open_ones.append(_PAIRS[word])
        elif word.startswith("EXTRACT ("):
            open_ones.append(")")
        elif word in _PAIRS.values() and (not open_ones or open_ones.pop() != word):
            return False
        if len(open_ones) > _DEEPEST:
            return False
    return not open_ones
