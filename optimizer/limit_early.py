"""Few rows are taken before they are united or joined, where no others can be among the first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from sqlglot import exp

from optimizer.cardinality import Statistics
from optimizer.copies import copied
from optimizer.first_rows import FirstRows, Key, get_first_rows, limit
from optimizer.relations import conjuncts, get_relation, relations
from optimizer.server_tables import REMOTE, Servers, owner_of
from optimizer.stages import AT_SERVER, Kept
from optimizer.views import MARK

T = exp.DType
_ARM = frozenset({"expressions", "from_", "joins", "where", "group", "having"})
_JOINING = frozenset({"expressions", "from_", "limit", "offset", "order", "joins", "where", "with_"})
_MOST_ARMS = 32  # for each of which a server's query may be written
_ALIKE = {**dict.fromkeys((T.SMALLINT, T.INT, T.BIGINT), T.DECIMAL), T.VARCHAR: T.TEXT}
_OF_SETS = (exp.UDTF, exp.Explode, exp.ExplodingGenerateSeries, exp.GenerateSeries, exp.Anonymous)
_STAYS = (exp.AggFunc, exp.Window, exp.Rand, exp.Uuid, exp.Anonymous, exp.Query)


def limit_early(tree: exp.Query, _: Statistics, servers: Servers) -> exp.Query:
    """Take the first rows of ``… ORDER BY a.x LIMIT 10`` from each arm of a UNION ALL that servers have tables of, and
    from ``a`` alone of ``a LEFT JOIN b``: ``(SELECT … FROM a ORDER BY a.x LIMIT 10) AS a LEFT JOIN b``.

    Why good: a server sends these rows, and not its table; what is joined to others is not looked up. With an OFFSET as
    many rows more are taken. All is sorted and cut again above.
    When illegal: where rows are left out afterwards, by WHERE (but for conditions on ``a`` alone, which go with it), an
    inner join, DISTINCT or groups; where windows or sets are computed of them; where keys of the order are of other
    tables, volatile, or not of one type in all arms. WITH TIES, and limits that are computed, stay.
    Before it: conditions are where they belong, and columns pruned.
    """
    waiting = deque(one for one in tree.find_all(exp.Select, exp.SetOperation) if one.args.get("limit") is not None)
    while waiting:
        query = waiting.popleft()
        found = get_first_rows(query)
        if found is not None and isinstance(query, exp.SetOperation):
            waiting += _in_arms(query, found, servers)
        elif found is not None and isinstance(query, exp.Select):
            waiting += _within(query, found, servers)
    return tree


def _within(select: exp.Select, first: FirstRows, servers: Servers) -> Iterator[exp.Query]:
    """Limit what a SELECT reads; yield what has got a limit."""
    source = select.args.get("from_")
    if source is None or any(value for name, value in select.args.items() if name not in _JOINING):
        return
    if any(one.find(exp.AggFunc, exp.Window, *_OF_SETS) is not None for one in select.expressions):
        return
    node, joins = source.this, select.args.get("joins") or []
    if not _is_plain(node) or not all(map(_keeps_left, joins)) or not _is_worth(node, joins, servers):
        return
    inner, where = node.this, select.args.get("where")
    keys = _at_places(first.keys, node) if where is None else None
    if keys is not None and isinstance(inner, exp.SetOperation):
        yield from _in_arms(inner, FirstRows(first.count, keys), servers)
    elif keys is not None and isinstance(inner, exp.Select) and get_relation(node) is None:
        yield from _of_derived(select, node, first, servers)
    elif joins or _is_part(select, node, servers):
        yield from _limit_source(select, node, first)


def _of_derived(select: exp.Select, node: exp.Subquery, first: FirstRows, servers: Servers) -> Iterator[exp.Query]:
    """Limit a query in FROM itself; around it where it is a view's, or cannot be limited."""
    inner, places = node.this, _at_places(first.keys, node)
    keys = _of_arm(inner, first.keys, [int(key.value.name) - 1 for key in places or ()])
    if MARK not in inner.meta and keys is not None and _limit(inner, FirstRows(first.count, keys), servers):
        yield inner
        return
    found: list[exp.Query] = []
    if MARK in inner.meta and keys is not None and inner.args.get("limit") is None:
        found = [*_within(inner, FirstRows(first.count, keys), servers)]
    if not found and (select.args.get("joins") or _is_part(select, node, servers)):
        found = [*_limit_source(select, node, first)]
    yield from found


