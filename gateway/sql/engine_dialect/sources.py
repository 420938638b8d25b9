"""FROM: functions as tables, and queries that refer to what stands before them (LATERAL)."""

from __future__ import annotations

from decimal import Decimal

from sqlglot import exp

from gateway.sql.engine_dialect.build import ENGINE, E, call, case, cast, number, paren, refuse, text
from gateway.sql.engine_dialect.casts import to_type
from gateway.sql.engine_dialect.correlation import free_columns
from gateway.sql.engine_dialect.kinds import Kind, kind, kind_of_type, scale_of, type_of
from gateway.sql.engine_dialect.moments import STAMP, Session, utc
from gateway.values.zones import named_zone
from optimizer.copies import copied

_PLAIN_CLAUSES = ("from_", "joins", "where", "group", "having", "order", "limit", "offset", "distinct", "windows")


def series(node: exp.Expr, session: Session) -> exp.Expr:
    """Return the array of ``generate_series``: of integers, of numerics as such, or of timestamps by an interval."""
    start, end, step = node.args["start"], node.args["end"], node.args.get("step")
    result = type_of(node)
    if kind_of_type(result) is Kind.INTEGER:
        parts = [cast(start, "BIGINT"), cast(end, "BIGINT"), cast(step, "BIGINT") if step is not None else number(1)]
        return call("generate_series", *parts, returns="BIGINT[]")
    if (scale := scale_of(result)) is not None:
        step = number(1) if step is None else step
        last = _last(end, step, scale)
        return call("generate_series", *(_units(one, scale) for one in (start, last, step)), returns="BIGINT[]")
    if kind_of_type(result) not in (Kind.TIMESTAMP, Kind.TIMESTAMPTZ) or step is None:
        raise refuse("generate_series of these types", _SERIES_HINT)
    if kind(step) is Kind.UNKNOWN:
        step = to_type(step, exp.DataType.build("interval"), session)
    if kind_of_type(result) is Kind.TIMESTAMP:
        ends = [utc(cast(to_type(edge, exp.DataType.build("timestamp"), session), STAMP)) for edge in (start, end)]
        return call("timestamptz_series", *ends, step, text("UTC"), returns="TIMESTAMPTZ[]")
    ends = [to_type(edge, exp.DataType.build("timestamptz"), session) for edge in (start, end)]
    return call("timestamptz_series", *ends, step, _zone_of(node, session), returns="TIMESTAMPTZ[]")


def _zone_of(node: exp.Expr, session: Session) -> exp.Expr:
    """Return the zone of a series: its fourth argument, which sqlglot has as another, or the session's."""
    given = node.args.get("is_end_exclusive")
    if given is None:
        return session.zone
    bare = given.unnest()
    if not (isinstance(bare, exp.Literal) and bare.is_string):
        raise refuse("a time zone that is not a constant")
    return text(named_zone(bare.name))


_SERIES_HINT = "Integers, numerics with a scale, and dates or timestamps with an interval, are."


def _units(value: exp.Expr, scale: int) -> exp.Expr:
    """Return a numeric as a number of units of its last digit: an error (22003) where a bigint has no room for it."""
    units = _of_engine(exp.Mul(this=_wide(value, scale), expression=cast(number(10**scale), "DECIMAL(26, 0)")))
    return cast(cast(units, "DECIMAL(19, 0)"), "BIGINT")


def _wide(value: exp.Expr, scale: int) -> exp.Expr:
    return cast(copied(value), f"DECIMAL(50, {scale})")


