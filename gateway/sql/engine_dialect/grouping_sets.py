"""GROUP BY: every form of grouping sets becomes one list of plain sets, which is all the engine reads.

``ROLLUP``, ``CUBE``, sets in sets and several of them side by side are shorthands: PostgreSQL takes them apart alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod

from sqlglot import exp

from optimizer.copies import copied

MAX_SETS = 4096  # of PostgreSQL
MAX_ELEMENTS = 12  # of CUBE; the sets of one more are too many
Set = tuple[exp.Expr, ...]


def has_short_form(group: exp.Group) -> bool:
    """Whether a GROUP BY is more than a list of keys, or of plain sets."""
    return group.args.get("all") is not None or any(_is_shorthand(part) for part in group.expressions)


def spell_out(select: exp.Select) -> None:
    """Write a SELECT's grouping sets as a list of plain ones, in place. Positions and aliases in them become the
    expressions that they stand for.
    """
    group = select.args.get("group")
    if group is None:
        return
    distinct = group.args.get("all") is False
    group.set("all", None)
    if not any(_is_shorthand(part) for part in group.expressions):
        return
    alternatives = [_sets(part) for part in group.expressions]
    if prod(len(each) for each in alternatives) > MAX_SETS:
        return  # PostgreSQL refuses them
    sets = [_merged(_joined(each)) for each in product(*alternatives)]
    if distinct:  # GROUP BY DISTINCT
        sets = list({frozenset(one.sql() for one in each): each for each in reversed(sets)}.values())[::-1]
    lists = [exp.Tuple(expressions=[_meant(one, select) for one in each]) for each in sets]
    select.set("group", exp.Group(expressions=[exp.GroupingSets(expressions=lists)]))


def _is_shorthand(part: exp.Expr) -> bool:
    return isinstance(part, exp.GroupingSets | exp.Rollup | exp.Cube) or _is_empty(part)


def _is_empty(part: exp.Expr) -> bool:
    return isinstance(part, exp.Tuple) and not part.expressions


def _sets(part: exp.Expr) -> list[Set]:
    """Return the sets that one item of GROUP BY, or of GROUPING SETS, stands for."""
    if isinstance(part, exp.GroupingSets):
        return [each for one in part.expressions for each in _sets(one)]
    if isinstance(part, exp.Rollup):
        items = [_elements(one) for one in part.expressions]
        return [_joined(items[:size]) for size in range(len(items), -1, -1)]
    if isinstance(part, exp.Cube):
        items = [_elements(one) for one in part.expressions]
        chosen = product((True, False), repeat=min(len(items), MAX_ELEMENTS + 1))
        return [_joined([item for item, take in zip(items, each, strict=False) if take]) for each in chosen]
    return [_elements(part)]


def _elements(part: exp.Expr) -> Set:
    """A row of expressions in parentheses counts as these expressions."""
    if isinstance(part, exp.Tuple):
        return tuple(part.expressions)
    return (part.this,) if isinstance(part, exp.Paren) else (part,)


def _joined(items: Sequence[Set]) -> Set:
    return tuple(one for item in items for one in item)


def _merged(each: Set) -> Set:
    return tuple({one.sql(): one for one in each}.values())


def _meant(key: exp.Expr, select: exp.Select) -> exp.Expr:
    if isinstance(key, exp.Literal) and key.is_int and 0 < int(key.name) <= len(select.selects):
        return copied(select.selects[int(key.name) - 1].unalias())
    return copied(key)
