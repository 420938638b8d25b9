"""Options and fixtures of the whole suite."""

from __future__ import annotations

import pytest

from tests.gateway import gateway, lake

__all__ = ["gateway", "lake"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--rewrite`` and ``--random-queries``."""
    parser.addoption("--random-queries", type=int, default=60, help="how many random queries the optimizer is tried on")
    parser.addoption("--rewrite", action="store_true", help="write golden scripts anew instead of comparing")


@pytest.fixture
def rewrite(request: pytest.FixtureRequest) -> bool:
    """Whether golden scripts are to be written anew."""
    return bool(request.config.getoption("--rewrite"))