def _last(end: exp.Expr, step: exp.Expr, scale: int) -> exp.Expr:
    """Return the end of a series of numerics with so many digits as its values have: none of them is behind it."""
    if kind(end) is Kind.INTEGER or ((digits := scale_of(type_of(end))) is not None and digits <= scale):
        return end
    rounded, unit = _wide(end, scale), cast(text(format(Decimal(1).scaleb(-scale), "f")), f"DECIMAL(50, {scale})")
    down = _of_engine(exp.GTE(this=paren(copied(step)), expression=number(0)))
    above = _of_engine(exp.GT(this=rounded, expression=paren(copied(end))))
    below = _of_engine(exp.LT(this=copied(rounded), expression=paren(copied(end))))
    less = _of_engine(exp.Sub(this=copied(rounded), expression=unit))
    more = _of_engine(exp.Add(this=copied(rounded), expression=copied(unit)))
    chosen = case(
        (_of_engine(exp.And(this=down, expression=above)), less),
        (_of_engine(exp.And(this=_of_engine(exp.Not(this=paren(copied(down)))), expression=below)), more),
        default=copied(rounded),
    )
    return _of_engine(exp.Paren(this=_of_engine(chosen)))


def _of_engine(node: E) -> E:
    node.meta[ENGINE] = True
    return node


def series_element(value: exp.Expr, result: exp.DataType) -> exp.Expr:
    """Bring an element of such an array to PostgreSQL's type."""
    if kind_of_type(result) is Kind.INTEGER:
        return cast(value, result)
    if (scale := scale_of(result)) is not None:
        unit = cast(text(format(Decimal(1).scaleb(-scale), "f")), f"DECIMAL({scale + 1}, {scale})")
        return cast(_of_engine(exp.Mul(this=cast(value, "DECIMAL(19, 0)"), expression=unit)), result)
    return cast(value, STAMP) if kind_of_type(result) is Kind.TIMESTAMP else value


def exploded(node: exp.Expr, session: Session) -> exp.Expr:
    """``generate_series`` in a select list: rows of the array."""
    return series_element(exp.Explode(this=series(node, session)), type_of(node))


def functions(select: exp.Select, session: Session) -> None:
    """Functions in FROM, in place.

    One that refers to nothing becomes a derived table. One that refers to the item before it (LATERAL, which a
    function is without the word) becomes a column of that item: the engine plans no function with outer references.
    """
    from_ = select.args.get("from_")
    for holder in [from_, *select.args.get("joins", [])]:
        if holder is None:
            continue
        item = holder.this
        if isinstance(item, exp.Lateral) and isinstance(item.this, exp.Subquery):
            _rename(select, _inlined(select, holder, item))
        elif (array := _array_of(item, session)) is not None:
            outer = {column.table for column in free_columns(array[0])}
            if outer:
                _rename(select, _as_column(select, holder, item, array, outer, session))
            else:
                holder.set("this", _derived(item, array, session))


def _array_of(item: exp.Expr, session: Session) -> tuple[exp.Expr, exp.DataType] | None:
    """Return the array a function in FROM takes its rows from, and the type of a row, None for other items."""
    if isinstance(item, exp.Unnest):
        if len(item.expressions) != 1:
            raise refuse("unnest of several arrays")
        inner = item.expressions[0]
    elif isinstance(item, exp.Table | exp.Lateral) and isinstance(item.this, exp.Func | exp.Unnest):
        inner = item.this
    else:
        return None
    if isinstance(inner, exp.Unnest) and inner is not item:
        return _array_of(inner, session)
    if isinstance(inner, exp.ExplodingGenerateSeries | exp.GenerateSeries):
        return series(inner, session), type_of(inner)
    if isinstance(inner, exp.Explode):
        inner = inner.this
    elif not isinstance(item, exp.Unnest):
        raise refuse(f"function {inner.sql_name().lower()} in FROM", "unnest and generate_series are.")
    element = type_of(inner).expressions[0] if type_of(inner).expressions else exp.DataType.build("unknown")
    return inner, element