def _limit_source(select: exp.Select, node: exp.Subquery, first: FirstRows) -> Iterator[exp.Select]:
    """Put a limit around the first source of a SELECT."""
    where = select.args.get("where")
    conditions = conjuncts(where.this if where is not None else None)
    if not all(_is_of(one, node.alias) for one in (*conditions, *(key.value for key in first.keys))):
        return
    outputs = {one.alias_or_name: one.unalias().type for one in node.this.selects}
    if len(outputs) < len(node.this.selects) or "" in outputs or _has_limit(node):
        return
    select.set("where", None)
    alone = exp.Select(expressions=[_column(name, node.alias, of) for name, of in outputs.items()])
    outer = exp.Subquery(this=alone, alias=exp.TableAlias(this=exp.to_identifier(node.alias, quoted=True)))
    node.replace(outer)
    alone.set("from_", exp.From(this=node))
    alone.set("where", where)
    limit(alone, first)
    yield alone


def _has_limit(node: exp.Subquery) -> bool:
    """Whether a source has few rows already: the LIMIT of a table or view is its fence."""
    return get_relation(node) is None and MARK not in node.this.meta and node.this.args.get("limit") is not None


def _column(name: str, table: str, of: exp.DataType | None) -> exp.Expr:
    column = exp.column(exp.to_identifier(name, quoted=True), exp.to_identifier(table, quoted=True))
    made = exp.alias_(column, name, quoted=True, copy=False)
    column.type = made.type = of
    return made


def _is_of(part: exp.Expr, alias: str) -> bool:
    """Whether something speaks of a source, and of nothing else, and is always the same for a row."""
    columns = [*part.find_all(exp.Column)]
    return bool(columns) and all(one.table == alias for one in columns) and part.find(*_STAYS) is None


def _is_plain(node: exp.Expr) -> bool:
    """Whether a source is a query with an alias, and nothing else."""
    if not isinstance(node, exp.Subquery) or not node.alias or not isinstance(node.this, exp.Query):
        return False
    return not node.args["alias"].args.get("columns") and not any(
        value for name, value in node.args.items() if name not in ("this", "alias")
    )


def _keeps_left(join: exp.Join) -> bool:
    named = join.args.get("using") or join.method
    return join.side == "LEFT" and join.kind in ("", "OUTER") and not named and not isinstance(join.this, exp.Lateral)


def _reads_server(node: exp.Expr, servers: Servers) -> bool:
    return any(servers.tables[one.name].kind == REMOTE for one in relations(node))


def _is_worth(node: exp.Subquery, joins: Sequence[exp.Join], servers: Servers) -> bool:
    """Whether less is sent, or joined. A table of a server that is joined may be read by the keys of all rows alone."""
    if not joins:
        return _reads_server(node, servers)
    return _reads_server(node, servers) or not any(_reads_server(one, servers) for one in joins)


def _is_part(select: exp.Select, node: exp.Subquery, servers: Servers) -> bool:
    """Whether a server may be asked for the rows of a statement's only source. Other queries are parts themselves."""
    return select.parent is None and owner_of(node, servers) is not None


