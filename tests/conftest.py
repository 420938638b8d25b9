"""Options and fixtures of the whole suite."""

from __future__ import annotations

import gc
import os
import sys

import pytest

from tests.gateway import gateway, lake

__all__ = ["gateway", "lake"]

# Tests start hundreds of gateways and commands: without compiled modules each would compile all of them again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--rewrite`` and ``--random-queries``."""
    parser.addoption("--random-queries", type=int, default=60, help="how many random queries the optimizer is tried on")
    parser.addoption("--rewrite", action="store_true", help="write golden scripts anew instead of comparing")


def pytest_collection_finish() -> None:
    """Take modules and tests, which stay, out of the rounds of the collector of garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def rewrite(request: pytest.FixtureRequest) -> bool:
    """Whether golden scripts are to be written anew."""
    return bool(request.config.getoption("--rewrite"))
