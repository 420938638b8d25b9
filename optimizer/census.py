"""What a tree has, found in one walk for the many that look for what few statements have.

A look through a whole tree takes 0.1 µs a node, ten times that with sqlglot's own generators, and planning a statement
has some eighty occasions for one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import TypeVar

from sqlglot import exp

E = TypeVar("E", bound=exp.Expr)
Classes = frozenset[type[exp.Expr]]
LEAVES = frozenset({exp.Identifier, exp.Literal})
_COLUMNS = frozenset({exp.Column, *LEAVES})  # four of five nodes, which have none below them but names


@dataclass(frozen=True, slots=True)
class Census:
    """The nodes of a tree as it was when they were counted, in the order of `exp.Expr.walk`, and their classes.
    The identifiers of columns are left out: they are a third of all. Take a new one after a change that adds or moves
    nodes.
    """

    nodes: list[exp.Expr]
    classes: Classes
    _places: dict[type[exp.Expr], list[int]] = field(default_factory=dict, repr=False, compare=False)

    def has(self, *classes: type[exp.Expr]) -> bool:
        """Whether there is a node of one of the classes."""
        return not self.classes.isdisjoint(with_subclasses(classes))

    def find_all(self, *classes: type[E]) -> list[E]:
        """Return the nodes of the classes, as `exp.Expr.find_all` would have yielded them."""
        return self.find_among(with_subclasses(classes))  # type: ignore[return-value]

    def find_among(self, wanted: Classes) -> list[exp.Expr]:
        """Return the nodes of classes of which none has others derived from it that are meant as well."""
        present = self.classes & wanted
        if not present:
            return []
        places = self._places or self._sorted()
        if len(present) == 1:
            [one] = present
            return [self.nodes[at] for at in places[one]]
        return [self.nodes[at] for at in sorted(chain.from_iterable(places[one] for one in present))]

    def _sorted(self) -> dict[type[exp.Expr], list[int]]:
        """Sort the nodes by their classes, when they are asked for one for the first time."""
        places = self._places
        for at, kind in enumerate(map(type, self.nodes)):
            if kind in places:
                places[kind].append(at)
            else:
                places[kind] = [at]
        return places


def take_census(tree: exp.Expr) -> Census:
    """Walk a tree, level by level."""
    nodes = below(tree)
    return Census(nodes, frozenset(map(type, nodes)))


def below(node: exp.Expr, pruned: Classes = frozenset()) -> list[exp.Expr]:
    """Return a node and those below it, level by level, without the identifiers of columns, and without what is below
    nodes of the classes ``pruned``.
    """
    ends = _COLUMNS | pruned if pruned else _COLUMNS
    nodes = [node]
    extend = nodes.extend
    for one in nodes:
        cls = one.__class__
        if cls not in ends or (cls is exp.Column and one.args["this"].__class__ is not exp.Identifier):  # a star
            extend(one.iter_expressions())
    return nodes


def find_around(tree: exp.Expr, *classes: type[E]) -> list[E]:
    """Return the nodes of classes that hold others, such as queries and their tables, as `exp.Expr.find_all` would have
    yielded them. Columns, constants, and outputs that are columns are passed over: nine of ten nodes.
    """
    wanted = with_subclasses(classes)
    nodes = [tree]
    append = nodes.append
    for node in nodes:
        for child in node.iter_expressions():
            cls = child.__class__
            if cls in LEAVES:
                continue
            column = child.args["this"] if cls is exp.Alias else child
            if column.__class__ is not exp.Column or column.args["this"].__class__ is not exp.Identifier:
                append(child)
    return [node for node in nodes if node.__class__ in wanted]  # type: ignore[misc]


def holds(node: exp.Expr, wanted: Classes) -> bool:
    """Whether a node, or one below it, is of a class in ``wanted`` (see `with_subclasses`), names left out."""
    nodes = [node]
    extend = nodes.extend
    for one in nodes:
        cls = one.__class__
        if cls in wanted:
            return True
        if cls not in _COLUMNS or (cls is exp.Column and one.args["this"].__class__ is not exp.Identifier):
            extend(one.iter_expressions())
    return False


def measure(tree: exp.Expr, most: int) -> tuple[list[exp.Expr], int]:
    """Return all nodes of a tree, identifiers too, and the number of its levels. Where it has more than ``most``, those
    below are not looked at.
    """
    nodes: list[exp.Expr] = []
    level, depth = [tree], 0
    while level and depth != most:
        nodes += level
        depth += 1
        level = [child for node in level if node.__class__ not in LEAVES for child in node.iter_expressions()]
    return nodes, depth + bool(level)


@lru_cache(maxsize=1024)
def with_subclasses(classes: tuple[type[exp.Expr], ...]) -> Classes:
    """Return classes and all that are derived from them: they are sqlglot's, which are there once it is imported."""
    found, waiting = set[type[exp.Expr]](), [*classes]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend(one.__subclasses__())
    return frozenset(found)
