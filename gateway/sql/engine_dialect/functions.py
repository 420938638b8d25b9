"""Functions that the engine lacks and that cannot be composed of its own, written on whole Arrow arrays.

Errors begin with a SQLSTATE in brackets; the engine hands their text through (`function_errors`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from datafusion import SessionContext, udf

from gateway.sql.engine_dialect import interval_functions, number_functions, text_functions

INTERVAL = pa.month_day_nano_interval()
QUOTIENT = pa.decimal256(76, 28)
STAMP = pa.timestamp("us")
FLOAT8 = pa.float64()


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the engine's: its name, what it takes and gives, and what computes it."""

    name: str
    takes: tuple[pa.DataType, ...]
    gives: pa.DataType
    body: Callable[..., Any]
    volatility: str = "immutable"


def _modes() -> tuple[Function, ...]:
    elements = {
        "int8": pa.int64(),
        "float8": FLOAT8,
        "text": pa.string(),
        "date": pa.date32(),
        "timestamp": STAMP,
        "numeric": QUOTIENT,
    }
    return tuple(
        Function(f"mode_{name}", (pa.list_(pa.field("item", element)),), element, number_functions.mode)
        for name, element in elements.items()
    )


FUNCTIONS: tuple[Function, ...] = (
    Function("numeric_quotient", (QUOTIENT, FLOAT8, FLOAT8), QUOTIENT, number_functions.rounded_quotient),
    Function("numeric_root", (QUOTIENT,), QUOTIENT, number_functions.square_root),
    Function("numeric_text", (QUOTIENT,), pa.string(), number_functions.numeric_text),
    Function("numeric_digits", (QUOTIENT,), pa.string(), number_functions.digits_by_size),
    Function("quotient_digits", (QUOTIENT, FLOAT8, FLOAT8), pa.string(), number_functions.digits_of_quotient),
    Function("float8_divide", (FLOAT8, FLOAT8), FLOAT8, number_functions.divide),
    Function("float8_round", (FLOAT8,), FLOAT8, number_functions.round_to_even),
    Function("float8_ln", (FLOAT8,), FLOAT8, number_functions.natural_logarithm),
    Function("float8_log10", (FLOAT8,), FLOAT8, number_functions.decimal_logarithm),
    Function("float8_numeric", (FLOAT8,), QUOTIENT, number_functions.to_numeric),
    Function("width_bucket", (FLOAT8, FLOAT8, FLOAT8, FLOAT8), pa.int64(), number_functions.width_bucket),
    Function("percentile_of", (pa.list_(pa.field("item", FLOAT8)), FLOAT8), FLOAT8, number_functions.percentile),
    Function("one_row", (pa.int64(),), pa.bool_(), number_functions.at_most_one),
    Function("float8_text", (FLOAT8,), pa.string(), text_functions.float8_text),
    Function("float4_text", (pa.float32(),), pa.string(), text_functions.float4_text),
    Function(
        "regexp_split_to_array",
        (pa.string(), pa.string()),
        pa.list_(pa.string()),
        text_functions.split_by_pattern,
    ),
    Function("interval_times", (INTERVAL, FLOAT8), INTERVAL, interval_functions.times),
    Function("interval_field", (pa.string(), INTERVAL), pa.decimal128(38, 6), interval_functions.field),
    Function("zone_to_utc", (STAMP, pa.string()), pa.timestamp("us", "UTC"), interval_functions.zone_to_utc),
    Function("timestamp_minus", (STAMP, STAMP), INTERVAL, interval_functions.between),
    Function("timestamp_age", (STAMP, STAMP), INTERVAL, interval_functions.age),
    Function("time_minus", (pa.time64("ns"), pa.time64("ns")), INTERVAL, interval_functions.between_times),
    *_modes(),
)


def register_functions(context: SessionContext) -> None:
    """Make the functions known to a session context; rendered SQL calls them."""
    for function in FUNCTIONS:
        context.register_udf(
            udf(function.body, list(function.takes), function.gives, function.volatility, function.name)
        )
