"""Expressions that PostgreSQL evaluates: what the engine's dialect has no translation for, as one call each.

A call is an expression in PostgreSQL's own words in which columns, parameters, aggregates and subqueries, which stay
with the engine, are named ``c1``, ``c2``, …. PostgreSQL says of which type it is; the largest such expression is taken,
so that ``data -> 'a' ->> 'b'`` is one call.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import ErrorLevel, UnsupportedError

from gateway.evaluation.evaluator import MAX_INPUTS
from gateway.sql.engine_dialect import kinds, sql_json
from gateway.sql.engine_dialect.after_qualify import is_row_by_name
from gateway.sql.engine_dialect.allowed import CLASSES, NAMES, REFUSED
from gateway.sql.engine_dialect.build import ENGINE
from gateway.sql.engine_dialect.call_marks import ORIGINAL, Call, get_mark, marked
from gateway.sql.engine_dialect.differences import differs, is_quick_cast, note_infinity
from gateway.sql.engine_dialect.group_keys import keys_of
from gateway.sql.engine_dialect.kinds import Kind, T, kind, type_of
from gateway.sql.engine_dialect.masks import is_keyed_call
from optimizer.census import Census, with_subclasses
from optimizer.copies import copied
from optimizer.format_patterns import with_own_patterns
from optimizer.views import MARK
from policies.fences import is_fenced

_FORBIDDEN = re.compile(r"(?i)reg|xid|xml|oid|.*\.")  # types that speak of the database itself, and others' types
_TYPE_NAME = re.compile(r"(?i)[a-z][a-z0-9_ ]*(?:\(\d+(?:, ?\d+)?\))?(?: with(?:out)? time zone)?(?:\[\])*")
# Functions of PostgreSQL's grammar, not of its catalogue.
_GRAMMAR = frozenset({"json_exists", "json_query", "json_scalar", "json_serialize", "json_array", "json_value"})
_KNOWN = NAMES | {"claim", "is_member", "principal"}  # who asks: policies put constants in their place
_KEY = "key of groups"  # in a node's meta
_HELD = (exp.Case, exp.Coalesce, exp.If)  # evaluated by the engine, where no operand wants more


class ResultTypes(Protocol):
    """What says of which type an expression is, see `gateway.evaluation.evaluator.Evaluator`."""

    def may_call(self, function: str) -> bool: ...

    def result_type(self, expression: str, inputs: tuple[str, ...]) -> str | None: ...


class _Unfit(Exception):
    """An expression cannot be a call."""


_ENGINES_OWN: tuple[type[exp.Expr], ...] = (
    exp.AggFunc, exp.Collate, exp.Column, exp.CurrentCatalog, exp.CurrentDate, exp.CurrentSchema, exp.CurrentTime,
    exp.CurrentTimestamp, exp.CurrentUser, exp.Explode, exp.ExplodingGenerateSeries, exp.Filter, exp.GenerateSeries,
    exp.Localtime, exp.Localtimestamp, exp.Parameter, exp.Placeholder, exp.Query, exp.Rand, exp.SessionUser, exp.Uuid,
    exp.Window, exp.WithinGroup,
)  # fmt: skip
_CLOCKS = frozenset({"clock_timestamp", "statement_timestamp", "transaction_timestamp"})
_NOWHERE: tuple[type[exp.Expr], ...] = (exp.Star, exp.TableColumn, exp.Distinct, exp.Order, exp.Ordered, exp.Table)
_CLAUSES: tuple[type[exp.Expr], ...] = (exp.Connector, exp.Dot, exp.Alias, exp.Collate, exp.PropertyEQ, exp.Kwarg)
_OPERATIONS: tuple[type[exp.Expr], ...] = (
    exp.AtTimeZone, exp.Between, exp.Binary, exp.Bracket, exp.Func, exp.In, exp.Is, exp.JSONValue, exp.Unary, *REFUSED,
)  # fmt: skip
_MAY_ASK = with_subclasses(_OPERATIONS) - with_subclasses((*_ENGINES_OWN, *_NOWHERE, *_CLAUSES))


def asks(node: exp.Expr) -> bool:
    """Whether an expression is one that the dialect has no translation for, as far as its form and the types of its
    operands tell.
    """
    if type(node) not in _MAY_ASK or (node._meta is not None and node._meta.get(ENGINE)):
        return False
    if isinstance(node, exp.Anonymous):
        return (node.name.lower() not in _KNOWN or differs(node)) and not is_keyed_call(node) and get_mark(node) is None
    if isinstance(node, exp.Cast):
        return _is_asked_cast(node) or differs(node)
    if isinstance(node, exp.Func) and not isinstance(node, _HELD):
        unknown = type(node) not in CLASSES and not isinstance(node, exp.Binary)
        return (
            unknown or type(node) in REFUSED or type(node) in _OPERATORS or _has_foreign_operand(node) or differs(node)
        )
    if isinstance(node, exp.Is):
        return not isinstance(node.expression, exp.Null | exp.Boolean)
    if isinstance(node, exp.Binary | exp.Between | exp.Unary) and not isinstance(node, exp.Paren | exp.Not):
        return type(node) in REFUSED or type(node) in _OPERATORS or _has_foreign_operand(node) or differs(node)
    if isinstance(node, exp.In) and node.args.get("query") is None:
        return _has_foreign_operand(node) or differs(node)
    if isinstance(node, exp.Bracket | exp.AtTimeZone):
        return _has_foreign_operand(node) or differs(node)
    return type(node) in REFUSED or isinstance(node, exp.JSONValue)


_OPERATORS: frozenset[type[exp.Expr]] = frozenset(
    {
        exp.Adjacent, exp.Distance, exp.JSONBContainsAllTopKeys, exp.JSONBContainsAnyTopKeys, exp.JSONBContainsTopKey,
        exp.JSONBDeleteAtPath, exp.JSONBPathExists, exp.MatchAgainst, exp.Operator,
    }
)  # fmt: skip


# Of texts the engine reads one form only, and tells what is wrong in its own words.
_READ = frozenset(
    {Kind.ARRAY, Kind.DATE, Kind.FLOAT, Kind.INTEGER, Kind.INTERVAL, Kind.NUMERIC, Kind.TIME, *kinds.STAMPS}
)


def _is_asked_cast(node: exp.Cast) -> bool:
    target, source = kinds.kind_of_type(node.to), kind(node.this)
    if source in kinds.TEXTS and not isinstance(node.this.unnest(), exp.Literal) and target in _READ:
        return True
    if target is Kind.ARRAY:
        return kinds.kind_of_type(kinds.element_type(node.to)) in (Kind.OTHER, Kind.JSON)
    if target is Kind.JSON:
        return source is not Kind.JSON or type_of(node.this).this is not node.to.this
    if target is Kind.TIME and source is Kind.INTERVAL:
        return True
    return Kind.OTHER in (target, source) or (source is Kind.JSON and target is not Kind.TEXT)


def _has_foreign_operand(node: exp.Expr) -> bool:
    for operand in node.iter_expressions():
        if operand.__class__ not in _NO_VALUES and _is_foreign(kinds.type_of(operand)):
            return True
    return False


_NO_VALUES = with_subclasses((exp.DataType, exp.Identifier, exp.Var, exp.Literal))


def _is_foreign(sql_type: exp.DataType) -> bool:
    found = kinds.kind_of_type(sql_type)
    if found is Kind.ARRAY:
        found = kinds.kind_of_type(kinds.element_type(sql_type))
    return found in (Kind.OTHER, Kind.JSON)


def find_type(node: exp.Expr, types: ResultTypes) -> exp.DataType | None:
    """Return the type PostgreSQL gives an expression; None where it has none, or may not evaluate it."""
    found = get_call(node, types)
    return None if found is None else _data_type(found[0].result)


def find_name(node: exp.Expr, types: ResultTypes) -> str | None:
    """Return the name of an expression's type, as PostgreSQL gives it; None where it has none."""
    if not _is_engines(node):
        found = get_call(node, types)
        return None if found is None else found[0].result
    try:
        return types.result_type("c1", (_type_name(node),))
    except _Unfit:
        return None


