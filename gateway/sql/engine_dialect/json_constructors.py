"""``json_arrayagg`` and ``json_objectagg`` of SQL's standard: ``json_agg_strict``, ``json_object_agg`` and kin."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from gateway.sql.engine_dialect.gathered_aggregates import gather
from gateway.sql.engine_dialect.json_aggregates import composed
from gateway.sql.engine_dialect.operands import closing
from optimizer.copies import copied

_RESULTS = frozenset({"json", "jsonb"})


def array_aggregates(tokens: list[Token]) -> list[Token]:
    """Give ``json_arrayagg(a NULL ON NULL RETURNING jsonb)`` the name that PostgreSQL's own function of it has, and
    take its clauses away; the parser does not read them.
    """
    left_out: set[int] = set()
    for at, token in enumerate(tokens[:-1]):
        if token.token_type is TokenType.VAR and token.text.lower() == "json_arrayagg":
            end = closing(tokens, at + 1)
            start, result, strict = _clauses(tokens, end)
            if result is not None:
                token.text = f"{result}_agg{'_strict' if strict else ''}"
                left_out.update(range(start, end))
    return [token for at, token in enumerate(tokens) if at not in left_out] if left_out else tokens


def _clauses(tokens: list[Token], end: int) -> tuple[int, str | None, bool]:
    """Return where the clauses before the end begin, the type of the result, None for others than json, and whether
    NULL is left out.
    """
    result: str | None = "json"
    if _words(tokens, end, 2)[:1] == ["returning"]:
        named = _words(tokens, end, 1)[0]
        result = named if named in _RESULTS else None
        end -= 2
    words = _words(tokens, end, 3)
    if words[1:] == ["on", "null"] and words[0] in ("null", "absent"):
        return end - 3, result, words[0] == "absent"
    return end, result, True


def _words(tokens: list[Token], end: int, count: int) -> list[str]:
    quoted = (TokenType.STRING, TokenType.IDENTIFIER)
    return ["" if token.token_type in quoted else token.text.lower() for token in tokens[max(0, end - count) : end]]


def object_aggregates(tree: exp.Expr) -> None:
    """``json_objectagg(a : b)``, in place."""
    for node in [*tree.find_all(exp.JSONObjectAgg)]:
        pair, returned = node.expressions[0], node.args.get("return_type")
        result = returned.name.lower() if isinstance(returned, exp.Expr) else "json"
        if result not in _RESULTS or not isinstance(pair, exp.JSONKeyValue):
            continue
        strict = "_strict" if str(node.args.get("null_handling") or "").upper().startswith("ABSENT") else ""
        made = exp.Anonymous(this="json_objectagg", expressions=[copied(pair.this), copied(pair.expression)])
        node.replace(made)
        if node.args.get("unique_keys"):
            gather(made, f"{result}_object_agg_unique{strict}")
        else:
            composed(made, f"{result}_object_agg{strict}")
