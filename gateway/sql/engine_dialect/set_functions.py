"""PostgreSQL's functions that return rows, as arrays that the engine takes apart.

PostgreSQL gathers the rows of such a function in an array (`catalog.gathering_functions`); ``jsonb_each`` has one array
for each of its columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp, parse_one

from catalog.gathering_functions import COLUMNS, gathering_name
from gateway.sql.engine_dialect import sql_json

SPLIT = {"string_to_table": "string_to_array", "regexp_split_to_table": "regexp_split_to_array"}
"""Functions that split a text into rows, and those that split it into an array."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A function's rows: for each column its name, None where the function has none for it, and its values, of which
    each is a row.
    """

    columns: tuple[tuple[str | None, exp.Expr], ...]

    @property
    def is_scalar(self) -> bool:
        """Whether a row is one value, which the function's own name stands for."""
        return len(self.columns) == 1


def get_rows(function: exp.Expr | None) -> Rows | None:
    """Return the rows of one of PostgreSQL's functions, None for all else."""
    if not isinstance(function, exp.Anonymous):
        return None
    name = function.name.lower()
    if name == "json_table" and sql_json.is_marked(function):
        return Rows(tuple((column, exp.Explode(this=values)) for column, values in sql_json.columns(function)))
    if name == "generate_subscripts":
        return _subscripts(function)
    columns = COLUMNS.get(name)
    if columns is None:
        return None
    return Rows(tuple((column, _taken_apart(name, number, function)) for number, column in enumerate(columns)))


def get_record_rows(function: exp.Expr | None, columns: Sequence[exp.Expr]) -> Rows | None:
    """Return the rows of ``jsonb_to_recordset(…) AS r (a integer, b text)`` and its kin, whose columns the statement
    declares; None for all else.
    """
    name = function.name.lower() if isinstance(function, exp.Anonymous) else ""
    if name not in _RECORDS or not columns or not all(isinstance(one, exp.ColumnDef) for one in columns):
        return None
    assert isinstance(function, exp.Anonymous)
    kind, is_set = _RECORDS[name]
    argument = function.expressions[0]
    if isinstance(argument, exp.Literal):
        argument = exp.cast(argument.copy(), kind, dialect="postgres")
    whole = _taken_apart(f"{kind}_array_elements", 0, function) if is_set else argument
    return Rows(tuple((_folded(one.this), _member(whole, _folded(one.this), one.args["kind"])) for one in columns))


_RECORDS = {f"{kind}_to_record{rows}": (kind, bool(rows)) for kind in ("json", "jsonb") for rows in ("", "set")}


def _folded(name: exp.Expr) -> str:
    return name.name if name.args.get("quoted") else name.name.lower()


def _member(whole: exp.Expr, name: str, kind: exp.DataType) -> exp.Expr:
    """Return a member of an object as a value of a type; of an array the texts of its elements are read."""
    is_array = kind.this in (exp.DType.ARRAY, exp.DType.LIST)
    arrow = "->" if is_array or kind.this in (exp.DType.JSON, exp.DType.JSONB) else "->>"
    written = name.replace("'", "''")
    taken = parse_one(f"x {arrow} '{written}'", dialect="postgres").transform(
        lambda node: whole.copy() if isinstance(node, exp.Column) else node
    )
    if is_array:
        known = exp.Nullif(this=exp.cast(exp.Paren(this=taken), "text"), expression=exp.Literal.string("null"))
        name = gathering_name("json_array_elements_text", 0)
        texts = exp.Anonymous(this=name, expressions=[exp.cast(known.copy(), "json", dialect="postgres")])
        is_known = exp.Not(this=exp.Is(this=known, expression=exp.Null()))
        taken = exp.Case(ifs=[exp.If(this=is_known, true=exp.Cast(this=texts, to=kind.copy()))])
    return exp.Cast(this=exp.Paren(this=taken), to=kind.copy())


def _taken_apart(name: str, number: int, function: exp.Anonymous) -> exp.Expr:
    arguments = [one.copy() for one in function.expressions]
    rows: exp.Expr = exp.Explode(this=exp.Anonymous(this=gathering_name(name, number), expressions=arguments))
    if name == "regexp_matches":  # an array for each match: they are gathered as texts, for arrays in arrays are alike
        return exp.Cast(this=rows, to=exp.DataType.build("text[]", dialect="postgres"))
    return rows


def _subscripts(function: exp.Anonymous) -> Rows | None:
    array, dimension, *rest = (*function.expressions, exp.Literal.number(1))[: max(2, len(function.expressions))]
    ends = [_call(name, array, dimension) for name in ("array_lower", "array_upper")]
    step = None
    if rest:
        if not isinstance(rest[0], exp.Boolean):
            return None
        if rest[0].this:
            ends, step = ends[::-1], exp.Neg(this=exp.Literal.number(1))
    return Rows(((None, exp.ExplodingGenerateSeries(start=ends[0], end=ends[1], step=step)),))


def _call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=[one.copy() for one in arguments])


def take_apart(tree: exp.Expr) -> None:
    """Put the rows of functions in select lists in their place, in place; of several columns the one that is named."""
    for select in tree.find_all(exp.Select):
        for output in select.expressions:
            for function in list(output.find_all(exp.Anonymous)):
                if function.find_ancestor(exp.Select) is not select:
                    continue
                rows = get_rows(function)
                if rows is not None and rows.is_scalar:
                    function.replace(rows.columns[0][1])
                elif rows is not None:
                    _take_field(function, rows)
                elif (array := SPLIT.get(function.name.lower())) is not None:
                    function.replace(exp.Explode(this=exp.func(array, *function.expressions, dialect="postgres")))


def _take_field(function: exp.Expr, rows: Rows) -> None:
    """``(jsonb_each(j)).key``: one column of the rows, in place."""
    around = function.parent
    while isinstance(around, exp.Paren):
        around = around.parent
    if isinstance(around, exp.Dot) and isinstance(around.expression, exp.Identifier):
        wanted = _folded(around.expression)
        for name, values in rows.columns:
            if name == wanted:
                around.replace(values)
