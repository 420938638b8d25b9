"""Before names are qualified: PostgreSQL's short forms that sqlglot's `qualify` does not complete."""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import pairwise

import sqlglot
from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.schema import MappingSchema
from sqlglot.tokenizer_core import Token, TokenType

from gateway.sql.engine_dialect import (
    after_qualify,
    column_aliases,
    column_names,
    from_functions,
    join_aliases,
    repeated_names,
    short_forms,
    spelling,
    value_lists,
)
from gateway.sql.engine_dialect.arranged_tokens import arranged, with_own_names
from gateway.sql.tokens import UnterminatedToken
from gateway.sql.tokens import tokens as own_tokens
from optimizer.census import Census, take_census
from optimizer.copies import copied

_ADJACENT = re.compile(r"\$\d+[^\s$]*\$")

_MAY_BE_SPECIAL = re.compile(r"\d_\d|0[xXoObB]")
_SPECIAL_NUMBER = re.compile(
    r"(?<![\w.])(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+"
    r"|\d+(?:_\d+)*\.(?:\d+(?:_\d+)*)?(?:[eE][+-]?\d+(?:_\d+)*)?|\d+(?:_\d+)*[eE][+-]?\d+(?:_\d+)*|\d+(?:_\d+)+)(?![\w.])"
)


def parse(sql: str) -> exp.Expr:
    """Parse one statement of PostgreSQL's. Raises `sqlglot.errors.SqlglotError` for what is none.

    What it does not read is respelt (`spelling`), short forms are spelt out (`short_forms`) and inner columns named.
    """
    tokens = _tokenized(sql)
    _read_numbers(tokens, sql)
    try:
        statements = Postgres().parser().parse(arranged(spelling.respelt(tokens)), sql)
    except TypeError as error:  # sqlglot's, where it makes a node of an operand that is missing
        raise sqlglot.errors.ParseError("an operand is missing") from error
    if len(statements) != 1 or statements[0] is None:
        raise sqlglot.errors.ParseError("one statement is expected")
    tree = statements[0]
    census = take_census(tree)
    if census.has(exp.Anonymous):
        census = take_census(with_own_names(tree))
    if census.has(exp.Bracket, exp.Array):
        _count_alike(tree)
        _keep_elements(tree)
        census = take_census(tree)
    column_names.name_columns(short_forms.spell_out(tree, census), sql)
    return tree


def _count_alike(tree: exp.Expr) -> None:
    """Take one off each constant subscript, in place: the parser does so but for what it takes for no array, as
    ``(a || b)[1]``.
    """
    for bracket in tree.find_all(exp.Bracket):
        taken_for = bracket.this.type
        if taken_for is None or taken_for.this in (exp.DType.UNKNOWN, exp.DType.ARRAY):
            continue
        for index in bracket.expressions:
            if isinstance(index, exp.Literal) and index.is_int:
                index.replace(exp.Literal.number(int(index.name) - 1))
            elif isinstance(index, exp.Neg) and index.this.is_int:
                index.replace(exp.Neg(this=exp.Literal.number(int(index.this.name) + 1)))


def _keep_elements(tree: exp.Expr) -> None:
    """Put the query of ``ARRAY[(SELECT …), b]`` into parentheses, in place: else it is read as ``ARRAY(SELECT …)``."""
    for array in tree.find_all(exp.Array):
        first = array.expressions[0] if array.expressions else None
        if isinstance(first, exp.Subquery) and (len(array.expressions) > 1 or array.args.get("value_constructor")):
            first.replace(exp.Paren(this=copied(first)))


def _tokenized(sql: str) -> list[Token]:
    """Cut a text into sqlglot's tokens. It takes ``$1,$2`` for the beginning of a string between two ``$1,$``, so each
    parameter is set apart from what follows; places in the text stay those of the text.
    """
    if _ADJACENT.search(sql) is None:
        return sqlglot.tokenize(sql, read="postgres")
    try:
        ends = [word.end for word in own_tokens(sql) if word.kind == "number" and word.text.startswith("$")]
    except UnterminatedToken:
        raise sqlglot.errors.ParseError("a string, a quoted identifier or a comment is not terminated") from None
    apart = " ".join(sql[start:end] for start, end in pairwise([0, *ends, len(sql)]))
    blanks = [end + count for count, end in enumerate(ends)]
    tokens = sqlglot.tokenize(apart, read="postgres")
    for token in tokens:
        token.start -= bisect_left(blanks, token.start)
        token.end -= bisect_left(blanks, token.end)
    return tokens


