"""What is compared in `benchmarks.functions`: what PostgreSQL's SQL says, and the engine's own nearest to it.

Columns: ``b`` boolean; ``i2``, ``i4``, ``i8`` integers, ``j4``, ``j8`` small ones that are not 0; ``n`` numeric(15,2),
``m`` numeric(10,4); ``f4``, ``f8``, ``g8`` floats, ``p8`` one between 0 and 1; ``s`` a text of a few words, ``w`` one
word, ``o`` one of other letters than ASCII's; ``c`` char(8); ``d``, ``e`` dates; ``ts``, ``us`` timestamps; ``tz``,
``uz`` timestamptz; ``iv`` interval; ``tm`` time; ``by`` bytea; ``a`` bigint[]; ``xi``, ``xn``, ``xf``, ``xd``, ``xt``
texts of integers, numerics, floats, dates and timestamps; ``k`` a thousand groups.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    """An expression, and the engine's own that comes nearest. ``why`` says what the nearest lacks, where it is another
    function.
    """

    asked: str
    nearest: str
    why: str = ""

    @property
    def name(self) -> str:
        """What the report calls it."""
        return self.asked


def _alike(*expressions: str) -> tuple[Pair, ...]:
    """Return expressions that the engine has by the same words."""
    return tuple(Pair(one, one) for one in expressions)


NUMBERS: tuple[Pair, ...] = (
    *_alike("i4 + j4", "i4 - j4", "i4 * j4", "i4 / j4", "i4 % j4", "i8 + j8", "i8 - j8", "i8 * j8", "i8 / j8"),
    *_alike("i8 % j8", "i2 + i2", "i4 + i8", "-i4", "-i8", "abs(i4)", "i4 & j4", "i4 | j4", "i4 >> 3", "i8 >> 3"),
    Pair("~i4", "-1 - i4", "the engine has no ~"),
    Pair("i4 # j4", "i4 ^ j4"),
    *_alike("gcd(i8, j8)", "lcm(j8, j8)", "n + m", "n - m", "n * m", "n / m", "n % m", "i4 * n", "n / j4", "n / 7"),
    Pair("div(n, m)", "trunc(n / m)"),
    *_alike("-n", "abs(n)", "round(n)", "round(n, 1)", "round(m, 2)", "ceil(n)", "floor(n)", "trunc(n)", "trunc(m, 1)"),
    Pair("sign(n)", "signum(n)"),
    Pair("sqrt(n)", "sqrt(n)", "the engine's is of double precision"),
    Pair("power(n, 2)", "power(n, 2)"),
    Pair("ln(n)", "ln(n)", "the engine's is of double precision"),
    Pair("mod(n, 7)", "n % 7"),
    *_alike("f8 + g8", "f8 - g8", "f8 * g8", "f8 / g8", "f4 + f4", "f4 * f4", "f4 / f4", "f8 * 2", "-f8", "abs(f8)"),
    *_alike("round(f8)", "ceil(f8)", "floor(f8)", "trunc(f8)", "sqrt(p8)", "cbrt(f8)", "exp(p8)", "ln(p8)", "log(p8)"),
    Pair("sign(f8)", "signum(f8)"),
    *_alike("power(p8, 2)", "power(p8, p8)", "sin(f8)", "cos(f8)", "tan(f8)", "cot(f8)", "asin(p8)", "acos(p8)"),
    *_alike("atan(f8)", "atan2(f8, g8)", "sinh(p8)", "cosh(p8)", "tanh(p8)", "degrees(f8)", "radians(f8)"),
    Pair("width_bucket(p8, 0, 1, 10)", "CAST(floor((p8 - 0) / (1 - 0) * 10) + 1 AS INT)", "written out"),
    Pair("to_hex(i4)", "to_hex(i4)"),
    Pair("random()", "random()"),
    Pair("random(1, 100)", "CAST(floor(random() * 100) + 1 AS INT)", "written out"),
    Pair("random_normal()", "sqrt(-2 * ln(random())) * cos(6.283 * random())", "by Box and Muller"),
    Pair("gen_random_uuid()", "uuid()"),
    Pair("uuidv7()", "uuid()", "not in order"),
    *_alike("i4 = j4", "i4 < j4", "n < m", "n < 100.5", "f8 < g8", "f8 = g8", "f8 < 0.5", "i4 BETWEEN 1 AND 500"),
    *_alike("i4 IN (1, 2, 3)", "n IN (1.5, 2.5)", "f8 IN (1.5, 2.5)", "i4 IS DISTINCT FROM j4"),
    *_alike("f8 IS DISTINCT FROM g8", "f8 BETWEEN 0.1 AND 0.9", "greatest(i4, j4)", "greatest(n, m)"),
    *_alike("greatest(f8, g8)", "least(f8, g8)", "coalesce(f8, g8)", "coalesce(i4, 0)", "nullif(i4, 5)"),
    *_alike("nullif(f8, 0)", "CASE WHEN i4 > 5 THEN n ELSE m END"),
)

TEXTS: tuple[Pair, ...] = (
    *_alike("s || w", "s || i4", "s || n", "concat(s, w)", "concat(s, i4, b)", "concat_ws(',', s, w)"),
    Pair("s || f8", "s || f8"),
    Pair("s || d", "s || d"),
    *_alike("upper(s)", "lower(s)", "upper(o)", "lower(o)", "initcap(s)", "length(s)", "length(o)", "octet_length(s)"),
    Pair("upper(s || w)", "upper(s || w)"),
    *_alike("bit_length(s)", "substr(s, 2, 5)", "substring(s from 3)", "left(s, 4)", "right(s, 4)", "trim(s)"),
    *_alike("ltrim(s, 'ab')", "strpos(s, 'e')", "lpad(w, 12)", "lpad(w, j4 % 20)", "rpad(w, 12, 'x')", "repeat(w, 3)"),
    *_alike("repeat(w, j4 % 3)", "replace(s, 'a', 'bb')", "reverse(s)", "translate(s, 'abc', 'xyz')", "ascii(s)"),
    Pair("chr(j4)", "chr(j4)"),
    *_alike("split_part(s, ' ', 2)", "overlay(s placing 'xx' from 2 for 3)", "md5(s)", "starts_with(s, 'ab')"),
    Pair("encode(by, 'hex')", "encode(by, 'hex')"),
    Pair("decode(md5(s), 'hex')", "decode(md5(s), 'hex')"),
    Pair("octet_length(by)", "character_length(encode(by, 'hex')) / 2", "the engine's is of texts"),
    Pair("length(by)", "character_length(encode(by, 'hex')) / 2", "the engine's is of texts"),
    Pair("by || by", "concat(by, by)", "the engine's is of texts"),
    Pair("md5(by)", "md5(by)"),
    Pair("format('%s-%s', s, i4)", "concat(s, '-', i4)"),
    *_alike("s LIKE 'a%'", "s LIKE '%ab%'", "s LIKE 'a_b%'", "s ILIKE '%AB%'", "s NOT LIKE '%ab'"),
    Pair("s ~ 'a.c'", "s ~ 'a.c'"),
    Pair("s ~* 'A.C'", "s ~* 'A.C'"),
    Pair("s SIMILAR TO '(a|b)%'", "s ~ '^(?:(a|b).*)$'", "as a regular expression"),
    Pair("regexp_replace(s, 'a.', 'x')", "regexp_replace(s, 'a.', 'x')"),
    Pair("regexp_replace(s, 'a.', 'x', 'g')", "regexp_replace(s, 'a.', 'x', 'g')"),
    Pair("regexp_count(s, 'a.')", "regexp_count(s, 'a.')"),
    Pair("regexp_match(s, 'a(.)')", "regexp_match(s, 'a(.)')"),
    Pair("substring(s from 'a(.)')", "regexp_match(s, 'a(.)')[1]"),
    Pair("regexp_split_to_array(s, ' +')", "string_to_array(s, ' ')", "no regular expression"),
    *_alike("string_to_array(s, ' ')", "s = w", "s < w", "s = 'abc'", "s IN ('abc', 'def')", "greatest(s, w)"),
    *_alike("coalesce(s, w)", "nullif(s, 'abc')"),
    Pair("c = 'abc'", "c = 'abc     '", "with its blanks"),
    Pair("length(c)", "length(rtrim(c))"),
    Pair("upper(c)", "upper(rtrim(c))"),
    Pair("c || s", "rtrim(c) || s"),
)

MOMENTS: tuple[Pair, ...] = (
    Pair("d + 7", "d + 7"),
    Pair("d + j4", "CAST(CAST(d AS INT) + j4 AS DATE)", "the engine adds intervals alone"),
    Pair("d - e", "CAST(d AS INT) - CAST(e AS INT)", "the engine's is a duration"),
    Pair("d + interval '1 month'", "CAST(d AS TIMESTAMP(6)) + interval '1 month'"),
    Pair("ts + interval '1 day'", "ts + interval '1 day'"),
    Pair("ts - interval '1 month'", "ts - interval '1 month'"),
    Pair("tz + interval '1 day'", "tz + interval '1 day'"),
    Pair("ts + iv", "ts + iv"),
    Pair("ts - us", "ts - us", "the engine's is a duration"),
    Pair("tz - uz", "tz - uz", "the engine's is a duration"),
    Pair("age(ts, us)", "ts - us", "the engine has durations alone"),
    Pair("tm - tm", "tm - tm"),
    Pair("tm + interval '1 hour'", "tm + interval '1 hour'"),
    Pair("d + tm", "CAST(d AS TIMESTAMP(6)) + (tm - CAST('00:00:00' AS TIME))"),
    Pair("iv + iv", "iv + iv"),
    Pair("iv * 2", "iv + iv", "the engine multiplies none"),
    Pair("iv * p8", "iv + iv", "the engine multiplies none"),
    Pair("iv / 3", "iv + iv", "the engine divides none"),
    Pair("-iv", "-iv"),
    Pair("iv < interval '1 day'", "iv < interval '1 day'"),
    *(
        Pair(f"extract({field} from {column})", f"date_part('{field}', {column})", "the engine's is a whole number")
        for field, column in (
            ("year", "d"), ("month", "d"), ("dow", "d"), ("quarter", "d"), ("week", "d"), ("doy", "ts"),
            ("hour", "ts"), ("year", "tz"), ("second", "ts"), ("epoch", "ts"), ("epoch", "d"), ("hour", "tm"),
        )
    ),
    Pair("extract(century from d)", "ceil(date_part('year', d) / 100.0)", "written out"),
    Pair("extract(day from iv)", "date_part('day', iv)"),
    Pair("date_part('year', ts)", "CAST(date_part('year', ts) AS DOUBLE)"),
    *(
        Pair(f"date_trunc('{unit}', {column})", f"date_trunc('{unit}', {column})")
        for unit, column in (
            ("month", "ts"), ("day", "ts"), ("hour", "ts"), ("year", "ts"), ("week", "ts"), ("month", "tz"),
            ("day", "tz"), ("month", "d"), ("quarter", "d"),
        )
    ),
    Pair("ts AT TIME ZONE 'UTC'", "arrow_cast(ts, 'Timestamp(Microsecond, Some(\"UTC\"))')"),
    Pair("tz AT TIME ZONE 'Europe/Berlin'",
         "to_local_time(arrow_cast(tz, 'Timestamp(Microsecond, Some(\"Europe/Berlin\"))'))"),
    Pair("ts AT TIME ZONE 'Europe/Berlin'", "arrow_cast(ts, 'Timestamp(Microsecond, Some(\"+01:00\"))')",
         "of one offset: the engine fails in the hours that a zone's clock leaves out"),
    Pair("make_date(2000 + j4 % 20, 1 + j4 % 12, 1 + j4 % 28)", "make_date(2000 + j4 % 20, 1 + j4 % 12, 1 + j4 % 28)"),
    Pair("to_timestamp(p8 * 1e9)", "to_timestamp(p8 * 1e9)"),
    Pair("to_char(d, 'YYYY-MM-DD')", "to_char(d, '%Y-%m-%d')"),
    Pair("to_char(ts, 'YYYY-MM-DD HH24:MI:SS')", "to_char(ts, '%Y-%m-%d %H:%M:%S')"),
    Pair("to_date(xd, 'YYYY-MM-DD')", "to_date(xd, '%Y-%m-%d')"),
    Pair("to_timestamp(xt, 'YYYY-MM-DD HH24:MI:SS')", "to_timestamp(xt, '%Y-%m-%d %H:%M:%S')"),
    *_alike("d = e", "d < e", "ts < us", "d < DATE '1999-01-01'", "greatest(d, e)", "coalesce(ts, us)"),
    Pair("d < ts", "CAST(d AS TIMESTAMP(6)) < ts"),
    Pair("tz < timestamptz '2001-01-01'", "tz < arrow_cast('2001-01-01', 'Timestamp(Microsecond, Some(\"UTC\"))')"),
    Pair("tm < time '12:00'", "tm < CAST('12:00:00' AS TIME)"),
)  # fmt: skip

CASTS: tuple[Pair, ...] = (
    *(
        Pair(f"{value}::{name}", f"CAST({value} AS {name})")
        for value, name in (
            ("i4", "bigint"), ("i8", "int"), ("i2", "int"), ("j4", "smallint"), ("n", "int"), ("n", "bigint"),
            ("n", "numeric(12,1)"),
            ("n", "double precision"), ("i4", "numeric"), ("i8", "numeric(20,2)"), ("f8", "int"), ("f8", "bigint"),
            ("f8", "real"), ("f8", "numeric(20,4)"), ("f4", "double precision"), ("i4", "double precision"),
            ("b", "text"), ("s", "varchar(4)"), ("i4", "boolean"), ("b", "int"), ("ts", "date"), ("d", "timestamp(6)"),
        )
    ),
    Pair("f8::numeric", "CAST(f8 AS DECIMAL(38, 15))", "of fifteen digits behind the point"),
    Pair("by::text", "encode(by, 'hex')"),
    Pair("tz::date", "CAST(tz AS DATE)"),
    Pair("ts::timestamp(0)", "date_trunc('second', ts)", "cuts"),
    Pair("ts::time", "CAST(ts AS TIME)"),
    Pair("b::text || s", "CAST(b AS TEXT) || s"),
    Pair("s::char(5)", "rpad(left(s, 5), 5)"),
    Pair("s::bytea", "CAST(s AS BYTEA)"),
)  # fmt: skip

ARRAYS: tuple[Pair, ...] = (
    Pair("a[2]", "array_element(a, 2)"),
    Pair("a[1:2]", "array_slice(a, 1, 2)"),
    Pair("array_length(a, 1)", "array_length(a, 1)"),
    Pair("array_upper(a, 1)", "array_length(a, 1)"),
    Pair("cardinality(a)", "cardinality(a)"),
    Pair("array_append(a, i8)", "array_append(a, i8)"),
    Pair("a || a", "array_concat(a, a)"),
    Pair("array_position(a, 3)", "array_position(a, 3)"),
    Pair("array_replace(a, 3, 4)", "array_replace_all(a, 3, 4)"),
    Pair("array_to_string(a, ',')", "array_to_string(a, ',')"),
    Pair("3 = ANY (a)", "array_has(a, 3)"),
    Pair("a @> ARRAY[3]::bigint[]", "array_has_all(a, [3])"),
    Pair("a && ARRAY[3, 4]::bigint[]", "array_has_any(a, [3, 4])"),
    Pair("a = a", "a = a"),
    Pair("ARRAY[i8, j8]", "make_array(i8, j8)"),
    Pair("ROW(i4, j4) = ROW(j4, i4)", "i4 = j4 AND j4 = i4"),
    Pair("ROW(i4, j4) < ROW(j4, i4)", "i4 < j4 OR (i4 = j4 AND j4 < i4)"),
)

AGGREGATES: tuple[Pair, ...] = (
    *(
        Pair(f"{name}({value})", f"{name}({value})")
        for name, values in (
            ("sum", ("i2", "i4", "i8", "n", "m", "f4", "f8", "i4 * n", "n * (1 - m)")),
            ("avg", ("i4", "i8", "n", "f4", "f8")),
            ("min", ("i4", "n", "f8", "s", "d", "ts", "iv", "tm")),
            ("max", ("i4", "n", "f8", "s", "d")),
            ("count", ("i4", "DISTINCT i4", "DISTINCT f8", "DISTINCT s")),
            ("bool_and", ("b",)), ("bit_and", ("i4",)), ("bit_or", ("i4",)), ("bit_xor", ("i4",)),
            ("stddev_samp", ("f8", "i4", "n")), ("stddev_pop", ("f8",)), ("var_samp", ("f8", "n")), ("var_pop", ("n",)),
            ("corr", ("f8, g8",)), ("covar_pop", ("f8, g8",)), ("regr_slope", ("f8, g8",)), ("regr_r2", ("f8, g8",)),
            ("regr_count", ("f8, g8",)),
        )
        for value in values
    ),
    Pair("every(b)", "bool_and(b)"),
    Pair("any_value(s)", "first_value(s)"),
    Pair("any_value(f8)", "first_value(f8)"),
    Pair("sum(iv)", "count(iv)", "the engine adds no intervals"),
    Pair("avg(iv)", "count(iv)", "the engine adds no intervals"),
    Pair("array_agg(i4)", "array_agg(i4)"),
    Pair("array_agg(i4 ORDER BY i8)", "array_agg(i4 ORDER BY i8)"),
    Pair("array_agg(DISTINCT j4)", "array_agg(DISTINCT j4)"),
    Pair("string_agg(w, ',')", "string_agg(w, ',')"),
    Pair("string_agg(w, ',' ORDER BY i8)", "string_agg(w, ',' ORDER BY i8)"),
    Pair("string_agg(DISTINCT w, ',')", "string_agg(DISTINCT w, ',')"),
    Pair("percentile_cont(0.5) WITHIN GROUP (ORDER BY f8)", "median(f8)"),
    Pair("percentile_disc(0.5) WITHIN GROUP (ORDER BY i4)", "median(i4)"),
    Pair("mode() WITHIN GROUP (ORDER BY j4)", "median(j4)", "the engine has none"),
    Pair("rank(5) WITHIN GROUP (ORDER BY i4)", "count(*) FILTER (WHERE i4 < 5) + 1", "written out"),
    Pair("sum(n) FILTER (WHERE i4 > 0)", "sum(n) FILTER (WHERE i4 > 0)"),
    Pair("sum(f8) FILTER (WHERE i4 > 0)", "sum(f8) FILTER (WHERE i4 > 0)"),
    Pair("avg(n) FILTER (WHERE i4 > 0)", "avg(n) FILTER (WHERE i4 > 0)"),
    Pair("sum(DISTINCT j4)", "sum(DISTINCT j4)"),
    Pair("json_agg(i4)", "array_agg(i4)", "the engine has none"),
)  # fmt: skip

WINDOWS: tuple[Pair, ...] = tuple(
    Pair(f"{call} OVER (PARTITION BY k ORDER BY {key})", f"{call} OVER (PARTITION BY k ORDER BY {key} NULLS LAST)")
    for call, key in (
        ("row_number()", "i4"), ("rank()", "i4"), ("dense_rank()", "f8"), ("ntile(4)", "i4"), ("percent_rank()", "i4"),
        ("cume_dist()", "i4"), ("lag(i4)", "i8"), ("lead(s, 2)", "i8"), ("first_value(n)", "i8"),
        ("nth_value(n, 2)", "i8"), ("sum(i4)", "i8"), ("sum(i8)", "i8"), ("sum(n)", "i8"), ("sum(f8)", "i8"),
        ("avg(n)", "i8"), ("avg(f8)", "i8"), ("avg(i4)", "i8"), ("min(f8)", "i8"), ("max(n)", "i8"), ("count(*)", "i8"),
        ("stddev_samp(f8)", "i8"),
    )
)  # fmt: skip

PUT_OUT: tuple[Pair, ...] = (  # the engine counts values without making their texts
    *(
        Pair(f"{value}::text", f"CAST({value} AS TEXT)")
        for value in ("i4", "i8", "n", "f4", "f8", "d", "ts", "tz", "tm", "iv", "a")
    ),
    *(
        Pair(value, f"CAST({value} AS TEXT)")
        for value in (
            "n", "n * m", "n / m", "n / 7", "n / j4", "greatest(n, m)", "coalesce(n, m)",
            "CASE WHEN i4 > 5 THEN n ELSE m END",
        )
    ),
    Pair("f8::numeric", "CAST(CAST(f8 AS DECIMAL(38, 15)) AS TEXT)", "of fifteen digits behind the point"),
)  # fmt: skip