def _data_type(sql_type: str) -> exp.DataType:
    return exp.DataType.build(sql_type, dialect="postgres", udt=True)


def get_call(node: exp.Expr, types: ResultTypes) -> tuple[Call, list[exp.Expr]] | None:
    """Return the call that evaluates an expression, with its inputs; None where PostgreSQL may not evaluate it."""
    if _is_engines(node):
        return None
    try:
        expression, inputs = _cut(node, types)
        names = tuple(_type_name(one) for one in inputs)
    except _Unfit:
        return None
    result = types.result_type(expression, names)
    return None if result is None else (Call(expression, names, result), inputs)


def _cut(node: exp.Expr, types: ResultTypes) -> tuple[str, list[exp.Expr]]:
    """Return an expression's text with the engine's parts named ``c1``, …, and these parts, each once."""
    known: dict[str, str] = {}
    inputs: list[exp.Expr] = []

    def replaced(one: exp.Expr) -> exp.Expr:
        if _is_engines(one) or one.meta.get(ENGINE) or (one is not made and one.meta.get(_KEY)):
            written = one.sql("postgres")
            if written not in known:
                inputs.append(one)
                known[written] = f"c{len(inputs)}"
            return exp.column(known[written])
        _require_pure(one, types)
        return one

    made = _restored(copied(node))
    made = made.transform(replaced, copy=False)
    if len(inputs) > MAX_INPUTS:
        raise _Unfit
    made = made.transform(with_own_patterns, copy=False)
    return _sql(sql_json.spell_out(made, _sql)), inputs


