"""Kinds of types: the families PostgreSQL's rules speak of, and what the type of an operation is."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import Enum, auto
from functools import cache

from sqlglot import exp

from optimizer.copies import copied

T = exp.DType
_UNKNOWN, _INT, _BIGINT = T.UNKNOWN.into_expr(), T.INT.into_expr(), T.BIGINT.into_expr()

INT4_MAX = 2**31 - 1
INT8_MAX = 2**63 - 1


class Kind(Enum):
    """A family of types which PostgreSQL's operators treat alike."""

    UNKNOWN = auto()
    BOOL = auto()
    INTEGER = auto()
    NUMERIC = auto()
    FLOAT = auto()
    TEXT = auto()
    BPCHAR = auto()
    DATE = auto()
    TIME = auto()
    TIMESTAMP = auto()
    TIMESTAMPTZ = auto()
    INTERVAL = auto()
    ARRAY = auto()
    JSON = auto()
    BYTEA = auto()
    UUID = auto()
    OTHER = auto()

    __hash__ = object.__hash__  # that of Enum is written in Python, and kinds are looked up at each node


_KINDS: dict[exp.DType, Kind] = {
    T.BOOLEAN: Kind.BOOL,
    T.TINYINT: Kind.INTEGER,
    T.SMALLINT: Kind.INTEGER,
    T.INT: Kind.INTEGER,
    T.BIGINT: Kind.INTEGER,
    T.DECIMAL: Kind.NUMERIC,
    T.FLOAT: Kind.FLOAT,
    T.DOUBLE: Kind.FLOAT,
    T.TEXT: Kind.TEXT,
    T.VARCHAR: Kind.TEXT,
    T.NAME: Kind.TEXT,
    T.CHAR: Kind.BPCHAR,
    T.BPCHAR: Kind.BPCHAR,
    T.DATE: Kind.DATE,
    T.TIME: Kind.TIME,
    T.TIMESTAMP: Kind.TIMESTAMP,
    T.TIMESTAMPNTZ: Kind.TIMESTAMP,
    T.TIMESTAMPTZ: Kind.TIMESTAMPTZ,
    T.INTERVAL: Kind.INTERVAL,
    T.ARRAY: Kind.ARRAY,
    T.LIST: Kind.ARRAY,
    T.JSON: Kind.JSON,
    T.JSONB: Kind.JSON,
    T.VARBINARY: Kind.BYTEA,
    T.BINARY: Kind.BYTEA,
    T.UUID: Kind.UUID,
    T.UNKNOWN: Kind.UNKNOWN,
    T.NULL: Kind.UNKNOWN,
}
_BY_ID = {id(member): found for member, found in _KINDS.items()}  # members live as long as sqlglot
_CONVERTED = frozenset(map(id, (T.TIME, T.CHAR, T.BPCHAR)))
_NUMBER_RANK: dict[exp.DType, int] = {
    T.TINYINT: 0,
    T.SMALLINT: 0,
    T.INT: 1,
    T.BIGINT: 2,
    T.DECIMAL: 3,
    T.FLOAT: 4,
    T.DOUBLE: 5,
}
_MOMENT_RANK: dict[exp.DType, int] = {T.DATE: 0, T.TIMESTAMP: 1, T.TIMESTAMPNTZ: 1, T.TIMESTAMPTZ: 2}
NUMBERS = frozenset({Kind.INTEGER, Kind.NUMERIC, Kind.FLOAT})
EXACT = frozenset({Kind.INTEGER, Kind.NUMERIC})
MOMENTS = frozenset({Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ})
STAMPS = frozenset({Kind.TIMESTAMP, Kind.TIMESTAMPTZ})
TEXTS = frozenset({Kind.TEXT, Kind.BPCHAR})


def type_of(node: exp.Expr) -> exp.DataType:
    """Return the type set on a node, ``UNKNOWN`` where none is."""
    found = node.type
    return found if found is not None else _UNKNOWN


def kind_of_type(sql_type: exp.DataType) -> Kind:
    """Return the family of a type."""
    return _BY_ID.get(id(sql_type.this), Kind.OTHER)  # the hash of an Enum is written in Python


def kind(node: exp.Expr) -> Kind:
    """Return the family of a node's type. A bare string constant or NULL is ``UNKNOWN``, as in PostgreSQL."""
    if is_unknown_constant(node):
        return Kind.UNKNOWN
    return kind_of_type(type_of(node))


def is_converted(column: exp.Expr) -> bool:
    """Whether a column is of a type whose values are not used as files have them: times of day, and blank-padded."""
    return id(type_of(column).this) in _CONVERTED


def is_unknown_constant(node: exp.Expr) -> bool:
    """Return whether the node is a string constant or NULL without a type of its own."""
    bare = node.unnest() if type(node) is exp.Paren else node
    if type(bare) is exp.Literal:
        return bare.is_string and type_of(bare).this is not T.TEXT  # rules give constants that are text this type
    return type(bare) is exp.Null


