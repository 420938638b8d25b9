"""``to_char``, ``to_date`` and ``to_timestamp``: PostgreSQL's date patterns in the engine's."""

from __future__ import annotations

import re

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres

from gateway.sql.engine_dialect import kinds
from gateway.sql.engine_dialect.build import call, cast, refuse, text
from gateway.sql.engine_dialect.kinds import kind
from gateway.sql.engine_dialect.moments import STAMP, Session, local, utc
from optimizer.copies import copied

_PATTERNS = {
    "YYYY": "%Y", "YY": "%y", "IYYY": "%G", "MM": "%m", "DD": "%d", "DDD": "%j", "IW": "%V", "ID": "%u",
    "HH24": "%H", "HH12": "%I", "HH": "%I", "MI": "%M", "SS": "%S", "MS": "%3f", "US": "%6f", "AM": "%p", "PM": "%p",
    "am": "%P", "pm": "%P", "Mon": "%b", "Dy": "%a", "FMMonth": "%B", "FMDay": "%A", "TMMonth": "%B", "TMDay": "%A",
    "FMDD": "%-d", "FMMM": "%-m", "FMHH24": "%-H", "FMHH12": "%-I", "FMMI": "%-M", "FMSS": "%-S", "FMDDD": "%-j",
    "TMMon": "%b", "TMDy": "%a",
}  # fmt: skip
_PADDED = {"Month": "%B", "Day": "%A", "MONTH": "%B", "DAY": "%A", "MON": "%b", "DY": "%a", "mon": "%b", "dy": "%a",
           "month": "%B", "day": "%A"}  # fmt: skip
_TOKEN = re.compile("|".join(sorted((*_PATTERNS, *_PADDED, "Q"), key=len, reverse=True)) + r'|"[^"]*"|[^A-Za-z"]+|.')
_BACK = {back: pattern for pattern, back in Postgres.TIME_MAPPING.items()} | {"%u": "D", "%p": "AM"}
_BACK_TOKEN = re.compile("|".join(re.escape(key) for key in sorted(_BACK, key=len, reverse=True)))
_READ = frozenset({"YYYY", "MM", "DD", "HH24", "MI", "SS", "Mon", "DDD"})


def to_char(node: exp.Expr, session: Session) -> exp.Expr:
    """``to_char(moment, pattern)``. Of numbers and intervals it is not there."""
    value, pattern = node.this, node.args.get("format")
    if kind(value) not in kinds.MOMENTS:
        raise refuse(f"to_char of {kind(value).name.lower()}", "Use round(…)::text for numbers.")
    moment = local(value, session)
    pieces = [_piece(moment, token) for token in _merged(_tokens(pattern))]
    return pieces[0] if len(pieces) == 1 else call("concat", *pieces, returns="TEXT")


def _tokens(pattern: exp.Expr | None) -> list[str]:
    """Cut PostgreSQL's pattern into its tokens; sqlglot has turned some into strftime's, so turn those back."""
    bare = pattern.unnest() if pattern is not None else None
    if not (isinstance(bare, exp.Literal) and bare.is_string):
        raise refuse("a date pattern that is not a constant")
    written = bare.name if bare is not pattern else _BACK_TOKEN.sub(lambda found: _BACK[found[0]], bare.name)
    if '"' in written and "D" in written.replace("DD", ""):
        raise refuse("quoted text in a date pattern")
    return _TOKEN.findall(written)


def _merged(tokens: list[str]) -> list[str]:
    """Join neighbours that one call of the engine's ``to_char`` can write; the rest stays alone."""
    merged: list[str] = []
    plain = False
    for token in tokens:
        if token in _PADDED or token in ("Q",):
            merged.append(token)
            plain = False
            continue
        written = _PATTERNS.get(token) or _literal(token)
        if plain:
            merged[-1] += written
        else:
            merged.append(written)
        plain = True
    return merged or [""]


def _literal(token: str) -> str:
    if token.startswith('"'):
        return token[1:-1].replace("%", "%%")
    if token.isalpha():
        raise refuse(f"the date pattern '{token}'", "Patterns such as YYYY, MM, DD, HH24, MI, SS, MS, Mon and Day are.")
    return token.replace("%", "%%")


def _piece(moment: exp.Expr, token: str) -> exp.Expr:
    if token in ("Q",):
        return cast(call("date_part", text("quarter"), copied(moment), returns="INT"), "TEXT")
    if token not in _PADDED:
        return call("to_char", copied(moment), text(token), returns="TEXT")
    found = call("to_char", copied(moment), text(_PADDED[token]), returns="TEXT")
    if token.isupper() or token.islower():
        found = call("upper" if token.isupper() else "lower", found, returns="TEXT")
    return call("rpad", found, exp.Literal.number(9), returns="TEXT") if len(token) > 3 or token in ("Day",) else found


def to_date(node: exp.StrToDate) -> exp.Expr:
    """``to_date(text, pattern)`` for patterns of numbers, which the engine reads as strictly as they are written."""
    return cast(call("to_date", node.this, text(_reading(node.args.get("format"))), returns="DATE"), "DATE")


def to_timestamp(node: exp.StrToTime, session: Session) -> exp.Expr:
    """``to_timestamp(text, pattern)`` read in the session's zone."""
    found = call("to_timestamp_micros", node.this, text(_reading(node.args.get("format"))), returns="TIMESTAMP")
    stamp = cast(found, STAMP)
    if session.time_zone == "UTC":
        return utc(stamp)
    raise refuse("to_timestamp with a pattern in a time zone that is not UTC")


def _reading(pattern: exp.Expr | None) -> str:
    tokens = _tokens(pattern)
    if any(token.isalpha() and token not in _READ for token in tokens):
        raise refuse("this pattern for reading a date", "Patterns of YYYY, MM, DD, HH24, MI, SS are.")
    return "".join(_PATTERNS.get(token) or _literal(token) for token in tokens)
