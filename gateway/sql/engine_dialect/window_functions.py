"""Window functions that the engine lacks, written on whole partitions: ``lag`` and ``lead`` by an offset that each row
has of its own. A partition is one call.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from datafusion import SessionContext, udwf
from datafusion.user_defined import WindowEvaluator

FORMS: dict[str, pa.DataType] = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "exact": pa.decimal256(76, 38),
    "inexact": pa.decimal256(76, 28),
    "text": pa.string(),
    "bytea": pa.binary(),
    "date": pa.date32(),
    "time": pa.time64("ns"),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"),
    "interval": pa.month_day_nano_interval(),
}
"""The types whose values are taken from other rows, by the ends of the functions' names."""


class _Neighbour(WindowEvaluator):
    """The value of the row that is so many rows away, the default where there is none, NULL where how far is NULL."""

    direction = 0

    def evaluate_all(self, values: list[pa.Array], num_rows: int) -> pa.Array:
        found, offsets, default = values
        rows = np.arange(num_rows)
        far = offsets.fill_null(0).to_numpy(zero_copy_only=False)
        places = rows + self.direction * far
        outside = (places < 0) | (places >= num_rows)
        chosen = np.where(outside, rows + num_rows, places)
        unknown = offsets.is_null().to_numpy(zero_copy_only=False)
        return pa.concat_arrays([found, default]).take(pa.array(chosen, mask=unknown))


class _Before(_Neighbour):
    direction = -1


class _Behind(_Neighbour):
    direction = 1


_FUNCTIONS: dict[str, type[_Neighbour]] = {"lag_by": _Before, "lead_by": _Behind}


def register_window_functions(context: SessionContext) -> None:
    """Make the functions known to a session context: ``lag_by_int4(value, offset, default)`` and so on."""
    for name, evaluator in _FUNCTIONS.items():
        for form, kind in FORMS.items():
            takes = [kind, pa.int64(), kind]
            context.register_udwf(udwf(evaluator, takes, kind, "immutable", f"{name}_{form}"))
