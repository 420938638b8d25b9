"""The expression of a masking policy, made ready for the columns of a table: read, checked, its masks put in, typed.

PostgreSQL has checked the expression already and written it anew, in the mirror. What is checked here is what a policy
may call: no subqueries, nothing volatile, no aggregates, only what the engine answers as PostgreSQL does, and nothing
that a client can set.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.schema import MappingSchema

from catalog.errors import SqlError
from catalog.mask_library import BUCKETS, CONTEXT, KEYED, MASKS, NULL_MASK, SCHEMA, names
from catalog.sqlstate import SqlState
from catalog.store.rows import MaskingPolicy
from gateway.sql.engine_dialect import allowed, kinds
from gateway.sql.engine_dialect.before_qualify import parse
from gateway.sql.engine_dialect.inference import annotate
from gateway.sql.engine_dialect.masks import keyed_call
from gateway.sql.engine_dialect.render import render
from gateway.sql.mask_settings import bounds_of, secret_of, settings_of
from policies.masks import TEMPLATE_TABLE, Asker, masked_column

MAX_NODES = 2000  # of an expression with its masks put in
_MASK_NAMES = names()
_VOLATILE_OR_OUTSIDE = (
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
ArgumentColumns = tuple[tuple[str, str], ...]  # names and types of the columns for a policy's parameters


@lru_cache(maxsize=4096)
def mask_template(policy: MaskingPolicy, columns: ArgumentColumns) -> exp.Expr:
    """Return a policy's expression over columns of a table, typed, for `policies.masks.masked_column`; it is shared,
    copy before you change it. ``columns`` are those for its parameters, the masked one first, with their types as SQL
    writes them. Its type is the masked column's.

    Raises SqlError: 0A000 it uses what policies may not or the engine cannot, 22023 a mask's setting is wrong.
    """
    select = _select(policy, columns)
    _check(select)
    _put_masks_in(select, columns)
    if sum(1 for _ in select.walk()) > MAX_NODES:
        raise _refused("an expression of this size")
    wanted = _data_type(columns[0][1])
    value = select.selects[0].this
    if value.type != wanted:
        cast = exp.Cast(this=exp.Paren(this=value.copy()), to=wanted.copy())
        value.replace(cast)
        annotate(select, _schema(columns))
    template: exp.Expr = select.selects[0].this
    template.parent = None
    return template


def null_template(sql_type: str) -> exp.Expr:
    """Return the template of a column that nobody sees: NULL of its type."""
    kind = _data_type(sql_type)
    node = exp.Cast(this=exp.Null(), to=kind.copy())
    node.type = kind.copy()
    return node


def check_expression(policy: MaskingPolicy) -> None:
    """Raise SqlError where a policy uses what it may not, or what the engine cannot answer as PostgreSQL does."""
    columns = policy.parameters
    bound = masked_column(mask_template(policy, columns), TEMPLATE_TABLE, Asker("", frozenset()))
    render(_with_source(bound, columns))


def secrets_of(policy: MaskingPolicy) -> frozenset[str]:
    """Return the names of the secrets that a policy's masks need."""
    calls = _select(policy, policy.parameters).find_all(exp.Anonymous)
    return frozenset(secret_of(node) for node in calls if node.name in KEYED)


def _select(policy: MaskingPolicy, columns: ArgumentColumns) -> exp.Select:
    """Parse the expression; parameters become the columns given for them, ``lakegate.f(…)`` the call of f."""
    try:
        tree = parse(f"SELECT ({policy.expression}) AS masked")
    except (SqlglotError, RecursionError) as error:
        raise _refused("this form of expression") from error
    if not isinstance(tree, exp.Select) or len(tree.selects) != 1 or tree.args.get("from_") is not None:
        raise _refused("this form of expression")
    given = dict(zip((name for name, _ in policy.parameters), columns, strict=True))
    for dot in reversed([*tree.find_all(exp.Dot)]):  # the inner ones first
        call = dot.expression
        known = isinstance(call, exp.Anonymous) and call.name in _MASK_NAMES | CONTEXT
        if dot.this.name != SCHEMA or not known:
            raise _refused(f"function {dot.sql('postgres', comments=False)}")
        dot.replace(call)
    for column in [*tree.find_all(exp.Column)]:
        identifier = column.this
        quoted = isinstance(identifier, exp.Identifier) and bool(identifier.args.get("quoted"))
        name = column.name if quoted else column.name.lower()
        if column.table or name not in given:
            raise _refused(f"column {column.name}")
        actual, actual_type = given[name]
        new: exp.Expr = exp.column(actual, TEMPLATE_TABLE, quoted=True)
        declared = dict(policy.parameters)[name]
        if without_modifiers(actual_type) != declared:  # char(n) and varchar(n) for text
            new = exp.Cast(this=new, to=_data_type(declared))
        column.replace(new)
    return tree


