"""The encoder of a statement's rows, kept for the next ones."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pyarrow as pa

from gateway.values.rows import OutputColumn, OutputSettings, RowEncoder, RowForm
from gateway.values.rows import prepare as prepare_rows
from gateway.values.settings import BINARY
from gateway.wire.backend import FieldDescription

Records = Mapping[int, tuple[OutputColumn, ...]]
"""The fields of composite types in binary, by the types' oids."""

NO_RECORDS: Records = MappingProxyType({})


class KeptEncoder:
    """The encoder last made for the rows of a statement: mostly the next ones are alike."""

    __slots__ = ("_form", "_kept", "_records")

    def __init__(self, records: Records = NO_RECORDS) -> None:
        self._records = records
        self._kept: tuple[RowEncoder, tuple[FieldDescription, ...], OutputSettings] | None = None
        self._form: tuple[tuple[FieldDescription, ...], RowForm] | None = None

    def records(self, fields: tuple[FieldDescription, ...]) -> frozenset[int]:
        """Return the places of the columns that are records in binary."""
        if not self._records:
            return frozenset()
        columns = enumerate(fields)
        return frozenset(at for at, one in columns if one.format == BINARY and one.type_oid in self._records)

    def require(self, schema: pa.Schema, fields: tuple[FieldDescription, ...], settings: OutputSettings) -> RowEncoder:
        """Return the encoder of batches of ``schema`` into these columns. Raises as `prepare_rows`."""
        if self._kept is not None:
            encoder, made_for, made_under = self._kept
            if made_for == fields and made_under == settings and encoder.fits(schema):
                return encoder
        encoder = prepare_rows(schema, self._columns(fields), settings)
        self._kept = encoder, fields, settings
        return encoder

    def form(self, fields: tuple[FieldDescription, ...], settings: OutputSettings) -> RowForm:
        """Return these columns as plain data, the same while nothing has changed."""
        if self._form is None or self._form[0] is not fields or self._form[1].settings != settings:
            self._form = fields, RowForm(self._columns(fields), settings)
        return self._form[1]

    def _columns(self, fields: tuple[FieldDescription, ...]) -> tuple[OutputColumn, ...]:
        """Return columns as encoders take them; those of a record are in binary as it is."""
        known = self._records if any(one.format == BINARY for one in fields) else NO_RECORDS
        return tuple(
            OutputColumn(one.type_oid, one.type_modifier, one.format, known.get(one.type_oid, ())) for one in fields
        )
