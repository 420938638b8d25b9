"""The expression of a masking policy: read, checked, and the masks of the library put in the place of their calls.

PostgreSQL has checked the expression already and written it anew, in the mirror. What is checked here is what a policy
may call: no subqueries, nothing volatile, no aggregates, only what the engine answers as PostgreSQL does, and nothing
that a client can set.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from sqlglot import exp
from sqlglot.schema import MappingSchema

from catalog.errors import SqlError
from catalog.mask_library import BUCKETS, CONTEXT, KEYED, MASKS, NULL_MASK, SCHEMA, names
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from catalog.store.rows import MaskingPolicy
from gateway.sql.engine_dialect import allowed, kinds
from gateway.sql.engine_dialect.before_qualify import parse
from gateway.sql.engine_dialect.inference import annotate
from gateway.sql.engine_dialect.masks import is_keyed_call, keyed_call
from gateway.sql.engine_dialect.render import render
from gateway.sql.expression_text import parse_expression
from gateway.sql.mask_settings import bounds_of, constant_text, settings_of
from optimizer.census import take_census
from policies.identity import bind_identity

MAX_NODES = 2000  # of an expression with its masks put in
_MASK_NAMES = names()
_TABLE = "masked"  # stands for the table whose columns are the parameters
_NOBODY = Principal("", frozenset())
_NOT_OF_ONE_ROW = (
    exp.Query,
    exp.Exists,
    exp.AggFunc,
    exp.Window,
    exp.WithinGroup,
    exp.Filter,
    exp.Rand,
    exp.Explode,
    exp.GenerateSeries,
    exp.ExplodingGenerateSeries,
    exp.Unnest,
    exp.Parameter,
    exp.Placeholder,
    exp.Star,
)
_TYPE_NAMES = {
    kinds.T.SMALLINT: "smallint",
    kinds.T.INT: "integer",
    kinds.T.BIGINT: "bigint",
    kinds.T.DECIMAL: "numeric",
    kinds.T.FLOAT: "real",
    kinds.T.DOUBLE: "double precision",
    kinds.T.DATE: "date",
    kinds.T.TIMESTAMP: "timestamp without time zone",
    kinds.T.TIMESTAMPNTZ: "timestamp without time zone",
    kinds.T.TIMESTAMPTZ: "timestamp with time zone",
}


@lru_cache(maxsize=4096)
def _expression(policy: MaskingPolicy) -> exp.Expr:
    expression = _read(policy)
    _check(expression)
    found = _put_masks_in(expression, policy.parameters)
    if sum(1 for _ in found.walk()) > MAX_NODES:
        raise _refused("an expression of this size")
    return found


def mask_expression(policy: MaskingPolicy) -> exp.Expr:
    """Return a policy's expression over its parameters (columns without a table), in PostgreSQL's grammar. The masks of
    the library are spelt out; functions that say who asks are still calls.

    Raises SqlError: 0A000 it uses what policies may not, 22023 a mask is called with what makes no sense.
    """
    return _expression(policy).copy()


def check_expression(policy: MaskingPolicy, types: Sequence[str] = ()) -> None:
    """Raise SqlError where a policy uses what it may not, or what the engine cannot answer as PostgreSQL does.

    ``types`` are those of the columns given to its parameters, which may have lengths and precisions.
    """
    given = types or tuple(kind for _, kind in policy.parameters)
    columns = tuple((name, kind) for (name, _), kind in zip(policy.parameters, given, strict=True))
    bound = bind_identity(mask_expression(policy), _NOBODY)
    render(_typed(exp.Cast(this=exp.paren(bound, copy=False), to=_data_type(given[0]).copy()), columns))


def secrets_of(policy: MaskingPolicy) -> frozenset[str]:
    """Return the names of the secrets that a policy's masks need."""
    calls = _read(policy).find_all(exp.Anonymous)
    return frozenset(constant_text(node, 1) for node in calls if node.name in KEYED)


def _read(policy: MaskingPolicy) -> exp.Expr:
    """Parse the expression. Calls of ``lakegate.f`` are calls of f where f is a mask."""
    holder = exp.Paren(this=parse_expression(policy.expression))
    for dot in reversed([*holder.find_all(exp.Dot)]):  # the inner ones first
        call = dot.expression
        name = call.name if isinstance(call, exp.Anonymous) and dot.this.name == SCHEMA else ""
        if name in CONTEXT:
            for at in range(len(call.expressions)):
                constant_text(call, at)
        elif name in _MASK_NAMES:
            dot.replace(call)
        else:
            raise _refused(f"function {dot.sql('postgres', comments=False)}")
    parameters = {name for name, _ in policy.parameters}
    for column in holder.find_all(exp.Column):
        identifier = column.this
        if isinstance(identifier, exp.Identifier) and not identifier.args.get("quoted"):
            identifier.set("this", str(identifier.this).lower())
        if column.table or column.name not in parameters:
            raise _refused(f"column {column.name}")
    found: exp.Expr = holder.this
    found.parent = None
    return found


