"""SEARCH and CYCLE of WITH RECURSIVE: columns that the query carries along, as PostgreSQL's own rewriter adds them.

The parser does not read the clauses: `recursive_clauses` moves each into a WITH query of its own, under a name that no
text of a client can hold, and `search_and_cycle` takes them out of the tree and adds the columns. A path is an array of
the texts of rows. Beside the column that SEARCH sets stands one by which the engine can sort: it takes its place in
ORDER BY.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from catalog.order_functions import ORDER_OF
from gateway.sql.engine_dialect.build import refuse
from optimizer.census import Census
from optimizer.copies import copied

_SEARCH, _CYCLE = "\0search", "\0cycle"
_KINDS = frozenset({"DEPTH", "BREADTH"})
_INNER, _OUTER = '"*TLOCRN*"', '"*TROCRN*"'  # as PostgreSQL names them


@dataclass(frozen=True, slots=True)
class _Search:
    """``SEARCH DEPTH FIRST BY columns SET name``."""

    columns: list[str]
    name: str
    breadth: bool

    @property
    def key(self) -> str:
        """The column that the engine sorts by."""
        return f"{self.name} key"


@dataclass(frozen=True, slots=True)
class _Cycle:
    """``CYCLE columns SET mark TO value DEFAULT other USING path``."""

    columns: list[str]
    mark: str
    path: str
    value: str
    other: str


def recursive_clauses(tokens: list[Token]) -> list[Token]:
    """Move the clauses behind a query of WITH RECURSIVE into queries of their own."""
    kept: list[Token] = []
    at = 0
    while at < len(tokens):
        clause = _clause(tokens, at)
        if clause is None:
            kept.append(tokens[at])
            at += 1
        else:
            made, at = clause
            kept += made
    return kept


def _clause(tokens: list[Token], at: int) -> tuple[list[Token], int] | None:
    """Return the WITH query for a clause that begins there, and where it ends."""
    words = [
        token.text.upper() if token.token_type is not TokenType.IDENTIFIER else "" for token in tokens[at : at + 4]
    ]
    if not at or tokens[at].token_type is not TokenType.VAR or len(words) < 4:
        return None
    if words[0] == "SEARCH" and words[1] in _KINDS and words[2:] == ["FIRST", "BY"]:
        columns, end = _names(tokens, at + 4)
        if end + 1 < len(tokens) and tokens[end].token_type is TokenType.SET:
            return _query(tokens[at], _SEARCH, [*columns, [tokens[end + 1]], [_text(tokens[at], words[1])]]), end + 2
    elif words[0] == "CYCLE" and (words[2] == "SET" or words[2] == ","):
        columns, end = _names(tokens, at + 1)
        if end + 1 < len(tokens) and tokens[end].token_type is TokenType.SET:
            return _cycle(tokens, at, columns, end + 1)
    return None


def _cycle(tokens: list[Token], at: int, columns: list[list[Token]], mark: int) -> tuple[list[Token], int] | None:
    values = [[_word(tokens[at], TokenType.TRUE, "true")], [_word(tokens[at], TokenType.FALSE, "false")]]
    using = next((place for place in range(mark + 1, len(tokens)) if tokens[place].token_type is TokenType.USING), None)
    if using is None or using + 1 >= len(tokens):
        return None
    said = tokens[mark + 1 : using]
    if said:
        default = next((place for place, one in enumerate(said) if one.token_type is TokenType.DEFAULT), None)
        if default is None or said[0].text.upper() != "TO":
            return None
        values = [said[1:default], said[default + 1 :]]
    return _query(tokens[at], _CYCLE, [*columns, [tokens[mark]], [tokens[using + 1]], *values]), using + 2


def _names(tokens: list[Token], at: int) -> tuple[list[list[Token]], int]:
    """Return the names of a list, and the place behind it."""
    found = [[tokens[at]]] if at < len(tokens) else []
    at += 1
    while at + 1 < len(tokens) and tokens[at].token_type is TokenType.COMMA:
        found.append([tokens[at + 1]])
        at += 2
    return found, at


def _query(place: Token, name: str, columns: list[list[Token]]) -> list[Token]:
    """Return ``, name AS (SELECT columns)``."""
    made = [_word(place, TokenType.COMMA, ","), _word(place, TokenType.IDENTIFIER, name)]
    made += [_word(place, TokenType.ALIAS, "as"), _word(place, TokenType.L_PAREN, "(")]
    made.append(_word(place, TokenType.SELECT, "select"))
    for at, column in enumerate(columns):
        made += [*([_word(place, TokenType.COMMA, ",")] if at else []), *column]
    return [*made, _word(place, TokenType.R_PAREN, ")")]


def _word(place: Token, kind: TokenType, text: str) -> Token:
    return Token(kind, text, place.line, place.col, place.start, place.end)


def _text(place: Token, text: str) -> Token:
    return _word(place, TokenType.STRING, text)


def has_search_or_cycle(census: Census) -> bool:
    """Whether a WITH has SEARCH or CYCLE."""
    return any(one.alias in (_SEARCH, _CYCLE) for one in census.find_all(exp.CTE))


def search_and_cycle(tree: exp.Expr) -> None:
    """Add the columns of each SEARCH and CYCLE, in place."""
    for clause in [*tree.find_all(exp.With)]:
        if not any(cte.alias in (_SEARCH, _CYCLE) for cte in clause.expressions):
            continue
        kept: list[exp.CTE] = []
        said: dict[int, tuple[_Search | None, _Cycle | None]] = {}
        for cte in clause.expressions:
            if cte.alias not in (_SEARCH, _CYCLE):
                kept.append(cte)
                continue
            search, cycle = said.get(len(kept) - 1, (None, None))
            columns = cte.this.expressions
            said[len(kept) - 1] = (_search(columns), cycle) if cte.alias == _SEARCH else (search, _read_cycle(columns))
        clause.set("expressions", kept)
        for at, (search, cycle) in said.items():
            _extend(kept[at], search, cycle)
            if search is not None:
                _sort_by_key(tree, kept[at], search)


def _search(columns: list[exp.Expr]) -> _Search:
    names = [_folded(one) for one in columns[:-1]]
    return _Search(names[:-1], names[-1], columns[-1].name == "BREADTH")


def _read_cycle(columns: list[exp.Expr]) -> _Cycle:
    names = [_folded(one) for one in columns[:-2]]
    value, other = (
        f"CAST({one.sql('postgres')} AS text)"
        if isinstance(one, exp.Literal) and one.is_string
        else one.sql("postgres")
        for one in columns[-2:]
    )
    return _Cycle(names[:-2], names[-2], names[-1], value, other)


def _folded(node: exp.Expr) -> str:
    name = node.this if isinstance(node, exp.Column) else node
    return str(name.name) if name.args.get("quoted") else str(name.name).lower()


def _quoted(name: str) -> str:
    return exp.to_identifier(name, quoted=True).sql("postgres")


def _extend(cte: exp.CTE, search: _Search | None, cycle: _Cycle | None) -> None:
    union = cte.this
    left, right = (union.left, union.right) if isinstance(union, exp.Union) else (None, None)
    itself = _reference(right, _folded(cte.args["alias"].this)) if isinstance(right, exp.Select) else None
    if not isinstance(left, exp.Query) or not isinstance(right, exp.Select) or itself is None:
        raise refuse("SEARCH or CYCLE of this query", "Name the recursive query in the FROM of its second part.")
    given = [_folded(one) for one in cte.args["alias"].args.get("columns") or []]
    own = [_output_name(one) for one in left.selects]
    if len(given) < len(own) and (left.is_star or not all(own)):
        raise refuse("SEARCH or CYCLE of a query without names of columns", "Name them: WITH RECURSIVE x (a, b) AS …")
    columns = given + own[len(given) :]
    added = _added(search, cycle)
    passed = [name for name, _, _ in added]
    for name in passed:
        right.append("expressions", _parsed(f"{_quoted(itself)}.{_quoted(name)}"))
    cte.set("this", _union(union, columns, added, cycle))
    cte.args["alias"].set("columns", [exp.to_identifier(one, quoted=True) for one in [*columns, *passed]])


def _output_name(one: exp.Expr) -> str:
    if isinstance(one, exp.Alias):
        return _folded(one.args["alias"])
    return _folded(one) if isinstance(one, exp.Column) else ""


def _union(union: exp.Union, columns: list[str], added: list[tuple[str, str, str]], cycle: _Cycle | None) -> exp.Expr:
    """Return the query over the two parts of the recursive one, with the added columns."""
    listed = ", ".join(map(_quoted, columns))
    first = ", ".join(f"{start} AS {_quoted(name)}" for name, start, _ in added)
    later = ", ".join(f"{step} AS {_quoted(name)}" for name, _, step in added)
    all_names = ", ".join(_quoted(name) for name in [*columns, *(name for name, _, _ in added)])
    left = _parsed(f"SELECT {listed}, {first} FROM (SELECT 1) AS {_INNER}({listed})")
    right = _parsed(f"SELECT {listed}, {later} FROM (SELECT 1) AS {_OUTER}({all_names})")
    if cycle is not None:
        right.set("where", exp.Where(this=_parsed(f"{_quoted(cycle.mark)} <> {cycle.value}")))
    for query, part in ((left, union.left), (right, union.right)):
        query.args["from_"].this.set("this", part.unnest() if isinstance(part, exp.Subquery) else part)
    return exp.Union(this=left, expression=right, distinct=union.args.get("distinct"))


def _added(search: _Search | None, cycle: _Cycle | None) -> list[tuple[str, str, str]]:
    """Return each added column: its name, and what it is in the first part and in the recursive one."""
    found: list[tuple[str, str, str]] = []
    if search is not None:
        listed = ", ".join(map(_quoted, search.columns))
        name, key = _quoted(search.name), _quoted(search.key)
        if search.breadth:
            found.append((search.name, f"ROW(0, {listed})::text", f"ROW({key} + 1, {listed})::text"))
            found.append((search.key, "0::bigint", f"{key} + 1"))
        else:
            found.append((search.name, f"ARRAY[ROW({listed})::text]", f"{name} || ROW({listed})::text"))
            place = listed if len(search.columns) == 1 else _place(search.columns)
            found.append((search.key, f"ARRAY[{place}]", f"array_append({key}, {place})"))
    if cycle is not None:
        row, path = f"ROW({', '.join(map(_quoted, cycle.columns))})::text", _quoted(cycle.path)
        mark = f"CASE WHEN array_position({path}, {row}) IS NOT NULL THEN {cycle.value} ELSE {cycle.other} END"
        found.append((cycle.mark, cycle.other, mark))
        found.append((cycle.path, f"ARRAY[{row}]", f"{path} || {row}"))
    return found


def _place(columns: list[str]) -> str:
    """Return a text by which rows of several columns are sorted, NULL last."""
    one = f"coalesce('\\x01'::bytea || {ORDER_OF}({{}}), '\\x02'::bytea)"
    return f"encode({' || '.join(one.format(_quoted(column)) for column in columns)}, 'hex')"


def _parsed(sql: str) -> exp.Expr:
    return sqlglot.parse_one(sql, read="postgres")


def _sources(select: exp.Select) -> Iterator[exp.Expr]:
    source = select.args.get("from_")
    if source is not None:
        yield source.this
        yield from (join.this for join in source.this.args.get("joins") or [])
    yield from (join.this for join in select.args.get("joins") or [])


def _reference(select: exp.Select, name: str) -> str | None:
    """Return the name under which a WITH query stands in a query's FROM, or None."""
    for source in _sources(select):
        is_name = isinstance(source, exp.Table) and not source.db and isinstance(source.this, exp.Identifier)
        if is_name and _folded(source.this) == name:
            alias = source.args.get("alias")
            return _folded(alias.this) if alias is not None else name
    return None