def _read_numbers(tokens: list[Token], sql: str) -> None:
    """Write numbers such as ``0x1F``, ``1_000`` and ``1.000_5`` in plain digits, in place; sqlglot reads
    them in another way.
    """
    if _MAY_BE_SPECIAL.search(sql) is None:
        return
    places = {token.start: place for place, token in enumerate(tokens)}
    for found in reversed(list(_SPECIAL_NUMBER.finditer(sql))):
        if "_" not in found[0] and not found[0][1:2].isalpha():
            continue  # as it reads it
        place = places.get(found.start())
        if place is None or tokens[place].token_type not in (
            TokenType.NUMBER,
            TokenType.HEX_STRING,
            TokenType.BIT_STRING,
        ):
            continue  # inside of a string, a comment or a name
        last = place
        while last + 1 < len(tokens) and tokens[last + 1].start < found.end():
            last += 1
        tokens[place].token_type, tokens[place].text = TokenType.NUMBER, _plain_digits(found[0].replace("_", ""))
        del tokens[place + 1 : last + 1]


def _plain_digits(number: str) -> str:
    is_decimal = "." in number or ("e" in number.lower() and number[1:2] not in ("x", "X"))
    return number if is_decimal else str(int(number, 0))


def _bare_keys(census: Census) -> None:
    if not census.has(exp.Paren):
        return
    for ordered in census.find_all(exp.Ordered):
        ordered.set("this", _bare(ordered.this))
    for keys in census.find_all(exp.Group):
        keys.set("expressions", [_bare(one) for one in keys.expressions])
    for distinct in census.find_all(exp.Distinct):
        on = distinct.args.get("on")
        if isinstance(on, exp.Tuple):
            on.set("expressions", [_bare(one) for one in on.expressions])


def _bare(node: exp.Expr) -> exp.Expr:
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def prepare(tree: exp.Expr, schema: MappingSchema) -> exp.Query:
    """Return a query with its aliases spelt out, in place; names of tables must be those in ``schema``.

    - ``VALUES …`` alone is a query with columns ``column1``, ``column2``, …; so are those of a derived ``VALUES``.
    - ``t AS x(a)`` renames the first columns only; the rest keep their names.
    - ``unnest(…) AS u`` and ``generate_series(…) AS g`` name their column like themselves.
    - ``GROUP BY (a)`` and ``ORDER BY (1)`` are keys without parentheses, which may be names and places of outputs.
    - ``t.*`` as a value, as PostgreSQL writes it in policies and views, is the row ``t``.
    """
    census = take_census(tree)
    after_qualify.mark_joins(census.find_all(exp.Join))
    if census.has(exp.Join) and isinstance(tree, exp.Query):
        census = join_aliases.spell_out(tree, schema, census)
    census = column_aliases.derive(tree, census)
    _bare_keys(census)
    census = from_functions.complete(tree, census)
    for constant in census.find_all(exp.ByteString, exp.UnicodeString):
        constant.replace(exp.Literal.string(_unescaped(constant)))
    if isinstance(tree, exp.Values):
        tree = exp.select("*").from_(_named_values(tree))
        census = take_census(tree)
    assert isinstance(tree, exp.Query)
    _name_items(census, schema)
    _name_rows(census)
    for select in census.find_all(exp.Select):
        _name_subqueries(select)
    repeated_names.tell_apart(tree, schema, census)
    return tree


