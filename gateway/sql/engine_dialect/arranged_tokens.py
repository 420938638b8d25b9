"""A statement's tokens, arranged so that sqlglot reads PostgreSQL's meaning out of them.

- ``f(a -> 'b')`` would be a lambda: a name before the operator ``->`` gets parentheses.
- ``-> 'a.b'`` would be a path into a document, where PostgreSQL has a key: it gets parentheses.
- ``json_object`` of arrays is a function, not the constructor of SQL/JSON: it gets a name of its own, and so do
  functions whose arguments it would read as units of time or drop (of a step of ``'1 day 02:00'`` it would read one
  unit), and aggregates of json.
- Of ``to_char(t, 'FMDdth')`` it would make a pattern of strftime's, which has no such thing: all but plain patterns get
  parentheses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from gateway.sql.engine_dialect.gathered_aggregates import AGGREGATES as GATHERED
from gateway.sql.engine_dialect.gathered_aggregates import gather
from gateway.sql.engine_dialect.json_aggregates import AGGREGATES, composed

_ARROWS = frozenset({TokenType.ARROW, TokenType.DARROW})
_STARTS = frozenset({TokenType.L_PAREN, TokenType.COMMA})
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_READING = frozenset({"to_date", "to_timestamp"})
_SAFE = re.compile(r"(?!.*(?:SSSS|DDD))(?:YYYY|MM|DD|HH24|MI|SS|MS|US|[-/.,:; ])+\Z")  # what the engine writes alike
_OWN = "_as_written"  # behind the names of functions that sqlglot would take for others
_RENAMED = frozenset(
    {
        *(
            "array_sort",
            "convert",
            "date_add",
            "date_bin",
            "date_subtract",
            "date_part",
            "generate_series",
            "regexp_like",
        ),
        *AGGREGATES,
        *GATHERED,
    }
)


def arranged(tokens: Sequence[Token]) -> list[Token]:
    """Return the tokens with parentheses and names as told above; most statements come back as they are."""
    if not any(token.token_type in _ARROWS or token.text.lower() in _CHANGED for token in tokens):
        return [*tokens]
    return [*_arranged(tokens)]


_CHANGED = _READING | _RENAMED | {"to_char", "json_object", "overlaps"}


def _arranged(tokens: Sequence[Token]) -> Iterator[Token]:
    calls: list[str] = []
    for at, token in enumerate(tokens):
        kind = token.token_type
        before = tokens[at - 1] if at else None
        after = tokens[at + 1] if at + 1 < len(tokens) else None
        if kind is TokenType.L_PAREN:
            calls.append(before.text.lower() if before is not None else "")
        elif kind is TokenType.R_PAREN and calls:
            calls.pop()
        if kind is TokenType.STRING and before is not None and _is_misread(token, before, calls):
            yield from _parenthesized(token, 1)
        elif after is not None and after.token_type is TokenType.ARROW and _may_be_argument(token, before):
            yield from _parenthesized(token, 2)
        else:
            if after is not None and after.token_type is TokenType.L_PAREN and _is_renamed(tokens, at):
                token.token_type = TokenType.VAR  # which some of them are not
                token.text += _OWN
            yield token


def _is_misread(token: Token, before: Token, calls: Sequence[str]) -> bool:
    if before.token_type in _ARROWS:
        return _PLAIN_KEY.match(token.text) is None
    if not calls or before.token_type not in _STARTS:  # else it is the text of INTERVAL '1 hour'
        return False
    return calls[-1] in _READING or (calls[-1] == "to_char" and not _SAFE.match(token.text))


def _may_be_argument(token: Token, before: Token | None) -> bool:
    is_name = _PLAIN_KEY.match(token.text) is not None or token.token_type is TokenType.IDENTIFIER
    return is_name and before is not None and before.token_type in _STARTS


def _parenthesized(token: Token, times: int) -> Iterator[Token]:
    place = token.line, token.col, token.start, token.end
    yield from (Token(TokenType.L_PAREN, "(", *place) for _ in range(times))
    yield token
    yield from (Token(TokenType.R_PAREN, ")", *place) for _ in range(times))


def _is_renamed(tokens: Sequence[Token], at: int) -> bool:
    name = tokens[at].text.lower()
    if name == "overlaps":  # the operator stands behind a row
        return at > 0 and tokens[at - 1].token_type is not TokenType.R_PAREN
    return name in _RENAMED or (name == "json_object" and _is_function(tokens, at + 1))


def _is_function(tokens: Sequence[Token], opening: int) -> bool:
    """Whether the parentheses that open there have no ``key : value`` or ``key VALUE value`` in them."""
    depth = 0
    for token in tokens[opening:]:
        depth += (token.token_type in _OPENING) - (token.token_type in _CLOSING)
        if depth == 0:
            return token is not tokens[opening + 1]  # json_object() has no arrays
        if depth == 1 and (token.token_type is TokenType.COLON or token.text.upper() == "VALUE"):
            return False
    return False


_OPENING = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE})
_CLOSING = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE})


def with_own_names(tree: exp.Expr) -> exp.Expr:
    """Give functions their names back, and ``x <> ALL (array)`` what it is for a function, in place."""
    for node in reversed([*tree.find_all(exp.Anonymous)]):  # what is composed of others copies them
        if node.name.endswith(_OWN):
            name = node.name.removesuffix(_OWN).lower()
            if name in AGGREGATES:
                composed(node, name)
            elif name in GATHERED:
                node.set("this", name)
                gather(node, name)
            elif name == "overlaps" and len(node.expressions) == 4:
                first, second = (exp.Tuple(expressions=node.expressions[at : at + 2]) for at in (0, 2))
                node.replace(exp.Paren(this=exp.Overlaps(this=first, expression=second)))
            elif name == "generate_series" and len(node.expressions) in (2, 3, 4):  # its step stays as it is written
                node.replace(exp.ExplodingGenerateSeries.from_arg_list(node.expressions))
            elif name == "date_part":
                _take_part(node)
            elif name == "regexp_like" and len(node.expressions) == 2:  # with flags, which it writes nowhere, it stays
                value = exp.cast(node.expressions[0], "text", dialect="postgres")  # which has no blanks behind it
                node.replace(exp.RegexpLike(this=value, expression=node.expressions[1]))
            else:
                node.set("this", name)
        elif node.name.lower() == "all" and isinstance(node.parent, exp.Binary) and len(node.expressions) == 1:
            held = node.expressions[0]
            holder = exp.Subquery if isinstance(held, exp.Values) else exp.Paren
            node.replace(exp.All(this=holder(this=held)))
    return tree


def _take_part(node: exp.Anonymous) -> None:
    """``date_part('year', t)`` is ``extract(year FROM t)`` as double precision, in place."""
    node.set("this", "date_part")
    field = node.expressions[0].unnest() if len(node.expressions) == 2 else None
    if not isinstance(field, exp.Literal) or not field.is_string or not field.name.isalpha():
        return
    found = exp.Extract(this=exp.var(field.name), expression=node.expressions[1])
    found.meta.update(node.meta)  # where its name stands
    node.replace(exp.Cast(this=found, to=exp.DataType.build("double precision", dialect="postgres")))
