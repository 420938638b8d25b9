"""Groups of files as relations of the engine: external tables, constants, casts and anti joins."""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict
from dataclasses import replace
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from cachetools import LRUCache
from datafusion import DataFrame, Expr, SessionContext, col, lit
from datafusion import functions as f
from datafusion.catalog import Table

from catalog.errors import SqlError
from catalog.names import always_quoted, quote_literal
from catalog.scans import Constant, EqualityDelete, FileGroup, FileScan, Physical
from catalog.sqlstate import SqlState
from connectors.object_stores import filesystem, is_local
from gateway.execute.column_types import cast_to, is_as_wanted, null_of, type_in_ddl

_FORMATS = {"parquet": "PARQUET", "csv": "CSV", "json": "JSON", "avro": "AVRO", "arrow": "ARROW"}
_MOST_UNITED = 64  # groups that differ in constants alone; more are read as one and joined with their constants
_ANY_NUMBER = 2  # of partitions: the engine chooses it when it plans
_FILE_BY_FILE = 16  # files with deleted rows that are joined on the position alone, cheaper than on the name as well
_POSITION, _FILE = "__lakegate_position", "__lakegate_file"
_DELETED_POSITION, _DELETED_FILE = "__lakegate_deleted_position", "__lakegate_deleted_file"
_DIFFERENT_SCHEMAS = "must have the same schema"  # DataFusion's words where files cannot be inferred as one

_numbers = itertools.count(1)
_footers: LRUCache[str, pa.Schema] = LRUCache(maxsize=50_000)  # files never change
_footers_lock = threading.Lock()


def relations(builder: SessionContext, scan: FileScan) -> list[DataFrame]:
    """Return relations that together hold the scan's rows, each with the scan's columns in its order and types."""
    alike: dict[object, list[FileGroup]] = defaultdict(list)
    for group in scan.groups:
        if group.files:
            alike[_shape(group)].append(group)
    frames = []
    for groups in alike.values():
        if len(groups) > _MOST_UNITED and not _has_deletes(groups[0]):
            frames.append(_joined_with_constants(builder, groups, scan))
        else:
            for group in groups:
                frames += [_relation(builder, part, scan) for part in _file_by_file(group)]
    return frames


def get_plain_table(builder: SessionContext, scan: FileScan) -> Table | None:
    """Return a scan as a table of files where nothing has to be done to their columns and rows; None for all others.

    It is planned in a third less time than a view of it.
    """
    groups = [group for group in scan.groups if group.files]
    if len(groups) != 1 or not _holds_plain_columns(groups[0], scan.schema):
        return None
    name = _new_external_table(builder, groups[0], late=scan.late)
    try:
        held = groups[0].schema or pa.schema([])
        types = builder.table(name).schema().types, held.types, scan.schema.types
        return builder.catalog().schema().table(name) if all(map(is_as_wanted, *types)) else None
    finally:
        builder.deregister_table(name)


def _holds_plain_columns(group: FileGroup, schema: pa.Schema) -> bool:
    """Whether the files hold the columns in order and by their names, and all of their rows."""
    names = [column.name if isinstance(column, Physical) else None for column in group.columns]
    held = [] if group.schema is None else group.schema.names
    return names == held == schema.names and bool(_column_list(group)) and not _has_deletes(group)


def in_memory(builder: SessionContext, table: pa.Table) -> DataFrame:
    """Return a table of this process as a relation."""
    nothing = pa.RecordBatch.from_arrays([pa.array([], type=each.type) for each in table.schema], schema=table.schema)
    name = _fresh_name()
    builder.register_record_batches(name, [table.combine_chunks().to_batches() or [nothing]])
    return _taken(builder, name)


def _relation(builder: SessionContext, group: FileGroup, scan: FileScan) -> DataFrame:
    """Return one group; where its files turn out to differ, as the union over their schemas."""
    try:
        frame = _external_table(builder, group, late=scan.late)
    except Exception as failure:
        parts = _by_footer(group, scan) if group.format == "parquet" and _DIFFERENT_SCHEMAS in str(failure) else []
        if len(parts) < 2:
            raise
        return balanced_union([_relation(builder, part, scan) for part in parts])
    exprs = _columns(frame, group, scan)
    return named_again(_without_deleted(builder, frame, group)).select(*exprs)


def balanced_union(frames: list[DataFrame], *, fenced: bool = False) -> DataFrame:
    """Return the UNION ALL of relations, pairwise, so that the tree stays shallow: the planner recurses.

    Below a fence, which is a LIMIT, the engine would repeat it on each of them, and rows would change threads at each.
    They are said to be distributed anew, which lets conditions through and no LIMIT; what the engine executes is
    distributed as it finds best.
    """
    is_union = len(frames) > 1
    while len(frames) > 1:
        pairs = [frames[at : at + 2] for at in range(0, len(frames), 2)]
        frames = [pair[0].union(pair[1]) if len(pair) == 2 else pair[0] for pair in pairs]
    return frames[0].repartition(_ANY_NUMBER) if fenced and is_union else frames[0]


