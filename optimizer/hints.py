"""Hints of a statement, as pg_hint_plan has them: the order of joins, how rows are joined, and how many come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from optimizer.join_order import JoinGraph, JoinTree, joined, order_around, rows_of, with_rows

Pair = str | tuple["Pair", "Pair"]
_NO_BLOCK = "no FROM whose joins may be ordered has all of these names"
OF_SOURCES = "how a table is read is its source's to say"
NO_SETTING = "plans of the gateway do not depend on this setting"
IS_OF_THE_TEXT = frozenset({_NO_BLOCK, OF_SOURCES, NO_SETTING})
"""Reasons that depend on nothing but the statement: who does not see all rows of its tables may know them too."""
_SERVER = "a server joins some of these tables, or they are one source of FROM"
_NOT_JOINED = "these tables are not joined by themselves in the order that was chosen: ask for it by Leading"
_NO_EQUALITY = "no columns of theirs are equal, and only those are hashed"
_BY_HASH = "the engine joins by hashing wherever columns are equal"
_NO_STATISTICS = "statistics of these tables are missing"


@dataclass(frozen=True, slots=True)
class Leading:
    """``Leading(a b c)``, or ``Leading(((a b) c))``, where the second of each pair is the one to be hashed."""

    text: str
    names: tuple[str, ...]
    pair: Pair | None = None


@dataclass(frozen=True, slots=True)
class JoinMethod:
    """``HashJoin(a b)`` and its kin: how the join of exactly these is to be made, or not."""

    text: str
    names: tuple[str, ...]
    keyword: str


@dataclass(frozen=True, slots=True)
class Rows:
    """``Rows(a b #10)``: how many rows the join of exactly these has; ``sign`` is one of ``#+-*``."""

    text: str
    names: tuple[str, ...]
    sign: str
    amount: float

    def of(self, estimate: float) -> float:
        """Return how many rows are to be expected where ``estimate`` were."""
        match self.sign:
            case "#":
                found = self.amount
            case "+":
                found = estimate + self.amount
            case "-":
                found = estimate - self.amount
            case _:
                found = estimate * self.amount
        return max(1.0, found)


Hint = Leading | JoinMethod | Rows


@dataclass(slots=True)
class HintsAtWork:
    """The hints of a statement while it is planned, and what has become of each: None where it was followed, or why
    it was not.
    """

    hints: tuple[Hint, ...]
    became: dict[str, str | None] = field(default_factory=dict)

    @property
    def leading(self) -> Leading | None:
        """The order that is asked for."""
        return next((one for one in self.hints if isinstance(one, Leading)), None)

    def finished(self) -> Mapping[str, str | None]:
        """Return what became of each hint, once the statement is planned."""
        return {one.text: self.became.get(one.text, _NO_BLOCK) for one in self.hints}

    def within(self, names: Mapping[str, int]) -> BlockHints:
        """Return what is asked for a FROM, whose tables have these numbers."""
        mine = [one for one in self.hints if {*one.names} <= names.keys()]
        fitting: list[Hint] = []
        for one in mine:
            if len({names[name] for name in one.names}) < len(one.names):
                self.became.setdefault(one.text, _SERVER)
            else:
                fitting.append(one)
        return BlockHints(tuple(fitting), names, self.became)


@dataclass(frozen=True, slots=True)
class BlockHints:
    """The hints for one FROM."""

    hints: Sequence[Hint]
    names: Mapping[str, int]
    became: dict[str, str | None]

    def with_rows(self, graph: JoinGraph) -> JoinGraph:
        """Return a graph with the rows that are asked for."""
        for one in sorted((one for one in self.hints if isinstance(one, Rows)), key=lambda one: len(one.names)):
            members = self._mask(one.names)
            graph = with_rows(graph, members, one.of(rows_of(graph, members)))
            self.became[one.text] = None
        return graph

    def without_statistics(self) -> list[int]:
        """Return the tables that are to come first, one after another, where no rows are expected of them; rows cannot
        be corrected there.
        """
        first: list[int] = []
        for one in self.hints:
            if isinstance(one, Rows):
                self.became[one.text] = _NO_STATISTICS
            elif isinstance(one, Leading):
                is_deep = one.pair is None or _is_left_deep(one.pair)
                self.became[one.text] = None if is_deep else _NO_STATISTICS
                first = [self.names[name] for name in one.names] if is_deep else []
        return first

    def order(self, graph: JoinGraph) -> JoinTree | None:
        """Return the cheapest order that begins as is asked for; None where nothing is."""
        leading = next((one for one in self.hints if isinstance(one, Leading)), None)
        if leading is None:
            return None
        join = joined(graph)

        def tree(pair: Pair) -> JoinTree:
            if isinstance(pair, str):
                return join.leaf(self.names[pair])
            outer, inner = map(tree, pair)
            return join.hashed(inner, outer)

        if leading.pair is not None:
            first = tree(leading.pair)
        else:
            first = join.leaf(self.names[leading.names[0]])
            for name in leading.names[1:]:
                first = join.cheaper(first, join.leaf(self.names[name]))
        self.became[leading.text] = None
        return order_around(graph, first)

    def judge(self, tree: JoinTree, has_equality: Callable[[int, int], bool]) -> None:
        """Say which hints of methods an order follows. ``has_equality`` says whether columns of two masks are equal."""
        methods = [one for one in self.hints if isinstance(one, JoinMethod)]
        if not methods:
            return
        equal = {one.members: has_equality(*_sides(one)) for one in _joins(tree)}
        for one in methods:
            found = equal.get(self._mask(one.names))
            self.became[one.text] = _NOT_JOINED if found is None else _of_method(one.keyword, has_equality=found)

    def _mask(self, names: Sequence[str]) -> int:
        return sum(1 << self.names[name] for name in names)


def _of_method(keyword: str, *, has_equality: bool) -> str | None:
    hashes = keyword in ("HashJoin", "NoNestLoop", "NoMergeJoin")
    if keyword == "NoMergeJoin" or (hashes == has_equality and keyword not in ("MergeJoin", "NoMergeJoin")):
        return None
    return _BY_HASH if has_equality else _NO_EQUALITY


def _is_left_deep(pair: Pair) -> bool:
    return isinstance(pair, str) or (isinstance(pair[1], str) and _is_left_deep(pair[0]))


def _sides(tree: JoinTree) -> tuple[int, int]:
    assert tree.left is not None and tree.right is not None
    return tree.left.members, tree.right.members


def _joins(tree: JoinTree) -> Iterator[JoinTree]:
    if tree.left is not None and tree.right is not None:
        yield tree
        yield from _joins(tree.left)
        yield from _joins(tree.right)
