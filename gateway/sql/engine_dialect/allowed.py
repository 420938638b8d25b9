"""What may be called: the functions whose rows agree with PostgreSQL's. All else is refused by its name."""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect.build import ENGINE, refuse
from gateway.sql.engine_dialect.call_marks import get_mark
from gateway.sql.engine_dialect.masks import is_keyed_call
from optimizer.census import Census

NAMES = frozenset(
    {
        "age",
        "all",
        "any",
        "array_length",
        "array_lower",
        "array_position",
        "array_replace",
        "array_upper",
        "btrim",
        "cardinality",
        "div",
        "every",
        "gcd",
        "lcm",
        "make_date",
        "mod",
        "octet_length",
        "random_normal",
        "regexp_match",
        "regexp_split_to_array",
        "clock_timestamp",
        "statement_timestamp",
        "transaction_timestamp",
        "uuidv4",
        "uuidv7",
    }
)
"""Functions that sqlglot has no class for."""

CLASSES: frozenset[type[exp.Expr]] = frozenset(
    {
        exp.Abs, exp.Acos, exp.And, exp.AnyValue, exp.Array, exp.ArrayAgg, exp.ArrayAppend, exp.ArrayConcat,
        exp.ArrayContainedBy, exp.ArrayContainsAll, exp.ArrayOverlaps, exp.ArrayPosition, exp.ArrayPrepend,
        exp.ArrayRemove, exp.ArraySize, exp.ArrayToString, exp.Ascii, exp.Asin, exp.Atan, exp.Atan2, exp.Avg,
        exp.BitLength, exp.BitwiseAndAgg, exp.BitwiseOrAgg, exp.BitwiseXorAgg, exp.ByteLength, exp.Case, exp.Cast,
        exp.Cbrt, exp.Ceil, exp.Chr, exp.Coalesce, exp.Concat, exp.ConcatWs, exp.Corr, exp.Cos, exp.Cosh, exp.Cot,
        exp.Count, exp.CovarPop, exp.CovarSamp, exp.CumeDist, exp.CurrentDate, exp.CurrentTimestamp, exp.DateTrunc,
        exp.Decode, exp.Degrees, exp.DenseRank, exp.Encode, exp.Exists, exp.Exp, exp.Explode,
        exp.ExplodingGenerateSeries, exp.Extract, exp.FirstValue, exp.Floor, exp.Format, exp.GenerateSeries,
        exp.Greatest, exp.GroupConcat, exp.Grouping, exp.Hex, exp.If, exp.Initcap, exp.Lag, exp.LastValue, exp.Lead,
        exp.Least, exp.Left, exp.Length, exp.Ln, exp.Localtimestamp, exp.Log, exp.LogicalAnd, exp.LogicalOr, exp.Lower,
        exp.LowerHex, exp.MD5, exp.Max, exp.Min, exp.Mode, exp.NthValue, exp.Ntile, exp.Nullif, exp.Or,
        exp.Overlaps, exp.Overlay,
        exp.Pad, exp.PercentRank, exp.PercentileCont, exp.PercentileDisc, exp.Pi, exp.Pow, exp.Radians, exp.Rand,
        exp.Rank, exp.RegrAvgx, exp.RegrAvgy, exp.RegrCount, exp.RegrIntercept, exp.RegrR2, exp.RegrSlope, exp.RegrSxx,
        exp.RegrSxy, exp.RegrSyy, exp.RegexpCount, exp.RegexpILike, exp.RegexpLike, exp.RegexpReplace,
        exp.RegexpSubstr, exp.Repeat,
        exp.Replace, exp.Reverse, exp.Right, exp.Round, exp.RowNumber, exp.Sign, exp.Sin, exp.Sinh, exp.SplitPart,
        exp.Sqrt, exp.StartsWith, exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.StrPosition, exp.StrToDate,
        exp.StrToTime, exp.StringToArray, exp.Substring, exp.Sum, exp.Tan, exp.Tanh, exp.TimeToStr, exp.TimestampTrunc,
        exp.Translate, exp.Trim, exp.Trunc, exp.Unicode, exp.UnixToTime, exp.Unnest, exp.Upper, exp.Uuid,
        exp.Variance,
        exp.VariancePop, exp.WidthBucket,
    }
)  # fmt: skip

REFUSED: dict[type[exp.Expr], str] = {
    exp.JSONExtract: "the operator -> of json",
    exp.JSONExtractScalar: "the operator ->> of json",
    exp.JSONBExtract: "the operator #> of json",
    exp.JSONBExtractScalar: "the operator #>> of json",
    exp.JSONBContainsTopKey: "the operator ? of jsonb",
    exp.Collate: "COLLATE",
    exp.BitString: "a bit string",
    exp.HexString: "a bit string",
    exp.MakeInterval: "function make_interval",
    exp.Kwarg: "an argument by name",
    exp.TableColumn: "a whole row as value",
    exp.Pivot: "PIVOT",
    exp.RecursiveWithSearch: "SEARCH or CYCLE of WITH RECURSIVE",
    exp.Dot: "a field of a composite value",
}
_FUNCTION_HINTS = {
    "setseed": "Random numbers of lake tables have no seed; call it in a statement that names none of them.",
}
_JSON_HINT = "Structs and json of lake tables are values to put out."


def check(census: Census) -> None:
    """Refuse the first function or construct that is not on the lists, by name."""
    asked = {one for one in census.classes if _may_be_refused(one)}
    for node in census.nodes:
        found = type(node)
        if found not in asked:
            continue
        if found in REFUSED:
            raise refuse(REFUSED[found], _hint(found))
        if found is exp.Anonymous:
            if node.meta.get(ENGINE):
                continue
            if node.name.lower() not in NAMES and not is_keyed_call(node) and get_mark(node) is None:
                raise refuse(f"function {node.name.lower()}", _FUNCTION_HINTS.get(node.name.lower()))
        elif found is exp.Is and not isinstance(node.expression, exp.Null | exp.Boolean):
            raise refuse("IS JSON")
        elif found is exp.Table and node.args.get("rows_from"):
            raise refuse("ROWS FROM of these functions", "Number the rows of each and join them by the number.")
        elif isinstance(node, exp.Func) and found not in CLASSES:
            raise refuse(f"function {_name(node)}")


def _may_be_refused(one: type[exp.Expr]) -> bool:
    known = one in CLASSES or not issubclass(one, exp.Func)
    return one in (exp.Anonymous, exp.Is, exp.Table) or one in REFUSED or not known


def _hint(refused: type[exp.Expr]) -> str | None:
    if refused is exp.RecursiveWithSearch:
        return "Carry the path as an array, and compare with = ANY (path)."
    if refused is exp.Collate:
        return 'Texts are compared as with COLLATE "C".'
    if refused is exp.Dot:
        return "Available are fields of rows of tables, of subqueries and of ROW(…); of json, use json_to_record."
    return _JSON_HINT if "json" in REFUSED[refused] else None


def _name(node: exp.Func) -> str:
    try:
        return node.sql_name().lower().replace("j_s_o_n_", "json_")
    except (AttributeError, IndexError):
        return type(node).__name__.lower()
