"""The reference of functions, operators, casts and aggregates: PostgreSQL's own catalogue, each row of it tried."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import psycopg

ENGINE, POSTGRES, REFUSED = "engine", "PostgreSQL", "refused"

Try = Callable[[str], str]
"""Tries an expression over the columns of `COLUMNS`; returns one of the states."""

COLUMNS = {
    "boolean": "c_bool", "smallint": "c_int2", "integer": "c_int4", "bigint": "c_int8", "numeric": "c_numeric",
    "real": "c_float4", "double precision": "c_float8", "text": "c_text", "character varying": "c_varchar",
    "character": "c_bpchar", "name": "c_name", "bytea": "c_bytea", "date": "c_date",
    "time without time zone": "c_time", "timestamp without time zone": "c_timestamp",
    "timestamp with time zone": "c_timestamptz", "interval": "c_interval", "uuid": "c_uuid", "json": "c_json",
    "jsonb": "c_jsonb", "integer[]": "c_int4s", "bigint[]": "c_int8s", "text[]": "c_texts",
}  # fmt: skip
"""Types that a table of the lake has, and the columns of the table that is tried."""

_POLYMORPHIC = {
    '"any"': "integer", "anyelement": "integer", "anynonarray": "integer", "anyarray": "integer[]",
    "anycompatible": "integer", "anycompatiblenonarray": "integer", "anycompatiblearray": "integer[]",
    "anyrange": "int4range", "anymultirange": "int4multirange", "anycompatiblerange": "int4range",
    "anycompatiblemultirange": "int4multirange",
}  # fmt: skip
_FUNCTIONS = """
SELECT p.proname, p.prokind, p.proretset, p.prorettype::regtype::text, p.provariadic <> 0,
       ARRAY(SELECT format_type(a, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY u(a, n) ORDER BY n),
       coalesce(g.aggkind::text, ''), coalesce(g.aggnumdirectargs, 0),
       EXISTS (SELECT FROM pg_operator o WHERE o.oprcode = p.oid)
       OR EXISTS (SELECT FROM pg_cast c WHERE c.castfunc = p.oid)
       OR EXISTS (SELECT FROM pg_type t WHERE p.oid IN (t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin,
         t.typmodout)) OR EXISTS (SELECT FROM pg_aggregate h WHERE p.oid IN (h.aggtransfn, h.aggfinalfn, h.aggcombinefn,
         h.aggserialfn, h.aggdeserialfn, h.aggmtransfn, h.aggminvtransfn, h.aggmfinalfn))
       OR EXISTS (SELECT FROM pg_amproc m WHERE m.amproc = p.oid)
FROM pg_proc p LEFT JOIN pg_aggregate g ON g.aggfnoid = p.oid
WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind IN ('f', 'a', 'w')
ORDER BY p.proname, 6
"""
_OPERATORS = """
SELECT o.oprname, CASE WHEN o.oprleft = 0 THEN NULL ELSE format_type(o.oprleft, NULL) END,
       format_type(o.oprright, NULL), format_type(o.oprresult, NULL)
FROM pg_operator o WHERE o.oprnamespace = 'pg_catalog'::regnamespace ORDER BY 1, 2 NULLS FIRST, 3
"""
_CASTS = """
SELECT format_type(c.castsource, NULL), format_type(c.casttarget, NULL) FROM pg_cast c
UNION SELECT format_type(t.oid, NULL), 'text' FROM pg_type t WHERE t.typnamespace = 'pg_catalog'::regnamespace
  AND t.typtype IN ('b', 'r', 'm') AND t.typcategory <> 'A'
UNION SELECT 'text', format_type(t.oid, NULL) FROM pg_type t WHERE t.typnamespace = 'pg_catalog'::regnamespace
  AND t.typtype IN ('b', 'r', 'm') AND t.typcategory <> 'A'
ORDER BY 1, 2
"""
_MACHINERY = re.compile(r"internal|cstring|trigger|_handler|language_|pg_ddl|pg_node|pg_mcv|pg_dep|pg_ndist|pg_brin")
_SYSTEM = re.compile(
    r"pg_|has_|current_|session_user|user$|txid_|lo_|loread|lowrite|inet_(client|server)|version|row_security|set_config"
    r"|to_reg|obj_desc|col_desc|shobj|nextval|setval|currval|lastval|binary_up|query_to_|table_to_|schema_to_|cursor_to_"
    r"|database_to_|format_type|getdatabase|amvalid|system|unique_key|makeacl|acl|mxid|brin_|gin_|be_lo|ts_(debug|lexize"
    r"|parse|stat|token)|suppress_|any_value_|fmgr|xid|cid|plpgsql|index|satisfies|icu_|unicode_|dist|raise"
)
_FAMILIES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("json", re.compile(r"json")),
    ("text search", re.compile(r"\bts(vector|query)\b|regconfig|regdictionary")),
    ("geometry", re.compile(r"\b(point|lseg|path|box|polygon|line|circle)\b")),
    ("network", re.compile(r"\b(inet|cidr|macaddr8?)\b")),
    ("range", re.compile(r"range")),
    ("array", re.compile(r"\[\]|anyarray|anycompatiblearray")),
    ("bit string", re.compile(r"\bbit\b|bit varying")),
    ("uuid", re.compile(r"\buuid\b|^(uuidv|gen_random)")),
    ("xml", re.compile(r"\bxml\b|^xpath|^xml")),
    ("date and time", re.compile(r"\b(date|time|timestamp|timestamptz|interval)\b")),
    ("binary string", re.compile(r"\bbytea\b")),
    ("string", re.compile(r"\b(text|character|name)\b|\"char\"")),
    ("number", re.compile(r"\b(smallint|integer|bigint|numeric|real|double precision|money|oid)\b")),
)


@dataclass(slots=True)
class Family:
    """What was found of a family: by name and state, the forms."""

    rows: defaultdict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))

    def count(self, state: str) -> int:
        """Return how many forms have a state."""
        return sum(len(forms) for (_, found), forms in self.rows.items() if found == state)


def page(connection: psycopg.Connection, attempt: Try) -> str:
    """Return the page in Markdown."""
    parts = [
        ("Functions", _functions(connection, attempt, "f")),
        ("Aggregates", _functions(connection, attempt, "a")),
        ("Window functions", _functions(connection, attempt, "w")),
        ("Operators", _operators(connection, attempt)),
        ("Casts", _casts(connection, attempt)),
    ]
    lines = [_HEAD]
    lines += ["| | engine | PostgreSQL | refused |", "| --- | ---: | ---: | ---: |"]
    for title, families in parts:
        counts = [sum(one.count(state) for one in families.values()) for state in (ENGINE, POSTGRES, REFUSED)]
        lines.append(f"| {title.lower()} | {' | '.join(map(str, counts))} |")
    for title, families in parts:
        lines += ["", f"## {title}"]
        for name in sorted(families, key=_rank):
            lines += ["", f"### {title}: {name}", "", "| | of | state |", "| --- | --- | --- |"]
            rows = sorted(families[name].rows.items())
            lines += [f"| {_code(key)} | {_forms(forms)} | {state} |" for (key, state), forms in rows]
    return "\n".join(lines) + "\n"


_HEAD = """# Functions, operators, casts and aggregates

Every function, aggregate, operator and cast of PostgreSQL 18's own catalogue, and who answers it on tables of the
lake. Tests make this page: each row was tried on a table of the lake with a column of each type.

- **engine**: the lake engine computes it, with PostgreSQL's result.
- **PostgreSQL**: the gateway has PostgreSQL itself evaluate it, a batch of rows at a time. That costs about a
  microsecond a row; results and errors are PostgreSQL's own
  ([decision](decisions/0020-functions-evaluated-by-postgresql.md)). What tells of the session or the server is asked
  once for a statement, with constants for arguments ([decision](decisions/0038-values-of-the-session.md)).
- **refused**: the statement ends with SQLSTATE 0A000, which says what is not supported. What else belongs to the server
  (its files, catalogues, sessions) does not speak of rows: ask it in a statement of its own, where PostgreSQL answers
  as always.

A time zone of `generate_series` is tried as a constant here, a pattern (LIKE, regular expressions) as a column; one
that is a constant is the engine's, where it has what is in it.

What only PostgreSQL's own machinery calls (input and output of types, support of indexes and aggregates, what operators
and casts are made of) is listed as the operator, cast or aggregate that it serves.
"""


def _rank(name: str) -> int:
    names = [family for family, _ in _FAMILIES]
    return names.index(name) if name in names else len(names)


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


def _forms(forms: list[str]) -> str:
    return ", ".join(form.replace("|", "\\|") for form in forms)


def _family(name: str, types: Iterable[str]) -> str:
    written = " ".join(types)
    if _SYSTEM.match(name):
        return "the server"
    for family, pattern in _FAMILIES:
        if pattern.search(name if family in ("json", "range") else "") or pattern.search(written):
            return family
    return "others"


def _functions(connection: psycopg.Connection, attempt: Try, kind: str) -> dict[str, Family]:
    families: defaultdict[str, Family] = defaultdict(Family)
    for name, found, _, result, variadic, arguments, aggregate, direct, serves in connection.execute(_FUNCTIONS):
        if found != kind or serves or any(_MACHINERY.search(one) for one in (*arguments, result)):
            continue
        family = "aggregates" if kind == "a" else "window" if kind == "w" else _family(name, [*arguments, result])
        form = f"({', '.join(arguments)})"
        written = [_CONSTANTS.get((name, at), one) for at, one in enumerate(_arguments(arguments, variadic=variadic))]
        if kind == "w":
            written = ["1" if one == "integer" else column for one, column in zip(arguments, written, strict=True)]
        call = f"{name}({', '.join(written)})"
        if kind == "w":
            call += " over (order by c_int4)"
        elif aggregate in ("o", "h"):
            ordered = written[direct:] or ["c_int4"]
            call = f"{name}({', '.join(written[:direct])}) within group (order by {', '.join(ordered)})"
        if name == "count" and not arguments:
            call = "count(*)"
        families[family].rows[name, attempt(call)].append(form)
    return families


_CONSTANTS = {("generate_series", 3): "'Europe/Berlin'"}
"""What is tried as a constant, since it is one wherever it is written: by function and place of the argument."""


def _arguments(types: list[str], *, variadic: bool) -> Iterator[str]:
    for place, sql_type in enumerate(types):
        if variadic and place == len(types) - 1 and sql_type != '"any"':
            yield value(_POLYMORPHIC.get(sql_type, sql_type).removesuffix("[]"))
        else:
            yield value(sql_type)


def value(sql_type: str) -> str:
    """Return an expression of a type, over a column of the table."""
    known = _POLYMORPHIC.get(sql_type, sql_type)
    if known in COLUMNS:
        return COLUMNS[known]
    if known == "regconfig":
        return "'english'"
    return f"cast(c_text as {known.replace('bit varying', 'varbit')})"


def _operators(connection: psycopg.Connection, attempt: Try) -> dict[str, Family]:
    families: defaultdict[str, Family] = defaultdict(Family)
    for name, left, right, result in connection.execute(_OPERATORS):
        operands = [one for one in (left, right) if one is not None]
        if any(_MACHINERY.search(one) for one in operands):
            continue
        written = f"{value(left)} {name} {value(right)}" if left is not None else f"{name} {value(right)}"
        form = " ".join([*([left] if left is not None else []), name, right])
        families[_family("", [*operands, result])].rows[name, attempt(written)].append(form)
    return families


def _casts(connection: psycopg.Connection, attempt: Try) -> dict[str, Family]:
    families: defaultdict[str, Family] = defaultdict(Family)
    for source, target in connection.execute(_CASTS):
        if not (_MACHINERY.search(source) or _MACHINERY.search(target)):
            state = attempt(f"cast({value(source)} as {target.replace('bit varying', 'varbit')})")
            families["all"].rows[source, state].append(target)
    return families
