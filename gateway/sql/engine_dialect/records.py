"""Rows as values: the engine has no records, so a row is spelt out where it is tested, compared, sorted or put out.

What is put out is the text of a record. Elsewhere (in arrays, in columns of derived tables) a row is refused.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect import comparisons
from gateway.sql.engine_dialect.build import QUOTIENT, call, case, cast, paren, refuse, text, typed
from gateway.sql.engine_dialect.casts import to_type
from gateway.sql.engine_dialect.kinds import Kind, T, kind, scale_of, type_of
from gateway.sql.engine_dialect.moments import Session, add_or_subtract
from gateway.sql.engine_dialect.record_columns import MARK, ROW
from optimizer.census import Census
from optimizer.copies import copied

_SPECIAL = r'[\s"\\(),]'
_TESTED = (
    exp.Binary,
    exp.Between,
    exp.Count,
    exp.Distinct,
    exp.Group,
    exp.GroupingSets,
    exp.In,
    exp.Is,
    exp.Ordered,
    exp.Overlaps,
    exp.Tuple,
    exp.Values,
)


def check(tree: exp.Query, census: Census) -> None:
    """Refuse rows where they cannot be spelt out."""
    for node in census.find_all(exp.Tuple):
        parent = node.parent
        while isinstance(parent, exp.Paren):
            parent = parent.parent
        tested = isinstance(parent, _TESTED) and not isinstance(parent.parent, exp.ArrayAgg)
        if tested or _is_output(node, tree) or _is_text(node) or _is_gathered(node, tree):
            continue
        raise refuse("a row as value in this place", "Name its columns, or cast it to text.")


def _is_output(node: exp.Expr, tree: exp.Query) -> bool:
    parent = node.parent
    select = parent.parent if isinstance(parent, exp.Alias) else parent
    return select is tree and isinstance(select, exp.Select) and not select.args.get("distinct")


def _is_gathered(node: exp.Expr, tree: exp.Query) -> bool:
    """Whether a row is put out in ``array_agg(row)``: an array of the texts of rows reads as one of rows."""
    above = node.parent
    if isinstance(above, exp.Order) and node.arg_key == "this":
        above = above.parent
    if not isinstance(above, exp.ArrayAgg) or node.arg_key != "this":
        return False
    while isinstance(above.parent, exp.Filter) and above.arg_key == "this":
        above = above.parent
    return _is_output(above, tree)


def _is_text(node: exp.Expr) -> bool:
    parent = node.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    return isinstance(parent, exp.Cast) and kind(parent) is Kind.TEXT


def spell_out(select: exp.Select, session: Session) -> None:
    """Spell out the rows of a SELECT's GROUP BY, ORDER BY, counts, casts and outputs, in place."""
    group = select.args.get("group")
    if group is not None:
        flat = [part for one in group.expressions for part in (_fields(one) if isinstance(one, exp.Tuple) else [one])]
        group.set("expressions", flat)
    for order in select.find_all(exp.Order):  # those of aggregates and windows, too
        if not isinstance(order.this, exp.Distinct) and not isinstance(order.parent, exp.WithinGroup):
            order.set("expressions", [key for one in order.expressions for key in _keys(one)])
    for count in select.find_all(exp.Count):
        row = count.this
        if isinstance(row, exp.Distinct) and len(row.expressions) == 1 and isinstance(row.expressions[0], exp.Tuple):
            row.set("expressions", [_counted(row.expressions[0])])
        if isinstance(row, exp.Tuple) and row.meta.get(ROW):
            count.set("this", copied(row.expressions[-1]) if row.meta.get(MARK) else exp.Star())
    for node in list(select.find_all(exp.Tuple)):
        parent = node.parent
        if _is_text(node) and isinstance(parent, exp.Expr):
            whole = parent
            while not isinstance(whole, exp.Cast):
                assert whole.parent is not None
                whole = whole.parent
            whole.replace(_text(node, session))
        elif isinstance(parent, exp.Alias) and parent.parent is select:
            node.replace(_put_out(node, parent, select, session))
        elif isinstance(parent, exp.ArrayAgg | exp.Order) and node.arg_key == "this":
            gathered = node.find_ancestor(exp.ArrayAgg)
            node.replace(_text(node, session))
            if gathered is not None:
                gathered.type = exp.DataType.build("text[]", dialect="postgres")


def _counted(value: exp.Expr) -> exp.Expr:
    """Return a record as a struct, which counts where its fields are NULL, too; a field as what is one value."""
    if not isinstance(value, exp.Tuple):
        return comparisons.without_sign_of_zero(copied(value))
    whole = call("struct", *map(_counted, _fields(value)), returns=T.STRUCT)
    return typed(case((copied(value.expressions[-1]), whole)), T.STRUCT) if value.meta.get(MARK) else whole


