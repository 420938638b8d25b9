"""Words by which a value may be read as a moment of the clock."""

from __future__ import annotations

import pytest

from gateway.sql.repeatable import names_a_moment


@pytest.mark.parametrize("value", [b"today", b"NOW", b"{yesterday}", b"[now,)", b"12:00 tomorrow"])
def test_words_of_the_clock(value: bytes) -> None:
    assert names_a_moment(value)


@pytest.mark.parametrize("value", [b"2020-01-01", b"nowhere", b"snow", b"", None, b"todays"])
def test_other_words(value: bytes | None) -> None:
    assert not names_a_moment(value)
