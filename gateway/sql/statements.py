"""A client's text cut into statements, and what kind each is: the first decision on a statement's way.

Only kinds that are listed here are served; all else is refused by name (deny by default). The cut follows SQL's
tokens, so a semicolon inside a string or a comment does not end a statement.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

from cachetools import LRUCache
from sqlglot import exp
from sqlglot.errors import SqlglotError

from catalog.errors import SqlError
from catalog.own_views import HISTORY_VIEWS, STAT_STATEMENTS
from catalog.sqlstate import SqlState
from gateway.sql import complexity
from gateway.sql.access import is_access
from gateway.sql.cursor_statements import QUERY_HEADS, declaration
from gateway.sql.engine_dialect.before_qualify import parse
from gateway.sql.explain_options import ExplainOptions, read_options
from gateway.sql.hints import hint_comment
from gateway.sql.mapping_statements import is_mapping_statement
from gateway.sql.masking_parser import is_masking_statement
from gateway.sql.own_settings import check_own_setting
from gateway.sql.pin_statements import is_pin_statement
from gateway.sql.policy_questions import is_policy_question
from gateway.sql.temporary_statements import is_temporary_statement
from gateway.sql.tokens import Token, TooManyTokens, UnterminatedToken, tokens

MAX_STATEMENT_BYTES = (
    1 << 20
)  # the engine's and the parser's recursion grow with it; a gateway's limit, not PostgreSQL's
# Encodings in which a backslash or a letter may be the second byte of a character.
_NOT_ASCII_SAFE = frozenset({"BIG5", "GB18030", "GBK", "JOHAB", "SHIFT_JIS_2004", "SJIS", "UHC"})
_ABOUT_SESSIONS = ("pg_stat_activity", "pg_stat_ssl", "pg_cancel_backend", "pg_terminate_backend")
_ABOUT_HISTORY = (*HISTORY_VIEWS, STAT_STATEMENTS)
_KEPT_BYTES = 1 << 14  # longer texts are cut anew each time: they would fill the memory
_CUT: LRUCache[tuple[str, str], tuple[Statement, ...]] = LRUCache(1024)  # by who has sent a text, and the text
_LOCK = threading.Lock()  # of the texts that are known: long ones are cut in threads


class Kind(Enum):
    """What has to be done with a statement."""

    __hash__ = object.__hash__  # Enum's is a function of Python

    EMPTY = auto()
    QUERY = auto()  # SELECT, VALUES, TABLE, WITH … SELECT
    SESSION = auto()  # settings and transactions: the mirror's session carries them
    EXPLAIN = auto()
    COPY = auto()  # the rows of a query as a file; nothing is copied in
    DECLARE = auto()  # a cursor in SQL: its query goes the way of a QUERY
    FETCH = auto()  # and MOVE: rows of a cursor, of the lake or of the mirror's own
    PREPARE = auto()  # a prepared statement in SQL: its query goes the way of a QUERY
    EXECUTE = auto()  # of a statement that PREPARE or a Parse message has made
    ACCESS = auto()  # roles, privileges and policies: the mirror judges them, the store keeps what they change
    AUTHORIZATION = auto()  # SET SESSION AUTHORIZATION to a role: superusers of the gateway are let to by it
    TEMPORARY = auto()  # of temporary tables, which the mirror's session has; refused for all others
    ANALYZE = auto()  # tables of the lake are read for their statistics
    REFRESH = auto()  # REFRESH SOURCE: look at the sources again, now
    MASKING = auto()  # masking policies, tags and masking secrets
    USER_MAPPING = auto()  # with which logins sources are read
    POLICY_QUESTION = auto()  # EXPLAIN POLICY, CHECK ACCESS: who may see what, and why
    PLAN_PIN = auto()  # SELECT lakegate.pin_plan(…) and unpin_plan(…)
    UNREADABLE = auto()  # a string or comment has no end: the mirror's parser says where, and nothing is executed


_SESSION_HEADS = frozenset(
    (
        *("SET", "SHOW", "RESET", "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"),
        *("DISCARD", "DEALLOCATE", "LISTEN", "UNLISTEN", "NOTIFY", "CLOSE"),
    )
)
_OTHER_COMMANDS = frozenset(  # of PostgreSQL 18, which are not served
    (
        *("ALTER", "CALL", "CHECKPOINT", "CLUSTER", "COMMENT", "CREATE", "DECLARE", "DELETE", "DO"),
        *("DROP", "EXECUTE", "FETCH", "GRANT", "IMPORT", "INSERT", "LOAD", "LOCK", "MERGE", "MOVE", "PREPARE"),
        *("REASSIGN", "REFRESH", "REINDEX", "REVOKE", "SECURITY", "TRUNCATE", "UPDATE", "VACUUM"),
    )
)
_OF_QUERIES = {  # statements that hold a query, or give the rows of one
    **{"DECLARE": Kind.DECLARE, "FETCH": Kind.FETCH, "MOVE": Kind.FETCH},
    **{"PREPARE": Kind.PREPARE, "EXECUTE": Kind.EXECUTE},
}
_DEFINITIONS = frozenset({"CREATE", "ALTER", "DROP"})
_MAKERS = frozenset(
    ("ALTER", "ANALYZE", "CREATE", "DELETE", "DROP", "INSERT", "MERGE", "SELECT", "TRUNCATE", "UPDATE", "WITH")
)
SUPPORTED = (
    "SELECT, VALUES, TABLE, WITH, COPY TO STDOUT, EXPLAIN, SET, SHOW, RESET, transactions without writes,"
    " ANALYZE, REFRESH SOURCE, and those of roles, privileges, policies, masks, tags and views"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a client: its text as sent (without the semicolon) and its kind."""

    text: str
    kind: Kind
    head: str  # the first word in upper case, "" for an empty statement
    start: int = 0  # its offset in the client's text, for the positions of errors
    about_gateway: bool = False  # it may ask what the mirror is to be told first
    hints: str = ""  # what stands in its hint comment


