"""Whole queries: what a SELECT may contain that the engine's does not, or means otherwise."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from itertools import count

from sqlglot import exp

from gateway.sql.engine_dialect import recursive_numerics
from gateway.sql.engine_dialect.above_having import above_having
from gateway.sql.engine_dialect.build import cast, number, refuse, typed
from gateway.sql.engine_dialect.build import named as aliased
from gateway.sql.engine_dialect.casts import to_type
from gateway.sql.engine_dialect.correlation import conjuncts, free_columns
from gateway.sql.engine_dialect.decorrelate import wrapped
from gateway.sql.engine_dialect.distinct_on import keys_within
from gateway.sql.engine_dialect.equal_values import distinct_outside, measured, recursive_name
from gateway.sql.engine_dialect.equal_values import set_operation as of_equal_values
from gateway.sql.engine_dialect.group_keys import ROWS
from gateway.sql.engine_dialect.kinds import MOMENTS, SAME_TEXT, Kind, T, carried_as_text, common_type, kind, type_of
from gateway.sql.engine_dialect.late_calls import behind_limit, may_be_late
from gateway.sql.engine_dialect.moments import Session
from gateway.sql.engine_dialect.order_keys import nulls_outside
from gateway.sql.engine_dialect.rows_apart import sorted_outside
from optimizer.census import Census, below, with_subclasses
from optimizer.copies import copied

_QUERIES = with_subclasses((exp.Query,))
_AGGREGATES = with_subclasses((exp.AggFunc,))
_ALL_ROWS = 2**62  # as a LIMIT
_MARK = "_occurrence"


def fetch(node: exp.Select | exp.SetOperation) -> None:
    """``FETCH FIRST n ROWS``: the engine knows LIMIT; WITH TIES keeps the rows of a rank. LIMIT takes an integer that
    is known before the rows are.
    """
    clause = node.args.get("limit")
    if isinstance(clause, exp.Fetch):
        options = clause.args.get("limit_options")
        rows = clause.args.get("count") or number(1)
        if options is not None and options.args.get("percent"):
            raise refuse("FETCH FIRST … PERCENT")
        if options is not None and options.args.get("with_ties"):
            _with_ties(node, rows)
            return
        node.set("limit", exp.Limit(expression=rows))
    _plain_limits(node)
    if node.parent is not None and node.args.get("offset") is not None and node.args.get("limit") is None:
        node.set("limit", exp.Limit(expression=number(_ALL_ROWS)))  # or the engine sorts by what is around it alone


def may_stand_apart(census: Census) -> bool:
    """Whether a statement may have queries that `apart` changes."""
    if census.has(*ROWS, exp.Distinct, exp.Having, exp.LimitOptions) or may_be_late(census):
        return True
    if any(kind(one.this) is Kind.ARRAY for one in census.find_all(exp.Ordered)):
        return True
    return any(one.find(exp.Query) is not None for one in census.find_all(exp.Limit, exp.Offset, exp.Fetch))


def apart(query: exp.Query, root: exp.Query) -> exp.Query:
    """Rows are numbered behind DISTINCT and set operations: where FETCH WITH TIES or a LIMIT that is a query asks for
    numbers, these become a derived table. So do SELECTs that take arrays apart (`rows_apart`), and those whose DISTINCT
    ON is of what is computed before (`distinct_on`), whose LIMIT spares calls of PostgreSQL's (`late_calls`), whose
    HAVING leaves groups out (`above_having`), or in which NULL is sorted apart (`order_keys`). Returns the root, which
    may be a new one.
    """
    parts = [query.args[key] for key in ("limit", "offset") if query.args.get(key) is not None]
    options = [part.args.get("limit_options") for part in parts]
    ties = any(one is not None and one.args.get("with_ties") for one in options)
    numbered = ties or any(part.find(exp.Query) is not None for part in parts) or _cuts_arrays(query)
    outer = nulls_outside(query)
    if outer is None and isinstance(query, exp.Select):
        outer = sorted_outside(query) or keys_within(query) or behind_limit(query) or above_having(query)
        outer = outer or distinct_outside(query)
    if outer is None and (not numbered or (isinstance(query, exp.Select) and not query.args.get("distinct"))):
        return root
    parent, key, index = query.parent, query.arg_key, query.index
    outer = outer or wrapped(query, count(1_000_000))
    if parent is None:
        return outer
    parent.set(key or "this", outer, index)
    return root


def _plain_limits(node: exp.Select | exp.SetOperation) -> None:
    parts = {key: node.args[key].expression for key in ("limit", "offset") if node.args.get(key) is not None}
    if any(part.find(exp.Query) is not None for part in parts.values()) or _cuts_arrays(node):
        if any(part.find(exp.Column) is not None for part in parts.values()):
            raise refuse("a LIMIT that reads columns", "Compare row_number() with it in a derived table.")
        skipped, rows = parts.get("offset", number(0)), parts.get("limit", exp.Null())
        _numbered_rows(node, exp.RowNumber(), _integer(rows), _integer(skipped))
        return
    for key, part in parts.items():
        bare = part.unnest()
        if isinstance(bare, exp.Literal) and bare.is_int and not bare.is_string:
            node.args[key].set("expression", bare)
        elif not isinstance(bare, exp.Null | exp.Parameter | exp.Placeholder | exp.Literal):
            node.args[key].set("expression", cast(part, "BIGINT"))
        elif isinstance(bare, exp.Literal):
            whole = Decimal(bare.name.strip()).quantize(Decimal(1), ROUND_HALF_UP)
            node.args[key].set("expression", number(str(whole)))


def _cuts_arrays(query: exp.Query) -> bool:
    """Whether a LIMIT leaves the first rows by the order of arrays: the engine, which compares elements that are NULL
    with the least one it keeps, takes them for less than all others.
    """
    order = query.args.get("order")
    if order is None or all(query.args.get(key) is None for key in ("limit", "offset")):
        return False
    return any(kind(one.this) is Kind.ARRAY for one in order.expressions)


def _integer(node: exp.Expr) -> exp.Expr:
    return cast(copied(node), "BIGINT")


def _with_ties(node: exp.Select | exp.SetOperation, rows: exp.Expr) -> None:
    if node.args.get("order") is None:
        raise refuse("FETCH FIRST … WITH TIES without ORDER BY")
    offset = node.args.get("offset")
    _numbered_rows(node, exp.Rank(), _integer(rows), _integer(offset.expression) if offset is not None else number(0))


def _numbered_rows(node: exp.Select | exp.SetOperation, place: exp.Func, rows: exp.Expr, skipped: exp.Expr) -> None:
    """Keep the rows behind the first ``skipped`` of which ``place`` is at most ``rows`` further; NULL is no limit."""
    if not isinstance(node, exp.Select) or node.args.get("distinct"):
        raise refuse(
            "WITH TIES, or a LIMIT that is a query, with DISTINCT or a set operation", "Put it into a derived table."
        )
    order = node.args.get("order")
    names = {column.alias_or_name: column.unalias() for column in node.selects}
    keys = [copied(key) for key in order.expressions] if order is not None else []
    for key in keys:
        if isinstance(key.this, exp.Column) and not key.this.table and key.this.name in names:
            key.set("this", copied(names[key.this.name]))
    ordered = exp.Order(expressions=keys) if keys else None
    counted = exp.Window(this=place, order=ordered, over="OVER")
    last = exp.Add(this=exp.Paren(this=rows), expression=exp.Paren(this=skipped))
    over = exp.Coalesce(this=exp.GT(this=counted, expression=last), expressions=[exp.false()])
    condition: exp.Expr = exp.Not(this=over)
    if node.args.get("offset") is not None:
        before = exp.Window(this=exp.RowNumber(), order=copied(ordered) if ordered is not None else None, over="OVER")
        first = exp.Coalesce(this=exp.Paren(this=copied(skipped)), expressions=[number(0)])
        condition = exp.And(this=exp.GT(this=before, expression=first), expression=condition)
    node.set("limit", None)
    node.set("offset", None)
    node.set("qualify", exp.Qualify(this=condition))


def output_names(node: exp.Select) -> None:
    """The engine refuses two output columns of one name, and an ORDER BY of an input column that has an output's name.
    Give the later ones names of their own: clients get PostgreSQL's names from elsewhere, and inside a query nobody can
    refer to them.
    """
    if node.parent is None:
        _leave_to_inputs(node)
    if node.args.get("distinct") is not None and node.args.get("order") is not None:
        _sort_by_outputs(node)
    seen: set[str] = set()
    read = {column.unalias().name for column in node.selects}  # beside an ORDER BY these stand beside the outputs
    for place, column in enumerate(node.selects):
        name = column.alias_or_name
        if not name or name in seen:
            fresh = f"{name or '_column'}:{place}"
            while fresh in read:
                fresh += f":{place}"
            plain = copied(column.unalias())
            named = exp.Alias(this=plain, alias=exp.to_identifier(fresh, quoted=True))
            named.type = type_of(column)
            column.replace(named)
            name = fresh
        seen.add(name)


def _sort_by_outputs(node: exp.Select) -> None:
    """Beside DISTINCT the engine finds an expression of ORDER BY in the select list by its name only, and panics where
    one stands there twice: the second says nothing.
    """
    keys: dict[str, exp.Expr] = {}
    for key in node.args["order"].expressions:
        keys.setdefault(key.this.sql(), key)
    node.args["order"].set("expressions", [*keys.values()])
    distinct = node.args["distinct"]
    on = distinct.args.get("on") if isinstance(distinct, exp.Distinct) else None
    outputs = {
        column.unalias().sql(): column for column in node.selects if not isinstance(column.unalias(), exp.Column)
    }
    for key in node.args["order"].expressions if on is None else ():
        column = outputs.get(key.this.sql())
        if column is not None and column.alias_or_name:
            key.set("this", typed(exp.column(column.alias_or_name, quoted=True), copied(type_of(column))))


def _leave_to_inputs(node: exp.Select) -> None:
    order = node.args.get("order")
    sorted_by = {column.name for column in order.find_all(exp.Column) if column.table} if order is not None else set()
    for place, column in enumerate(node.selects):
        value, name = column.unalias(), column.alias_or_name
        if name not in sorted_by or (isinstance(value, exp.Column) and value.name == name):
            continue
        column.set("alias", exp.to_identifier(f"{name}:{place}", quoted=True))
        for key in order.expressions if order is not None else ():
            if isinstance(key.this, exp.Column) and not key.this.table and key.this.name == name:
                key.this.set("this", exp.to_identifier(f"{name}:{place}", quoted=True))


def output_constants(node: exp.Select) -> None:
    """Integer constants are 64 bits wide in the engine: in a select list they get PostgreSQL's type, so that set
    operations and recursive queries have one type on both sides.
    """
    for column in node.selects:
        value = column.unalias()
        if isinstance(value, exp.Literal) and value.is_int and kind(value) is Kind.INTEGER:
            value.replace(cast(copied(value), type_of(value)))


def keep_conditions_out(node: exp.Select) -> None:
    """``(SELECT max(a), 'x' AS kind FROM t) AS s WHERE kind = 'y'``: the engine moves a condition that speaks of
    constants alone below the aggregate, which has a row for no rows too; ``JOIN … ON NULL`` likewise. It moves none
    below a LIMIT.
    """
    holder = node.parent
    is_derived = isinstance(holder, exp.SetOperation | exp.CTE) or (
        isinstance(holder, exp.Subquery) and isinstance(holder.parent, exp.From | exp.Join | exp.SetOperation)
    )
    if not is_derived or node.args.get("limit") is not None or not has_row_for_no_rows(node):
        return
    if not _is_below_constants(node) and not _is_below_constant_conditions(node):
        return
    node.set("limit", exp.Limit(expression=number(_ALL_ROWS)))
    if isinstance(holder, exp.SetOperation):
        _rename(node, holder)
        place = exp.Subquery()
        node.replace(place)
        place.set("this", node)


def _is_below_constant_conditions(node: exp.Select) -> bool:
    """Whether a query around this one asks something of no column, as ``ON false``."""
    above = node.parent
    while above is not None:
        if isinstance(above, exp.Select):
            where = above.args.get("where")
            conditions = [where.this] if where is not None else []
            conditions += [join.args["on"] for join in above.find_all(exp.Join) if join.args.get("on") is not None]
            if any(_speaks_of_no_column(part) for one in conditions for part in conjuncts(one)):
                return True
        above = above.parent
    return False


def _speaks_of_no_column(condition: exp.Expr) -> bool:
    """Whether a condition, a query in it too, is the same for all rows; that it is true says nothing."""
    bare = condition.unnest()
    return not free_columns(bare) and not (isinstance(bare, exp.Boolean) and bare.this)


def _is_constant(condition: exp.Expr) -> bool:
    bare = condition.unnest()
    return bare.find(exp.Column, exp.Query) is None and not (isinstance(bare, exp.Boolean) and bare.this)


def _rename(arm: exp.Select, operation: exp.SetOperation) -> None:
    """Name the columns of an arm as the first arm's: the engine looks for them by these names below a LIMIT."""
    above: exp.Expr | None = operation
    while isinstance(above, exp.SetOperation | exp.Subquery | exp.Paren):
        operation = above if isinstance(above, exp.SetOperation) else operation
        above = above.parent
    for column, name in zip(arm.selects, operation.named_selects, strict=False):
        column.replace(aliased(copied(column.unalias()), name))


