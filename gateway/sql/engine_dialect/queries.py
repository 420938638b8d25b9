"""Whole queries: what a SELECT may contain that the engine's does not, or means otherwise."""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect.build import cast, number, refuse, typed
from gateway.sql.engine_dialect.casts import to_type
from gateway.sql.engine_dialect.kinds import MOMENTS, SAME_TEXT, Kind, carried_as_text, common_type, kind, type_of
from gateway.sql.engine_dialect.moments import Session

_MARK = "_occurrence"


def fetch(node: exp.Select | exp.SetOperation) -> None:
    """``FETCH FIRST n ROWS``: the engine knows LIMIT; WITH TIES keeps the rows of a rank."""
    clause = node.args.get("limit")
    if not isinstance(clause, exp.Fetch):
        return
    options = clause.args.get("limit_options")
    count = clause.args.get("count") or number(1)
    if options is not None and options.args.get("percent"):
        raise refuse("FETCH FIRST … PERCENT")
    if options is None or not options.args.get("with_ties"):
        node.set("limit", exp.Limit(expression=count))
        return
    order = node.args.get("order")
    if not isinstance(node, exp.Select) or order is None or node.args.get("offset") or node.args.get("distinct"):
        raise refuse("FETCH FIRST … WITH TIES with OFFSET or DISTINCT")
    names = {column.alias_or_name: column.unalias() for column in node.selects}
    keys = [key.copy() for key in order.expressions]
    for key in keys:
        if isinstance(key.this, exp.Column) and not key.this.table and key.this.name in names:
            key.set("this", names[key.this.name].copy())
    ranked = exp.Window(this=exp.Rank(), order=exp.Order(expressions=keys), over="OVER")
    node.set("limit", None)
    node.set("qualify", exp.Qualify(this=exp.LTE(this=ranked, expression=cast(count, "BIGINT"))))


def output_names(node: exp.Select) -> None:
    """The engine refuses two output columns of one name. Give the later ones names of their own: clients get
    PostgreSQL's names from elsewhere, and inside a query nobody can refer to them.
    """
    seen: set[str] = set()
    for place, column in enumerate(node.selects):
        name = column.alias_or_name
        if not name or name in seen:
            fresh = f"{name or '_column'}:{place}"
            plain = column.unalias().copy()
            named = exp.Alias(this=plain, alias=exp.to_identifier(fresh, quoted=True))
            named.type = type_of(column)
            column.replace(named)
            name = fresh
        seen.add(name)


def output_constants(node: exp.Select) -> None:
    """Integer constants are 64 bits wide in the engine: in a select list they get PostgreSQL's type, so that set
    operations and recursive queries have one type on both sides.
    """
    for column in node.selects:
        value = column.unalias()
        if isinstance(value, exp.Literal) and value.is_int and kind(value) is Kind.INTEGER:
            value.replace(cast(value.copy(), type_of(value)))


def set_operation(node: exp.SetOperation) -> exp.Query:
    """INTERSECT ALL and EXCEPT ALL: the engine ignores how often a row occurs. Number the occurrences of each row on
    both sides, and the operation on distinct rows keeps the right number of them.
    """
    if isinstance(node, exp.Union) or node.args.get("distinct") or node.args.get("by_name"):
        return node
    names = [column.alias_or_name for column in node.selects]
    left = _numbered(node.left, names)
    right = _numbered(node.right, names)
    inner = type(node)(this=left, expression=right, distinct=True)
    source = exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier("_rows", quoted=True)))
    outer = exp.select(*[exp.column(name, table="_rows", quoted=True) for name in names]).from_(source)
    for key in ("order", "limit", "offset", "with_"):
        if node.args.get(key) is not None:
            outer.set(key, node.args[key])
    for column, old in zip(outer.selects, node.selects, strict=True):
        column.type = type_of(old)
    node.replace(outer)
    return outer


def _numbered(side: exp.Expr, names: list[str]) -> exp.Select:
    body = side.copy()
    inner = body if isinstance(body, exp.Subquery) else exp.Subquery(this=body)
    query = body.unnest()
    assert isinstance(query, exp.Query)
    own = [column.alias_or_name for column in query.selects]
    source = exp.Subquery(this=inner.this, alias=exp.TableAlias(this=exp.to_identifier("_side", quoted=True)))
    columns = [exp.column(name, table="_side", quoted=True) for name in own]
    marks = exp.Window(this=exp.RowNumber(), partition_by=[column.copy() for column in columns], over="OVER")
    named: list[exp.Expr] = [exp.alias_(column, name, quoted=True) for column, name in zip(columns, names, strict=True)]
    return exp.select(*named, exp.alias_(marks, _MARK, quoted=True)).from_(source)


def named_windows(node: exp.Select) -> None:
    """``WINDOW w AS (…)`` and ``OVER (w …)``: the engine forgets w's order when a frame is added; spell it out."""
    named = {window.name: window for window in node.args.get("windows", [])}
    for window in node.args.get("windows", []):
        _complete(window, named)
    for window in node.find_all(exp.Window):
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
            copied = [part.copy() for part in inherited] if isinstance(inherited, list) else inherited.copy()
            window.set(key, copied)
    window.set("alias", None)


def moments_alike(node: exp.SetOperation, session: Session) -> None:
    """Dates, timestamps and timestamptz in one column of a set operation: the engine would go by nanoseconds, which
    end in 2262, and takes no zone into account.
    """
    sides = _leaves(node)
    for columns in zip(*(side.selects for side in sides), strict=False):
        kinds_ = {kind(column) for column in columns} & MOMENTS
        if len(kinds_) < 2:
            continue
        result = common_type(type_of(column) for column in columns)
        for column in columns:
            name, value = column.alias_or_name, column.unalias()
            cast_ = to_type(value.copy(), result, session)
            column.replace(typed(exp.alias_(cast_, name, quoted=True), result.copy()))


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


def refused_clauses(node: exp.Select) -> None:
    """Clauses that would be ignored or misread."""
    _check_grouped(node)
    if node.args.get("locks"):
        raise refuse("FOR UPDATE")
    if node.args.get("into"):
        raise refuse("SELECT INTO")
    if node.find(exp.TableSample) is not None:
        raise refuse("TABLESAMPLE", "Use ORDER BY random() LIMIT n.")