def _sort_by_key(tree: exp.Expr, cte: exp.CTE, search: _Search) -> None:
    """Have what is sorted by the column that SEARCH sets sorted by its key, in place; it may be put out, no more."""
    inside = {id(node) for node in cte.walk()}
    name = _folded(cte.args["alias"].this)
    columns = [one.name for one in cte.args["alias"].columns if one.name != search.key]
    for select in [one for one in tree.find_all(exp.Select) if id(one) not in inside]:
        itself = _reference(select, name)
        if itself is None:
            continue
        is_root = select is tree and not select.args.get("distinct") and not select.args.get("group")
        _spell_out_star(select, itself, columns, is_root=is_root)
        outputs = [one.unalias() for one in select.expressions]
        _replace_keys(select, itself, search)
        if is_root:
            inside.update(id(one) for one in outputs if _is_set(one, search))
        inside.update(id(node) for order in [select.args.get("order")] if order is not None for node in order.walk())
    for column in tree.find_all(exp.Column):
        if id(column) not in inside and (_is_set(column, search) or (not column.table and _folded(column) == name)):
            raise refuse(
                f'use of "{search.name}", which SEARCH sets,', "Sort by it where the recursive query stands in FROM."
            )


def _is_set(node: exp.Expr, search: _Search) -> bool:
    return isinstance(node, exp.Column) and not isinstance(node.this, exp.Star) and _folded(node) == search.name


