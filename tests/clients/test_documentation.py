"""docs/clients.md has a row for each client, made of what the tests say: their marks, their expected failures, gaps of
a client's own suite, and the scripts of statements. What a test finds missing is strict: a gap that is closed fails its
test until the mark is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from tests.clients.conftest import SEQUENCES
from tests.clients.wire_replay import scripted

DOCUMENT = Path(__file__).parents[2] / "docs" / "clients.md"
BEGIN, END = "<!-- the table: pytest tests/clients/test_documentation.py --rewrite -->", "<!-- end of the table -->"


@dataclass
class Row:
    """A client: what it is used for in tests, and what is missing."""

    uses: str
    how: str
    gaps: set[str] = field(default_factory=set)


def _marks(holder: object) -> list[pytest.Mark]:
    found: list[pytest.MarkDecorator | pytest.Mark] | pytest.MarkDecorator = getattr(holder, "pytestmark", [])
    several = found if isinstance(found, list) else [found]
    return [one.mark if isinstance(one, pytest.MarkDecorator) else one for one in several]


def _expected_failures(marks: Iterable[pytest.Mark]) -> Iterator[str]:
    for mark in marks:
        if mark.name == "xfail":
            yield str(mark.kwargs["reason"])
        if mark.name == "parametrize":
            for case in mark.args[1]:
                yield from _expected_failures(getattr(one, "mark", one) for one in getattr(case, "marks", ()))


def _of_module(module: ModuleType, rows: dict[str, Row]) -> None:
    for name, test in vars(module).items():
        if not name.startswith("test_") or not callable(test):
            continue
        marks = [*_marks(test), *_marks(module)]
        client = next((mark for mark in marks if mark.name == "client"), None)
        if client is None:
            continue
        row = rows.setdefault(client.args[0], Row(client.args[1], "itself"))
        assert row.uses == client.args[1], f"{client.args[0]} has two texts"
        row.gaps |= {*_expected_failures(marks), *getattr(module, "CLIENT_GAPS", ())}


def table() -> str:
    """Return the table as Markdown."""
    rows: dict[str, Row] = {}
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        _of_module(import_module(f"tests.clients.{path.stem}"), rows)
    for path in sorted(SEQUENCES.glob("*.sql")):
        sequence = scripted(path)
        name, _, uses = sequence.title.partition(":")
        uses = uses.strip().split(". ")[0].rstrip(".")
        rows[name] = Row(uses, f"its statements ({len(sequence.steps)})", {*sequence.gaps})
    lines = ["| client | proven with | used for | missing |", "| --- | --- | --- | --- |"]
    for name in sorted(rows, key=str.lower):
        row = rows[name]
        gaps = "; ".join(sorted(row.gaps)).replace("|", "\\|") or "nothing known"
        lines.append(f"| {name} | {row.how} | {row.uses} | {gaps} |")
    return "\n".join(lines)


def test_the_table_of_clients_is_what_tests_say(rewrite: bool) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    wanted = f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"
    if rewrite:
        DOCUMENT.write_text(wanted, encoding="utf-8")
    assert text == wanted or rewrite, "pytest tests/clients/test_documentation.py --rewrite, and read the difference"
