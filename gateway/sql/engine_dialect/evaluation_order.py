"""What may fail is computed only for the rows for which PostgreSQL computes it: ``WHERE n <> 0 AND 10 / n > 2``.

PostgreSQL asks the cheapest conditions of a WHERE first, and the others of the rows that these leave; the sides of an
AND or OR elsewhere it asks from left to right, and none that decides nothing any more. The engine (DataFusion 55)
computes both sides for all rows of a batch, unless one side is alike for nearly all, and makes ANDs and ORs of a CASE
whose values are booleans. A CASE of numbers it leaves as it is, and computes each branch for its rows alone. So what
may fail gets one around it, whose conditions are those that PostgreSQL would have asked before.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect.build import case, cast, number, paren, typed
from gateway.sql.engine_dialect.call_marks import ORIGINAL, get_mark
from gateway.sql.engine_dialect.correlation import conjuncts, free_columns, where_of
from gateway.sql.engine_dialect.kinds import TEXTS, T, kind, type_of
from gateway.sql.engine_dialect.sunk_conditions import all_of, lifted, named_once, sink
from optimizer.census import Census, below, holds, take_census, with_subclasses
from optimizer.copies import copied

_DIVISIONS = with_subclasses((exp.Div, exp.IntDiv, exp.Mod))
_CASTS = with_subclasses((exp.Cast,))
_FUNCTIONS = with_subclasses((exp.Ln, exp.Log, exp.Pow, exp.Sqrt, exp.StrToDate, exp.StrToTime))
_CALLS = with_subclasses((exp.Anonymous,))
_CANDIDATES = _DIVISIONS | _CASTS | _FUNCTIONS | _CALLS
_CONNECTORS = with_subclasses((exp.And, exp.Or))
_UNREPEATABLE = with_subclasses((exp.Query, exp.Rand, exp.Uuid, exp.Anonymous))
_Path = list[tuple[exp.Expr, exp.Expr]]  # nodes and what they stand in, the inner ones first


def keep_order(tree: exp.Query, census: Census) -> Census:
    """Have what may fail evaluated behind what PostgreSQL would evaluate before, in place. Returns the census of what
    the tree is then; the one given may be of the tree as it was before.
    """
    if census.classes.isdisjoint(_CANDIDATES):
        return census
    census = take_census(tree)
    if not _late(census):
        return census
    selects, once = census.find_all(exp.Select), named_once(census.find_all(exp.CTE), census)
    if sum(sink(select, once) for select in selects if any(map(_has_failing, where_of(select)))):
        census = take_census(tree)
    inner, clauses = _found([_path(node) for node in _late(census)])
    if not inner and not clauses:
        return census
    order = {id(node): at for at, node in enumerate(census.nodes)}
    changed = False
    for clause in clauses:  # before what is in them is changed: then nobody sees any more what may fail
        changed |= _ask_last(clause, once)
    for node in sorted(inner, key=lambda node: -order[id(node)]):
        changed |= _of_numbers(node) if isinstance(node, exp.Case) else _ask_right_side_last(node)
    return take_census(tree) if changed else census


def _late(census: Census) -> list[exp.Expr]:
    """The operations that may fail, and the calls of PostgreSQL's."""
    return [node for node in census.find_among(_CANDIDATES) if _may_fail(node) or get_mark(node) is not None]


def _may_fail(node: exp.Expr) -> bool:
    """Whether an operation fails for some of the values that it may be given."""
    cls = node.__class__
    if cls in _DIVISIONS:
        return not _is_never_zero(node.args["expression"].unnest())
    if cls in _CASTS:
        return kind(node.this) in TEXTS and kind(node) not in TEXTS and not _is_constant(node.this.unnest())
    return cls in _FUNCTIONS


def _is_never_zero(divisor: exp.Expr) -> bool:
    if isinstance(divisor, exp.Nullif):
        return True
    while isinstance(divisor, exp.Cast | exp.Neg):
        divisor = divisor.this.unnest()
    return isinstance(divisor, exp.Literal) and divisor.name.strip("0.") != ""


