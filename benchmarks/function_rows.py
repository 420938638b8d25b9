"""The table over which functions are compared: a column of each type, a few of its values NULL."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

TYPES = {
    "b": "boolean", "i2": "smallint", "i4": "integer", "j4": "integer", "i8": "bigint", "j8": "bigint",
    "n": "numeric(15,2)", "m": "numeric(10,4)", "f4": "real", "f8": "double precision", "g8": "double precision",
    "p8": "double precision", "s": "text", "w": "text", "o": "text", "c": "char(8)", "d": "date", "e": "date",
    "ts": "timestamp", "us": "timestamp", "tz": "timestamptz", "uz": "timestamptz", "iv": "interval", "tm": "time",
    "by": "bytea", "a": "bigint[]", "xi": "text", "xn": "text", "xf": "text", "xd": "text", "xt": "text",
    "k": "integer",
}  # fmt: skip
_WORDS = ("amber", "bacon", "cedar", "delta", "ember", "fable", "gravel", "harbour", "ivory", "jasper", "kelp", "lace")
_OTHERS = ("Äpfel", "öre", "žába", "ÉTÉ", "смородина", "σοφία")
_DAY = 86_400_000_000
_NULLS = 0.02


def made(count: int) -> pa.Table:
    """Return so many rows, the same each time."""
    random = np.random.default_rng(20)
    columns = _columns(random, count)
    known = {name: pa.array(random.random(count) >= _NULLS) for name in columns if name != "k"}
    spared = {name: pc.if_else(known[name], one, None) if name in known else one for name, one in columns.items()}
    return pa.table({name: _as_read(spared[name]) for name in TYPES})


def _columns(random: np.random.Generator, count: int) -> dict[str, pa.Array]:
    def whole(low: int, high: int) -> pa.Array:
        return pa.array(random.integers(low, high, count))

    def some(values: tuple[str, ...]) -> pa.Array:
        return pa.array(values).take(whole(0, len(values)))

    stamps = [pa.array(random.integers(0, 40 * 365 * _DAY, count)).cast(pa.timestamp("us")) for _ in range(4)]
    floats = [pa.array(random.normal(0, 1000, count)) for _ in range(2)]
    days = whole(0, 14_000).cast(pa.int32()), whole(0, 14_000).cast(pa.int32())
    word, spans = some(_WORDS), np.zeros(count, dtype=[("months", "i4"), ("days", "i4"), ("nanos", "i8")])
    spans["months"], spans["days"] = random.integers(0, 24, count), random.integers(0, 60, count)
    spans["nanos"] = random.integers(0, _DAY, count) * 1000
    seconds = pc.floor_temporal(stamps[0], unit="second").cast(pa.timestamp("s"))
    return {
        "b": pa.array(random.random(count) < 0.5),
        "i2": whole(-9_000, 9_000).cast(pa.int16()),
        "i4": whole(-1_000_000, 1_000_000).cast(pa.int32()),
        "j4": whole(1, 1_000).cast(pa.int32()),
        "i8": whole(-1_000_000_000, 1_000_000_000),
        "j8": whole(1, 100_000),
        "n": _decimals(whole(100, 10_000_000), pa.decimal128(15, 2)),
        "m": _decimals(whole(1, 10_000_000), pa.decimal128(10, 4)),
        "f4": floats[0].cast(pa.float32()),
        "f8": floats[0],
        "g8": floats[1],
        "p8": pa.array(random.uniform(0.001, 1, count)),
        "s": pc.binary_join_element_wise(some(_WORDS), some(_WORDS), some(_WORDS), " "),
        "w": word,
        "o": pc.binary_join_element_wise(some(_OTHERS), some(_WORDS), " "),
        "c": pc.utf8_rpad(word, 8),
        "d": days[0].cast(pa.date32()),
        "e": days[1].cast(pa.date32()),
        "ts": stamps[0],
        "us": stamps[1],
        "tz": stamps[2].cast(pa.timestamp("us", "UTC")),
        "uz": stamps[3].cast(pa.timestamp("us", "UTC")),
        "iv": pa.Array.from_buffers(pa.month_day_nano_interval(), count, [None, pa.py_buffer(spans.tobytes())]),
        "tm": pa.array(random.integers(0, _DAY, count) * 1000).cast(pa.time64("ns")),
        "by": some(_WORDS).cast(pa.binary()),
        "a": pa.ListArray.from_arrays(pa.array(np.arange(count + 1, dtype=np.int32) * 3), _longs(random, 3 * count)),
        "xi": whole(-1_000_000, 1_000_000).cast(pa.string()),
        "xn": _decimals(whole(100, 10_000_000), pa.decimal128(15, 2)).cast(pa.string()),
        "xf": floats[1].cast(pa.string()),
        "xd": days[0].cast(pa.date32()).cast(pa.string()),
        "xt": seconds.cast(pa.string()),
        "k": whole(0, 1_000).cast(pa.int32()),
    }


def _longs(random: np.random.Generator, count: int) -> pa.Array:
    return pa.array(random.integers(0, 10, count))


def _decimals(whole: pa.Array, wanted: pa.Decimal128Type) -> pa.Array:
    unit = pa.scalar(Decimal(1).scaleb(-wanted.scale), pa.decimal128(wanted.scale + 1, wanted.scale))
    return pc.multiply(whole.cast(pa.decimal128(19, 0)), unit).cast(wanted)


def _as_read(column: pa.Array) -> pa.Array:
    """Return a column as the engine reads it from files: texts as views."""
    return column.cast(pa.string_view()) if column.type == pa.string() else column
