"""Tables of one server that stand beside others in FROM are joined by the server, where fewer rows come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from optimizer import cost
from optimizer.cardinality import Cardinality, Joined, Statistics
from optimizer.join_block import JoinBlock, get_join_block
from optimizer.join_conditions import conditions_of
from optimizer.join_graph import join_graph
from optimizer.join_order import JoinGraph, row_estimates
from optimizer.joined_subquery import JoinedSubquery, Known, bits, joined_subquery, outer_columns, put_in
from optimizer.relations import get_relation, relations
from optimizer.server_tables import REMOTE, Keys, Owner, Servers, free_aliases, keys_of, owner_of, read_by_keys
from optimizer.stages import AT_SERVER, JoinAtServer, Kept

_MOST_TRIED = 12  # linked tables: of more, all together are tried and no choices of them
_MOST_BLOCKS = 20  # of a statement, for each of which a server's query may be written


def joins_at_servers(tree: exp.Query, statistics: Statistics, servers: Servers) -> exp.Query:
    """Put tables that one server had better join into a subquery, which is a part of the query that it can answer.

    Why good: rows that find no partner are not sent. A join with more rows than its tables have is none of these.
    When illegal: joins are inner ones, of tables that are read with one role's rights; conditions are plain ones, and
    asked above the tables' own filters and masks. What the server would answer otherwise than the engine is refused.
    Tables that are read by keys are left alone. LATERAL may speak of the tables by their names.
    Before it: filters are pushed into the tables. After it: the order of joins, without and within the subquery.
    """
    at_servers = [one for one in relations(tree) if servers.tables[one.name].kind == REMOTE]
    if len(at_servers) < 2 or any(one.args.get("recursive") for one in tree.find_all(exp.With)):
        return tree
    search = _Search(tree, statistics, servers)
    found = [block for select in tree.find_all(exp.Select) if (block := search.block(select)) is not None]
    keyed = read_by_keys(tree, statistics, servers) if found else frozenset()
    aliases = free_aliases(tree)
    for block in found[:_MOST_BLOCKS]:
        chosen = {next(aliases): one for one in search.chosen(block, keyed)}
        if chosen:
            put_in(block, chosen)
    return tree


@dataclass(frozen=True, slots=True)
class _Block(Known):
    """What is known of a block: who has each source (None: nobody alone, or its rows are not known), and its keys."""

    owners: tuple[Owner | None, ...]
    graph: JoinGraph
    keys: tuple[Keys, ...]
    joined: Callable[[int], float]
    gains: dict[int, float] = field(default_factory=dict)

    def by_keys(self, keyed: frozenset[int]) -> int:
        """Return the mask of sources that are read by keys."""
        return sum(1 << number for number, source in enumerate(self.block.sources) if id(source.node) in keyed)

    def sets(self, without: int = 0) -> Iterator[int]:
        """Yield the sources of each owner that equal columns link, as masks."""
        for owner in sorted({one for one in self.owners if one is not None}):
            own = sum(1 << number for number, one in enumerate(self.owners) if one == owner) & ~without
            while own:
                linked = _linked(own & -own, own, self.equal)
                own &= ~linked
                if linked & (linked - 1):
                    yield linked

    @property
    def equal(self) -> list[int]:
        """The masks of sources with equal columns."""
        return [one.members for one in self.graph.equal]

    def name(self, members: int) -> str:
        """Return how people are told of a join."""
        return f"join of {', '.join(min(self.block.sources[number].aliases) for number in bits(members))}"

    def read(self, members: int) -> float:
        """Return how many rows sources have by themselves."""
        return sum(self.graph.rows[number] for number in bits(members))

    def rows(self, members: int) -> float:
        """Return how many rows come of a join. They are no more than one source has where the others are found by keys
        of theirs.
        """
        rest = members
        while found := [number for number in bits(rest) if rest != 1 << number and self._is_found(number, rest)]:
            rest &= ~(1 << found[0])
        made = self.joined(members)
        return min(made, self.read(rest)) if rest & (rest - 1) == 0 else made

    def _is_found(self, number: int, members: int) -> bool:
        """Whether rows of the others find one of a source's at the most."""
        others = members & ~(1 << number)
        equal = {
            column.name
            for group, mask in zip(self.conditions.equal, self.equal, strict=True)
            for column in group
            if mask & others and self.numbers[column.table] == number
        }
        return any(key <= equal for key in self.keys[number])

    def gain(self, members: int) -> float:
        """Return what is saved by a join at the server, in nanoseconds."""
        found = self.gains.get(members)
        if found is None:
            saved = self.read(members) * (cost.costs().remote_row - cost.costs().remote_row_computed)
            self.gains[members] = found = saved - self.rows(members) * cost.costs().remote_row
        return found


