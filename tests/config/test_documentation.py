"""docs/configuration.md has every key with its default."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from gateway.configuration.config import (
    Audit,
    Auth,
    AuthMapping,
    AuthRule,
    DeltaSource,
    Engine,
    FilesSource,
    IcebergSource,
    PostgresSource,
    Server,
)

TEXT = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
SECTIONS: dict[str, type[BaseModel]] = {
    "## [server]": Server,
    "## [auth]": Auth,
    "### [[auth.rules]]": AuthRule,
    "### [auth.maps]": AuthMapping,
    "## [audit]": Audit,
    "## [engine]": Engine,
    '### kind = "delta"': DeltaSource,
    '### kind = "iceberg"': IcebergSource,
    '### kind = "postgres"': PostgresSource,
    '### kind = "files"': FilesSource,
}


def documented(heading: str) -> dict[str, str]:
    """Return the keys of a section's table with the defaults it gives."""
    body = re.split(r"\n#+ ", TEXT[TEXT.index(f"\n{heading}\n") + len(heading) + 1 :])[0]
    found = {}
    for keys, default in re.findall(r"^\| (`[^|]*`) \| ([^|]*) \|", body, re.MULTILINE):
        for key in re.findall(r"`(\w+)`", keys):
            found[key] = default.strip()
    return found


@pytest.mark.parametrize(("heading", "model"), SECTIONS.items(), ids=SECTIONS)
def test_every_key_is_described_and_no_other(heading: str, model: type[BaseModel]) -> None:
    assert set(documented(heading)) == set(model.model_fields) - {"kind"}


@pytest.mark.parametrize(
    "heading", ["## [server]", "## [auth]", "### [[auth.rules]]", "## [audit]", "## [engine]", '### kind = "postgres"']
)
def test_documented_defaults_are_the_real_ones(heading: str) -> None:
    model = SECTIONS[heading]
    required = {PostgresSource: {"dsn": "host=x"}, AuthRule: {"method": "reject"}}.get(model, {})
    real = model.model_validate(required)
    for key, default in documented(heading).items():
        if value := re.fullmatch(r'`(?:"([^"]*)"|([0-9]+))`', default):
            given = model.model_validate({**required, key: value[1] if value[1] is not None else int(value[2])})
            assert getattr(given, key) == getattr(real, key), key
        elif default == "none":
            assert getattr(real, key) in (None, (), {}), key
