"""The conditions of a block of joins: which columns are equal, and which others there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from optimizer.join_block import JoinBlock

T = exp.DType
_INTEGERS = frozenset({T.SMALLINT, T.INT, T.BIGINT})
_ALIKE = frozenset({T.DECIMAL, T.TEXT, T.VARCHAR, T.DATE, T.TIMESTAMP, T.TIMESTAMPTZ, T.BOOLEAN, T.UUID})


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of a block by what they say: columns that are equal, and others with the mask of their sources."""

    equal: tuple[tuple[exp.Column, ...], ...]
    others: tuple[tuple[int, exp.Expr], ...]


def conditions_of(block: JoinBlock) -> Conditions:
    """Gather columns that are equal to each other, by way of others too."""
    numbers = block.numbers
    groups: list[list[exp.Column]] = []
    others: list[tuple[int, exp.Expr]] = []
    for condition in block.conditions:
        pair = _equal_pair(condition, numbers)
        if pair is None:
            others.append((_mask(condition, numbers), condition))
            continue
        near = [group for group in groups if any(column in group for column in pair)]
        groups = [group for group in groups if group not in near]
        groups.append([*dict.fromkeys([*(column for group in near for column in group), *pair])])
    equal: list[tuple[exp.Column, ...]] = []
    for group in groups:
        chosen = {numbers[column.table]: column for column in reversed(group)}
        for column in group:
            number = numbers[column.table]
            if column is not chosen[number]:
                others.append((1 << number, boolean(exp.EQ(this=chosen[number].copy(), expression=column.copy()))))
        equal.append(tuple(chosen.values()))
    return Conditions(tuple(equal), tuple(others))


def _equal_pair(condition: exp.Expr, numbers: Mapping[str, int]) -> tuple[exp.Column, exp.Column] | None:
    """Return two columns of different sources that a condition holds equal, of types in which equality is transitive
    and both are compared as they are.
    """
    if not isinstance(condition, exp.EQ):
        return None
    left, right = condition.left.unnest(), condition.right.unnest()
    if not isinstance(left, exp.Column) or not isinstance(right, exp.Column):
        return None
    if numbers[left.table] == numbers[right.table] or not _are_alike(left, right):
        return None
    return left, right


def _are_alike(left: exp.Column, right: exp.Column) -> bool:
    one, other = left.type, right.type
    if not isinstance(one, exp.DataType) or not isinstance(other, exp.DataType):
        return False
    return (one.this in _INTEGERS and other.this in _INTEGERS) or (one.this is other.this and one.this in _ALIKE)


def _mask(condition: exp.Expr, numbers: Mapping[str, int]) -> int:
    mask = 0
    for column in condition.find_all(exp.Column):
        mask |= 1 << numbers[column.table]
    return mask


def links(conditions: Conditions, numbers: Mapping[str, int]) -> list[int]:
    """Return the masks of sources that a condition links."""
    equal = [sum({1 << numbers[column.table] for column in group}) for group in conditions.equal]
    return [*equal, *(mask for mask, _ in conditions.others)]


def boolean(node: exp.Expr) -> exp.Expr:
    """Return a node that now is a boolean."""
    node.type = exp.DataType(this=T.BOOLEAN)
    return node
