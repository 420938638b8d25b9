"""Relations for orders of joins that are hard to guess, and how many rows every join of some of them really has.

Relations are linked by keys. A key that two relations have makes a link of a chain or a star, one that all have makes a
clique. In each shape keys and relations form a tree, so rows can be counted without joining any: each relation hands
on to the next, by key, how many rows it stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import psycopg
import pyarrow as pa
from psycopg import sql
from pyarrow import csv

MOST = 17  # relations of a shape
SHAPES = ("chain", "star", "clique")
_LETTERS = 20  # values of the columns a and b
_NUMBERS = 1000  # values of the column c
_FEWEST, _MOST_ROWS, _FACTS = 200, 20_000, 50_000

Array = np.ndarray[tuple[int], np.dtype[np.int64]]
Weights = np.ndarray[tuple[int], np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Relation:
    """A table: its keys by their names, and three columns to filter by. ``a`` is skewed, and four rows of five have in
    ``b`` what their ``a`` makes of it; ``c`` is even.
    """

    name: str
    keys: Mapping[str, Array]
    columns: Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Filter:
    """``column = value``, or with ``below`` ``column < value``."""

    column: str
    value: int
    below: bool = False

    def text(self, alias: str) -> str:
        """Return the condition."""
        return f"{alias}.{self.column} {'<' if self.below else '='} {self.value}"


@dataclass(frozen=True, slots=True)
class Query:
    """Relations that are joined by all keys they share, each with its filters. Sets of them are bit masks by place."""

    shape: str
    relations: tuple[Relation, ...]
    filters: tuple[tuple[Filter, ...], ...]

    def text(self) -> str:
        """Return the query; relations are called r0, r1 and so on, and stand in FROM in this order."""
        names = ", ".join(f"{one.name} AS r{place}" for place, one in enumerate(self.relations))
        equal = []
        for key in self._keys():
            first, *others = self._with(key)
            equal += [f"r{first}.{key} = r{other}.{key}" for other in others]
        rows = [one.text(f"r{place}") for place, each in enumerate(self.filters) for one in each]
        return f"SELECT count(*), sum(r0.c) FROM {names} WHERE {' AND '.join(equal + rows)}"

    def _keys(self) -> list[str]:
        named = dict.fromkeys(key for one in self.relations for key in one.keys)
        return [key for key in named if len(self._with(key)) > 1]

    def _with(self, key: str) -> list[int]:
        return [place for place, one in enumerate(self.relations) if key in one.keys]

    def near(self) -> list[int]:
        """Return for each relation the mask of those that share a key with it."""
        masks = [sum(1 << place for place in self._with(key)) for key in self._keys()]
        places = range(len(self.relations))
        return [
            sum({1 << o for mask in masks if mask >> p & 1 for o in places if mask >> o & 1 and o != p}) for p in places
        ]


@dataclass(frozen=True, slots=True)
class Counted:
    """How many rows joins of a query's relations really have."""

    query: Query
    _kept: list[Weights] = field(default_factory=list)  # of each relation: 1 for a row that meets its filters, 0 else
    _known: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for relation, filters in zip(self.query.relations, self.query.filters, strict=True):
            kept = np.ones(len(relation.columns["a"]))
            for one in filters:
                values = relation.columns[one.column]
                kept *= values < one.value if one.below else values == one.value
            self._kept.append(kept)

    def rows(self, members: int) -> float:
        """Return the rows of the join of a connected set."""
        if members not in self._known:
            first = (members & -members).bit_length() - 1
            self._known[members] = float(self._weights(first, None, members).sum())
        return self._known[members]

    def _weights(self, place: int, behind: str | None, members: int) -> Weights:
        """Return for how many rows each row of a relation stands, with all that is not behind one of its keys."""
        found, relation = self._kept[place], self.query.relations[place]
        for key, values in relation.keys.items():
            if key != behind:
                found = self._by_key(key, place, members, found, values)
        return found

    def _by_key(self, key: str, place: int, members: int, found: Weights, values: Array) -> Weights:
        for other, relation in enumerate(self.query.relations):
            if other != place and members >> other & 1 and key in relation.keys:
                size = int(max(values.max(), relation.keys[key].max())) + 1
                sums = np.bincount(relation.keys[key], self._weights(other, key, members), size)
                found = found * sums[values]
        return found


def relations(shape: str) -> tuple[Relation, ...]:
    """Return the relations of a shape, the same each time; the first of a star is its middle."""
    random = np.random.default_rng(SHAPES.index(shape))
    sizes = [int(size) for size in np.exp(random.uniform(np.log(_FEWEST), np.log(_MOST_ROWS), MOST))]
    if shape == "star":
        sizes[0] = _FACTS
    keys = _KEYS[shape](random, sizes)
    return tuple(
        Relation(f"{shape}_{place}", own, _columns(random, size))
        for place, (own, size) in enumerate(zip(keys, sizes, strict=True))
    )


