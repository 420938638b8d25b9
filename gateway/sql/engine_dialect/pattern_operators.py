"""``~<~``, ``~<=~``, ``~>=~`` and ``~>~``: comparisons of texts by code points, which those of lake tables are anyway.

They bind as ``||`` does, more than ``<``. The parser gets ``|`` and a call around the right side, of which the tree's
rule makes the comparison.
"""

from __future__ import annotations

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from gateway.sql.engine_dialect.operands import made, operand_end

_COMPARISONS: dict[TokenType, type[exp.Binary]] = {
    TokenType.LT: exp.LT,
    TokenType.LTE: exp.LTE,
    TokenType.GT: exp.GT,
    TokenType.GTE: exp.GTE,
}
_MARK = "pattern comparison "  # no name that a statement could write without quotes


def pattern_operators(tokens: list[Token]) -> list[Token]:
    """``a ~<~ b`` is ``a | mark(b)``, which `compared` takes."""
    kept: list[Token] = []
    ends: list[int] = []  # places of tokens behind which a right side ends
    place = 0
    while place < len(tokens):
        token = tokens[place]
        if _is_operator(tokens, place):
            name = _MARK + tokens[place + 1].text
            kept += [made(token, TokenType.PIPE, "|"), made(token, TokenType.VAR, name)]
            kept.append(made(token, TokenType.L_PAREN, "("))
            place += 3
            ends.append(operand_end(tokens, place))
            continue
        kept.append(token)
        while ends and ends[-1] == place:
            kept.append(made(tokens[ends.pop()], TokenType.R_PAREN, ")"))
        place += 1
    return kept


def _is_operator(tokens: list[Token], place: int) -> bool:
    if place + 2 >= len(tokens) or tokens[place].token_type is not TokenType.RLIKE:
        return False
    first, sign, last = tokens[place : place + 3]
    joined = first.end + 1 == sign.start and sign.end + 1 == last.start
    tildes = first.text == last.text == "~"
    return joined and tildes and sign.token_type in _COMPARISONS


def compared(tree: exp.Expr) -> None:
    """``a | mark(b)`` is ``(a < b)``, in place."""
    signs = {_MARK + text: kind for text, kind in zip(("<", "<=", ">", ">="), _COMPARISONS.values(), strict=True)}
    for node in reversed([*tree.find_all(exp.BitwiseOr)]):
        marked = node.expression
        if isinstance(marked, exp.Anonymous) and marked.name in signs:
            sides = [exp.Paren(this=side) for side in (node.this, marked.expressions[0])]
            node.replace(exp.Paren(this=signs[marked.name](this=sides[0], expression=sides[1])))
