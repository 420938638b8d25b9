"""Which words a statement may hold that a source's server is to answer alone, read from the very text that is sent.

Every name of a table, column or alias in it is quoted, so that what is not quoted is SQL's own word, a type or a
function. Functions have to be built in and to depend on their arguments alone, or on settings that the gateway has set;
so none of them reads a file, a setting, a catalogue, another table or the clock.
"""

from __future__ import annotations

from gateway.sql.tokens import UnterminatedToken, tokens

STABLE_FUNCTIONS = [  # they depend on TimeZone, DateStyle and IntervalStyle at the most, which are the session's
    *("array_agg", "array_to_json", "array_to_string", "concat", "concat_ws", "date_bin", "date_part", "date_trunc"),
    *("extract", "format", "json_agg", "json_build_array", "json_build_object", "json_object_agg", "jsonb_agg"),
    *("jsonb_build_array", "jsonb_build_object", "jsonb_object_agg", "row_to_json", "string_agg", "timezone"),
    *("to_char", "to_date", "to_json", "to_jsonb", "to_number", "to_timestamp", "generate_series", "make_timestamptz"),
]
# A query, with its parameters, for the names under which everything built in is a function of its arguments, or one of
# those above.
PURE_FUNCTIONS = (
    """
    SELECT p.proname FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
    GROUP BY p.proname HAVING bool_and(p.prokind IN ('f', 'a', 'w') AND (p.provolatile = 'i' OR p.proname = ANY(%s)))
    """,
    (STABLE_FUNCTIONS,),
)
# Words of SQL that a parenthesis may follow.
_BEFORE_PARENTHESES = frozenset(
    (
        *("all", "and", "any", "array", "as", "between", "by", "case", "cast", "coalesce", "cube", "distinct"),
        *("else", "end", "except", "exists", "extract", "filter", "from", "greatest", "group", "grouping"),
        *("having", "in", "intersect", "is", "isnull", "join", "lateral", "least", "like", "ilike", "limit"),
        *("materialized", "not", "notnull", "nullif", "offset", "on", "or", "order", "ordinality", "over"),
        *("overlay", "partition", "position", "recursive", "rollup", "row", "rows", "select", "sets", "similar"),
        *("some", "substring", "then", "to", "trim", "union", "unnest", "using", "values", "when", "where"),
        *("window", "with", "within", "bit", "char", "character", "decimal", "interval", "numeric", "time"),
        *("timestamp", "timestamptz", "varchar", "varying"),
    )
)
# Words that are functions without parentheses, name what is looked up in a catalogue, or change what is read.
_REFUSED = frozenset(
    (
        *("current_catalog", "current_date", "current_role", "current_schema", "current_time"),
        *("current_timestamp", "current_user", "localtime", "localtimestamp", "session_user", "system_user"),
        *("user", "into", "share", "update", "tablesample", "operator", "xmltable", "json_table", "regclass"),
        *("regcollation", "regconfig", "regdictionary", "regnamespace", "regoper", "regoperator", "regproc"),
        *("regprocedure", "regrole", "regtype"),
    )
)


def has_allowed_words(text: str, functions: frozenset[str]) -> bool:
    """Whether a text calls nothing but ``functions``, and names nothing that depends on more than its tables."""
    try:
        words = tokens(text)
    except UnterminatedToken:
        return False
    called = [following.text == "(" for following in words[1:]] + [False]
    for index, word in enumerate(words):
        name = word.text.lower()
        if word.kind == "dollar" or (word.kind == "word" and name in _REFUSED):
            return False
        if not called[index] or word.kind not in {"word", "quoted"}:
            continue
        if word.kind == "quoted":  # an alias with a list of columns, and nothing else
            if not index or words[index - 1].text.upper() != "AS":
                return False
        elif name not in functions and name not in _BEFORE_PARENTHESES:
            return False
    return True
