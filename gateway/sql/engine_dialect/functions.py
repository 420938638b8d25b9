"""Functions that the engine lacks and that cannot be composed of its own, written on whole Arrow arrays.

Errors begin with a SQLSTATE in brackets; the engine hands their text through (`function_errors`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
from datafusion import SessionContext, udf

from gateway.sql.engine_dialect import (
    fixed_numerics,
    float_functions,
    integer_functions,
    interval_functions,
    list_extremes,
    list_functions,
    moment_functions,
    moment_series,
    number_functions,
    ordered_sets,
    quotient_functions,
    random_functions,
    reading_functions,
    text_functions,
    zoned_intervals,
)
from gateway.sql.engine_dialect.short_quotients import MOST_SCALE
from gateway.sql.engine_dialect.window_functions import register_window_functions

INTERVAL = pa.month_day_nano_interval()
QUOTIENT = pa.decimal256(76, 28)
STAMP = pa.timestamp("us")
MOMENT = pa.timestamp("us", "UTC")
FLOAT8 = pa.float64()


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the engine's: its name, what it takes and gives, and what computes it."""

    name: str
    takes: tuple[pa.DataType, ...]
    gives: pa.DataType
    body: Callable[..., Any]
    volatility: str = "immutable"


def _list(element: pa.DataType) -> pa.DataType:
    return pa.list_(pa.field("item", element))


_SORTED_ELEMENTS = {
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": FLOAT8,
    "date": pa.date32(),
    "timestamp": STAMP,
}


def _ordered_sets() -> Iterator[Function]:
    for name, element in _SORTED_ELEMENTS.items():
        lists = _list(element)
        yield Function(f"mode_{name}", (lists,), element, ordered_sets.mode)
        yield Function(f"percentile_disc_{name}", (lists, FLOAT8), element, ordered_sets.discrete)
        yield Function(f"percentile_disc_{name}_downwards", (lists, FLOAT8), element, ordered_sets.discrete_downwards)
    for name, element in (("text", pa.string()), ("numeric", QUOTIENT)):
        yield Function(f"mode_{name}", (_list(element),), element, ordered_sets.mode_of_sorted)


_WRITTEN_ELEMENTS = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": FLOAT8,
    "text": pa.string(),
    "date": pa.date32(),
    "timestamp": STAMP,
}


def _list_functions() -> tuple[Function, ...]:
    bodies = {
        "sum": list_functions.total,
        "avg": list_functions.average,
        "var_samp": list_functions.variance_samp,
        "var_pop": list_functions.variance_pop,
        "stddev_samp": list_functions.deviation_samp,
        "stddev_pop": list_functions.deviation_pop,
    }
    floats = pa.list_(pa.field("item", FLOAT8))
    return tuple(Function(f"float8_{name}", (floats,), FLOAT8, body) for name, body in bodies.items())


def _pairs(element: pa.DataType) -> pa.DataType:
    return pa.list_(pa.field("item", pa.list_(pa.field("item", element))))


_INTEGERS = (pa.list_(pa.field("item", pa.int64())),)
_DIVIDED = FLOAT8, FLOAT8, pa.int64()  # what was divided by what, and the least scale
_OF_QUOTIENT = (pa.decimal256(76, 29), *_DIVIDED)