def column_names(item: exp.Expr) -> tuple[str, str | None]:
    """Return the names of the values and of their ordinality, None without."""
    names = [column.name for column in item.args["alias"].columns] if item.args.get("alias") else []
    inner = item.this if isinstance(item, exp.Lateral) else item
    ordinality = bool(item.args.get("offset") or item.args.get("ordinality") or inner.args.get("offset"))
    value = names[0] if names else item.alias or "unnest"
    if not ordinality:
        return value, None
    offset = inner.args.get("offset")
    if len(names) > 1:
        return value, names[1]
    return value, offset.name if isinstance(offset, exp.Identifier) else "ordinality"


def _derived(item: exp.Expr, array: tuple[exp.Expr, exp.DataType], session: Session) -> exp.Subquery:
    value, ordinality = column_names(item)
    whole, element = array
    rows = exp.Explode(this=whole)
    columns = [exp.alias_(_element(rows, whole, element), value, quoted=True)]
    if ordinality is not None:
        columns.append(exp.alias_(exp.Explode(this=places(whole)), ordinality, quoted=True))
    alias = exp.TableAlias(this=exp.to_identifier(item.alias or value, quoted=True))
    return exp.Subquery(this=exp.select(*columns), alias=alias)


def _element(rows: exp.Expr, whole: exp.Expr, element: exp.DataType) -> exp.Expr:
    made = isinstance(whole, exp.Anonymous) and whole.name in ("generate_series", "timestamptz_series")
    return series_element(rows, element) if made else rows


def places(whole: exp.Expr) -> exp.Expr:
    """Return the numbers of an array's elements, as an array."""
    size = call("array_length", copied(whole), returns="BIGINT")
    return call("generate_series", number(1), cast(size, "BIGINT"), returns="BIGINT[]")


def _as_column(
    select: exp.Select,
    holder: exp.Expr,
    item: exp.Expr,
    array: tuple[exp.Expr, exp.DataType],
    outer: set[str],
    session: Session,
) -> dict[tuple[str, str], exp.Expr]:
    """``FROM t, unnest(t.a) AS u(e)`` becomes ``FROM (SELECT *, unnest(a) AS "u:e" FROM t) AS t``."""
    if isinstance(holder, exp.Join) and (
        holder.side or holder.kind not in ("", "CROSS", "INNER") or _condition(holder)
    ):
        raise refuse("an outer or conditional join with a function of the row before it", "Use CROSS JOIN LATERAL.")
    target = _item_named(select, outer.pop()) if len(outer) == 1 else None
    if target is None or target[1].alias_or_name == item.alias:
        raise refuse("a function in FROM that refers to more than one table")
    place, source = target
    value, ordinality = column_names(item)
    whole, element = array
    columns: list[exp.Expr] = [
        exp.Star(),
        exp.alias_(_element(exp.Explode(this=whole), whole, element), f"{item.alias}:{value}", quoted=True),
    ]
    names: dict[tuple[str, str], exp.Expr] = {}
    alias = source.alias_or_name
    names[item.alias, value] = exp.column(f"{item.alias}:{value}", table=alias, quoted=True)
    if ordinality is not None:
        columns.append(exp.alias_(exp.Explode(this=places(whole)), f"{item.alias}:{ordinality}", quoted=True))
        names[item.alias, ordinality] = exp.column(f"{item.alias}:{ordinality}", table=alias, quoted=True)
    inner = exp.select(*columns).from_(copied(source))
    place.set("this", exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True))))
    holder.pop()
    return names


def _item_named(select: exp.Select, name: str) -> tuple[exp.Expr, exp.Expr] | None:
    """Return the FROM item of that name and its holder, where rows of it may be multiplied before the joins."""
    from_ = select.args["from_"]
    joins = select.args.get("joins", [])
    if any(join.side for join in joins):
        return None
    for holder in [from_, *joins]:
        if holder.this.alias_or_name == name and isinstance(holder.this, exp.Table | exp.Subquery):
            return holder, holder.this
    return None


def _condition(join: exp.Join) -> bool:
    on = join.args.get("on")
    return bool(join.args.get("using")) or not (on is None or (isinstance(on, exp.Boolean) and on.this))


