"""Options and fixtures of the whole suite."""

from __future__ import annotations

import gc
import os
import sys

import pytest
from xdist.remote import Producer

from tests.distribution import FolderScheduling, longest_first
from tests.gateway import gateway, lake

__all__ = ["gateway", "lake"]

# Tests start hundreds of gateways and commands: without compiled modules each would compile all of them again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--rewrite`` and ``--random-queries``."""
    parser.addoption("--random-queries", type=int, default=60, help="how many random queries the optimizer is tried on")
    parser.addoption("--rewrite", action="store_true", help="write golden scripts anew instead of comparing")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FolderScheduling | None:
    """Have the tests of a folder run in one process, with ``--dist loadscope``."""
    return FolderScheduling(config, log) if config.getoption("dist") == "loadscope" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have several processes begin with what takes longest."""
    if hasattr(config, "workerinput"):
        items[:] = longest_first(items)


def pytest_collection_finish() -> None:
    """Take modules and tests, which stay, out of the rounds of the collector of garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def rewrite(request: pytest.FixtureRequest) -> bool:
    """Whether golden scripts are to be written anew."""
    return bool(request.config.getoption("--rewrite"))