def named_again(frame: DataFrame) -> DataFrame:
    """Return a relation under a name of its own, for columns to be computed of it: where a fence comes to stand between
    the two, columns that only conditions ask for are then left out before rows change threads.
    """
    return frame.alias("named")


def _shape(group: FileGroup) -> object:
    """Return what groups have in common that can be read as one, their constants apart."""
    names = tuple(column.name if isinstance(column, Physical) else None for column in group.columns)
    schema = None if group.schema is None else tuple((each.name, str(each.type)) for each in group.schema)
    deletes = id(group) if _has_deletes(group) else None
    return group.format, names, schema, tuple(group.options.items()), deletes


def _has_deletes(group: FileGroup) -> bool:
    return group.deleted_positions is not None or bool(group.equality_deletes)


def _file_by_file(group: FileGroup) -> list[FileGroup]:
    if group.deleted_positions is not None and 1 < len(group.files) <= _FILE_BY_FILE:
        return [replace(group, files=(file,)) for file in group.files]
    return [group]


def _joined_with_constants(builder: SessionContext, groups: list[FileGroup], scan: FileScan) -> DataFrame:
    """Read many groups as one external table and take their constants from a table by file name: a union of hundreds
    of branches would cost more to plan than to read.
    """
    first = groups[0]
    united = replace(first, files=tuple(file for group in groups for file in group.files))
    frame = _external_table(builder, united, late=scan.late)
    sizes = [len(group.files) for group in groups]
    owners = {_DELETED_FILE: pa.array([_engine_name(file) for file in united.files], pa.string())}
    exprs = _columns(frame, first, scan)
    for at, target in enumerate(scan.schema):
        values = [column.value for group in groups if isinstance(column := group.columns[at], Constant)]
        if values:
            name = f"__lakegate_constant_{at}"
            owners[name] = _repeated(values, sizes, target.type)
            exprs[at] = _quoted(name).alias(target.name)
    named = frame.select(*_all_columns(frame), f.input_file_name().alias(_FILE))
    constants = in_memory(builder, pa.table(owners))
    return named.join_on(constants, _quoted(_FILE) == _quoted(_DELETED_FILE), how="inner").select(*exprs)


def _repeated(values: list[pa.Scalar], sizes: list[int], target: pa.DataType) -> pa.Array:
    """Return each value as often as its group has files."""
    distinct = pa.concat_arrays([pa.array([value.as_py()], type=value.type).cast(target) for value in values])
    places = [place for place, size in enumerate(sizes) for _ in range(size)]
    return distinct.take(pa.array(places, pa.int64()))


# External tables


def _external_table(builder: SessionContext, group: FileGroup, *, late: bool = False) -> DataFrame:
    return _taken(builder, _new_external_table(builder, group, late=late))


def _new_external_table(builder: SessionContext, group: FileGroup, *, late: bool) -> str:
    """Make a table over exactly the group's files. With a column list no file is opened now, columns that a file lacks
    are NULL and narrower types are widened; types that DDL cannot spell need the files' own schema. A ``late`` one
    evaluates conditions as it decodes.
    """
    if group.format not in _FORMATS:
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, f'files in the format "{group.format}" are not supported')
    name = _fresh_name()
    locations = ", ".join(quote_literal(_location(file)) for file in group.files)
    chosen = {**group.options, "pushdown_filters": "true"} if late and group.format == "parquet" else group.options
    options = ", ".join(f"{quote_literal(key)} {quote_literal(value)}" for key, value in chosen.items())
    builder.sql(
        f"CREATE EXTERNAL TABLE {name} {_column_list(group)} STORED AS {_FORMATS[group.format]} "
        f"LOCATION ({locations}){f' OPTIONS ({options})' if options else ''}"
    ).collect()
    return name


def _column_list(group: FileGroup) -> str:
    if group.schema is None or not len(group.schema):
        return ""
    spelled = [(each.name, type_in_ddl(each.type)) for each in group.schema]
    if any(ddl is None for _, ddl in spelled):
        return ""
    return f"({', '.join(f'{always_quoted(name)} {ddl}' for name, ddl in spelled)})"


def _location(file: str) -> str:
    """Return the URL of a file: percent-encoded, because a plain path with ``*``, ``?`` or ``[`` would be a pattern."""
    if is_local(file):
        return f"file://{quote(file)}"
    scheme, _, rest = file.partition("://")
    return f"{scheme}://{quote(rest)}"


