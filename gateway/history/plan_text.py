"""What a plan is, in words that are the same as long as the choices are: who answers, in which order tables are joined,
which of them are read by the keys of others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from optimizer.relations import relations
from optimizer.scopes import is_in_parentheses, queries
from optimizer.stages import AT_SERVER, JoinAtServer, Optimized, RemotePart


def whole_text(source: str) -> str:
    """Return what is told of a plan where one source's server answers alone."""
    return f"source {source} answers the statement"


def plan_text(optimized: Optimized, parts: Sequence[RemotePart] = ()) -> str:
    """Return what is told of a plan of the engine's. ``parts`` are answered by servers."""
    tree = optimized.tree
    asked = queries(tree)
    at_servers = {id(one) for part in parts for one in asked[part.place].find_all(exp.Select)}
    told = [
        f"join order {_order(one)}" for one in tree.find_all(exp.Select) if id(one) not in at_servers and _joins(one)
    ]
    told += [f"{part.name} by source {part.scan.source}" for part in parts]
    told += _dynamic(optimized)
    names = sorted({str(one.name) for one in relations(tree)})
    return "; ".join(told) or f"reads {', '.join(names)}"


def _joins(select: exp.Select) -> bool:
    source = select.args.get("from_")
    return source is not None and bool(select.args.get("joins") or is_in_parentheses(source.this))


def _order(select: exp.Select) -> str:
    return _joined(select.args["from_"].this, select.args.get("joins") or ())


def _joined(first: exp.Expr, joins: Sequence[exp.Join]) -> str:
    text = _source(first)
    for join in joins:
        kind = " ".join(word for word in (join.side, join.kind) if word and word not in ("INNER", "CROSS"))
        text = f"({text} {kind + ' ' if kind else ''}{_source(join.this)})"
    return text


def _source(node: exp.Expr) -> str:
    if is_in_parentheses(node):
        return _joined(node.this, node.this.args.get("joins") or ())
    at_server = node.this.meta.get(AT_SERVER) if isinstance(node, exp.Subquery) else None
    if isinstance(at_server, JoinAtServer):
        return f"[{at_server.name}]"
    return str(node.alias_or_name)


def _dynamic(optimized: Optimized) -> Iterator[str]:
    if not optimized.dynamic:
        return
    aliases = [one.alias for one in relations(optimized.tree)]
    for one in optimized.dynamic:
        keys = ", ".join(map(str, one.tables))
        yield f"{aliases[one.target]}.{one.column} by keys of {keys}"


def leading_hint(optimized: Optimized, parts: Sequence[RemotePart] = ()) -> str | None:
    """Return a plan's order of inner joins as the hint that asks for it; None where it joins in several places, where
    servers answer parts of it, or where what is joined has no names.
    """
    joined = [one for one in optimized.tree.find_all(exp.Select) if _joins(one)]
    if parts or len(joined) != 1:
        return None
    pair = _pairs(joined[0].args["from_"].this, joined[0].args.get("joins") or ())
    return f"Leading({pair})" if pair is not None and pair.startswith("(") else None


def _pairs(first: exp.Expr, joins: Sequence[exp.Join]) -> str | None:
    """Return joins as pairs, the hashed side second, as pg_hint_plan has it; outer joins come after all inner ones."""
    text = _hinted(first)
    for join in joins:
        if join.side or join.kind in ("SEMI", "ANTI"):
            break
        other = _hinted(join.this)
        if text is None or other is None:
            return None
        text = f"({other} {text})"
    return text


def _hinted(node: exp.Expr) -> str | None:
    if is_in_parentheses(node):
        return _pairs(node.this, node.this.args.get("joins") or ())
    name = str(node.alias_or_name)
    if not name or (isinstance(node, exp.Subquery) and isinstance(node.this.meta.get(AT_SERVER), JoinAtServer)):
        return None
    return name if name.replace("_", "a").isalnum() else '"' + name.replace('"', '""') + '"'
