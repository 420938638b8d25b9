"""Statements that change a temporary table and read the lake: what of the lake is copied for them.

PostgreSQL carries such a statement out over hidden temporary tables. A subquery that reads the lake alone is copied as
it is, so that its conditions and aggregates stay the engine's; of any other the tables are, with the columns whose
names stand in the statement. Each copy is the rows of a query that is planned and governed as if the client had sent
it. What is not certain is refused: then the client can copy the rows himself.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.errors import SqlglotError

from catalog.errors import SqlError
from catalog.names import always_quoted
from catalog.sqlstate import SqlState
from catalog.tables import Table, visible_part
from gateway.sql.engine_dialect.before_qualify import parse
from gateway.sql.hidden_columns import HiddenColumns
from gateway.sql.resolve import MAX_DEPTH, Names, fold_identifiers, lookup
from gateway.sql.session_relations import KIND as SESSION
from gateway.sql.session_relations import TEMPORARY_SCHEMA, SessionRelation
from gateway.sql.statements import parse_query
from gateway.sql.temporary_statements import TemporaryStatement, closing, identifier
from gateway.sql.tokens import tokens
from gateway.sql.unread import refuse_tables
from optimizer.census import measure
from policies.view_relations import REFUSED_PARTS

HINT = "Copy the rows to a temporary table first: CREATE TEMPORARY TABLE ... AS SELECT ..."
_CHANGES = exp.Insert | exp.Update | exp.Delete | exp.Merge
_QUERIES = frozenset({"SELECT", "WITH", "TABLE"})
_BEFORE_TABLES = frozenset({"LIKE", "OF", "FROM", "JOIN", "USING", "ONLY", "TABLE", ",", "("})
_MOST_COPIES = 20  # of one statement
_NAME = "lakegate_rows_"

IsPlanned = Callable[[str], bool]
"""Whether a query can be answered by itself, and reads the lake."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A part of a statement, from ``start`` to ``end``, in whose place the rows of a ``query`` are read. ``name`` is
    what a table is called that has no alias; None for one that has, and for a subquery. ``literals`` are columns that
    stand in the statement as they are, by their places.
    """

    start: int
    end: int
    query: str
    is_table: bool = False
    name: str | None = None
    literals: dict[int, str] = field(default_factory=dict, hash=False)
    table: str = field(default_factory=lambda: f"{TEMPORARY_SCHEMA}.{always_quoted(_NAME + secrets.token_hex(8))}")

    def make(self, columns: int) -> str:
        """Return the statement that makes the table, without rows: its columns may have no names, or one twice."""
        listed = f" ({', '.join(numbered(columns))})" if columns else ""
        return f"CREATE TEMPORARY TABLE {self.table}{listed} AS {self.query} WITH NO DATA"

    def read(self, columns: Sequence[str]) -> str:
        """Return what stands in the statement then; ``columns`` are the names of the query's."""
        sources = [self.literals.get(place, name) for place, name in enumerate(numbered(len(columns)))]
        pairs = zip(sources, columns, strict=True)
        items = [f"{source} AS {always_quoted(name)}" for source, name in pairs]
        select = f"SELECT {', '.join(items)} FROM {self.table}"
        if not self.is_table:
            return select
        return f"({select})" if self.name is None else f"({select}) AS {always_quoted(self.name)}"


@dataclass(frozen=True, slots=True)
class Change:
    """A statement that changes a temporary table, and what is copied for it."""

    text: str
    copies: tuple[Copy, ...]

    def over(self, columns: Sequence[Sequence[str]]) -> str:
        """Return the statement over the copies, whose columns have these names."""
        made, at = [], 0
        for copy, names in sorted(zip(self.copies, columns, strict=True), key=lambda pair: pair[0].start):
            made += [self.text[at : copy.start], copy.read(names)]
            at = copy.end
        return "".join((*made, self.text[at:]))


def get_change(text: str, form: TemporaryStatement, names: Names, is_planned: IsPlanned) -> Change | None:
    """Return what is copied for a statement that changes a temporary table; None where it reads nothing of the lake.
    Raises SqlError 42P01 for names that mean nothing, and 0A000 for what cannot be copied.
    """
    tree = _tree(text)
    if tree is None:
        refuse_tables(text, names, _BEFORE_TABLES)
        return None
    read = [*_read(tree, names)]
    if not read:
        return None
    copies = [*_queries(text, form, tree, read, is_planned)]
    copies += [_table(text, tree, one, names) for one in read if not any(_is_within(one, copy) for copy in copies)]
    if len(copies) > _MOST_COPIES:
        raise refused(form.command)
    return Change(text, tuple(copies))


@dataclass(frozen=True, slots=True)
class _Named:
    """A relation of the lake that a statement names."""

    node: exp.Table
    table: Table
    start: int
    end: int


def _tree(text: str) -> exp.Expr | None:
    try:
        tree = parse(text)
    except (SqlglotError, RecursionError):
        return None
    if not isinstance(tree, _CHANGES) or measure(tree, MAX_DEPTH)[1] > MAX_DEPTH:
        return None
    fold_identifiers(tree)
    return tree


def _read(tree: exp.Expr, names: Names) -> Iterator[_Named]:
    with_names = {one.alias for one in tree.find_all(exp.CTE)}
    for node in tree.find_all(exp.Table):
        if not isinstance(node.this, exp.Identifier) or (not node.db and node.name in with_names):
            continue
        found = lookup(node, names)
        if isinstance(found, SessionRelation):
            found = found.table if found.view is not None else None
        if found is None:
            continue
        first = node.args.get("catalog") or node.args.get("db") or node.this
        start, end = first.meta.get("start"), node.this.meta.get("end")
        if not isinstance(start, int) or not isinstance(end, int):
            raise refused(type(tree).__name__.upper())
        yield _Named(node, found, start, end + 1)