def _name_items(census: Census, schema: MappingSchema) -> None:
    """Complete the lists of columns behind aliases, in place."""
    for values in census.find_all(exp.Values):
        _name_columns(values, [f"column{place}" for place in range(1, _width(values) + 1)])
        value_lists.bring_to_one_type(values)
    for table in census.find_all(exp.Table):
        if _has_columns(table) and isinstance(table.this, exp.Identifier):
            _name_columns(table, schema.column_names(table))
    for source in census.find_all(exp.Subquery):
        query = source.this
        if _has_columns(source) and isinstance(query, exp.Query) and not query.is_star:
            names = [column.alias_or_name for column in query.selects]
            _name_columns(source, names)
            if _sorts_by_output(query, names):
                source.set("this", exp.select("*").from_(exp.Subquery(this=query, alias=_alias("ordered"))))
    for unnest in census.find_all(exp.Unnest):
        if unnest.alias and not unnest.args["alias"].columns:
            unnest.args["alias"].set("columns", [exp.to_identifier(unnest.alias, quoted=True)])


def _name_subqueries(select: exp.Select) -> None:
    """Name the subqueries of a select list that ORDER BY, GROUP BY or DISTINCT ON speak of by their place, in place:
    `qualify` takes no name of a subquery's own for one.
    """
    unnamed = [at for at, value in enumerate(select.expressions) if isinstance(value, exp.Subquery) and not value.alias]
    if not unnamed:
        return
    clauses = [select.args[key] for key in ("order", "group", "distinct") if select.args.get(key) is not None]
    places = {one.name for clause in clauses for one in clause.find_all(exp.Literal) if one.is_int}
    for at in unnamed:
        if str(at + 1) in places:
            value = select.expressions[at]
            alias = exp.Alias(alias=exp.to_identifier(f"_col_{at}", quoted=True))
            value.replace(alias)
            alias.set("this", value)


def _name_rows(census: Census) -> None:
    """Make ``t.*`` the row of ``t`` where it is a value, in place; those of outputs and ``ROW(t.*)`` are columns."""
    for star in census.find_all(exp.Star):
        column = star.parent
        if isinstance(column, exp.Column) and column.table and not isinstance(column.parent, exp.Select | exp.Tuple):
            column.replace(exp.TableColumn(this=column.args["table"]))


def _sorts_by_output(query: exp.Query, names: list[str]) -> bool:
    """Whether a query is sorted by a column of its own, by name: `qualify` gives the columns the alias's names, and
    leaves the ORDER BY as it is.
    """
    order = query.args.get("order")
    keys = [key.this for key in order.expressions] if isinstance(order, exp.Order) else []
    return len({*names}) == len(names) and any(
        isinstance(key, exp.Column) and not key.table and key.name in names for key in keys
    )


def _alias(name: str) -> exp.TableAlias:
    return exp.TableAlias(this=exp.to_identifier(name, quoted=True))


def _unescaped(constant: exp.Expr) -> str:
    """Return the text of ``E'…'``, which the tokenizer has read, and of ``U&'…'``, which it has not."""
    if isinstance(constant, exp.ByteString):
        return str(constant.this)
    escape = constant.args.get("escape")
    mark = re.escape(escape.name if isinstance(escape, exp.Expr) else "\\")
    text = re.sub(
        rf"{mark}({mark}|\+[0-9a-fA-F]{{6}}|[0-9a-fA-F]{{4}})",
        lambda found: found[1] if len(found[1]) == 1 else chr(int(found[1].lstrip("+"), 16)),
        str(constant.this),
    )
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # pairs of surrogates are one letter


def _named_values(values: exp.Values) -> exp.Values:
    named = copied(values)
    named.set("alias", _alias("*VALUES*"))
    return named


def _width(values: exp.Values) -> int:
    return len(values.expressions[0].expressions)


def _has_columns(node: exp.Expr) -> bool:
    alias = node.args.get("alias")
    return isinstance(alias, exp.TableAlias) and bool(alias.columns)


def _name_columns(node: exp.Expr, names: list[str]) -> None:
    """Complete the alias's list of columns from the names they have without it."""
    alias = node.args.get("alias")
    if alias is None:
        alias = exp.TableAlias(this=exp.to_identifier("values", quoted=True))
        node.set("alias", alias)
    given = list(alias.columns)
    alias.set("columns", given + [exp.to_identifier(name, quoted=True) for name in names[len(given) :]])
