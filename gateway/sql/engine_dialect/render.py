"""Render: a typed query in PostgreSQL's grammar becomes SQL that makes the engine answer PostgreSQL's rows.

First the clauses of each SELECT (`queries`, `sources`), then every expression once, from the leaves up, by the rules
of its class (`rules`).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from sqlglot import exp

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from catalog.whole_numbers import InWholeNumbers
from gateway.sql.engine_dialect import (
    aggregates,
    allowed,
    blanks,
    bounds,
    constant_divisions,
    correlation,
    distinct_on,
    equal_values,
    evaluation_order,
    exact_quotients,
    filters_above_totals,
    group_keys,
    names,
    nan_signs,
    nesting,
    outer_aggregates,
    outer_constants,
    output,
    postgres_calls,
    queries,
    records,
    rows_apart,
    short_quotients,
    sources,
    subquery_joins,
    text_aggregates,
    volatile,
    windows,
)
from gateway.sql.engine_dialect.barriers import put_barriers
from gateway.sql.engine_dialect.build import ENGINE, POLICY, refuse
from gateway.sql.engine_dialect.call_marks import called, get_mark
from gateway.sql.engine_dialect.compared_parameters import are_compared
from gateway.sql.engine_dialect.dialect import generate
from gateway.sql.engine_dialect.empty_values import make_nullable
from gateway.sql.engine_dialect.kinds import is_converted
from gateway.sql.engine_dialect.moments import Session
from gateway.sql.engine_dialect.outer_joins import without_right_joins
from gateway.sql.engine_dialect.postgres_calls import ResultTypes
from gateway.sql.engine_dialect.rules import BY_CLASS
from gateway.sql.engine_dialect.whole_numbers import in_whole_numbers
from gateway.sql.engine_dialect.with_materialized import Materialized, Once, materialized
from optimizer.census import LEAVES, Census, take_census
from optimizer.copies import copied, copied_with_census

UTC = Session()
_PLACE = "place"  # in a node's meta: its number in the tree before it was translated
_MOST_REFUSED = 200  # expressions of one statement
_MOST_LEVELS = 4


@dataclass(frozen=True, slots=True)
class Rendered:
    """The engine's SQL, what it has PostgreSQL evaluate, whether its parameters do nothing but be compared, what of it
    may be computed once, before the rest, and its form for sums of whole numbers.
    """

    sql: str
    calls: frozenset[str]
    compares: bool
    once: Materialized | None = None
    in_whole_numbers: InWholeNumbers | None = None


def render(tree: exp.Query, session: Session = UTC, *, numeric_text: bool = False) -> str:
    """Return the engine's SQL for a query that is qualified and typed by `inference.annotate`.

    The tree is left as it is. With ``numeric_text``, output columns that are inexact numerics (quotients, averages)
    come as text with the digits PostgreSQL shows, else as decimal256(76, 28). Raises 0A000 for what cannot be answered
    as PostgreSQL would.
    """
    return _rendered(*_translated_tree(tree, session, None), numeric_text).sql


def render_with_calls(
    tree: exp.Query, session: Session, types: ResultTypes | None, once: Once = Once.NEVER, *, is_large: bool = False
) -> Rendered:
    """Return the engine's SQL as `render` does, with ``numeric_text``; what the dialect has no translation for is a
    call of PostgreSQL's. ``once`` says which WITH queries are to be computed once; ``is_large`` that the tables are so
    large that it is worth to look for sums of whole numbers.
    """
    return _rendered(*_translated_tree(tree, session, types), True, once, is_large)


def _rendered(
    tree: exp.Query, census: Census, numeric_text: bool, once: Once = Once.NEVER, is_large: bool = False
) -> Rendered:
    if blanks.put_out(tree):
        census = take_census(tree)
    if numeric_text and output.with_numeric_text(tree, census):
        census = take_census(tree)
    if census.has(exp.Anonymous) and exact_quotients.multiply(census):
        census = take_census(tree)
    if census.has(exp.Anonymous) and short_quotients.shorten(census):
        census = take_census(tree)
    nesting.check(census)
    compares = are_compared(census)
    sides = {join.side for join in census.find_all(exp.Join)}
    tree = make_nullable(tree, census)
    tree = outer_constants.hide(tree) if sides - {""} else tree
    tree = without_right_joins(tree) if sides & {"RIGHT", "FULL"} else tree
    tree = _in_parentheses(tree) if census.has(*_NULL_SAFE) else tree
    parts = materialized(tree, once)
    volatile.check(census, () if parts is None else [one.name for one in parts.queries])
    sql = generate(tree)
    whole = in_whole_numbers(tree) if is_large and census.has(exp.Sum) else None
    return Rendered(sql, called(tree) if census.has(exp.Anonymous) else frozenset(), compares, parts, whole)


_NULL_SAFE = (exp.NullSafeEQ, exp.NullSafeNEQ)


def _in_parentheses(tree: exp.Query) -> exp.Query:
    """Put IS [NOT] DISTINCT FROM into parentheses, in place: the engine takes an AND behind it into its right side."""
    for node in [*tree.find_all(*_NULL_SAFE)]:
        if not isinstance(node.parent, exp.Paren):
            node.replace(exp.Paren(this=copied(node)))
    return tree


def translate(tree: exp.Query, session: Session = UTC, types: ResultTypes | None = None) -> exp.Query:
    """Return the query in the engine's terms, still as a tree. With ``types``, PostgreSQL is called for what the
    engine's terms have no words for. It shares identifiers with the tree, which is left as it is.
    """
    return _translated_tree(tree, session, types)[0]


def _translated_tree(tree: exp.Query, session: Session, types: ResultTypes | None) -> tuple[exp.Query, Census]:
    if types is None:
        return _translate(*copied_with_census(tree), session)
    try:
        return _translate(*_marked(tree, types), session)
    except SqlError as error:
        if error.sqlstate is not SqlState.FEATURE_NOT_SUPPORTED:
            raise
    tree, _ = _marked(tree, types)
    for _ in range(_MOST_REFUSED):
        numbered = _numbered(copied(tree))
        try:
            return _translate(numbered, take_census(numbered), session)
        except _Refused as refused:
            if not _call_for(refused.place, tree, types):
                raise refused.error from None
    raise SqlError(SqlState.STATEMENT_TOO_COMPLEX, "too many expressions of a statement are evaluated by PostgreSQL")


def _marked(tree: exp.Query, types: ResultTypes) -> tuple[exp.Query, Census]:
    """Return a copy in which PostgreSQL's calls are marked, and its census."""
    marked, census = copied_with_census(tree)
    return marked, take_census(marked) if postgres_calls.mark(census, types) else census


