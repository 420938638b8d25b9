"""The columns of a table out of the schemas of its files and the values of its folders."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from connectors.files.listing import DataFile
from connectors.files.schemas import FileShape, column_type
from connectors.files.text_types import text_type, wider


class DifferentTypesError(Exception):
    """Files of one table whose columns have types without a common one; the text names column and files."""


def table_columns(files: Sequence[DataFile], shapes: Sequence[FileShape]) -> pa.Schema:
    """Return the table's schema: every column that a file has, in order of first appearance, then the partitions'.

    A column that some files lack is NULL there; numbers are widened. Where a folder and a file give a column of the
    same name, the folder's value counts, as for every reader of such folders.
    """
    partitions = {field.name: field for field in partition_columns(files)}
    fields: dict[str, pa.Field] = {}
    first: dict[str, DataFile] = {}
    for file, shape in zip(files, shapes, strict=True):
        for field in shape.schema:
            if field.name in partitions:
                continue
            known = fields.get(field.name)
            if known is None:
                fields[field.name], first[field.name] = _field(field), file
            elif not known.equals(_field(field)):
                fields[field.name] = _united(known, field, first[field.name], file)
    _loosen_missing(fields, shapes)
    text = bool(files) and files[0].format == "csv"
    return pa.schema([*(_final(field, text) for field in fields.values()), *partitions.values()])


def partition_columns(files: Sequence[DataFile]) -> list[pa.Field]:
    """Return the columns that folders ``name=value`` give, typed by all of their values."""
    if not files:
        return []
    fields = []
    for at, (name, _) in enumerate(files[0].partitions):
        found = text_type(pa.array([file.partitions[at][1] for file in files], pa.string()))
        exact = found if pa.types.is_integer(found) or pa.types.is_date(found) else pa.string()
        fields.append(pa.field(name, exact))
    return fields


def _field(field: pa.Field) -> pa.Field:
    """Return a field with the engine's type; NULL stays what it is, so that another file's type wins."""
    arrow = field.type if pa.types.is_null(field.type) else column_type(field.type)
    return pa.field(field.name, arrow, field.nullable)


def _united(known: pa.Field, other: pa.Field, first: DataFile, second: DataFile) -> pa.Field:
    nullable = known.nullable or other.nullable
    if first.format == "csv":
        return pa.field(known.name, wider(known.type, other.type), nullable)
    try:
        schemas = [pa.schema([pa.field(each.name, each.type)]) for each in (known, _field(other))]
        united = pa.unify_schemas(schemas, promote_options="permissive")
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        names = " and ".join(f'"{file.path.rsplit("/", 1)[-1]}"' for file in (first, second))
        raise DifferentTypesError(
            f'column "{known.name}" is {known.type} in one file and {other.type} in another: {names}'
        ) from None
    return pa.field(known.name, united.field(0).type, nullable)


def _loosen_missing(fields: dict[str, pa.Field], shapes: Sequence[FileShape]) -> None:
    """Make columns that a file lacks nullable."""
    for name, field in fields.items():
        if not field.nullable and any(shape.schema.get_field_index(name) < 0 for shape in shapes):
            fields[name] = field.with_nullable(True)


def _final(field: pa.Field, text: bool) -> pa.Field:
    arrow = pa.string() if pa.types.is_null(field.type) else field.type
    return pa.field(field.name, arrow, field.nullable or text)
