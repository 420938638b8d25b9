"""Which columns of its tables the columns of a view's query are made of.

A column is made of all that its expression names, in subqueries too. What only chooses, joins, groups or orders rows is
not in it; neither are columns that are only counted. Where something is not understood, a column is made of all columns
of all tables: whoever asks for the lineage takes more for secret then, not less.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlglot import exp

from catalog.names import TableName
from catalog.tables import Table


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """A column of a table or view that a query reads."""

    table: TableName
    column: str


Origins = frozenset[Origin]
_NOTHING: Origins = frozenset()


@dataclass(frozen=True, slots=True)
class Lineage:
    """What each column of a query is made of, and the tables and views that the query reads."""

    columns: Mapping[str, Origins]
    tables: Mapping[TableName, Table]

    def of(self, column: str) -> Origins:
        """Return what a column is made of; all that the query reads, where that is not known."""
        return self.columns[column] if column in self.columns else _all_columns(self.tables)


def lineage(query: exp.Query, tables: Mapping[TableName, Table]) -> Lineage:
    """Return the lineage of a query whose names are resolved. ``tables`` are all that it reads, with all columns."""
    outputs = _Walk(tables).outputs(query, {}, ())
    return Lineage(MappingProxyType(outputs.by_name), MappingProxyType(dict(tables)))


@dataclass(frozen=True, slots=True)
class _Outputs:
    """The columns of something that can stand in FROM; ``otherwise``: what any other column of it is made of."""

    columns: tuple[tuple[str, Origins], ...]
    otherwise: Origins

    @property
    def by_name(self) -> dict[str, Origins]:
        found: dict[str, Origins] = {}
        for name, origins in self.columns:
            found[name] = found.get(name, _NOTHING) | origins
        return found

    def get(self, name: str) -> Origins:
        """Return what a column is made of."""
        return self.by_name.get(name, self.otherwise)

    def renamed(self, alias: exp.Expr | None) -> _Outputs:
        """Return the same under the column names of an alias, which may be fewer."""
        names = [one.name for one in alias.args.get("columns") or ()] if isinstance(alias, exp.TableAlias) else []
        if not names:
            return self
        if len(names) > len(self.columns):
            return _Outputs(tuple((name, self.otherwise) for name in names), self.otherwise)
        kept = [name for name, _ in self.columns[len(names) :]]
        origins = [origins for _, origins in self.columns]
        return _Outputs(tuple(zip([*names, *kept], origins, strict=True)), self.otherwise)


_Ctes = Mapping[str, _Outputs]
_Sources = Mapping[str, _Outputs]  # by alias
_Chain = tuple[_Sources, ...]  # of a query and those around it, the innermost first


class _Walk:
    """One query's lineage."""

    def __init__(self, tables: Mapping[TableName, Table]) -> None:
        self._tables = tables
        self._all = _all_columns(tables)

    def outputs(self, query: exp.Expr, ctes: _Ctes, chain: _Chain) -> _Outputs:
        """Return what a query's columns are made of."""
        if not isinstance(query, exp.Query):
            return self._unknown(())
        ctes = self._with(query, ctes, chain)
        if isinstance(query, exp.Subquery):
            return self.outputs(query.this, ctes, chain).renamed(query.args.get("alias"))
        if isinstance(query, exp.SetOperation):
            left, right = (self.outputs(side, ctes, chain) for side in (query.this, query.expression))
            if len(left.columns) != len(right.columns) or query.args.get("by_name"):
                return self._unknown(query.named_selects)
            both = zip(left.columns, right.columns, strict=True)
            return _Outputs(tuple((name, ours | theirs) for (name, ours), (_, theirs) in both), self._all)
        if not isinstance(query, exp.Select):
            return self._unknown(query.named_selects)
        inner = (self._sources(query, ctes, chain), *chain)
        windows = self._union(query.args.get("windows") or (), ctes, inner)
        columns = []
        for one in query.selects:
            origins = self._made_of(one, ctes, inner)
            columns.append((one.alias_or_name, origins | windows if _names_window(one) else origins))
        return _Outputs(tuple(columns), self._all)

    def _unknown(self, names: Iterable[str]) -> _Outputs:
        return _Outputs(tuple((name, self._all) for name in names), self._all)

    def _with(self, query: exp.Query, ctes: _Ctes, chain: _Chain) -> _Ctes:
        clause = query.args.get("with_")
        if clause is None:
            return ctes
        known = dict(ctes)
        for cte in clause.expressions:
            inside = known
            if clause.recursive and any(not one.db and one.name == cte.alias for one in cte.this.find_all(exp.Table)):
                inside = known | {cte.alias: self._unknown(())}
            known[cte.alias] = self.outputs(cte.this, inside, chain).renamed(cte.args.get("alias"))
        return known

    # --- FROM ---

    def _sources(self, query: exp.Select, ctes: _Ctes, chain: _Chain) -> _Sources:
        source = query.args.get("from_")
        nodes = [] if source is None else [source.this]
        nodes += [join.this for join in query.args.get("joins") or ()]
        nodes += query.args.get("laterals") or ()
        found: dict[str, _Outputs] = {}
        for node in nodes:
            self._add_source(node, found, ctes, chain)
        return found

    def _add_source(self, node: exp.Expr, found: dict[str, _Outputs], ctes: _Ctes, chain: _Chain) -> None:
        """Add what a node of FROM brings: itself under its alias, and what is joined to it inside of parentheses."""
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table) and not node.alias:
            self._add_source(node.this, found, ctes, chain)
        elif name := node.alias_or_name:
            found[name] = self._source(node, ctes, (found, *chain))
        for join in [*(node.args.get("joins") or ()), *(node.args.get("laterals") or ())]:
            self._add_source(join.this if isinstance(join, exp.Join) else join, found, ctes, chain)

    def _source(self, node: exp.Expr, ctes: _Ctes, chain: _Chain) -> _Outputs:
        alias = node.args.get("alias")
        if isinstance(node, exp.Table) and node.db:
            table = self._tables.get(TableName(node.db, node.name))
            if table is None:
                return self._unknown(())
            columns = tuple((one.name, frozenset({Origin(table.name, one.name)})) for one in table.columns)
            return _Outputs(columns, self._all).renamed(alias)
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            known = ctes.get(node.name)
            return self._unknown(()) if known is None else known.renamed(alias)
        if isinstance(node, exp.Lateral) and isinstance(node.this, exp.Subquery):
            return self.outputs(node.this, ctes, chain).renamed(alias)
        if isinstance(node, exp.Subquery):
            return self.outputs(node, ctes, chain)
        return _Outputs((), self._union(node.iter_expressions(), ctes, chain))  # a function, VALUES

    # --- expressions ---

    def _union(self, nodes: Iterable[exp.Expr], ctes: _Ctes, chain: _Chain) -> Origins:
        return _NOTHING.union(*(self._made_of(node, ctes, chain) for node in nodes))

    def _made_of(self, node: exp.Expr, ctes: _Ctes, chain: _Chain) -> Origins:
        if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
            return self._column(node, chain)
        if isinstance(node, exp.Star | exp.TableColumn | exp.Column):
            return self._all
        if isinstance(node, exp.Count) and _counts_columns(node):
            return _NOTHING
        if isinstance(node, exp.Query):
            return self._whole(node, ctes, chain)
        return self._union(node.iter_expressions(), ctes, chain)

    def _column(self, node: exp.Column, chain: Sequence[_Sources]) -> Origins:
        for sources in chain:
            if node.table in sources:
                return sources[node.table].get(node.name)
        return self._all

    def _whole(self, query: exp.Query, ctes: _Ctes, chain: _Chain) -> Origins:
        """What a subquery inside of an expression is made of: its rows are part of the value, so all of it counts."""
        inside = self._with(query, ctes, chain)
        inner = (self._sources(query, inside, chain), *chain) if isinstance(query, exp.Select) else chain
        return self._union(query.iter_expressions(), inside, inner)


def _all_columns(tables: Mapping[TableName, Table]) -> Origins:
    return frozenset(Origin(one.name, column.name) for one in tables.values() for column in one.columns)


def _names_window(node: exp.Expr) -> bool:
    return any(window.args.get("alias") is not None for window in node.find_all(exp.Window))


def _counts_columns(node: exp.Count) -> bool:
    """Whether rows or plain columns are counted; the count of an expression may tell what is in it."""
    arguments = [node.this, *node.expressions]
    if isinstance(node.this, exp.Distinct):
        arguments = node.this.expressions
    return all(isinstance(one, exp.Star | exp.Column | exp.Literal) for one in arguments)