def _is_below_constants(node: exp.Select) -> bool:
    """Whether a query or one around it puts out constants, of which a condition further out may speak; one of WITH is
    read who knows where.
    """
    above: exp.Expr | None = node
    while above is not None:
        if isinstance(above, exp.CTE):
            return True
        if isinstance(above, exp.Select) and any(
            one.find(exp.Column, exp.AggFunc, exp.Query) is None for one in above.selects
        ):
            return True
        above = above.parent
    return False


def has_row_for_no_rows(node: exp.Select) -> bool:
    """Whether a query puts out a row where it reads none."""
    group = node.args.get("group")
    if group is not None:
        sets = [one for sets in group.expressions if isinstance(sets, exp.GroupingSets) for one in sets.expressions]
        return any(isinstance(one, exp.Tuple) and not one.expressions for one in sets)
    having = node.args.get("having")
    return having is not None or any(_aggregates(one) for one in node.selects)


def _aggregates(value: exp.Expr) -> bool:
    if type(value.unalias()) is exp.Column:
        return False
    for part in below(value, _QUERIES):
        if type(part) not in _AGGREGATES and not (isinstance(part, exp.Anonymous) and part.name.lower() == "every"):
            continue
        over = part.parent
        while isinstance(over, exp.Filter | exp.WithinGroup):
            over = over.parent
        if not (isinstance(over, exp.Window) and part.arg_key == "this"):
            return True
    return False


