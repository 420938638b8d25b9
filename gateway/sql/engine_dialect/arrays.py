"""Arrays: subscripts, lengths, containment, concatenation."""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect import kinds
from gateway.sql.engine_dialect.build import ENGINE, arrow_cast, call, case, cast, number, paren, refuse, typed
from gateway.sql.engine_dialect.call_marks import is_translated
from gateway.sql.engine_dialect.casts import engine_type, to_type
from gateway.sql.engine_dialect.kinds import Kind, T, kind, type_of
from gateway.sql.engine_dialect.moments import ZONED, Session
from optimizer.copies import copied


def subscript(node: exp.Bracket) -> exp.Expr:
    """``a[i]`` and ``a[low:high]``, counted from one; outside is NULL, where the engine counts from the end."""
    if kind(node.this) is not Kind.ARRAY:
        raise refuse(f"a subscript on {kind(node.this).name.lower()}")
    index = node.expressions[0]
    array = paren(node.this)
    if isinstance(index, exp.Slice):
        return _slice(array, index, node)
    if len(node.expressions) > 1 or _gathers_arrays(node.this):
        raise refuse("an array of more than one dimension")
    place = subscript_as_written(index)
    if isinstance(place, exp.Literal):
        return call("array_element", array, place, returns=type_of(node))
    place = cast(place, "BIGINT")
    inside = exp.GTE(this=copied(place), expression=number(1))
    found = case((inside, call("array_element", array, place, returns=type_of(node))))
    return typed(exp.Paren(this=found), type_of(node))


def _gathers_arrays(node: exp.Expr) -> bool:
    """Whether an expression is an array of arrays, which has the type of one of their elements."""
    aggregate = node.find(exp.ArrayAgg)
    if aggregate is None:
        return False
    value = aggregate.this
    value = value.this if isinstance(value, exp.Order) else value
    return kind(value.expressions[0] if isinstance(value, exp.Distinct) else value) is Kind.ARRAY


def _may_gather_nothing(node: exp.Expr) -> bool:
    """Whether an array of arrays may be NULL: what is put beside it would be the whole, with a dimension less."""
    if not _gathers_arrays(node):
        return False
    select = node.find_ancestor(exp.Select)
    return node.find(exp.Filter) is not None or select is None or select.args.get("group") is None


def _has_two_dimensions(node: exp.Expr) -> bool:
    bare = node.unnest()
    return isinstance(bare, exp.Literal) and bare.name.lstrip().startswith("{{")


def subscript_as_written(index: exp.Expr) -> exp.Expr:
    """Return a subscript as written. sqlglot's parser takes one off those that it knows to be integers without
    looking at the tables: constants, casts, some functions.
    """
    if isinstance(index, exp.Literal):
        return number(int(index.name) + 1)
    if isinstance(index, exp.Neg) and isinstance(index.this, exp.Literal):
        return number(0)  # nothing is there
    while isinstance(index, exp.Cast) and isinstance(index.this, exp.Add | exp.Sub):
        index = index.this  # the rules for integers were here
    if isinstance(index, exp.Add) and _is_minus_one(index.expression):
        left = index.this
        while isinstance(left, exp.Cast) and left.meta.get(ENGINE):
            left = left.this
        assert isinstance(left, exp.Expr)
        if not isinstance(left, exp.Column) and not (isinstance(left, exp.Binary) and left.find(exp.Column)):
            return left
    return index


def _is_minus_one(node: exp.Expr) -> bool:
    while isinstance(node, exp.Cast):
        node = node.this
    return isinstance(node, exp.Neg) and node.this.name == "1"


def _slice(array: exp.Expr, bounds: exp.Slice, node: exp.Bracket) -> exp.Expr:
    low = bounds.this if bounds.this is not None else number(1)
    high = bounds.expression if bounds.expression is not None else call("array_length", copied(array), returns="BIGINT")
    low = call("greatest", cast(low, "BIGINT"), number(1), returns="BIGINT")
    found = call("array_slice", array, low, cast(high, "BIGINT"), returns=type_of(node))
    positive = exp.GTE(this=cast(copied(high), "BIGINT"), expression=copied(low))
    empty = call("array_slice", copied(array), number(2), number(1), returns=type_of(node))
    return typed(
        exp.Paren(
            this=case((positive, found), (exp.Not(this=exp.Is(this=copied(array), expression=exp.Null())), empty))
        ),
        type_of(node),
    )


def length(node: exp.ArraySize) -> exp.Expr:
    """``array_length(a, n)``: NULL for an empty array, where the engine says 0."""
    dimension = node.expression if node.expression is not None else number(1)
    found = call("array_length", node.this, dimension, returns="BIGINT")
    return cast(exp.Nullif(this=cast(found, "BIGINT"), expression=number(0)), "INT")


