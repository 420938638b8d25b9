"""An encoder is kept for a statement's rows, and made anew where anything it depends on has changed."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from gateway.lanes.kept_encoder import KeptEncoder
from gateway.values import registry as oids
from gateway.values.settings import OutputSettings
from gateway.wire.backend import FieldDescription
from tests.values.data_rows import parse

MOMENT = FieldDescription("at", 0, 0, oids.TIMESTAMPTZ, 8, -1)


def _rows(kept: KeptEncoder, values: pa.Array, settings: OutputSettings, field: FieldDescription = MOMENT) -> object:
    batch = pa.RecordBatch.from_arrays([values], ["at"])
    return parse(b"".join(kept.require(batch.schema, (field,), settings).encode(batch)))


def test_the_same_encoder_serves_statements_that_are_alike() -> None:
    kept, schema = KeptEncoder(), pa.schema([("at", pa.timestamp("us", "UTC"))])
    first = kept.require(schema, (MOMENT,), OutputSettings())
    other_names = pa.schema([pa.field("other", pa.timestamp("us", "UTC"), nullable=False)])
    assert kept.require(other_names, (replace(MOMENT),), OutputSettings()) is first


def test_settings_types_and_columns_count() -> None:
    kept, midnight = KeptEncoder(), pa.array([0], pa.timestamp("us", "UTC"))
    paris = OutputSettings(time_zone="Europe/Paris")
    assert _rows(kept, midnight, OutputSettings()) == [(b"1970-01-01 00:00:00+00",)]
    assert _rows(kept, midnight, paris) == [(b"1970-01-01 01:00:00+01",)]
    assert _rows(kept, midnight.cast(pa.timestamp("s", "UTC")), paris) == [(b"1970-01-01 01:00:00+01",)]
    assert _rows(kept, pa.array(["x"]), paris, replace(MOMENT, type_oid=oids.TEXT)) == [(b"x",)]
    assert _rows(kept, pa.array(["x"]), paris, replace(MOMENT, type_oid=oids.JSONB, format=1)) == [(b"\x01x",)]
