"""What an attacker computes stands above the fence in the engine's last plan, too, and so above the row filter in it.

The engine's optimizer moves what is computed below filters, and a LIMIT becomes a number of rows of the filter below
it. The gateway's own wall reads the plan before that (`gateway.execute.fences`), and barriers keep the optimizer from
it. Here the plan behind the optimizer is read, for what attacks ask of governed tables.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import pytest
from datafusion import DataFrame

from gateway.execute import engine
from gateway.execute.fences import require_fences
from gateway.sql.engine_dialect import render
from policies.fences import FENCE
from tests.attacks.clients import clients
from tests.attacks.own_gateway import OwnGateway, own_gateway
from tests.attacks.steps import CASES, cases, run
from tests.gateway import RunningGateway, SampleLake

CLASSES = ("clauses", "controls", "errors", "inference", "joins", "lanes", "later_forms", "view_policies")
_PASSING = (
    *("ProjectionExec", "FilterExec", "RepartitionExec", "Coalesce", "CooperativeExec"),
    *("LocalLimitExec", "GlobalLimitExec"),
)
_COLUMN = re.compile(r"[\w.]+@\d+ as [\w.]+")


@dataclass(slots=True)
class Node:
    """A line of a plan, and what stands below it."""

    text: str
    below: list[Node] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        yield self
        for one in self.below:
            yield from one.walk()

    @property
    def is_fence(self) -> bool:
        return f"fetch={FENCE}" in self.text

    @property
    def drops_rows(self) -> bool:
        return self.text.startswith("FilterExec") or "fetch=" in self.text

    @property
    def computes(self) -> bool:
        """Whether something is made of columns, other than columns of other names."""
        return self.text.startswith("ProjectionExec:") and "@" in _COLUMN.sub("", self.text)


def tree(plan: str) -> Node:
    """Read a plan in the form of indented text."""
    root = Node("")
    above = [(-1, root)]
    for line in filter(str.strip, plan.split("\n")):
        indent = len(line) - len(line.lstrip())
        while above[-1][0] >= indent:
            above.pop()
        node = Node(line.strip())
        above[-1][1].below.append(node)
        above.append((indent, node))
    return root


def computed_too_low(plan: str) -> list[str]:
    """Return the operators that compute something below the last fence above a table, or of the rows of a table right
    below its lowest filter: a LIMIT of the query's own becomes one with the fence, and its number another.
    """
    found = []
    for node in tree(plan).walk():
        below = [*node.walk()][1:]
        if node.is_fence and not any(one.is_fence for one in below):
            found += [one.text for one in below if one.computes]
        elif node.drops_rows:
            found += [
                one.text for one in _in_a_row(node) if one.computes and not any(each.drops_rows for each in one.walk())
            ]
    return found


def _in_a_row(node: Node) -> Iterator[Node]:
    """Yield what stands below an operator up to one that reads several, or groups."""
    while len(node.below) == 1 and node.below[0].text.startswith(_PASSING):
        node = node.below[0]
        yield node


@dataclass(slots=True)
class Watched:
    """The plans of governed statements: how many there were, and what was computed below fences."""

    plans: int = 0
    found: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def served(world_lakes: dict[str, SampleLake], world_gateways: dict[str, RunningGateway]) -> Iterator[OwnGateway]:
    """The first world, governed, in a thread."""
    with own_gateway(world_lakes["A"]) as running:
        yield running


@pytest.fixture
def watched(served: OwnGateway, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    """All plans that the gateway makes over governed tables, behind its own check."""
    seen = Watched()

    def watch(frame: DataFrame, relations: Collection[str]) -> None:
        require_fences(frame, relations)
        if relations:
            seen.plans += 1
            seen.found += computed_too_low(frame.execution_plan().display_indent())

    monkeypatch.setattr(engine, "require_fences", watch)
    served.forget()
    yield seen
    monkeypatch.undo()
    served.forget()


def ask_all(served: OwnGateway, name: str) -> None:
    with clients(served.address) as opened:
        for case in cases(CASES / f"{name}.sql"):
            run(case, opened)


@pytest.mark.parametrize("name", CLASSES)
def test_nothing_is_computed_below_a_row_filter(served: OwnGateway, watched: Watched, name: str) -> None:
    ask_all(served, name)
    assert watched.plans >= 20
    assert watched.found == []


def test_without_barriers_it_is(served: OwnGateway, watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "put_barriers", lambda *_: None)
    ask_all(served, "errors")
    assert any("1 / " in one for one in watched.found)
    assert any("postgres_text" in one for one in watched.found)
