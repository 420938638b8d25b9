"""Functions of the database of functions that return bytes by which values are sorted, for types whose order their
texts do not tell: a binary comparison of two results is PostgreSQL's comparison of the values.
"""

from __future__ import annotations

from catalog.gathering_functions import SCHEMA

ORDER_OF = "order_of"
"""The function's name."""

_NUMBER, _WITHIN, _SIGNED = (f"{SCHEMA}.order_of_{part}" for part in ("number", "element", "signed"))

# Where the digits begin, and which they are: of negative numbers the complement, and longer ones come first.
_OF_NUMBER = f"""
CREATE OR REPLACE FUNCTION {_NUMBER}(numeric) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT RETURN (
SELECT CASE WHEN $1 = 'NaN' THEN '\\xff'::bytea WHEN $1 = 'Infinity' THEN '\\xfe' WHEN $1 = '-Infinity' THEN '\\x01'
  WHEN $1 = 0 THEN '\\x80'
  WHEN $1 > 0 THEN '\\xc0' || int4send(1000000 + place) || convert_to(digits, 'UTF8') || '\\x00'
  ELSE '\\x40' || int4send(1000000 - place)
    || convert_to(translate(digits, '0123456789', '9876543210'), 'UTF8') || '\\xff' END
FROM (
  SELECT CASE WHEN whole = '0' THEN length(ltrim(part, '0')) - length(part) ELSE length(whole) END AS place,
    rtrim(ltrim(whole || part, '0'), '0') AS digits
  FROM (SELECT split_part(t, '.', 1) AS whole, split_part(t, '.', 2) AS part FROM (
    SELECT trim_scale(abs($1))::text AS t) a) b) c)
"""
# Integers as their binary form has them: the negative ones behind the others.
_OF_SIGNED = f"""
CREATE OR REPLACE FUNCTION {_SIGNED}(bytea) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT
RETURN set_byte($1, 0, get_byte($1, 0) # 128)
"""
_OF_ELEMENT = f"""
CREATE OR REPLACE FUNCTION {_WITHIN}(jsonb) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT AS $body$
BEGIN
  RETURN CASE jsonb_typeof($1)
    WHEN 'null' THEN '\\x00'::bytea
    WHEN 'string' THEN '\\x01' || convert_to($1 #>> '{{}}', 'UTF8') || '\\x00'
    WHEN 'number' THEN '\\x02' || {_NUMBER}($1::numeric)
    WHEN 'boolean' THEN CASE WHEN $1::boolean THEN '\\x0301'::bytea ELSE '\\x0300' END
    WHEN 'array' THEN '\\x10' || int4send(jsonb_array_length($1)) || '\\x01' || coalesce(
      (SELECT string_agg({_WITHIN}(v), ''::bytea) FROM jsonb_array_elements($1) v), '')
    ELSE '\\x11' || int4send(cardinality(ARRAY(SELECT jsonb_object_keys($1)))) || coalesce(
      (SELECT string_agg(convert_to(m.key, 'UTF8') || '\\x00' || {_WITHIN}(m.value), ''::bytea)
       FROM jsonb_each($1) m), '') END;
END $body$
"""
# A value that stands alone is an array of one element, before such an array, and after an empty one.
_OF_JSONB = f"""
CASE WHEN jsonb_typeof($1) IN ('array', 'object') THEN {_WITHIN}($1)
ELSE '\\x10'::bytea || int4send(1) || '\\x00' || {_WITHIN}($1) END
"""
# Family, the bits of the network, how many they are, all bits.
_OF_INET = """
substr(inet_send($1), 1, 1) || substr(inet_send(network($1)::inet), 5) || substr(inet_send($1), 2, 1)
|| substr(inet_send($1), 5)
"""
# The moment in UTC, then the zone from east to west.
_OF_TIMETZ = """
int8send((extract(epoch FROM $1) * 1000000)::bigint + 100000000000) || int4send(100000 - extract(timezone FROM $1)::int)
"""
_BOUNDS: dict[str, str] = {
    "int4range": f"{_SIGNED}(int4send({{}}($1)))",
    "int8range": f"{_SIGNED}(int8send({{}}($1)))",
    "numrange": f"{_NUMBER}({{}}($1))",
    "daterange": f"{_SIGNED}(date_send({{}}($1)))",
    "tsrange": f"{_SIGNED}(timestamp_send({{}}($1)))",
    "tstzrange": f"{_SIGNED}(timestamptz_send({{}}($1)))",
}
_VALUES: dict[str, str] = {
    "inet": _OF_INET,
    "money": f"{_SIGNED}(cash_send($1))",
    "timetz": _OF_TIMETZ,
    "jsonb": _OF_JSONB,
}
DIFFERENT = "different_in_order"
"""The function that returns an array's elements as ``array_agg(DISTINCT …)`` does."""
LEAST, GREATEST = "least_of_elements", "greatest_of_elements"
"""The functions that return what ``min`` and ``max`` are of an array's elements."""
# Types that the engine itself sorts, where several columns are one key.
_PARTS: dict[str, str] = {
    "boolean": "CASE WHEN $1 THEN '\\x01'::bytea ELSE '\\x00' END",
    "integer": f"{_SIGNED}(int8send($1::bigint))",
    "bigint": f"{_SIGNED}(int8send($1))",
    "numeric": f"{_NUMBER}($1)",
    "text": "convert_to($1, 'UTF8') || '\\x00'",
    "uuid": "uuid_send($1)",
    "date": f"{_SIGNED}(date_send($1))",
    "timestamp": f"{_SIGNED}(timestamp_send($1))",
    "timestamptz": f"{_SIGNED}(timestamptz_send($1))",
}
_DIFFERENT = f"""
CREATE OR REPLACE FUNCTION {SCHEMA}.{DIFFERENT}(anyarray) RETURNS anyarray LANGUAGE sql IMMUTABLE STRICT
AS 'SELECT ARRAY(SELECT DISTINCT v FROM pg_catalog.unnest($1) v ORDER BY v)'
"""
_EXTREMES = tuple(
    f"CREATE OR REPLACE FUNCTION {SCHEMA}.{name}(anyarray) RETURNS anyelement LANGUAGE sql IMMUTABLE STRICT"
    f" AS 'SELECT v FROM pg_catalog.unnest($1) v WHERE v IS NOT NULL ORDER BY v {direction} LIMIT 1'"
    for name, direction in ((LEAST, "ASC"), (GREATEST, "DESC"))
)
NAMES = frozenset({ORDER_OF, DIFFERENT, LEAST, GREATEST})
"""Names of the functions that statements call."""

