"""The types that rows and parameters can have: PostgreSQL's built-in oids, names and sizes, in one visible table."""

from __future__ import annotations

import re
from dataclasses import dataclass

from catalog.errors import SqlError
from catalog.sqlstate import SqlState

BOOL = 16
BYTEA = 17
CHAR = 18
NAME = 19
INT8 = 20
INT2 = 21
INT4 = 23
REGPROC = 24
TEXT = 25
OID = 26
XID = 28
CID = 29
JSON = 114
XML = 142
BOX = 603
FLOAT4 = 700
FLOAT8 = 701
UNKNOWN = 705
BPCHAR = 1042
VARCHAR = 1043
DATE = 1082
TIME = 1083
TIMESTAMP = 1114
TIMESTAMPTZ = 1184
INTERVAL = 1186
NUMERIC = 1700
REGPROCEDURE = 2202
REGOPER = 2203
REGOPERATOR = 2204
REGCLASS = 2205
REGTYPE = 2206
UUID = 2950
JSONB = 3802
REGCONFIG = 3734
REGDICTIONARY = 3769
REGNAMESPACE = 4089
REGROLE = 4096
REGCOLLATION = 4191


@dataclass(frozen=True, slots=True)
class PostgresType:
    """A row of ``pg_type``. ``size`` is typlen: bytes, or -1 for variable length, -2 for a C string.

    ``array`` is the oid of its array type.
    """

    oid: int
    name: str
    sql_name: str
    size: int
    array: int


TYPES: tuple[PostgresType, ...] = (
    PostgresType(BOOL, "bool", "boolean", 1, 1000),
    PostgresType(BYTEA, "bytea", "bytea", -1, 1001),
    PostgresType(CHAR, "char", '"char"', 1, 1002),
    PostgresType(NAME, "name", "name", 64, 1003),
    PostgresType(INT8, "int8", "bigint", 8, 1016),
    PostgresType(INT2, "int2", "smallint", 2, 1005),
    PostgresType(INT4, "int4", "integer", 4, 1007),
    PostgresType(REGPROC, "regproc", "regproc", 4, 1008),
    PostgresType(TEXT, "text", "text", -1, 1009),
    PostgresType(OID, "oid", "oid", 4, 1028),
    PostgresType(XID, "xid", "xid", 4, 1011),
    PostgresType(CID, "cid", "cid", 4, 1012),
    PostgresType(JSON, "json", "json", -1, 199),
    PostgresType(XML, "xml", "xml", -1, 143),
    PostgresType(FLOAT4, "float4", "real", 4, 1021),
    PostgresType(FLOAT8, "float8", "double precision", 8, 1022),
    PostgresType(UNKNOWN, "unknown", "unknown", -2, 0),
    PostgresType(BPCHAR, "bpchar", "character", -1, 1014),
    PostgresType(VARCHAR, "varchar", "character varying", -1, 1015),
    PostgresType(DATE, "date", "date", 4, 1182),
    PostgresType(TIME, "time", "time without time zone", 8, 1183),
    PostgresType(TIMESTAMP, "timestamp", "timestamp without time zone", 8, 1115),
    PostgresType(TIMESTAMPTZ, "timestamptz", "timestamp with time zone", 8, 1185),
    PostgresType(INTERVAL, "interval", "interval", 16, 1187),
    PostgresType(NUMERIC, "numeric", "numeric", -1, 1231),
    PostgresType(REGPROCEDURE, "regprocedure", "regprocedure", 4, 2207),
    PostgresType(REGOPER, "regoper", "regoper", 4, 2208),
    PostgresType(REGOPERATOR, "regoperator", "regoperator", 4, 2209),
    PostgresType(REGCLASS, "regclass", "regclass", 4, 2210),
    PostgresType(REGTYPE, "regtype", "regtype", 4, 2211),
    PostgresType(UUID, "uuid", "uuid", 16, 2951),
    PostgresType(JSONB, "jsonb", "jsonb", -1, 3807),
    PostgresType(REGCONFIG, "regconfig", "regconfig", 4, 3735),
    PostgresType(REGDICTIONARY, "regdictionary", "regdictionary", 4, 3770),
    PostgresType(REGNAMESPACE, "regnamespace", "regnamespace", 4, 4090),
    PostgresType(REGROLE, "regrole", "regrole", 4, 4097),
    PostgresType(REGCOLLATION, "regcollation", "regcollation", 4, 4192),
)

