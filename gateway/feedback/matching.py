"""Which parts of a query the operators of its plan were, and how many rows these had.

The engine's operators do not say which tables they read; files do, and the columns that are joined. Where that is not
certain nothing is taken. Nor is it where the rows of an operator are not those of its part: a LIMIT above has ended it
early, or a join above has left rows out of its scans while it ran.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from catalog.scans import FileScan
from gateway.execute.operators import Operator
from optimizer.join_block import JoinBlock, get_join_block
from optimizer.relations import Relation, get_relation, relations
from optimizer.scopes import queries
from optimizer.stages import Fragment, Fragmented

_JOINS = frozenset({"HashJoinExec", "SortMergeJoinExec", "NestedLoopJoinExec", "CrossJoinExec"})
_PASSING = frozenset(
    {
        "CoalesceBatchesExec",
        "CoalescePartitionsExec",
        "CooperativeExec",
        "FilterExec",
        "ProjectionExec",
        "RepartitionExec",
    }
)
_COLUMN = re.compile(r"(\w+)@\d+")
_LIMITED = re.compile(r"\bfetch=(\d+)")
_NO_LIMIT = 1 << 62  # fences are LIMITs that none reaches
Places = frozenset[int]


@dataclass(frozen=True, slots=True)
class Matched:
    """What was found of a query: how many rows its derived tables have had, by node, and joins of some sources of a
    block, by the mask of these.
    """

    queries: tuple[tuple[exp.Query, float], ...]
    joins: tuple[tuple[JoinBlock, int, float], ...]


@dataclass(slots=True, eq=False)  # inputs that are alike are two
class _Step:
    """An operator with the places of the relations that it reads (None: not known), those above it, and whether all of
    its rows were asked for.
    """

    operator: Operator
    above: tuple[_Step, ...]
    whole: bool
    children: list[_Step] = field(default_factory=list)
    places: Places | None = None

    def walk(self) -> Iterator[_Step]:
        yield self
        for child in self.children:
            yield from child.walk()


def matched(
    root: Operator,
    tree: exp.Query,
    fragmented: Fragmented,
    filtered: Mapping[int, Places],
    in_memory: frozenset[str] = frozenset(),
) -> Matched:
    """Return what the operators of a plan tell of the query that it is for. ``filtered`` are relations that were read
    by the keys of others, with the relations that these keys are of, ``in_memory`` the names of scans whose
    columns were in memory.
    """
    top = _steps(root, (), whole=True)
    _identify(top, tree, fragmented, in_memory)
    known = dict(enumerate(relations(tree)))
    tables = {id(relation.base): place for place, relation in known.items()}
    rows: dict[Places, float | None] = {}
    for step in top.walk():  # outer ones first: what an operator hands on after its conditions
        places = step.places
        if places is None or places in rows or not places:
            continue
        if step.whole and _is_own(step, fragmented) and _is_complete(places, filtered):
            rows[places] = _handed_on(step)
    derived = _derived(tree, tables)
    found_queries = []
    for places, query in derived.items():
        count = rows.get(places)
        if count is not None:
            found_queries.append((query, count))
    for place, relation in known.items():
        count = _of_relation(top, place, relation, fragmented, filtered)
        if count is not None:
            found_queries.append((relation.select, count))
    return Matched(tuple(found_queries), tuple(_joins(top, tree, tables, fragmented, filtered)))


def _steps(operator: Operator, above: tuple[_Step, ...], *, whole: bool) -> _Step:
    step = _Step(operator, above, whole)
    for at, child in enumerate(operator.children):
        step.children.append(_steps(child, (step, *above), whole=_is_whole(operator, at, whole=whole)))
    return step


def _is_whole(operator: Operator, at: int, *, whole: bool) -> bool:
    """Whether an operator asks an input for all of its rows."""
    limit = _LIMITED.search(operator.detail)
    if limit is not None and int(limit[1]) < _NO_LIMIT and operator.name != "SortExec":
        return False
    if operator.name == "SortMergeJoinExec":
        return False  # it ends with the shorter side
    if operator.name == "HashJoinExec":
        # Where nothing is hashed the other side is not read.
        return True if at == 0 else whole and bool(operator.children[0].rows or 0)
    if operator.name in ("AggregateExec", "SortExec"):
        return "lim=[" not in operator.detail
    return whole


def _identify(top: _Step, tree: exp.Query, fragmented: Fragmented, in_memory: frozenset[str]) -> None:
    """Find out which relations each operator reads."""
    leaves = [step for step in top.walk() if not step.children]
    free = {place for place in range(len(fragmented.fragments)) if place not in fragmented.within}
    parts = [_part_places(part.place, tree) for part in fragmented.parts]
    for step in leaves:
        if "file_groups=" in step.operator.detail:
            fitting = [at for at in free if _reads(fragmented.fragments[at], step.operator.detail)]
            step.places = frozenset(fitting) if len(fitting) == 1 else None
    taken = [step.places for step in leaves if step.places is not None]
    for step in leaves:
        if step.places is not None and taken.count(step.places) > 1:
            step.places = None
    remote = [at for at in free if _is_in_memory(fragmented.fragments[at], in_memory)]
    unknown = [step for step in leaves if "file_groups=" not in step.operator.detail]
    candidates = [(frozenset({at}), frozenset(fragmented.fragments[at].columns)) for at in remote]
    candidates += [
        (places, frozenset(one.alias_or_name for one in part.outputs))
        for places, part in zip(parts, fragmented.parts, strict=True)
    ]
    _tell_apart(unknown, candidates)
    _gather(top)


def _tell_apart(leaves: list[_Step], candidates: list[tuple[Places, frozenset[str]]]) -> None:
    """Find out which of several relations in memory each leaf is, by the columns that operators above name."""
    open_ = [*leaves]
    rest = [*candidates]
    if len(open_) != len(rest):
        return
    changed = True
    while changed and open_:
        changed = False
        for leaf in [*open_]:
            named = _named(leaf)
            fitting = [one for one in rest if named <= one[1]]
            if len(fitting) == 1:
                leaf.places = fitting[0][0]
                open_.remove(leaf)
                rest.remove(fitting[0])
                changed = True


def _named(leaf: _Step) -> frozenset[str]:
    """Return columns that a leaf certainly has: those of conditions on it, and those by which it is joined."""
    found: set[str] = set()
    below = leaf
    for step in leaf.above:
        if step.operator.name == "HashJoinExec":
            side = step.children.index(below)
            pairs = re.findall(r"\(([^()@]+)@\d+, ([^()@]+)@\d+\)", step.operator.detail.partition("on=[")[2])
            found |= {pair[side] for pair in pairs}
        if step.operator.name == "FilterExec":
            found |= {*_COLUMN.findall(step.operator.detail.partition(", projection=")[0])}
        if step.operator.name not in _PASSING or (
            step.operator.name == "ProjectionExec" and not _keeps_names(step.operator.detail)
        ):
            break
        below = step
    return frozenset(found)


def _keeps_names(projection: str) -> bool:
    """Whether each column that comes out of a projection is made of the one of its name alone, as by a cast."""
    return _COLUMN.findall(projection) == re.findall(r" as (\w+)(?=, |\])", projection)


def _gather(step: _Step) -> None:
    for child in step.children:
        _gather(child)
    if step.children:
        below = [child.places for child in step.children]
        step.places = None if None in below else frozenset().union(*(one for one in below if one is not None))


def _is_in_memory(part: Fragment, in_memory: frozenset[str]) -> bool:
    """Whether the operator that reads a scan does not name files."""
    return not isinstance(part.scan, FileScan) or part.relation in in_memory


def _reads(part: Fragment, detail: str) -> bool:
    if not isinstance(part.scan, FileScan):
        return False
    files = (file.rpartition("/")[2] for group in part.scan.groups for file in group.files)
    columns = re.search(r"projection=\[([^\]]*)\]", detail)
    named = (
        {one.partition(" as ")[0] for one in columns[1].split(", ")} if columns is not None and columns[1] else set()
    )
    return named <= {*part.columns} and any(file in detail for file in files)


def _part_places(place: int, tree: exp.Query) -> Places:
    within = {id(relation.base) for relation in relations(queries(tree)[place])}
    return frozenset(at for at, relation in enumerate(relations(tree)) if id(relation.base) in within)


def _handed_on(step: _Step) -> float | None:
    """Return how many rows an operator hands on; where it does not count them, as many as what it passes on has."""
    while step.operator.rows is None and step.operator.name in _PASSING - {"FilterExec"} and len(step.children) == 1:
        step = step.children[0]
    return step.operator.rows


def _is_own(step: _Step, fragmented: Fragmented) -> bool:
    """Whether no operator above has left rows out of the scans below."""
    for leaf in (one for one in step.walk() if not one.children):
        if "DynamicFilter [" not in leaf.operator.detail:
            continue
        place = next(iter(leaf.places)) if leaf.places is not None and len(leaf.places) == 1 else None
        known = fragmented.fragments[place].snapshot.rows if place is not None else None
        if known is not None and leaf.operator.rows == known:
            continue  # it had all rows of the table all the same
        if any(_may_filter(one, step) for one in step.above):
            return False
    return True


def _may_filter(above: _Step, step: _Step) -> bool:
    if above.operator.name == "HashJoinExec":
        first = above.children[0]
        return (first is not step and first not in step.above) or "join_type=Inner" not in above.operator.detail
    return above.operator.name in ("AggregateExec", "SortExec") and (
        "TopK" in above.operator.detail or "gby=[]" in above.operator.detail
    )


def _is_complete(places: Places, filtered: Mapping[int, Places]) -> bool:
    return all(filtered[one] <= places for one in places if one in filtered)


def _derived(tree: exp.Query, tables: Mapping[int, int]) -> dict[Places, exp.Query]:
    """Return the derived tables that are no governed relations, by the relations in them; of nested ones the outer."""
    found: dict[Places, exp.Query] = {}
    for node in tree.find_all(exp.Subquery, bfs=True):
        is_source = isinstance(node.parent, exp.From | exp.Join) and isinstance(node.this, exp.Query)
        if not is_source or get_relation(node) is not None:
            continue
        places = _of_node(node, tables)
        if places:
            found.setdefault(places, node.this)
    return found


def _of_node(node: exp.Expr, tables: Mapping[int, int]) -> Places:
    return frozenset(tables[id(one)] for one in node.find_all(exp.Table) if id(one) in tables)


def _of_relation(
    top: _Step, place: int, relation: Relation, fragmented: Fragmented, filtered: Mapping[int, Places]
) -> float | None:
    """Return how many rows of a table have met its relation's own conditions."""
    leaf = next((step for step in top.walk() if not step.children and step.places == frozenset({place})), None)
    if leaf is None or place in filtered or not leaf.whole:
        return None
    part, where = fragmented.fragments[place], relation.select.args.get("where")
    asked = {column.name for column in where.find_all(exp.Column)} if where is not None else set()
    count, step, kept = leaf.operator.rows, leaf, bool(part.kept or part.pruning)
    for above in leaf.above:
        if above.operator.name not in _PASSING or not above.whole:
            break
        if above.operator.name == "FilterExec":
            named = {*_COLUMN.findall(above.operator.detail.partition(", projection=")[0])}
            if not named <= asked:
                return None  # other conditions came to it
            count, step, kept = above.operator.rows, above, False
    if (where is not None and kept) or not _is_own(step, fragmented):
        return None  # nobody has counted after its conditions
    return count


def _joins(
    top: _Step, tree: exp.Query, tables: Mapping[int, int], fragmented: Fragmented, filtered: Mapping[int, Places]
) -> Iterator[tuple[JoinBlock, int, float]]:
    counted = [(step, places) for step in top.walk() if (places := step.places) is not None and len(places) > 1]
    for select in tree.find_all(exp.Select):
        block = get_join_block(select)
        if block is None:
            continue
        own = [_of_node(source.node, tables) for source in block.sources]
        seen: set[int] = set()
        for step, places in counted:
            members = sum(1 << at for at, each in enumerate(own) if each and each <= places)
            exact = frozenset().union(*(each for each in own if each and each <= places)) == places
            if not exact or members.bit_count() < 2 or members in seen or not _is_join(step):
                continue
            seen.add(members)
            count = _handed_on(step)
            if count is not None and step.whole and _is_own(step, fragmented) and _is_complete(places, filtered):
                yield block, members, count


def _is_join(step: _Step) -> bool:
    """Whether an operator is a join, with conditions after it, and no more."""
    while step.operator.name in _PASSING and len(step.children) == 1:
        step = step.children[0]
    return step.operator.name in _JOINS
