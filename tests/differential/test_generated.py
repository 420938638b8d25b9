"""Generated statements: a gateway's answers are PostgreSQL's. ``python -m tests.differential.generated`` asks longer.

Where one fails, the report has the statement cut down, and the seed to ask for it again.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator

import pytest

from tests.differential.generated.catalogue import Catalogue
from tests.differential.generated.run import Report, catalogue_of, run_block
from tests.differential.generated.servers import Pair, paired
from tests.gateway import RunningGateway

_SECONDS = 7.0
_STATEMENTS = 80
_SHARE = 1 / 20  # of new statements that may differ: what does is a warning, to be looked into


@pytest.fixture(scope="module")
def sides(generated: tuple[str, RunningGateway]) -> Iterator[tuple[Pair, Catalogue]]:
    """PostgreSQL and the gateway over the same rows, and what expressions are made of."""
    dsn, gateway = generated
    with paired(dsn, gateway.dsn()) as pair:
        yield pair, catalogue_of(dsn)


def _asked(sides: tuple[Pair, Catalogue], seed: str) -> Report:
    """Ask the first statements of a seed, for some seconds."""
    report = Report()
    end = time.monotonic() + _SECONDS
    run_block(*sides, f"{seed}/0", report, lambda: time.monotonic() < end and report.asked < _STATEMENTS)
    return report


def test_the_same_statements_each_time(sides: tuple[Pair, Catalogue]) -> None:
    report = _asked(sides, "always")
    assert not report.differences, "\n\n".join(map(str, report.differences))
    assert report.asked >= 10
    assert report.verdicts["equal"] > report.asked / 3
    assert report.verdicts["refused"] < report.asked / 2


def test_other_statements_each_day(sides: tuple[Pair, Catalogue]) -> None:
    report = _asked(sides, time.strftime("%Y-%m-%d"))
    for difference in report.differences:
        warnings.warn(str(difference), stacklevel=1)
    assert len(report.differences) <= 1 + report.asked * _SHARE, "\n\n".join(map(str, report.differences))
