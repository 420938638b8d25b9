"""Cuts a statement down to what still shows a difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.differential.generated.trees import CLAUSE, LIST, QUERY, Node
from tests.differential.generated.values import LITERALS, quoted

_STRUCTURE = frozenset({"item", "from", "group", "bool", CLAUSE, LIST})


def minimised(tree: Node, shows: Callable[[Node], bool], attempts: int = 400) -> Node:
    """Return the smallest statement found, in so many attempts, of which ``shows`` holds as it does of ``tree``."""
    left = attempts
    changed = True
    while changed and left > 0:
        changed = False
        for smaller in _smaller(tree):
            left -= 1
            if shows(smaller):
                tree, changed = smaller, True
                break
            if left <= 0:
                break
    return tree


def _smaller(tree: Node) -> Iterator[Node]:
    """Return the statement with one cut each, larger ones first."""
    for found in sorted(tree.nodes(), key=_size, reverse=True):
        if found.kind == QUERY:
            for inner in found.nodes():
                if inner is not found and inner.kind == QUERY:
                    yield _replaced(tree, found, inner)
        elif found.kind == CLAUSE and found.parts:
            yield _replaced(tree, found, Node(CLAUSE, ()))
        elif found.kind == LIST and len(found.parts) > 1:
            for place in range(len(found.parts)):
                parts = (*found.parts[:place], *found.parts[place + 1 :])
                yield _replaced(tree, found, Node(LIST, parts, found.separator))
        elif found.kind in LITERALS:
            yield from (_replaced(tree, found, inner) for inner in found.nodes() if _serves(inner, found))
            yield from _plainer(tree, found)


def _serves(inner: Node, outer: Node) -> bool:
    return inner is not outer and inner.kind == outer.kind


def _plainer(tree: Node, found: Node) -> Iterator[Node]:
    if _size(found) > 1:
        for text in (LITERALS[found.kind][0], LITERALS[found.kind][1]):
            yield _replaced(tree, found, Node(found.kind, (f"{quoted(text)}::{found.kind}",)))


def _size(tree: Node) -> int:
    return sum(1 for _ in tree.nodes())


def _replaced(tree: Node, old: Node, new: Node) -> Node:
    if tree is old:
        return new
    parts = tuple(_replaced(part, old, new) if isinstance(part, Node) else part for part in tree.parts)
    return Node(tree.kind, parts, tree.separator)
