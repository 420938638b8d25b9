"""Which Arrow type the engine gives to what a part of a query hands on, so that its rows come back as the same.

The types are those that the engine's own operators have: ``sum`` of integers is a bigint, of a bigint numeric; sums of
numerics have ten digits more, products the digits of both factors. What has no fixed number of digits behind the point
(a quotient) has no type here, and is left to the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp

from catalog.names import TableName
from catalog.tables import Table
from optimizer.relations import get_relation

T = exp.DType
Columns = Mapping[str, pa.DataType]
_MOST128, _MOST256 = 38, 76
_BOOLEAN = (
    *(exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.In, exp.Is),
    *(exp.Like, exp.Escape, exp.Exists, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Boolean, exp.LogicalAnd, exp.LogicalOr),
)
_TEXT = (exp.Substring, exp.Left, exp.Right, exp.Trim, exp.DPipe, exp.Replace)
_RANKS = (exp.Count, exp.RowNumber, exp.Rank, exp.DenseRank)
_SAME = (exp.Paren, exp.Alias, exp.Neg, exp.Min, exp.Max, exp.Abs, exp.Filter, exp.Window, exp.Nullif, exp.Distinct)
_FIXED = ((_BOOLEAN, pa.bool_()), (_TEXT, pa.string()), (_RANKS, pa.int64()), ((exp.Length,), pa.int32()))
_CAST: dict[exp.DType, pa.DataType] = {
    T.BOOLEAN: pa.bool_(),
    T.SMALLINT: pa.int16(),
    T.INT: pa.int32(),
    T.BIGINT: pa.int64(),
    T.DOUBLE: pa.float64(),
    T.TEXT: pa.string(),
    T.DATE: pa.date32(),
}
_INTEGERS = (pa.int16(), pa.int32(), pa.int64())
_DIGITS = {pa.int16(): 5, pa.int32(): 10, pa.int64(): 20}  # as the engine brings integers to decimals
_INT4_MOST, _INT8_MOST = 2**31 - 1, 2**63 - 1


class NotSent(Exception):
    """A part is left to the engine, for the reason that is told."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Scope:
    """What the columns of a SELECT are: of each source by alias, and of names in WITH."""

    sources: Mapping[str, Columns]
    named: Mapping[str, Columns]


def output_types(
    query: exp.Query, tables: Mapping[TableName, Table], named: Mapping[str, Columns] | None = None
) -> list[pa.DataType]:
    """Return the types of a query's columns, in their order. Raises NotSent where one has none."""
    known = dict(named or {})
    clause = query.args.get("with_")
    for cte in clause.expressions if clause is not None else ():
        known[cte.alias] = _columns(cte.this, cte, tables, known)
    if isinstance(query, exp.SetOperation):
        return _of_set_operation(query, tables, known)
    if isinstance(query, exp.Subquery) and isinstance(query.this, exp.Query):
        return output_types(query.this, tables, known)
    if not isinstance(query, exp.Select):
        raise NotSent(f"{_shown(query)} is left to the engine")
    return _of_select(query, tables, known)


def _of_set_operation(
    query: exp.SetOperation, tables: Mapping[TableName, Table], known: Mapping[str, Columns]
) -> list[pa.DataType]:
    """Return the types that both operands have: of others the engine makes one, and the server perhaps another."""
    types, others = (output_types(one, tables, known) for one in (query.left, query.right))
    if types != others:
        raise NotSent(f"columns of several types meet in {query.key.upper()}")
    return types


def _of_select(select: exp.Select, tables: Mapping[TableName, Table], known: dict[str, Columns]) -> list[pa.DataType]:
    sources: dict[str, Columns] = {}
    source = select.args.get("from_")
    read = [source.this] if source is not None else []
    for node in [*read, *(join.this for join in select.args.get("joins") or ())]:
        _add(node, sources, tables, known)
    scope = Scope(sources, known)
    return [type_of(one, scope) for one in select.expressions]


def _add(
    node: exp.Expr, sources: dict[str, Columns], tables: Mapping[TableName, Table], named: dict[str, Columns]
) -> None:
    """Note the columns of what is read in one place, and of what is joined to it in the same parentheses."""
    for join in node.args.get("joins") or ():
        _add(join.this, sources, tables, named)
    relation = get_relation(node)
    if relation is not None:
        own = {column.name: column.arrow_type for column in tables[relation.name].columns}
        scope = Scope({relation.base.alias_or_name: own}, named)
        found = {one.alias_or_name: type_of(one, scope) for one in relation.select.expressions}
        sources[relation.alias] = _renamed(found, node)
    elif isinstance(node, exp.Subquery) and isinstance(node.this, exp.Select | exp.SetOperation):
        sources[node.alias] = _columns(node.this, node, tables, named)
    elif isinstance(node, exp.Subquery) and not node.alias:
        _add(node.this, sources, tables, named)
    elif isinstance(node, exp.Table) and node.name in named:
        sources[node.alias_or_name] = _renamed(named[node.name], node)
    else:
        raise NotSent("it reads what is no table")


def _columns(
    query: exp.Expr, node: exp.Expr, tables: Mapping[TableName, Table], named: Mapping[str, Columns]
) -> Columns:
    if not isinstance(query, exp.Query):
        raise NotSent("it reads what is no table")
    types = output_types(query, tables, named)
    return _renamed(dict(zip(query.named_selects, types, strict=True)), node)


