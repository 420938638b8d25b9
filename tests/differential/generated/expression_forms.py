"""Expressions that PostgreSQL's catalogue does not list: forms of the grammar, modifiers of types, SQL/JSON."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Protocol

from tests.differential.generated.scopes import Scope
from tests.differential.generated.trees import Node, Part, listed, node
from tests.differential.generated.values import quoted

_MODIFIED: dict[str, tuple[str, ...]] = {
    "numeric": ("numeric(12,2)", "numeric(20,0)", "numeric(30,10)", "decimal(38,6)"),
    "varchar": ("varchar(3)", "varchar(20)", "character varying(1)"),
    "bpchar": ("char(4)", "char(12)", "character(1)"),
    "timestamp": ("timestamp(0)", "timestamp(3)"),
    "timestamptz": ("timestamptz(0)", "timestamp(2) with time zone"),
    "time": ("time(0)", "time(2)"),
    "interval": ("interval(0)", "interval day", "interval hour to second", "interval year to month"),
}
"""Types with modifiers, by the type without."""

_INTERVALS = (
    "interval '1' day",
    "interval '1-2' year to month",
    "interval '36' hour",
    "interval '4:05' minute to second",
)
_KEYS = ("'a'", "'b'", "'c'", "0", "1", "-1")
_KEY_PATHS = ("{a}", "{b,0}", "{a,b}", "{0}", "{}", "{b,-1}")
_JSON_PATHS = ("$.a", "$.b[0]", "$.b[*]", "$.a.b", "strict $.a", "$[*] ? (@ > 1)", "$.*", "lax $.b[last]")
_SIMILAR = ("%(a|b)%", "_{2}", "[a-z]+", "x#_%", "(a#%)*", "")
_ZONED = ("interval '2 hours'", "'Asia/Kolkata'", "'UTC'", "interval '-05:30'", "'Europe/Berlin'")


class Maker(Protocol):
    """What makes the expressions inside."""

    def expression(self, sql_type: str, scope: Scope, depth: int) -> Node: ...


Form = Callable[[Scope, int], Node]


class Forms:
    """Makes such expressions; those in `calm` never fail."""

    def __init__(self, random: Random, maker: Maker) -> None:
        self._random = random
        self._make = maker.expression
        self.calm: dict[str, tuple[Form, ...]] = {
            "bool": (self._is_row_null, self._rows_distinct, self._is_json, self._collated, self._overlaps),
            "text": (self._overlaid,),
            "int4": (self._count_nulls,),
            "jsonb": (self._subscripted, self._fetched, self._object, self._path_query),
            "int4[]": (self._sliced("int4[]"),),
            "text[]": (self._sliced("text[]"),),
        }
        self.risky: dict[str, tuple[Form, ...]] = {
            "bool": (self._similar, self._escaped, self._exists, self._exists),
            "text": (self._fetched_text, self._json_value, self._similar_part, self._pattern_part),
            "interval": (self._written_interval, self._multiplied),
            "timestamp": (self._local, self._moved("timestamp"), self._zoned("timestamp", "timestamptz")),
            "timestamptz": (self._moved("timestamptz"), self._zoned("timestamptz", "timestamp")),
            "date": (self._later,),
            "int4": (self._days,),
            "json": (self._constructed,),
            "jsonb": (self._json_query, self._changed),
        }

    def modified(self, sql_type: str, scope: Scope, depth: int) -> Node | None:
        """Return a cast to a type with modifiers, where there are such ones."""
        known = _MODIFIED.get(sql_type)
        if known is None:
            return None
        return node(sql_type, "(", self._make(sql_type, scope, depth), f")::{self._random.choice(known)}")

    def _one(self, *texts: str) -> str:
        return self._random.choice(texts)

    def _kind(self) -> str:
        return self._one("int4", "text", "date", "numeric", "bool", "timestamp", "int8")

    def _is_row_null(self, scope: Scope, depth: int) -> Node:
        items = [self._make(self._kind(), scope, depth - 1) for _ in range(2)]
        return node("bool", "(row(", listed(items), f") is {self._one('null', 'not null')})")

    def _rows_distinct(self, scope: Scope, depth: int) -> Node:
        first, second = self._kind(), self._kind()
        a, x = (self._make(first, scope, depth - 1) for _ in range(2))
        b, y = (self._make(second, scope, depth - 1) for _ in range(2))
        word = self._one("is distinct from", "is not distinct from")
        return node("bool", "((", a, ", ", b, f") {word} (", x, ", ", y, "))")

    def _is_json(self, scope: Scope, depth: int) -> Node:
        what = self._one("is json", "is not json", "is json object", "is json array", "is json scalar")
        return node("bool", "(", self._make("text", scope, depth), f" {what})")

    def _collated(self, scope: Scope, depth: int) -> Node:
        left, right = (self._make("text", scope, depth) for _ in range(2))
        return node("bool", "(", left, f' collate "C" {self._one("<", ">=", "=")} ', right, ")")

    def _overlaps(self, scope: Scope, depth: int) -> Node:
        kind = self._one("date", "timestamp", "timestamptz", "time")
        a, b, c, d = (self._make(kind, scope, depth - 1) for _ in range(4))
        return node("bool", "((", a, ", ", b, ") overlaps (", c, ", ", d, "))")

    def _overlaid(self, scope: Scope, depth: int) -> Node:
        value, other = (self._make("text", scope, depth) for _ in range(2))
        tail = self._one("", " for 2", " for 0")
        return node("text", "overlay(", value, " placing ", other, f" from {self._one('1', '2', '4')}{tail})")

    def _count_nulls(self, scope: Scope, depth: int) -> Node:
        items = [self._make(self._kind(), scope, depth - 1) for _ in range(self._random.randint(1, 3))]
        return node("int4", self._one("num_nulls(", "num_nonnulls("), listed(items), ")")

    def _subscripted(self, scope: Scope, depth: int) -> Node:
        more = self._one("", f"[{self._one(*_KEYS)}]")
        return node("jsonb", "(", self._make("jsonb", scope, depth), f")[{self._one(*_KEYS)}]{more}")

    def _fetched(self, scope: Scope, depth: int) -> Node:
        value = self._make("jsonb", scope, depth)
        if self._random.random() < 0.5:
            return node("jsonb", "(", value, f" -> {self._one(*_KEYS)})")
        return node("jsonb", "(", value, f" #> '{self._one(*_KEY_PATHS)}')")

    def _fetched_text(self, scope: Scope, depth: int) -> Node:
        value = self._make(self._one("jsonb", "json"), scope, depth)
        if self._random.random() < 0.5:
            return node("text", "(", value, f" ->> {self._one(*_KEYS)})")
        return node("text", "(", value, f" #>> '{self._one(*_KEY_PATHS)}')")

    def _object(self, scope: Scope, depth: int) -> Node:
        values: list[Part] = []
        for key in ("a", "b")[: self._random.randint(1, 2)]:
            values += [", " if values else "", f"'{key}', ", self._make(self._kind(), scope, depth - 1)]
        return node("jsonb", "jsonb_build_object(", *values, ")")

    def _path_query(self, scope: Scope, depth: int) -> Node:
        name = self._one("jsonb_path_query_first(", "jsonb_path_query_array(")
        silent = self._one(", '{}', true", ", '{\"x\": 1}', true")
        return node("jsonb", name, self._make("jsonb", scope, depth), f", {quoted(self._one(*_JSON_PATHS))}{silent})")

    def _sliced(self, sql_type: str) -> Form:
        def form(scope: Scope, depth: int) -> Node:
            bounds = self._one("1:2", "2:", ":1", "0:1", "2:1", "-1:3")
            return node(sql_type, "(", self._make(sql_type, scope, depth), f")[{bounds}]")

        return form

    def _similar(self, scope: Scope, depth: int) -> Node:
        word = self._one("similar to", "not similar to")
        return node(
            "bool", "(", self._make("text", scope, depth), f" {word} {quoted(self._one(*_SIMILAR))} escape '#')"
        )

    def _escaped(self, scope: Scope, depth: int) -> Node:
        word, pattern = self._one("like", "not like", "ilike"), self._one("%#%%", "a#_%", "%##", "_b%", "#a%")
        return node("bool", "(", self._make("text", scope, depth), f" {word} '{pattern}' escape '#')")

    def _exists(self, scope: Scope, depth: int) -> Node:
        value, path = self._make("jsonb", scope, depth), quoted(self._one(*_JSON_PATHS))
        way = self._random.randint(0, 4)
        if way == 0:
            return node("bool", "json_exists(", value, f", {path})")
        if way == 1:
            return node("bool", "(", value, f" @? {path})")
        if way == 2:
            return node("bool", "(", value, f" ? {self._one('$$a$$', '$$b$$', '$$2$$')})")
        if way == 3:
            return node("bool", "(", value, f" {self._one('?|', '?&')} array['a', 'b'])")
        return node("bool", "(", value, f" {self._one('@>', '<@')} ", self._make("jsonb", scope, depth), ")")

    def _json_value(self, scope: Scope, depth: int) -> Node:
        tail = self._one("", " returning text", " default 'x' on empty", " null on error", " default 'e' on error")
        path = quoted(self._one(*_JSON_PATHS))
        return node("text", "json_value(", self._make("jsonb", scope, depth), f", {path}{tail})")

    def _json_query(self, scope: Scope, depth: int) -> Node:
        tail = self._one("", " with wrapper", " with conditional wrapper", " empty array on empty")
        path = quoted(self._one(*_JSON_PATHS))
        return node("jsonb", "json_query(", self._make("jsonb", scope, depth), f", {path}{tail})")

    def _constructed(self, scope: Scope, depth: int) -> Node:
        value, other = (self._make(self._kind(), scope, depth - 1) for _ in range(2))
        tail = self._one("", " absent on null", " null on null")
        if self._random.random() < 0.5:
            return node("json", "json_object('a': ", value, ", 'b': ", other, f"{tail})")
        return node("json", "json_array(", value, ", ", other, f"{tail})")

    def _changed(self, scope: Scope, depth: int) -> Node:
        value = self._make("jsonb", scope, depth)
        way = self._random.randint(0, 3)
        if way == 0:
            return node("jsonb", "(", value, " || ", self._make("jsonb", scope, depth), ")")
        if way == 1:
            return node("jsonb", "(", value, f" - {self._one('$$a$$', '0', '-1')})")
        if way == 2:
            return node("jsonb", "(", value, f" #- '{self._one(*_KEY_PATHS)}')")
        path, create = self._one(*_KEY_PATHS), self._one("", ", false")
        return node("jsonb", "jsonb_set(", value, f", '{path}', ", self._make("jsonb", scope, depth), f"{create})")

    def _similar_part(self, scope: Scope, depth: int) -> Node:
        pattern = quoted(self._one('%#"a%#"_', '#"_#"%', '%#"[a-z]+#"%'))
        return node("text", "substring(", self._make("text", scope, depth), f" similar {pattern} escape '#')")

    def _pattern_part(self, scope: Scope, depth: int) -> Node:
        pattern = quoted(self._one("a.", "(b)c", "[0-9]+", "^(.)", "x(y)?"))
        return node("text", "substring(", self._make("text", scope, depth), f" from {pattern})")

    def _written_interval(self, scope: Scope, depth: int) -> Node:
        return node("interval", self._one(*_INTERVALS))

    def _multiplied(self, scope: Scope, depth: int) -> Node:
        by = self._one("int4", "float8", "int2")
        return node("interval", f"({self._one(*_INTERVALS)} * ", self._make(by, scope, depth), ")")

    def _local(self, scope: Scope, depth: int) -> Node:
        return node("timestamp", "(", self._make("timestamptz", scope, depth), " at local)")

    def _moved(self, sql_type: str) -> Form:
        def form(scope: Scope, depth: int) -> Node:
            by = self._one(*_INTERVALS)
            return node(sql_type, "(", self._make(sql_type, scope, depth), f" {self._one('+', '-')} {by})")

        return form

    def _zoned(self, sql_type: str, source: str) -> Form:
        def form(scope: Scope, depth: int) -> Node:
            return node(sql_type, "(", self._make(source, scope, depth), f" at time zone {self._one(*_ZONED)})")

        return form

    def _later(self, scope: Scope, depth: int) -> Node:
        number = self._make(self._one("int4", "int2"), scope, depth)
        return node("date", "(", self._make("date", scope, depth), f" {self._one('+', '-')} ", number, ")")

    def _days(self, scope: Scope, depth: int) -> Node:
        return node("int4", "(", self._make("date", scope, depth), " - ", self._make("date", scope, depth), ")")
