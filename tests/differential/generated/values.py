"""Constants of each type, and arguments that make sense for certain functions: names of fields, patterns, counts."""

from __future__ import annotations

from random import Random

LITERALS: dict[str, tuple[str, ...]] = {
    "bool": ("true", "false", "null", "t"),
    "int2": ("0", "1", "-1", "32767", "-32768", "7"),
    "int4": ("0", "1", "2", "-1", "2147483647", "-2147483648", "7", "100"),
    "int8": ("0", "1", "-1", "9223372036854775807", "-9223372036854775808", "5000000000"),
    "numeric": ("0", "1.5", "-2.25", "0.00001", "123456789012345.678", "10", "1e10", "-0.10"),
    "float4": ("0", "1.5", "-0", "NaN", "Infinity", "1e30", "0.1"),
    "float8": ("0", "1.5", "-0", "NaN", "-Infinity", "1e300", "0.1", "3"),
    "text": ("", "abc", "a,b,c", "ABC", "12", "1.5", "2024-01-31", "%b%", "ä", " x ", "a.c", "true", "{1,2}", "1 day"),
    "varchar": ("", "one", "two,three", "12", "Ä"),
    "bpchar": ("ab", "ab  ", "", "x"),
    "bytea": ("\\x", "\\x00ff", "abc", "\\x616263"),
    "date": ("2024-01-31", "2024-02-29", "0001-01-01", "9999-12-31", "1970-01-01", "infinity", "2023-12-31"),
    "time": ("00:00", "23:59:59.999999", "12:34:56", "10:30"),
    "timestamp": ("2024-01-31 10:30", "2024-03-31 02:30", "0001-01-01", "infinity", "1999-12-31 23:59:59.999999"),
    "timestamptz": ("2024-01-31 10:30+00", "2024-03-31 02:30+02", "-infinity", "2024-10-27 01:30+00"),
    "interval": ("1 day", "24:00", "1 mon", "-1 day 02:00", "1 year 2 mons 3 days 04:05:06.7", "0", "00:00:00.5"),
    "uuid": ("00000000-0000-0000-0000-000000000001", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    "json": ('{"a": 1, "b": [1, null]}', "[1,2]", '"s"', "null", "1.50"),
    "jsonb": ('{"a": 1, "b": [1, null]}', "[1,2,3]", '"s"', "null", "1.50", '{"a":{"b":2}}', "{}"),
    "jsonpath": ("$.a", "$[*]", "$.b[0]", "$.* ? (@ > 1)", "$.a > 0", "strict $.x", "$.size()"),
    "int4[]": ("{}", "{1,2,3}", "{NULL,5}", "{7}"),
    "int8[]": ("{}", "{1,2}", "{NULL}"),
    "text[]": ("{}", "{a,b}", '{"x y",NULL}', '{"",a}'),
    "float8[]": ("{}", "{1.5,-0,NaN}"),
    "date[]": ("{}", "{2024-01-31,NULL}"),
    "numeric[]": ("{}", "{1.5,2.25}"),
    "bool[]": ("{}", "{t,f,NULL}"),
    "int4range": ("[1,5)", "empty", "(,3]", "[2,2]"),
    "daterange": ("[2024-01-01,2024-02-01)", "empty", "(,)"),
    "numrange": ("[1.5,2.5]", "empty", "(0,)"),
}
_COUNTS = ("0", "1", "2", "3", "5", "-1", "12", "null")
_FIELDS = (
    *("year", "month", "day", "hour", "minute", "second", "week", "quarter", "millennium", "century", "decade"),
    *("milliseconds", "microseconds"),
)
_PARTS = (*_FIELDS, "dow", "doy", "epoch", "isodow", "isoyear", "julian")
_MOMENT_PATTERNS = (
    *("YYYY-MM-DD", "HH24:MI:SS.US", "Day, DD Month YYYY", "IYYY-IW-ID", "Q CC J", "HH12:MI AM", "FMMonth FMDDth"),
    *("DY Mon YY", "MS SSSS", "TZ OF", "WW DDD RM", "Y,YYY BC"),
)
_NUMBER_PATTERNS = ("999.99", "FM0000.00", "9G999D99", "S999", "9.99EEEE", "RN", "$999", "999PR", "L99", "MI99", "0099")
_REGEXES = ("a", "^.", "[a-z]+", "(a)(b)?", "\\d+", "b$", "", ".*", "(?i)AB", "o|e", "\\m\\w", "x{2}")
_FLAGS = ("g", "i", "", "gi", "n", "x")
_ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "+02", "Australia/Lord_Howe")
_FORMS = ("NFC", "NFD", "NFKC", "NFKD")

