"""Types of file columns: as the engine's DDL spells them, and physical nested columns under the table's names."""

from __future__ import annotations

import pyarrow as pa
from datafusion import Expr, lit
from datafusion import functions as f

from catalog.errors import SqlError
from catalog.names import always_quoted
from catalog.sqlstate import SqlState

_NAMES: dict[pa.DataType, str] = {
    pa.bool_(): "BOOLEAN",
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INT",
    pa.int64(): "BIGINT",
    pa.uint8(): "TINYINT UNSIGNED",
    pa.uint16(): "SMALLINT UNSIGNED",
    pa.uint32(): "INT UNSIGNED",
    pa.uint64(): "BIGINT UNSIGNED",
    pa.float32(): "REAL",
    pa.float64(): "DOUBLE",
    pa.string(): "VARCHAR",
    pa.large_string(): "VARCHAR",
    pa.string_view(): "VARCHAR",
    pa.binary(): "BYTEA",
    pa.large_binary(): "BYTEA",
    pa.binary_view(): "BYTEA",
    pa.date32(): "DATE",
    pa.time64("ns"): "TIME",
    pa.time64("us"): "TIME",
}
_UUID = pa.binary(16)
_UUID_PARTS = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}


def type_in_ddl(arrow: pa.DataType) -> str | None:
    """Return the type for a column list, or None where DataFusion's DDL has no word (maps, for instance). The table's
    type may differ in layout from ``arrow``; a cast above it restores that.
    """
    if arrow in _NAMES:
        return _NAMES[arrow]
    types = pa.types
    if types.is_decimal(arrow) and arrow.scale >= 0:
        return f"DECIMAL({arrow.precision},{arrow.scale})"
    if types.is_timestamp(arrow) and arrow.tz in (None, "UTC", "+00:00", "Etc/UTC"):
        return f"TIMESTAMP{'' if arrow.tz is None else 'TZ'}({_DIGITS[arrow.unit]})"
    if types.is_fixed_size_binary(arrow):
        return "BYTEA"
    if types.is_dictionary(arrow):
        return type_in_ddl(arrow.value_type)
    if types.is_list(arrow) or types.is_large_list(arrow):
        element = type_in_ddl(arrow.value_type)
        return None if element is None else f"ARRAY<{element}>"
    if types.is_struct(arrow) and arrow.num_fields:
        return _struct_in_ddl(arrow)
    return None


def _struct_in_ddl(arrow: pa.StructType) -> str | None:
    fields = [(field.name, type_in_ddl(field.type)) for field in arrow]
    if any(spelled is None for _, spelled in fields):
        return None
    return f"STRUCT<{', '.join(f'{always_quoted(name)} {spelled}' for name, spelled in fields)}>"


def cast_to(expr: Expr, actual: pa.DataType, physical: pa.DataType | None, target: pa.DataType) -> Expr:
    """Return ``expr`` of type ``actual`` in the table's type. Where the file's nested fields have other names than the
    table's (``physical``, field by field as in ``target``), they are renamed. The 16 bytes of a uuid become its text.
    """
    if physical is not None and _renames(physical, target):
        return _renamed(expr, physical, target)
    if physical == _UUID and _is_text(target):
        return _uuid_text(expr)
    return expr if _is_alike(actual, target) else expr.cast(target)


def _uuid_text(expr: Expr) -> Expr:
    """Return the text of the 16 bytes of uuids; where these are NULL nothing stands between the dashes."""
    digits = f.encode(expr.cast(pa.binary()), "hex")
    parts = [f.substring(digits, lit(start), lit(length)) for start, length in _UUID_PARTS]
    return f.when(expr.is_null(), null_of(pa.string())).otherwise(f.concat_ws("-", *parts))


def is_as_wanted(actual: pa.DataType, physical: pa.DataType, target: pa.DataType) -> bool:
    """Whether `cast_to` has nothing to do."""
    return _is_alike(actual, target) and not _renames(physical, target)


def _is_alike(actual: pa.DataType, target: pa.DataType) -> bool:
    return bool(actual == target) or (_is_text(actual) and _is_text(target))


def null_of(target: pa.DataType) -> Expr:
    """Return NULL of any type."""
    return lit(None).cast(target)


def _is_text(arrow: pa.DataType) -> bool:
    """Say whether values are strings. Their layout is left as it is: the engine takes every one, and reads Parquet as
    views, which is fastest.
    """
    return bool(pa.types.is_string(arrow) or pa.types.is_large_string(arrow) or pa.types.is_string_view(arrow))


def _renames(physical: pa.DataType, target: pa.DataType) -> bool:
    """Say whether nested fields that stand for each other have different names."""
    types = pa.types
    if types.is_struct(physical) and types.is_struct(target) and physical.num_fields == target.num_fields:
        return any(
            there.name != here.name or _renames(there.type, here.type)
            for there, here in zip(physical, target, strict=True)
        )
    if types.is_map(physical) and types.is_map(target):
        return _renames(physical.item_type, target.item_type) or _renames(physical.key_type, target.key_type)
    if types.is_list(physical) and types.is_list(target):
        return _renames(physical.value_type, target.value_type)
    return False


def _renamed(expr: Expr, physical: pa.DataType, target: pa.DataType) -> Expr:
    if not pa.types.is_struct(physical):
        raise SqlError(
            SqlState.FEATURE_NOT_SUPPORTED,
            "columns with renamed fields of structs inside of lists or maps are not supported",
        )
    fields = [
        (here.name, cast_to(expr[there.name], there.type, there.type, here.type))
        for there, here in zip(physical, target, strict=True)
    ]
    return f.when(expr.is_null(), null_of(target)).otherwise(f.named_struct(fields).cast(target))
