"""docs/types.md: its example runs, and it names every encoding and style that is served."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.values.client_encodings import CODECS
from tests.types.conftest import Both

PAGE = Path(__file__).parents[2] / "docs" / "types.md"


def test_the_example_runs(both: Both) -> None:
    found = re.search(r"```sql\n(.*?);\n(.*?);\n```\n\n```\n(.*?)\n```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    both.gateway.execute(found[1].encode())
    assert both.gateway.execute(found[2].encode()).fetchall() == [(found[3],)]


def test_every_encoding_is_named() -> None:
    row = next(line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `client_encoding`"))
    named: set[str] = set()
    for first, last in re.findall(r"`(\w+)`(?: to `(\w+)`)?", row)[1:]:
        prefix, start = re.match(r"(.*?)(\d*)\Z", first).groups()  # type: ignore[union-attr]
        end = re.search(r"\d+\Z", last)
        named |= {f"{prefix}{number}" for number in range(int(start), int(end[0]) + 1)} if end else {first}
    assert named == set(CODECS)
