"""What expressions may be made of: PostgreSQL's own functions, operators, casts and aggregates, by the type they have.

Left out, by name or kind, is what has no answer that two servers must agree on: what tells of the server or the clock,
what is random, and what only PostgreSQL's machinery calls.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

import psycopg

TYPES = (
    *("bool", "int2", "int4", "int8", "numeric", "float4", "float8", "text", "varchar", "bpchar", "bytea", "date"),
    *("time", "timestamp", "timestamptz", "interval", "uuid", "json", "jsonb", "jsonpath"),
    *("int4[]", "int8[]", "text[]", "float8[]", "date[]", "numeric[]", "bool[]", "int4range", "daterange", "numrange"),
)
"""The types of expressions, by ``pg_type.typname``; arrays with brackets."""

_ELEMENTS = ("int4", "int8", "text", "float8", "date", "numeric", "bool")
_RANGES = {"int4": "int4range", "date": "daterange", "numeric": "numrange"}
_ARRAYS = {"anyarray": "{}[]", "anycompatiblearray": "{}[]"}
_SCALARS = ("anyelement", "anynonarray", "anycompatible", "anycompatiblenonarray")
_ANY_RANGES = ("anyrange", "anycompatiblerange")

_ROUTINES = """
SELECT p.proname, p.prokind, ARRAY(SELECT t.typname FROM unnest(p.proargtypes) WITH ORDINALITY u(a, n)
       JOIN pg_type t ON t.oid = a ORDER BY n), r.typname, p.provariadic <> 0, p.pronargdefaults,
       coalesce(g.aggkind::text, '')
FROM pg_proc p JOIN pg_type r ON r.oid = p.prorettype LEFT JOIN pg_aggregate g ON g.aggfnoid = p.oid
WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind IN ('f', 'a', 'w') AND NOT p.proretset
  AND p.provolatile <> 'v'
  AND NOT EXISTS (SELECT FROM pg_operator o WHERE o.oprcode = p.oid)
  AND NOT EXISTS (SELECT FROM pg_cast c WHERE c.castfunc = p.oid)
  AND NOT EXISTS (SELECT FROM pg_amproc m WHERE m.amproc = p.oid)
  AND NOT EXISTS (SELECT FROM pg_type t WHERE p.oid IN (t.typinput, t.typoutput, t.typreceive, t.typsend))
  AND NOT EXISTS (SELECT FROM pg_aggregate h WHERE p.oid IN (h.aggtransfn, h.aggfinalfn, h.aggcombinefn, h.aggserialfn,
    h.aggdeserialfn, h.aggmtransfn, h.aggminvtransfn, h.aggmfinalfn))