def require_one_reading(text: str, settings: Mapping[str, str]) -> None:
    """Refuse a text that the mirror might cut into other statements than the gateway: some settings change what a
    backslash means, or which bytes are one.
    """
    if settings.get("standard_conforming_strings") == "off" and "\\" in text:
        raise SqlError(
            SqlState.FEATURE_NOT_SUPPORTED,
            "backslashes are not supported while standard_conforming_strings is off",
            hint="SET standard_conforming_strings TO on.",
        )
    if settings.get("client_encoding") in _NOT_ASCII_SAFE and not text.isascii():
        raise SqlError(
            SqlState.FEATURE_NOT_SUPPORTED,
            f"client_encoding {settings['client_encoding']} is supported for statements in ASCII only",
            hint="SET client_encoding TO 'UTF8'.",
        )


def split(text: str, login: str = "") -> tuple[Statement, ...]:
    """Cut a text into its statements; empty ones between semicolons are left out, an empty text gives one EMPTY.

    A text that cannot be cut into tokens is one UNREADABLE. It is remembered for who has sent it, a ``login``, alone:
    the time that it takes would tell others that somebody has sent this very text.
    """
    known = known_cut(text, login)
    if known is None:
        known = _split(text)
        if len(text) <= _KEPT_BYTES:
            with _LOCK:
                _CUT[login, text] = known
    return known


def known_cut(text: str, login: str = "") -> tuple[Statement, ...] | None:
    """Return what `split` made of the same text of the same login before, if that is still known."""
    with _LOCK:
        return _CUT.get((login, text))


def _split(text: str) -> tuple[Statement, ...]:
    if len(text.encode("utf-8", "surrogatepass")) > MAX_STATEMENT_BYTES:
        raise SqlError(SqlState.STATEMENT_TOO_COMPLEX, f"statement is longer than {MAX_STATEMENT_BYTES} bytes")
    try:
        words = tokens(text, complexity.MAX_TOKENS)
    except UnterminatedToken:
        return (Statement(text, Kind.UNREADABLE, ""),)
    except TooManyTokens as error:
        raise SqlError(SqlState.STATEMENT_TOO_COMPLEX, f"statement has more than {error} words and signs") from None
    complexity.check(words)
    parts = [_statement(text, part) for part in _parts(words)]
    if "/*+" in text:
        ends = [0, *(token.end for token in words if token.text == ";")]
        parts = [_hinted(one, text, max(end for end in ends if end <= one.start)) for one in parts]
    return tuple(parts) or (Statement("", Kind.EMPTY, ""),)


def _hinted(statement: Statement, text: str, start: int) -> Statement:
    """Return a statement with its hints; ``start`` is where the text behind the statement before begins."""
    return replace(statement, hints=hint_comment(text[start : statement.start + len(statement.text)]))


def _parts(words: list[Token]) -> list[list[Token]]:
    parts: list[list[Token]] = [[]]
    for token in words:
        if token.text == ";":
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def _statement(text: str, part: list[Token]) -> Statement:
    words = [token.text.upper() for token in part[:4]]
    if words[0] in _DEFINITIONS and is_masking_statement([token.text.upper() for token in part]):
        kind = Kind.MASKING
    elif is_mapping_statement(words):
        kind = Kind.USER_MAPPING
    elif is_policy_question(words):
        kind = Kind.POLICY_QUESTION
    elif is_pin_statement(words):
        kind = Kind.PLAN_PIN
    elif words[0] in _MAKERS and is_temporary_statement(part) and not (words[0] == "ALTER" and is_access(part)):
        kind = Kind.TEMPORARY
    else:
        kind = Kind.ACCESS if words[0] in _OTHER_COMMANDS and is_access(part) else _kind(words, part)
    cut = text[part[0].start : part[-1].end]
    return Statement(cut, kind, words[0], part[0].start, asks_about_gateway(cut))