def set_operation(node: exp.SetOperation) -> exp.Query:
    """INTERSECT ALL and EXCEPT ALL: the engine ignores how often a row occurs. Number the occurrences of each row on
    both sides, and the operation on distinct rows keeps the right number of them. Rows that only look different are
    told apart in `equal_values`.
    """
    if isinstance(node, exp.Union) or node.args.get("distinct") or node.args.get("by_name"):
        return of_equal_values(node)
    names = [column.alias_or_name for column in node.selects]
    types = _types(node)
    left = _numbered(node.left, names)
    right = _numbered(node.right, names)
    inner = type(node)(this=left, expression=right, distinct=True)
    source = exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier("_rows", quoted=True)))
    outer = exp.select(*[exp.column(name, table="_rows", quoted=True) for name in names]).from_(source)
    for key in ("order", "limit", "offset", "with_"):
        if node.args.get(key) is not None:
            outer.set(key, node.args[key])
    for column, one in zip(outer.selects, types, strict=True):
        column.type = one
    node.replace(outer)
    of_equal_values(inner)
    return outer


def _numbered(side: exp.Expr, names: list[str]) -> exp.Select:
    body = copied(side)
    inner = body if isinstance(body, exp.Subquery) else exp.Subquery(this=body)
    query = body.unnest()
    assert isinstance(query, exp.Query)
    own = [column.alias_or_name for column in query.selects]
    source = exp.Subquery(this=inner.this, alias=exp.TableAlias(this=exp.to_identifier("_side", quoted=True)))
    types = zip(own, _types(query), strict=True)
    columns = [typed(exp.column(name, table="_side", quoted=True), one) for name, one in types]
    keys = [measured(copied(column)) for column in columns]
    marks = typed(exp.Window(this=exp.RowNumber(), partition_by=keys, over="OVER"), T.BIGINT)
    outputs = [aliased(column, name) for column, name in zip(columns, names, strict=True)]
    return exp.select(*outputs, aliased(marks, _MARK)).from_(source)


