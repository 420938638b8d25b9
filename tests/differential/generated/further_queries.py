"""Statements of further forms: orders of any type, whole rows, statistics of floats, aggregates in an order, limits
that are parameters, searches and cycles of recursion.

As in `queries`, each is valid for PostgreSQL and has one answer.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.differential.generated.expressions import NUMBERS, SORTED
from tests.differential.generated.queries import Statement
from tests.differential.generated.rarer_queries import AllStatements
from tests.differential.generated.scopes import Scope
from tests.differential.generated.trees import CLAUSE, QUERY, Node, Parameter, Part, listed, node

_ANY_ORDER = (
    *SORTED, *NUMBERS, "numeric", "float8", "float4", "interval", "jsonb", "varchar", "bpchar", "int4[]", "text[]",
    "int4range", "daterange",
)  # fmt: skip
_WORDS = ("", " desc", " nulls first", " desc nulls last", " using <", " using >")
_TABLES = ("lk.tame", "lk.wild", "db.tame", "db.wild", "lk.seen")
_OF_FLOATS = ("sum", "avg", "min", "max", "stddev", "stddev_pop", "variance", "var_pop")  # exact over `tame`
_OF_TWO_FLOATS = ("corr", "covar_pop", "covar_samp", "regr_slope", "regr_count", "regr_avgx", "regr_r2", "regr_sxy")
_UNITED = ("years", "months", "weeks", "days", "hours", "mins")
_FEW = ("id", "i4", "t", "d", "n")


class FurtherStatements(AllStatements):
    """Makes statements of these forms, too."""

    WEIGHTS: Mapping[str, int] = {
        **AllStatements.WEIGHTS,
        "sorted": 3,
        "whole": 2,
        "floats": 1,
        "gathered": 2,
        "limited": 1,
        "searched": 1,
        "counted": 1,
        "shifted": 1,
        "correlated": 2,
    }

    def _sorted_statement(self) -> Statement:
        """Rows in the order of values of any type, which may be cut there."""
        source = self._table(self._random.choice(_TABLES))
        scope = Scope(source.named(), source.key_names(), calm=self._random.random() < 0.8, parameters=False)
        keys: list[Part] = []
        for _ in range(self._random.choice((1, 1, 2))):
            kind = self._random.choice(_ANY_ORDER)
            words = _WORDS if kind in SORTED or kind in NUMBERS else _WORDS[:4]
            keys += [
                self._expressions.expression(kind, scope, self._random.choice((0, 1, 1))),
                self._random.choice(words),
                ", ",
            ]
        item = node("item", self._expressions.expression(self._random.choice(SORTED), scope, 1))
        cut = self._random.choice(("", "", " limit 4", " limit 5 offset 2", " offset 3"))
        items = listed([node("item", f"{source.alias}.id"), item])
        where = self._where(scope, 0.3)
        order = node(CLAUSE, " order by ", *keys, f"{source.alias}.id{self._random.choice(('', ' desc'))}")
        tree = node(QUERY, "select ", items, " from ", source.tree, *where, order, node(CLAUSE, cut))
        return Statement(tree, "sorted", ordered=True)

    def _whole_statement(self) -> Statement:
        """Rows of a table or a query as values: as json, as text, compared, counted."""
        names = self._random.sample(_FEW, self._random.randint(1, 3))
        table = self._random.choice(("lk.tame", "db.tame", "lk.wild", "lk.none"))
        alias = self._alias()
        inner = f"(select {', '.join(names)} from {table}) {alias}"
        ways = (
            f"row_to_json({alias})", f"to_jsonb({alias})", f"{alias}::text", f"{alias} is null", f"{alias} is not null",
            f"{alias} = {alias}",
            f"({alias}).{names[0]}", f"jsonb_build_object('r', {alias})", f"concat({alias}, '|')", f"{alias}.*::text",
        )  # fmt: skip
        totals = (
            f"count({alias})", f"jsonb_agg({alias} order by {alias})", f"count(distinct {alias})",
            f"json_agg({alias} order by {alias})",
        )  # fmt: skip
        if self._random.random() < 0.3:
            items = listed([node("item", self._random.choice(totals)) for _ in range(2)])
            return Statement(node(QUERY, "select ", items, f" from {inner}"), "whole")
        if self._random.random() < 0.3:
            other = self._alias()
            on = f"{alias}.{names[0]} = {other}.{names[0]}"
            joined = f"{inner} left join (select {', '.join(names)} from lk.tame where id < 4) {other} on {on}"
            items = listed(
                [
                    node("item", one)
                    for one in (f"{other} is null", f"to_jsonb({other})", f"{alias} = {other}", f"{other}::text")
                ]
            )
            return Statement(node(QUERY, "select ", items, f" from {joined}"), "whole")
        items = listed([node("item", self._random.choice(ways)) for _ in range(2)])
        order = self._random.choice(("", f" order by {alias}", f" order by {alias} desc"))
        return Statement(node(QUERY, "select ", items, f" from {inner}", node(CLAUSE, order)), "whole")

    def _floats_statement(self) -> Statement:
        """Statistics of floats that are sums of powers of two, which are the same in each order."""
        source = self._table(self._random.choice(("lk.tame", "db.tame", "lk.none")))
        scope = Scope(source.named(), source.key_names(), calm=True, parameters=False)
        first, second = (f"{source.alias}.{self._random.choice(('f8', 'f4'))}" for _ in range(2))
        items = [
            node("item", f"{self._random.choice(_OF_FLOATS)}({first})"),
            node("item", f"{self._random.choice(_OF_TWO_FLOATS)}({first}, {second})"),
            node(
                "item",
                f"{self._random.choice(_OF_FLOATS[:3])}({first})",
                " filter (where ",
                self._expressions.condition(scope, 1),
                ")",
            ),
        ]
        by: list[Part] = []
        if self._random.random() < 0.5:
            key = self._random.choice(scope.of("bool") + scope.of("text"))
            items.insert(0, node("item", key))
            by = [f" group by {key}"]
        tree = node(QUERY, "select ", listed(items), " from ", source.tree, *self._where(scope, 0.3), *by)
        return Statement(tree, "floats")

    def _gathered_statement(self) -> Statement:
        """Aggregates with an order of their own, and of distinct values."""
        source = self._table(self._random.choice(("lk.tame", "db.tame", "lk.seen", "lk.none")))
        scope = Scope(source.named(), source.key_names(), calm=True, parameters=False)
        items = []
        for _ in range(self._random.randint(1, 2)):
            kind = self._random.choice(SORTED)
            value = self._expressions.expression(kind, scope, 1)
            word = self._random.choice(_WORDS[:4])
            way = self._random.randint(0, 3)
            if way == 0:
                item = node("item", "array_agg(distinct ", value, " order by ", value, word, ")")
            elif way == 1:
                text = self._expressions.expression("text", scope, 1)
                item = node("item", "string_agg(", text, ", '-' order by ", value, word, f", {source.alias}.id)")
                if self._random.random() < 0.3:
                    item = node("item", "string_agg(distinct ", text, ", ',' order by ", text, word, ")")
            elif way == 2:
                other = self._expressions.expression(self._random.choice(SORTED), scope, 1)
                item = node("item", "array_agg(", other, " order by ", value, word, f", {source.alias}.id desc)")
            else:
                item = node(
                    "item",
                    "jsonb_agg(",
                    value,
                    f" order by {source.alias}.id desc)",
                    " filter (where ",
                    self._expressions.condition(scope, 1),
                    ")",
                )
            items.append(item)
        by: list[Part] = []
        if self._random.random() < 0.6:
            key = self._random.choice(scope.of(self._random.choice(("int4", "text", "date"))))
            items.insert(0, node("item", key))
            by = [f" group by {key}"]
        tree = node(
            QUERY, "select ", Node("", tuple(items), ", "), " from ", source.tree, *self._where(scope, 0.3), *by
        )
        return Statement(tree, "gathered")

    def _limited_statement(self) -> Statement:
        """Limits that are parameters, expressions and queries; rows that are asked for by a parameter."""
        source = self._table(self._random.choice(("lk.tame", "db.tame", "lk.seen", "lk.wild")))
        scope = Scope(source.named(), source.key_names(), calm=True)
        limit: tuple[Part, ...] = self._random.choice((
            (" limit ", Parameter("3", ("0", None))), (" limit 2 + 1",), (" limit (select 2)",),
            (" limit ", Parameter("2", ("5", "1")), " offset ", Parameter("1", ("0", "7"))),
            (" limit null offset 2",), (" offset ", Parameter("4", (None, "0"))),
        ))  # fmt: skip
        kind = self._random.choice(("int4", "text", "date", "bool"))
        column = self._random.choice(scope.of(kind) or [f"{source.alias}.id"])
        items = listed(
            [
                node("item", f"{source.alias}.id"),
                node("item", self._expressions.expression(self._random.choice(SORTED), scope, 1)),
            ]
        )
        order = f" order by {column}{self._random.choice(_WORDS[:4])}, {source.alias}.id"
        tree = node(
            QUERY, "select ", items, " from ", source.tree, *self._where(scope, 0.3), order, node(CLAUSE, *limit)
        )
        return Statement(tree, "limited", ordered=True)

    def _searched_statement(self) -> Statement:
        """Recursion over rows that name others, by breadth or depth, or until it comes back."""
        table = self._random.choice(("lk.tame", "db.tame"))
        column = self._random.choice(("i4", "i2"))
        depth = self._random.randint(2, 4)
        clause, seen = self._random.choice((
            ("search breadth first by x set o", "o"), ("search depth first by x set o", "o"),
            ("cycle x set c using p", "c, p"), ("cycle x set c to 'y' default 'n' using p", "c, p"),
        ))  # fmt: skip
        start = self._random.choice(("id < 4", "true", "id = 1"))
        step = f"select r.n + 1, t.id from r join {table} t on t.{column} = r.x where r.n < {depth}"
        query = f"select 1, id from {table} where {start} union all {step}"
        outer = self._random.choice((f"n, x, {seen}", "n, x", "count(*), max(n)"))
        order = " order by o, n, x" if seen == "o" and "count" not in outer else ""
        items = listed([node("item", one) for one in outer.split(", ")])
        tree = node(
            QUERY, f"with recursive r(n, x) as ({query}) {clause} select ", items, " from r", node(CLAUSE, order)
        )
        return Statement(tree, "searched")

    def _counted_statement(self) -> Statement:
        """How many rows are alike, of types of which equal values may be written otherwise; joins by them."""
        kind = self._random.choice(
            ("numeric", "float8", "float4", "interval", "jsonb", "bpchar", "varchar", "int4[]", "text[]", "uuid")
        )
        table = self._table(self._random.choice(("db.wild", "db.tame", "lk.wild", "lk.tame", "lk.seen")))
        scope = Scope(table.named(), table.key_names(), calm=True, parameters=False)
        value = self._expressions.expression(kind, scope, self._random.choice((0, 1)))
        if self._random.random() < 0.5:
            tree = node(
                QUERY,
                "select count(*), min(",
                f"{table.alias}.id) from ",
                table.tree,
                *self._where(scope, 0.3),
                node("group", " group by ", value),
            )
            return Statement(tree, "counted")
        other = self._table(self._random.choice(("db.tame", "lk.tame", "db.wild")))
        right = Scope(other.named(), other.key_names(), calm=True, parameters=False)
        word = self._random.choice((" join ", " left join ", " full join "))
        equal = node("bool", value, " = ", self._expressions.expression(kind, right, 0))
        tree = node(
            QUERY,
            f"select {table.alias}.id, {other.alias}.id from ",
            node("from", table.tree, word, other.tree, " on ", equal),
        )
        return Statement(tree, "counted")

    def _shifted_statement(self) -> Statement:
        """Windows with defaults, filters and parts; intervals of named parts."""
        source = self._table(self._random.choice(("lk.tame", "db.tame")))
        scope = Scope(source.named(), source.key_names(), calm=True, parameters=False)
        kind = self._random.choice(SORTED)
        value, other = (self._expressions.expression(kind, scope, 1) for _ in range(2))
        by = self._random.choice(("", f"partition by {self._random.choice(scope.of('bool'))} "))
        over = f" over ({by}order by {source.alias}.id{self._random.choice(('', ' desc'))})"
        unit = self._random.choice(_UNITED)
        moment = self._random.choice(scope.of(self._random.choice(("timestamp", "timestamptz", "date"))))
        sign = self._random.choice(("+", "-"))
        items = listed([
            node("item", f"{source.alias}.id"),
            node("item", f"{self._random.choice(('lag', 'lead'))}(", value, ", 2, ", other, f"){over}"),
            node("item", f"{self._random.choice(('count', 'sum', 'max'))}({self._random.choice(scope.of('int4'))})",
                 " filter (where ", self._expressions.condition(scope, 1), f"){over}"),
            node("item", f"{moment} {sign} make_interval({unit} => {self._random.choice(scope.of('int4'))})"),
        ])  # fmt: skip
        return Statement(node(QUERY, "select ", items, " from ", source.tree, *self._where(scope, 0.3)), "shifted")

    def _correlated_statement(self) -> Statement:
        """Groups and first rows of a table beside each row of another; subqueries in HAVING, in orders and in joins."""
        outer = self._table(self._random.choice(("lk.tame", "db.tame", "lk.seen")))
        scope = Scope(outer.named(), outer.key_names(), calm=True, parameters=False)
        inner = self._table(self._random.choice(("lk.tame", "db.tame", "lk.none")))
        within = Scope(inner.named(), inner.key_names(), calm=True, parameters=False)
        link = self._linked(within, scope)
        way = self._random.randint(0, 3)
        if way == 0:
            word, on = self._random.choice(((" cross join lateral ", ""), (" left join lateral ", " on true")))
            kind = self._random.choice(SORTED)
            value = self._expressions.expression(kind, within, 1)
            first = f" order by {inner.alias}.id{self._random.choice(('', ' desc limit 1', ' limit 2'))}"
            total = f"count(*) as v, max({inner.alias}.id) as w"
            lateral: tuple[Part, ...] = (total, " from ", inner.tree, *link)
            if self._random.random() < 0.6:
                lateral = (value, f" as v, {inner.alias}.id as w from ", inner.tree, *link, first)
            tree = node(
                QUERY,
                f"select {outer.alias}.id, l.v, l.w from ",
                outer.tree,
                f"{word}(select ",
                *lateral,
                f") l{on}",
                *self._where(scope, 0.3),
            )
            return Statement(tree, "correlated")
        count: tuple[Part, ...] = (
            f"(select {self._random.choice(('count(*)', f'max({inner.alias}.id)', f'sum({inner.alias}.i4)'))} from ",
            inner.tree,
            *link,
            ")",
        )
        if way == 1:
            tree = node(
                QUERY,
                f"select {outer.alias}.id from ",
                outer.tree,
                *self._where(scope, 0.3),
                " order by ",
                *count,
                f"{self._random.choice(_WORDS[:4])}, {outer.alias}.id",
                node(CLAUSE, self._random.choice(("", " limit 3"))),
            )
            return Statement(tree, "correlated", ordered=True)
        if way == 2:
            key = self._random.choice(scope.of(self._random.choice(("int4", "text"))))
            alone: tuple[Part, ...] = ("(select count(*) from ", inner.tree, f" where {inner.alias}.id > 2)")
            tree = node(
                QUERY,
                f"select {key}, count(*) from ",
                outer.tree,
                f" group by {key} having count(*) {self._random.choice(('<', '<>', '>='))} ",
                *alone,
            )
            return Statement(tree, "correlated")
        other = self._table(self._random.choice(("lk.tame", "db.tame")))
        tree = node(
            QUERY,
            f"select {outer.alias}.id, {other.alias}.id from ",
            outer.tree,
            self._random.choice((" join ", " left join ")),
            other.tree,
            f" on {other.alias}.id = ",
            *count,
        )
        return Statement(tree, "correlated")