ORDER BY 1, 3
"""
_OPERATORS = """
SELECT o.oprname, l.typname, r.typname, t.typname FROM pg_operator o LEFT JOIN pg_type l ON l.oid = o.oprleft
JOIN pg_type r ON r.oid = o.oprright JOIN pg_type t ON t.oid = o.oprresult
WHERE o.oprnamespace = 'pg_catalog'::regnamespace ORDER BY 1, 2 NULLS FIRST, 3
"""
_CASTS = """
SELECT s.typname, t.typname FROM pg_cast c JOIN pg_type s ON s.oid = c.castsource JOIN pg_type t ON t.oid = c.casttarget
ORDER BY 1, 2
"""
_LEFT_OUT = re.compile(
    r"^(pg_|has_|txid|inet_|current_|to_reg|obj_desc|col_desc|shobj|format_type|amvalid|system|makeacl|acl|brin_|gin_|gist"
    r"|be_lo|extract$|ts_|suppress_|any_value|fmgr|.*xid|index|satisfies|icu_|unicode_version|version|row_security|getdatabase"
    r"|lo_|now$|statement_timestamp|clock_timestamp|transaction_timestamp|session_user|timeofday|random|nextval|hash"
    r"|.*(_support|_sortsupport|_transition|_accum|_larger|_smaller|_recv|_send|_in|_out|_subdiff|_canonical|recv|send|cmp)$"
    r"|.*(typmod|sel|joinsel)|like_|notlike|text(like|regex|ic|n)|name|bpchar_|bttext|binary_upgrade|.*_pattern_"
    r"|.*(_eq|_ne|_lt|_le|_gt|_ge)$|satisfies_hash|uuid_extract_timestamp|to_tsvector|array_to_tsvector|range_(minus|"
    r"intersect_agg_transfn)|.*_minus_range|elem_contained|range_contains|cursor_to|query_to|table_to|schema_to|database_to"
    r"|xml|format$|percentile|.*_populate|to_tsquery|plainto|phraseto|websearch|json(b)?_to_(record|tsvector)|raise)"
)
_BY_ORDER_OF_ROWS = re.compile(r"^(corr|covar_|regr_|xmlagg|range_agg|range_intersect_agg)")
_FLOAT_SENSITIVE = re.compile(r"^(sum|avg|stddev|var_|variance)")
_MACHINE_OPERATORS = re.compile(r"^(~<~|~<=~|~>~|~>=~|\*[<>=]+|~~~|\^@|~~|!~~|~~\*|!~~\*)$")


@dataclass(frozen=True, slots=True)
class Routine:
    """A function or aggregate of certain types. The last ``optional`` arguments may be left out."""

    name: str
    arguments: tuple[str, ...]
    result: str
    optional: int = 0
    ordered_set: bool = False


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator of certain types; ``left`` is None where it stands before its one operand."""

    name: str
    left: str | None
    right: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What there is, by the type of the result."""

    functions: dict[str, list[Routine]]
    operators: dict[str, list[Operator]]
    casts: dict[str, list[str]]
    aggregates: dict[str, list[Routine]]


def read(connection: psycopg.Connection) -> Catalogue:
    """Read a server's catalogue."""
    functions, aggregates = defaultdict(list), defaultdict(list)
    for name, kind, arguments, result, variadic, defaults, aggregate in connection.execute(_ROUTINES):
        if _LEFT_OUT.match(name) or variadic or (kind == "a" and _BY_ORDER_OF_ROWS.match(name)) or kind == "w":
            continue
        for types, of in _instances([_name(one) for one in arguments], _name(result)):
            if kind == "a":
                floats = any(one.startswith("float") for one in types)
                if aggregate == "n" and len(types) == 1 and not (floats and _FLOAT_SENSITIVE.match(name)):
                    aggregates[of].append(Routine(name, types, of))
                continue
            functions[of].append(Routine(name, types, of, defaults))
    operators = defaultdict(list)
    for name, left, right, result in connection.execute(_OPERATORS):
        if _MACHINE_OPERATORS.match(name):
            continue
        operands = [_name(one) for one in (left, right) if one is not None]
        for types, of in _instances(operands, _name(result)):
            operators[of].append(Operator(name, types[0] if left is not None else None, types[-1]))
    return Catalogue(dict(functions), dict(operators), _casts(connection), dict(aggregates))


def _casts(connection: psycopg.Connection) -> dict[str, list[str]]:
    casts: defaultdict[str, list[str]] = defaultdict(list)
    for source, target in connection.execute(_CASTS):
        if _name(source) in TYPES and _name(target) in TYPES and source != target:
            casts[_name(target)].append(_name(source))
    for one in TYPES:
        if one not in ("text", "jsonpath"):
            casts["text"].append(one)
    return dict(casts)


def _name(typname: str) -> str:
    return f"{typname[1:]}[]" if typname.startswith("_") else typname


def _instances(arguments: list[str], result: str) -> list[tuple[tuple[str, ...], str]]:
    """Return the forms of polymorphic arguments over the types that there are."""
    involved = {*arguments, result}
    if not any(one.startswith("any") for one in involved):
        return [(tuple(arguments), result)] if involved <= {*TYPES} else []
    found = []
    for element in _ELEMENTS:
        forms = dict.fromkeys(_SCALARS, element) | {one: form.format(element) for one, form in _ARRAYS.items()}
        if element in _RANGES:
            forms |= dict.fromkeys(_ANY_RANGES, _RANGES[element])
        types = [forms.get(one, one) for one in (*arguments, result)]
        if {*types} <= {*TYPES}:
            found.append((tuple(types[:-1]), types[-1]))
    return found