def _check(tree: exp.Select) -> None:
    for node in tree.walk():
        if node is tree or isinstance(node, exp.Column) or node.find_ancestor(exp.Column):
            continue
        if isinstance(node, _VOLATILE_OR_OUTSIDE) and not isinstance(node, exp.Array):
            raise _refused(f"{type(node).__name__.lower()}")
        if isinstance(node, exp.Anonymous):
            if node.name not in _MASK_NAMES | CONTEXT and node.name.lower() not in allowed.NAMES:
                raise _refused(f"function {node.name.lower()}")
            if node.name in CONTEXT and node.expressions:
                secret_of(node, at=0)
    rest = tree.copy()
    for node in [*rest.find_all(exp.Anonymous, exp.CurrentUser, exp.SessionUser)]:
        if not isinstance(node, exp.Anonymous) or node.name in _MASK_NAMES | CONTEXT:
            node.replace(exp.Paren(this=_first_argument(node)))
    allowed.check(rest)


def _first_argument(node: exp.Expr) -> exp.Expr:
    arguments = [one for one in node.iter_expressions() if isinstance(one, exp.Expr)]
    return exp.Array(expressions=[one.copy() for one in arguments]) if arguments else exp.Null()


def _put_masks_in(select: exp.Select, columns: ArgumentColumns) -> None:
    """Put the bodies of masks in the place of their calls, the inner ones first: their types choose the outer ones."""
    schema = _schema(columns)
    _from_template_table(select)
    while True:
        annotate(select, schema)
        found = [node for node in select.find_all(exp.Anonymous) if node.name in _MASK_NAMES and not _is_done(node)]
        inner = [node for node in found if not any(other is not node for other in _calls_within(node))]
        if not inner:
            return
        for node in inner:
            node.replace(_in_place_of(node))


def _calls_within(node: exp.Expr) -> list[exp.Anonymous]:
    return [one for one in node.find_all(exp.Anonymous) if one.name in _MASK_NAMES and not _is_done(one)]


def _is_done(node: exp.Anonymous) -> bool:
    return node.name in KEYED and "mask" in node.meta


def _in_place_of(node: exp.Anonymous) -> exp.Expr:
    """Return what stands for one call whose arguments are typed."""
    arguments = list(node.expressions)
    if node.name in KEYED:
        return keyed_call(node.name, arguments[0].copy(), secret_of(node))
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
    kind = _TYPE_NAMES.get(kinds.type_of(value).this, "text") if kinds.kind(value) is not kinds.Kind.UNKNOWN else "text"
    mask = next((one for one in MASKS if one.name == node.name and one.value_type == kind), None)
    if mask is None:
        raise _refused(f"{node.name} of {kind}")
    settings = settings_of(mask, [one for one in arguments if one is not value])
    body = _body(mask.body.format(**settings))
    for column in [*body.find_all(exp.Column)]:
        column.replace(exp.Paren(this=value.copy()))
    return body


@lru_cache(maxsize=512)
def _parsed_body(text: str) -> exp.Select:
    tree = parse(f"SELECT ({text}) AS masked")
    assert isinstance(tree, exp.Select)
    return tree


def _body(text: str) -> exp.Expr:
    found: exp.Expr = _parsed_body(text).copy().selects[0].this
    return found


def _with_source(value: exp.Expr, columns: ArgumentColumns) -> exp.Select:
    select = exp.Select(expressions=[exp.alias_(value, "masked", quoted=True)])
    _from_template_table(select)
    return annotate(select, _schema(columns))  # type: ignore[return-value]


def _from_template_table(select: exp.Select) -> None:
    name = exp.to_identifier(TEMPLATE_TABLE, quoted=True)
    table = exp.Table(this=name, db=name.copy(), alias=exp.TableAlias(this=name.copy()))
    select.set("from_", exp.From(this=table))


def _schema(columns: ArgumentColumns) -> MappingSchema:
    mapping: dict[str, object] = {TEMPLATE_TABLE: {TEMPLATE_TABLE: {name: _data_type(kind) for name, kind in columns}}}
    return MappingSchema(mapping, dialect="postgres", normalize=False)


@lru_cache(maxsize=1024)
def _data_type(sql_type: str) -> exp.DataType:
    return exp.DataType.build(sql_type, dialect="postgres", udt=True)


def without_modifiers(sql_type: str) -> str:
    """Return a type as PostgreSQL spells it, without length, precision and scale."""
    before, bracket, rest = sql_type.partition("(")
    return before.rstrip() + rest.partition(")")[2] if bracket else sql_type


def _refused(what: str) -> SqlError:
    return SqlError(
        SqlState.FEATURE_NOT_SUPPORTED,
        f"{what} is not available in masking policies",
        hint="A policy is one expression over its parameters, of the functions that tables of the lake have.",
    )


def argument_columns(arguments: Sequence[str], types: Sequence[str]) -> ArgumentColumns:
    """Return names and types in pairs."""
    return tuple(zip(arguments, types, strict=True))
