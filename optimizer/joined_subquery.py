"""Sources of a block of joins put into a subquery of their own: the same rows, joined in two steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from optimizer.copies import copied
from optimizer.join_block import JoinBlock
from optimizer.join_conditions import Conditions, boolean
from optimizer.scopes import is_in_parentheses, is_own, source_select

Key = tuple[str, str]  # of a column: its source's alias and its name


@dataclass(frozen=True, slots=True)
class Known:
    """A block whose sources are numbered, its conditions by their masks, and all columns of the sources that stand in
    its SELECT, but for those within the sources themselves.
    """

    block: JoinBlock
    numbers: Mapping[str, int]
    conditions: Conditions
    columns: tuple[exp.Column, ...]


@dataclass(frozen=True, slots=True)
class JoinedSubquery:
    """The sources of a mask as a query. ``names`` are its columns, by what they were; ``asked`` are the conditions, by
    identity, that it asks besides equalities.
    """

    members: int
    query: exp.Select
    names: Mapping[Key, str]
    asked: frozenset[int]


def bits(members: int) -> Iterator[int]:
    """Yield the numbers in a mask."""
    while members:
        lowest = members & -members
        yield lowest.bit_length() - 1
        members ^= lowest


def outer_columns(block: JoinBlock) -> tuple[exp.Column, ...] | None:
    """Return the columns of a block's sources that its SELECT speaks of; None where it is not certain whose one is."""
    aliases = {alias for source in block.sources for alias in source.aliases}
    within = {id(column) for source in block.sources for column in _read_by(source.node)}
    found: list[exp.Column] = []
    if block.select.find(exp.Lateral, exp.TableColumn) is not None:
        return None  # it may speak of sources beside it, or of whole rows
    for column in block.select.find_all(exp.Column):
        if id(column) in within:
            continue
        if isinstance(column.this, exp.Star) or (not column.table and not is_own(column, block.select)):
            return None
        if column.table in aliases:
            owner = source_select(column, block.select)
            if owner is None:
                return None
            found += [column] if owner is block.select else []
    return tuple(found)


def _read_by(source: exp.Expr) -> Iterable[exp.Column]:
    """Return the columns within a source. The first one in parentheses has the joins behind it for children."""
    inner = source if is_in_parentheses(source) else source.this
    return inner.find_all(exp.Column)


def joined_subquery(known: Known, members: int, *, with_others: bool) -> JoinedSubquery:
    """Return some of a block's sources as a query; what they are not asked within it, with ``with_others`` only
    equalities of columns, has to be asked outside.
    """
    others = [one for mask, one in known.conditions.others if mask & members == mask] if with_others else []
    where = [condition for group in known.conditions.equal for condition in _equal(_among(group, known, members))]
    where += [copied(one) for one in others]
    needed = _needed(known, members, {id(one) for one in others})
    first, *rest = [alone(known.block.sources[number].node) for number in bits(members)]
    names = distinct_names(needed)
    query = exp.Select(
        expressions=[named(copied(column), names[key]) for key, column in needed.items()]
        or [exp.alias_(exp.true(), "row", quoted=True)],
        from_=exp.From(this=first),
        joins=[exp.Join(this=node) for node in rest],
    )
    if where:
        query.set("where", exp.Where(this=exp.and_(*where, copy=False)))
    return JoinedSubquery(members, query, names, frozenset(map(id, others)))


def _needed(known: Known, members: int, asked: set[int]) -> dict[Key, exp.Column]:
    """Return the columns of some sources that are asked for outside of them."""
    conditions = {id(column) for one in known.block.conditions for column in one.find_all(exp.Column)}
    found = [column for column in known.columns if id(column) not in conditions]
    for mask, condition in known.conditions.others:
        if mask & members and id(condition) not in asked:
            found += condition.find_all(exp.Column)
    for group in known.conditions.equal:
        own = _among(group, known, members)
        if own and len(own) < len(group):
            found.append(own[0])
    return {(one.table, one.name): one for one in found if members >> known.numbers[one.table] & 1}


def _among(group: Iterable[exp.Column], known: Known, members: int) -> list[exp.Column]:
    return [column for column in group if members >> known.numbers[column.table] & 1]


def _equal(columns: Sequence[exp.Column]) -> list[exp.Expr]:
    return [boolean(exp.EQ(this=copied(columns[0]), expression=copied(other))) for other in columns[1:]]


def alone(node: exp.Expr) -> exp.Expr:
    """Return a copy of a source without what is joined to it."""
    made = copied(node)
    made.set("joins", None)  # of parentheses in which it stood first
    return made


def distinct_names(columns: Iterable[Key]) -> dict[Key, str]:
    """Return a name of its own for each column."""
    found: dict[Key, str] = {}
    for table, name in columns:
        plain = name if name not in found.values() else f"{table}_{name}"
        found[table, name] = plain if plain not in found.values() else f"c{len(found)} {plain}"
    return found


def named(value: exp.Expr, name: str) -> exp.Expr:
    """Return a value as a column of that name."""
    made = exp.alias_(value, name, quoted=True, copy=False)
    made.type = value.type
    return made


def put_in(known: Known, chosen: Mapping[str, JoinedSubquery]) -> None:
    """Read subqueries, by their aliases, in the place of the sources that stand in them; changes the SELECT."""
    within = sum(one.members for one in chosen.values())
    asked = frozenset().union(*(one.asked for one in chosen.values()))
    where = [one for _, one in known.conditions.others if id(one) not in asked]
    for group in known.conditions.equal:
        left = [column for column in group if not within >> known.numbers[column.table] & 1]
        for one in chosen.values():
            left += _among(group, known, one.members)[:1]
        where += _equal(left)
    kept = [source.node for number, source in enumerate(known.block.sources) if not within >> number & 1]
    for node in kept:
        node.set("joins", None)
    names = {key: (alias, name) for alias, one in chosen.items() for key, name in one.names.items()}
    asked_outside = [column for one in where for column in one.find_all(exp.Column)]
    for column in (*known.columns, *asked_outside):
        if (found := names.get((column.table, column.name))) is not None:
            rename(column, *found)
    made: list[exp.Expr] = [as_source(one.query, alias) for alias, one in chosen.items()]
    first, *rest = [*made, *kept]
    known.block.replace(first, [exp.Join(this=node) for node in rest], where)


def as_source(query: exp.Select, alias: str) -> exp.Subquery:
    """Return a query as FROM reads it."""
    return exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))


def rename(column: exp.Column, alias: str, name: str) -> None:
    """Have a column speak of a subquery, in place; a result keeps its name."""
    if column.arg_key == "expressions" and isinstance(column.parent, exp.Select) and column.name != name:
        held = named(column.copy(), column.name)
        column.replace(held)
        column = held.this
    column.set("this", exp.to_identifier(name, quoted=True))
    column.set("table", exp.to_identifier(alias, quoted=True))