def upper(node: exp.Anonymous) -> exp.Expr:
    """``array_upper(a, 1)`` and ``array_lower(a, 1)``: arrays of the lake start at one."""
    array, dimension = node.expressions
    found = call("array_length", array, dimension, returns="BIGINT")
    size = cast(exp.Nullif(this=cast(found, "BIGINT"), expression=number(0)), "INT")
    if node.name.lower() == "array_upper":
        return size
    return cast(case((exp.GT(this=size, expression=number(0)), number(1))), "INT")


def cardinality(node: exp.Anonymous) -> exp.Expr:
    """``cardinality``: unsigned in the engine."""
    return cast(call("cardinality", *node.expressions, returns="BIGINT"), "INT")


def array_position(node: exp.ArrayPosition) -> exp.Expr:
    """``array_position``: unsigned in the engine."""
    return cast(call("array_position", node.this, node.expression, returns="BIGINT"), "INT")


def plain(node: exp.Anonymous) -> exp.Expr:
    """``array_replace``: of all equal elements, where the engine's replaces the first."""
    name = node.name.lower()
    return call("array_replace_all" if name == "array_replace" else name, *node.expressions, returns=type_of(node))


_CHANGES: dict[type[exp.Expr], str] = {
    exp.ArrayAppend: "array_append",
    exp.ArrayPrepend: "array_prepend",
    exp.ArrayConcat: "array_concat",
    exp.ArrayRemove: "array_remove_all",
}


def change(node: exp.Expr, session: Session) -> exp.Expr:
    """``array_append``, ``array_prepend``, ``array_cat``, ``array_remove``."""
    array, other = node.this, node.expression if node.args.get("expression") is not None else node.expressions[0]
    if isinstance(node, exp.ArrayPrepend) and kind(array) is not Kind.ARRAY:
        array, other = other, array
    if isinstance(node, exp.ArrayConcat):
        array, other = (_of_engine(one) for one in _same(array, other, session))
    if not isinstance(node, exp.ArrayRemove) and _has_numerics(type_of(array)):
        parts = (other, array) if isinstance(node, exp.ArrayPrepend) else (array, other)
        return _joined_numerics(*parts, type_of(array))
    parts = (other, array) if isinstance(node, exp.ArrayPrepend) else (array, other)
    return call(_CHANGES[type(node)], *parts, returns=type_of(array))


def _has_numerics(found: exp.DataType) -> bool:
    return found.this is T.ARRAY and kinds.element_type(found).this is T.DECIMAL


def _joined_numerics(left: exp.Expr, right: exp.Expr, result: exp.DataType) -> exp.Expr:
    """Join arrays of numerics, or such and an element: of two arrays the engine finds the digits that hold both. What
    PostgreSQL evaluates is texts, and has digits of its own.
    """
    arrays = [
        one if kind(one) is Kind.ARRAY else typed(exp.Array(expressions=[one]), copied(result)) for one in (left, right)
    ]
    return call("array_concat", *alike_numerics(arrays, result), returns=result)


def alike_numerics(arrays: list[exp.Expr], result: exp.DataType) -> list[exp.Expr]:
    """Return arrays of numerics as texts where one of them, or a branch of it, is; others as they are."""
    as_texts = [any(map(is_translated, one.walk())) for one in arrays] if _has_numerics(result) else []
    if not any(as_texts):
        return arrays
    return [one if is_text else cast(one, "TEXT[]") for one, is_text in zip(arrays, as_texts, strict=True)]


def contains(node: exp.Binary, session: Session) -> exp.Expr:
    """``@>``, ``<@`` and ``&&``: NULL among the elements is equal to none, where the engine finds it equal to NULL."""
    left, right = _same(node.this, node.expression, session)
    if kind(left) is not Kind.ARRAY or kind(right) is not Kind.ARRAY:
        raise refuse("@>, <@ and && on anything but arrays", "Containment of jsonb and ranges is not.")
    if isinstance(node, exp.ArrayContainedBy):
        left, right = right, left
    if isinstance(node, exp.ArrayOverlaps):
        if _has_values(right):
            return call("array_has_any", left, right, returns=T.BOOLEAN)
        values = call("array_except", left, exp.Array(expressions=[exp.Null()]), returns=type_of(left))
        return _of_known(left, right, call("array_has_any", values, copied(right), returns=T.BOOLEAN))
    found = call("array_has_all", left, right, returns=T.BOOLEAN)
    if _has_values(right):
        return found
    return _of_known(left, right, exp.And(this=exp.Paren(this=exp.Not(this=_has_null(right))), expression=found))


def _has_values(array: exp.Expr) -> bool:
    """Whether an array is of constants, and has some, none of them NULL."""
    while isinstance(array, exp.Cast | exp.Paren):
        array = array.this
    elements = array.expressions if isinstance(array, exp.Array) else []
    return bool(elements) and all(_is_constant(one) for one in elements)