def _limit(select: exp.Select, first: FirstRows, servers: Servers) -> bool:
    """Have a SELECT give its first rows alone; not one that a server would answer, and then does not any more."""
    if not _may_be_limited(select) or AT_SERVER in select.meta:
        return False
    read = [servers.tables[one.name] for one in relations(select)]
    if all(one.kind == REMOTE for one in read) and len({one.source for one in read}) == 1:
        tried = copied(select)
        tried.set("expressions", [copied(key.value) for key in first.keys] or [exp.Literal.number(1)])
        limit(tried, first)
        if (reason := servers.refuses(read[0].source, tried)) is not None:
            servers.kept.append(Kept("the first rows of a query", reason))
            return False
    limit(select, first)
    return True


def _may_be_limited(select: exp.Select) -> bool:
    """Whether a LIMIT may be set to a SELECT, and leaves some of its rows out."""
    if any(value for name, value in select.args.items() if name not in _ARM):
        return False
    if any(one.find(*_OF_SETS) is not None for one in select.expressions):
        return False
    return select.args.get("group") is not None or not any(one.find(exp.AggFunc) for one in select.expressions)


# Set operations ------------------------------------------------------------------------------------------------------


def _at_places(keys: Sequence[Key], node: exp.Subquery) -> tuple[Key, ...] | None:
    """Return keys as the numbers of a query's columns; None where one is computed of these."""
    names = node.this.named_selects
    found: list[Key] = []
    for key in keys:
        column = key.value
        if not isinstance(column, exp.Column) or column.table != node.alias or names.count(column.name) != 1:
            return None
        found.append(key.of(exp.Literal.number(names.index(column.name) + 1)))
    return tuple(found)


def _in_arms(query: exp.SetOperation, first: FirstRows, servers: Servers) -> Iterator[exp.Query]:
    """Limit the arms of a UNION ALL that servers have tables of; yield these."""
    arms = _arms(query, is_first=True)
    places = [int(key.value.name) - 1 for key in first.keys]
    if not arms or len(arms) > _MOST_ARMS or any(len({_kind(arm, place) for arm in arms}) > 1 for place in places):
        return
    for arm in arms:
        keys = _of_arm(arm, first.keys, places)
        if keys is None or not _reads_server(arm, servers):
            continue
        if not _limit(arm, FirstRows(first.count, keys), servers):
            continue
        if not isinstance(arm.parent, exp.Subquery):
            held = exp.Subquery()
            arm.replace(held)
            held.set("this", arm)
        yield arm


def _arms(query: exp.Expr, *, is_first: bool = False) -> list[exp.Select]:
    """Return the SELECTs that a UNION ALL has the rows of, as they are; none where there is anything else."""
    inner = query
    while isinstance(inner, exp.Subquery) and not any(value for name, value in inner.args.items() if name != "this"):
        inner = inner.this
    if isinstance(inner, exp.Select):
        return [inner]
    if not isinstance(inner, exp.Union) or inner.args.get("distinct") or inner.args.get("by_name"):
        return []
    if not is_first and any(inner.args.get(name) for name in ("limit", "offset", "order")):
        return []
    left, right = _arms(inner.left), _arms(inner.right)
    return [*left, *right] if left and right else []


def _kind(arm: exp.Select, place: int) -> object:
    """Return the type of an arm's column as it is compared: numbers have one order, whatever they are brought to."""
    of = arm.selects[place].unalias().type if place < len(arm.selects) else None
    return None if of is None else _ALIKE.get(of.this, of.this)


def _of_arm(arm: exp.Select, keys: Sequence[Key], places: Sequence[int]) -> tuple[Key, ...] | None:
    """Return the keys as a SELECT speaks of them; None where one is computed. Constants order nothing."""
    found: list[Key] = []
    for key, place in zip(keys, places, strict=True):
        value = arm.selects[place].unalias()
        if isinstance(value, exp.Literal | exp.Null | exp.Cast) and value.find(exp.Column, *_STAYS) is None:
            continue
        if not isinstance(value, exp.Column | exp.AggFunc):
            return None
        found.append(key.of(copied(value)))
    return tuple(found)