def _call_for(place: int, tree: exp.Query, types: ResultTypes) -> bool:
    """Have PostgreSQL evaluate the expression that a rule has refused, or one around it."""
    node: exp.Expr | None = next(itertools.islice(tree.walk(), place, None), None)
    for _ in range(_MOST_LEVELS):
        if node is None or isinstance(node, exp.Query | exp.Alias) or get_mark(node) is not None:
            return False
        if postgres_calls.put(node, types) is not None:
            return True
        node = node.parent
    return False


class _Refused(Exception):
    """A rule has refused a node, which is told by its place in the tree as it was before."""

    def __init__(self, place: int, error: SqlError) -> None:
        super().__init__(error.message)
        self.place = place
        self.error = error


def _numbered(tree: exp.Query) -> exp.Query:
    for place, node in enumerate(tree.walk()):
        node.meta[_PLACE] = place
    return tree


def _translate(tree: exp.Query, census: Census, session: Session) -> tuple[exp.Query, Census]:
    """Translate in place; return the census of what was made. Raises `_Refused` where a numbered node is refused."""
    allowed.check(census)
    bounds.check(census)
    constant_divisions.check(tree, census)
    outer_aggregates.check(census)
    if equal_values.check(census):
        census = take_census(tree)
    records.check(tree, census)
    volatile.mark(census)
    tree, census = _taken_apart(tree, census)
    for query in reversed(census.find_all(*_QUERIES)):
        _clauses(query, session, census.classes)
    if exp.Filter in census.classes:
        aggregates.spare_filtered(tree)
        if filters_above_totals.keep_apart(tree, census):
            census = take_census(tree)
    if exp.Distinct in census.classes:
        aggregates.widen_beside_distinct(tree)
    if exp.GroupConcat in census.classes:
        text_aggregates.keep_apart(tree)
    census = nan_signs.drop(tree, evaluation_order.keep_order(tree, census))
    keeps_rows = not census.classes.isdisjoint(_KEEPING_ROWS)
    tree = _with_rules(tree, session)
    census = take_census(tree)
    if keeps_rows and put_barriers(census):
        census = take_census(tree)
    if sum(names.tell_apart(select) for select in census.find_all(exp.Select)):
        census = take_census(tree)
    return tree, census


