"""Outer joins of tables that one server has, beside others in FROM, are made by the server where that costs less."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from optimizer import cost
from optimizer.cardinality import Cardinality, Statistics
from optimizer.copies import copied
from optimizer.inner_joins import equalities, is_plain, qualifiers
from optimizer.join_block import JoinBlock, Source
from optimizer.joined_subquery import alone, as_source, distinct_names, named, outer_columns, rename
from optimizer.relations import conjuncts, get_relation, relations
from optimizer.server_tables import REMOTE, Servers, free_aliases, keys_of, owner_of, read_by_keys
from optimizer.stages import AT_SERVER, JoinAtServer, Kept

_MOST_SELECTS = 20  # of a statement, for each of which a server's query may be written
_ODD = ("method", "using", "global_", "pivots", "match_condition", "hint")


def outer_joins_at_servers(tree: exp.Query, statistics: Statistics, servers: Servers) -> exp.Query:
    """Put two tables of one server that an outer join links into a subquery, which is a part of the query that the
    server can answer; and again, with what it is joined to next.

    Why good: a large table of which the join leaves few rows is not sent.
    When illegal: ``(a LEFT JOIN s ON p) LEFT JOIN h ON q`` is ``a LEFT JOIN (s LEFT JOIN h ON q) ON p`` where q has an
    equality with a column of s, which is not met where s is missing: ``a LEFT JOIN s LEFT JOIN h ON h.x IS NULL`` is
    not. Sources before a RIGHT or FULL join may be missing behind it: there only the first two of FROM are joined,
    with which FROM begins anyway. Conditions speak of the two tables alone, and are plain. LATERAL may speak of all.
    Before it: inner joins at servers, which may be one of the two. After it: the order of what is left.
    """
    at_servers = [one for one in relations(tree) if servers.tables[one.name].kind == REMOTE]
    if len(at_servers) < 2 or not any(one.side for one in tree.find_all(exp.Join)):
        return tree
    if any(one.args.get("recursive") for one in tree.find_all(exp.With)):
        return tree
    keyed = read_by_keys(tree, statistics, servers)
    aliases = free_aliases(tree)
    for select in [*tree.find_all(exp.Select)][:_MOST_SELECTS]:
        search = _Search(select, statistics, servers, keyed)
        while (found := search.best()) is not None:
            found.put_in(next(aliases))
    return tree


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two sources of a SELECT, the second joined to the first by ``join``, and the query that they become."""

    select: exp.Select
    first: exp.Subquery
    join: exp.Join
    columns: tuple[exp.Column, ...]  # of both that the SELECT speaks of elsewhere
    query: exp.Select
    names: Mapping[tuple[str, str], str]
    gain: float

    def put_in(self, alias: str) -> None:
        """Read the query in the place of both."""
        self.select.set("joins", [one for one in self.select.args["joins"] if one is not self.join])
        self.first.replace(as_source(self.query, alias))
        for column in self.columns:
            rename(column, alias, self.names[column.table, column.name])


