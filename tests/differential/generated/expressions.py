"""Random expressions, each of the type that was asked for, made of what PostgreSQL's catalogue has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from tests.differential.generated.catalogue import Catalogue, Routine
from tests.differential.generated.expression_forms import Form, Forms
from tests.differential.generated.scopes import Scope
from tests.differential.generated.trees import Node, Parameter, Part, listed, node
from tests.differential.generated.values import argument, literal, operand, quoted

NUMBERS = ("int2", "int4", "int8", "numeric", "float4", "float8")
SORTED = ("bool", "int2", "int4", "int8", "text", "date", "time", "timestamp", "timestamptz", "uuid", "bytea")
"""Types of which equal values look alike, so that rows in their order have one order."""
OUTPUT = (
    *NUMBERS, *SORTED, "varchar", "bpchar", "interval", "jsonb", "json", "int4[]", "text[]", "int8[]", "float8[]",
    "numeric[]", "date[]", "bool[]", "int4range", "daterange", "numrange",
)  # fmt: skip
_COMPARED = (*NUMBERS, *SORTED, "varchar", "bpchar", "interval", "jsonb", "int4[]", "text[]")
_COMPARISONS = ("=", "<>", "<", "<=", ">", ">=", "!=")
_ASSERTED = ("is null", "is not null")
_TRUTHS = ("is true", "is not true", "is false", "is unknown", "is not unknown")
_LIKES = ("like", "ilike", "not like", "not ilike", "similar to", "not similar to")
_PATTERNS = ("a%", "%b%", "_", "", "%", "a_c%", "x\\_y%", "%ä%", "(a|b)%", "[a-c]%")
_FIELDS = {
    "date": ("year", "month", "day", "dow", "doy", "week", "isoyear", "epoch", "quarter", "century", "julian"),
    "timestamp": ("year", "hour", "second", "milliseconds", "epoch", "week", "microseconds", "isodow", "decade"),
    "timestamptz": ("year", "hour", "minute", "epoch", "day", "timezone", "timezone_hour", "dow"),
    "time": ("hour", "minute", "second", "microseconds", "epoch"),
    "interval": ("year", "month", "day", "hour", "second", "epoch", "minute"),
}
_ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata")

Subqueries = Callable[[Scope, str], Node | None]


class Expressions:
    """Makes expressions; ``subqueries`` makes a scalar subquery of a type, or None where it would not."""

    def __init__(self, random: Random, catalogue: Catalogue, subqueries: Subqueries) -> None:
        self._random = random
        self._catalogue = catalogue
        self._subqueries = subqueries
        self._forms = Forms(random, self)
        self._special: dict[str, tuple[Callable[[Scope, int], Node], ...]] = {
            "bool": (
                self._comparison, self._comparison, self._logic, self._logic, self._test, self._like, self._among,
                self._between, self._any, self._row_comparison, self._exists,
            ),
            "numeric": (self._extract,),
            "text": (self._joined, self._substring, self._trimmed, self._concat, self._format),
            "int4": (self._position,),
            "timestamp": (self._at_zone,),
            "timestamptz": (self._at_zone_back,),
            "jsonb": (self._built,),
        }  # fmt: skip

    def expression(self, sql_type: str, scope: Scope, depth: int) -> Node:
        """Return an expression of a type."""
        if scope.rows is not None and self._random.random() < 0.4:
            found = self.aggregate(sql_type, scope.rows, depth - 1)
            if found is not None:
                return found
        if depth <= 0 or self._random.random() < 0.12:
            return self._leaf(sql_type, scope)
        ways = [self._choice, self._choice] if scope.calm else [self._choice]
        if scope.calm:
            ways += [self._leaf_way]
        else:
            ways += [self._call, self._call, self._call, self._operation, self._operation, self._operation, self._cast]
        if self._random.random() < 0.12 and (form := self._form(sql_type, scope)) is not None:
            return form(scope, depth - 1)
        special = self._special.get(sql_type)
        if special is not None and self._random.random() < (0.6 if sql_type == "bool" else 0.25):
            return self._random.choice(special)(scope, depth - 1)
        if not scope.calm and sql_type.endswith("[]"):
            ways += [self._array]
        if sql_type in ("int4", "text") and not scope.calm:
            ways += [self._element]
        if sql_type in SORTED and self._random.random() < 0.06:
            found = self._subqueries(scope, sql_type)
            if found is not None:
                return found
        return self._random.choice(ways)(sql_type, scope, depth - 1)

    def _form(self, sql_type: str, scope: Scope) -> Form | None:
        known = self._forms.calm.get(sql_type, ())
        if not scope.calm:
            known += self._forms.risky.get(sql_type, ())
        return self._random.choice(known) if known else None

    def condition(self, scope: Scope, depth: int = 2) -> Node:
        """Return a condition that does not fail."""
        return self.expression("bool", replace(scope, calm=True), depth)

    def aggregate(self, sql_type: str, scope: Scope, depth: int) -> Node | None:
        """Return an aggregate of a type over the rows of a scope, or None where there is none of that type."""
        known = self._catalogue.aggregates.get(sql_type)
        if not known:
            return None
        routine = self._random.choice(known)
        inner = replace(scope, rows=None)
        kind = routine.arguments[0]
        if routine.name in ("min", "max") and kind not in SORTED:
            columns = inner.of(kind)
            value: Part = self._random.choice(columns) if columns and kind == "numeric" else ""
            if not value:
                return None
        else:
            value = self.expression(kind, inner, min(depth, 1))
        distinct = ""
        order: list[Part] = []
        if routine.name in ("array_agg", "string_agg", "json_agg", "jsonb_agg", "json_agg_strict", "jsonb_agg_strict"):
            order = [" order by ", ", ".join(scope.keys)]
        elif kind in SORTED and self._random.random() < 0.2:
            distinct = "distinct "
        where: list[Part] = []
        if self._random.random() < 0.15:
            where = [node("clause", " filter (where ", self.condition(inner, 1), ")")]
        return node(sql_type, f"{routine.name}({distinct}", value, *order, ")", *where)

    def literal(self, sql_type: str, text: str | None = None) -> Node:
        """Return a constant: with its type in one of the ways to write it, as a parameter, or without a type."""
        value = literal(self._random, sql_type) if text is None else text
        if value == "null":
            return node(sql_type, f"null::{sql_type}")
        way = self._random.random()
        plain = sql_type in ("int4", "numeric") and "N" not in value and "I" not in value
        if plain and way < 0.5 and (sql_type == "numeric") == ("." in value or "e" in value):
            return node(sql_type, f"({value})" if value.startswith("-") else value)
        if sql_type == "bool" and way < 0.6:
            return node(sql_type, "true" if value.startswith("t") else "false")
        if way > 0.93:
            return node(sql_type, self._parameter(sql_type, value), f"::{sql_type}")
        if way > 0.85 and not sql_type.endswith("]"):
            return node(sql_type, f"cast({quoted(value)} as {sql_type})")
        return node(sql_type, f"{quoted(value)}::{sql_type}")

    def _parameter(self, sql_type: str, value: str) -> Parameter:
        others = [literal(self._random, sql_type) for _ in range(2)]
        return Parameter(value, tuple(None if one == "null" else one for one in others))

    def _leaf_way(self, sql_type: str, scope: Scope, depth: int) -> Node:
        return self._leaf(sql_type, scope)

    def _leaf(self, sql_type: str, scope: Scope) -> Node:
        columns = scope.of(sql_type)
        if not columns and scope.outer is not None:
            columns = scope.outer.of(sql_type)
        if columns and self._random.random() < 0.8:
            return node(sql_type, self._random.choice(columns))
        if not columns and not scope.calm and self._random.random() < 0.5:
            sources = [one for one in self._catalogue.casts.get(sql_type, []) if scope.of(one)]
            if sources:
                source = self._random.choice(sources)
                return node(sql_type, node(source, self._random.choice(scope.of(source))), f"::{sql_type}")
        return self.literal(sql_type)

    def _call(self, sql_type: str, scope: Scope, depth: int) -> Node:
        known = self._catalogue.functions.get(sql_type)
        if not known:
            return self._choice(sql_type, scope, depth)
        routine = self._random.choice(known)
        return node(sql_type, f"{routine.name}(", listed(self._arguments(routine, scope, depth)), ")")

    def _arguments(self, routine: Routine, scope: Scope, depth: int) -> list[Node]:
        types = routine.arguments
        given = len(types) - (self._random.randint(0, routine.optional) if routine.optional else 0)
        found = []
        for place, kind in enumerate(types[:given]):
            text = argument(self._random, routine.name, place, types)
            if text is not None and (self._random.random() < 0.97 or kind.startswith("int")):
                found.append(
                    node(kind, quoted(text)) if kind == "text" and text != "null" else self.literal(kind, text)
                )
            else:
                found.append(self.expression(kind, scope, depth))
        return found

    def _operation(self, sql_type: str, scope: Scope, depth: int) -> Node:
        known = self._catalogue.operators.get(sql_type)
        if not known:
            return self._choice(sql_type, scope, depth)
        operator = self._random.choice(known)
        text = operand(self._random, operator.name)
        right = self.expression(operator.right, scope, depth) if text is None else self.literal(operator.right, text)
        if operator.left is None:
            return node(sql_type, f"({operator.name} ", right, ")")
        left = self.expression(operator.left, scope, depth)
        return node(sql_type, "(", left, f" {operator.name} ", right, ")")

    def _cast(self, sql_type: str, scope: Scope, depth: int) -> Node:
        known = self._catalogue.casts.get(sql_type)
        if not known:
            return self._choice(sql_type, scope, depth)
        if self._random.random() < 0.2 and (made := self._forms.modified(sql_type, scope, depth)) is not None:
            return made
        inner = self.expression(self._random.choice(known), scope, depth)
        if self._random.random() < 0.3:
            return node(sql_type, "cast(", inner, f" as {sql_type})")
        return node(sql_type, "(", inner, f")::{sql_type}")

    def _choice(self, sql_type: str, scope: Scope, depth: int) -> Node:
        """CASE and its short forms."""
        first, second = (self.expression(sql_type, scope, depth) for _ in range(2))
        way = self._random.randint(0, 4 if sql_type in _COMPARED else 2)
        if way == 0:
            test = self.expression("bool", scope, depth)
            other = [node("clause", " else ", second)]
            return node(sql_type, "case when ", test, " then ", first, *other, " end")
        if way == 1:
            kind = self._random.choice(("int4", "text", "date"))
            asked, against = (self.expression(kind, scope, depth) for _ in range(2))
            return node(sql_type, "case ", asked, " when ", against, " then ", first, " else ", second, " end")
        if way == 2:
            return node(sql_type, "coalesce(", listed([first, second]), ")")
        if way == 3:
            return node(sql_type, "nullif(", first, ", ", second, ")")
        name = self._random.choice(("greatest", "least"))
        if sql_type in SORTED:
            return node(sql_type, f"{name}(", listed([first, second]), ")")
        return node(sql_type, "coalesce(", listed([first, second]), ")")

    def _pair(self, scope: Scope, depth: int) -> tuple[Node, Node]:
        """Two expressions to be compared: mostly of one type, sometimes of two numbers or two moments."""
        kind = self._random.choice(_COMPARED)
        other = kind
        if self._random.random() < 0.25:
            for family in (NUMBERS, ("text", "varchar", "bpchar"), ("date", "timestamp", "timestamptz")):
                other = self._random.choice(family) if kind in family else other
        right = self.expression(other, scope, depth)
        if self._random.random() < 0.15:
            right = node(kind, quoted(literal(self._random, kind)))
        elif self._random.random() < 0.08:
            right = node(kind, self._parameter(kind, literal(self._random, kind)))
        return self.expression(kind, scope, depth), right

    def _comparison(self, scope: Scope, depth: int) -> Node:
        left, right = self._pair(scope, depth)
        operator = self._random.choice((*_COMPARISONS, "is distinct from", "is not distinct from"))
        return node("bool", "(", left, f" {operator} ", right, ")")

    def _logic(self, scope: Scope, depth: int) -> Node:
        first, second = (self.expression("bool", scope, depth) for _ in range(2))
        if self._random.random() < 0.25:
            return node("bool", "(not ", first, ")")
        return node("bool", "(", first, self._random.choice((" and ", " or ")), second, ")")

    def _test(self, scope: Scope, depth: int) -> Node:
        if self._random.random() < 0.5:
            return node("bool", "(", self.expression("bool", scope, depth), f" {self._random.choice(_TRUTHS)})")
        kind = self._random.choice(OUTPUT)
        return node("bool", "(", self.expression(kind, scope, depth), f" {self._random.choice(_ASSERTED)})")

    def _like(self, scope: Scope, depth: int) -> Node:
        value = self.expression("text", scope, depth)
        pattern = quoted(self._random.choice(_PATTERNS))
        if self._random.random() < 0.1:
            operator = self._random.choice(("~", "!~", "~*", "!~*"))
            return node("bool", "(", value, f" {operator} ", self.literal("text", operand(self._random, "~")), ")")
        return node("bool", "(", value, f" {self._random.choice(_LIKES)} {pattern})")

    def _among(self, scope: Scope, depth: int) -> Node:
        kind = self._random.choice(_COMPARED)
        items = listed([self.expression(kind, scope, depth - 1) for _ in range(self._random.randint(1, 3))])
        return node(
            "bool", "(", self.expression(kind, scope, depth), self._random.choice((" in (", " not in (")), items, "))"
        )

    def _between(self, scope: Scope, depth: int) -> Node:
        kind = self._random.choice(_COMPARED)
        one, low, high = (self.expression(kind, scope, depth - 1) for _ in range(3))
        word = self._random.choice((" between ", " not between ", " between symmetric "))
        return node("bool", "(", one, word, low, " and ", high, ")")

    def _any(self, scope: Scope, depth: int) -> Node:
        kind = self._random.choice(("int4", "text", "int8", "date", "numeric"))
        quantifier = self._random.choice(("any", "all"))
        values = self.expression(f"{kind}[]", scope, depth - 1)
        operator = self._random.choice(_COMPARISONS)
        return node("bool", "(", self.expression(kind, scope, depth), f" {operator} {quantifier} (", values, "))")

    def _row_comparison(self, scope: Scope, depth: int) -> Node:
        (a, x), (b, y) = self._pair(scope, depth - 1), self._pair(scope, depth - 1)
        return node("bool", "((", a, ", ", b, f") {self._random.choice(_COMPARISONS)} (", x, ", ", y, "))")

    def _exists(self, scope: Scope, depth: int) -> Node:
        found = self._subqueries(scope, "bool")
        return found if found is not None else self._comparison(scope, depth)

    def _extract(self, scope: Scope, depth: int) -> Node:
        kind = self._random.choice([*_FIELDS])
        if scope.calm:
            return self._leaf("numeric", scope)
        return node(
            "numeric", f"extract({self._random.choice(_FIELDS[kind])} from ", self.expression(kind, scope, depth), ")"
        )

    def _joined(self, scope: Scope, depth: int) -> Node:
        kind = self._random.choice(("text", "int4", "date", "bool", "text", "numeric"))
        return node(
            "text", "(", self.expression("text", scope, depth), " || ", self.expression(kind, scope, depth), ")"
        )

    def _substring(self, scope: Scope, depth: int) -> Node:
        start, length = (self._random.choice(("1", "2", "0", "-1", "3")) for _ in range(2))
        value = self.expression("text", scope, depth)
        if scope.calm or self._random.random() < 0.5:
            return node("text", "substring(", value, f" from {start})")
        return node("text", "substring(", value, f" from {start} for {length})")

    def _trimmed(self, scope: Scope, depth: int) -> Node:
        side = self._random.choice(("both", "leading", "trailing"))
        return node(
            "text",
            f"trim({side} {quoted(self._random.choice(('a', ' ', 'ab', '%')))} from ",
            self.expression("text", scope, depth),
            ")",
        )

    def _concat(self, scope: Scope, depth: int) -> Node:
        items = [self.expression(self._random.choice(OUTPUT), scope, depth) for _ in range(self._random.randint(1, 3))]
        head = self._random.choice(("concat(", "concat_ws(',', "))
        return node("text", head, listed(items), ")")

    def _format(self, scope: Scope, depth: int) -> Node:
        if scope.calm:
            return self._leaf("text", scope)
        pattern = self._random.choice(("%s", "<%s>", "%L", "%I", "%5s|", "%-5s|", "%%%s"))
        return node(
            "text",
            f"format('{pattern}', ",
            self.expression(self._random.choice(("text", "int4", "date")), scope, depth),
            ")",
        )

    def _position(self, scope: Scope, depth: int) -> Node:
        return node("int4", "position(", self._leaf("text", scope), " in ", self.expression("text", scope, depth), ")")

    def _at_zone(self, scope: Scope, depth: int) -> Node:
        if scope.calm:
            return self._leaf("timestamp", scope)
        zone = quoted(self._random.choice(_ZONES))
        return node("timestamp", "(", self.expression("timestamptz", scope, depth), f" at time zone {zone})")

    def _at_zone_back(self, scope: Scope, depth: int) -> Node:
        if scope.calm:
            return self._leaf("timestamptz", scope)
        zone = quoted(self._random.choice(_ZONES))
        return node("timestamptz", "(", self.expression("timestamp", scope, depth), f" at time zone {zone})")

    def _built(self, scope: Scope, depth: int) -> Node:
        items = [self.expression(self._random.choice(OUTPUT), scope, depth) for _ in range(self._random.randint(1, 2))]
        return node("jsonb", "jsonb_build_array(", listed(items), ")")

    def _array(self, sql_type: str, scope: Scope, depth: int) -> Node:
        element = sql_type.removesuffix("[]")
        items = [self.expression(element, scope, depth) for _ in range(self._random.randint(1, 3))]
        return node(sql_type, "array[", listed(items), "]")

    def _element(self, sql_type: str, scope: Scope, depth: int) -> Node:
        place = self._random.choice(("1", "2", "0", "-1"))
        return node(sql_type, "(", self.expression(f"{sql_type}[]", scope, depth), f")[{place}]")
