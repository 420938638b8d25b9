"""How results of each PostgreSQL type come back: what is asked of PostgreSQL, and what is made of its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from gateway.evaluation import transport
from gateway.evaluation.transport import Lengths

Decode = Callable[[Lengths, bytes], pa.Array]


@dataclass(frozen=True, slots=True)
class ResultForm:
    """A form of results: its name, in which the engine's functions are named; its Arrow type; the SQL of its bytes,
    with ``{}`` for the value; and what makes an array of lengths and bytes.
    """

    name: str
    arrow: pa.DataType
    sent: str
    decode: Decode


def _text(name: str, sent: str) -> ResultForm:
    return ResultForm(name, pa.string(), sent, partial(transport.variable, kind=pa.string()))


def _number(name: str, wire: str, arrow: pa.DataType) -> ResultForm:
    return ResultForm(name, arrow, f"{name}send({{}})", partial(transport.numbers, wire=wire, kind=arrow))


def _moment(name: str, arrow: pa.DataType) -> ResultForm:
    return ResultForm(name, arrow, f"{name}_send({{}})", partial(transport.moments, kind=arrow))


_ELEMENTS = (
    "CASE WHEN {{0}} IS NULL THEN NULL WHEN array_ndims({{0}}) > 1 OR array_lower({{0}}, 1) <> 1 THEN int4send(-1) ELSE"
    " (SELECT int4send(cardinality({{0}}))"
    " || coalesce(string_agg(int4send(coalesce(octet_length({sent}), -1)), ''::bytea), '')"
    " || coalesce(string_agg({sent}, ''::bytea), '') FROM unnest({{0}}) AS e) END"
)


def _list(name: str, element: pa.DataType) -> ResultForm:
    """Arrays of which each element comes as text."""
    arrow = pa.list_(element)
    sent = _ELEMENTS.format(sent="textsend(e::text)")
    return ResultForm(name, arrow, sent, partial(transport.lists, kind=arrow))


def _list_of(element: ResultForm) -> ResultForm:
    """Arrays of which each element comes as a value alone does."""
    arrow = pa.list_(element.arrow)
    sent = _ELEMENTS.format(sent=element.sent.format("e"))
    return ResultForm(f"{element.name}s", arrow, sent, partial(transport.lists, kind=arrow, element=element.decode))


_BYTES = ResultForm("bytea", pa.binary(), "{}", partial(transport.variable, kind=pa.binary()))
TEXT = _text("text", "textsend({}::text)")
WRITTEN = _text("written", "CASE WHEN {0} IS NOT NULL THEN textsend(concat({0})) END")  # by the type's output function
_MOMENTS: dict[str, ResultForm] = {
    "date": _moment("date", pa.date32()),
    "time without time zone": ResultForm("time", pa.time64("ns"), "time_send({})", transport.times),
    "timestamp without time zone": _moment("timestamp", pa.timestamp("us")),
    "timestamp with time zone": _moment("timestamptz", pa.timestamp("us", "UTC")),
    "interval": ResultForm("interval", pa.month_day_nano_interval(), "interval_send({})", transport.intervals),
}
FORMS: dict[str, ResultForm] = {
    "boolean": ResultForm("bool", pa.bool_(), "boolsend({})", transport.booleans),
    "smallint": _number("int2", ">i2", pa.int16()),
    "integer": _number("int4", ">i4", pa.int32()),
    "bigint": _number("int8", ">i8", pa.int64()),
    "real": _number("float4", ">f4", pa.float32()),
    "double precision": _number("float8", ">f8", pa.float64()),
    "bytea": _BYTES,
    **_MOMENTS,
    "smallint[]": _list("int2s", pa.int16()),
    "real[]": _list("float4s", pa.float32()),
    **{f"{name}[]": _list_of(element) for name, element in _MOMENTS.items()},
    "bytea[]": _list_of(_BYTES),
    "integer[]": _list("int4s", pa.int32()),
    "bigint[]": _list("int8s", pa.int64()),
    "double precision[]": _list("float8s", pa.float64()),
    "boolean[]": _list("bools", pa.bool_()),
    **dict.fromkeys(
        ("text[]", "character varying[]", "json[]", "jsonb[]", "uuid[]", "numeric[]"), _list("texts", pa.string())
    ),
    **dict.fromkeys(("text", "character varying", "name", "json", "jsonb", "uuid", "numeric"), TEXT),
}
"""By the type's name, as ``format_type`` writes it; all others come as `WRITTEN`."""


def result_form(sql_type: str) -> ResultForm:
    """Return the form in which results of a type come."""
    return FORMS.get(sql_type, WRITTEN)


def all_forms() -> tuple[ResultForm, ...]:
    """Return each form once."""
    return (*dict.fromkeys([*FORMS.values(), WRITTEN]),)