def _fields(row: exp.Tuple) -> list[exp.Expr]:
    return [*row.expressions[: -1 if row.meta.get(MARK) else None]]


def _keys(ordered: exp.Expr) -> list[exp.Expr]:
    row = ordered.this.unnest() if isinstance(ordered.this, exp.Paren) else ordered.this
    if not isinstance(row, exp.Tuple):
        return [ordered]
    return [exp.Ordered(this=copied(one), desc=ordered.args.get("desc")) for one in _fields(row)]


def _put_out(row: exp.Tuple, column: exp.Expr, select: exp.Select, session: Session) -> exp.Expr:
    """Return a record as the client takes it: as text, or as a struct."""
    if select.parent is not None:
        return _text(row, session)
    place = next(at for at, one in enumerate(select.expressions) if one is column)
    if place not in session.records:
        return _text(row, session)
    column.set("alias", exp.to_identifier(f"record {place}", quoted=True))  # else ``k.id`` would be a field of it
    return _struct(row, session)


def _struct(row: exp.Tuple, session: Session) -> exp.Expr:
    """Return a record as a struct of what its fields would be as columns."""
    named = [part for at, field in enumerate(_fields(row)) for part in (text(f"c{at}"), _value(field, session))]
    whole = call("named_struct", *named, returns=T.STRUCT)
    return typed(case((copied(row.expressions[-1]), whole)), T.STRUCT) if row.meta.get(MARK) else whole


def _value(field: exp.Expr, session: Session) -> exp.Expr:
    if isinstance(field, exp.Tuple):
        return _text(field, session)
    if kind(field) is Kind.NUMERIC and scale_of(type_of(field)) is None:
        return call("numeric_text", cast(copied(field), QUOTIENT), returns="TEXT")
    return copied(field)


def _text(row: exp.Tuple, session: Session) -> exp.Expr:
    """Return a record as text: ``(1,"a b",)``, NULL as nothing, quoted where a reader would be in doubt."""
    whole: exp.Expr = text("(")
    for at, field in enumerate(_fields(row)):
        if at:
            whole = typed(exp.DPipe(this=whole, expression=text(",")), T.TEXT)
        whole = typed(exp.DPipe(this=whole, expression=_field(field, session)), T.TEXT)
    whole = typed(exp.DPipe(this=whole, expression=text(")")), T.TEXT)
    if row.meta.get(MARK):
        return typed(case((copied(row.expressions[-1]), whole)), T.TEXT)
    return cast(exp.Paren(this=whole), "TEXT")  # of one form: the arrays of a recursive query must be of one type


def _field(field: exp.Expr, session: Session) -> exp.Expr:
    if isinstance(field, exp.Tuple):
        return _field(_text(field, session), session)
    found = kind(field)
    if found is Kind.BOOL:
        plain = case((copied(field), text("t")), (exp.Not(this=paren(copied(field))), text("f")))
        return typed(exp.Coalesce(this=typed(plain, T.TEXT), expressions=[text("")]), T.TEXT)
    written = (
        copied(field)
        if found in (Kind.TEXT, Kind.UNKNOWN)
        else to_type(copied(field), exp.DataType.build("text"), session)
    )
    written.type = T.TEXT.into_expr()
    if found in (Kind.INTEGER, Kind.NUMERIC, Kind.FLOAT, Kind.DATE, Kind.UUID):
        return typed(exp.Coalesce(this=written, expressions=[text("")]), T.TEXT)
    doubtful = call("regexp_like", copied(written), text(_SPECIAL), returns=T.BOOLEAN)
    empty = exp.EQ(this=paren(copied(written)), expression=text(""))
    escaped = call(
        "replace",
        call("replace", copied(written), text("\\"), text("\\\\"), returns="TEXT"),
        text('"'),
        text('""'),
        returns="TEXT",
    )
    quoted = typed(
        exp.Paren(
            this=exp.DPipe(this=typed(exp.DPipe(this=text('"'), expression=escaped), T.TEXT), expression=text('"'))
        ),
        T.TEXT,
    )
    chosen = case((exp.Or(this=doubtful, expression=empty), quoted), default=written)
    return typed(exp.Coalesce(this=typed(chosen, T.TEXT), expressions=[text("")]), T.TEXT)


def is_null(node: exp.Is) -> exp.Expr:
    """``row IS NULL``: each field is. ``row IS NOT NULL``: no field is, which is not the opposite."""
    row = node.this.unnest()
    if not isinstance(row, exp.Tuple) or not isinstance(node.expression, exp.Null):
        return node
    tests: list[exp.Expr] = [exp.Is(this=paren(copied(one)), expression=exp.Null()) for one in _fields(row)]
    if node.args.get("negate"):
        tests = [exp.Not(this=one) for one in tests]
    return typed(exp.Paren(this=exp.and_(*tests)), T.BOOLEAN)


