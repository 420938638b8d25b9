"""Enums of PostgreSQL sources, which the lake shows as text, in the order of their labels.

Their values are equal where their texts are. So what remains is what asks for an order: a key of ``ORDER BY`` becomes
the place of the label, a comparison one of places, ``max`` and ``min`` the label of the greatest or least place. Which
columns are enums is followed through derived tables, WITH and what hands values on (COALESCE, CASE, scalar subqueries).
What cannot be written so is refused; a cast to text is text, in the order of text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from catalog.tables import Enumeration, Table

_ORDERED: Mapping[type[exp.Expr], str] = {exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
_EQUAL = (exp.EQ, exp.NEQ, exp.NullSafeEQ, exp.NullSafeNEQ)
_EXTREMES = (exp.Max, exp.Min)
_OF_FIRST = (
    *(exp.Max, exp.Min, exp.AnyValue, exp.FirstValue, exp.LastValue, exp.NthValue, exp.Lag, exp.Lead),
    *(exp.Window, exp.Filter, exp.IgnoreNulls, exp.RespectNulls, exp.Nullif, exp.Alias, exp.Paren),
)
_ITSELF = Enumeration("", ())  # what a recursive query has for the part that leads back to it
Columns = Mapping[tuple[str, str], Mapping[str, Enumeration]]


@dataclass(frozen=True, slots=True)
class _Change:
    """A node that becomes its place among the labels, or that of ``of``; or a place that becomes its label again."""

    node: exp.Expr
    enumeration: Enumeration
    of: exp.Expr | None = None
    to_label: bool = False

    def make(self) -> None:
        if self.of is not None and _label(self.of) is not None:
            self.node.replace(exp.Literal.number(_require_place(self.of, self.enumeration)))
            return
        made = exp.Case(ifs=[exp.If(this=given, true=then) for given, then in self._pairs()])
        self.node.replace(made)
        made.set("this", self.node if self.of is None else self.of.unalias().copy())

    def _pairs(self) -> Iterable[tuple[exp.Expr, exp.Expr]]:
        for at, label in enumerate(self.enumeration.labels, 1):
            pair = exp.Literal.string(label), exp.Literal.number(at)
            yield (pair[1], pair[0]) if self.to_label else pair


def order_enumerations(tree: exp.Query, tables: Iterable[Table]) -> None:
    """Have a qualified query order enums as PostgreSQL does; ``tree`` is changed. Raises SqlError 22P02 for what is no
    label, and 0A000.
    """
    columns = {}
    for table in tables:
        found = {column.name: column.enumeration for column in table.columns if column.enumeration is not None}
        if found:
            columns[table.name.schema, table.name.name] = found
    if columns:
        _Query(tree, columns).change()


class _Query:
    """All scopes of a query, and which of their expressions are enums."""

    def __init__(self, tree: exp.Query, columns: Columns) -> None:
        self.scopes = traverse_scope(tree)
        self.columns = columns
        self._by_expression = {id(scope.expression): scope for scope in self.scopes}
        self._asked: set[tuple[int, str]] = set()

    def change(self) -> None:
        """Find all that depends on an order, then write it anew: keys last, as they may name what is selected."""
        changes: list[_Change] = []
        keys: list[_Change] = []
        for scope in self.scopes:
            for node in reversed([*scope.walk()]):
                changes += self._of_values(node, scope)
                keys += self._of_keys(node, scope)
        for change in (*changes, *keys):
            change.make()

    def _of_values(self, node: exp.Expr, scope: Scope) -> Iterable[_Change]:
        if type(node) in _ORDERED:
            yield from self._comparison(_ORDERED[type(node)], (node.this, node.expression), scope)
        elif isinstance(node, exp.Between):
            yield from self._comparison("BETWEEN", (node.this, node.args["low"], node.args["high"]), scope)
        elif isinstance(node, _EQUAL):
            self._check_labels((node.this, node.expression), scope)
        elif isinstance(node, exp.In):
            self._check_labels((node.this, *node.expressions), scope)
        elif isinstance(node, exp.Greatest | exp.Least):
            self._refuse(type(node).__name__.upper(), (node.this, *node.expressions), scope)
        elif isinstance(node, exp.WithinGroup):
            self._refuse("WITHIN GROUP", [one.this for one in node.expression.expressions], scope)
        elif isinstance(node, _EXTREMES) and (found := self._enumeration(node.this, scope)) is not None:
            yield _Change(node.this, found)
            yield _Change(_with_over_and_filter(node), found, to_label=True)

    def _of_keys(self, node: exp.Expr, scope: Scope) -> Iterable[_Change]:
        if isinstance(node, exp.Ordered) and not isinstance(node.parent, exp.WithinGroup):
            query = node.parent.parent if node.parent is not None else None
            if isinstance(query, exp.SetOperation):
                self._refuse_union(node.this, scope)
                return
            yield from self._key(node.this, scope, query if isinstance(query, exp.Select) else None)
        elif isinstance(node, exp.Distinct) and isinstance(on := node.args.get("on"), exp.Tuple):
            for one in on.expressions:
                yield from self._key(one, scope, None)

    def _key(self, node: exp.Expr, scope: Scope, query: exp.Select | None) -> Iterable[_Change]:
        key = _selected(node, scope)
        found = self._enumeration(key, scope)
        if found is None:
            return
        distinct = query.args.get("distinct") if query is not None else None
        if query is not None and distinct is not None and distinct.args.get("on") is None and not _groups(query):
            raise _not_supported("ORDER BY with this form of DISTINCT", found)
        yield _Change(node, found, None if key is node else key)

    def _refuse_union(self, node: exp.Expr, scope: Scope) -> None:
        names = [one.alias_or_name for one in _selects(scope)]
        name = names[int(node.name) - 1] if isinstance(node, exp.Literal) and node.is_int else node.name
        if (found := self._of_output(scope, name)) is not None:
            raise _not_supported("ORDER BY of a set operation", found)

    def _comparison(self, operator: str, sides: tuple[exp.Expr, ...], scope: Scope) -> Iterable[_Change]:
        rows = [part for side in sides if isinstance(side, exp.Tuple) for part in side.expressions]
        self._refuse(f"{operator} of rows", rows, scope)
        kinds = [self._enumeration(side, scope) for side in sides]
        found = next((one for one in kinds if one is not None), None)
        if found is None:
            return
        for side, kind in zip(sides, kinds, strict=True):
            if _label(side) is not None:
                _require_place(side, found)
                yield _Change(side, found, side)
            elif kind == found:
                yield _Change(side, found)
            else:
                raise _not_supported(f"{operator} with what is neither of it nor a constant", found)

    def _check_labels(self, sides: tuple[exp.Expr, ...], scope: Scope) -> None:
        constants = [side for side in sides if _label(side) is not None]
        found = next((one for side in sides if constants and (one := self._enumeration(side, scope)) is not None), None)
        if found is not None:
            for constant in constants:
                _require_place(constant, found)

    def _refuse(self, what: str, parts: Iterable[exp.Expr], scope: Scope) -> None:
        for part in parts:
            if (found := self._enumeration(part, scope)) is not None:
                raise _not_supported(what, found)

    def _enumeration(self, node: exp.Expr | None, scope: Scope) -> Enumeration | None:
        """Return the enum whose values an expression has."""
        if isinstance(node, exp.Column):
            return self._of_column(node, scope)
        if isinstance(node, _OF_FIRST):
            return self._enumeration(node.this, scope)
        if isinstance(node, exp.Coalesce):
            return self._common((node.this, *node.expressions), scope)
        if isinstance(node, exp.Case):
            return self._common((*(one.args["true"] for one in node.args["ifs"]), node.args.get("default")), scope)
        if isinstance(node, exp.Subquery | exp.Query):
            inner = self._by_expression.get(id(node.unnest()))
            selects = _selects(inner) if inner is not None else []
            return self._of_output(inner, selects[0].alias_or_name) if inner is not None and selects else None
        return None

    def _common(self, nodes: Iterable[exp.Expr | None], scope: Scope) -> Enumeration | None:
        """Return the enum of all; None where one is something else, and all are text therefore."""
        present = [node for node in nodes if node is not None and not isinstance(node.unnest(), exp.Null)]
        labels = {label for node in present if (label := _label(node)) is not None}
        found = {self._enumeration(node, scope) for node in present if _label(node) is None} - {_ITSELF}
        one = next(iter(found)) if len(found) == 1 else None
        return one if one is not None and labels.issubset(one.labels) else None

    def _of_column(self, column: exp.Column, scope: Scope) -> Enumeration | None:
        within: Scope | None = scope
        while within is not None:
            source = within.sources.get(column.table)
            if isinstance(source, exp.Table):
                return self.columns.get((source.db, source.name), {}).get(column.name)
            if isinstance(source, Scope):
                return self._of_output(source, column.name)
            within = within.parent
        return None

    def _of_output(self, scope: Scope, name: str) -> Enumeration | None:
        scope = self._by_expression.get(id(scope.expression), scope)  # a recursive query has a scope for itself
        key = (id(scope), name)
        selects = _selects(scope)
        if key in self._asked:
            return _ITSELF
        self._asked.add(key)
        try:
            if not isinstance(scope.expression, exp.SetOperation):
                return self._enumeration(next((one for one in selects if one.alias_or_name == name), None), scope)
            at = next((at for at, one in enumerate(selects) if one.alias_or_name == name), None)
            if at is None:
                return None
            parts = [(part, _selects(part)[at]) for part in scope.set_operation_scopes]
            parts = [(part, one) for part, one in parts if not isinstance(one.unalias().unnest(), exp.Null)]
            found = {self._of_output(part, one.alias_or_name) for part, one in parts} - {_ITSELF}
            return next(iter(found)) if len(found) == 1 else None
        finally:
            self._asked.discard(key)


def _groups(query: exp.Select) -> bool:
    """Write DISTINCT as GROUP BY, by which keys may be computed; return whether that is possible."""
    if query.args.get("group") or query.args.get("having"):
        return False
    if any(one.find(exp.AggFunc, exp.Window, exp.Subquery, exp.Unnest, exp.Explode) for one in query.selects):
        return False
    keys = [one.unalias().copy() for one in query.selects if one.find(exp.Column)]
    query.set("distinct", None)
    query.set("group", exp.Group(expressions=keys))
    return True


def _with_over_and_filter(node: exp.Expr) -> exp.Expr:
    while isinstance(node.parent, exp.Window | exp.Filter) and node.parent.this is node:
        node = node.parent
    return node


def _selects(scope: Scope) -> list[exp.Expr]:
    return list(scope.expression.selects) if isinstance(scope.expression, exp.Query) else []


def _selected(key: exp.Expr, scope: Scope) -> exp.Expr:
    """Return what a key of ORDER BY means: itself, or what is selected under that name or at that place."""
    selects = _selects(scope)
    if isinstance(key, exp.Column) and not key.table:
        return next((one for one in selects if one.alias_or_name == key.name), key)
    if isinstance(key, exp.Literal) and key.is_int and 0 < int(key.name) <= len(selects):
        return selects[int(key.name) - 1]
    return key


def _label(node: exp.Expr) -> str | None:
    bare = node.unnest()
    return bare.name if isinstance(bare, exp.Literal) and bare.is_string else None


def _require_place(constant: exp.Expr, found: Enumeration) -> int:
    label = _label(constant)
    if label not in found.labels:
        message = f'invalid input value for enum {_shown(found)}: "{label}"'
        start = constant.unnest().meta.get("start")
        position = start + 1 if isinstance(start, int) else None
        raise SqlError(SqlState.INVALID_TEXT_REPRESENTATION, message, position=position)
    return found.labels.index(label) + 1


def _shown(found: Enumeration) -> str:
    """Return a type's name as its server's errors have it: ``public`` is on the search path."""
    return found.name.removeprefix("public.")


def _not_supported(what: str, found: Enumeration) -> SqlError:
    return SqlError(
        SqlState.FEATURE_NOT_SUPPORTED,
        f"{what} is not supported for enum {_shown(found)}",
        hint="Cast it to text for the order of text.",
    )