def _inlined(select: exp.Select, holder: exp.Expr, item: exp.Lateral) -> dict[tuple[str, str], exp.Expr]:
    """``LATERAL (SELECT expressions)`` without FROM: its columns are those expressions."""
    body = item.this.unnest()
    if not isinstance(body, exp.Select) or any(body.args.get(key) for key in _PLAIN_CLAUSES):
        return _top_rows(select, holder, item, body)
    if isinstance(holder, exp.Join) and (holder.side not in ("", "LEFT") or _condition(holder)):
        return {}
    names = item.alias_column_names or [column.alias_or_name for column in body.selects]
    if body.find(exp.Explode, exp.ExplodingGenerateSeries) is not None and not (
        isinstance(holder, exp.Join) and holder.side
    ):
        return _rows_as_columns(select, holder, item, names)
    holder.pop()
    return {
        (item.alias, name): paren(copied(column.unalias())) for name, column in zip(names, body.selects, strict=True)
    }


def _is_asked_beside(select: exp.Select, alias: str) -> bool:
    """Whether anything but the select list names a column of an item of FROM, or takes it into an expression."""
    outputs = {id(one.unalias()) for one in select.selects}
    return any(column.table == alias and id(column) not in outputs for column in select.find_all(exp.Column))


def _rows_as_columns(
    select: exp.Select, holder: exp.Expr, item: exp.Lateral, names: list[str]
) -> dict[tuple[str, str], exp.Expr]:
    """``FROM t, LATERAL (SELECT unnest(t.a) AS e)`` becomes ``FROM (SELECT *, unnest(a) AS "u:e" FROM t) AS t``: the
    engine takes rows apart in a select list alone.
    """
    body = item.this.unnest()
    outer = {column.table for column in free_columns(body)}
    if not outer:
        columns = [exp.alias_(one.unalias(), name, quoted=True) for name, one in zip(names, body.selects, strict=True)]
        alias = exp.TableAlias(this=exp.to_identifier(item.alias, quoted=True))
        holder.set("this", exp.Subquery(this=exp.select(*columns), alias=alias))
        return {}
    target = _item_named(select, outer.pop()) if len(outer) == 1 else None
    if target is None or target[1].alias_or_name == item.alias:
        if _is_asked_beside(select, item.alias):
            raise refuse("a function in FROM that refers to more than one table", "Put them into one derived table.")
        holder.pop()
        return {(item.alias, name): copied(one.unalias()) for name, one in zip(names, body.selects, strict=True)}
    place, source = target
    source_name = source.alias_or_name
    columns = [exp.Star()]
    found: dict[tuple[str, str], exp.Expr] = {}
    for name, one in zip(names, body.selects, strict=True):
        made = f"{item.alias}:{name}"
        columns.append(exp.alias_(copied(one.unalias()), made, quoted=True))
        found[item.alias, name] = exp.column(made, table=source_name, quoted=True)
    inner = exp.select(*columns).from_(copied(source))
    label = exp.TableAlias(this=exp.to_identifier(source_name, quoted=True))
    place.set("this", exp.Subquery(this=inner, alias=label))
    holder.pop()
    return found


