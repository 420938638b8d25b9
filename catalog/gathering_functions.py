"""Functions of the database of functions that gather the rows of another function in an array.

PostgreSQL evaluates what has one value for each row; a function that returns rows has an array of them.
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


def names() -> frozenset[str]:
    """Return the names of all functions."""
    gathering = {gathering_name(name, column) for name, columns in COLUMNS.items() for column in range(len(columns))}
    return frozenset({*gathering, *DISTINCT})


def gathering_name(function: str, column: int) -> str:
    """Return the name of the function that gathers a column of another function's rows."""
    return f"rows_of_{function}_{column}"


def definitions() -> list[str]:
    """Return the statements that make the functions; they call nothing but built-in functions of their arguments."""
    return [*(_definition(*one) for one in _forms()), *(_distinct(*one) for one in DISTINCT.items())]


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