@dataclass(slots=True)
class _Search:
    """Looks for pairs in a SELECT."""

    select: exp.Select
    statistics: Statistics
    servers: Servers
    keyed: frozenset[int]

    def best(self) -> _Pair | None:
        """Return the pair by which most is saved, None where nothing is."""
        found: list[_Pair] = []
        kept: list[Kept] = []
        for first, join in self._candidates():
            pair = self._pair(first, join)
            if isinstance(pair, Kept):
                kept.append(pair)
            else:
                found.append(pair)
        if found:
            return max(found, key=lambda one: one.gain)
        self.servers.kept.extend(kept)
        return None

    def _candidates(self) -> Iterator[tuple[exp.Subquery, exp.Join]]:
        select = self.select
        source, joins = select.args.get("from_"), select.args.get("joins") or []
        if source is None or select.args.get("laterals") or get_relation(select.parent) is not None:
            return
        nodes = [source.this, *(join.this for join in joins)]
        if any(one.kind in ("SEMI", "ANTI") or any(one.args.get(key) for key in _ODD) for one in joins):
            return
        if select.parent is not None and len({owner_of(one, self.servers) for one in nodes}) == 1:
            return  # it is a part by itself, or nobody's
        may_move = not any(one.side in ("RIGHT", "FULL") for one in joins)
        for at, join in enumerate(joins):
            if may_move and join.side == "LEFT":
                before = nodes[: at + 1]
            else:
                before = nodes[:1] if at == 0 and (join.side or not may_move) else []
            for first in before:
                if self._may_be_joined(first, join):
                    yield first, join

    def _may_be_joined(self, first: exp.Expr, join: exp.Join) -> bool:
        second = join.this
        owner = owner_of(first, self.servers)
        if owner is None or owner != owner_of(second, self.servers) or first.args.get("joins"):
            return False
        on, both = conjuncts(join.args.get("on")), {first.alias, second.alias}
        linked = any({one.table, other.table} == both for one, other in equalities(tuple(on)))
        return linked and not second.args.get("joins") and all(is_plain(one) and qualifiers(one) <= both for one in on)

    def _pair(self, first: exp.Subquery, join: exp.Join) -> _Pair | Kept:
        second = join.this
        name = f"{(join.side or 'inner').lower()} join of {_aliases(first)}, {_aliases(second)}"
        if self.keyed & {id(first), id(second)}:
            return Kept(name, "a table of it is read by keys")
        gain, rows, read = self._gain(first, join)
        if rows is None:
            return Kept(name, "nothing is known of how many rows it has")
        if gain <= 0:
            return Kept(name, f"{rows:,.0f} rows are expected of it, of {read:,.0f} that it reads")
        sources = tuple(Source(one, frozenset({one.alias})) for one in (first, second))
        spoken = outer_columns(JoinBlock(self.select, sources, (), (), ()))
        if spoken is None:
            return Kept(name, "it is not certain whose columns the statement speaks of")
        own = {id(one) for one in join.find_all(exp.Column)}
        columns = tuple(one for one in spoken if id(one) not in own)
        needed = {(one.table, one.name): one for one in columns}
        names = distinct_names(needed)
        query = exp.Select(
            expressions=[named(copied(column), names[key]) for key, column in needed.items()]
            or [exp.alias_(exp.true(), "row", quoted=True)],
            from_=exp.From(this=alone(first)),
            joins=[copied(join)],
        )
        owner = owner_of(first, self.servers)
        assert owner is not None
        refused = self.servers.refuses(owner[0], query)
        if refused is not None:
            return Kept(name, refused)
        query.meta[AT_SERVER] = JoinAtServer(name, rows)
        return _Pair(self.select, first, join, columns, query, names, gain)

    def _gain(self, first: exp.Subquery, join: exp.Join) -> tuple[float, float | None, float]:
        """Return what is saved, in nanoseconds, how many rows come (None: nothing tells), and how many are read."""
        cardinality = Cardinality(self.statistics)
        one, other = cardinality.of_joined(first, ()), cardinality.of_joined(join.this, ())
        both = cardinality.of_joined(first, [join])
        if one is None or other is None or both is None:
            return 0.0, None, 0.0
        before, added = _told(first, one.rows), _told(join.this, other.rows)
        rows = both.rows
        if join.side == "LEFT" and self._is_found_once(join):
            rows = before
        read = before + added
        return (
            read * (cost.costs().remote_row - cost.costs().remote_row_computed) - rows * cost.costs().remote_row,
            rows,
            read,
        )

    def _is_found_once(self, join: exp.Join) -> bool:
        """Whether a row before a join finds one at the most."""
        second = join.this
        equal = {one.name for one, _ in equalities(tuple(conjuncts(join.args.get("on")))) if one.table == second.alias}
        return any(key <= equal for key in keys_of(second, self.servers))


def _at_server(node: exp.Expr) -> JoinAtServer | None:
    found: JoinAtServer | None = node.this.meta.get(AT_SERVER)
    return found


def _told(node: exp.Expr, rows: float) -> float:
    """Return how many rows a source has: of joins at the server that was found out with the keys of their tables."""
    joined = _at_server(node)
    return rows if joined is None else joined.rows


def _aliases(node: exp.Expr) -> str:
    """Return the tables of a source, as the statement calls them."""
    joined = _at_server(node)
    return node.alias if joined is None else joined.name.partition(" of ")[2]