def _is_engines(node: exp.Expr) -> bool:
    return isinstance(node, _ENGINES_OWN) or (isinstance(node, exp.Anonymous) and node.name.lower() in _CLOCKS)


def _restored(node: exp.Expr) -> exp.Expr:
    """Put expressions back in the place of calls that were made of them, in place."""

    def original(one: exp.Expr) -> exp.Expr:
        found = one.meta.get(ORIGINAL) if get_mark(one) is not None else None
        return copied(found) if isinstance(found, exp.Expr) else one

    return node.transform(original, copy=False)


def _require_pure(node: exp.Expr, types: ResultTypes) -> None:
    """Raise `_Unfit` for what has no place in a call."""
    if isinstance(node, _NOWHERE) or is_row_by_name(node):
        raise _Unfit
    if isinstance(node, exp.Anonymous) and not sql_json.is_marked(node) and not _is_allowed(node, types):
        raise _Unfit
    if isinstance(node, exp.Any | exp.All) and isinstance(node.this.unnest(), exp.Query):
        raise _Unfit
    if isinstance(node, exp.In) and node.args.get("query") is not None:
        raise _Unfit
    if isinstance(node, exp.Exists):
        raise _Unfit
    if isinstance(node, exp.DataType) and _FORBIDDEN.match(node.sql("postgres")):
        raise _Unfit


def _is_allowed(call: exp.Anonymous, types: ResultTypes) -> bool:
    name = call.name.lower()
    if name == "pg_input_is_valid" and not _names_value_type(call):
        return False
    return not is_keyed_call(call) and (name in _GRAMMAR or types.may_call(name))


def _names_value_type(call: exp.Anonymous) -> bool:
    """Whether the second argument is the plain name of a type, and of none that speaks of the database itself."""
    named = call.expressions[-1]
    return (
        isinstance(named, exp.Literal)
        and named.is_string
        and _TYPE_NAME.fullmatch(named.name) is not None
        and _FORBIDDEN.match(named.name) is None
    )


def _sql(node: exp.Expr) -> str:
    generator = Postgres().generator(comments=False, identify=False, unsupported_level=ErrorLevel.IMMEDIATE)
    try:
        text: str = generator.generate(node, copy=False)
    except UnsupportedError:  # something of it would be left out
        raise _Unfit from None
    return text


