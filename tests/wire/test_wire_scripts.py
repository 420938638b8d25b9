"""Each wire script runs against the gateway and against PostgreSQL itself, which has the same rows.

Blocks ``connect`` begin a connection, blocks ``go on`` use the one before. Lines of the expected answers that begin
with ``lakegate:`` or ``postgres:`` are given by that one alone: a wanted difference, whose reason stands above the
block. ``--rewrite`` marks differences as it finds them; whether they are wanted is for the reader of the diff.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path

import pytest

from tests import scripts
from tests.gateway import RunningGateway, SampleLake
from tests.wire.wire_script import Wire

SCRIPTS = sorted((Path(__file__).parent / "scripts").iterdir())


class Pair:
    """The same conversation with both servers."""

    def __init__(self, gateway: RunningGateway, lake: SampleLake) -> None:
        self._dsns = (gateway.dsn(), lake.reference_dsn)
        self._wires: tuple[Wire, ...] = ()

    def run(self, block: scripts.Block) -> str:
        """Run one block and return the answers of both, merged."""
        if block.command == "connect":
            self.close()
            self._wires = tuple(Wire(dsn) for dsn in self._dsns)
        else:
            assert block.command == "go on", block.command
        ours, theirs = (wire.run(block.text) for wire in self._wires)
        return "\n".join(merged(ours, theirs))

    def close(self) -> None:
        """End both connections."""
        for wire in self._wires:
            wire.close()
        self._wires = ()


def merged(ours: list[str], theirs: list[str]) -> list[str]:
    """Return common lines as they are, others marked with who says them."""
    lines: list[str] = []
    for kind, start, end, other_start, other_end in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if kind == "equal":
            lines += ours[start:end]
        else:
            lines += [f"lakegate: {line}" for line in ours[start:end]]
            lines += [f"postgres: {line}" for line in theirs[other_start:other_end]]
    return lines


@pytest.fixture
def pair(gateway: RunningGateway, lake: SampleLake) -> Iterator[Pair]:
    both = Pair(gateway, lake)
    yield both
    both.close()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_wire_script(path: Path, pair: Pair, rewrite: bool) -> None:
    scripts.check(path, pair.run, rewrite=rewrite)


def test_differences_are_marked() -> None:
    assert merged(["a", "b", "c"], ["a", "x", "c"]) == ["a", "lakegate: b", "postgres: x", "c"]
