"""Short forms: what PostgreSQL's grammar has beside the plain forms that names are resolved in and the engine reads.

Each rule of ``RULES`` takes a statement's tree as it was parsed and changes it in place; none changes what it means.
Beside it stands what a statement must have to be changed by it: most have nothing for most rules.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from sqlglot import exp

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.sql.engine_dialect import grouping_sets, json_constructors, pattern_operators, search_cycle, sql_json
from gateway.sql.engine_dialect.build import SAMPLED, named
from gateway.sql.engine_dialect.patterns import by_backslash
from gateway.sql.engine_dialect.spelling import LIKE_CALL, LOCAL, NORMALIZED
from optimizer.census import Census, take_census

_REGEXP_LIKE = {"": exp.RegexpLike, "c": exp.RegexpLike, "i": exp.RegexpILike}  # by flags
_MAX_COPIED = 5_000  # parts of queries in WITH that are copied to where they are named
_ROWS_AS_QUERIES = 64  # rows of VALUES that become queries of a UNION
_CODE_POINT_ORDERS = frozenset({"c", "posix", "ucs_basic", "default", "c.utf8", "pg_c_utf8", "c.utf-8"})


def spell_out(tree: exp.Expr, census: Census) -> Census:
    """Apply the rules to a statement, in place. Returns what it has then."""
    for rule, is_wanted in RULES:
        if is_wanted(census):
            rule(tree)
            census = take_census(tree)
    return census


def _each(tree: exp.Expr, kind: type[exp.Expr]) -> list[exp.Expr]:
    return list(tree.find_all(kind))


def negative_constants(tree: exp.Expr) -> None:
    """``-(-5)`` is the constant 5, and ``-(-2147483648)`` so a bigint, where ``-2147483648`` is an integer."""
    for node in reversed(_each(tree, exp.Neg)):
        inner = node.this.unnest()
        if isinstance(inner, exp.Neg) and isinstance(inner.this.unnest(), exp.Literal) and not inner.this.is_string:
            node.replace(inner.this.unnest())


def row_keyword(tree: exp.Expr) -> None:
    """``ROW(a, b)`` is ``(a, b)``: the parser takes ``row`` for a function."""
    for node in reversed(_each(tree, exp.Anonymous)):
        if node.name.lower() == "row":
            node.replace(exp.Tuple(expressions=node.expressions))


def like_calls(tree: exp.Expr) -> None:
    """``like(a, b)`` is ``a LIKE b``."""
    for node in _each(tree, exp.Anonymous):
        if node.name == LIKE_CALL and len(node.expressions) == 2:
            text, pattern = node.expressions
            node.replace(exp.Paren(this=exp.Like(this=exp.Paren(this=text), expression=exp.Paren(this=pattern))))


def queries_as_conditions(tree: exp.Expr) -> None:
    """``(SELECT …) AND a`` is ``(SELECT …) = true AND a``: a query is no condition to sqlglot, which joins them."""
    for node in tree.find_all(exp.And, exp.Or):
        for side in (node.left, node.right):
            if isinstance(side.unnest(), exp.Query):
                side.replace(exp.Paren(this=exp.EQ(this=side.copy(), expression=exp.true())))


def similar_patterns(tree: exp.Expr) -> None:
    """``a ~ similar_to_escape('pattern', 'e')`` is ``a SIMILAR TO 'pattern' ESCAPE 'e'``: PostgreSQL keeps policies and
    views so. Another escape character than the backslash is written as one.
    """
    for node in _each(tree, exp.RegexpLike):
        made = node.expression.unnest()
        if isinstance(made, exp.Anonymous) and made.name == "similar_to_escape":
            _be_similar(node, node.this, *made.expressions)
    for node in _each(tree, exp.Escape):
        if isinstance(node.this, exp.SimilarTo):
            _be_similar(node, node.this.this, node.this.expression, node.expression)


def _be_similar(node: exp.Expr, value: exp.Expr, *written: exp.Expr) -> None:
    found = [_constant(one) for one in written]
    pattern, escape = (*found, "\\")[:2]
    plain = None if pattern is None or escape is None else by_backslash(pattern, escape)
    if plain is not None:
        node.replace(exp.Paren(this=exp.SimilarTo(this=value.copy(), expression=exp.Literal.string(plain))))


def _constant(node: exp.Expr) -> str | None:
    """Return a constant text, as PostgreSQL's deparsed texts have it, too."""
    bare = node.unnest()
    bare = bare.this if isinstance(bare, exp.Cast) and bare.is_type("text") else bare
    return bare.name if isinstance(bare, exp.Literal) and bare.is_string else None


