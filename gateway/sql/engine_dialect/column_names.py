"""Names of output columns that a query does not name, as PostgreSQL names them (its ``FigureColname``).

A client's columns are named by the mirror. But inside of a statement such a name is spoken of from around it: ``SELECT
sum FROM (SELECT sum(a) FROM t) x``.
"""

from __future__ import annotations

from collections import Counter

from sqlglot import exp

from optimizer.census import Census

_UNNAMED = "?column?"
_FUNCTIONS: dict[type[exp.Expr], str] = {  # those that the parser reads without keeping their name
    exp.Array: "array",
    exp.AtTimeZone: "timezone",
    exp.Case: "case",
    exp.Coalesce: "coalesce",
    exp.CurrentCatalog: "current_catalog",
    exp.CurrentDatabase: "current_database",
    exp.CurrentDate: "current_date",
    exp.CurrentTimestamp: "current_timestamp",
    exp.CurrentUser: "current_user",
    exp.Exists: "exists",
    exp.Extract: "extract",
    exp.Greatest: "greatest",
    exp.GroupConcat: "string_agg",
    exp.Grouping: "grouping",
    exp.Least: "least",
    exp.Localtimestamp: "localtimestamp",
    exp.Mode: "mode",
    exp.Nullif: "nullif",
    exp.Overlaps: "overlaps",
    exp.Overlay: "overlay",
    exp.PercentileCont: "percentile_cont",
    exp.PercentileDisc: "percentile_disc",
    exp.SessionUser: "session_user",
    exp.StrPosition: "position",
    exp.Substring: "substring",
    exp.Tuple: "row",
}
_TYPES: dict[exp.DType, str] = {
    exp.DType.BIGINT: "int8",
    exp.DType.BOOLEAN: "bool",
    exp.DType.CHAR: "bpchar",
    exp.DType.DECIMAL: "numeric",
    exp.DType.DOUBLE: "float8",
    exp.DType.FLOAT: "float4",
    exp.DType.INT: "int4",
    exp.DType.SMALLINT: "int2",
    exp.DType.TIMESTAMPTZ: "timestamptz",
    exp.DType.TIMETZ: "timetz",
    exp.DType.VARBINARY: "bytea",
}
_INSIDE = (exp.Paren, exp.Collate, exp.Bracket, exp.Window, exp.Filter, exp.WithinGroup)


def name_columns(census: Census, sql: str) -> None:
    """Name the columns of the queries inside of a statement, in place. ``sql`` is its text, in which the names of its
    functions stand. Where a name comes twice, the later ones get names that nobody can speak of: in PostgreSQL they are
    ambiguous.
    """
    for query in census.find_all(exp.Select):
        if query is not census.nodes[0] and not _is_value(query):
            _name(query, sql)


def _is_value(query: exp.Select) -> bool:
    """Whether it is a subquery in an expression: nobody sees its column's name."""
    parent = query.parent
    return isinstance(parent, exp.Exists | exp.In) or (
        isinstance(parent, exp.Subquery)
        and not isinstance(parent.parent, exp.From | exp.Join | exp.Lateral | exp.SetOperation | exp.Subquery | exp.CTE)
    )


def _name(query: exp.Select, sql: str) -> None:
    seen: Counter[str] = Counter()
    for column in query.expressions:
        if isinstance(column, exp.Star) or (isinstance(column, exp.Column | exp.Dot) and column.is_star):
            continue
        name = column.alias_or_name if isinstance(column, exp.Alias | exp.Column) else column_name(column, sql)
        folded = name if _is_quoted(column) else name.lower()
        seen[folded] += 1
        if seen[folded] > 1:
            folded = f"{folded}:{seen[folded]}"
        elif isinstance(column, exp.Alias | exp.Column):
            continue
        alias = exp.to_identifier(folded, quoted=True)
        if isinstance(column, exp.Alias):
            column.set("alias", alias)
        else:
            named = exp.Alias(alias=alias)
            column.replace(named)
            named.set("this", column)


def _is_quoted(column: exp.Expr) -> bool:
    identifier = column.args.get("alias") if isinstance(column, exp.Alias) else column.this
    return not isinstance(identifier, exp.Identifier) or bool(identifier.args.get("quoted"))


def column_name(node: exp.Expr, sql: str) -> str:
    """Return the name of an unnamed output column."""
    return _figured(node, sql)[0] or _UNNAMED


def _figured(node: exp.Expr, sql: str) -> tuple[str, bool]:
    """Return a name, "" for none, and whether it is one that a cast around it leaves."""
    if isinstance(node, exp.Column | exp.Alias):
        return node.alias_or_name, True
    if isinstance(node, exp.Dot):
        return node.expression.name, True
    if isinstance(node, _INSIDE):
        return _figured(node.this, sql)
    if isinstance(node, exp.Cast):
        name, strong = _figured(node.this, sql)
        return (name, True) if strong else (_type_name(node.to), False)
    if isinstance(node, exp.Interval):
        return "interval", False
    if isinstance(node, exp.Case):
        name, strong = _figured(node.args["default"], sql) if node.args.get("default") is not None else ("", False)
        return (name, True) if strong else ("case", False)
    if isinstance(node, exp.Subquery):
        query = node.unnest()
        return _figured(query.selects[0], sql) if isinstance(query, exp.Query) and query.selects else ("", False)
    name = _function_name(node, sql)
    return name, bool(name)


def _function_name(node: exp.Expr, sql: str) -> str:
    if isinstance(node, exp.Trim):
        return {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position") or "").upper(), "btrim")
    if isinstance(node, exp.Func) and not isinstance(node, exp.And | exp.Or | exp.Cast):
        start, end = node.meta.get("start"), node.meta.get("end")
        if isinstance(start, int) and isinstance(end, int):
            return sql[start : end + 1].strip('"').lower()
        if isinstance(node, exp.Anonymous):
            return node.name.lower()
    return _FUNCTIONS.get(type(node), "")


def _type_name(sql_type: exp.DataType) -> str:
    if isinstance(sql_type.this, exp.DType):
        if sql_type.this is exp.DType.ARRAY and sql_type.expressions:
            return _type_name(sql_type.expressions[0])
        return _TYPES.get(sql_type.this, str(sql_type.this.value).lower())
    return ""
