"""Statements that a gateway is asked with values, or that speak of the session: PostgreSQL's answer in text and binary.

Statements without either are in ``scripts``, where they take less time.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.differential.generated.servers import Outcome, Pair, Question, paired, served
from tests.gateway import SampleLake

WITH_VALUES: tuple[tuple[str, tuple[str, ...]], ...] = (
    # patterns are read as PostgreSQL reads them
    ("select id from lk.wild where t ~ $1 order by id", (r"\mapple\M",)),
    ("select id from lk.wild where t ~* $1 order by id", ("^A",)),
    ("select id from lk.wild where t !~ $1 order by id", (r"(?i)\yb",)),
    ("select id, regexp_replace(t, $1, 'X'), regexp_replace(t, $1, 'X', 'g') from lk.wild order by id", (r"\ma",)),
    ("select id from lk.wild where t ~ $1", ("a(",)),
    # infinite moments
    ("select extract(year from $1::timestamp) from lk.tame limit 1", ("infinity",)),
    ("select extract(year from $1::timestamp) from lk.tame limit 1", ("2024-02-03 04:05",)),
    ("select $1::timestamp::date, date_trunc('day', $1::timestamp) from lk.tame limit 1", ("-infinity",)),
    ("select $1::timestamp + interval '1 day', $2::date - 1 from lk.tame limit 1", ("infinity", "-infinity")),
    ("select id from lk.tame where d + 1 < $1::date order by id", ("infinity",)),
    # arrays
    ("select id, i4 = any($1), i4 <> all($1) from lk.tame order by id", ("{}",)),
    ("select id, i4 = any($1), i4 <> all($1) from lk.tame order by id", ("{2,NULL}",)),
    ("select id, ai @> $1, ai && $1, ai <@ $1 from lk.tame order by id", ("{1,NULL,2}",)),
)


@pytest.fixture(scope="module")
def sides(lake: SampleLake) -> Iterator[Pair]:
    """PostgreSQL and the gateway over the same rows."""
    with served(lake) as (dsn, (gateway,)), paired(dsn, gateway.dsn()) as pair:
        yield pair


def _told(outcome: Outcome) -> tuple[object, ...]:
    return outcome.state, outcome.names, outcome.types, outcome.parameters, outcome.rows


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize(("sql", "values"), WITH_VALUES)
def test_question(sides: Pair, sql: str, values: tuple[str, ...], binary: bool) -> None:
    question = Question(sql, values, binary)
    answer = sides.gateway.ask(question)
    assert _told(answer) == _told(sides.postgres.ask(question)), answer.message
