"""The files of an Iceberg snapshot that a scan reads: pruned, grouped, columns by field id, deleted rows."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg import expressions
from pyiceberg.expressions.visitors import expression_evaluator, inclusive_projection
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.typedef import Record

from catalog.scans import Comparison, Constant, EqualityDelete, FileGroup, FileScan, Keys, Physical
from connectors import pruning
from connectors.iceberg.manifests import LiveFile
from connectors.iceberg.row_deletes import applying, deleted_positions, equality_deletes, unsupported
from connectors.iceberg.table_fields import IcebergColumn, footer, names_by_id, shape_matches, uuid_text
from connectors.iceberg.table_version import IcebergVersion
from connectors.object_stores import plain_location

_Column = Physical | Constant
_EXPRESSIONS: dict[str, Callable[..., expressions.BooleanExpression]] = {
    "=": expressions.EqualTo,
    "<": expressions.LessThan,
    "<=": expressions.LessThanOrEqual,
    ">": expressions.GreaterThan,
    ">=": expressions.GreaterThanOrEqual,
    "<>": expressions.NotEqualTo,
    "is_null": expressions.IsNull,
    "is_not_null": expressions.NotNull,
}


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a data file holds the table's columns; files of one layout are read together."""

    columns: tuple[_Column, ...]
    schema: pa.Schema
    key: tuple[object, ...]


def scan_files(version: IcebergVersion, comparisons: tuple[Comparison, ...], keys: tuple[Keys, ...] = ()) -> FileScan:
    """Return the scan of a version that reads only files which may satisfy every comparison.

    Raises SqlError (0A000) for files that are not Parquet, encrypted ones, and deletes of kinds we cannot apply.
    """
    data = version.files().data
    chosen = _chosen(version, data, comparisons)
    if keys:
        chosen &= _may_hold(version, data, keys)
    return version.scans.require(chosen, lambda: _scan(version, chosen))


def _scan(version: IcebergVersion, chosen: pruning.Mask) -> FileScan:
    data = version.files().data
    files = [file for file, wanted in zip(data, chosen.tolist(), strict=True) if wanted]
    for file in files:
        if file.format != "parquet" or file.encrypted:
            raise unsupported("encrypted data files" if file.encrypted else f"data files in the format {file.format}")
    fingerprint = f"{version.metadata.table_uuid}\n{version.metadata_location}\n{version.name}\n".encode()
    return FileScan(
        key=f"iceberg-{hashlib.sha256(fingerprint + chosen.tobytes()).hexdigest()[:32]}",
        schema=pa.schema([pa.field(each.name, each.type, not each.required) for each in version.columns]),
        groups=tuple(_groups(version, files)),
        files_known=len(data),
        storage=version.options,
    )


# Pruning


def _chosen(version: IcebergVersion, files: tuple[LiveFile, ...], comparisons: tuple[Comparison, ...]) -> pruning.Mask:
    chosen = np.ones(len(files), dtype=np.bool_)
    columns = {column.name: column for column in version.columns}
    for comparison in comparisons:
        column = columns.get(comparison.column)
        if column is None:
            continue
        bounds = version.bounds(column)
        if bounds is not None:
            chosen &= pruning.may_match(comparison, bounds)
        if _is_judged_by_partitions(column):
            chosen &= _in_partition(version, files, comparison)
    return chosen


def _may_hold(version: IcebergVersion, files: tuple[LiveFile, ...], keys: tuple[Keys, ...]) -> pruning.Mask:
    """Return which files may hold a row with one of the keys, by their bounds and by their partitions."""
    chosen = np.ones(len(files), dtype=np.bool_)
    columns = {column.name: column for column in version.columns}
    for each in keys:
        column = columns.get(each.column)
        bounds = version.bounds(column) if column is not None else None
        if bounds is not None:
            chosen &= pruning.may_hold(each.values, bounds)
        judged = column is not None and not column.is_uuid
        for comparison in pruning.comparisons_of(each) if judged else ():
            chosen &= _in_partition(version, files, comparison)
    return chosen


def _is_judged_by_partitions(column: IcebergColumn) -> bool:
    """NaN compares as PostgreSQL does in `pruning` only, and pyiceberg compares uuids with their bytes."""
    return not pa.types.is_floating(column.type) and not column.is_uuid


def _in_partition(version: IcebergVersion, files: tuple[LiveFile, ...], comparison: Comparison) -> pruning.Mask:
    """Return which files are in a partition that may satisfy the comparison; each partition is judged once."""
    everything = np.ones(len(files), dtype=np.bool_)
    if all(spec.is_unpartitioned() for spec in version.metadata.partition_specs):
        return everything
    expression = _expression(comparison)
    if expression is None:
        return everything
    tests = {spec.spec_id: _partition_test(version, spec, expression) for spec in version.metadata.partition_specs}
    judged: dict[tuple[object, ...], bool] = {}
    for at, file in enumerate(files):
        key = (file.spec_id, *file.partition)
        if key not in judged:
            judged[key] = tests[file.spec_id](file.partition)
        everything[at] = judged[key]
    return everything


def _expression(comparison: Comparison) -> expressions.BooleanExpression | None:
    values = [value.as_py() for value in comparison.values]
    if any(value is None for value in values):
        return None
    try:
        if comparison.operator == "in":
            return expressions.In(comparison.column, values)  # type: ignore[call-arg, arg-type]
        make = _EXPRESSIONS.get(comparison.operator)
        return None if make is None else make(comparison.column, *values[:1])
    except (TypeError, ValueError):
        return None