def asks_about_gateway(text: str) -> bool:
    """Say whether a text may ask what only the gateway knows, so that the mirror is to be told first."""
    lowered = text.lower()
    return any(name in lowered for name in (*_ABOUT_SESSIONS, *_ABOUT_HISTORY))


def asks_about_sessions(text: str) -> bool:
    """Say whether a text may ask what the gateway's clients do."""
    lowered = text.lower()
    return any(name in lowered for name in _ABOUT_SESSIONS)


def asks_about_history(text: str) -> bool:
    """Say whether a text may ask what statements have taken."""
    lowered = text.lower()
    return any(name in lowered for name in _ABOUT_HISTORY)


def _kind(words: list[str], part: list[Token]) -> Kind:
    head, first = words[0], part[0]
    if head in QUERY_HEADS:
        return Kind.QUERY
    if head == "EXPLAIN":
        return Kind.EXPLAIN
    if head == "COPY":
        return Kind.COPY
    if head == "ANALYZE":
        return Kind.ANALYZE
    if head == "REFRESH" and words[1:2] == ["SOURCE"]:
        return Kind.REFRESH
    if head in _SESSION_HEADS:
        check_own_setting(part)
        return Kind.AUTHORIZATION if _sets_authorization(words) else Kind.SESSION
    if head in _OF_QUERIES and (head != "PREPARE" or words[1:2] != ["TRANSACTION"] or words[2:3] in (["AS"], ["("])):
        return _OF_QUERIES[head]
    if head not in _OTHER_COMMANDS:
        raise SqlError(SqlState.SYNTAX_ERROR, f'syntax error at or near "{first.text}"', position=first.start + 1)
    raise not_supported(_command(words))


def not_supported(command: str) -> SqlError:
    """Return the error for a statement that is not served."""
    hint = f"Supported statements are {SUPPORTED}."
    return SqlError(SqlState.FEATURE_NOT_SUPPORTED, f"{command} is not supported", hint=hint)


def _command(words: list[str]) -> str:
    return " ".join(words[:2]) if words[0] in {"CREATE", "ALTER", "DROP"} and words[1:2] else words[0]


def _sets_authorization(words: list[str]) -> bool:
    """Whether it is SET SESSION AUTHORIZATION to a role. The mirror judges it, as SET ROLE: it has the same roles."""
    plain = [word.strip('"') for word in words]
    rest = [word for word in plain[1:] if word not in {"SESSION", "LOCAL"} or plain[2:3] == ["AUTHORIZATION"]]
    names_login = rest[:1] == ["SESSION_AUTHORIZATION"] or "AUTHORIZATION" in rest[:2]
    return words[0] == "SET" and names_login and "DEFAULT" not in words


def explained(statement: Statement) -> tuple[ExplainOptions, str]:
    """Return the options of an EXPLAIN and the text of the statement in it."""
    words = tokens(statement.text)
    index, options = 1, ExplainOptions()
    if _text(words, 1) == "(" and _text(words, 2) not in QUERY_HEADS:
        end = next((at for at, word in enumerate(words) if word.text == ")"), len(words))
        index, options = end + 1, read_options(words[2:end])
    else:
        analyzed = _text(words, 1) in {"ANALYZE", "ANALYSE"}
        verbose = _text(words, 1 + analyzed) == "VERBOSE"
        index += analyzed + verbose
        options = ExplainOptions(analyzed, verbose, timing=analyzed, summary=analyzed, buffers=analyzed)
    if index >= len(words):
        raise SqlError(SqlState.SYNTAX_ERROR, "syntax error at end of input", position=len(statement.text) + 1)
    head, first = _text(words, index), words[index]
    if head == "DECLARE":
        return options, _declared(statement.text[first.start :], first.start)
    if head == "EXECUTE":
        return options, statement.text[first.start :]
    if head in _OTHER_COMMANDS:
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, f"EXPLAIN {head} is not supported")
    if head not in QUERY_HEADS:
        raise SqlError(SqlState.SYNTAX_ERROR, f'syntax error at or near "{first.text}"', position=first.start + 1)
    return options, statement.text[first.start :]


def _declared(text: str, start: int) -> str:
    try:
        return declaration(text).tail.query
    except SqlError as error:
        if error.position is not None:
            error.position += start
        raise


def _text(words: list[Token], index: int) -> str:
    return words[index].text.upper() if index < len(words) else ""


def parse_query(text: str) -> exp.Query | None:
    """Return the syntax tree of a query, or None where sqlglot cannot read it as one query.

    None is not a verdict on the statement: PostgreSQL's own parser, in the mirror, has the last word.
    """
    try:
        tree = parse(text)
    except RecursionError:
        raise SqlError(SqlState.STATEMENT_TOO_COMPLEX, "statement is nested too deeply") from None
    except SqlglotError:
        return None
    while isinstance(tree, exp.Subquery) and not tree.args.get("alias") and isinstance(tree.this, exp.Query):
        if any(tree.args.get(key) for key in ("order", "limit", "offset", "with_")):
            break
        tree = tree.this
    return tree if isinstance(tree, exp.Query) else None