def _spell_out_star(select: exp.Select, itself: str, columns: list[str], *, is_root: bool) -> None:
    """``*`` is all columns but the key."""
    shown: list[exp.Expr] = []
    alone = len([*_sources(select)]) == 1
    for one in select.expressions:
        of_all = isinstance(one, exp.Star)
        of_itself = isinstance(one, exp.Column) and isinstance(one.this, exp.Star) and _table(one) == itself
        if (of_all and not alone) or ((of_all or of_itself) and not is_root):
            raise refuse("* of a query with SEARCH beside others, or in another query", "Name the columns.")
        if of_all or of_itself:
            shown += [_parsed(f"{_quoted(itself)}.{_quoted(name)}") for name in columns]
        else:
            shown.append(one)
    select.set("expressions", shown)


def _table(column: exp.Column) -> str:
    return _folded(column.args["table"]) if column.args.get("table") is not None else ""


def _replace_keys(select: exp.Select, itself: str, search: _Search) -> None:
    order = select.args.get("order")
    keys: list[exp.Expr] = []
    if not isinstance(order, exp.Order):
        return
    for ordered in order.expressions:
        if not _is_set(_meant(select, ordered.this), search):
            keys.append(ordered)
            continue
        for name in [search.key, *(search.columns if search.breadth else [])]:
            key = copied(ordered)
            key.set("this", _parsed(f"{_quoted(itself)}.{_quoted(name)}"))
            keys.append(key)
    order.set("expressions", keys)


def _meant(select: exp.Select, key: exp.Expr) -> exp.Expr:
    """Return what a key of ORDER BY stands for: an output by its place or its alias, or itself."""
    if isinstance(key, exp.Literal) and key.is_int and 0 < int(key.name) <= len(select.expressions):
        output: exp.Expr = select.expressions[int(key.name) - 1]
        return output.unalias()
    if isinstance(key, exp.Column) and not key.table:
        for one in select.expressions:
            if isinstance(one, exp.Alias) and _folded(one.args["alias"]) == _folded(key):
                return one.unalias()
    return key