_QUERIES: tuple[type[exp.Select | exp.SetOperation], ...] = (exp.Select, exp.SetOperation)
_KEEPING_ROWS = frozenset({exp.Where, exp.Having, exp.Limit, exp.Fetch})


def _taken_apart(tree: exp.Query, census: Census) -> tuple[exp.Query, Census]:
    """Change whole queries, where these are of few forms, in place. An outer one may copy what is in it, so that inner
    ones come first.
    """
    if queries.may_stand_apart(census):
        for query in reversed(census.find_all(exp.Select, exp.SetOperation)):
            tree = queries.apart(query, tree)
        census = take_census(tree)
    if subquery_joins.to_joins(tree, census):
        census = take_census(tree)
    if operations := census.find_all(exp.SetOperation):
        for operation in reversed(operations):
            found = queries.set_operation(operation)
            tree = found if operation is tree else tree
        census = take_census(tree)
    return tree, census


def _with_rules(tree: exp.Query, session: Session) -> exp.Query:
    """Apply the rules from the leaves up, in place."""
    root: exp.Expr = tree
    for node in reversed(_to_translate(tree)):
        try:
            root = _translated(node, root, session)
        except SqlError as error:
            if error.sqlstate is SqlState.FEATURE_NOT_SUPPORTED and _PLACE in node.meta:
                raise _Refused(node.meta[_PLACE], error) from error
            raise
    assert isinstance(root, exp.Query)
    return root


def _to_translate(tree: exp.Query) -> list[exp.Expr]:
    """Return the nodes that rules are for, each before those below it, from left to right."""
    found: list[exp.Expr] = []
    waiting: list[exp.Expr] = [tree]
    while waiting:
        node = waiting.pop()
        if node.__class__ is exp.Column:
            if is_converted(node):
                found.append(node)
        elif node.__class__ not in LEAVES:
            if node.__class__ in BY_CLASS:
                found.append(node)
            elif node.__class__ is exp.Alias:
                waiting.append(node.args["this"])
                continue
            waiting.extend(node.iter_expressions(reverse=True))
    return found


def _clauses(query: exp.Select | exp.SetOperation, session: Session, present: frozenset[type[exp.Expr]]) -> None:
    queries.fetch(query)
    if isinstance(query, exp.SetOperation):
        queries.columns_alike(query, session)
        return
    if exp.Tuple not in present and correlation.chooses_columns(query):
        return
    queries.refused_clauses(query)
    if exp.TableSample in present and query.find(exp.TableSample) is not None:
        raise refuse("TABLESAMPLE", "Use ORDER BY random() LIMIT n.")
    equal_values.group(query)
    queries.lone_having(query)
    if present & {exp.Window, exp.Fetch}:
        queries.named_windows(query)
        windows.spell_out(query)
    if exp.Distinct in present:
        distinct_on.keys_in_order(query)
    if exp.Tuple in present:
        records.spell_out(query, session)
    if present & {exp.Explode, exp.ExplodingGenerateSeries, exp.GenerateSeries, exp.Unnest}:
        rows_apart.forget_keys(query)
    sources.functions(query, session)
    group_keys.forget_grouped(query)
    queries.output_names(query)
    queries.output_constants(query)
    queries.keep_conditions_out(query)


def _translated(node: exp.Expr, root: exp.Expr, session: Session) -> exp.Expr:
    """Apply each rule for the node's class, in order; a rule that makes another class ends it."""
    if (meta := node._meta) is not None:
        if meta.get(ENGINE):
            return root
        session = session.usual if meta.get(POLICY) else session
    current = node
    for rule, takes_session in BY_CLASS[type(node)]:
        parent, key, index = current.parent, current.arg_key, current.index
        new = rule(current, session) if takes_session else rule(current)
        if new is current:
            continue
        if new.type is None and isinstance(node.type, exp.DataType):
            new.type = node.type
        if parent is None:
            new.parent = None
            root = new
        else:
            parent.set(
                key or "this", new, index
            )  # the old node may stand inside the new one: its own place is right already
        current = new
        if type(new) is not type(node):
            break
    return root
