"""The 22 queries of TPC-H with the specification's own parameters; tables are found by the search path.

The texts are those that the tests compare with PostgreSQL's answers.
"""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent.parent / "tests" / "differential" / "tpch"
_FRACTION = "0.0001"  # in the eleventh, at scale 1
NUMBERS = range(1, 23)

# Whose ORDER BY leaves no two rows equal: the order of the rows is compared too.
TOTALLY_ORDERED = frozenset({1, 4, 5, 7, 8, 9, 12, 13, 15, 16, 20, 21, 22})


def query(number: int, scale: float) -> str:
    """Return the text of a query; that of the eleventh depends on the scale."""
    text = (_FOLDER / f"q{number:02}.sql").read_text(encoding="utf-8").strip().rstrip(";")
    return text.replace(_FRACTION, f"{0.0001 / scale:.10f}".rstrip("0")) if number == 11 else text