FUNCTIONS: tuple[Function, ...] = (
    Function("numeric_quotient", _OF_QUOTIENT, QUOTIENT, number_functions.rounded_quotient),
    *(
        Function(
            f"{name}_{above}_{below}", (pa.decimal128(38, above), pa.decimal128(38, below), pa.int64()), gives, body
        )
        for name, gives, body in (
            ("quotient", QUOTIENT, quotient_functions.divided),
            ("quotient_digits", pa.string(), quotient_functions.divided_digits),
        )
        for above in range(MOST_SCALE + 1)
        for below in range(MOST_SCALE + 1)
    ),
    Function("numeric_variance", _OF_QUOTIENT, QUOTIENT, number_functions.rounded_quotient),
    Function("variance_digits", _OF_QUOTIENT, pa.string(), number_functions.digits_of_variance),
    Function("numeric_root", (QUOTIENT,), QUOTIENT, number_functions.square_root),
    Function("numeric_scale", (QUOTIENT,), pa.int64(), number_functions.own_scale),
    Function("numeric_text", (QUOTIENT,), pa.string(), number_functions.numeric_text),
    Function("numeric_digits", (QUOTIENT,), pa.string(), number_functions.digits_by_size),
    Function("scaled_digits", (QUOTIENT, pa.int64()), pa.string(), number_functions.digits_by_scale),
    Function("quotient_digits", _OF_QUOTIENT, pa.string(), number_functions.digits_of_quotient),
    Function("quotient_scale", _DIVIDED, pa.int64(), number_functions.quotient_scale),
    *(
        Function(f"{name}_{operation.__name__}", (kind, kind), kind, operation)
        for name, kind in (("float8", FLOAT8), ("float4", pa.float32()))
        for operation in (float_functions.plus, float_functions.minus, float_functions.times)
    ),
    *(
        Function(f"int8_{operation.__name__}", (pa.int64(),) * 2, pa.int64(), operation)
        for operation in (integer_functions.plus, integer_functions.minus, integer_functions.times)
    ),
    Function("int8_negated", (pa.int64(),), pa.int64(), integer_functions.negated),
    Function("float8_power", (FLOAT8, FLOAT8), FLOAT8, float_functions.power),
    Function("float8_exp", (FLOAT8,), FLOAT8, float_functions.exponential),
    Function("float8_bounded", (FLOAT8,), FLOAT8, float_functions.bounded),
    Function("float8_within_one", (FLOAT8,), FLOAT8, float_functions.within_one),
    Function("float8_real", (FLOAT8,), pa.float32(), float_functions.to_real),
    Function("date_plus", (pa.date32(), pa.int64()), pa.date32(), moment_functions.date_plus),
    Function("date_of_parts", (pa.int64(),) * 3, pa.date32(), moment_functions.date_of_parts),
    Function("timestamp_round", (STAMP, pa.int64()), STAMP, moment_functions.rounded_timestamp),
    Function("timestamptz_round", (MOMENT, pa.int64()), MOMENT, moment_functions.rounded_timestamp),
    Function("time_round", (pa.time64("ns"), pa.int64()), pa.time64("ns"), moment_functions.rounded_time),
    Function("timestamptz_of_epoch", (FLOAT8,), MOMENT, moment_functions.of_epoch),
    Function("interval_size", (INTERVAL,), pa.decimal128(38, 0), moment_functions.interval_size),
    Function("upper_text", (pa.string(),), pa.string(), text_functions.upper),
    Function("lower_text", (pa.string(),), pa.string(), text_functions.lower),
    Function("hex_digits", (pa.string(),), pa.string(), text_functions.hex_digits),
    Function("base64_digits", (pa.string(),), pa.string(), text_functions.base64_digits),
    Function("jsonb_key", (pa.string(),), pa.string(), text_functions.jsonb_key),
    Function("boolean_of_text", (pa.string(),), pa.bool_(), reading_functions.boolean_of),
    Function("date_of_text", (pa.string(),), pa.date32(), reading_functions.date_of),
    Function("time_of_text", (pa.string(),), pa.time64("ns"), reading_functions.time_of),
    Function("timestamp_of_text", (pa.string(),), STAMP, reading_functions.timestamp_of),
    Function("timestamptz_of_text", (pa.string(), pa.string()), MOMENT, reading_functions.timestamptz_of),
    Function("interval_of_text", (pa.string(),), INTERVAL, reading_functions.interval_of),
    Function("uuid_of_text", (pa.string(),), pa.string(), reading_functions.uuid_of),
    Function("float8_divide", (FLOAT8, FLOAT8), FLOAT8, float_functions.divide),
    Function("float8_round", (FLOAT8,), FLOAT8, float_functions.round_to_even),
    Function("float8_trunc", (FLOAT8,), FLOAT8, float_functions.truncated),
    Function("float8_ln", (FLOAT8,), FLOAT8, float_functions.natural_logarithm),
    Function("float8_log10", (FLOAT8,), FLOAT8, float_functions.decimal_logarithm),
    Function("float4_numeric", (pa.float32(),), QUOTIENT, number_functions.real_to_numeric),
    *(
        Function(f"float8_numeric_{scale}", (FLOAT8,), pa.decimal128(38, scale), partial(fixed_numerics.rounded, scale))
        for scale in range(fixed_numerics.MOST_SCALE + 1)
    ),
    Function("float8_numeric", (FLOAT8,), QUOTIENT, number_functions.to_numeric),
    Function("random_integer", (pa.int64(), pa.int64(), FLOAT8), pa.int64(), random_functions.integers, "volatile"),
    Function("random_normal", (FLOAT8,) * 3, FLOAT8, random_functions.normal, "volatile"),
    Function("uuid_in_order", (FLOAT8,), pa.string(), random_functions.uuids_in_order, "volatile"),
    Function("clock", (FLOAT8,), MOMENT, random_functions.clock, "volatile"),
    Function("width_bucket", (FLOAT8, FLOAT8, FLOAT8, FLOAT8), pa.int64(), number_functions.width_bucket),
    Function("percentile_of", (pa.list_(pa.field("item", FLOAT8)), FLOAT8), FLOAT8, ordered_sets.percentile),
    Function(
        "percentile_downwards",
        (pa.list_(pa.field("item", FLOAT8)), FLOAT8),
        FLOAT8,
        ordered_sets.percentile_downwards,
    ),
    Function("xor_of", _INTEGERS, pa.int64(), list_functions.exclusive_or),
    Function("and_of", _INTEGERS, pa.int64(), list_functions.conjunction),
    Function("or_of", _INTEGERS, pa.int64(), list_functions.disjunction),
    Function("one_row", (pa.int64(),), pa.bool_(), number_functions.at_most_one),
    Function("float8_text", (FLOAT8, pa.int64()), pa.string(), text_functions.float_as_text),
    Function("float4_text", (pa.float32(), pa.int64()), pa.string(), text_functions.float_as_text),
    Function("date_text", (pa.date32(), pa.string()), pa.string(), text_functions.date_as_text),
    Function("time_text", (pa.time64("ns"),), pa.string(), text_functions.time_as_text),
    Function("timestamp_text", (STAMP, pa.string()), pa.string(), text_functions.timestamp_as_text),
    Function("timestamptz_text", (MOMENT, pa.string(), pa.string()), pa.string(), text_functions.timestamptz_as_text),
    Function("interval_text", (INTERVAL, pa.string()), pa.string(), text_functions.interval_as_text),
    *(
        Function(f"{name}_array_text", (pa.list_(element), pa.string()), pa.string(), text_functions.array_as_text)
        for name, element in _WRITTEN_ELEMENTS.items()
    ),
    Function("repeat_count", (pa.string(), pa.int64()), pa.int64(), text_functions.checked_count),
    Function("character_number", (pa.int64(),), pa.int64(), text_functions.character_number),
    Function("pad_length", (pa.int64(),), pa.int64(), text_functions.checked_length),
    Function("bytea_concat", (pa.binary(), pa.binary()), pa.binary(), text_functions.concatenated),
    Function("pairs_joined", (_pairs(pa.string()),), pa.string(), text_functions.pairs_joined),
    Function("bytea_pairs_joined", (_pairs(pa.binary()),), pa.binary(), text_functions.pairs_joined),
    Function("bytea_escape", (pa.binary(),), pa.string(), text_functions.bytea_as_text),
    Function(
        "regexp_split_to_array",
        (pa.string(), pa.string()),
        pa.list_(pa.string()),
        text_functions.split_by_pattern,
    ),
    Function("interval_round", (INTERVAL, pa.int64()), INTERVAL, interval_functions.rounded),
    Function("interval_times", (INTERVAL, FLOAT8), INTERVAL, interval_functions.times),
    Function("interval_divided", (INTERVAL, FLOAT8), INTERVAL, interval_functions.divided),
    Function(
        "interval_percentile", (pa.list_(pa.field("item", INTERVAL)), FLOAT8), INTERVAL, interval_functions.percentile
    ),
    Function("interval_field", (pa.string(), INTERVAL), pa.decimal128(38, 6), interval_functions.field),
    Function("interval_whole_field", (pa.string(), INTERVAL), pa.decimal128(38, 0), interval_functions.whole_field),
    Function("timestamp_epoch", (STAMP,), pa.decimal128(20, 6), moment_functions.epoch),
    Function("zone_to_utc", (STAMP, pa.string()), MOMENT, interval_functions.zone_to_utc),
    *(
        Function(f"timestamptz_{body.__name__}", (MOMENT, INTERVAL, pa.string()), MOMENT, body)
        for body in (zoned_intervals.plus, zoned_intervals.minus)
    ),
    Function(
        "timestamptz_series",
        (MOMENT, MOMENT, INTERVAL, pa.string()),
        pa.list_(pa.field("item", MOMENT)),
        moment_series.series,
    ),
    Function("timestamp_minus", (STAMP, STAMP), INTERVAL, interval_functions.between),
    Function("timestamp_age", (STAMP, STAMP), INTERVAL, interval_functions.age),
    Function("time_minus", (pa.time64("ns"), pa.time64("ns")), INTERVAL, interval_functions.between_times),
    *(
        Function(f"{name}_{body.__name__}", (_list(element),), element, body)
        for name, element in (("text", pa.string()), ("bool", pa.bool_()))
        for body in (list_extremes.least, list_extremes.greatest)
    ),
    *_ordered_sets(),
    *_list_functions(),
)


def register_functions(context: SessionContext) -> None:
    """Make the functions known to a session context; rendered SQL calls them."""
    for function in FUNCTIONS:
        context.register_udf(
            udf(function.body, list(function.takes), function.gives, function.volatility, function.name)
        )
    register_window_functions(context)