def _columns(random: np.random.Generator, size: int) -> dict[str, Array]:
    a = np.minimum(random.zipf(1.5, size), _LETTERS) - 1
    b = np.where(random.random(size) < 0.8, a * 7 % _LETTERS, random.integers(0, _LETTERS, size))
    return {"a": a, "b": b, "c": random.integers(0, _NUMBERS, size)}


def _chain(random: np.random.Generator, sizes: Sequence[int]) -> list[dict[str, Array]]:
    """Each relation has a key of the next, which two times of three is unique there."""
    found: list[dict[str, Array]] = [{} for _ in sizes]
    for place in range(len(sizes) - 1):
        values, is_unique = sizes[place + 1], random.random() < 2 / 3
        found[place][f"k{place}"] = _skewed(random, sizes[place], values)
        other = random.permutation(values) if is_unique else random.integers(0, max(1, values // 2), values)
        found[place + 1][f"k{place}"] = other
    return found


def _star(random: np.random.Generator, sizes: Sequence[int]) -> list[dict[str, Array]]:
    """The first relation has a skewed key of each other one, unique there."""
    others = {f"k{place}": size for place, size in enumerate(sizes) if place}
    middle = {key: _skewed(random, sizes[0], size) for key, size in others.items()}
    return [middle, *({key: random.permutation(size)} for key, size in others.items())]


def _clique(random: np.random.Generator, sizes: Sequence[int]) -> list[dict[str, Array]]:
    """All have one key, most of them each value at most once, one of four a skewed one. Smaller ones have nearly the
    first values alone, so that most find each other.
    """
    return [
        {"k": _skewed(random, size, size) if place % 4 == 1 else random.permutation(size * 11 // 10)[:size]}
        for place, size in enumerate(sizes)
    ]


def _skewed(random: np.random.Generator, size: int, values: int) -> Array:
    return random.permutation(values)[random.zipf(1.3, size) % values]


_KEYS: dict[str, Callable[[np.random.Generator, Sequence[int]], list[dict[str, Array]]]] = {
    "chain": _chain,
    "star": _star,
    "clique": _clique,
}


def query(shape: str, every: tuple[Relation, ...], count: int, number: int) -> Query:
    """Return the query of that number over so many of the relations, in an order of FROM that says nothing."""
    random = np.random.default_rng((SHAPES.index(shape), count, number))
    start = int(random.integers(0, len(every) - count + 1))
    rest = random.permutation(len(every) - 1)[: count - 1] + 1
    chosen = [*range(start, start + count)] if shape == "chain" else [0, *(int(one) for one in rest)]
    ordered = [every[chosen[int(place)]] for place in random.permutation(count)]
    return Query(shape, tuple(ordered), tuple(_filters(random, count) for _ in ordered))


def _filters(random: np.random.Generator, count: int) -> tuple[Filter, ...]:
    """Return the filters of one of so many relations: of four on average there are some, so that rows are left."""
    value = int(random.integers(0, 6))
    if random.random() > 4 / count:
        return ()
    kinds: tuple[tuple[Filter, ...], ...] = (
        (Filter("c", int(random.integers(5, _NUMBERS)), below=True),),
        (Filter("a", value),),
        (Filter("a", value), Filter("b", value * 7 % _LETTERS)),
    )
    return kinds[int(random.integers(0, len(kinds)))]


def load(connection: psycopg.Connection, every: Sequence[Relation]) -> None:
    """Have the relations as tables of PostgreSQL, with what ANALYZE finds of them; unique keys are declared."""
    for one in every:
        names = [*one.keys, *one.columns]
        table = sql.Identifier(one.name)
        columns = sql.SQL(", ").join(sql.SQL("{} integer NOT NULL").format(sql.Identifier(name)) for name in names)
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))
        connection.execute(sql.SQL("CREATE TABLE {} ({})").format(table, columns))
        lines = pa.BufferOutputStream()
        csv.write_csv(pa.table({**one.keys, **one.columns}), lines, csv.WriteOptions(include_header=False))
        with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN (FORMAT csv)").format(table)) as copy:
            copy.write(memoryview(lines.getvalue()))
        for key, values in one.keys.items():
            if len(np.unique(values)) == len(values):
                unique = sql.SQL("ALTER TABLE {} ADD UNIQUE ({})").format(table, sql.Identifier(key))
                connection.execute(unique)
        connection.execute(sql.SQL("ANALYZE {}").format(table))


def connected_sets(near: Sequence[int]) -> Iterator[int]:
    """Yield the connected sets of relations, smaller ones before those that contain them; none is empty."""
    return (members for members in range(1, 1 << len(near)) if is_connected(near, members))


def is_connected(near: Sequence[int], members: int) -> bool:
    """Whether the links between relations of a set reach all of them."""
    found, before = members & -members, 0
    while found != before:
        before = found
        for place, mask in enumerate(near):
            if found >> place & 1:
                found |= mask & members
    return found == members
