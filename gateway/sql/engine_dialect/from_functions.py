"""Functions in FROM, before names are qualified: what the parser and `qualify` leave unnamed gets PostgreSQL's names,
and what is no array or series becomes a query.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect.build import named
from gateway.sql.engine_dialect.set_functions import SPLIT, Rows, get_record_rows, get_rows, take_apart
from optimizer.census import Census, take_census
from optimizer.copies import copied

SCALAR = "scalar"  # in a derived table's meta: its rows are values, for which its alias stands
_SERIES = (exp.ExplodingGenerateSeries, exp.GenerateSeries)
_SETS = (exp.Unnest, exp.Explode, *_SERIES)
_OF_SETS = frozenset(  # functions of PostgreSQL's that return sets: they are no values
    (
        *("generate_subscripts", "json_array_elements", "json_array_elements_text", "json_each", "json_each_text"),
        *("json_object_keys", "json_populate_record", "json_populate_recordset", "json_to_record", "json_to_recordset"),
        *("jsonb_array_elements", "jsonb_array_elements_text", "jsonb_each", "jsonb_each_text", "jsonb_object_keys"),
        *("jsonb_path_query", "jsonb_path_query_tz", "jsonb_populate_record", "jsonb_populate_recordset"),
        *("jsonb_to_record", "jsonb_to_recordset", "json_table", "xmltable", "regexp_matches", "ts_stat", "ts_parse"),
        *("ts_debug", "unnest", "generate_series", "string_to_table", "regexp_split_to_table", "aclexplode"),
    )
)


def complete(tree: exp.Expr, census: Census) -> Census:
    """Name the columns of functions in FROM, in place, and spell out those that `sources` does not know. Returns what
    the tree has then.
    """
    holders = census.find_all(exp.From, exp.Join)
    if not census.has(exp.Anonymous) and all(_is_no_function(holder.this) for holder in holders):
        return census
    for holder in holders:
        item = _without_lateral(holder.this)
        function = _function(item)
        if isinstance(item, exp.Table) and item.args.get("rows_from"):
            _several(holder, item, [_function(one) for one in item.args["rows_from"]])
        elif isinstance(function, exp.Unnest) and len(function.expressions) > 1:
            _several(holder, item, [exp.Unnest(expressions=[one]) for one in function.expressions])
        elif isinstance(function, _SERIES):
            if function.find(exp.Query) is not None and not _has_ordinality(item):
                _several(holder, item, [function], "generate_series")  # of queries there, sqlglot tells no types
            else:
                _name_series(item)
        elif (rows := get_rows(function) or get_record_rows(function, _declared(item))) is not None:
            assert function is not None
            _of_rows(holder, item, function, rows)
        elif function is not None and not isinstance(function, _SETS):
            _other(holder, item, function)
    take_apart(tree)
    return take_census(tree)


def _is_no_function(item: exp.Expr) -> bool:
    if isinstance(item, exp.Table):
        return isinstance(item.this, exp.Identifier) and not item.args.get("rows_from")
    return isinstance(item, exp.Subquery)


def _without_lateral(item: exp.Expr) -> exp.Expr:
    """``LATERAL unnest(t.a)`` says what is so of every function in FROM, and `qualify` does not know its columns."""
    if not (isinstance(item, exp.Lateral) and isinstance(item.this, exp.Unnest)):
        return item
    unnest: exp.Expr = item.this
    unnest.set("alias", item.args.get("alias"))
    item.replace(unnest)
    return unnest


def _function(item: object) -> exp.Expr | None:
    """Return the function that an item of FROM is, or None."""
    if isinstance(item, exp.Unnest):
        return item
    if isinstance(item, exp.Table | exp.Lateral) and isinstance(item.this, exp.Func | exp.Unnest):
        return item.this
    return None


def _has_ordinality(item: exp.Expr) -> bool:
    return bool(item.args.get("ordinality") or item.args.get("offset"))


def _names(item: exp.Expr) -> tuple[str, list[str]]:
    """Return an item's alias, "" for none, and the names of its columns as far as they are given."""
    alias = item.args.get("alias")
    if alias is None:
        return "", []
    names = [*(alias.args.get("columns") or ())]
    if isinstance(item, exp.Unnest) and isinstance(item.args.get("offset"), exp.Identifier):
        names.append(item.args["offset"])  # the parser takes the last name for the ordinality's
    return _folded(alias.this), [_folded(one) for one in names]


def _folded(identifier: exp.Expr | None) -> str:
    if identifier is None:
        return ""
    if isinstance(identifier, exp.ColumnDef):
        return _folded(identifier.this)
    return identifier.name if identifier.args.get("quoted") else identifier.name.lower()


def _alias(name: str, columns: list[str]) -> exp.TableAlias:
    return exp.TableAlias(
        this=exp.to_identifier(name, quoted=True), columns=[exp.to_identifier(one, quoted=True) for one in columns]
    )


