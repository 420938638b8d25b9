"""Random queries over small tables, for tests that compare the ways to run them.

All are valid PostgreSQL and have one answer. Aliases come from three letters, so inner queries hide outer ones; there
are joins of every kind, parenthesised ones too, derived tables, LATERAL, WITH, set operations and subqueries in
every clause.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

TABLES = ("lk.one", "lk.one", 'lk."select"', "lk.none", "pg.one", "pg.one", 'pg."order"', "pg.none")
INTEGERS = ("id", "k", '"Mixed Case"', '"select"', '"with ""quote"""')
TEXTS = ("s",)
COLUMNS = (*INTEGERS, *TEXTS)
_ALIASES = ("a", "b", "c")
_JOINS = (
    *("JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN", "LEFT JOIN LATERAL", "JOIN LATERAL"),
)
_FILLED = ("lk.one", "lk.one", "lk.one", "lk.one", "pg.one", *TABLES)
_OPERATORS = ("=", "<>", "<", "<=", "<=", ">", ">=", ">=")


@dataclass(frozen=True, slots=True)
class _Source:
    """What a FROM clause offers under one alias."""

    alias: str
    integers: tuple[str, ...]
    texts: tuple[str, ...] = ()

    @property
    def integer_columns(self) -> list[str]:
        return [f"{self.alias}.{name}" for name in self.integers]

    @property
    def text_columns(self) -> list[str]:
        return [f"{self.alias}.{name}" for name in self.texts]


_Scope = tuple[_Source, ...]


