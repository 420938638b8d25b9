"""Durations and sizes in PostgreSQL's units."""

from __future__ import annotations

import re

import pytest

from gateway.configuration.quantities import parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("250us", 0.00025), ("1500ms", 1.5), ("30s", 30), (" 1.5 min ", 90), ("2h", 7200), ("1d", 86400)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "s", "5", "5 parsecs", "5S", "-1s", "1e3s", "25d", "1s2s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f'"{text}"')):
        parse_duration(text)


@pytest.mark.parametrize(("text", "size"), [("0", 0), ("10B", 10), ("8kB", 8192), ("1.5GB", 3 << 29), ("1TB", 1 << 40)])
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GB", "5", "5KB", "5gb", "-1MB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f'"{text}"')):
        parse_size(text)
