"""What a part of a query may compute at its server: what has the same rows there as in the engine.

A server's collations order text otherwise than the lake does, its session has a time zone and styles of its own,
and its locale says what a lower-case letter is. So a part may not ask for what depends on any of these. Everything here
is a list of what is known to be alike; what is not listed stays with the engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sqlglot import exp

from catalog.names import TableName
from catalog.tables import Table
from connectors.postgres.part_types import NotSent
from connectors.postgres.shapes import ColumnShape
from optimizer.relations import Relation, relations

T = exp.DType
_STRUCTURE: tuple[type[exp.Expr], ...] = (
    *(exp.Select, exp.Subquery, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered),
    *(exp.Limit, exp.Offset, exp.Distinct, exp.With, exp.CTE, exp.Table, exp.TableAlias, exp.Identifier),
    *(exp.Alias, exp.Paren, exp.Column, exp.Star, exp.Window, exp.Union, exp.Intersect, exp.Except),
)
_VALUES: tuple[type[exp.Expr], ...] = (
    *(
        exp.Parameter,
        exp.Literal,
        exp.Null,
        exp.Boolean,
        exp.Cast,
        exp.DataType,
        exp.DataTypeParam,
        exp.And,
        exp.Or,
        exp.Not,
    ),
    *(exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Between, exp.In),
    *(exp.Is, exp.Like, exp.Escape, exp.Exists, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg, exp.Case, exp.If),
    *(exp.Coalesce, exp.Nullif, exp.Abs, exp.Length, exp.Substring, exp.Left, exp.Right, exp.Trim, exp.Replace),
    *(exp.DPipe, exp.Count, exp.Sum, exp.Min, exp.Max, exp.Avg, exp.Filter, exp.LogicalAnd, exp.LogicalOr),
    *(exp.RowNumber, exp.Rank, exp.DenseRank),
)
_KNOWN = frozenset((*_STRUCTURE, *_VALUES))
_SET_OPERATION = {"this", "expression", "distinct", "limit", "offset", "with_"}
_SET_OPERATIONS: tuple[type[exp.Expr], ...] = (exp.Union, exp.Intersect, exp.Except)
_PARTS: dict[type[exp.Expr], set[str]] = {  # of nodes: the arguments that are understood
    exp.Select: {"expressions", "from_", "joins", "where", "group", "having", "order", "limit", "offset", "distinct"}
    | {"with_"},
    **dict.fromkeys(_SET_OPERATIONS, _SET_OPERATION),
    exp.Subquery: {"this", "alias", "joins"},
    exp.Table: {"this", "db", "alias", "joins"},
    exp.Join: {"this", "on", "side", "kind"},
    exp.Group: {"expressions"},
    exp.With: {"expressions"},
    exp.CTE: {"this", "alias"},
    exp.Window: {"this", "partition_by", "order", "over"},
    exp.Ordered: {"this", "desc", "nulls_first"},
    exp.Order: {"expressions"},
    exp.Like: {"this", "expression", "negate"},
    exp.Trim: {"this", "expression"},
    exp.Cast: {"this", "to"},
}  # fmt: skip
_KINDS = frozenset({"", "INNER", "CROSS", "OUTER"})  # of joins
_FLOATS = frozenset({T.FLOAT, T.DOUBLE})
_EXACT = frozenset({T.SMALLINT, T.INT, T.BIGINT, T.DECIMAL})
_NUMBERS = _FLOATS | _EXACT
_TEXTS = frozenset({T.TEXT, T.VARCHAR})
_WITHOUT_COLLATION = _NUMBERS | {T.BOOLEAN, T.DATE, T.TIMESTAMP, T.TIMESTAMPTZ}
_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.In)
_ALIKE = (_EXACT, _TEXTS, frozenset({T.DATE}))  # types of parameters, and of what each may be compared with
_MEETING = (  # where PostgreSQL has to know by which collation texts are compared, or what is made of them
    *(*_COMPARISONS, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Like, exp.Coalesce, exp.Nullif, exp.Case, exp.DPipe),
    *(exp.Replace, exp.Trim, exp.SetOperation),
)
_ORDERING = (exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.Ordered, exp.Min, exp.Max)
_SQL_TYPES = ("smallint", "integer", "bigint", "boolean", "text", "date", "real", "double precision")
_LONG_TYPES = ("numeric", "character varying", "timestamp")  # with digits, lengths or time zones behind
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?)?\Z")
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,9})?\Z")


def require_alike(
    select: exp.Query, tables: Mapping[TableName, Table], shapes: Mapping[TableName, Mapping[str, ColumnShape]]
) -> None:
    """Raise NotSent unless all that a part computes has the same result at the server as in the engine. ``shapes`` are
    those of the tables' columns; nodes must have their types.
    """
    for node in select.walk():
        _require_known(node)
    read = [*_columns(relations(select), tables, shapes)]
    if any(not shape.deterministic for _, shape in read):
        raise NotSent("a column's collation holds different texts equal")
    if not all(shape.byte_order for kind, shape in read if kind == "text") and (found := _ordered_text(select)):
        raise NotSent(f"{found} would order text by the collation of the source")
    if len({shape.collation for kind, shape in read if kind == "text"} - {0}) > 1 and (met := _met_texts(select)):
        raise NotSent(f"texts of several collations would meet in {met}")
    has_zone = any(kind == "timestamptz" for kind, _ in read)
    for node in select.find_all(exp.Literal):
        if node.is_string:
            _require_plain(node)
    for cast in select.find_all(exp.Cast):
        _require_plain_cast(cast)
    for parameter in select.find_all(exp.Parameter):
        _require_compared(parameter)
    if has_zone and any(_mixes_zones(node) for node in select.find_all(exp.Binary, exp.Between, exp.In)):
        raise NotSent("a timestamp with time zone would be read in the time zone of the source")


def _require_known(node: exp.Expr) -> None:
    if type(node) not in _KNOWN:
        raise NotSent(f"{_words(node)} is left to the engine")
    parts = _PARTS.get(type(node))
    if parts is not None:
        odd = [name for name, value in node.args.items() if value and name not in parts]
        if odd:
            raise NotSent(f"{odd[0].strip('_').upper()} is left to the engine")
    if isinstance(node, exp.Join) and (node.kind not in _KINDS or node.args.get("method")):
        raise NotSent(f"a {node.kind} join is left to the engine")
    if isinstance(node, exp.Limit | exp.Offset) and not isinstance(node.expression, exp.Literal):
        raise NotSent("a LIMIT that is computed is left to the engine")
    if isinstance(node, exp.Escape) and not _is_plain_escape(node):
        raise NotSent(f"{_words(node)} is left to the engine")
    if isinstance(node, exp.Distinct) and node.args.get("on"):
        raise NotSent("DISTINCT ON is left to the engine")


def _is_plain_escape(node: exp.Escape) -> bool:
    """Whether ``LIKE … ESCAPE …`` has constants, of which none is an error."""
    pattern = node.this.expression if isinstance(node.this, exp.Like) else None
    sign = node.expression
    if not isinstance(pattern, exp.Literal) or not isinstance(sign, exp.Literal) or len(sign.name) > 1:
        return False
    return not sign.name or not re.sub(re.escape(sign.name) + ".", "", pattern.name, flags=re.DOTALL).endswith(
        sign.name
    )


def _words(node: exp.Expr) -> str:
    return node.sql("postgres", comments=False)[:60] or node.key


def _columns(
    read: Iterable[Relation],
    tables: Mapping[TableName, Table],
    shapes: Mapping[TableName, Mapping[str, ColumnShape]],
) -> Iterable[tuple[str, ColumnShape]]:
    """Yield the columns that are read, each with a word for its type. Raises NotSent for types that are not alike."""
    for relation in read:
        for name in {one.name for one in relation.select.find_all(exp.Column) if one.parent_select is relation.select}:
            column, shape = tables[relation.name].column(name), shapes[relation.name].get(name)
            if column is None or shape is None:
                raise NotSent(f"column {name} of {relation.name} has changed")
            sql_type = column.sql_type
            is_known = sql_type in _SQL_TYPES or sql_type.startswith(_LONG_TYPES)
            # A column that is told as another type (an enum as text) is compared otherwise there.
            if not is_known or sql_type.endswith("[]") or ("text" in shape.type.selected):
                raise NotSent(f"column {name} of {relation.name} is of type {sql_type} here")
            if sql_type == "text" or sql_type.startswith("character varying"):
                yield "text", shape
            else:
                yield "timestamptz" if sql_type.endswith("with time zone") else "other", shape


def _met_texts(select: exp.Query) -> str | None:
    """Return words for what several columns of text meet in, None where none do."""
    for node in select.find_all(*_MEETING):
        if len({(one.table, one.name) for one in node.find_all(exp.Column) if one.is_type(*_TEXTS)}) > 1:
            return _words(node)
    return None


def _ordered_text(select: exp.Query) -> str | None:
    """Return words for what orders text, None where nothing does."""
    for node in select.find_all(*_ORDERING):
        operands = [node.this, *(node.args[name] for name in ("expression", "low", "high") if node.args.get(name))]
        if all(one.is_type(*_WITHOUT_COLLATION) for one in operands if not _is_constant(one)):
            continue
        return _words(node)
    return None


def _is_constant(node: exp.Expr) -> bool:
    return isinstance(node.unnest(), exp.Literal | exp.Null)


def _require_plain(literal: exp.Literal) -> None:
    """Refuse constants that a session's settings change, those of types that are not known among them."""
    if _MOMENT.match(literal.name):
        return
    parent = literal.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    if isinstance(parent, exp.Cast):
        return  # see below
    others = [one for one in parent.iter_expressions() if one.unnest() is not literal] if parent is not None else []
    if isinstance(parent, exp.If):  # a branch of CASE
        others = [parent.args["true"]] if parent.args["true"].unnest() is literal else []
    text = isinstance(parent, exp.Replace | exp.Trim | exp.DPipe | exp.Like | exp.Escape)
    if not text and not all(one.is_type(*_TEXTS) or _is_constant(one) for one in others):
        raise NotSent(f"the constant {_words(literal)} is read by the settings of the session")


