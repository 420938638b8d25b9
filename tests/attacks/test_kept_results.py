"""Kept results are nobody's but his who asked: attacks are answered alike when all that was answered is kept.

Here the first answer is kept already, of servers' tables, too, and each case is asked three times: by the end every
statement that may be answered by kept rows is.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.lanes.kept_results import KeptResults
from gateway.result_cache import ResultCache
from tests.attacks.clients import clients
from tests.attacks.own_gateway import OwnGateway, own_gateway
from tests.attacks.steps import CASES, cases, run, written
from tests.gateway import RunningGateway, SampleLake

_CLASSES = ("basic", "caches", "clauses", "errors", "inference", "joins", "prepared", "sets", "views", "whole_rows")


@pytest.fixture(scope="module")
def served(world_lakes: dict[str, SampleLake], world_gateways: dict[str, RunningGateway]) -> Iterator[OwnGateway]:
    """The first world, governed, in a thread, with a cache that keeps what it can."""
    with own_gateway(world_lakes["A"]) as running, pytest.MonkeyPatch.context() as patch:
        patch.setattr(ResultCache, "was_asked", lambda *_: True)
        patch.setattr(KeptResults, "_lifetime", lambda *_: 600.0)
        yield running


@pytest.mark.parametrize("name", _CLASSES)
def test_the_cases_hold(served: OwnGateway, name: str) -> None:
    counts = served.gateway.lake.results.counts
    before, found = counts.hits, []
    with clients(served.address) as opened:
        for case in cases(CASES / f"{name}.sql"):
            if "EXPLAIN" in case.block.command.upper() or "BEGIN" in case.block.command:
                continue  # it says so; what a transaction locks depends on what was described before
            for _ in range(3):
                answered = written(case, run(case, opened))
                if answered != case.block.expected:
                    found.append(f"{case.name} {case.kind}: {case.block.command}\n{answered}")
    assert found == []
    assert counts.hits > before
