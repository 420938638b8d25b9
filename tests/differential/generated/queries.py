"""Random statements of all of SELECT's shapes, each valid for PostgreSQL and with one answer.

What could have several answers is not made: limits and frames of rows stand behind an order that tells all rows apart,
groups and sets are made of types of which equal values look alike, floats are not summed up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from tests.differential.generated.catalogue import Catalogue
from tests.differential.generated.expressions import NUMBERS, OUTPUT, SORTED, Expressions
from tests.differential.generated.rows import TABLES, columns_of
from tests.differential.generated.scopes import Scope
from tests.differential.generated.trees import CLAUSE, QUERY, Node, Part, listed, node, plain_text

_LARGE = 70  # parts: such statements cost as much as ten others, and find no more than they
_SHARE_OF_LARGE = 0.2
_TAME = ("lk.tame", "lk.tame", "lk.tame", "db.tame", "lk.seen", "lk.none")
_SUMMED = ("int2", "int4", "int8", "numeric")
_JOINS = (" join ", " left join ", " right join ", " full join ")
_RANKS = ("rank()", "dense_rank()", "percent_rank()", "cume_dist()")
_PLACES = ("row_number()", "ntile(2)", "ntile(3)")
_BOUNDS = ("unbounded preceding", "1 preceding", "current row", "1 following", "2 following", "unbounded following")
_EXCLUDED = ("", "", "", " exclude current row", " exclude group", " exclude ties", " exclude no others")


@dataclass(frozen=True, slots=True)
class Query:
    """A query, its columns by name and type, and the columns that tell its rows apart (none: unknown)."""

    tree: Node
    columns: tuple[tuple[str, str], ...]
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement to be sent; ``ordered`` says that its rows have one order, ``lone`` that it is one expression over
    all rows of a table.
    """

    tree: Node
    shape: str
    ordered: bool = False
    lone: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """An item of FROM, and what it offers."""

    tree: Node
    alias: str
    columns: tuple[tuple[str, str], ...]
    keys: tuple[str, ...]

    def named(self) -> tuple[tuple[str, str], ...]:
        """Return its columns by their full names."""
        return tuple((f"{self.alias}.{name}", kind) for name, kind in self.columns)

    def key_names(self) -> tuple[str, ...]:
        """Return the full names of what tells its rows apart."""
        return tuple(f"{self.alias}.{name}" for name in self.keys)


