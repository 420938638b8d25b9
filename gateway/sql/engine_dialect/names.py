"""Names: the engine leaves casts out of the name it gives an aggregate, a window or a grouping key, and then takes
``sum(a)`` and ``sum(CAST(a AS …))`` in one SELECT for a clash. Such expressions are told apart by an operation that
changes nothing.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect.build import number, paren, refuse, text, typed
from gateway.sql.engine_dialect.dialect import generate
from gateway.sql.engine_dialect.kinds import MOMENTS, NUMBERS, Kind, kind, type_of
from optimizer.census import LEAVES, holds, with_subclasses
from optimizer.copies import copied

_CASTS = with_subclasses((exp.Cast,))
_LEFT_OUT = with_subclasses((exp.Cast, exp.Paren))
_NAMED = with_subclasses((exp.Window, exp.AggFunc, exp.Anonymous, exp.Filter))
_QUERIES = with_subclasses((exp.Query,))
_AGGREGATE_CALLS = frozenset({"first_value", "stddev_samp", "stddev_pop", "var_samp", "var_pop"})


def tell_apart(select: exp.Select) -> bool:
    """Change those of a SELECT's aggregates, windows and grouping keys that the engine would name alike, in place.
    Returns whether there were any.
    """
    if _is_plain(select):
        return False
    named = _may_be_alike(_named(select))
    alike: dict[str, dict[str, exp.Expr]] = {}
    for node in named:
        alike.setdefault(_without_casts(node), {})[_written(node)] = node
    for forms in alike.values():
        plain_first = sorted(forms.items(), key=lambda form: (form[1].find(exp.Cast) is not None, form[0]))
        for times, (sql, node) in enumerate(plain_first):
            if times:
                _disguise(select, node, sql, times)
    return any(len(forms) > 1 for forms in alike.values())


def _may_be_alike(named: list[exp.Expr]) -> list[exp.Expr]:
    """Return those that are alike by their outermost operations, if one has a cast: writing them takes longer."""
    if len(named) < 2 or not any(holds(one, _CASTS) for one in named):
        return []
    by_form: dict[tuple[object, ...], list[exp.Expr]] = {}
    for node in named:
        by_form.setdefault(_form(node, 4), []).append(node)
    groups = [nodes for nodes in by_form.values() if len(nodes) > 1 and any(holds(one, _CASTS) for one in nodes)]
    return [node for nodes in groups for node in nodes]


def _form(node: exp.Expr, levels: int) -> tuple[object, ...]:
    """Return what a node and so many levels below it are, casts and parentheses left out. All functions are one: there
    is more than one class for some of the engine's.
    """
    while type(node) in _LEFT_OUT:
        node = node.this
    if type(node) in LEAVES:
        return (node.name,)
    below = tuple(_form(one, levels - 1) for one in node.iter_expressions()) if levels else ()
    return (exp.Func if isinstance(node, exp.Func) else type(node), *below)


def _is_plain(select: exp.Select) -> bool:
    """Whether a SELECT puts out columns and no more, as those of governed relations do."""
    if any(select.args.get(key) is not None for key in ("having", "order", "group", "qualify")):
        return False
    return all(isinstance(one.unalias(), exp.Column) for one in select.expressions)


def _written(node: exp.Expr) -> str:
    return generate(copied(node))  # writing some aggregates takes them apart


def _named(select: exp.Select) -> list[exp.Expr]:
    group = select.args.get("group")
    return [*(group.expressions if group is not None else ()), *filter(_has_name, _own_nodes(select))]


def _has_name(node: exp.Expr) -> bool:
    if type(node) not in _NAMED:
        return False
    if isinstance(node, exp.Window):
        return True
    if isinstance(node, exp.Filter):
        return not isinstance(node.parent, exp.Window)
    is_aggregate = isinstance(node, exp.AggFunc) or node.name in _AGGREGATE_CALLS
    return is_aggregate and not isinstance(node.parent, exp.Window | exp.Filter)


def _own_nodes(select: exp.Select) -> list[exp.Expr]:
    """Return the nodes of a SELECT's expressions, not those of the queries inside of it."""
    found: list[exp.Expr] = []
    stack: list[exp.Expr] = [*select.selects]
    stack += [select.args[key] for key in ("having", "order", "group", "qualify") if select.args.get(key) is not None]
    while stack:
        node = stack.pop()
        kind = node.__class__
        if kind in _QUERIES:
            continue
        found.append(node)
        if kind not in LEAVES and kind is not exp.Column:
            stack.extend(node.iter_expressions())
    return found


def _without_casts(node: exp.Expr) -> str:
    bare = exp.Paren(this=copied(node))
    for inner in list(bare.this.find_all(exp.Cast, exp.Paren)):
        inner.replace(inner.this)
    return generate(bare)


def _disguise(select: exp.Select, node: exp.Expr, sql: str, times: int) -> None:
    """Put another form of an expression wherever it stands in the SELECT."""
    other = copied(node)
    inner = other.find(exp.Cast)
    if inner is None:
        return
    changed = _unchanged_by(copied(inner), times)
    other = changed if inner is other else other
    if inner.parent is not None:
        inner.replace(changed)
    for found in [found for found in _own_nodes(select) if type(found) is type(node) and _written(found) == sql]:
        found.replace(typed(copied(other), type_of(found)))


def _unchanged_by(value: exp.Expr, times: int) -> exp.Expr:
    """Return a value after an operation that leaves it as it is, so many times."""
    result = paren(value)
    for _ in range(times):
        match kind(value):
            case found if found in NUMBERS:
                result = exp.Add(this=result, expression=number(0))
            case found if found in MOMENTS or found is Kind.INTERVAL:
                nothing = exp.Interval(this=exp.Literal.string("0 SECOND"))
                result = exp.Add(this=result, expression=nothing)
            case Kind.TEXT | Kind.BPCHAR | Kind.UUID | Kind.JSON:
                result = exp.DPipe(this=result, expression=text(""))
            case Kind.BOOL:
                result = exp.And(this=result, expression=exp.Boolean(this=True))
            case _:
                raise refuse(
                    f"{value.sql('postgres')} in two forms in one SELECT", "Compute one of them in a subquery."
                )
    return typed(exp.Paren(this=result), type_of(value))
