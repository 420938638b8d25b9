"""Masks computed by the engine, over columns of random values."""

from __future__ import annotations

import random
from typing import Any

import pyarrow as pa
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from catalog.store.rows import MaskingPolicy
from gateway.sql.engine_dialect.functions import register_functions
from gateway.sql.engine_dialect.inference import annotate
from gateway.sql.engine_dialect.mask_functions import Keyring, register_mask_functions
from gateway.sql.engine_dialect.render import render
from gateway.sql.mask_expressions import mask_expression
from tests.execute.reading import in_usual_layout, new_context

SECRET = bytes(range(32))
ROWS = 300
_NULLS = 0.1


def one_parameter(expression: str, sql_type: str, name: str = "m") -> MaskingPolicy:
    """Return a policy over one value."""
    return MaskingPolicy(name, (("value", sql_type),), sql_type, expression)


def engine_sql(policy: MaskingPolicy, column_type: str) -> str:
    """Return what the engine is asked for a masked column ``value`` of table ``t``."""
    cast = exp.Cast(this=exp.Paren(this=mask_expression(policy)), to=exp.DataType.build(column_type, "postgres"))
    select = exp.Select(expressions=[exp.alias_(cast, "m", quoted=True)]).from_("t")
    schema = MappingSchema({"t": {"value": column_type}}, dialect="postgres", normalize=False)
    tree = qualify(select, schema=schema, dialect="postgres", quote_identifiers=True)
    assert isinstance(tree, exp.Query)
    return render(annotate(tree, schema))


def masked(policy: MaskingPolicy, column_type: str, values: pa.Array) -> pa.ChunkedArray:
    """Return the masked values, in order."""
    keyring = Keyring()
    keyring.replace({"s": SECRET})
    context = new_context(1)
    register_functions(context)
    register_mask_functions(context, keyring)
    context.register_record_batches("t", [[pa.record_batch({"value": values})]])
    return in_usual_layout(context.sql(engine_sql(policy, column_type)).to_arrow_table())["m"]


def random_values(kind: str, seed: int) -> pa.Array:
    """Return values of a type, NULLs and awkward ones among them."""
    chosen = random.Random(seed)
    make, arrow, special = _KINDS[kind]
    values: list[Any] = [make(chosen) for _ in range(ROWS - len(special))]
    values = [None if chosen.random() < _NULLS else value for value in values]
    return pa.array(special + values, arrow)


def _text(chosen: random.Random) -> str:
    letters = "abcXYZ019 .-_@é漢🙂'\\%"
    return "".join(chosen.choice(letters) for _ in range(chosen.randint(0, 14)))


def _decimal(chosen: random.Random) -> Any:
    from decimal import Decimal

    return Decimal(chosen.randint(-(10**9), 10**9)).scaleb(-2)


def _date(chosen: random.Random) -> Any:
    from datetime import date, timedelta

    return date(1850, 1, 1) + timedelta(days=chosen.randint(0, 140_000))


def _stamp(chosen: random.Random) -> Any:
    from datetime import datetime, timedelta

    return datetime(1850, 1, 1) + timedelta(microseconds=chosen.randint(0, 10**16))


def _instant(chosen: random.Random) -> Any:
    from datetime import UTC

    return _stamp(chosen).replace(tzinfo=UTC)


def _integer(bits: int) -> Any:
    return lambda chosen: chosen.choice(
        (chosen.randint(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1), chosen.randint(-99, 99))
    )


def _float(chosen: random.Random) -> float:
    return chosen.choice((chosen.uniform(-1000, 1000), chosen.uniform(-1e18, 1e18), float(chosen.randint(-50, 50)) / 4))


_EMAILS = ["", "a@b.example", "@", "x@", "@x", "no at", "a@b@c.example", "é@ö.example", "  @ "]
_KINDS: dict[str, Any] = {
    "text": (_text, pa.string(), _EMAILS),
    "smallint": (_integer(16), pa.int16(), [-(2**15), 2**15 - 1, 0]),
    "integer": (_integer(32), pa.int32(), [-(2**31), 2**31 - 1, 0]),
    "bigint": (_integer(64), pa.int64(), [-(2**63), 2**63 - 1, 0]),
    "numeric(15,2)": (_decimal, pa.decimal128(15, 2), []),
    "double precision": (_float, pa.float64(), [float("inf"), float("-inf"), -0.0, 0.5, 1.5, 2.5]),
    "real": (lambda chosen: chosen.uniform(-1000, 1000), pa.float32(), [0.5, 1.5, -2.5]),
    "date": (_date, pa.date32(), []),
    "timestamp without time zone": (_stamp, pa.timestamp("us"), []),
    "timestamp with time zone": (_instant, pa.timestamp("us", "UTC"), []),
}
