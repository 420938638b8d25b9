"""Statements as trees of text, so that a difference can be cut down to what it needs.

A node's ``kind`` is the type of an expression, ``query``, or `CLAUSE` (what a statement may do without). `Parameter`
is a leaf that is written as ``$1``, ``$2``, … in the order of the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

QUERY, CLAUSE, LIST = "query", "clause", "list"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that is sent beside the text, in PostgreSQL's text format, and others for when it is executed again."""

    value: str
    others: tuple[str | None, ...] = ()

    def at(self, turn: int) -> str | None:
        """Return the value that is sent at the so-manieth execution."""
        values = (self.value, *self.others)
        return values[turn % len(values)]


@dataclass(frozen=True, slots=True)
class Node:
    """A piece of a statement. The parts of a `LIST` are independent of each other, and ``separator`` stands between."""

    kind: str
    parts: tuple[Part, ...]
    separator: str = ""

    def nodes(self) -> Iterator[Node]:
        """Return this node and those below, from the top."""
        yield self
        for part in self.parts:
            if isinstance(part, Node):
                yield from part.nodes()


Part = Node | Parameter | str


def node(kind: str, *parts: Part) -> Node:
    """Return a node of such parts."""
    return Node(kind, parts)


def listed(items: list[Node], separator: str = ", ") -> Node:
    """Return a list of which each item but the last may be left out."""
    return Node(LIST, tuple(items), separator)


def written(tree: Node) -> tuple[str, list[Parameter]]:
    """Return a statement's text and its parameters."""
    found: list[Parameter] = []
    return _text(tree, found), found


def _text(part: Part, found: list[Parameter]) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, Parameter):
        found.append(part)
        return f"${len(found)}"
    return part.separator.join([_text(one, found) for one in part.parts])


def plain_text(tree: Node) -> str:
    """Return an expression's text where it has no parameters and is no mere constant, else nothing."""
    text, parameters = written(tree)
    if parameters or "select" in text or not any(f"s{digit}" in text for digit in "123456789"):
        return ""
    return text