def _is_constant(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal | exp.Null | exp.Parameter | exp.Placeholder)


def _has_failing(part: exp.Expr) -> bool:
    """Whether something in a condition may fail, and no CASE or COALESCE stands around it."""
    return any(
        _may_fail(node) and not any(isinstance(above, exp.Case | exp.Coalesce) for _, above in _path(node, part))
        for node in below(part)
    )


def _path(node: exp.Expr, end: exp.Expr | None = None) -> _Path:
    """The nodes that a node stands in, up to its clause, or to ``end``."""
    found: _Path = []
    while node is not end and node.parent is not None and not isinstance(node, exp.Query | exp.Where | exp.Having):
        found.append((node, node.parent))
        node = node.parent
        if isinstance(node, exp.Join):
            break
    return found


def _found(paths: list[_Path]) -> tuple[list[exp.Expr], list[exp.Expr]]:
    """Return the ANDs, ORs and CASEs that evaluate what may fail, and the clauses that it is a condition of."""
    inner: dict[int, exp.Expr] = {}
    clauses: dict[int, exp.Expr] = {}
    for path in paths:
        lazy = False
        tops = _outermost(path)
        for node, above in path:
            if isinstance(above, exp.Case):
                lazy = True
                if type_of(above).this is T.BOOLEAN:
                    inner[id(above)] = above
            elif isinstance(above, exp.Coalesce):
                lazy = True
            elif not lazy and _is_behind(node, above) and id(above) not in tops:
                inner[id(above)] = above
        last = path[-1][1] if path else None
        if isinstance(last, exp.Where | exp.Having | exp.Join) and not lazy:
            clauses[id(last)] = last
    return [*inner.values()], [*clauses.values()]


def _is_behind(node: exp.Expr, above: exp.Expr) -> bool:
    """Whether a node is the right side of an AND or OR."""
    return above.__class__ in _CONNECTORS and node is above.args["expression"]


def _outermost(path: _Path) -> set[int]:
    """The ANDs between the conditions of a clause."""
    found: set[int] = set()
    if path and isinstance(path[-1][1], exp.Where | exp.Having | exp.Join):
        for node, _ in reversed(path):
            if not isinstance(node, exp.And | exp.Paren):
                break
            found.add(id(node))
    return found


def _ask_last(clause: exp.Expr, named: dict[str, exp.CTE]) -> bool:
    """Ask what may fail of the rows alone for which all others are true that speak of the same tables, and what costs
    less of these before the rest.
    """
    key = "on" if isinstance(clause, exp.Join) else "this"
    parts = conjuncts(clause.args.get(key))
    known = [part for part in _beside(clause, parts, named) if _is_sure(part)]
    by_tables: dict[frozenset[str], list[exp.Expr]] = {}
    for part in parts:
        if _is_late(part) and not _is_taken_apart(part):
            by_tables.setdefault(_tables(part), []).append(part)
    last: list[exp.Expr] = []
    for tables, late in by_tables.items():
        guards = [copied(one) for one in known if _tables(one) <= tables]
        ordered = [*([_all_true(guards)] if guards else []), *sorted(late, key=_cost)]
        if len(ordered) > 1:
            last.append(_in_order(ordered))
            parts = [part for part in parts if not any(part is one for one in late)]
    if last:
        clause.set(key, _all_true([*parts, *last]))
    return bool(last)


def _is_sure(part: exp.Expr) -> bool:
    """Whether a condition may be asked twice, and nothing in it may fail: also what stands in a CASE of booleans is
    still to be changed, in one place.
    """
    return not holds(part, _UNREPEATABLE) and not any(map(_may_fail, below(part)))


def _is_late(part: exp.Expr) -> bool:
    """Whether a condition may fail, or is asked of PostgreSQL."""
    return _has_failing(part) or any(get_mark(node) is not None for node in below(part))


