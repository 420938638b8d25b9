"""Statements of the rarer forms of SELECT: recursion, merged keys, ordered sets, offsets of frames, rows of functions.

As in `queries`, each is valid for PostgreSQL and has one answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tests.differential.generated.expressions import NUMBERS, OUTPUT, SORTED
from tests.differential.generated.queries import Source, Statement, Statements
from tests.differential.generated.scopes import Scope
from tests.differential.generated.trees import CLAUSE, QUERY, Node, Part, listed, node

_TAME = ("lk.tame", "lk.tame", "db.tame", "lk.seen")
_NAMED = ("lk.tame", "db.tame", "lk.none", "lk.seen", "lk.wild")
_STEPS = {
    "int4": ("1", "{} + n", "{} * 2"),
    "int8": ("7::int8", "{} * 3", "{} - n"),
    "text": ("'a'::text", "{} || 'b'", "reverse({}) || n"),
    "date": ("'2024-01-30'::date", "{} + n", "({} + interval '1 mon')::date"),
    "numeric": ("1.5", "{} * 1.5", "{} + n"),
    "bool": ("true", "not {}", "{} and n < 2"),
    "int4[]": ("array[0]", "{} || n", "n || {}"),
}
_ORDERED_SETS = (
    ("percentile_cont(0.5)", ("int4", "int8", "int2", "float8", "float4")),
    ("percentile_cont(array[0, 0.25, 1])", ("int4", "float8")),
    ("percentile_disc(0.4)", SORTED[1:7]),
    ("percentile_disc(array[0.1, 0.9])", ("int4", "text", "date")),
    ("mode()", SORTED),
    ("rank(2)", ("int4", "int8")),
    ("dense_rank('b')", ("text",)),
    ("percent_rank('2024-01-31')", ("date",)),
    ("cume_dist(1.5)", ("numeric",)),
)
_SERIES = (
    ("generate_series(1, 4) g(x)", "int4"),
    ("generate_series(5, 1, -2) g(x)", "int4"),
    ("generate_series(1::int8, 3) with ordinality g(x, o)", "int8"),
    ("generate_series(0.5, 2, 0.5) g(x)", "numeric"),
    ("generate_series('2024-01-30'::date, '2024-02-02', '1 day') g(x)", "timestamptz"),
    ("generate_series('2024-01-31'::timestamp, '2024-06-30', '1 mon') g(x)", "timestamp"),
    ("unnest(array['b', null, 'a']) with ordinality g(x, o)", "text"),
    ("unnest(array[2, 1], array['p', 'q', 'r']) g(x, y)", "int4"),
    ("rows from (generate_series(1, 3), unnest(array['k', 'l'])) g(x, y)", "int4"),
    ("string_to_table('a,b,,c', ',', '') g(x)", "text"),
    ("regexp_split_to_table('a1b22c', '[0-9]+') g(x)", "text"),
    ('jsonb_array_elements(\'[1, "a", null, {"b": 2}]\') g(x)', "jsonb"),
    ("jsonb_array_elements_text('[1, \"a\", null]') with ordinality g(x, o)", "text"),
    ('jsonb_object_keys(\'{"b": 1, "a": 2}\') g(x)', "text"),
    ('jsonb_each_text(\'{"b": 1, "a": null}\') g(x, y)', "text"),
    ('jsonb_to_recordset(\'[{"x": 1, "y": "p"}, {"x": null}]\') g(x int, y text)', "int4"),
)
_LATERAL_SERIES = {
    "int4": "generate_series(1, {} % 4)",
    "int4[]": "unnest({})",
    "text[]": "unnest({})",
    "text": "string_to_table({}, ',')",
    "date": "generate_series({}, {} + 1, '12 hours')",
}
_ROWS_OF = {"int4": "int4", "int4[]": "int4", "text[]": "text", "text": "text", "date": "timestamptz"}
_RANGES = {
    "int4": ("1", "2", "0"),
    "int8": ("2", "10"),
    "numeric": ("0.5", "1.25"),
    "float8": ("0.5", "2"),
    "date": ("interval '1 day'", "interval '1 year'"),
    "timestamp": ("interval '1 hour'", "interval '1 mon'"),
    "timestamptz": ("interval '36 hours'", "interval '10 years'"),
}
_FAMILIES = (
    ("int2", "int4", "int8", "numeric"),
    ("text", "varchar"),
    ("date", "timestamp", "timestamptz"),
    ("int4", "float8", "numeric"),
    ("bool",),
)


class AllStatements(Statements):
    """Makes statements of the rarer forms, too."""

    WEIGHTS: Mapping[str, int] = {
        **Statements.WEIGHTS,
        "recursive": 1,
        "merged": 2,
        "ordered_sets": 1,
        "framed": 2,
        "functions": 2,
        "within": 3,
        "arms": 2,
        "starred": 1,
        "grouped_sets": 1,
    }

    def _recursive_statement(self) -> Statement:
        """Numbers with a value that each makes of the one before, or rows that name others of their table."""
        union = self._random.choice(("union all", "union all", "union"))
        limit = self._random.randint(1, 6)
        if self._random.random() < 0.5:
            kind = self._random.choice([*_STEPS])
            first, *steps = _STEPS[kind]
            step = self._random.choice(steps).format("r.x")
            query = node(QUERY, f"select 1 as n, {first} as x {union} select n + 1, {step} from r where n < {limit}")
            columns = (("n", "int4"), ("x", kind))
        else:
            table = self._random.choice(("lk.tame", "db.tame", "lk.seen"))
            step = f"select r.n + 1, t.id from r join {table} t on t.i4 = r.x where r.n < {min(limit, 4)}"
            query = node(QUERY, f"select 1 as n, id as x from {table} {union} {step}")
            columns = (("n", "int4"), ("x", "int4"))
        alias = self._alias()
        source = Source(node("from", f"r {alias}"), alias, columns, ())
        scope = Scope(source.named(), calm=True, parameters=False)
        items = [node("item", self._expressions.expression(kind, scope, 1)) for kind in ("int4", columns[1][1])]
        head = f"select {alias}.n, {alias}.x, "
        outer = node(QUERY, head, listed(items), " from ", source.tree, *self._where(scope, 0.4))
        return Statement(node(QUERY, "with recursive r(n, x) as (", query, ") ", outer), "recursive")

    def _merged_statement(self) -> Statement:
        """Joins by columns of one name, of which a FULL join has the one that is there."""
        tables = self._random.sample(
            ("lk.tame", "db.tame", "lk.none", "lk.seen", "lk.wild"), self._random.choice((2, 2, 3))
        )
        names = ("id", "i4", "t", "d")
        keys = self._random.sample(names, self._random.choice((1, 1, 2)))
        natural = self._random.random() < 0.25
        sources = [self._columns_of(table, keys if natural else names) for table in tables]
        parts: list[Part] = [sources[0].tree]
        for source in sources[1:]:
            word = self._random.choice(("join", "left join", "right join", "full join", "full join"))
            parts += [f" natural {word} " if natural else f" {word} ", source.tree]
            parts += [] if natural else [f" using ({', '.join(keys)})"]
        kinds = {"id": "int4", "i4": "int4", "t": "text", "d": "date"}
        seen = tuple((key, kinds[key]) for key in keys)
        named = tuple(one for source in sources for one in source.named())
        scope = Scope((*seen, *seen, *named), calm=True)
        items = [node("item", key) for key in keys]
        for _ in range(self._random.randint(1, 2)):
            items.append(node("item", self._expressions.expression(self._random.choice(SORTED + NUMBERS), scope, 2)))
        tree = node(QUERY, "select ", listed(items), " from ", node("from", *parts), *self._where(scope, 0.4))
        return Statement(tree, "merged")

    def _columns_of(self, table: str, names: tuple[str, ...] | list[str]) -> Source:
        alias = self._alias()
        rest = self._random.choice(("b", "n", "ts")) if table != "lk.seen" else "n"
        kinds = {"id": "int4", "i4": "int4", "t": "text", "d": "date", "b": "bool", "n": "numeric", "ts": "timestamp"}
        columns = (*((name, kinds[name]) for name in names), (f"{rest}_{alias}", kinds[rest]))
        tree = node("from", f"(select {', '.join(names)}, {rest} as {rest}_{alias} from {table}) {alias}")
        return Source(tree, alias, columns, ())

    def _ordered_sets_statement(self) -> Statement:
        source = self._table(self._random.choice(("lk.tame", "db.tame", "lk.none")))
        scope = Scope(source.named(), source.key_names(), calm=True, parameters=False)
        items = []
        for _ in range(self._random.randint(1, 2)):
            name, kinds = self._random.choice(_ORDERED_SETS)
            kind = self._random.choice(kinds)
            value = self._expressions.expression(kind, scope, 1)
            word = self._random.choice(("", " desc")) if not name.startswith("mode") else ""
            kept = [node(CLAUSE, " filter (where ", self._expressions.condition(scope, 1), ")")]
            end = kept if self._random.random() < 0.3 else []
            items.append(node("item", f"{name} within group (order by ", value, f"{word})", *end))
        by: list[Part] = []
        if self._random.random() < 0.6:
            key = self._random.choice(scope.of(self._random.choice(("bool", "text", "date"))))
            items.insert(0, node("item", key))
            by = [f" group by {key}"]
        tree = node(
            QUERY, "select ", Node("", tuple(items), ", "), " from ", source.tree, *self._where(scope, 0.3), *by
        )
        return Statement(tree, "ordered_sets")

    def _framed_statement(self) -> Statement:
        """Windows that have names, and frames of values."""
        source = self._table(self._random.choice(("lk.tame", "db.tame")))
        scope = Scope(source.named(), source.key_names(), calm=True, parameters=False)
        kind = self._random.choice([*_RANGES])
        column = self._random.choice(scope.of(kind))
        one, other = (self._random.choice(_RANGES[kind]) for _ in range(2))
        start = self._random.choice((f"{one} preceding", "unbounded preceding", "current row"))
        end = self._random.choice((f"{other} following", "unbounded following", "current row"))
        frame = f"range between {start} and {end}{self._random.choice(('', '', ' exclude current row'))}"
        word = self._random.choice(("", " desc", " nulls first", " desc nulls last"))
        by = self._random.choice(("", f"partition by {self._random.choice(scope.of('bool'))} "))
        calls = self._random.sample(
            ("count(*)", f"sum({source.alias}.i4)", f"min({source.alias}.t)", f"max({source.alias}.d)",
             f"count({source.alias}.n)", f"avg({source.alias}.i2)", f"bool_and({source.alias}.b)"), 2,
        )  # fmt: skip
        named = f" window w as ({by}order by {column}{word}), v as (w {frame})"
        items = [node("item", f"{source.alias}.id"), *(node("item", f"{call} over v") for call in calls)]
        items.append(
            node("item", f"{self._random.choice(('rank()', 'dense_rank()', 'cume_dist()', 'count(*)'))} over w")
        )
        tree = node(QUERY, "select ", listed(items), " from ", source.tree, *self._where(scope, 0.3), named)
        return Statement(node(QUERY, tree, " order by 1"), "framed", ordered=False)

    def _functions_statement(self) -> Statement:
        """Rows that functions give: alone, beside a table, and of its columns; in the list of SELECT, too."""
        if self._random.random() < 0.4:
            return self._listed_function()
        table = self._table(self._random.choice(_TAME))
        if self._random.random() < 0.5:
            text, kind = self._random.choice(_SERIES)
            source, name = node("from", table.tree, self._random.choice((" cross join ", ", ")), text), "g.x"
        else:
            of = self._random.choice([one for one in _LATERAL_SERIES if any(k == one for _, k in table.columns)])
            column = self._random.choice([one for one, k in table.named() if k == of])
            kind, name = _ROWS_OF[of], "g.x"
            word = self._random.choice((" cross join lateral ", " left join lateral ", ", "))
            on = " on true" if word.startswith(" left") else ""
            source = node("from", table.tree, word, _LATERAL_SERIES[of].replace("{}", column), f" as g(x){on}")
        scope = Scope((*table.named(), (name, kind), (name, kind)), calm=self._random.random() < 0.7)
        kinds = [self._random.choice(SORTED + NUMBERS) for _ in range(2)]
        items = [node("item", f"{table.alias}.id"), node("item", name)]
        items += [node("item", self._expressions.expression(one, scope, 2)) for one in kinds]
        return Statement(node(QUERY, "select ", listed(items), " from ", source, *self._where(scope, 0.5)), "functions")

    def _listed_function(self) -> Statement:
        table = self._table(self._random.choice(_TAME[:3]))
        scope = Scope(table.named(), calm=True)
        of = self._random.choice(("int4", "int4[]", "text[]", "text"))
        column = self._random.choice(scope.of(of))
        item = node("item", _LATERAL_SERIES[of].format(column))
        beside = node("item", self._expressions.expression(self._random.choice(SORTED), scope, 1))
        items = listed([node("item", f"{table.alias}.id"), item, beside])
        return Statement(node(QUERY, "select ", items, " from ", table.tree, *self._where(scope, 0.4)), "functions")

    def _within_statement(self) -> Statement:
        """Subqueries of each kind: of rows, arrays and numbers, in each place."""
        table = self._table(self._random.choice(_TAME))
        scope = Scope(table.named(), table.key_names(), calm=True)
        ways: tuple[Callable[[Scope], Node], ...] = (
            self._rows_among, self._rows_equal, self._array_of, self._counted, self._nested_exists, self._last_of,
        )  # fmt: skip
        made = self._random.choice(ways)(scope)
        items = [node("item", f"{table.alias}.id")]
        where: list[Part] = []
        if made.kind == "bool" and self._random.random() < 0.6:
            where = [node(CLAUSE, " where ", self._beside(made, scope))]
            items.append(node("item", self._expressions.expression(self._random.choice(OUTPUT), scope, 1)))
        else:
            items.append(node("item", made))
            where = self._where(scope, 0.3)
        tree = node(QUERY, "select ", listed(items), " from ", table.tree, *where, f" order by {table.alias}.id")
        return Statement(tree, "within", ordered=True)

    def _beside(self, made: Node, scope: Scope) -> Node:
        way = self._random.random()
        if way < 0.4:
            return made
        if way < 0.6:
            return node("bool", "not ", made)
        other = self._expressions.condition(scope, 1)
        return node("bool", "(", made, self._random.choice((" and ", " or ")), other, ")")

    def _inner(self, scope: Scope, share: float = 0.5) -> tuple[Source, Scope, list[Part]]:
        """Return a table, what is to be said of it, and a condition that may speak of the rows around it."""
        table = self._table(self._random.choice(_TAME))
        inner = Scope(table.named(), table.key_names(), calm=True, parameters=False)
        where = self._linked(inner, scope) if self._random.random() < share else self._where(inner, 0.5)
        return table, inner, where

    def _rows_among(self, scope: Scope) -> Node:
        kinds = [self._random.choice(("int4", "text", "date", "bool", "numeric")) for _ in range(2)]
        left = listed([self._expressions.expression(kind, scope, 1) for kind in kinds])
        table, inner, where = self._inner(scope)
        right = listed([self._expressions.expression(kind, inner, 1) for kind in kinds])
        word = self._random.choice(("in", "not in", "= any", "<> all"))
        return node("bool", "((", Node("", left.parts, ", "), f") {word} (select ", Node("", right.parts, ", "),
                    " from ", table.tree, *where, "))")  # fmt: skip

    def _rows_equal(self, scope: Scope) -> Node:
        table, inner, where = self._inner(scope)
        kinds = [self._random.choice(("int4", "text", "date")) for _ in range(2)]
        (a, b), (x, y) = ([self._expressions.expression(kind, one, 1) for kind in kinds] for one in (scope, inner))
        word = self._random.choice(("=", "<>", "<", ">="))
        order = f" order by {table.alias}.id{self._random.choice(('', ' desc'))} limit 1"
        return node(
            "bool", "((", a, ", ", b, f") {word} (select ", x, ", ", y, " from ", table.tree, *where, order, "))"
        )

    def _array_of(self, scope: Scope) -> Node:
        table, inner, where = self._inner(scope)
        kind = self._random.choice(("int4", "text", "date"))
        value = self._expressions.expression(kind, inner, 1)
        made = ("array(select ", value, " from ", table.tree, *where, f" order by {table.alias}.id)")
        if self._random.random() < 0.5:
            return node(f"{kind}[]", *made)
        word = self._random.choice(("= any (", "<> all (", "< all ("))
        return node("bool", "(", self._expressions.expression(kind, scope, 1), f" {word}", *made, "))")

    def _counted(self, scope: Scope) -> Node:
        table, inner, where = self._inner(scope, 0.8)
        numbers = inner.of("int4")
        calls = (
            "count(*)",
            f"sum({self._random.choice(numbers)})",
            f"count(distinct {numbers[0]})",
            f"avg({numbers[0]})",
        )
        call = self._random.choice(calls)
        having = self._random.choice(("", "", " having count(*) > 1"))
        return node("int8", f"(select {call} from ", table.tree, *where, having, ")")

    def _nested_exists(self, scope: Scope) -> Node:
        table, inner, where = self._inner(scope, 0.8)
        second, _, deeper = self._inner(replace(inner, columns=(*inner.columns, *scope.columns)), 0.9)
        word = self._random.choice(("exists", "not exists"))
        joint = " and " if where else " where "
        return node("bool", f"{self._random.choice(('exists', 'not exists'))} (select from ", table.tree, *where,
                    f"{joint}{word} (select 1 from ", second.tree, *deeper, "))")  # fmt: skip

    def _last_of(self, scope: Scope) -> Node:
        table, inner, where = self._inner(scope, 0.8)
        kind = self._random.choice(SORTED[:-2])
        value = self._expressions.expression(kind, inner, 1)
        order = f" order by {table.alias}.id{self._random.choice(('', ' desc'))} limit 1"
        skipped = self._random.choice(("", "", " offset 1"))
        return node(kind, "(select ", value, " from ", table.tree, *where, f"{order}{skipped})")

    def _arms_statement(self) -> Statement:
        """Set operations of three, of types that meet, with an order and a limit of their own."""
        families = [self._random.choice(_FAMILIES) for _ in range(self._random.randint(1, 2))]
        arms = [self._mixed_arm(families, place) for place in range(3)]
        words = self._random.choices(("union", "union all", "intersect", "except", "intersect all", "except all"), k=2)
        tree = node(QUERY, arms[0], f" {words[0]} ", arms[1], f" {words[1]} ", arms[2])
        if self._random.random() < 0.4:
            tree = node(QUERY, arms[0], f" {words[0]} (", arms[1], f" {words[1]} ", arms[2], ")")
        order = ", ".join(f"{place}{self._random.choice(('', ' desc'))}" for place in range(1, len(families) + 1))
        return Statement(node(QUERY, tree, node(CLAUSE, f" order by {order}")), "arms")

    def _mixed_arm(self, families: Sequence[tuple[str, ...]], place: int) -> Node:
        table = self._table(self._random.choice(_TAME))
        scope = Scope(table.named(), table.key_names(), calm=True, parameters=False)
        items = [node("item", self._expressions.expression(self._random.choice(one), scope, 1)) for one in families]
        if place == 0 and self._random.random() < 0.2:
            items[0] = node("item", "null")
        end = ""
        if self._random.random() < 0.3:
            end = f" order by {table.alias}.id limit {self._random.choice(('2', '5', '0'))}"
        rows = Node("", tuple(items), ", ")
        return node(QUERY, "(select ", rows, " from ", table.tree, *self._where(scope, 0.4), f"{end})")

    def _starred_statement(self) -> Statement:
        """``*`` in its forms, TABLE, VALUES, and rows that tie with the last."""
        way = self._random.randint(0, 4)
        table = self._random.choice(("lk.tame", "db.tame", "lk.wild", "lk.none", "lk.seen", "db.wild"))
        if way == 0:
            return Statement(node(QUERY, f"table {table} order by id"), "starred", ordered=True)
        source = self._table(table)
        scope = Scope(source.named(), source.key_names(), calm=True)
        where = self._where(scope, 0.6)
        if way == 1:
            rows = [node(CLAUSE, "(", self._expressions.literal("int4"), ", ", self._expressions.literal("text"), ")")]
            rows += [node(CLAUSE, "(", self._expressions.literal("int8"), ", null)")]
            return Statement(node(QUERY, "values ", listed(rows), " order by 1, 2"), "starred", ordered=True)
        if way == 2:
            column = self._random.choice(
                scope.of(self._random.choice(("bool", "int4", "date"))) or [f"{source.alias}.id"]
            )
            end = f" order by {column} fetch first {self._random.randint(1, 4)} rows with ties"
            return Statement(
                node(QUERY, f"select {column}, {source.alias}.id from ", source.tree, *where, end), "starred"
            )
        beside = node("item", self._expressions.expression(self._random.choice(SORTED), scope, 1))
        head = "select *" if way == 3 else f"select {source.alias}.*"
        order = f" order by {source.alias}.id"
        return Statement(
            node(QUERY, f"{head}, ", beside, " from ", source.tree, *where, order), "starred", ordered=True
        )

    def _grouped_sets_statement(self) -> Statement:
        """Several sets of groups, places and names in GROUP BY, and HAVING without it."""
        source = self._table(self._random.choice(("lk.tame", "db.tame")))
        scope = Scope(source.named(), source.key_names(), calm=True, parameters=False)
        kinds = self._random.sample(("int4", "text", "date", "bool", "numeric"), 3)
        keys = [self._random.choice(scope.of(kind)) for kind in kinds]
        a, b, c = keys
        by = self._random.choice((
            f"{a}, rollup ({b}, {c})", f"rollup ({a}, {b}), cube ({c})", f"grouping sets (({a}, {b}), {c}, ())",
            f"distinct rollup ({a}, {b}), rollup ({a}, {c})", f"grouping sets (rollup ({a}, {b}), cube ({b}, {c}))",
            f"{a}, ({b}, {c})", "1, 2, 3", "k0, k1, 3",
        ))  # fmt: skip
        items = [node("item", f"{key} as k{place}") for place, key in enumerate(keys)]
        has_sets = "(" in by and "," in by and not by.startswith(f"{a}, ({b}")
        if has_sets:
            items.append(node("item", f"grouping({a}, {b}, {c})"))
        for kind in (self._random.choice(("int8", "numeric", "text", "bool")) for _ in range(2)):
            value = self._expressions.aggregate(kind, scope, 1)
            items.append(node("item", value if value is not None else "count(*)"))
        having = self._random.choice(("", "", " having count(*) > 1", f" having max({a}) is not null or {b} is null"))
        having = having if not (having and "max" in having and kinds[0] == "bool") else ""
        rows = Node("", tuple(items), ", ")
        return Statement(
            node(QUERY, "select ", rows, " from ", source.tree, *self._where(scope, 0.3), f" group by {by}{having}"),
            "grouped_sets",
        )