class QueryMaker:
    """Makes queries from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._ctes: dict[str, int] = {}

    def query(self) -> str:
        """Return one query."""
        self._ctes = {}
        heads = []
        for name in ("w", "a")[: self._random.choice((0, 0, 1, 2))]:
            width = self._random.randint(1, 2)
            heads.append(f"{name} AS ({self._select(1, (), width)})")
            self._ctes[name] = width
        body = self._body(self._random.choice((0, 1, 1, 2)), (), self._random.randint(1, 3))
        return f"WITH {', '.join(heads)} {body}" if heads else body

    def _body(self, depth: int, outer: _Scope, width: int) -> str:
        if self._random.random() < 0.15:
            operator = self._random.choice(("UNION ALL", "UNION", "EXCEPT", "INTERSECT"))
            return f"({self._select(depth - 1, outer, width)}) {operator} ({self._select(depth - 1, outer, width)})"
        return self._select(depth, outer, width)

    def set_operations(self) -> str:
        """Return a query that joins a table of files to a set operation over tables of the server."""
        self._ctes = {}
        operator = self._random.choice(("UNION ALL", "UNION", "EXCEPT", "INTERSECT", "EXCEPT ALL", "INTERSECT ALL"))
        operands = [self._operand() for _ in range(self._random.choice((2, 2, 3)))]
        made = f" {operator} ".join(operands)
        if self._random.random() < 0.4:
            made = f"SELECT k, max(n) AS n, min(t) AS t FROM ({made}) g GROUP BY k"
        if self._random.random() < 0.3:
            items = "u.k AS c0, a.id AS c1"
            return f"WITH u AS ({made}) SELECT {items} FROM {self._random.choice(_FILLED)} a, u WHERE a.k = u.k"
        if self._random.random() < 0.3:
            return f"SELECT a.k AS c0 FROM {self._random.choice(_FILLED)} a WHERE a.k IN (SELECT k FROM ({made}) u)"
        return (
            f"SELECT a.k AS c0, u.n AS c1, u.t AS c2 FROM {self._random.choice(_FILLED)} a JOIN ({made}) u ON a.k = u.k"
        )

    def _operand(self) -> str:
        table = self._random.choice(("pg.one", "pg.one", 'pg."order"', "pg.none"))
        scope = (_Source("a", INTEGERS, TEXTS),)
        where = f" WHERE {self._conditions(1, scope, scope)}" if self._random.random() < 0.4 else ""
        number = self._random.choice((*INTEGERS, "5", "id + 1"))
        return f"SELECT k, {number} AS n, s AS t FROM {table} a{where}"

    def joins(self) -> str:
        """Return a query that joins tables by equal columns, most of them of one server."""
        self._ctes = {}
        names = [*("a", "b", "c", "d")[: self._random.choice((3, 3, 4))]]
        tables = ["pg.one", self._random.choice(("pg.one", 'pg."order"')), self._random.choice(_FILLED), "pg.one"]
        tables = tables[: len(names)]
        self._random.shuffle(tables)
        scope = tuple(_Source(alias, INTEGERS, TEXTS) for alias in names)
        read = [f"{table} {alias}" for table, alias in zip(tables, names, strict=True)]
        if len(read) == 4 and self._random.random() < 0.4:
            kind = self._random.choice(("JOIN", "JOIN", "LEFT JOIN"))
            pairs = [f"({read[at]} JOIN {read[at + 1]} ON {self._equal(scope[at : at + 2])})" for at in (0, 2)]
            text = f"{pairs[0]} {kind} {pairs[1]} ON {self._equal(scope[1:3])}"
        else:
            text = read[0]
            for at in range(1, len(read)):
                kind = self._random.choice((*("JOIN",) * 5, *("LEFT JOIN",) * 6, "RIGHT JOIN", "FULL JOIN"))
                text += f" {kind} {read[at]} ON {self._equal(scope[at - 1 : at + 1])}"
        asked = scope if self._random.random() < 0.4 else scope[:1]  # else few outer joins would stay ones
        where = f" WHERE {self._conditions(1, asked, scope)}" if self._random.random() < 0.5 else ""
        width = self._random.randint(1, 3)
        if self._random.random() < 0.2:
            return self._grouped(scope, text + where, width)
        items = ", ".join(f"{self._integer(1, scope, scope)} AS c{number}" for number in range(width))
        return f"SELECT {items} FROM {text}{where}"

    def first_rows(self) -> str:
        """Return a query for the first rows of outer joins or of a UNION ALL, by all of its columns: rows that are cut
        off are then like those that stay.
        """
        self._ctes = {}
        width = self._random.randint(1, 3)
        names = [f"c{number}" for number in range(width)]
        made = self._left_joins(names) if self._random.random() < 0.6 else self._united(names)
        keys = [name + self._random.choice(("", "", " DESC", " NULLS FIRST", " DESC NULLS LAST")) for name in names]
        self._random.shuffle(keys)
        offset = f" OFFSET {self._random.randint(0, 3)}" if self._random.random() < 0.4 else ""
        cut = f" ORDER BY {', '.join(keys)} LIMIT {self._random.randint(0, 6)}{offset}"
        pick = self._random.random()
        if pick < 0.3:
            return f"SELECT {', '.join(f't.{name}' for name in names)} FROM ({made}) t{cut}"
        if pick < 0.5:
            return f"SELECT u.c0, a.id FROM {self._random.choice(_FILLED)} a JOIN ({made}{cut}) u ON a.k = u.c0"
        return made + cut

    def _left_joins(self, names: list[str]) -> str:
        """Return LEFT JOINs, mostly of a table of the server, of whose first table the columns are."""
        first, *others = (_Source(alias, INTEGERS, TEXTS) for alias in self._random.sample(("a", "b", "c"), 3))
        text = f"{self._random.choice(('pg.one', 'pg.one', *_FILLED))} {first.alias}"
        scope: _Scope = (first,)
        for made in others[: self._random.choice((1, 1, 2))]:
            kind = self._random.choice((*("LEFT JOIN",) * 8, "JOIN"))
            text += f" {kind} {self._random.choice(_FILLED)} {made.alias} ON {self._on(kind, scope, made)}"
            scope = (*scope, made)
        pick = self._random.random()
        where = "" if pick < 0.5 else f" WHERE {self._conditions(0, scope[:1] if pick < 0.8 else scope, scope)}"
        return f"SELECT {', '.join(f'{self._column((first,))} AS {name}' for name in names)} FROM {text}{where}"

    def _united(self, names: list[str]) -> str:
        operator = self._random.choice((*("UNION ALL",) * 5, "UNION"))
        return f" {operator} ".join(self._arm(names) for _ in range(self._random.choice((2, 2, 3))))

    def _arm(self, names: list[str]) -> str:
        scope = (_Source("a", INTEGERS, TEXTS),)
        where = f" WHERE {self._conditions(0, scope, scope)}" if self._random.random() < 0.4 else ""
        table = self._random.choice(("pg.one", 'pg."order"', *_FILLED))
        if self._random.random() < 0.2:
            return self._grouped(scope, f"{table} a{where}", len(names))
        values = [self._random.choice((*INTEGERS, *INTEGERS, "5", "id + 1")) for _ in names]
        items = ", ".join(f"{value} AS {name}" for value, name in zip(values, names, strict=True))
        return f"SELECT {items} FROM {table} a{where}"

    def _equal(self, two: _Scope) -> str:
        one, other = (f"{source.alias}.k" if self._random.random() < 0.7 else self._column((source,)) for source in two)
        more = f" AND {self._condition(0, two, two)}" if self._random.random() < 0.3 else ""
        return f"{one} = {other}{more}"

    def scalar_aggregate(self) -> str:
        """Return a query that compares with an aggregate of its own rows, or of rows that only look like them."""
        return self._scalar_aggregate(self._random.randint(1, 2))

    def _scalar_aggregate(self, width: int) -> str:
        rows, there, third = self._random.sample(_ALIASES, 3)
        source, columns = self._read_twice()
        key, near = self._random.choice((columns[0], *columns)), self._random.choice(columns)
        far = key if key in INTEGERS else self._random.choice(INTEGERS)
        scope = (_Source(rows, columns), _Source(there, INTEGERS, TEXTS))
        from_ = [f"{source} {rows}", f"{self._random.choice(_FILLED)} {there}"]
        inner = self._random.choice((rows, third, "d", "d"))
        inner_from = [f"{source} {inner}"]
        own: list[str] = []  # conditions of the subquery, with {r} and {t} for the aliases
        if inner != third and self._random.random() < 0.3:
            text, names = self._read_twice()
            from_.append(f"{text} {third}")
            inner_from.append(f"{text} e")
            own.append(f"{{r}}.{self._random.choice(columns)} = {{t}}.{self._random.choice(names)}")
        if self._random.random() < 0.4:
            own.append(f"{{r}}.{near} {self._random.choice(_OPERATORS)} {self._constant()}")
        link = self._random.choice((f"{there}.{far}", f"{there}.{far}", f"{rows}.{key}", ""))
        within = [one.format(r=inner, t="e") for one in own] + ([f"{inner}.{key} = {link}"] if link else [])
        value = self._aggregate_of(f"{inner}.{self._random.choice(columns)}")
        query = f"SELECT {value} FROM {', '.join(inner_from)}" + (f" WHERE {' AND '.join(within)}" if within else "")
        stated = [one.format(r=rows, t=third) for one in own]
        if link.startswith(there) or self._random.random() < 0.3:
            stated.append(f"{rows}.{key} = {there}.{far}")
        if stated and self._random.random() < 0.2:
            stated.remove(self._random.choice(stated))  # then the subquery's rows are others
        operator = self._random.choice(("<=", ">=", "<>", *_OPERATORS))
        conditions = [f"{rows}.{self._random.choice(columns)} {operator} ({query})", *stated]
        if self._random.random() < 0.7:
            few = self._random.choice((f"{there}.{self._random.choice(INTEGERS)}", f"{rows}.{key}"))
            conditions.append(f"{few} IN (1, 4, {self._constant()})")
        if self._random.random() < 0.2:
            conditions.append(self._simple(scope, scope))
        self._random.shuffle(conditions)
        items = ", ".join(f"{self._integer(0, scope, scope)} AS c{number}" for number in range(width))
        return f"SELECT {items} FROM {self._joined(from_, stated)} WHERE {' AND '.join(conditions)}"

    def _joined(self, sources: list[str], conditions: list[str]) -> str:
        """Join sources, of which a condition may speak of the first two; mostly by commas."""
        kind = self._random.choice(("", "", "", "", "", "LEFT JOIN", "JOIN"))
        if not kind or not conditions or len(sources) > 2:
            return ", ".join(self._random.sample(sources, len(sources)))
        return f"{sources[0]} {kind} {sources[1]} ON {conditions[0]}"

    def _read_twice(self) -> tuple[str, tuple[str, ...]]:
        """A table, or a query with groups, to be written twice."""
        table = self._random.choice(_FILLED)
        if self._random.random() < 0.7:
            return table, ("k", "id", '"Mixed Case"')
        value = self._random.choice(("max", "sum", "count"))
        return f"(SELECT g.k AS c0, {value}(g.{self._random.choice(INTEGERS)}) AS c1 FROM {table} g GROUP BY g.k)", (
            "c0",
            "c1",
        )

    def _aggregate_of(self, column: str) -> str:
        name = self._random.choice(("min", "max", "max", "sum", "avg", "avg", "count", "count"))
        forms = ("{}", "{}", "0.5 * {}", "{} + 1", "-{} / 2.0", "coalesce({}, 1)")
        return self._random.choice(forms).format(f"{name}({column})")

    def _select(self, depth: int, outer: _Scope, width: int) -> str:
        if self._random.random() < 0.07:
            return self._scalar_aggregate(width)
        text, own = self._from(depth, outer)
        scope = (*own, *(one for one in outer if one.alias not in {mine.alias for mine in own}))
        where = f" WHERE {self._conditions(depth, own, scope)}" if self._random.random() < 0.75 else ""
        if self._random.random() < 0.15:
            return self._grouped(own, text + where, width)
        items = [f"{self._integer(depth, own, scope)} AS c{number}" for number in range(width)]
        distinct = "DISTINCT " if self._random.random() < 0.1 else ""
        query = f"SELECT {distinct}{', '.join(items)} FROM {text}{where}"
        if self._random.random() < 0.1:
            places = ", ".join(str(number + 1) for number in range(width))
            query += f" ORDER BY {places} LIMIT {self._random.randint(0, 4)}"
        return query

    def _grouped(self, own: _Scope, rest: str, width: int) -> str:
        key = self._column(own)
        aggregates = (
            f"count({self._column(own)})",
            "count(*)",
            f"max({self._column(own)})",
            f"min({self._column(own)})",
        )
        items = [f"{key} AS c0", *(f"{self._random.choice(aggregates)} AS c{number}" for number in range(1, width))]
        having = f" HAVING count(*) > {self._random.randint(0, 2)}" if self._random.random() < 0.4 else ""
        return f"SELECT {', '.join(items)} FROM {rest} GROUP BY {key}{having}"

    # FROM -----------------------------------------------------------------------------------------------------------

    def _from(self, depth: int, outer: _Scope) -> tuple[str, _Scope]:
        aliases = list(_ALIASES)
        self._random.shuffle(aliases)
        aliases = aliases[: self._random.choice((1, 1, 2, 2, 3))]
        if len(aliases) == 2 and self._random.random() < 0.12:
            return self._merged(aliases)
        if len(aliases) == 3 and self._random.random() < 0.25:
            return self._parenthesised(depth, aliases)
        text, first = self._source(depth, aliases[0], outer)
        scope: _Scope = (first,)
        for alias in aliases[1:]:
            kind = self._random.choice(_JOINS)
            lateral = "LATERAL" in kind
            source, made = self._source(depth, alias, (*scope, *outer) if lateral else outer, lateral=lateral)
            condition = "" if kind == "CROSS JOIN" else f" ON {self._on(kind, scope, made)}"
            text += f" {kind} {source}{condition}"
            scope = (*scope, made)
        return text, scope

    def _merged(self, aliases: list[str]) -> tuple[str, _Scope]:
        """USING and NATURAL; the names that both sides share are then asked for by their side."""
        kind = self._random.choice(("JOIN", "LEFT JOIN", "FULL JOIN", "RIGHT JOIN"))
        left, right = (self._random.choice(TABLES) for _ in aliases)
        scope = tuple(_Source(alias, INTEGERS, TEXTS) for alias in aliases)
        if self._random.random() < 0.3:
            return f"{left} {aliases[0]} NATURAL {kind} {right} {aliases[1]}", scope
        return f"{left} {aliases[0]} {kind} {right} {aliases[1]} USING ({self._random.choice(INTEGERS)})", scope

    def _parenthesised(self, depth: int, aliases: list[str]) -> tuple[str, _Scope]:
        sources = [self._source(depth - 1, alias, ()) for alias in aliases]
        inner, outer = (self._random.choice(("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")) for _ in range(2))
        (a, one), (b, two), (c, three) = sources
        within = f"({b} {inner} {c} ON {self._on(inner, (two,), three)})"
        if self._random.random() < 0.5:
            return f"{a} {outer} {within} ON {self._on(outer, (one,), two)}", (one, two, three)
        return f"{within} {outer} {a} ON {self._on(outer, (two,), one)}", (two, three, one)

    def _source(self, depth: int, alias: str, outer: _Scope, *, lateral: bool = False) -> tuple[str, _Source]:
        pick = self._random.random()
        if lateral or (depth > 0 and pick < 0.2):
            width = self._random.randint(1, 2)
            names = tuple(f"c{number}" for number in range(width))
            inner = self._body(max(depth - 1, 0), outer if lateral else (), width)
            return f"({inner}) {alias}", _Source(alias, names)
        if pick < 0.3 and self._ctes:
            name = self._random.choice([*self._ctes])
            return f"{name} {alias}", _Source(alias, tuple(f"c{number}" for number in range(self._ctes[name])))
        table = self._random.choice(TABLES)
        if pick < 0.37:
            return f"{table} {alias} (x, y)", _Source(alias, ("x", "y", *INTEGERS[2:]), TEXTS)
        return f"{table} {alias}", _Source(alias, INTEGERS, TEXTS)

    def _on(self, kind: str, scope: _Scope, made: _Source) -> str:
        """Full joins take equalities only, in PostgreSQL too."""
        equal = f"{self._column(scope)} = {self._column((made,))}"
        if kind == "FULL JOIN":
            return equal
        own = (*scope, made)
        parts = [equal] if self._random.random() < 0.8 else ["true"]
        parts += [self._condition(0, own, own) for _ in range(self._random.choice((0, 0, 1, 2)))]
        return " AND ".join(parts)

    # Expressions ----------------------------------------------------------------------------------------------------

    def _column(self, scope: _Scope) -> str:
        return self._random.choice(self._random.choice(scope).integer_columns)

    def _integer(self, depth: int, own: _Scope, scope: _Scope) -> str:
        pick = self._random.random()
        if pick < 0.1:
            return f"coalesce({self._column(own)}, {self._column(scope)})"
        if pick < 0.2:
            return f"{self._column(own)} + {self._random.randint(0, 2)}"
        if pick < 0.28 and depth > 0:
            text, inner = self._from(0, ())
            condition = self._condition(0, inner, (*inner, *self._hidden(scope, inner)))
            return f"(SELECT count(*) FROM {text} WHERE {condition})"
        if pick < 0.34:
            return f"CASE WHEN {self._condition(0, own, scope)} THEN {self._column(own)} ELSE {self._constant()} END"
        return self._column(own)

    def _hidden(self, outer: _Scope, inner: _Scope) -> _Scope:
        names = {one.alias for one in inner}
        return tuple(one for one in outer if one.alias not in names)

    def _constant(self) -> str:
        return str(self._random.choice((0, 1, 1, 2, 2, 3, 4, 5)))

    def _conditions(self, depth: int, own: _Scope, scope: _Scope) -> str:
        parts = [self._condition(depth, own, scope) for _ in range(self._random.choice((1, 1, 1, 2)))]
        return " AND ".join(parts)

    def _condition(self, depth: int, own: _Scope, scope: _Scope) -> str:
        pick = self._random.random()
        if pick < 0.1:
            return f"({self._condition(0, own, scope)} OR {self._condition(0, own, scope)})"
        if pick < 0.17:
            return f"NOT ({self._condition(0, own, scope)})"
        if pick < 0.45 and depth > 0:
            return self._subquery_condition(depth, own, scope)
        return self._simple(own, scope)

    def _subquery_condition(self, depth: int, own: _Scope, scope: _Scope) -> str:
        column = self._column(own)
        negation = self._random.choice(("", "", "NOT "))
        if self._random.random() < 0.5:
            outer = scope if self._random.random() < 0.4 else ()
            return f"{column} {negation}IN ({self._body(depth - 1, outer, 1)})"
        return f"{negation}EXISTS ({self._select(depth - 1, scope, 1)})"

    def _simple(self, own: _Scope, scope: _Scope) -> str:
        column, operator = self._column(own), self._random.choice(_OPERATORS)
        texts = [name for one in own for name in one.text_columns]
        choices = [
            f"{column} {operator} {self._constant()}",
            f"{self._constant()} {operator} {column}",
            f"{column} {operator} {self._column(scope)}",
            f"{column} IS {self._random.choice(('', 'NOT '))}NULL",
            f"{column} {self._random.choice(('', 'NOT '))}IN ({', '.join(self._constant() for _ in range(3))})",
            f"{column} {self._random.choice(('', 'NOT '))}BETWEEN {self._constant()} AND {self._constant()}",
            f"coalesce({column}, 0) {operator} {self._constant()}",
            f"({column} IS NOT DISTINCT FROM {self._constant()})",
            f"({column} = {self._constant()}) IS NOT TRUE",
        ]
        if texts:
            text = self._random.choice(texts)
            choices += [
                f"{text} {operator} {self._random.choice(TEXT_CONSTANTS)}",
                f"{text} IS NULL",
                f"{text} LIKE 'a%'",
                f"{text} IN ({', '.join(TEXT_CONSTANTS[:2])}, NULL)",
            ]
        return self._random.choice(choices)


TEXT_CONSTANTS = ("'a'", "'it''s'", "''", "'B'", "'ä'")