_HEADER_BYTES = 4  # VARHDRSZ, which modifiers of lengths include
_DECLARED = re.compile(
    r"(?P<name>[^()\[\]]+?)\s*(?:\((?P<modifiers>\s*\d+\s*(?:,\s*-?\d+\s*)?)\))?"
    r"(?P<rest> with(?:out)? time zone)?(?P<array>(?:\[\d*\])+)?\Z"
)

BY_OID = {row.oid: row for row in TYPES}
BY_SQL_NAME = {row.sql_name: row for row in TYPES}
_BY_NAME = {row.name: row for row in TYPES if row.oid != CHAR} | BY_SQL_NAME
ELEMENT_OF_ARRAY = {row.array: row.oid for row in TYPES if row.array}

# Types that are a four-byte unsigned integer on the wire; their text is the number, as for objects without a name.
OID_TYPES = frozenset(
    {OID, XID, CID, REGPROC, REGPROCEDURE, REGOPER, REGOPERATOR, REGCLASS, REGTYPE}
    | {REGCONFIG, REGDICTIONARY, REGNAMESPACE, REGROLE, REGCOLLATION}
)
# Types whose text and binary formats are both the characters themselves.
TEXT_TYPES = frozenset({TEXT, VARCHAR, BPCHAR, NAME, CHAR, UNKNOWN, JSON, XML})


def get_type(oid: int) -> PostgresType | None:
    """Return the built-in base type of that oid, or None; array types are found by ``get_element``."""
    return BY_OID.get(oid)


def sql_name(oid: int) -> str:
    """Return how SQL writes a built-in type or an array of one; ``text`` for what is not known here."""
    element = ELEMENT_OF_ARRAY.get(oid)
    known = BY_OID.get(oid if element is None else element)
    if known is None:
        return "text"
    return known.sql_name if element is None else f"{known.sql_name}[]"


def get_element(oid: int) -> int | None:
    """Return the element type of an array type, or None if the oid is not one."""
    return ELEMENT_OF_ARRAY.get(oid)


def declared_type(sql_type: str) -> tuple[int, int]:
    """Return oid and type modifier of a type as PostgreSQL spells it: ``numeric(15,2)``, ``character varying(20)[]``.

    Raises SqlError (42704) if it is none of the types here.
    """
    match = _DECLARED.match(sql_type)
    row = (
        None if match is None else BY_SQL_NAME.get(match["name"] + (match["rest"] or "")) or _BY_NAME.get(match["name"])
    )
    if match is None or row is None or (match["array"] and not row.array):
        raise SqlError(SqlState.UNDEFINED_OBJECT, f'type "{sql_type}" does not exist')
    modifiers = match["modifiers"] or ("1" if match["name"] == "character" else None)
    return (row.array if match["array"] else row.oid), _typmod(row.oid, modifiers)


def _typmod(oid: int, modifiers: str | None) -> int:
    numbers = [int(number) for number in modifiers.split(",")] if modifiers else []
    if oid == NUMERIC and numbers:
        return numeric_typmod(numbers[0], numbers[1] if len(numbers) > 1 else 0)
    if oid in {VARCHAR, BPCHAR} and numbers:
        return numbers[0] + _HEADER_BYTES
    if oid in {TIME, TIMESTAMP, TIMESTAMPTZ} and numbers:
        return numbers[0]
    return -1


def numeric_typmod(precision: int, scale: int) -> int:
    """Return the type modifier of ``numeric(precision, scale)``."""
    return ((precision << 16) | (scale & 0x7FF)) + 4


def numeric_scale(typmod: int) -> int | None:
    """Return the scale of a numeric type modifier (may be negative), or None if there is none."""
    if typmod < 4:
        return None
    return (((typmod - 4) & 0x7FF) ^ 1024) - 1024