def _engine_name(file: str) -> str:
    """Return a file as ``input_file_name()`` gives it: its path in the object store, or without the first slash."""
    return file[1:] if is_local(file) else file.partition("://")[2].partition("/")[2]


def _by_footer(group: FileGroup, scan: FileScan) -> list[FileGroup]:
    """Split a group by the schemas of its Parquet files."""
    parts: dict[str, list[str]] = defaultdict(list)
    for file in group.files:
        parts[str(_footer(file, scan))].append(file)
    return [replace(group, files=tuple(files)) for files in parts.values()]


def _footer(file: str, scan: FileScan) -> pa.Schema:
    with _footers_lock:
        known = _footers.get(file)
    if known is None:
        store, path = filesystem(file, scan.storage)
        known = pq.read_schema(path, filesystem=store).remove_metadata()
        with _footers_lock:
            _footers[file] = known
    return known


def _fresh_name() -> str:
    return f"lakegate_{next(_numbers)}"


def _taken(builder: SessionContext, name: str) -> DataFrame:
    """Return the table of that name, which is then nameless: only the relation made from it still refers to it."""
    frame = builder.table(name)
    builder.deregister_table(name)
    return frame


# Columns


def _columns(frame: DataFrame, group: FileGroup, scan: FileScan) -> list[Expr]:
    present = {each.name: each.type for each in frame.schema()}
    known = {} if group.schema is None else {each.name: each.type for each in group.schema}
    exprs = []
    for column, target in zip(group.columns, scan.schema, strict=True):
        if isinstance(column, Constant):
            expr = _literal(column.value, target.type)
        elif column.name in present:
            actual = present[column.name]
            expr = cast_to(_quoted(column.name), actual, known.get(column.name), target.type)
        else:
            expr = null_of(target.type)
        exprs.append(expr.alias(target.name))
    return exprs


def _literal(value: pa.Scalar, target: pa.DataType) -> Expr:
    if not value.is_valid:
        return null_of(target)
    return lit(value if value.type == target else value.cast(target))


def _quoted(name: str) -> Expr:
    return col(always_quoted(name))


def _all_columns(frame: DataFrame) -> list[Expr]:
    return [_quoted(each.name) for each in frame.schema()]


# Deleted rows


def _without_deleted(builder: SessionContext, frame: DataFrame, group: FileGroup) -> DataFrame:
    if group.deleted_positions is not None:
        frame = _without_positions(builder, frame, group.deleted_positions, group.files)
    for delete in group.equality_deletes:
        frame = _without_equal(builder, frame, delete)
    return frame


def _without_positions(
    builder: SessionContext, frame: DataFrame, deleted: pa.Table, files: tuple[str, ...]
) -> DataFrame:
    deleted = deleted.filter(pc.is_in(deleted["file"].cast(pa.string()), value_set=pa.array(files, pa.string())))
    if not deleted.num_rows:
        return frame
    columns = {_DELETED_POSITION: deleted["position"].cast(pa.int64())}
    extra = [f.file_row_index().alias(_POSITION)]
    matches = [_quoted(_POSITION) == _quoted(_DELETED_POSITION)]
    if len(files) > 1:
        columns[_DELETED_FILE] = _engine_names(deleted["file"])
        extra.append(f.input_file_name().alias(_FILE))
        matches.append(_quoted(_FILE) == _quoted(_DELETED_FILE))
    placed = frame.select(*_all_columns(frame), *extra)
    return placed.join_on(in_memory(builder, pa.table(columns)), *matches, how="anti")


def _engine_names(files: pa.ChunkedArray) -> pa.Array:
    encoded = files.combine_chunks()
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    names = pa.array([_engine_name(file) for file in encoded.dictionary.to_pylist()], pa.string())
    return names.take(encoded.indices)


def _without_equal(builder: SessionContext, frame: DataFrame, delete: EqualityDelete) -> DataFrame:
    """Take out rows that are equal, NULL to NULL, in the columns of the delete files."""
    columns = tuple(Physical(name) for name in delete.columns.values())
    keys = _external_table(builder, FileGroup("parquet", delete.files, columns))
    left, right = _fresh_name(), _fresh_name()
    names = [f"__lakegate_key_{at}" for at in range(len(columns))]
    keys = keys.select(*(_quoted(each.name).alias(name) for each, name in zip(columns, names, strict=True)))
    builder.register_table(left, frame.into_view())
    builder.register_table(right, keys.into_view())
    equal = " AND ".join(
        f"(l.{always_quoted(mine)} IS NOT DISTINCT FROM r.{name})"
        for mine, name in zip(delete.columns, names, strict=True)
    )
    try:
        return builder.sql(f"SELECT l.* FROM {left} l LEFT ANTI JOIN {right} r ON {equal}")
    finally:
        builder.deregister_table(left)
        builder.deregister_table(right)