def equals(node: exp.Binary, session: Session) -> exp.Expr:
    """Records are equal where all fields are, NULL being equal to NULL; a whole row is a record, and so is a row in a
    row. (`comparisons.compare` has two rows that are written out, of which NULL makes the answer unknown.)
    """
    left, right = node.left, node.right
    if not isinstance(left, exp.Tuple) or not isinstance(right, exp.Tuple):
        return node
    inside = any(isinstance(one, exp.Tuple) for one in (*left.expressions, *right.expressions))
    if inside and isinstance(node, exp.EQ):
        pairs = zip(left.expressions, right.expressions, strict=True)
        terms = [
            _records(one, other, session)
            if isinstance(one, exp.Tuple) and isinstance(other, exp.Tuple)
            else comparisons.compare(exp.EQ(this=copied(one), expression=copied(other)), session)
            for one, other in pairs
        ]
        return typed(exp.Paren(this=exp.and_(*terms)), T.BOOLEAN)
    if not (left.meta.get(ROW) or right.meta.get(ROW)) and not inside:
        return node
    if inside or not isinstance(node, exp.EQ | exp.NEQ) or left.meta.get(MARK) or right.meta.get(MARK):
        raise refuse("this comparison of rows", "Compare their columns.")
    same = _records(left, right, session)
    return same if isinstance(node, exp.EQ) else typed(exp.Not(this=same), T.BOOLEAN)


def _records(left: exp.Tuple, right: exp.Tuple, session: Session) -> exp.Expr:
    pairs = zip(left.expressions, right.expressions, strict=True)
    terms = [comparisons.compare(exp.NullSafeEQ(this=copied(a), expression=copied(b)), session) for a, b in pairs]
    return typed(exp.Paren(this=exp.and_(*(exp.Paren(this=one) for one in terms))), T.BOOLEAN)


def overlaps(node: exp.Overlaps, session: Session) -> exp.Expr:
    """``(a, b) OVERLAPS (c, d)``: the periods share a point, or one of them is unknown where that decides."""
    first, second = (_period(side, session) for side in (node.this, node.expression))

    def less(one: exp.Expr, other: exp.Expr) -> exp.Expr:
        return comparisons.compare(exp.LT(this=paren(copied(one)), expression=paren(copied(other))), session)

    unknown = cast(exp.Null(), "BOOLEAN")
    open_end = exp.Or(this=_absent(first[1]), expression=_absent(second[1]))

    def reaches(later: exp.Expr, end: exp.Expr) -> exp.Expr:
        return case((less(later, end), exp.true()), (copied(open_end), copied(unknown)), default=exp.false())

    answer = case(
        (exp.Or(this=_absent(first[0]), expression=_absent(second[0])), copied(unknown)),
        (less(second[0], first[0]), reaches(first[0], second[1])),
        (less(first[0], second[0]), reaches(second[0], first[1])),
        (copied(open_end), copied(unknown)),
        default=exp.true(),
    )
    return typed(exp.Paren(this=answer), T.BOOLEAN)


def _absent(value: exp.Expr) -> exp.Expr:
    return exp.Is(this=paren(copied(value)), expression=exp.Null())


def _period(side: exp.Expr, session: Session) -> tuple[exp.Expr, exp.Expr]:
    """Return where a period begins and, NULL if it is not known, ends."""
    row = side.unnest()
    if not isinstance(row, exp.Tuple) or len(row.expressions) != 2:
        raise refuse("OVERLAPS of these values")
    start, end = row.expressions
    if kind(end) is Kind.INTERVAL:
        stamp = T.TIMESTAMP if kind(start) is Kind.DATE else start.type
        assert isinstance(stamp, exp.DataType | exp.DType)
        end = add_or_subtract(typed(exp.Add(this=copied(start), expression=copied(end)), stamp), session)
    if Kind.UNKNOWN in (kind(start), kind(end)):
        raise refuse("OVERLAPS of constants without a type", "Write date '…' or timestamp '…'.")
    start, end = comparisons.alike([start, end], session)
    known = exp.And(this=exp.Not(this=_absent(start)), expression=exp.Not(this=_absent(end)))
    least = typed(call("least", copied(start), copied(end), returns=start.type or "TEXT"), start.type or "TEXT")
    most = call("greatest", copied(start), copied(end), returns=start.type or "TEXT")
    return least, typed(case((known, most)), start.type or "TEXT")
