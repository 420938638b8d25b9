"""The engine's failures in PostgreSQL's terms.

The engine's own words are never passed on: they list columns and print values. What is not known here is a fault of
ours: XX000, logged under the statement's correlation id.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from catalog.errors import SqlError
from catalog.sqlstate import SqlState

_MEMORY_HINT = "Raise engine.memory_limit, or ask for fewer rows or groups at once."
_DATA_EXCEPTION = "22"  # the class of errors that are about values
_WITHHELD_HINT = (
    "A policy or mask of a table that is read can fail itself: which value it was is not told, for it may be hidden."
)
_INTEGERS = {"Int16": "smallint", "Int32": "integer", "Int64": "bigint"}
_READ = {  # the engine's types by PostgreSQL's names
    **_INTEGERS,
    "Float32": "real",
    "Float64": "double precision",
    "Decimal": "numeric",
    "Boolean": "boolean",
    "Time64": "time",
}
_OF_TYPES: tuple[tuple[re.Pattern[str], SqlState, str], ...] = (
    *(
        (re.compile(rf"Can't cast value .* to type {engine}\b|out of range {engine}\b|{engine}Array overflow"),
         SqlState.NUMERIC_VALUE_OUT_OF_RANGE, f"{name} out of range")
        for engine, name in _INTEGERS.items()
    ),
    (re.compile(r"too (large|small) to store in a Decimal"), SqlState.NUMERIC_VALUE_OUT_OF_RANGE,
     "numeric field overflow"),
    *(
        (re.compile(rf"Cannot cast (string|value) '.*' to value of {engine}", re.S),
         SqlState.INVALID_DATETIME_FORMAT if name == "time" else SqlState.INVALID_TEXT_REPRESENTATION,
         f"invalid input syntax for type {name}")
        for engine, name in _READ.items()
    ),
    (re.compile(r"Cannot cast string '.*' to value of Date32", re.S), SqlState.INVALID_DATETIME_FORMAT,
     "invalid input syntax for type date"),
    (re.compile(r"invalid Unicode scalar value: -"), SqlState.PROGRAM_LIMIT_EXCEEDED,
     "character number must be positive"),
    (re.compile(r"invalid Unicode scalar value"), SqlState.PROGRAM_LIMIT_EXCEEDED,
     "requested character not valid for encoding"),
    (re.compile(r"field position must not be zero"), SqlState.INVALID_PARAMETER_VALUE,
     "field position must not be zero"),
    (re.compile(r"[Cc]annot cast .* to Timestamp.*exceeds the representable|there is a gap in the local time"),
     SqlState.DATETIME_VALUE_OUT_OF_RANGE, "timestamp out of range"),
    (re.compile(r"(?i)month value .* is out of range|day value .* is out of range|year value .* is out of range"
                r"|date value .* is out of range|make_date"),
     SqlState.DATETIME_VALUE_OUT_OF_RANGE, "date field value out of range"),
    (re.compile(r"negative count not allowed|overlay start position must be at least 1"), SqlState.SUBSTRING_ERROR,
     "negative substring length not allowed"),
    (re.compile(r"NTILE requires a positive integer"), SqlState.INVALID_ARGUMENT_FOR_NTILE,
     "argument of ntile must be greater than zero"),
)  # fmt: skip
_KNOWN: tuple[tuple[re.Pattern[str], SqlState, str, str | None], ...] = (
    (re.compile(r"RecursionLimitExceeded"), SqlState.STATEMENT_TOO_COMPLEX, "statement is nested too deeply", None),
    (re.compile(r"Resources exhausted|Memory Exhausted|Not enough memory", re.I), SqlState.OUT_OF_MEMORY,
     "out of memory", _MEMORY_HINT),
    (re.compile(r"No space left on device|os error 28|StorageFull", re.I), SqlState.DISK_FULL,
     "could not write a temporary file: no space left on device", "Free space in the spill folder."),
    (re.compile(r"square root of a negative", re.I), SqlState.INVALID_ARGUMENT_FOR_POWER_FUNCTION,
     "cannot take square root of a negative number", None),
    (re.compile(r"step can't be 0"), SqlState.INVALID_PARAMETER_VALUE, "step size cannot equal zero", None),
    (re.compile(r"Divide by zero|division by zero", re.I), SqlState.DIVISION_BY_ZERO, "division by zero", None),
    (re.compile(r"Unable to parse date from", re.I), SqlState.DATETIME_VALUE_OUT_OF_RANGE,
     "date field value out of range", None),
    (re.compile(r"Overflow happened|overflow|Can't cast value|too large to store|out of range", re.I),
     SqlState.NUMERIC_VALUE_OUT_OF_RANGE, "value out of range", None),
    (re.compile(r"Error parsing (timestamp|date)|DateTime|Cannot cast string '.*' to value of (Date|Timestamp)",
                re.I), SqlState.INVALID_DATETIME_FORMAT, "invalid input syntax for a date or timestamp", None),
    (re.compile(r"Cannot cast string|Cast error|Parser error|Error while parsing", re.I),
     SqlState.INVALID_TEXT_REPRESENTATION, "invalid input syntax for the type it is cast to", None),
    (re.compile(r"Failed to decode|decod.* using (hex|base64)|Odd number of digits", re.I),
     SqlState.INVALID_PARAMETER_VALUE, "invalid data for decode()", None),
    (re.compile(r"Regular expression did not compile|regex parse error|RegexError", re.I),
     SqlState.INVALID_REGULAR_EXPRESSION, "invalid regular expression", None),
    (re.compile(r"returned more than one row|more than one row returned", re.I), SqlState.CARDINALITY_VIOLATION,
     "more than one row returned by a subquery used as an expression", None),
    (re.compile(r"Object at location .* not found|No such file or directory|NotFound", re.I), SqlState.IO_ERROR,
     "a data file of the table is missing", "The table may have been vacuumed: run the statement again."),
    (re.compile(r"Parquet error|Invalid Parquet|External: Generic|ArrowError\(ParquetError", re.I),
     SqlState.DATA_CORRUPTED, "a data file of the table cannot be read", None),
    (re.compile(r"column types must match schema types|merge arrays of different data types"),
     SqlState.FEATURE_NOT_SUPPORTED, "this form of query is not supported on lake tables", None),
    (re.compile(r"Invalid function|This feature is not implemented|not supported|NotImplemented|Unsupported|"
                r"not implemented|No function matches|Physical plan does not support|Schema error|"
                r"Error during planning|ParserError|type_coercion|SanityCheckPlan", re.I),
     SqlState.FEATURE_NOT_SUPPORTED, "this form of query is not supported on lake tables",
     "PostgreSQL accepts it, the lake engine does not yet. Try to write it another way."),
)  # fmt: skip


StatedError = Callable[[str], SqlError | None]


def without_values(error: SqlError) -> SqlError:
    """Return an error as it is told where it might quote a value of a row or column that is hidden from who asks: the
    same whatever the value was.
    """
    if not error.sqlstate.startswith(_DATA_EXCEPTION):
        return error
    return SqlError(error.sqlstate, "a value could not be computed", hint=_WITHHELD_HINT)


def is_over_memory_limit(error: SqlError) -> bool:
    """Whether the engine has refused memory, because statements together would take more than it may."""
    return error.sqlstate == SqlState.OUT_OF_MEMORY and error.hint == _MEMORY_HINT


def is_panic(failure: BaseException) -> bool:
    """Whether it is a fault of the engine's, which is no `Exception`."""
    return type(failure).__name__ == "PanicException"


def sql_error(failure: BaseException, stated: StatedError) -> SqlError | None:
    """Return what a client is told of an engine's failure, or None where it is not known (an internal error).

    ``stated`` finds the errors that our own functions raise inside the engine, in the engine's text.
    """
    if isinstance(failure, SqlError):
        return failure
    text = str(failure)
    if (error := stated(text)) is not None:
        return error
    for pattern, state, message in _OF_TYPES:
        if pattern.search(text):
            return SqlError(state, message)
    for pattern, state, message, hint in _KNOWN:
        if pattern.search(text):
            return SqlError(state, message, hint=hint)
    return None