ARGUMENTS: dict[tuple[str, int], tuple[str, ...]] = {
    ("date_trunc", 0): _FIELDS,
    ("date_trunc", 2): _ZONES,
    ("date_part", 0): _PARTS,
    ("extract", 0): _PARTS,
    ("timezone", 0): _ZONES,
    ("date_add", 2): _ZONES,
    ("date_subtract", 2): _ZONES,
    ("to_date", 0): ("2024-01-31", "31 Jan 2024", "20240229"),
    ("to_date", 1): ("YYYY-MM-DD", "DD Mon YYYY", "YYYYMMDD"),
    ("to_timestamp", 1): ("YYYY-MM-DD", "YYYY-MM-DD HH24:MI"),
    ("to_number", 1): ("999", "99D9", "S9G999"),
    ("encode", 1): ("hex", "base64", "escape"),
    ("decode", 1): ("hex", "base64", "escape"),
    ("convert_from", 1): ("UTF8", "LATIN1"),
    ("convert_to", 1): ("UTF8", "LATIN1"),
    ("convert", 1): ("UTF8",),
    ("convert", 2): ("UTF8", "LATIN1"),
    ("length", 1): ("UTF8",),
    ("normalize", 1): _FORMS,
    ("is_normalized", 1): _FORMS,
    ("repeat", 1): _COUNTS,
    ("lpad", 1): _COUNTS,
    ("rpad", 1): _COUNTS,
    ("chr", 0): ("65", "228", "8364", "128512", "0", "-1"),
    ("factorial", 0): ("0", "1", "5", "20", "30", "-1"),
    ("array_fill", 1): ("{3}", "{0}", "{2,2}"),
    ("array_fill", 2): ("{1}", "{0}", "{1,1}"),
    ("power", 1): ("0", "2", "-1", "0.5", "3"),
    ("pow", 1): ("0", "2", "-1", "0.5", "3"),
    ("exp", 0): ("0", "1", "-1.5", "10"),
    ("set_bit", 2): ("0", "1"),
    ("set_byte", 2): ("0", "255", "7"),
    ("round", 1): ("0", "2", "-1", "5"),
    ("trunc", 1): ("0", "2", "-1", "5"),
    ("jsonb_set_lax", 4): ("use_json_null", "return_target", "delete_key", "raise_exception"),
    ("make_date", 0): ("2024", "1", "-44", "0"),
    ("trim_array", 1): ("0", "1"),
    ("to_ascii", 1): ("8", "9", "16"),  # LATIN1, LATIN2, LATIN9
}
"""Texts for an argument of a function, by its name and the argument's place."""

_OPERANDS: dict[str, tuple[str, ...]] = {
    "^": ("0", "2", "-1", "3"),
    "<<": ("0", "1", "3"),
    ">>": ("0", "1", "3"),
    **dict.fromkeys(("~", "!~", "~*", "!~*"), _REGEXES),
}


def literal(random: Random, sql_type: str) -> str:
    """Return the text of a constant of a type."""
    return random.choice(LITERALS[sql_type])


def argument(random: Random, name: str, place: int, types: tuple[str, ...]) -> str | None:
    """Return a text for a function's argument where not any value will do."""
    if name == "to_char" and place == 1:
        return random.choice(
            _MOMENT_PATTERNS if types[0] in ("timestamp", "timestamptz", "interval") else _NUMBER_PATTERNS
        )
    if name.startswith("regexp_") and types[place] == "text" and place == 1:
        return random.choice(_REGEXES)
    if name.startswith("regexp_") and types[place] == "text" and place == len(types) - 1 and place > 2:
        return random.choice(_FLAGS)
    if name.startswith("make_") and types[place] in ("int4", "float8") and name != "make_interval":
        return random.choice(("1", "2", "12", "28", "23", "2024", "0"))
    known = ARGUMENTS.get((name, place))
    return random.choice(known) if known else None


def operand(random: Random, name: str) -> str | None:
    """Return a text for an operator's right operand where not any value will do."""
    known = _OPERANDS.get(name)
    return random.choice(known) if known else None


def quoted(text: str) -> str:
    """Return a text as a constant."""
    return "'" + text.replace("'", "''") + "'"
