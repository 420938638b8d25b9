"""Quotients by a constant that are exact are products; all others are rounded as PostgreSQL rounds them."""

from __future__ import annotations

import pytest
from sqlglot import exp
from sqlglot.schema import MappingSchema

from gateway.sql.engine_dialect.render import render
from tests.sql.test_engine_dialect import typed

_COLUMNS = {
    "i": "integer",
    "b": "bigint",
    "n": "numeric(7,2)",
    "m": "numeric(7,4)",
    "l": "numeric(20,2)",
    "w": "numeric(15,12)",
    "v": "numeric",
}


def _rendered(value: str) -> str:
    types = {name: exp.DataType.build(sql, dialect="postgres") for name, sql in _COLUMNS.items()}
    schema = MappingSchema({"x": types}, dialect="postgres", normalize=False)
    return render(typed(f"SELECT sum({value}) FROM x", schema))


@pytest.mark.parametrize(
    ("value", "product"),
    [
        ("n / 2", '"x"."n" * CAST(0.5 AS DECIMAL(1, 1))'),
        ("n / 1", '"x"."n" * CAST(1 AS DECIMAL(1, 0))'),
        ("n / 100", '"x"."n" * CAST(0.01 AS DECIMAL(2, 2))'),
        ("n / 8", '"x"."n" * CAST(0.125 AS DECIMAL(3, 3))'),
        ("(n - m + n) / 4", '(("x"."n" - "x"."m") + "x"."n") * CAST(0.25 AS DECIMAL(2, 2))'),
        ("-n / 2", '(-"x"."n") * CAST(0.5 AS DECIMAL(1, 1))'),
        ("n * n / 5", '("x"."n" * "x"."n") * CAST(0.2 AS DECIMAL(1, 1))'),
        ("n * i / 5", "* CAST(0.2 AS DECIMAL(1, 1))"),  # fifteen digits before the point: four are kept behind it
    ],
)
def test_exact(value: str, product: str) -> None:
    written = _rendered(value)
    assert product in written
    assert "quotient" not in written


@pytest.mark.parametrize(
    "value",
    [
        "n / 3",
        "n / 7",
        "n / 16",  # four digits more than the constants that are looked for
        "n / 0",
        "n / -2",
        "n / 2.0",
        "n / i",
        "l * 10 / 2",  # of nineteen digits before the point and more nothing behind it may be kept
        "l / 10",
        "n * b / 2",
        "w / 2",  # as small as a quotient that is refused
        "v / 2",
        "abs(n) / 2",
    ],
)
def test_rounded(value: str) -> None:
    assert "quotient" in _rendered(value)