def regexp_like_calls(tree: exp.Expr) -> None:
    """``regexp_like(a, 'x', 'i')`` is ``a ~* 'x'``: they are of one kind of regular expressions."""
    for node in _each(tree, exp.Anonymous):
        if node.name.lower() == "regexp_like" and len(node.expressions) == 3:
            value, pattern, flags = node.expressions[0], _constant(node.expressions[1]), _constant(node.expressions[2])
            operator = None if flags is None else _REGEXP_LIKE.get(flags)
            if operator is not None and pattern is not None:
                text, regex = exp.cast(value.copy(), "text", dialect="postgres"), exp.Literal.string(pattern)
                node.replace(exp.Paren(this=operator(this=text, expression=regex)))


_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "make_date": ("year", "month", "day"),
    "random_normal": ("mean", "stddev"),
    "regexp_match": ("string", "pattern", "flags"),
    "regexp_split_to_array": ("string", "pattern", "flags"),
}
"""What PostgreSQL calls the arguments of functions that the engine computes."""


def named_arguments(tree: exp.Expr) -> None:
    """``make_date(day => 1, month := 2, year => 2024)`` is ``make_date(2024, 2, 1)``, in place."""
    for node in _each(tree, exp.PropertyEQ):
        if isinstance(node.parent, exp.Func):
            node.replace(exp.Kwarg(this=exp.var(node.name), expression=node.expression))
    for node in _each(tree, exp.Anonymous):
        names = _ARGUMENTS.get(node.name.lower(), ())
        by_name = {one.this.name.lower(): one.expression for one in node.expressions if isinstance(one, exp.Kwarg)}
        plain = [one for one in node.expressions if not isinstance(one, exp.Kwarg)]
        rest = names[len(plain) : len(plain) + len(by_name)]
        if by_name and {*rest} == {*by_name}:
            node.set("expressions", [*plain, *(by_name[name] for name in rest)])


def normal_forms(tree: exp.Expr) -> None:
    """``a IS NFC NORMALIZED`` is the function of PostgreSQL's that its grammar makes of it."""
    for node in reversed([*tree.find_all(exp.NullSafeEQ, exp.NullSafeNEQ)]):
        mark = node.expression
        if isinstance(mark, exp.Literal) and mark.name.startswith(NORMALIZED):
            form = exp.Literal.string(mark.name.removeprefix(NORMALIZED))
            made = exp.Anonymous(this="is_normalized", expressions=[node.this.copy(), form])
            node.replace(exp.Paren(this=exp.Not(this=made)) if isinstance(node, exp.NullSafeNEQ) else made)


def local_times(tree: exp.Expr) -> None:
    """``a AT LOCAL`` is ``timezone(a)``, as PostgreSQL has it."""
    for node in reversed(_each(tree, exp.AtTimeZone)):
        zone = node.args["zone"]
        if isinstance(zone, exp.Literal) and zone.name == LOCAL:
            node.replace(exp.Anonymous(this="timezone", expressions=[node.this.copy()]))