def _types(query: exp.Query) -> list[exp.DataType]:
    """Return the types of a query's columns: what all arms of a set operation become."""
    return [common_type(map(type_of, arms)) for arms in zip(*(one.selects for one in _leaves(query)), strict=True)]


def named_windows(node: exp.Select) -> None:
    """``WINDOW w AS (…)`` and ``OVER (w …)``: the engine forgets w's order when a frame is added; spell it out."""
    named = {window.name: window for window in node.args.get("windows", [])}
    for window in node.args.get("windows", []):
        _complete(window, named)
    for window in [one for one in below(node) if isinstance(one, exp.Window)]:
        if window not in named.values():
            _complete(window, named)
    node.set("windows", None)


def _complete(window: exp.Window, named: dict[str, exp.Window]) -> None:
    alias = window.args.get("alias")
    base = named.get(alias.name) if isinstance(alias, exp.Identifier) else None
    if base is None:
        return
    for key in ("partition_by", "order", "spec"):
        inherited = base.args.get(key)
        if inherited and not window.args.get(key):
            own = [copied(part) for part in inherited] if isinstance(inherited, list) else copied(inherited)
            window.set(key, own)
    window.set("alias", None)


def columns_alike(node: exp.SetOperation, session: Session) -> None:
    """Dates, timestamps and timestamptz in one column of a set operation: the engine would go by nanoseconds, which
    end in 2262, and takes no zone into account. Of floats beside numerics it would make numerics.
    """
    if (name := recursive_name(node)) is not None:
        recursive_numerics.check(node, name)
    sides = _leaves(node)
    _name_alike(sides)
    for columns in zip(*(side.selects for side in sides), strict=False):
        found = {kind(column) for column in columns}
        if len(found & MOMENTS) < 2 and not found >= {Kind.FLOAT, Kind.NUMERIC}:
            continue
        result = common_type(type_of(column) for column in columns)
        for column in columns:
            name, value = column.alias_or_name, column.unalias()
            cast_ = to_type(copied(value), result, session)
            column.replace(typed(exp.alias_(cast_, name, quoted=True), copied(result)))


