"""PostgreSQL's types on their way into Arrow: what the remote query selects, what the stream yields, what compares.

Every type has one of these ways, none of which loses anything in silence:

- as ADBC reads it (integers, floats, bool, text, bytea, dates, times, timestamps, intervals, arrays of them);
- ``numeric(p,s)`` up to 18 digits as a scaled bigint, without text; larger ones as text, up to 76 digits;
- ``numeric`` without precision as text into ``decimal128(38, scale)``: a value that does not fit is an error;
- ``character(n)`` without its padding, as PostgreSQL itself compares and converts it;
- all others as the text PostgreSQL prints.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import pyarrow as pa

_TIMESTAMP, _TIMESTAMPTZ = pa.timestamp("us"), pa.timestamp("us", tz="UTC")
_MOST_SCALED = 18  # digits that always fit a bigint
_MOST_DECIMAL128, _MOST_DECIMAL256 = 38, 76
_MONEY = pa.decimal128(20, 2)


class Order(Enum):
    """Which comparisons of a type mean in PostgreSQL what they mean on the Arrow values."""

    ALL = "all"
    EQUALITY = "equality"
    TEXT = "text"  # as the column's collation says
    NONE = "none"


@dataclass(frozen=True, slots=True)
class PgType:
    """A row of ``pg_type``: ``kind`` is ``typtype``, ``element`` the type of an array's elements."""

    name: str
    kind: str
    builtin: bool
    element: PgType | None = None


@dataclass(frozen=True, slots=True)
class RemoteType:
    """How values of a column travel. In ``selected`` and ``compared``, ``{}`` stands for the quoted column;
    ``literal`` is the type that constants compared with it are given.
    """

    sql_type: str
    arrow: pa.DataType
    selected: str = "{}"
    order: Order = Order.NONE
    compared: str = "{}"
    literal: str = ""


_PLAIN: dict[str, pa.DataType] = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "bytea": pa.binary(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": _TIMESTAMP,
    "timestamptz": _TIMESTAMPTZ,
}
_TEXTS = ("text", "varchar", "name", "bpchar")


def remote_type(pg: PgType, typmod: int, spelled: str, numeric_scale: int) -> RemoteType:
    """Return the way of a column of type ``pg`` (domains already resolved), which PostgreSQL spells ``spelled``."""
    if pg.element is not None:
        return _array(pg.element, typmod, spelled)
    if not pg.builtin or pg.kind in "ecp":
        order = Order.EQUALITY if pg.kind == "e" else Order.NONE
        return RemoteType("text", pa.string(), "{}::text", order, "{}::text", "text")
    if pg.name in _PLAIN:
        return RemoteType(spelled, _PLAIN[pg.name], order=Order.ALL, literal=pg.name)
    if pg.name in _TEXTS:
        return _text(pg.name, spelled)
    if pg.name == "numeric":
        return _numeric(typmod, spelled, numeric_scale)
    if pg.name == "money":
        return RemoteType("numeric(20,2)", _MONEY, "{}::numeric", Order.ALL, "{}::numeric", "numeric")
    if pg.name == "oid":
        return RemoteType(spelled, pa.int64(), "{}::int8", Order.ALL, "{}::int8", "int8")
    if pg.name == "interval":
        return RemoteType(spelled, pa.month_day_nano_interval())
    if pg.name == "uuid":
        return RemoteType(spelled, pa.string(), "{}::text", Order.ALL, "{}", "uuid")
    # The cast of inet to text is not what it prints: that adds the width of the mask.
    return RemoteType(spelled, pa.string(), "inet_out({})::text" if pg.name == "inet" else "{}::text")


def decimal_type(typmod: int, numeric_scale: int) -> pa.DataType:
    """Return the Arrow type of ``numeric`` with this type modifier (-1: none)."""
    if typmod < 0:
        return pa.decimal128(_MOST_DECIMAL128, numeric_scale)
    precision, scale = (typmod - 4 >> 16) & 0xFFFF, ((typmod - 4 & 0x7FF) ^ 1024) - 1024
    if scale < 0:  # numeric(2,-3) holds 99000
        precision, scale = precision - scale, 0
    precision = max(precision, scale)  # numeric(3,5) holds 0.00999
    if precision <= _MOST_DECIMAL128:
        return pa.decimal128(precision, scale)
    return pa.decimal256(min(precision, _MOST_DECIMAL256), min(scale, _MOST_DECIMAL256))


def _numeric(typmod: int, spelled: str, numeric_scale: int) -> RemoteType:
    arrow = decimal_type(typmod, numeric_scale)
    if arrow.precision > _MOST_SCALED:
        return RemoteType(spelled, arrow, "{}", Order.ALL, "{}", "numeric")
    scaled = f"({{}} * {10**arrow.scale})::int8" if arrow.scale else "{}::int8"
    return RemoteType(spelled, arrow, scaled, Order.ALL, "{}", "numeric")


def _text(name: str, spelled: str) -> RemoteType:
    if name == "bpchar":
        return RemoteType(spelled, pa.string(), "{}::text", Order.TEXT, "{}", "bpchar")
    compared = "{}" if name in ("text", "name") else "{}::text"
    return RemoteType(spelled, pa.string(), "{}", Order.TEXT, compared, "text" if name != "name" else "name")


def _array(element: PgType, typmod: int, spelled: str) -> RemoteType:
    if not element.builtin or element.kind in "ecp":
        return RemoteType("text[]", pa.list_(pa.string()), "{}::text[]")
    if element.name in _PLAIN:
        return RemoteType(spelled, pa.list_(_PLAIN[element.name]))
    if element.name in ("text", "varchar"):
        return RemoteType(spelled, pa.list_(pa.string()))
    if element.name == "interval":
        return RemoteType(spelled, pa.list_(pa.month_day_nano_interval()))
    if element.name == "oid":
        return RemoteType(spelled, pa.list_(pa.int64()), "{}::int8[]")
    if element.name == "numeric" and typmod >= 0:
        return RemoteType(spelled, pa.list_(decimal_type(typmod, 0)), "{}::text[]")
    if element.name in ("numeric", "money"):  # as text: an element that does not fit would cost the whole column
        return RemoteType("text[]", pa.list_(pa.string()), "{}::text[]")
    if element.name == "inet":
        return RemoteType(spelled, pa.list_(pa.string()), "array_out({})::text::text[]")
    return RemoteType(spelled, pa.list_(pa.string()), "{}::text[]")