def times_of_day(tree: exp.Expr) -> None:
    """``LOCALTIME`` is ``LOCALTIMESTAMP::time``, and ``CURRENT_TIME`` is ``CURRENT_TIMESTAMP::timetz``."""
    for node in _each(tree, exp.Localtime) + _each(tree, exp.CurrentTime):
        is_local = isinstance(node, exp.Localtime)
        moment = exp.Localtimestamp() if is_local else exp.CurrentTimestamp()
        digits = [exp.DataTypeParam(this=node.this.copy())] if node.this is not None else []
        sql_type = exp.DataType(this=exp.DType.TIME if is_local else exp.DType.TIMETZ, expressions=digits)
        made: exp.Expr = exp.Cast(this=moment, to=sql_type)
        if isinstance(node.parent, exp.Select) and node.arg_key == "expressions":
            made = named(made, "localtime" if is_local else "current_time")
        node.replace(made)


def row_star(tree: exp.Expr) -> None:
    """``(t).*`` is ``t.*``."""
    for node in _each(tree, exp.Dot):
        row = node.this.unnest()
        if isinstance(node.expression, exp.Star) and isinstance(row, exp.Column) and not row.table:
            node.replace(exp.Column(this=exp.Star(), table=row.this.copy()))


def values_as_query(tree: exp.Expr) -> None:
    """``VALUES`` in an expression or behind LATERAL becomes queries, each of a row: the engine takes it in FROM alone,
    and only constants.
    """
    for node in _each(tree, exp.Values):
        parent = node.parent
        if isinstance(parent, exp.From | exp.Join):
            if node.find(exp.Query) is not None:
                alias = node.args.get("alias")
                node.replace(exp.Subquery(this=_queries(node), alias=alias.copy() if alias is not None else None))
        elif isinstance(parent, exp.In):
            parent.set("query", exp.Subquery(this=_queries(node)))
            parent.set("expressions", None)
        elif isinstance(parent, exp.Exists) or (isinstance(parent, exp.Subquery) and not _is_item(parent)):
            node.replace(_queries(node))


def _is_item(node: exp.Subquery) -> bool:
    return isinstance(node.parent, exp.From | exp.Join)


def _queries(values: exp.Expr) -> exp.Expr:
    """Return the query that has the rows of ``VALUES``."""
    rows = [row.expressions if isinstance(row, exp.Tuple) else [row] for row in values.expressions]
    if len(rows) > _ROWS_AS_QUERIES:
        copied = values.copy()
        copied.set("alias", exp.TableAlias(this=exp.to_identifier("*VALUES*", quoted=True)))
        return exp.select("*").from_(copied)
    queries: list[exp.Expr] = []
    for row in rows:
        columns = [named(value.copy(), f"column{at}") for at, value in enumerate(row, 1)]
        queries.append(exp.Select(expressions=columns))
    whole = queries[0]
    for query in queries[1:]:
        whole = exp.Union(this=whole, expression=query, distinct=False)
    return whole


def sample(tree: exp.Expr) -> None:
    """``TABLESAMPLE method (p)``: each row with the probability p/100, as PostgreSQL chooses them. Which ones
    REPEATABLE chooses depends on where they lie in its pages.
    """
    for node in _each(tree, exp.Table):
        found = node.args.get("sample")
        if found is None:
            continue
        percent = found.args.get("percent")
        if percent is None or str(found.args.get("method") or "").upper() not in ("BERNOULLI", "SYSTEM"):
            continue
        whole = isinstance(percent, exp.Literal) and float(percent.name) in (0, 100)
        if found.args.get("seed") is not None and not whole:
            continue
        node.set("sample", None)
        chosen = exp.LT(this=exp.Mul(this=exp.Rand(), expression=exp.Literal.number(100)), expression=percent.copy())
        inner = exp.Table(this=node.this, db=node.args.get("db"), catalog=node.args.get("catalog"))
        query = exp.Select(expressions=[exp.Star()], from_=exp.From(this=inner), where=exp.Where(this=chosen))
        alias = node.args.get("alias") or exp.TableAlias(this=node.this.copy())
        sampled = exp.Subquery(this=query, alias=alias.copy(), joins=node.args.get("joins"))
        sampled.meta[SAMPLED] = not alias.columns  # a list of names would count columns that are hidden
        node.replace(sampled)


