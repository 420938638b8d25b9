"""Generated statements: a gateway's answers are PostgreSQL's. ``python -m tests.differential.generated`` asks longer.

Where one fails, the report has the statement cut down, and the seed to ask for it again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.differential.generated.catalogue import Catalogue
from tests.differential.generated.run import Report, catalogue_of, run_block
from tests.differential.generated.servers import Pair, paired, served
from tests.gateway import SampleLake

_SECONDS = 7.0
_SEEDS = ("always", time.strftime("%Y-%m-%d"))


@pytest.fixture(scope="module")
def sides(lake: SampleLake) -> Iterator[tuple[Pair, Catalogue]]:
    """PostgreSQL and the gateway over the same rows, and what expressions are made of."""
    with served(lake) as (dsn, gateway), paired(dsn, gateway.dsn()) as pair:
        yield pair, catalogue_of(dsn)


@pytest.mark.parametrize("seed", _SEEDS, ids=("the same each time", "another each day"))
def test_generated_statements(sides: tuple[Pair, Catalogue], seed: str) -> None:
    pair, catalogue = sides
    report = Report()
    end = time.monotonic() + _SECONDS
    number = 0
    while time.monotonic() < end:
        run_block(pair, catalogue, f"{seed}/{number}", report, lambda: time.monotonic() < end)
        number += 1
    assert not report.differences, "\n\n".join(map(str, report.differences))
    assert report.asked >= 20
    assert report.verdicts["equal"] > report.asked / 3
    assert report.verdicts["refused"] < report.asked / 2