class Statements:
    """Makes statements from a seed; ``WEIGHTS`` are the shapes, and how often each is made."""

    WEIGHTS: Mapping[str, int] = {
        "plain": 6,
        "lone": 5,
        "grouped": 4,
        "windowed": 3,
        "joined": 5,
        "sets": 2,
        "distinct": 2,
        "nested": 3,
        "regrouped": 2,
    }

    def __init__(self, seed: str, catalogue: Catalogue) -> None:
        self._random = Random(seed)
        self._expressions = Expressions(self._random, catalogue, self._subquery)
        self._aliases = 0
        self._deep = 0

    def statement(self) -> Statement:
        """Return one statement."""
        while True:
            self._aliases = self._deep = 0
            shape = self._random.choices([*self.WEIGHTS], [*self.WEIGHTS.values()])[0]
            made: Statement = getattr(self, f"_{shape}_statement")()
            if sum(1 for _ in made.tree.nodes()) <= _LARGE or self._random.random() < _SHARE_OF_LARGE:
                return made

    def _alias(self) -> str:
        self._aliases += 1
        return f"s{self._aliases}"

    def _plain_statement(self) -> Statement:
        source = self._table(self._random.choice(("lk.wild", "lk.wild", "db.wild", "db.wild", *TABLES)))
        scope = Scope(source.named(), source.key_names())
        kinds = [self._random.choice(OUTPUT) for _ in range(self._random.randint(1, 3))]
        items = [self._expressions.expression(kind, scope, self._random.randint(1, 3)) for kind in kinds]
        where = self._where(scope, 0.3)
        tree = node(QUERY, "select ", listed(items), " from ", source.tree, *where, f" order by {source.alias}.id")
        return Statement(tree, "plain", ordered=True)

    def _lone_statement(self) -> Statement:
        source = self._table(self._random.choice(("lk.wild", "lk.wild", "db.wild", "lk.seen")))
        scope = Scope(source.named(), source.key_names())
        item = self._expressions.expression(self._random.choice(OUTPUT), scope, self._random.choice((1, 1, 2)))
        tree = node(QUERY, "select ", item, " from ", source.tree, f" order by {source.alias}.id")
        return Statement(tree, "lone", ordered=True, lone=True)

    def _grouped_statement(self) -> Statement:
        return self._ordered(self._grouped(None), "grouped")

    def _windowed_statement(self) -> Statement:
        return self._ordered(self._windowed(), "windowed")

    def _joined_statement(self) -> Statement:
        return self._ordered(self._joined(None), "joined")

    def _distinct_statement(self) -> Statement:
        return self._ordered(self._distinct(), "distinct")

    def _sets_statement(self) -> Statement:
        return self._ordered(self._sets(None), "sets")

    def _nested_statement(self) -> Statement:
        """A query over named queries and derived tables."""
        named = [self._simple_query() for _ in range(self._random.randint(1, 2))]
        heads: list[Node] = []
        sources: list[Source] = []
        for query in named:
            name = f"w{len(heads)}"
            how = self._random.choice((" as ", " as ", " as materialized ", " as not materialized "))
            heads.append(node(CLAUSE, f"{name}{how}(", query.tree, ")"))
            alias = self._alias()
            sources.append(Source(node("from", f"{name} {alias}"), alias, query.columns, query.keys))
        outer = self._over(sources)
        made = self._ordered(outer, "nested")
        return replace(made, tree=node(QUERY, "with ", listed(heads), " ", made.tree))

    def _regrouped_statement(self) -> Statement:
        """Groups that are joined, or made longer by a function's rows, grouped again, and asked for a part of that."""
        first = self._random.choice((self._grouped, self._grouped, lambda _: self._distinct()))(None)
        keys = [(name, kind) for name, kind in first.columns if name in first.keys]
        if not keys:
            return self._ordered(first, "regrouped")
        alias, (key, kind) = self._alias(), self._random.choice(keys)
        source = Source(node("from", f"w0 {alias}"), alias, first.columns, first.keys)
        tree, (other, other_kind) = self._multiplied(source)
        counted = self._random.choice(("count(*)", f"count(distinct {other})", f"count({alias}.{key})"))
        again = node(
            QUERY,
            f"select {alias}.{key} as k0, {other} as k1, {counted} as c0 from ",
            tree,
            f" group by {alias}.{key}, {other}",
        )
        parts: tuple[Query, ...] = (
            Query(node(QUERY, "select distinct k0 from w1"), (("k0", kind),), ("k0",)),
            Query(node(QUERY, "select distinct k0, k1 from w1"), (("k0", kind), ("k1", other_kind)), ("k0", "k1")),
            Query(node(QUERY, "select * from w1"), (("k0", kind), ("k1", other_kind), ("c0", "int8")), ("k0", "k1")),
            Query(
                node(
                    QUERY,
                    "select k0, count(*) as n, sum(c0) as c from (select distinct k0, k1, c0 from w1) s group by k0",
                ),
                (("k0", kind), ("n", "int8"), ("c", "numeric")),
                ("k0",),
            ),
            Query(
                node(
                    QUERY, "select k1, sum(c0) as c from (select k0, k1, c0 from w1 group by k0, k1, c0) s group by k1"
                ),
                (("k1", other_kind), ("c", "numeric")),
                ("k1",),
            ),
        )
        made = self._ordered(self._random.choice(parts), "regrouped")
        named = listed([node(CLAUSE, "w0 as (", first.tree, ")"), node(CLAUSE, "w1 as (", again, ")")])
        return replace(made, tree=node(QUERY, "with ", named, " ", made.tree))

    def _multiplied(self, source: Source) -> tuple[Node, tuple[str, str]]:
        """Return a FROM in which rows of a source may stand several times, and a column beside them with its type."""
        way = self._random.choice(("join", "join", "series", "array"))
        if way == "series":
            return node("from", source.tree, " cross join generate_series(1, 3) as g"), ("g", "int4")
        if way == "array":
            name, kind = self._random.choice([one for one in source.named() if one[1] in SORTED])
            return node("from", source.tree, f" cross join unnest(array[{name}, null]) as u(e)"), ("u.e", kind)
        right = self._table(self._random.choice(_TAME))
        tree = self._join(source.tree, right, source.named(), lateral=False)
        return tree, self._random.choice([one for one in right.named() if one[1] in SORTED])

    def _ordered(self, query: Query, shape: str) -> Statement:
        """Return a statement that may sort a query by its keys and cut it there."""
        places = {name: number for number, (name, _) in enumerate(query.columns, 1)}
        if not query.keys or not {*query.keys} <= {*places} or self._random.random() < 0.3:
            return Statement(query.tree, shape)
        words = [self._random.choice(("", " desc", " nulls first", " desc nulls last")) for _ in query.keys]
        order = ", ".join(f"{places[name]}{word}" for name, word in zip(query.keys, words, strict=True))
        cut = ""
        if self._random.random() < 0.4:
            cut = self._random.choice(
                (" limit 3", " limit 4 offset 2", " fetch first 2 rows only", " offset 1", " limit 0")
            )
        return Statement(node(QUERY, query.tree, f" order by {order}", node(CLAUSE, cut)), shape, ordered=True)

    def _table(self, name: str) -> Source:
        alias = self._alias()
        return Source(node("from", f"{name} {alias}"), alias, tuple(columns_of(name).items()), ("id",))

    def _source(self, outer: Scope | None) -> Source:
        way = self._random.random()
        if way < 0.72 or self._deep > 2:
            return self._table(self._random.choice(_TAME))
        if way < 0.8:
            return self._values()
        self._deep += 1
        query = self._simple_query(outer)
        self._deep -= 1
        alias = self._alias()
        return Source(node("from", "(", query.tree, f") {alias}"), alias, query.columns, query.keys)

    def _simple_query(self, outer: Scope | None = None) -> Query:
        return self._random.choice((self._grouped, self._joined, self._joined, self._sets))(outer)

    def _values(self) -> Source:
        alias = self._alias()
        kinds = [self._random.choice(SORTED) for _ in range(2)]
        rows = []
        for number in range(self._random.randint(1, 3)):
            items: list[Part] = [f"({number}"]
            for kind in kinds:
                items += [", ", self._expressions.literal(kind)]
            rows.append(node(CLAUSE, *items, ")"))
        columns = (("id", "int4"), ("x", kinds[0]), ("z", kinds[1]))
        return Source(node("from", "(values ", listed(rows), f") {alias}(id, x, z)"), alias, columns, ("id",))

    def _from(self, count: int, outer: Scope | None) -> tuple[Node, Scope]:
        """Return joined sources, and what may be said of them."""
        sources = [self._source(None)]
        tree, seen = sources[0].tree, sources[0].named()
        for _ in range(count - 1):
            lateral = self._random.random() < 0.12
            source = self._lateral(Scope(seen, calm=True)) if lateral else self._source(None)
            sources.append(source)
            tree = self._join(tree, source, seen, lateral=lateral)
            seen += source.named()
        keys = tuple(name for source in sources for name in source.key_names())
        if not all(source.keys for source in sources):
            keys = ()
        return tree, Scope(seen, keys, outer=outer)

    def _lateral(self, outer: Scope) -> Source:
        query = self._joined(outer, 1)
        alias = self._alias()
        return Source(node("from", "lateral (", query.tree, f") {alias}"), alias, query.columns, query.keys)

    def _join(self, left: Node, right: Source, seen: tuple[tuple[str, str], ...], *, lateral: bool) -> Node:
        word = self._random.choice(_JOINS[:2] if lateral else _JOINS)
        shared = [
            kind for kind in SORTED if any(k == kind for _, k in seen) and any(k == kind for _, k in right.columns)
        ]
        if not lateral and self._random.random() < 0.12:
            return (
                node("from", left, self._random.choice((" cross join ", ", ")), right.tree)
                if word == " join "
                else (node("from", left, word, right.tree, " on ", self._equality(seen, right, shared)))
            )
        both = Scope((*seen, *right.named()), calm=True, parameters=False)
        on = self._equality(seen, right, shared)
        if word != " full join " and self._random.random() < 0.3:
            on = node("bool", on, " and ", self._expressions.condition(both, 1))
        if lateral:
            on = node("bool", "true")
        return node("from", left, word, right.tree, " on ", on)

    def _equality(self, seen: tuple[tuple[str, str], ...], right: Source, shared: list[str]) -> Node:
        if not shared:
            return node("bool", "true") if self._random.random() < 0.5 else node("bool", "false")
        kind = self._random.choice(["int4"] * 3 + shared if "int4" in shared else shared)
        one = self._random.choice([name for name, k in seen if k == kind])
        other = self._random.choice([name for name, k in right.named() if k == kind])
        return node("bool", f"{one} = {other}")

    def _where(self, scope: Scope, chance: float) -> list[Part]:
        if self._random.random() > chance:
            return []
        return [node(CLAUSE, " where ", self._expressions.condition(scope))]

    def _joined(self, outer: Scope | None, count: int | None = None) -> Query:
        tree, scope = self._from(count or self._random.choice((1, 2, 2, 3)), outer)
        return self._selected(tree, scope)

    def _selected(self, tree: Node, scope: Scope) -> Query:
        kinds = [self._random.choice(SORTED + NUMBERS) for _ in range(self._random.randint(1, 3))]
        types = dict(scope.columns)
        columns = [(f"k{number}", types[key]) for number, key in enumerate(scope.keys)]
        items = [node("item", f"{key} as k{number}") for number, key in enumerate(scope.keys)]
        inner = replace(scope, calm=self._random.random() < 0.6)
        for number, kind in enumerate(kinds):
            items.append(node("item", self._expressions.expression(kind, inner, 2), f" as c{number}"))
            columns.append((f"c{number}", kind))
        query = node(QUERY, "select ", listed(items), " from ", tree, *self._where(scope, 0.6))
        return Query(query, tuple(columns), tuple(name for name, _ in columns[: len(scope.keys)]))

    def _over(self, sources: list[Source]) -> Query:
        tree, seen = sources[0].tree, sources[0].named()
        for source in sources[1:]:
            tree = self._join(tree, source, seen, lateral=False)
            seen += source.named()
        keys = tuple(name for source in sources for name in source.key_names())
        scope = Scope(seen, keys if all(source.keys for source in sources) else ())
        return self._selected(tree, scope)

    def _grouped(self, outer: Scope | None) -> Query:
        tree, scope = self._from(self._random.choice((1, 1, 2)), outer)
        calm = replace(scope, calm=True, parameters=False, outer=None)
        kinds = [self._random.choice(SORTED) for _ in range(self._random.choice((0, 1, 1, 2)))]
        groups = []
        for kind in kinds:
            named = scope.of(kind)
            simple = named and self._random.random() < 0.7
            groups.append(
                node(kind, self._random.choice(named)) if simple else self._expressions.expression(kind, calm, 1)
            )
        written = [plain_text(one) for one in groups]
        keyed = [(one, text, kind) for one, text, kind in zip(groups, written, kinds, strict=True) if text]
        by, sets = self._group_by([text for _, text, _ in keyed])
        inner = Scope(tuple((text, kind) for _, text, kind in keyed), rows=scope)
        items = [node("item", f"{text} as k{place}") for place, (_, text, _) in enumerate(keyed)]
        columns = [(f"k{place}", kind) for place, (_, _, kind) in enumerate(keyed)]
        for number in range(self._random.randint(1, 3)):
            kind = self._random.choice(("int8", "int8", "numeric", "int4", "text", "bool", "date", "int4[]", "jsonb"))
            value = self._expressions.aggregate(kind, scope, 1) if self._random.random() < 0.7 else None
            value = value or self._expressions.expression(kind, replace(inner, calm=self._random.random() < 0.5), 1)
            items.append(node("item", value, f" as c{number}"))
            columns.append((f"c{number}", kind))
        having: list[Part] = []
        if self._random.random() < 0.2:
            having = [node(CLAUSE, " having ", self._expressions.expression("bool", replace(inner, calm=True), 1))]
        if sets:
            items.append(node("item", f"grouping({', '.join(text for _, text, _ in keyed)}) as g"))
            columns.append(("g", "int4"))
        query = node(QUERY, "select ", listed(items), " from ", tree, *self._where(scope, 0.4), by, *having)
        keys = () if sets or not keyed else tuple(f"k{place}" for place in range(len(keyed)))
        return Query(query, tuple(columns), keys)

    def _group_by(self, groups: list[str]) -> tuple[Node, bool]:
        if not groups:
            return node("group", ""), False
        all_of = ", ".join(groups)
        way = self._random.random()
        if way < 0.75:
            return node("group", f" group by {all_of}"), False
        if way < 0.85:
            return node("group", f" group by {self._random.choice(('rollup', 'cube'))} ({all_of})"), True
        return node("group", f" group by grouping sets (({all_of}), ({groups[0]}), ())"), True

    def _windowed(self) -> Query:
        tree, scope = self._from(self._random.choice((1, 1, 2)), None)
        types = dict(scope.columns)
        items = [node("item", f"{key} as k{number}") for number, key in enumerate(scope.keys)]
        columns = [(f"k{number}", types[key]) for number, key in enumerate(scope.keys)]
        for number in range(self._random.randint(1, 2)):
            kind, value = self._window(scope)
            items.append(node("item", value, f" as c{number}"))
            columns.append((f"c{number}", kind))
        query = node(QUERY, "select ", listed(items), " from ", tree, *self._where(scope, 0.4))
        return Query(query, tuple(columns), tuple(name for name, _ in columns[: len(scope.keys)]))

    def _window(self, scope: Scope) -> tuple[str, Node]:
        calm = replace(scope, calm=True, parameters=False)
        way = self._random.random()
        frame: list[Part] = []
        if way < 0.2 or not scope.keys:
            return "float8", node(
                "float8", self._random.choice(_RANKS), " over (", *self._windows_head(calm, total=False), ")"
            )
        if way < 0.3:
            return "int8", node(
                "int8", self._random.choice(_PLACES), " over (", *self._windows_head(calm, total=True), ")"
            )
        kind = self._random.choice(SORTED)
        value = self._expressions.expression(kind, calm, 1)
        if way < 0.45:
            name = self._random.choice(("lag", "lead"))
            more = self._random.choice(("", ", 1", ", 2"))
            return kind, node(kind, f"{name}(", value, f"{more}) over (", *self._windows_head(calm, total=True), ")")
        head = self._windows_head(calm, total=True)
        if self._random.random() < 0.7:
            frame = [node(CLAUSE, self._frame())]
        if way < 0.65:
            name = self._random.choice(("first_value(", "last_value(", "nth_value("))
            more = ", 2" if name.startswith("nth") else ""
            return kind, node(kind, name, value, f"{more}) over (", *head, *frame, ")")
        kind = self._random.choice(("int8", "numeric", "int8", "text", "int4", "date", "bool", "int4[]"))
        found = self._expressions.aggregate(kind, replace(calm, keys=()), 1)
        if found is None or any(
            "distinct " in part or "order by " in part for part in found.parts if isinstance(part, str)
        ):
            return "int8", node("int8", "count(*) over (", *head, *frame, ")")
        return kind, node(kind, found, " over (", *head, *frame, ")")

    def _windows_head(self, calm: Scope, *, total: bool) -> list[Part]:
        parts: list[Part] = []
        if self._random.random() < 0.6:
            kind = self._random.choice(SORTED)
            parts += [node(CLAUSE, "partition by ", self._expressions.expression(kind, calm, 1), " ")]
        first: list[Part] = []
        if self._random.random() < 0.6 or not total:
            kind = self._random.choice(SORTED)
            word = self._random.choice(("", " desc", " nulls first", " desc nulls last"))
            first = [self._expressions.expression(kind, calm, 1), word]
        keys = ", ".join(calm.keys) if total else ""
        between = [", "] if first and keys else []
        return [*parts, "order by ", *([node(CLAUSE, *first, *between)] if keys else first), keys]

    def _frame(self) -> str:
        unit = self._random.choice((" rows", " rows", " groups", " range"))
        bounds = _BOUNDS if unit != " range" else (_BOUNDS[0], _BOUNDS[2], _BOUNDS[5])
        start, end = sorted(self._random.choices(range(len(bounds)), k=2))
        start, end = min(start, len(bounds) - 2), max(end, 1)
        return f"{unit} between {bounds[start]} and {bounds[end]}{self._random.choice(_EXCLUDED)}"

    def _distinct(self) -> Query:
        tree, scope = self._from(self._random.choice((1, 2)), None)
        calm = replace(scope, calm=True, parameters=False)
        kinds = [self._random.choice(SORTED) for _ in range(self._random.randint(1, 2))]
        values = [self._expressions.expression(kind, calm, 1) for kind in kinds]
        columns = tuple((f"c{number}", kind) for number, kind in enumerate(kinds))
        items = [node("item", value, f" as c{number}") for number, value in enumerate(values)]
        where = self._where(scope, 0.5)
        first = scope.of(kinds[0])
        if scope.keys and first and self._random.random() < 0.4:
            column = self._random.choice(first)
            order = f" order by {column}, {', '.join(scope.keys)}"
            query = node(QUERY, f"select distinct on ({column}) ", listed(items), " from ", tree, *where, order)
            return Query(node(QUERY, "(", query, ")"), columns)
        query = node(QUERY, "select distinct ", Node("list", tuple(items), ", "), " from ", tree, *where)
        return Query(query, columns, tuple(name for name, _ in columns))

    def _sets(self, outer: Scope | None) -> Query:
        kinds = [self._random.choice(SORTED) for _ in range(self._random.randint(1, 2))]
        operator = self._random.choice(
            (" union ", " union all ", " intersect ", " except ", " intersect all ", " except all ")
        )
        arms = [self._arm(kinds, outer) for _ in range(2)]
        columns = tuple((f"c{number}", kind) for number, kind in enumerate(kinds))
        keys = tuple(name for name, _ in columns) if not operator.endswith("all ") else ()
        return Query(node(QUERY, arms[0], operator, arms[1]), columns, keys)

    def _arm(self, kinds: list[str], outer: Scope | None) -> Node:
        tree, scope = self._from(1, outer)
        calm = replace(scope, calm=True, parameters=False)
        items = [
            node("item", self._expressions.expression(kind, calm, 1), f" as c{number}")
            for number, kind in enumerate(kinds)
        ]
        return node(QUERY, "select ", listed(items), " from ", tree, *self._where(scope, 0.5))

    def _subquery(self, scope: Scope, sql_type: str) -> Node | None:
        """Return EXISTS or IN for ``bool``, else a scalar subquery; they may speak of the rows around them."""
        if self._deep > 1 or scope.rows is not None:
            return None
        self._deep += 1
        try:
            tree, inner = self._from(1, replace(scope, rows=None))
            inner = replace(inner, calm=True)
            where = self._linked(inner, scope)
            if sql_type == "bool" and self._random.random() < 0.5:
                return node(
                    "bool", self._random.choice(("exists (", "not exists (")), "select 1 from ", tree, *where, ")"
                )
            if sql_type == "bool":
                kind = self._random.choice(SORTED)
                value, column = (
                    self._expressions.expression(kind, one, 1) for one in (replace(scope, calm=True), inner)
                )
                word = self._random.choice((" in (", " not in (", " = any (", " > all ("))
                return node("bool", "(", value, word, "select ", column, " from ", tree, *where, "))")
            if sql_type in {"bytea", "uuid", "bool"}:
                return None
            name = self._random.choice(("min(", "max("))
            value = self._expressions.expression(sql_type, replace(inner, outer=None), 1)
            return node(sql_type, f"(select {name}", value, ") from ", tree, *where, ")")
        finally:
            self._deep -= 1

    def _linked(self, inner: Scope, outer: Scope) -> list[Part]:
        shared = [kind for kind in SORTED if inner.of(kind) and outer.of(kind)]
        if not shared or self._random.random() < 0.35:
            return self._where(replace(inner, outer=None), 0.5)
        kind = self._random.choice(shared)
        one, other = self._random.choice(inner.of(kind)), self._random.choice(outer.of(kind))
        operator = self._random.choice(("=", "=", "=", "<", "<>", ">="))
        return [node(CLAUSE, f" where {one} {operator} {other}")]