def code_point_order(tree: exp.Expr) -> None:
    """``COLLATE "C"``: texts are compared by code points anyway. Other collations the engine does not have."""
    for node in reversed(_each(tree, exp.Collate)):
        name = node.expression.name if isinstance(node.expression, exp.Identifier | exp.Column | exp.Dot) else ""
        if name.lower() not in _CODE_POINT_ORDERS:
            continue
        value = node.this
        node.replace(value if isinstance(value, exp.Column) else exp.Paren(this=value))


def limit_all(tree: exp.Expr) -> None:
    """``LIMIT ALL`` is no limit: the parser takes ``all`` for an expression."""
    for node in _each(tree, exp.Limit):
        rows = node.args.get("expression")
        if isinstance(rows, exp.Var) and rows.name.upper() == "ALL":
            node.pop()


def only(tree: exp.Expr) -> None:
    """``ONLY t``: tables of the lake have no children."""
    for node in _each(tree, exp.Table):
        node.set("only", None)


def plain_grouping_sets(tree: exp.Expr) -> None:
    """``ROLLUP``, ``CUBE`` and nested sets become a list of plain sets (`grouping_sets`)."""
    for node in _each(tree, exp.Select):
        grouping_sets.spell_out(cast(exp.Select, node))


def inner_with(tree: exp.Expr) -> None:
    """``WITH`` of a subquery in an expression or behind LATERAL, which may look at rows around it, or one whose name is
    used twice in the statement: its queries go where they are named. The engine knows one WITH of each name.
    """
    seen: set[str] = set()
    copied = 0
    for clause in _each(tree, exp.With):
        names = {_folded(cte.args["alias"].this) for cte in clause.expressions}
        query = clause.parent
        if query is None or clause.args.get("recursive") or not (_is_value(query) or names & seen):
            seen |= names
            continue
        for cte in clause.expressions:
            copied += _put_in_place(cte, query, clause, _MAX_COPIED - copied)
        query.set("with_", None)


def _is_value(query: exp.Expr) -> bool:
    parent = query.parent
    if isinstance(parent, exp.Subquery):
        return not isinstance(parent.parent, exp.From | exp.Join | exp.SetOperation | exp.CTE | exp.Subquery | None)
    return isinstance(parent, exp.Exists | exp.In)


def _put_in_place(cte: exp.Expr, query: exp.Expr, clause: exp.Expr, most: int) -> int:
    """Copy a query to where its name stands; return how many parts that were. Raises 54001 beyond ``most``."""
    size, copied = 0, 0
    later = clause.expressions[clause.expressions.index(cte) + 1 :]
    places = [node for part in (query, *later) for node in part.find_all(exp.Table)]
    within = {id(node) for node in clause.find_all(exp.Table)} - {
        id(node) for part in later for node in part.find_all(exp.Table)
    }
    for node in {id(one): one for one in places}.values():
        if id(node) in within or node.args.get("db") or not _names(node, cte):
            continue
        if _is_hidden(node, cte, query):
            continue
        size = size or sum(1 for _ in cte.this.walk())
        copied += size
        if copied > most:
            raise SqlError(SqlState.STATEMENT_TOO_COMPLEX, "WITH in subqueries is nested too deeply")
        names = cte.args["alias"].args.get("columns") or []
        own = node.args.get("alias")
        given = (own.args.get("columns") or []) if own is not None else []
        label = own.this if own is not None else cte.args["alias"].this
        alias = exp.TableAlias(
            this=label.copy(), columns=[one.copy() for one in [*given, *names[len(given) :]]] or None
        )
        node.replace(exp.Subquery(this=cte.this.copy(), alias=alias, joins=node.args.get("joins")))
    return copied


def _folded(identifier: exp.Expr) -> str:
    return identifier.name if identifier.args.get("quoted") else identifier.name.lower()


def _names(node: exp.Expr, cte: exp.Expr) -> bool:
    return isinstance(node.this, exp.Identifier) and _folded(node.this) == _folded(cte.args["alias"].this)


