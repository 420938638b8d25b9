"""Functions of the database of functions that gather the rows of another function in an array, or take an array for the
rows of an aggregate.

PostgreSQL evaluates what has one value for each row; a function that returns rows has an array of them, and an
aggregate is given one.
"""

from __future__ import annotations

SCHEMA = "lakegate_rows"
_JSON = ("json", "jsonb")

COLUMNS: dict[str, tuple[str | None, ...]] = {
    **{f"{kind}_array_elements{text}": ("value",) for kind in _JSON for text in ("", "_text")},
    **{f"{kind}_each{text}": ("key", "value") for kind in _JSON for text in ("", "_text")},
    **{f"{kind}_object_keys": (None,) for kind in _JSON},
    "jsonb_path_query": (None,),
    "regexp_matches": (None,),
}
"""The names of the columns of each function's rows; None where a column is named after the function or its alias."""


DISTINCT: dict[str, str] = {f"{kind}_agg_distinct": f"{kind}_agg" for kind in _JSON}
"""Functions of an array that give its different elements to an aggregate, in their order or, told so, the reverse."""


_OF_BITS = ("bit_and", "bit_or", "bit_xor")
_OF_NUMBERS = ("stddev_pop", "stddev_samp", "var_pop", "var_samp")
_OF_RANGES = ("range_agg", "range_intersect_agg")
_OF_MEMBERS = tuple(
    f"{kind}_object_agg{unique}{strict}" for kind in _JSON for unique in ("", "_unique") for strict in ("", "_strict")
)
_RANGES = ("int4", "int8", "num", "ts", "tstz", "date")
OF_ARRAYS = (*_OF_BITS, *_OF_NUMBERS, *_OF_RANGES, *_OF_MEMBERS, "avg", "count", "sum")
"""Aggregates that have a function which takes arrays of what they take of rows, see `aggregating_name`."""


_TOTALS = (
    *(("sum", *each) for each in (("smallint", "bigint"), ("integer", "bigint"), ("bigint", "numeric"))),
    *(("avg", each, "numeric") for each in ("smallint", "integer", "bigint", "numeric")),
    *(("avg", each, "float8") for each in ("real", "float8")),
    *(("sum", each, each) for each in ("numeric", "real", "float8", "money")),
)
OTHERS = "other_elements"
"""The function that returns the elements of an array whose keys, in an array beside it, are not a given one; and that
at a given place. NULL where there are none.
"""
_OTHERS_OF = f"""
CREATE OR REPLACE FUNCTION {SCHEMA}.{OTHERS}(anyarray, anycompatiblearray, anycompatible, bigint) RETURNS anyarray
LANGUAGE sql IMMUTABLE AS 'SELECT NULLIF(ARRAY(
SELECT v FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) WITH ORDINALITY AS r (v, k, n)
WHERE k IS DISTINCT FROM $3 OR n = $4), ''{{}}'')'
"""
_COUNT_OF = f"""
CREATE OR REPLACE FUNCTION {SCHEMA}.count_of_elements(anyarray) RETURNS bigint LANGUAGE sql IMMUTABLE
AS 'SELECT pg_catalog.count(v) FROM pg_catalog.unnest($1) AS v'
"""


PERCENTILE, MODE = "percentile_disc", "mode"
"""Ordered-set aggregates that take an array of a group's values, and whether it is sorted downwards."""
ORDERED_SETS = (PERCENTILE, MODE)


def _of_sorted() -> list[str]:
    """Return the definitions of the functions for `ORDERED_SETS`: percentiles take a fraction or several, too."""
    found = []
    for name, fraction, gives in (
        (PERCENTILE, "double precision", "anyelement"),
        (PERCENTILE, "double precision[]", "anyarray"),
        (MODE, "", "anyelement"),
    ):
        whole = f"pg_catalog.{name}({'$3' if fraction else ''}) WITHIN GROUP (ORDER BY v"
        takes = ", ".join(one for one in ("anyarray", "boolean", fraction) if one)
        found.append(
            f"CREATE OR REPLACE FUNCTION {SCHEMA}.{aggregating_name(name)}({takes}) RETURNS {gives}"
            f" LANGUAGE sql IMMUTABLE AS 'SELECT CASE WHEN $2 THEN {whole} DESC) ELSE {whole}) END"
            " FROM pg_catalog.unnest($1) AS v'"
        )
    return found


def names() -> frozenset[str]:
    """Return the names of all functions."""
    gathering = {gathering_name(name, column) for name, columns in COLUMNS.items() for column in range(len(columns))}
    aggregating = {aggregating_name(name) for name in (*OF_ARRAYS, *ORDERED_SETS)}
    different = {aggregating_name(name, distinct=True) for name in _OF_MEMBERS}
    return frozenset({*gathering, *DISTINCT, *aggregating, *different, OTHERS})