SORTED = frozenset({*_VALUES, *_BOUNDS, "cidr", "time with time zone"})
"""The types that `ORDER_OF` takes, as SQL writes them."""


def definitions() -> list[str]:
    """Return the statements that make the functions; they call nothing but built-in functions of their arguments."""
    ranges = {name: _of_range(bound) for name, bound in _BOUNDS.items()}
    head = f"CREATE OR REPLACE FUNCTION {SCHEMA}.{ORDER_OF}"
    made = [
        f"{head}({name}) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT RETURN ({body})"
        for name, body in (_VALUES | _PARTS).items()
    ]
    made += [
        f"{head}({name}) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT RETURN ({body})" for name, body in ranges.items()
    ]
    return [_OF_NUMBER, _OF_SIGNED, _OF_ELEMENT, *made, _DIFFERENT, *_EXTREMES]


def _of_range(bound: str) -> str:
    """An empty range comes first; then the lower bound decides, where none comes first, and the upper one."""
    lower, upper = bound.format("lower"), bound.format("upper")
    return (
        "CASE WHEN isempty($1) THEN '\\x00'::bytea ELSE '\\x01'::bytea || CASE WHEN lower_inf($1) THEN '\\x00'::bytea"
        f" ELSE '\\x01'::bytea || {lower} || CASE WHEN lower_inc($1) THEN '\\x00'::bytea ELSE '\\x01' END END"
        f" || CASE WHEN upper_inf($1) THEN '\\x02'::bytea"
        f" ELSE '\\x01'::bytea || {upper} || CASE WHEN upper_inc($1) THEN '\\x01'::bytea ELSE '\\x00' END END END"
    )