def with_order(tree: exp.Expr) -> None:
    """WITH RECURSIVE queries may name later ones: those that are named come first."""
    for clause in _each(tree, exp.With):
        if not clause.args.get("recursive"):
            continue
        waiting, sorted_ = [*clause.expressions], list[exp.Expr]()
        while waiting:
            names = {_folded(one.args["alias"].this) for one in waiting}
            free = next((one for one in waiting if not _names_any(one, names)), None)
            if free is None:
                break  # they name each other
            waiting.remove(free)
            sorted_.append(free)
        if not waiting:
            clause.set("expressions", sorted_)


def _names_any(cte: exp.Expr, names: set[str]) -> bool:
    """Whether a query names one of several WITH queries, but for itself."""
    others = names - {_folded(cte.args["alias"].this)}
    tables = (one for one in _each(cte, exp.Table) if isinstance(one.this, exp.Identifier))
    return any(not one.args.get("db") and _folded(one.this) in others for one in tables)


def _is_hidden(node: exp.Expr, cte: exp.Expr, query: exp.Expr) -> bool:
    """Whether another WITH between a table and the query has the same name."""
    name = _folded(cte.args["alias"].this)
    above = node.parent
    while above is not None and above is not query:
        clause = above.args.get("with_")
        if clause is not None and name in {_folded(one.args["alias"].this) for one in clause.expressions}:
            return True
        above = above.parent
    return False


def _has(*classes: type[exp.Expr]) -> Callable[[Census], bool]:
    return lambda census: census.has(*classes)


def _has_only(census: Census) -> bool:
    return any(one.args.get("only") for one in census.find_all(exp.Table))


def _has_queries_as_conditions(census: Census) -> bool:
    return census.has(exp.And, exp.Or) and any(
        isinstance(one.find_ancestor(exp.Connector, exp.Predicate, exp.Query), exp.Connector)
        for one in census.find_all(exp.Subquery)
    )


def _has_grouping_sets(census: Census) -> bool:
    return any(grouping_sets.has_short_form(one) for one in census.find_all(exp.Group))


def _has_recursive(census: Census) -> bool:
    return any(len(one.expressions) > 1 and one.args.get("recursive") for one in census.find_all(exp.With))


def _has_inner_with(census: Census) -> bool:
    clauses = census.find_all(exp.With)
    return len(clauses) > 1 or any(one.parent is not census.nodes[0] for one in clauses)


RULES: tuple[tuple[Callable[[exp.Expr], None], Callable[[Census], bool]], ...] = (
    (sql_json.json_calls, _has(exp.JSONValue, exp.Anonymous)),
    (json_constructors.object_aggregates, _has(exp.JSONObjectAgg)),
    (search_cycle.search_and_cycle, search_cycle.has_search_or_cycle),
    (negative_constants, _has(exp.Neg)),
    (row_keyword, _has(exp.Anonymous)),
    (like_calls, _has(exp.Anonymous)),
    (named_arguments, _has(exp.Kwarg, exp.PropertyEQ)),
    (pattern_operators.compared, _has(exp.BitwiseOr)),
    (queries_as_conditions, _has_queries_as_conditions),
    (similar_patterns, _has(exp.RegexpLike, exp.Escape)),
    (regexp_like_calls, _has(exp.Anonymous)),
    (normal_forms, _has(exp.NullSafeEQ, exp.NullSafeNEQ)),
    (local_times, _has(exp.AtTimeZone)),
    (times_of_day, _has(exp.Localtime, exp.CurrentTime)),
    (row_star, _has(exp.Dot)),
    (values_as_query, _has(exp.Values)),
    (sample, _has(exp.TableSample)),
    (code_point_order, _has(exp.Collate)),
    (limit_all, _has(exp.Var)),
    (only, _has_only),
    (plain_grouping_sets, _has_grouping_sets),
    (with_order, _has_recursive),
    (inner_with, _has_inner_with),
)