def _name_alike(sides: list[exp.Query]) -> None:
    """Name the columns of all arms as the first arm's, in place: sorted by one of them, with types that are brought to
    one, the engine looks for it in each arm, and where it leaves the first out. An arm that is sorted itself keeps the
    names that its order may speak of.
    """
    names = [column.alias_or_name for column in sides[0].selects] if sides else []
    for side in sides[1:]:
        order = side.args.get("order")
        spoken = {column.name for column in order.find_all(exp.Column)} if order is not None else set()
        for column, name in zip(list(side.selects), names, strict=False):
            if column.alias_or_name != name and spoken.isdisjoint((name, column.alias_or_name)):
                column.replace(aliased(copied(column.unalias()), name))


def _leaves(node: exp.Expr) -> list[exp.Query]:
    body = node.unnest()
    if isinstance(body, exp.SetOperation):
        return [*_leaves(body.left), *_leaves(body.right)]
    return [body] if isinstance(body, exp.Query) else []


def _check_grouped(node: exp.Select) -> None:
    """Refuse GROUP BY and DISTINCT of types whose equal values may print differently."""
    group = node.args.get("group")
    keys = [*group.expressions] if group is not None else []
    keys += node.selects if node.args.get("distinct") is not None else []
    for key in keys:
        name = carried_as_text(type_of(key))
        if name is not None and name not in SAME_TEXT:
            raise refuse(f"GROUP BY or DISTINCT of {name}", "Cast it to text.")


def lone_having(node: exp.Select) -> None:
    """HAVING of one group, in place: the engine asks a condition on constants alone of the rows below the aggregate,
    which has a row for no rows too, also one that it finds inside of another (``x >= ALL ('{1,NULL}')``): IS TRUE keeps
    all in one condition. For ``SELECT 1 FROM t HAVING …`` it wants an aggregate.
    """
    having = node.args.get("having")
    if having is None or (node.args.get("group") is not None and not has_row_for_no_rows(node)):
        return
    parts = conjuncts(having.this)
    queries = [one for one in parts if one.find(exp.Query) is not None]  # joins are made of them
    plain = [one for one in parts if one.find(exp.Query) is None]
    bare = any(_is_constant(one) and not _aggregates(one) for one in plain)
    if bare or not (node.args.get("group") is not None or any(map(_aggregates, (*node.selects, having)))):
        count_ = typed(exp.Count(this=exp.Star()), T.BIGINT)
        plain.append(typed(exp.GTE(this=count_, expression=typed(number(0), T.BIGINT)), T.BOOLEAN))
    if plain:
        whole = typed(exp.Is(this=exp.Paren(this=_all_of(plain)), expression=exp.true()), T.BOOLEAN)
        having.set("this", typed(exp.Paren(this=_all_of([whole, *queries])), T.BOOLEAN))


def _all_of(conditions: list[exp.Expr]) -> exp.Expr:
    """Return conditions joined by AND; what sqlglot's own ``and_`` takes is no aggregate with a FILTER."""
    first, *others = (typed(exp.Paren(this=one), T.BOOLEAN) for one in conditions)
    whole: exp.Expr = first
    for one in others:
        whole = typed(exp.And(this=whole, expression=one), T.BOOLEAN)
    return whole


def refused_clauses(node: exp.Select) -> None:
    """Clauses that would be ignored or misread."""
    _check_grouped(node)
    if node.args.get("locks"):
        raise refuse("FOR UPDATE")
    if node.args.get("into"):
        raise refuse("SELECT INTO")