def _renamed(columns: Columns, node: exp.Expr) -> Columns:
    alias = node.args.get("alias")
    names = [one.name for one in alias.args.get("columns") or ()] if isinstance(alias, exp.TableAlias) else []
    return {**dict(zip(names, columns.values(), strict=False)), **dict([*columns.items()][len(names) :])}


def type_of(node: exp.Expr, scope: Scope) -> pa.DataType:
    """Return the type of an expression. Raises NotSent where it has none that is certain."""
    found = _get_type(node, scope)
    if found is None:
        raise NotSent(f"the engine may give another type to {_shown(node)}")
    return found


def _get_type(node: exp.Expr, scope: Scope) -> pa.DataType | None:
    if isinstance(node, _SAME):
        return type_of(node.expressions[0] if isinstance(node, exp.Distinct) else node.this, scope)
    if isinstance(node, exp.Column):
        return scope.sources.get(node.table, {}).get(node.name)
    fixed = next((of for kinds, of in _FIXED if isinstance(node, kinds)), None)
    return fixed if fixed is not None else _computed_type(node, scope)


def _computed_type(node: exp.Expr, scope: Scope) -> pa.DataType | None:
    if isinstance(node, exp.Literal):
        return _literal(node)
    if isinstance(node, exp.Cast):
        return _cast(node.to)
    if isinstance(node, exp.Sum):
        return _sum(type_of(node.this, scope))
    if isinstance(node, exp.Avg):
        argument = type_of(node.this, scope)
        return pa.float64() if pa.types.is_floating(argument) else None
    if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div | exp.Mod):
        return _arithmetic(node, type_of(node.left, scope), type_of(node.right, scope))
    if isinstance(node, exp.Case):
        default = node.args.get("default")
        values = [one.args["true"] for one in node.args["ifs"]] + ([default] if default is not None else [])
        return _common(values, scope)
    return _common([node.this, *node.expressions], scope) if isinstance(node, exp.Coalesce) else None


def _literal(node: exp.Literal) -> pa.DataType | None:
    if node.is_string:
        return pa.string()
    if node.is_int:
        value = int(node.name)
        if value <= _INT8_MOST:
            return pa.int32() if value <= _INT4_MOST else pa.int64()
        return None
    whole, _, places = node.name.partition(".")
    if not (whole + places).isdigit():
        return None
    return _decimal(len(whole.lstrip("0")) + len(places), len(places))


def _cast(to: exp.DataType) -> pa.DataType | None:
    if to.this is T.DECIMAL:
        digits = [int(one.name) for one in to.expressions if one.name.isdigit()]
        if not digits or len(digits) != len(to.expressions):
            return None
        scale = digits[1] if len(digits) > 1 else 0
        return _decimal(digits[0], scale) if scale <= digits[0] <= _MOST128 else None
    return None if to.expressions else _CAST.get(to.this)


def _sum(of: pa.DataType) -> pa.DataType | None:
    if of in (pa.int16(), pa.int32()):
        return pa.int64()
    if of == pa.int64():
        return pa.decimal128(_MOST128, 0)
    if pa.types.is_decimal128(of):
        return _decimal(of.precision + 10, of.scale)
    if pa.types.is_decimal256(of):
        return pa.decimal256(min(_MOST256, of.precision + 10), of.scale)
    return of if pa.types.is_floating(of) else None


def _arithmetic(node: exp.Binary, left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    if left in _INTEGERS and right in _INTEGERS:
        return _INTEGERS[max(_INTEGERS.index(left), _INTEGERS.index(right))]
    if left == right and pa.types.is_floating(left):
        return left
    if isinstance(node, exp.Div | exp.Mod):
        return None
    one, other = _as_decimal(left, node.left), _as_decimal(right, node.right)
    if one is None or other is None:
        return None
    if isinstance(node, exp.Mul):
        scale = one.scale + other.scale
        return _decimal(one.precision + other.precision + 1, scale) if scale <= _MOST128 else None
    scale = max(one.scale, other.scale)
    return _decimal(max(one.precision - one.scale, other.precision - other.scale) + scale + 1, scale)


def _as_decimal(of: pa.DataType, node: exp.Expr) -> pa.DataType | None:
    """Return a number's type as that of a numeric; a constant has as many digits as are written."""
    if of in _INTEGERS:
        bare = node.unnest()
        return pa.decimal128(len(bare.name) if isinstance(bare, exp.Literal) else _DIGITS[of], 0)
    return of if pa.types.is_decimal128(of) else None


def _common(values: list[exp.Expr], scope: Scope) -> pa.DataType | None:
    """Return the one type of several values, NULLs aside."""
    types = [type_of(one, scope) for one in values if not isinstance(one.unnest(), exp.Null)]
    if not types:
        return None
    if all(one in _INTEGERS for one in types):
        return max(types, key=_INTEGERS.index)
    if all(one == types[0] for one in types):
        return types[0]
    decimals = [_as_decimal(one, value) for one, value in zip(types, values, strict=False)]
    known = [one for one in decimals if one is not None]
    if len(known) < len(types):
        return None
    scale = max(one.scale for one in known)
    return _decimal(max(one.precision - one.scale for one in known) + scale, scale)


def _decimal(precision: int, scale: int) -> pa.DataType:
    return pa.decimal128(max(1, min(_MOST128, precision)), scale)


def _shown(node: exp.Expr) -> str:
    return node.sql("postgres", comments=False)
