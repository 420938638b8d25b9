"""Which sources of a SELECT its conditions may be asked of instead: those that no outer join may add rows without."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from optimizer.relations import conjuncts


@dataclass(frozen=True, slots=True)
class Clause:
    """WHERE or ON, and the sources that may be asked by themselves what it asks of them alone."""

    node: exp.Where | exp.Join
    sources: list[exp.Expr]

    @property
    def conditions(self) -> list[exp.Expr]:
        """Its conditions."""
        return conjuncts(self.node.this if isinstance(self.node, exp.Where) else self.node.args.get("on"))

    def keep(self, conditions: list[exp.Expr]) -> None:
        """Leave these conditions in it, in place."""
        if isinstance(self.node, exp.Join):
            self.node.set("on", exp.and_(*conditions, copy=False) if conditions else exp.true())
        elif conditions:
            self.node.set("this", exp.and_(*conditions, copy=False))
        else:
            self.node.pop()


def clauses(select: exp.Select) -> Iterator[Clause]:
    """Yield the clauses of a SELECT that have conditions; nothing of one with NATURAL joins or USING, whose conditions
    are not written.

    A side that may be missing is not asked what WHERE asks: it filters after the join. ON of a LEFT JOIN filters the
    right side alone, ON of a RIGHT JOIN the left, and of a FULL JOIN neither.
    """
    source = select.args.get("from_")
    joins: list[exp.Join] = select.args.get("joins") or []
    if source is None or any(join.args.get("using") or join.method for join in joins):
        return
    before: list[exp.Expr] = []
    kept: list[exp.Expr] = [source.this]
    on: list[Clause] = []
    for join in joins:
        if is_comma(join):
            before, kept = [*before, *kept], [join.this]
            continue
        left, right = kept, [join.this]
        asked = {"LEFT": right, "RIGHT": left, "FULL": []}.get(join.side, [*left, *right])
        if join.args.get("on") is not None and join.kind not in ("SEMI", "ANTI"):
            on.append(Clause(join, asked))
        kept = {"LEFT": left, "RIGHT": right, "FULL": []}.get(join.side, [*left, *right])
    where = select.args.get("where")
    if where is not None:
        yield Clause(where, [*before, *kept])
    yield from on


def is_comma(join: exp.Join) -> bool:
    """Whether a source stands behind a comma: the joins behind it are its own, and not of what stands before."""
    return not any(join.args.get(name) for name in ("side", "kind", "on", "using", "method"))