def _require_plain_cast(cast: exp.Cast) -> None:
    """Refuse conversions that a session's settings change, or that fail for single rows."""
    inner, target = cast.this.unnest(), cast.to.this
    if isinstance(inner, exp.Null):
        return
    if isinstance(inner, exp.Literal) and inner.is_string:
        plain = (target in _TEXTS and not cast.to.expressions) or (
            target in (T.DATE, T.TIMESTAMP) and _MOMENT.match(inner.name)
        )
        if plain or (target in _NUMBERS and _NUMBER.match(inner.name)):
            return
    elif target in _FLOATS and cast.this.is_type(*_NUMBERS):
        return
    elif target in _NUMBERS and cast.this.is_type(*_EXACT):
        if target is not T.DECIMAL or cast.to.expressions:
            return
    elif target in _TEXTS and cast.this.is_type(*_TEXTS) and not cast.to.expressions:
        return
    raise NotSent(f"{_words(cast)} is left to the engine")


def _require_compared(parameter: exp.Parameter) -> None:
    """Refuse parameters but those that are compared with values of their own type."""
    parent = parameter.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    kinds = next((one for one in _ALIKE if parameter.is_type(*one)), None)
    operands = [*parent.iter_expressions()] if isinstance(parent, _COMPARISONS) else []
    if kinds is None or not operands or not all(one.is_type(*kinds) or _is_constant(one) for one in operands):
        raise NotSent(f"the parameter ${parameter.name} is left to the engine")


def _mixes_zones(node: exp.Expr) -> bool:
    """Whether a timestamp with time zone meets anything of another type."""
    operands = [one for one in node.iter_expressions() if not isinstance(one.unnest(), exp.Null)]
    zoned = [one.is_type(T.TIMESTAMPTZ) for one in operands]
    return any(zoned) and not all(zoned)