def _name_series(item: exp.Expr) -> None:
    """``generate_series(…) AS g`` has the column ``g``, and ``ordinality``."""
    alias, given = _names(item)
    all_names = [alias or "generate_series", *(["ordinality"] if _has_ordinality(item) else [])]
    item.set("alias", _alias(alias or "generate_series", given + all_names[len(given) :]))
    open_ = any(not column.table for column in item.this.find_all(exp.Column)) or _is_beside_lateral(item)
    if open_ and not _has_ordinality(item) and not item.args.get("joins"):  # `qualify` looks for names in arrays alone
        item.replace(exp.Unnest(expressions=[copied(item.this)], alias=copied(item.args["alias"])))


def _is_beside_lateral(item: exp.Expr) -> bool:
    """Whether a query in LATERAL may name an item's columns without the item's name."""
    select = item.find_ancestor(exp.Select)
    joins = select.args.get("joins") or () if select is not None else ()
    return any(isinstance(one.this, exp.Lateral) and isinstance(one.this.this, exp.Subquery) for one in joins)


def _other(holder: exp.Expr, item: exp.Expr, function: exp.Expr) -> None:
    """``FROM t, upper(t.a) AS u``: one row with the function's value; and functions that split a text into rows."""
    name = function.name.lower() if isinstance(function, exp.Anonymous) else ""
    if name in SPLIT:
        array = exp.func(SPLIT[name], *(copied(one) for one in function.expressions), dialect="postgres")
        _several(holder, item, [exp.Unnest(expressions=[array])], name)
        return
    if name in _OF_SETS or isinstance(function, exp.AggFunc | exp.JSONExtract) or _has_ordinality(item):
        return
    _several(holder, item, [function], name or _plain_name(function))


def _declared(item: exp.Expr) -> list[exp.Expr]:
    """Return the columns of an item's alias, as they are written."""
    alias = item.args.get("alias")
    return [*(alias.args.get("columns") or ())] if isinstance(alias, exp.TableAlias) else []


def _of_rows(holder: exp.Expr, item: exp.Expr, function: exp.Expr, rows: Rows) -> None:
    """``FROM t, jsonb_each(t.j) AS e``: the columns of the function's rows, side by side."""
    name = str(function.name).lower()
    alias, given = _names(item)
    names = [column or alias or name for column, _ in rows.columns]
    values = [value for _, value in rows.columns]
    if _has_ordinality(item):
        size = _size(values[0])
        if size is None:
            return
        values.append(exp.cast(exp.ExplodingGenerateSeries(start=exp.Literal.number(1), end=size), "bigint"))
        names.append("ordinality")
    columns = [named(value, one) for value, one in zip(values, given + names[len(given) :], strict=False)]
    _derive(holder, exp.Subquery(this=exp.Select(expressions=columns)), alias or name, scalar=len(values) == 1)


def _size(rows: exp.Expr) -> exp.Expr | None:
    """Return how many rows an array is taken apart to; None for what is no array."""
    bare = rows.this if isinstance(rows, exp.Cast) else rows
    return exp.ArraySize(this=copied(bare.this)) if isinstance(bare, exp.Explode) else None


def _derive(holder: exp.Expr, query: exp.Subquery, name: str, *, scalar: bool) -> None:
    label = exp.TableAlias(this=exp.to_identifier(name, quoted=True))
    if isinstance(holder, exp.From):
        query.set("alias", label)
        placed: exp.Expr = query
    else:
        placed = exp.Lateral(this=query, alias=label)
    placed.meta[SCALAR] = scalar
    holder.set("this", placed)


def _is_of_sets(function: exp.Expr) -> bool:
    return isinstance(function, exp.Anonymous) and function.name.lower() in _OF_SETS


def _plain_name(function: exp.Expr) -> str:
    return function.sql_name().lower() if isinstance(function, exp.Func) else "function"


def _several(holder: exp.Expr, item: exp.Expr, functions: list[exp.Expr | None], name: str = "unnest") -> None:
    """``unnest(a, b)`` and ``ROWS FROM (f, g)``: the rows of each side by side, the shorter ones filled with NULL, as
    functions in a select list are.
    """
    alias, given = _names(item)
    values: list[exp.Expr] = []
    names: list[str] = []
    for function in functions:
        own = "generate_series" if isinstance(function, _SERIES) else name
        if isinstance(function, exp.Unnest) and len(function.expressions) == 1:
            value: exp.Expr = exp.Explode(this=copied(function.expressions[0]))
        elif function is None or isinstance(function, exp.Unnest) or _is_of_sets(function):
            return
        else:
            value = copied(function)
        if len(functions) > 1 and not isinstance(value, exp.Explode | exp.ExplodingGenerateSeries):
            return  # the value of a single row
        values.append(value)
        names.append(alias if alias and len(functions) == 1 else own)
    if _has_ordinality(item):
        sizes = [exp.ArraySize(this=copied(one.this)) for one in values if isinstance(one, exp.Explode)]
        if len(sizes) < len(values):
            return
        longest = exp.Greatest(this=sizes[0], expressions=sizes[1:]) if len(sizes) > 1 else sizes[0]
        numbers = exp.ExplodingGenerateSeries(start=exp.Literal.number(1), end=longest)
        values.append(exp.cast(numbers, "bigint"))
        names.append("ordinality")
    names = given + names[len(given) :]
    columns = [named(value, one) for value, one in zip(values, names, strict=False)]
    _derive(holder, exp.Subquery(this=exp.Select(expressions=columns)), alias or name, scalar=len(columns) == 1)