def carried_as_text(sql_type: exp.DataType) -> str | None:
    """Return the name of a type whose values are the text that PostgreSQL prints, such as ``inet``; None for others."""
    if kind_of_type(sql_type) is not Kind.OTHER:
        return None
    name = sql_type.sql("postgres").lower().partition("(")[0]
    return name if name != "oid" else None


# Types that print equal values alike, and different ones differently: of a range of numerics [1,2) is [1.0,2.0), too.
SAME_TEXT = frozenset(
    {"inet", "cidr", "macaddr", "macaddr8", "bit", "varbit", "bit varying", "int4range", "int8range", "daterange"}
    | {"pg_lsn", '"char"', "xid", "xid8", "tid", "money", "timetz"}
)


SORTED_AS_TEXT = frozenset({"bit", "varbit", "bit varying", "macaddr", "macaddr8"})
"""Types that come as text of one alphabet, read from the left, as they are compared."""


def literal_type(text: str) -> exp.DataType:
    """Return the type PostgreSQL gives to a number as written: int4, int8 or numeric, by its size and form."""
    if text.isdigit():
        value = int(text)
        if value <= INT4_MAX:
            return _INT
        if value <= INT8_MAX:
            return _BIGINT
    try:
        _, digits, exponent = Decimal(text.replace("_", "")).as_tuple()
    except ArithmeticError:  # 0x1F, 0b1
        return T.BIGINT.into_expr()
    places = max(-int(exponent), 0)
    return decimal_type(max(len(digits) + max(int(exponent), 0), places, 1), places)


@cache
def decimal_type(precision: int | None = None, scale: int = 0) -> exp.DataType:
    """Return ``numeric(precision, scale)``, or ``numeric`` without modifiers; the same each time."""
    parameters = [] if precision is None else [_parameter(precision), _parameter(scale)]
    return exp.DataType(this=T.DECIMAL, expressions=parameters, nested=False)


def array_type(element: exp.DataType) -> exp.DataType:
    """Return the array type over an element type."""
    return exp.DataType(this=T.ARRAY, expressions=[copied(element)], nested=True)


def element_type(sql_type: exp.DataType) -> exp.DataType:
    """Return an array type's element type."""
    if kind_of_type(sql_type) is Kind.ARRAY and sql_type.expressions:
        element = sql_type.expressions[0]
        assert isinstance(element, exp.DataType)
        return element
    return T.UNKNOWN.into_expr()


def scale_of(sql_type: exp.DataType) -> int | None:
    """Return the scale of ``numeric(p, s)``, None for ``numeric`` and for other types."""
    if sql_type.this is not T.DECIMAL or not sql_type.expressions:
        return None
    parameters = sql_type.expressions
    return int(parameters[1].name) if len(parameters) > 1 else 0


def precision_of(sql_type: exp.DataType) -> int | None:
    """Return the precision of ``numeric(p, s)``, None where it has none."""
    return int(sql_type.expressions[0].name) if sql_type.this is T.DECIMAL and sql_type.expressions else None


def common_type(types: Iterable[exp.DataType]) -> exp.DataType:
    """Return the type PostgreSQL chooses for alternatives (CASE, COALESCE, UNION, array elements)."""
    chosen: exp.DataType | None = None
    for candidate in types:
        if kind_of_type(candidate) is Kind.UNKNOWN:
            continue
        chosen = candidate if chosen is None else _wider(chosen, candidate)
    return chosen if chosen is not None else _UNKNOWN


def _wider(left: exp.DataType, right: exp.DataType) -> exp.DataType:
    for ranks in (_NUMBER_RANK, _MOMENT_RANK):
        if left.this in ranks and right.this in ranks:
            if left.this is right.this is T.DECIMAL:
                return _wider_decimal(left, right)
            return left if ranks[left.this] >= ranks[right.this] else right
    if left != right and kind_of_type(left) is Kind.BPCHAR and kind_of_type(right) in TEXTS:
        return T.BPCHAR.into_expr()  # whose values have each their own blanks
    return left


def _wider_decimal(left: exp.DataType, right: exp.DataType) -> exp.DataType:
    left_scale, right_scale = scale_of(left), scale_of(right)
    if left_scale is None or right_scale is None:
        return decimal_type()
    whole = max((precision_of(left) or 0) - left_scale, (precision_of(right) or 0) - right_scale)
    scale = max(left_scale, right_scale)
    return decimal_type(min(whole + scale, 76), scale)


def number_type(left: exp.DataType, right: exp.DataType) -> exp.DataType:
    """Return the type in which PostgreSQL computes with two numbers; int with float4 is float8."""
    if left.this is right.this:
        return left if left.this is not T.DECIMAL else decimal_type()
    if T.FLOAT in (left.this, right.this) or T.DOUBLE in (left.this, right.this):
        return T.DOUBLE.into_expr()
    wider = left if _NUMBER_RANK[left.this] >= _NUMBER_RANK[right.this] else right
    return wider if wider.this is not T.DECIMAL else decimal_type()


def _parameter(value: int) -> exp.DataTypeParam:
    return exp.DataTypeParam(this=exp.Literal.number(value))
