"""docs/masking.md: what it says is what happens."""

from __future__ import annotations

import re
from pathlib import Path

from catalog.mask_library import names
from tests.masks.people import People

TEXT = (Path(__file__).parents[2] / "docs" / "masking.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)(?: as (\w+))?\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_the_statements_answer_as_documented(clean: People) -> None:
    rows: list[str] = []
    checked = 0
    for kind, user, body in BLOCKS:
        if kind == "sql":
            found = clean.ask(body, user or "ada")
            rows = [" | ".join(map(str, row)) for row in found]
        else:
            assert rows == body.splitlines(), body
            checked += 1
    assert checked == 8


def test_every_mask_is_documented() -> None:
    assert {name for name in names() if f"`{name}(" not in TEXT} == set()