def _is_constant(element: exp.Expr) -> bool:
    while isinstance(element, exp.Cast | exp.Paren | exp.Neg):
        element = element.this
    return isinstance(element, exp.Literal | exp.Boolean)


def _has_null(array: exp.Expr) -> exp.Expr:
    place = call("array_position", copied(array), exp.Null(), returns=T.BIGINT)
    return exp.Paren(this=exp.Not(this=exp.Is(this=place, expression=exp.Null())))


def _of_known(left: exp.Expr, right: exp.Expr, found: exp.Expr) -> exp.Expr:
    """NULL where a side is NULL: of an empty array on the other one the engine has an answer."""
    absent = [exp.Paren(this=exp.Is(this=paren(copied(side)), expression=exp.Null())) for side in (left, right)]
    unknown = exp.Or(this=absent[0], expression=absent[1])
    return typed(exp.Paren(this=case((unknown, cast(exp.Null(), "BOOLEAN")), default=found)), T.BOOLEAN)


def _same(left: exp.Expr, right: exp.Expr, session: Session) -> tuple[exp.Expr, exp.Expr]:
    """Read a constant on one side as the other's array type; make literal arrays of that type too."""
    if kind(left) is Kind.UNKNOWN and kind(right) is Kind.ARRAY:
        left = to_type(left, type_of(right), session)
    if kind(right) is Kind.UNKNOWN and kind(left) is Kind.ARRAY:
        right = to_type(right, type_of(left), session)
    return left, right


def concatenate(node: exp.DPipe, session: Session) -> exp.Expr:
    """``||`` with an array: of two arrays, or of an array and an element."""
    for gathered, other in ((node.left, node.right), (node.right, node.left)):
        if _may_gather_nothing(gathered) and not _gathers_arrays(other) and not _has_two_dimensions(other):
            hint = "Use it where rows are grouped, without FILTER."
            raise refuse("an array beside array_agg of arrays, which may be NULL", hint)
    left, right = _same(node.left, node.right, session)
    if _has_numerics(type_of(left if kind(left) is Kind.ARRAY else right)):
        return _joined_numerics(left, right, type_of(node))
    if kind(left) is Kind.ARRAY and kind(right) is Kind.ARRAY:
        return call("array_concat", _of_engine(left), _of_engine(right), returns=type_of(node))
    if kind(left) is Kind.ARRAY:
        return call("array_append", left, right, returns=type_of(node))
    return call("array_prepend", left, right, returns=type_of(node))


def _of_engine(array: exp.Expr) -> exp.Expr:
    """Return an array that may be a column of a file in the engine's own form: of two that are not it tells that of one
    that is, and fails where they meet another.
    """
    element = kinds.element_type(type_of(array))
    if not isinstance(array, exp.Column) or kinds.kind_of_type(element) not in _PLAIN:
        return array
    return cast(array, exp.DataType(this=T.ARRAY, expressions=[engine_type(element)], nested=True))


_PLAIN = frozenset({Kind.BOOL, Kind.DATE, Kind.FLOAT, Kind.INTEGER, Kind.TEXT})


def literal(node: exp.Array, session: Session) -> exp.Expr:
    """``ARRAY[…]``: elements of one type; integers in the engine are 64 bits wide. Of a query, see `subqueries`."""
    element = kinds.element_type(type_of(node))
    if any(isinstance(value, exp.Array | exp.Query) for value in node.expressions):
        return node
    if kinds.kind_of_type(element) in (Kind.UNKNOWN, Kind.OTHER) or not node.expressions:
        return node
    if kinds.kind_of_type(element) is Kind.NUMERIC:
        return node
    node.set(
        "expressions", [to_type(v, element, session) if kinds.is_unknown_constant(v) else v for v in node.expressions]
    )
    if kinds.kind_of_type(element) is Kind.TIMESTAMPTZ:  # SQL has words for nanoseconds alone, which end in 2262
        return arrow_cast(node, f"List({ZONED})", copied(type_of(node)))
    inner = exp.DataType(this=T.ARRAY, expressions=[engine_type(element)], nested=True)
    return typed(cast(node, inner), type_of(node))


def joined(node: exp.ArrayToString) -> exp.Expr:
    """``array_to_string(a, separator, null)`` of text and whole numbers (``t`` is ``true`` to the engine)."""
    if kinds.kind_of_type(kinds.element_type(type_of(node.this))) not in (Kind.TEXT, Kind.INTEGER):
        raise refuse("array_to_string of these elements", "Cast the array to text[].")
    parts = [node.this, node.expression] + ([node.args["null"]] if node.args.get("null") is not None else [])
    return call("array_to_string", *parts, returns="TEXT")
