"""Sums of numerics in whole numbers: what a query becomes, what must be known of the values, and what is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlglot import exp
from sqlglot.schema import MappingSchema

from catalog.whole_numbers import Combined, Size, Summed
from gateway.sql.engine_dialect.render import translate
from gateway.sql.engine_dialect.whole_numbers import in_whole_numbers
from tests.scripts import Block, check
from tests.sql.test_engine_dialect import typed

_SCRIPT = Path(__file__).with_name("whole_numbers")
_COLUMNS = {
    "k": "integer",
    "t": "text",
    "n": "numeric(15,2)",
    "m": "numeric(15,2)",
    "q": "numeric(9,4)",
    "w": "numeric(30,2)",
    "v": "numeric",
    "f": "double precision",
}
_MOST = 2**63 - 1


def _schema() -> MappingSchema:
    types = {name: exp.DataType.build(sql, dialect="postgres") for name, sql in _COLUMNS.items()}
    return MappingSchema({"x": types, "y": types}, dialect="postgres", normalize=False)


def _run(block: Block) -> str:
    tree = translate(typed(block.text, _schema()))
    before = tree.sql()
    found = in_whole_numbers(tree)
    assert tree.sql() == before
    if found is None:
        return "as it is"
    told = [f"{one.relation}: {', '.join(one.scales)}: {', '.join(map(_told, one.sums))}" for one in found.summed]
    return "\n".join([found.sql, *told])


def _told(size: Size) -> str:
    if isinstance(size, Combined):
        return f"({_told(size.left)} {'*' if size.is_product else '+'} {_told(size.right)})"
    return str(size)


def test_script(rewrite: bool) -> None:
    check(_SCRIPT, _run, rewrite=rewrite)


@pytest.mark.parametrize(
    ("size", "rows", "largest", "fits"),
    [
        ("n", 1, _MOST, True),
        ("n", 1, _MOST + 1, False),
        ("n", 2, _MOST // 2, True),
        ("n", 2, _MOST // 2 + 1, False),
        ("n", 0, _MOST, True),
        ("n", 0, _MOST + 1, False),
        (Combined("n", 1), 1, _MOST - 1, True),
        (Combined("n", 1), 1, _MOST, False),
        (Combined("n", 3, is_product=True), 1, _MOST // 3, True),
        (Combined("n", 3, is_product=True), 1, _MOST // 3 + 1, False),
        (Combined(Combined("n", 2, is_product=True), 0, is_product=True), 9, _MOST, False),  # on the way to 0
        (Combined("n", "other"), 1, 1, False),  # nothing is known of its values
    ],
)
def test_what_fits(size: Size, rows: int, largest: int, fits: bool) -> None:
    assert Summed("x", {"n": 2}, (1, size)).fits(rows, {"n": largest}) is fits