def _queries(
    text: str, form: TemporaryStatement, tree: exp.Expr, read: Sequence[_Named], is_planned: IsPlanned
) -> Iterator[Copy]:
    """Yield the outermost queries that read the lake and can be answered by themselves."""
    with_names = {one.alias for one in tree.find_all(exp.CTE)}
    at = 0
    for start, end in _spans(text, form):
        within = [one for one in read if start <= one.start and one.end <= end]
        if start < at or not within:
            continue
        query = text[start:end]
        words = {identifier(token) for token in tokens(query)}
        if not words & with_names and is_planned(query):
            is_inserted = form.query is not None and start == form.query[0]
            yield Copy(start, end, query, literals=untyped(query) if is_inserted else {})
            at = end


def _spans(text: str, form: TemporaryStatement) -> Iterator[tuple[int, int]]:
    """Yield where queries stand: that of an INSERT, then those in parentheses, the outer ones before the inner."""
    if form.query is not None:
        yield without_parentheses(text, *form.query)
    words = tokens(text)
    for index, token in enumerate(words):
        if token.text == "(" and index + 1 < len(words) and words[index + 1].text.upper() in _QUERIES:
            last = closing(words, index)
            if words[last].text == ")" and last > index + 1:
                yield words[index + 1].start, words[last - 1].end


def _table(text: str, tree: exp.Expr, one: _Named, names: Names) -> Copy:
    """Return the copy of a table, with the columns whose names stand in the statement."""
    command, node, full = type(tree).__name__.upper(), one.node, one.table
    is_changed = node.arg_key == "this" and isinstance(node.parent, _CHANGES | exp.Schema)
    if is_changed or _is_part(text, one) or _names_schema(tree, node):
        raise refused(command)
    visible = full if full.kind == SESSION else visible_part(full, names.columns(full.name))
    known = [column.name for column in visible.columns]
    mentioned = {identifier.name for identifier in tree.find_all(exp.Identifier)}
    is_whole = _is_whole(tree, node)
    hidden = {column.name for column in full.columns} - {*known}
    if not known or (hidden and (is_whole or hidden & mentioned)):
        raise refused(command)
    columns = known if is_whole else [name for name in known if name in mentioned] or known[:1]
    query = f"SELECT {', '.join(map(always_quoted, columns))} FROM {text[one.start : one.end]}"
    return Copy(one.start, one.end, query, is_table=True, name=None if node.alias else node.name)


def _is_part(text: str, one: _Named) -> bool:
    """Whether something stands at the table that no query in its place can have."""
    words = tokens(text)
    before = [word.text.upper() for word in words if word.end <= one.start][-2:]
    is_only = before[-1:] == ["ONLY"] or before == ["ONLY", "("]
    is_sampled = any(word.text.upper() == "TABLESAMPLE" for word in words)
    return is_only or is_sampled or any(one.node.args.get(part) for part in REFUSED_PARTS)


def _names_schema(tree: exp.Expr, node: exp.Table) -> bool:
    """Whether a column names the table's schema: its copy has another."""
    return any(one.args.get("db") and one.table == node.name for one in tree.find_all(exp.Column))


def _is_whole(tree: exp.Expr, node: exp.Table) -> bool:
    """Whether columns may be meant that are not named."""
    alias = node.args.get("alias")
    if isinstance(alias, exp.TableAlias) and alias.columns:
        return True
    if any(not isinstance(star.parent, exp.Count) for star in tree.find_all(exp.Star)):
        return True
    if any(join.method == "NATURAL" for join in tree.find_all(exp.Join)):
        return True
    return any(not one.table and one.name == node.alias_or_name for one in tree.find_all(exp.Column))


def _is_within(one: _Named, copy: Copy) -> bool:
    return copy.start <= one.start and one.end <= copy.end


def refused(command: str) -> SqlError:
    """Return the error for a statement that the client has to copy rows for."""
    message = f"this form of {command} of a temporary table cannot read tables of the lake"
    return HiddenColumns(SqlState.FEATURE_NOT_SUPPORTED, message, hint=HINT)


def numbered(columns: int) -> list[str]:
    """Return the names of a hidden table's columns."""
    return [f"c{place}" for place in range(1, columns + 1)]


def without_parentheses(text: str, start: int, end: int) -> tuple[int, int]:
    """Return where a query stands in its parentheses."""
    words = tokens(text[start:end])
    first, last = 0, len(words) - 1
    while first < last and words[first].text == "(" and closing(words, first) == last:
        first, last = first + 1, last - 1
    return start + words[first].start, start + words[last].end


def untyped(query: str, columns: int | None = None) -> dict[int, str]:
    """Return the strings and NULLs without a type among a query's columns, by their places: they take the type of the
    column that they go to. ``columns`` is how many there are, where it is known.
    """
    tree = parse_query(query)
    if not isinstance(tree, exp.Select) or tree.is_star or columns not in (None, len(tree.expressions)):
        return {}
    items = [one.unalias() for one in tree.expressions]
    return {
        place: one.sql("postgres")
        for place, one in enumerate(items)
        if isinstance(one, exp.Null) or (isinstance(one, exp.Literal) and one.is_string)
    }
