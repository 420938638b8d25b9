"""Types of parameters that a text itself tells: ``$1::int4``. A statement with such ones is planned once, not anew when
PostgreSQL has said what they are.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from gateway.sql.engine_dialect.kinds import T

# As the registry of types writes them. Not numeric: its digits behind the point are those of the value.
_NAMES: Mapping[exp.DType, str] = {
    T.BOOLEAN: "boolean",
    T.SMALLINT: "smallint",
    T.INT: "integer",
    T.BIGINT: "bigint",
    T.FLOAT: "real",
    T.DOUBLE: "double precision",
    T.TEXT: "text",
    T.VARCHAR: "character varying",
    T.BPCHAR: "character",
    T.VARBINARY: "bytea",
    T.DATE: "date",
    T.TIME: "time without time zone",
    T.TIMESTAMP: "timestamp without time zone",
    T.TIMESTAMPTZ: "timestamp with time zone",
    T.INTERVAL: "interval",
    T.UUID: "uuid",
    T.JSON: "json",
    T.JSONB: "jsonb",
}


def told_types(tree: exp.Query) -> tuple[str, ...]:
    """Return the types of ``$1 …`` where each is cast wherever it stands, always to the same type; else nothing."""
    found: dict[str, str | None] = {}
    for parameter in tree.find_all(exp.Parameter):
        name = _cast_to(parameter)
        if name is None or found.setdefault(parameter.name, name) != name:
            return ()
    types = [found.get(str(place)) for place in range(1, len(found) + 1)]
    return tuple(one for one in types if one is not None) if None not in types else ()


def _cast_to(parameter: exp.Parameter) -> str | None:
    cast = parameter.parent
    if type(cast) is not exp.Cast or cast.this is not parameter:
        return None
    if cast.to.this is not T.ARRAY:
        return None if cast.to.expressions else _NAMES.get(cast.to.this)
    (element,) = cast.to.expressions
    name = None if element.expressions else _NAMES.get(element.this)
    return None if name is None else f"{name}[]"