def _partition_test(
    version: IcebergVersion, spec: PartitionSpec, expression: expressions.BooleanExpression
) -> Callable[[tuple[object, ...]], bool]:
    """Return the test of a spec's partition values; true for all where the expression says nothing of them."""
    schema = version.metadata.schema()
    sources = {each.field_id for each in schema.fields}
    if spec.is_unpartitioned() or any(each.source_id not in sources for each in spec.fields):
        return lambda _: True  # a source column was dropped: pyiceberg cannot say the type of its partition field
    try:
        projected = inclusive_projection(schema, spec)(expression)
        evaluate = expression_evaluator(Schema(*spec.partition_type(schema).fields), projected, case_sensitive=True)
    except (TypeError, ValueError):
        return lambda _: True
    return lambda partition: _holds(evaluate, partition)


def _holds(evaluate: Callable[[Record], bool], partition: tuple[object, ...]) -> bool:
    try:
        return evaluate(Record(*partition))
    except (TypeError, ValueError, IndexError):
        return True


# Groups


def _groups(version: IcebergVersion, files: list[LiveFile]) -> list[FileGroup]:
    live = version.files()
    positions = deleted_positions(version.io, live.position_deletes, files) if live.position_deletes else None
    touched = set() if positions is None else set(pc.unique(positions["file"].cast(pa.string())).to_pylist())
    unpartitioned = frozenset(spec.spec_id for spec in version.metadata.partition_specs if spec.is_unpartitioned())
    alike: dict[tuple[object, ...], list[LiveFile]] = defaultdict(list)
    layouts: dict[tuple[object, ...], _Layout] = {}
    for file in files:
        equality = applying(live.equality_deletes, file, unpartitioned) if live.equality_deletes else ()
        layout = _layout(version, file, opened=bool(equality))
        key = (layout.key, plain_location(file.location) in touched, equality)
        alike[key].append(file)
        layouts[key] = layout
    return [
        _group(version, layouts[key], members, positions if key[1] else None, key[2]) for key, members in alike.items()
    ]


def _group(
    version: IcebergVersion,
    layout: _Layout,
    files: list[LiveFile],
    positions: pa.Table | None,
    equality: object,
) -> FileGroup:
    locations = tuple(plain_location(file.location) for file in files)
    schema, deletes = layout.schema, tuple[EqualityDelete, ...]()
    if isinstance(equality, tuple) and equality:
        found = names_by_id(footer(version.io, files[0].location), version.metadata)
        used = [version.files().equality_deletes[at] for at in equality]
        deletes = equality_deletes(version.io, used, {id_: each.name for id_, each in found.items()}, version.metadata)
        needed = {id_ for delete in used for id_ in delete.equality_ids}
        extra = [
            each.remove_metadata() for id_, each in found.items() if id_ in needed and each.name not in schema.names
        ]
        schema = pa.schema([*schema, *extra])
    if positions is not None:
        mine = pc.is_in(positions["file"].cast(pa.string()), value_set=pa.array(locations, pa.string()))
        positions = positions.filter(mine)
    return FileGroup("parquet", locations, layout.columns, schema, positions, deletes, immutable=True)


def _layout(version: IcebergVersion, file: LiveFile, opened: bool) -> _Layout:
    """Return the file's layout. It is opened only where the table's history leaves a name open, or ``opened`` asks."""
    constants = _partition_constants(version, file)
    plain = all(_is_certain(column, file, constants) for column in version.columns)
    found = None
    if opened or not plain:
        found = names_by_id(footer(version.io, file.location), version.metadata)
    columns: list[_Column] = []
    fields: list[pa.Field] = []
    for column in version.columns:
        there = found.get(column.field_id) if found is not None else None
        if found is not None and there is None:
            columns.append(Constant(constants.get(column.field_id, column.default)))
            continue
        if there is not None and not column.iceberg_type.is_primitive and not shape_matches(column, there):
            raise unsupported(f'the column "{column.name}", whose nested fields were renamed,')
        name = column.name if there is None else there.name
        columns.append(Physical(name))
        fields.append(pa.field(name, column.stored))
    schema = pa.schema(fields)
    extra = () if not opened else tuple((id_, each.name) for id_, each in (found or {}).items())
    key = (*(each.name if isinstance(each, Physical) else each.value for each in columns), extra)
    return _Layout(tuple(columns), schema, key)


def _is_certain(column: IcebergColumn, file: LiveFile, constants: dict[int, pa.Scalar]) -> bool:
    """Say whether reading the column by its name is right for this file without a look into it. A column that is
    absent reads as NULL, which is wrong only where a partition value or a default stands for it.
    """
    if not column.settled:
        return False
    if column.field_id not in constants and not column.default.is_valid:
        return True
    return any(leaf in file.values or leaf in file.sizes for leaf in column.leaves)


def _partition_constants(version: IcebergVersion, file: LiveFile) -> dict[int, pa.Scalar]:
    """Return the columns that the file's partition fixes (identity transforms), for files that do not hold them."""
    spec = version.metadata.specs().get(file.spec_id)
    if spec is None or not file.partition:
        return {}
    columns = {column.field_id: column for column in version.columns}
    return {
        each.source_id: _scalar(file.partition[at], columns[each.source_id])
        for at, each in enumerate(spec.fields)
        if isinstance(each.transform, IdentityTransform) and each.source_id in columns and at < len(file.partition)
    }


def _scalar(value: object, column: IcebergColumn) -> pa.Scalar:
    """Return a partition value, which manifests store as days, microseconds and UUIDs, in the column's type."""
    if column.is_uuid:
        value = uuid_text(value)
    if isinstance(value, int) and pa.types.is_temporal(column.type):
        stored = pa.int32() if pa.types.is_date(column.type) else pa.int64()
        return pa.scalar(value, stored).cast(column.type)
    return pa.scalar(value, column.type)