def _cost(part: exp.Expr) -> int:
    """The operations of a condition, as PostgreSQL counts them: a text that is read as another type is two."""
    found = 0
    for node in below(part):
        found += (1 + (node.__class__ in _CASTS)) * isinstance(node, exp.Binary | exp.Func | exp.Unary | exp.Predicate)
        found += _cost(node.meta[ORIGINAL]) if get_mark(node) is not None else 0
    return found


def _beside(clause: exp.Expr, parts: list[exp.Expr], named: dict[str, exp.CTE]) -> list[exp.Expr]:
    """The conditions that hold for the rows of a clause: those of inner joins, of WHERE and of derived tables do."""
    select = clause.parent
    if isinstance(clause, exp.Having) or not isinstance(select, exp.Select):
        return parts
    joins: list[exp.Join] = select.args.get("joins") or []
    if any(join.side or join.kind in ("SEMI", "ANTI") for join in joins):
        return parts
    where = select.args.get("where")
    clauses = [join.args.get("on") for join in joins] + [where.this if where is not None else None]
    return [*(part for one in clauses for part in conjuncts(one)), *lifted(select, named)]


def _tables(node: exp.Expr) -> frozenset[str]:
    return frozenset(column.table for column in node.find_all(exp.Column))


def _is_taken_apart(part: exp.Expr) -> bool:
    """Whether a condition has a query in it that the engine makes a join of: any but a value of its own."""
    return any(
        not isinstance(query.parent, exp.Subquery)
        or isinstance(query.parent.parent, exp.In | exp.Exists | exp.Any | exp.All)
        or bool(free_columns(query))
        for query in below(part)
        if isinstance(query, exp.Query) and not isinstance(query, exp.Subquery)
    )


def _all_true(parts: list[exp.Expr]) -> exp.Expr:
    whole = all_of([paren(one) for one in parts])
    node = whole
    while isinstance(node, exp.And) and node.type is None:
        node = typed(node, T.BOOLEAN).left
    return whole


def _in_order(parts: list[exp.Expr]) -> exp.Expr:
    """Conditions that are all to be true, each asked of the rows for which those before it are."""
    first, *others = parts
    if not others:
        return first
    return _is_one(typed(case((first, _as_number(_in_order(others))), default=_number(0)), T.INT))


def _ask_right_side_last(node: exp.Expr) -> bool:
    """``a AND b``: b of the rows alone for which a is not false; ``a OR b``: for which it is not true."""
    left, right = node.args["this"], node.args["expression"]
    if holds(left, _UNREPEATABLE) or _is_taken_apart(right):
        return False
    is_and = isinstance(node, exp.And)
    decides = typed(exp.Is(this=paren(copied(left)), expression=exp.Boolean(this=not is_and)), T.BOOLEAN)
    holder = exp.Paren(this=exp.Null())
    node.replace(holder)
    asked = case((decides, _number(0 if is_and else 1)), default=_as_number(node))
    holder.set("this", _is_one(typed(asked, T.INT)))
    typed(holder, T.BOOLEAN)
    return True


def _of_numbers(node: exp.Case) -> bool:
    """Make a CASE of booleans one of numbers, which the engine leaves as it is."""
    if _is_taken_apart(node):
        return False
    holder = exp.Paren(this=exp.Null())
    node.replace(holder)
    for branch in node.args["ifs"]:
        branch.set("true", _as_number(branch.args["true"]))
    default = node.args.get("default")
    if default is not None:
        node.set("default", _as_number(default))
    holder.set("this", _is_one(typed(node, T.INT)))
    typed(holder, T.BOOLEAN)
    return True


def _is_one(asked: exp.Expr) -> exp.Expr:
    return typed(exp.EQ(this=asked, expression=_number(1)), T.BOOLEAN)


def _as_number(node: exp.Expr) -> exp.Expr:
    return cast(paren(node), "INT")


def _number(value: int) -> exp.Expr:
    return typed(number(value), T.INT)
