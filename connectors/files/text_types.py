"""Types of text columns (CSV, partition values), by rules that lose nothing: a column is a number only where writing
the number back gives the text again, give or take zeros after the point and exponents.

So ``007`` and twenty-digit numbers stay text, where the usual readers make 7 and a rounded float of them.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

TIMESTAMP, TIMESTAMPTZ = pa.timestamp("us"), pa.timestamp("us", tz="UTC")

_DAY = r"\d{4}-\d{2}-\d{2}"
_TIME = r"[ T]\d{2}:\d{2}:\d{2}(\.\d{1,6})?"
_RULES: tuple[tuple[str, pa.DataType], ...] = (
    (r"^(true|false|TRUE|FALSE|True|False)$", pa.bool_()),
    (r"^-?(0|[1-9]\d{0,17})$", pa.int64()),
    (r"^-?(0|[1-9]\d{0,14})(\.\d{1,15})?([eE][-+]?\d{1,2})?$", pa.float64()),
    (rf"^{_DAY}$", pa.date32()),
    (rf"^{_DAY}{_TIME}$", TIMESTAMP),
    (rf"^{_DAY}{_TIME}(Z|[-+]\d{{2}}:?\d{{2}})$", TIMESTAMPTZ),
)
_CHECKED = (pa.date32(), TIMESTAMP)  # what looks like a date may be none: 2024-02-30


def text_type(values: pa.Array | pa.ChunkedArray) -> pa.DataType:
    """Return the narrowest type that all texts have; empty ones and NULL have every type. text where there are none."""
    known = values.drop_null()
    known = known.filter(pc.not_equal(known, ""))
    if not len(known):
        return pa.null()
    for pattern, arrow in _RULES:
        if pc.all(pc.match_substring_regex(known, pattern)).as_py():
            return arrow if arrow not in _CHECKED or _casts(known, arrow) else pa.string()
    return pa.string()


def wider(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    """Return the type for texts of both types."""
    if left == right or pa.types.is_null(right):
        return left
    if pa.types.is_null(left):
        return right
    return pa.float64() if {left, right} == {pa.int64(), pa.float64()} else pa.string()


def _casts(values: pa.ChunkedArray, arrow: pa.DataType) -> bool:
    try:
        pc.cast(values, arrow)
    except pa.ArrowInvalid:
        return False
    return True
