"""Where a condition on the columns of a query may be asked within it.

A condition enters a query by the columns that are handed on as they are. What the query leaves out, groups or numbers
must be the same with it and without it: rows with equal keys of groups, and those of one partition of a window, are all
left out by it or none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from optimizer.copies import copied
from optimizer.leakproof import is_leakproof
from optimizer.scopes import source_names

_CUTS = ("limit", "offset", "fetch", "qualify", "windows", "laterals", "locks", "sample", "kind")
_PARAMETERS = (exp.Parameter, exp.Placeholder)
_TEXTS = frozenset({exp.DType.TEXT, exp.DType.VARCHAR})
_OTHER_GROUPS = ("grouping_sets", "rollup", "cube", "totals", "all")


@dataclass(frozen=True, slots=True)
class Place:
    """A SELECT in whose WHERE a condition may stand, and what it is there."""

    select: exp.Select
    condition: exp.Expr


def places(
    condition: exp.Expr, query: exp.Expr, columns: Mapping[str, int], *, may_fail: bool = False
) -> list[Place] | None:
    """Return where within a query a condition may be asked, such that it need not be asked outside any more; None where
    there is no such place. Of a set operation that is in each of its arms.

    ``columns`` are the places of the query's columns by the names that the condition has for them. Only a leakproof
    condition enters, as others may fail for rows that the query leaves out, but with ``may_fail``.
    """
    if isinstance(query, exp.Subquery):
        plain = not any(value for name, value in query.args.items() if name != "this")
        return places(condition, query.this, columns) if plain else None
    if isinstance(query, exp.SetOperation):
        return _in_arms(condition, query, columns)
    if not isinstance(query, exp.Select):
        return None
    outputs = _handed_on(query, columns)
    inside = over(condition, outputs)
    if inside is None or not (may_fail or is_leakproof(_with_values(inside))):
        return None
    read = [outputs[column.name] for column in condition.find_all(exp.Column)]
    asked = {one for one in read if isinstance(one, exp.Column)}
    if len(asked) < len({*read}) and not _has_rows_of_sources(query):
        return None  # there would be a row whatever a condition on a constant says
    return [Place(query, inside)] if _leaves_out_alike(query, asked) else None


def _has_rows_of_sources(select: exp.Select) -> bool:
    """Whether a SELECT has no rows where it reads none: not so one that aggregates all of them. A function that is
    known by its name alone may be an aggregate.
    """
    group = select.args.get("group")
    if group is not None:
        others = group.find(exp.GroupingSets, exp.Cube, exp.Rollup, exp.Tuple)  # among which may be that of all rows
        return bool(group.expressions) and others is None and not any(map(group.args.get, _OTHER_GROUPS))
    if select.args.get("from_") is None or select.args.get("having") is not None:
        return False
    parts = [*select.expressions, *([select.args["order"]] if select.args.get("order") else [])]
    return not any(isinstance(one, exp.AggFunc | exp.Anonymous) for part in parts for one in _own(part))


def over(condition: exp.Expr, outputs: Mapping[str, exp.Expr]) -> exp.Expr | None:
    """Return a condition over what columns are in a query; None where one of them is computed there, or has another
    type: the arms of a set operation may be cast to one.
    """
    inside = copied(condition)
    for column in [*inside.find_all(exp.Column)]:
        output = outputs.get(column.name)
        if output is None or not _is_same(output.type, column.type):
            return None
        replacement = copied(output)
        if column is inside:
            inside = replacement
        else:
            column.replace(replacement)
    return inside


def _with_values(condition: exp.Expr) -> exp.Expr:
    """A condition with NULL for its parameters: a value that fails does so for all rows or for none. Fences within the
    query judge them by themselves.
    """
    if condition.find(*_PARAMETERS) is None:
        return condition
    changed = exp.Paren(this=copied(condition))
    for parameter in [*changed.find_all(*_PARAMETERS)]:
        parameter.replace(exp.Null())
    return changed


def _in_arms(condition: exp.Expr, query: exp.SetOperation, columns: Mapping[str, int]) -> list[Place] | None:
    """Not in those of EXCEPT, as PostgreSQL does not either."""
    if isinstance(query, exp.Except) or any(query.args.get(name) for name in (*_CUTS, "by_name")):
        return None
    found: list[Place] = []
    for arm in (query.left, query.right):
        taken = places(condition, arm, columns)
        if taken is None:
            return None
        found += taken
    return found


def _leaves_out_alike(select: exp.Select, asked: set[exp.Column]) -> bool:
    """Whether a SELECT makes the same of the rows that a condition on these columns leaves as it would of all."""
    distinct = select.args.get("distinct")
    if any(select.args.get(name) for name in _CUTS) or (distinct is not None and distinct.args.get("on")):
        return False
    return _are_keys_of_groups(asked, select) and _are_keys_of_windows(asked, select)


def _handed_on(select: exp.Select, columns: Mapping[str, int]) -> dict[str, exp.Expr]:
    """The columns that a SELECT reads from its sources and hands on as they are, and its texts, of which an arm of a
    union often has one that tells which arm it is.
    """
    outputs, sources = select.selects, source_names(select)
    found: dict[str, exp.Expr] = {}
    for name, place in columns.items():
        inner = outputs[place].unalias() if place < len(outputs) else None
        is_read = isinstance(inner, exp.Column) and isinstance(inner.this, exp.Identifier) and inner.table in sources
        if inner is not None and (is_read or _is_text(inner)):
            found[name] = inner
    return found


def _is_text(value: exp.Expr) -> bool:
    """Whether a value is a constant text."""
    inner = value.this if isinstance(value, exp.Cast) else value
    return isinstance(inner, exp.Literal) and inner.is_string and value.is_type(*_TEXTS)


def _is_same(one: exp.DataType | None, other: exp.DataType | None) -> bool:
    """Whether values of two types are compared with constants alike, and these are read alike."""
    if one is None or other is None:
        return False
    return (
        one == other or (one.this == other.this and one.this is exp.DType.DECIMAL) or {one.this, other.this} <= _TEXTS
    )


def _are_keys_of_groups(asked: set[exp.Column], select: exp.Select) -> bool:
    group = select.args.get("group")
    if group is None:
        return True  # what is aggregated without groups hands no column on
    if any(group.args.get(name) for name in _OTHER_GROUPS):
        return False
    return asked <= {_key(one, select.selects) for one in group.expressions}


def _key(one: exp.Expr, outputs: Sequence[exp.Expr]) -> exp.Expr:
    """What a key of groups is that may be named by its number."""
    inner = one.unnest()
    if isinstance(inner, exp.Literal) and inner.is_int and 0 < int(inner.name) <= len(outputs):
        return outputs[int(inner.name) - 1].unalias()
    return inner


def _are_keys_of_windows(asked: set[exp.Column], select: exp.Select) -> bool:
    parts = [*select.expressions, *([select.args["order"]] if select.args.get("order") else [])]
    windows = [one for part in parts for one in _own(part) if isinstance(one, exp.Window)]
    return all(asked <= {key.unnest() for key in one.args.get("partition_by") or ()} for one in windows)


def _own(part: exp.Expr) -> list[exp.Expr]:
    """A part of a SELECT, without the queries in it."""
    return [*part.walk(prune=lambda node: isinstance(node, exp.Query))]
