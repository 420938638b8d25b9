"""docs/authentication.md: every piece of configuration in it is one, and the tests that it names exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.configuration.config import load

FOLDER = Path(__file__).parent
TEXT = (FOLDER.parents[1] / "docs" / "authentication.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
TLS = 'tls_certificate = "server.crt"\ntls_key = "server.key"\n'


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_configurations(snippet: str, tmp_path: Path) -> None:
    for name in ("server.crt", "server.key", "clients.crt"):
        (tmp_path / name).touch()
    if "[server]" not in snippet:
        snippet = f"[server]\n{TLS}{snippet}"
    elif "tls_certificate" not in snippet:
        snippet = snippet.replace("[server]\n", f"[server]\n{TLS}")
    (tmp_path / "lakegate.toml").write_text(snippet, encoding="utf-8")
    assert load(tmp_path / "lakegate.toml").auth.effective_rules


def test_attacks_are_tested() -> None:
    named = re.findall(r"`(?:(test_\w+\.py))?::(test_\w+)`", TEXT)
    assert len(named) >= 14
    module = ""
    for given, name in named:
        module = given or module
        assert f"def {name}(" in (FOLDER / module).read_text(encoding="utf-8"), f"{module}::{name}"