@dataclass(frozen=True, slots=True)
class _Search:
    """Looks for joins in a tree."""

    tree: exp.Query
    statistics: Statistics
    servers: Servers

    def block(self, select: exp.Select) -> _Block | None:
        """Return the block of a SELECT where one owner has several of its sources, and not all that it reads."""
        block = get_join_block(select) if get_relation(select.parent) is None else None
        if block is None:
            return None
        owners = [owner_of(source.node, self.servers) for source in block.sources]
        if not any(one is not None and owners.count(one) > 1 for one in owners):
            return None
        if len({*owners}) == 1 and not block.later and select is not self.tree:
            return None  # it is a part by itself
        columns = outer_columns(block)
        return None if columns is None else self._known(block, owners, columns)

    def _known(self, block: JoinBlock, owners: list[Owner | None], columns: tuple[exp.Column, ...]) -> _Block:
        numbers = block.numbers
        conditions = conditions_of(block)
        cardinality = Cardinality(self.statistics)
        found = [cardinality.of_joined(source.node, ()) for source in block.sources]
        graph = join_graph(conditions, [one or Joined(1.0, {}) for one in found], numbers, cardinality)
        known = [owner if one is not None else None for owner, one in zip(owners, found, strict=True)]
        for owner in dict.fromkeys(one for one in owners if one is not None):
            if owners.count(owner) > 1 and known.count(owner) < 2:
                aliases = [min(one.aliases) for one, by in zip(block.sources, owners, strict=True) if by == owner]
                self._keep(f"join of {', '.join(aliases)}", "nothing is known of how many rows its joins have")
        keys = tuple(keys_of(source.node, self.servers) for source in block.sources)
        return _Block(block, numbers, conditions, columns, tuple(known), graph, keys, row_estimates(graph))

    def chosen(self, block: _Block, keyed: frozenset[int]) -> list[JoinedSubquery]:
        """Return the joins of a block that servers had better make."""
        found: list[JoinedSubquery] = []
        by_keys = block.by_keys(keyed)
        for linked in block.sets() if by_keys else ():
            if linked & by_keys and (linked & ~by_keys).bit_count() < 2:
                self._keep(block.name(linked), "a table of it is read by keys")
        for linked in block.sets(by_keys):
            rest = linked
            while rest & (rest - 1):
                best = max(_subsets(rest, block), key=block.gain, default=0)
                rest &= ~best
                if not best:
                    break
                if block.gain(best) <= 0:
                    rows, read = block.rows(best), block.read(best)
                    self._keep(block.name(best), f"{rows:,.0f} rows are expected of it, of {read:,.0f} that it reads")
                    break
                found += self._taken(block, best)
        return found

    def _taken(self, block: _Block, members: int) -> list[JoinedSubquery]:
        """Return the joins as a subquery, if the server may be asked it."""
        owner = block.owners[next(bits(members))]
        assert owner is not None
        reason = None
        for with_others in (True, False):
            made = joined_subquery(block, members, with_others=with_others)
            refused = self.servers.refuses(owner[0], made.query)
            if refused is None:
                made.query.meta[AT_SERVER] = JoinAtServer(block.name(members), block.rows(members))
                return [made]
            reason = reason or refused
            if not made.asked:
                break
        self._keep(block.name(members), reason or "")
        return []

    def _keep(self, name: str, reason: str) -> None:
        self.servers.kept.append(Kept(name, reason))


def _linked(first: int, among: int, equal: list[int]) -> int:
    """Return the members of a mask that masks link to a first one."""
    found = first
    while grown := [one & among & ~found for one in equal if one & found and one & among & ~found]:
        found |= grown[0]
    return found


def _subsets(members: int, block: _Block) -> Iterator[int]:
    """Yield linked sets to choose from: each pair, what grows of the best of these, and all."""
    if members.bit_count() > _MOST_TRIED:
        yield _linked(members & -members, members, block.equal)
        return
    pairs = [
        1 << one | 1 << other
        for one in bits(members)
        for other in bits(members)
        if one < other and any(mask >> one & mask >> other & 1 for mask in block.equal)
    ]
    yield from pairs
    yield from (_linked(pair, members, block.equal) for pair in pairs)
    found = max(pairs, key=block.gain, default=0)
    while found and (
        grown := [
            found | 1 << one
            for one in bits(members & ~found)
            if any(mask & found and mask >> one & 1 for mask in block.equal)
        ]
    ):
        found = max(grown, key=block.gain)
        yield found