def _top_rows(
    select: exp.Select, holder: exp.Expr, item: exp.Lateral, body: exp.Expr
) -> dict[tuple[str, str], exp.Expr]:
    """``LATERAL (SELECT … FROM b WHERE b.k = a.k ORDER BY … LIMIT n)``: the first rows of each key.

    The engine plans no LIMIT in it. Number the rows of each key, and join on the key and the number.
    """
    if not isinstance(body, exp.Select) or body.args.get("limit") is None or not isinstance(holder, exp.Join):
        return {}
    unsupported = ("group", "having", "distinct", "offset", "windows")
    if any(body.args.get(key) for key in unsupported) or _condition(holder) or body.find(exp.AggFunc):
        raise refuse("LATERAL with LIMIT in this form", "Use row_number() in a derived table.")
    inside = {source.alias_or_name for source in body.find_all(exp.Table, exp.Subquery)}
    keys, rest = _split_condition(body, inside)
    if not keys:
        raise refuse("LATERAL with LIMIT that is not tied by equality", "Use row_number() in a derived table.")
    order = body.args.get("order")
    rank = exp.Window(
        this=exp.RowNumber(),
        partition_by=[copied(inner) for inner, _ in keys],
        order=_expanded_order(body, order),
        over="OVER",
    )
    alias = item.alias
    columns = list(body.selects)
    columns += [exp.alias_(copied(inner), f"_key:{at}", quoted=True) for at, (inner, _) in enumerate(keys)]
    columns.append(exp.alias_(rank, "_place", quoted=True))
    limit = body.args["limit"].expression
    body.set("expressions", columns)
    body.set("order", None)
    body.set("limit", None)
    body.set("where", exp.Where(this=exp.and_(*rest)) if rest else None)
    ties: list[exp.Expr] = [
        exp.EQ(this=exp.column(f"_key:{at}", table=alias, quoted=True), expression=paren(copied(outer)))
        for at, (_, outer) in enumerate(keys)
    ]
    ties.append(exp.LTE(this=exp.column("_place", table=alias, quoted=True), expression=cast(limit, "BIGINT")))
    derived = exp.Subquery(this=body, alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
    names = item.alias_column_names
    holder.set("this", derived)
    holder.set("kind", None if holder.side else "INNER")
    holder.set("on", exp.and_(*ties))
    renamed: dict[tuple[str, str], exp.Expr] = {}
    for name, column in zip(names, body.selects, strict=False):
        renamed[alias, name] = exp.column(column.alias_or_name, table=alias, quoted=True)
    return renamed


def _expanded_order(body: exp.Select, order: exp.Expr | None) -> exp.Order | None:
    if order is None:
        return None
    names = {column.alias_or_name: column.unalias() for column in body.selects}
    keys = [copied(key) for key in order.expressions]
    for key in keys:
        if isinstance(key.this, exp.Column) and not key.this.table and key.this.name in names:
            key.set("this", copied(names[key.this.name]))
    return exp.Order(expressions=keys)


def _split_condition(body: exp.Select, inside: set[str]) -> tuple[list[tuple[exp.Expr, exp.Expr]], list[exp.Expr]]:
    """Split WHERE into (inner, outer) pairs that must be equal, and conjuncts on the inner tables alone."""
    where = body.args.get("where")
    keys: list[tuple[exp.Expr, exp.Expr]] = []
    rest: list[exp.Expr] = []
    for term in (
        where.this.flatten() if where is not None and isinstance(where.this, exp.And) else [where.this] if where else []
    ):
        outside = [column for column in term.find_all(exp.Column) if column.table not in inside]
        if not outside:
            rest.append(copied(term))
            continue
        sides = [term.this, term.expression] if isinstance(term, exp.EQ) else []
        pure = [all(column.table in inside for column in side.find_all(exp.Column)) for side in sides]
        foreign = [all(column.table not in inside for column in side.find_all(exp.Column)) for side in sides]
        if sides and pure[0] and foreign[1]:
            keys.append((sides[0], sides[1]))
        elif sides and pure[1] and foreign[0]:
            keys.append((sides[1], sides[0]))
        else:
            raise refuse("LATERAL with LIMIT that is not tied by equality", "Use row_number() in a derived table.")
    return keys, rest


def _rename(select: exp.Select, names: dict[tuple[str, str], exp.Expr]) -> None:
    """Put the columns' new expressions where the old names stand."""
    if not names:
        return
    for column in list(select.find_all(exp.Column)):
        replacement = names.get((column.table, column.name))
        if replacement is not None:
            new = copied(replacement)
            if isinstance(column.type, exp.DataType) and new.type is None:
                new.type = column.type
            column.replace(new)