def _check(expression: exp.Expr) -> None:
    for node in expression.walk():
        if isinstance(node, _NOT_OF_ONE_ROW):
            raise _refused(type(node).__name__.lower())
        if isinstance(node, exp.Anonymous) and node.name not in _MASK_NAMES | CONTEXT | allowed.NAMES:
            raise _refused(f"function {node.name.lower()}")
    holder = exp.Paren(this=expression.copy())
    special = (exp.Dot, exp.CurrentUser, exp.SessionUser)
    for node in reversed([*holder.find_all(exp.Anonymous, *special)]):
        if isinstance(node, special):
            node.replace(exp.null())
        elif node.name in _MASK_NAMES:
            node.replace(exp.Array(expressions=node.expressions))
    allowed.check(take_census(holder))


def _put_masks_in(expression: exp.Expr, columns: Sequence[tuple[str, str]]) -> exp.Expr:
    """Put the bodies of masks in the place of their calls, the inner ones first: their types choose the outer ones."""
    select = _typed(exp.Paren(this=expression), columns)
    while inner := [node for node in _calls(select) if len(_calls(node)) == 1]:
        for node in inner:
            node.replace(_in_place_of(node))
        annotate(select, _schema(columns))
    for column in select.find_all(exp.Column):
        column.set("table", None)
    found: exp.Expr = select.selects[0].this
    found.parent = None
    return found


def _calls(tree: exp.Expr) -> list[exp.Anonymous]:
    """Return the calls of masks that are still to be replaced, the node itself included."""
    return [one for one in tree.find_all(exp.Anonymous) if one.name in _MASK_NAMES and not is_keyed_call(one)]


def _in_place_of(node: exp.Anonymous) -> exp.Expr:
    """Return what stands for one call whose arguments are typed."""
    arguments = list(node.expressions)
    if node.name in KEYED:
        return keyed_call(node.name, arguments[0].copy(), constant_text(node, 1))
    if node.name == NULL_MASK:
        return exp.Cast(this=exp.Null(), to=kinds.type_of(arguments[0]).copy())
    if node.name == BUCKETS:
        value, branches = arguments[0], exp.Case(ifs=[])
        for bound in bounds_of(arguments[1]):
            reached = exp.GTE(this=exp.Paren(this=value.copy()), expression=bound.copy())
            branches.append("ifs", exp.If(this=reached, true=bound.copy()))
        return exp.Paren(this=branches)
    return _library_body(node, arguments)


def _library_body(node: exp.Anonymous, arguments: list[exp.Expr]) -> exp.Expr:
    value = arguments[1] if node.name == "mask_date_trunc" else arguments[0]
    kind = _TYPE_NAMES.get(kinds.type_of(value).this, "text")
    mask = next((one for one in MASKS if one.name == node.name and one.value_type == kind), None)
    if mask is None:
        raise _refused(f"{node.name} of {kind}")
    settings = settings_of(mask, [one for one in arguments if one is not value])
    body = _parsed_body(mask.body.format(**settings)).copy().selects[0].this
    assert isinstance(body, exp.Expr)
    for column in [*body.find_all(exp.Column)]:
        column.replace(exp.Paren(this=value.copy()))
    return body


@lru_cache(maxsize=512)
def _parsed_body(text: str) -> exp.Select:
    tree = parse(f"SELECT ({text}) AS masked")
    assert isinstance(tree, exp.Select)
    return tree


def _typed(value: exp.Expr, columns: Sequence[tuple[str, str]]) -> exp.Select:
    """Return a query of one value over columns, with types on all nodes."""
    select = exp.Select(expressions=[exp.alias_(value, "masked", quoted=True)])
    for column in select.find_all(exp.Column):
        column.set("table", exp.to_identifier(_TABLE, quoted=True))
    name = exp.to_identifier(_TABLE, quoted=True)
    table = exp.Table(this=name, db=name.copy(), alias=exp.TableAlias(this=name.copy()))
    select.set("from_", exp.From(this=table))
    annotate(select, _schema(columns))
    return select


def _schema(columns: Sequence[tuple[str, str]]) -> MappingSchema:
    mapping: dict[str, object] = {_TABLE: {_TABLE: {name: _data_type(kind) for name, kind in columns}}}
    return MappingSchema(mapping, dialect="postgres", normalize=False)


@lru_cache(maxsize=1024)
def _data_type(sql_type: str) -> exp.DataType:
    return exp.DataType.build(sql_type, dialect="postgres", udt=True)


def _refused(what: str) -> SqlError:
    return SqlError(
        SqlState.FEATURE_NOT_SUPPORTED,
        f"{what} is not available in masking policies",
        hint="A policy is one expression over its parameters, of the functions that tables of the lake have.",
    )