def aggregating_name(aggregate: str, *, distinct: bool = False) -> str:
    """Return the name of the function that gives the elements of its arrays to an aggregate."""
    return f"{aggregate}_of_{'different_' if distinct else ''}elements"


def gathering_name(function: str, column: int) -> str:
    """Return the name of the function that gathers a column of another function's rows."""
    return f"rows_of_{function}_{column}"


def definitions() -> list[str]:
    """Return the statements that make the functions; they call nothing but built-in functions of their arguments."""
    members = [_of_members(name, distinct=distinct) for name in _OF_MEMBERS for distinct in (False, True)]
    return [
        *(_definition(*one) for one in _forms()),
        *(_distinct(*one) for one in DISTINCT.items()),
        *(_of_elements(name, "varbit", "bit") for name in _OF_BITS),
        *(_of_elements(name, kind, kind) for name in _OF_NUMBERS for kind in ("numeric", "float8")),
        *(_of_elements(*one) for one in _of_ranges()),
        *(_of_elements(*one) for one in _TOTALS),
        _OTHERS_OF,
        _COUNT_OF,
        *_of_sorted(),
        *members,
    ]


def _forms() -> list[tuple[str, int, tuple[str, ...], str, str]]:
    """Return for each function and column: what it takes, the type of a value, and the value of a row ``r``."""
    found: list[tuple[str, int, tuple[str, ...], str, str]] = []
    for kind in _JSON:
        found += [
            (f"{kind}_array_elements", 0, (kind,), kind, "r.value"),
            (f"{kind}_array_elements_text", 0, (kind,), "text", "r.value"),
            (f"{kind}_object_keys", 0, (kind,), "text", "r"),
            (f"{kind}_each", 0, (kind,), "text", "r.key"),
            (f"{kind}_each", 1, (kind,), kind, "r.value"),
            (f"{kind}_each_text", 0, (kind,), "text", "r.key"),
            (f"{kind}_each_text", 1, (kind,), "text", "r.value"),
        ]
    for more in ((), ("jsonb",), ("jsonb", "boolean")):
        found.append(("jsonb_path_query", 0, ("jsonb", "jsonpath", *more), "jsonb", "r"))
    for flags in ((), ("text",)):
        found.append(("regexp_matches", 0, ("text", "text", *flags), "text", "r::text"))
    return found


def _definition(function: str, column: int, takes: tuple[str, ...], gives: str, value: str) -> str:
    arguments = ", ".join(f"${number}" for number in range(1, len(takes) + 1))
    return (
        f"CREATE OR REPLACE FUNCTION {SCHEMA}.{gathering_name(function, column)}({', '.join(takes)}) RETURNS {gives}[]"
        f" LANGUAGE sql IMMUTABLE RETURN ARRAY(SELECT {value} FROM pg_catalog.{function}({arguments}) AS r)"
    )


def _distinct(function: str, aggregate: str) -> str:
    """The body is a string: functions of polymorphic arguments cannot have another."""
    kind = aggregate.partition("_")[0]
    whole = f"pg_catalog.{aggregate}(DISTINCT v"
    return (
        f"CREATE OR REPLACE FUNCTION {SCHEMA}.{function}(anyarray, boolean) RETURNS {kind} LANGUAGE sql IMMUTABLE"
        f" AS 'SELECT CASE WHEN $2 THEN {whole} ORDER BY v DESC) ELSE {whole}) END FROM pg_catalog.unnest($1) AS v'"
    )


def _of_ranges() -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    for kind in _RANGES:
        several = f"{kind}multirange"
        found += [("range_agg", taken, several) for taken in (f"{kind}range", several)]
        found += [("range_intersect_agg", taken, taken) for taken in (f"{kind}range", several)]
    return found


def _of_elements(aggregate: str, takes: str, gives: str) -> str:
    return (
        f"CREATE OR REPLACE FUNCTION {SCHEMA}.{aggregating_name(aggregate)}({takes}[]) RETURNS {gives}"
        f" LANGUAGE sql IMMUTABLE RETURN (SELECT pg_catalog.{aggregate}(v) FROM pg_catalog.unnest($1) AS v)"
    )


def _of_members(aggregate: str, *, distinct: bool) -> str:
    """Two arrays of the same length: keys and values."""
    kind = aggregate.partition("_")[0]
    pairs = f"{'DISTINCT ' if distinct else ''}k, v"
    return (
        f"CREATE OR REPLACE FUNCTION {SCHEMA}.{aggregating_name(aggregate, distinct=distinct)}"
        f"(anyarray, anycompatiblearray) RETURNS {kind} LANGUAGE sql STABLE"
        f" AS 'SELECT pg_catalog.{aggregate}({pairs}) FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2))"
        " AS r (k, v)'"
    )
