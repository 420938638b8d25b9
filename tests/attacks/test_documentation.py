"""docs/threat-model.md: every test that it names exists; all classes of attacks are in it; there are enough of them."""

from __future__ import annotations

import re
from pathlib import Path

from tests.attacks.steps import CASES, cases
from tests.scripts import read

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
CONTROLS = "controls"
_LEAST_ATTACKS, _LEAST_CONTROLS = 250, 60


def test_tests_exist() -> None:
    named = re.findall(r"`(tests/[\w/]+(?:\.py|\.sql)?)(?:::(test_\w+))?`", TEXT)
    assert len(named) > 60
    for path, name in named:
        assert (ROOT / path).exists(), path
        if name:
            text = (ROOT / path).read_text(encoding="utf-8")
            assert re.search(rf"^(async )?def {name}\(", text, re.MULTILINE), f"{path}::{name}"


def test_threats_are_numbered_and_have_tests() -> None:
    rows = [line.split(" | ") for line in TEXT.splitlines() if re.match(r"\| \d+ \|", line)]
    assert [int(row[0].strip("| ")) for row in rows] == [*range(1, len(rows) + 1)]
    assert all("`tests/" in row[-1] for row in rows)


def test_every_class_is_named() -> None:
    classes = {path.stem for path in CASES.glob("*.sql")} - {CONTROLS, "basic"}
    assert classes == set(re.findall(r"cases/(\w+)\.sql", TEXT))


def test_there_are_enough_cases() -> None:
    numbers = {path.stem: len(read(path)) for path in CASES.glob("*.sql")}
    assert numbers.pop(CONTROLS) >= _LEAST_CONTROLS
    assert sum(numbers.values()) >= _LEAST_ATTACKS


def test_controls_succeed() -> None:
    refused = [case.block.text for case in cases(CASES / f"{CONTROLS}.sql") if " 42P01: " not in case.block.expected
               and "ERROR" in case.block.expected]  # fmt: skip
    assert refused == []