def _type_name(node: exp.Expr) -> str:
    found = type_of(node)
    if kind(node) is Kind.UNKNOWN or found.this is T.UNKNOWN:
        raise _Unfit
    if found.this is T.DECIMAL:
        return "numeric"
    if found.this in (T.CHAR, T.BPCHAR) and not found.expressions:
        return "bpchar"
    if found.this is T.BIT and not found.expressions:  # PostgreSQL writes one bit as bit(1), and sqlglot varbit so
        return "bit varying"
    if kinds.element_type(found).this is T.BIT:
        return "bit varying[]"
    if kinds.kind_of_type(found) is Kind.ARRAY and kinds.kind_of_type(kinds.element_type(found)) not in _ELEMENTS:
        raise _Unfit
    return found.sql("postgres").lower()


# Elements of arrays that the engine can write as PostgreSQL reads them.
_ELEMENTS = frozenset(
    {Kind.TEXT, Kind.INTEGER, Kind.BOOL, Kind.UUID, Kind.JSON, Kind.NUMERIC, Kind.FLOAT, Kind.DATE, Kind.TIME}
    | {Kind.TIMESTAMP, Kind.OTHER}
)


def mark(census: Census, types: ResultTypes) -> bool:
    """Put calls in place of all expressions of a tree that ask for PostgreSQL, outer ones first, in place; those that
    cannot be calls stay. Returns whether any expression asks.
    """
    note_infinity(census)
    _note_keys(census.find_all(exp.Group))
    if not any(map(asks, census.find_among(_MAY_ASK))):
        return False
    tree = census.nodes[0]
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if asks(node):
            if node is not tree and node.root() is not tree:
                continue  # a call of an outer one has taken it away
            node = put(node, types) or node
        waiting.extend(node.iter_expressions())
    return True


def _note_keys(groups: Iterable[exp.Group]) -> None:
    """Note which expressions are keys of their SELECT's groups, in place: above the groups nothing else is known of
    the rows, so a key goes to a call whole. A key that is missing from a grouping set is NULL there.
    """
    for group in groups:
        select = group.parent
        keys = [one for one in keys_of(group) if not isinstance(one, (*_ENGINES_OWN, exp.Literal))]
        if not keys or not isinstance(select, exp.Select):
            continue
        kinds_of_keys = tuple({type(one) for one in keys})
        for clause in ("expressions", "having", "order"):
            value = select.args.get(clause)
            for part in value if isinstance(value, list) else [value] if value is not None else []:
                for one in part.find_all(*kinds_of_keys):
                    if one in keys:
                        one.meta[_KEY] = True


def put(node: exp.Expr, types: ResultTypes) -> exp.Expr | None:
    """Put a call in the place of an expression, or of a larger one around it that needs nothing more of the rows.
    Returns the call, or None where there can be none.
    """
    found = None if _is_behind_fence(node) else get_call(node, types)
    if found is None:
        return None
    chosen = node
    while not is_quick_cast(chosen) and (larger := _larger(chosen)) is not None:
        grown = get_call(larger, types)
        if grown is None or len(grown[1]) > len(found[1]):
            break
        chosen, found = larger, grown
    call, inputs = found
    made = marked(call, [copied(one) for one in inputs], _restored(copied(chosen)))
    made.type = _data_type(call.result)
    chosen.replace(made)
    return made


def _is_behind_fence(node: exp.Expr) -> bool:
    """Whether an expression is a policy's own: what it raises could tell of rows that it hides."""
    select = node.parent_select
    if not isinstance(select, exp.Select) or not is_fenced(select):
        return False
    if MARK in select.meta:  # a view's, whose masks PostgreSQL may evaluate: they are asked of rows that are shown
        return isinstance(node.find_ancestor(exp.Where, exp.Select), exp.Where)
    source = select.args.get("from_")
    return source is not None and _is_table(source.this)


def _is_table(node: object) -> bool:
    return isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier)


def _larger(node: exp.Expr) -> exp.Expr | None:
    """Return the operator, cast or function around an expression that PostgreSQL may as well evaluate."""
    around = node.parent
    while isinstance(around, exp.Paren):
        around = around.parent
    if node.meta.get(_KEY) or (around is not None and get_mark(around) is not None):
        return None
    if isinstance(around, (*_CLAUSES, *_ENGINES_OWN, exp.In, *_HELD)):
        return None
    if isinstance(around, exp.Binary | exp.Cast | exp.Func | exp.Between | exp.Neg):
        return around
    return None
