"""``a JOIN b USING (k) AS j``: ``j.k`` is the merged column, ``j`` the row of all merged columns.

The parser does not read the alias: it stands among the columns of USING until names are resolved.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.resolver import Resolver
from sqlglot.optimizer.scope import traverse_scope
from sqlglot.schema import MappingSchema
from sqlglot.tokenizer_core import Token, TokenType

from gateway.sql.engine_dialect import correlation
from gateway.sql.engine_dialect.build import named
from gateway.sql.engine_dialect.operands import closing, made
from gateway.sql.engine_dialect.record_columns import FIELDS, ROW
from gateway.sql.engine_dialect.row_json import replace_row
from optimizer.census import Census, take_census
from optimizer.copies import copied

_MARK = "\0join:"  # no name of a client can hold it


def join_aliases(tokens: list[Token]) -> list[Token]:
    """``USING (k) AS j`` is ``USING (k, mark and name)``, which `spell_out` takes."""
    kept = [*tokens]
    for place in range(len(kept) - 2, -1, -1):
        if kept[place].token_type is not TokenType.USING or kept[place + 1].token_type is not TokenType.L_PAREN:
            continue
        end = closing(kept, place + 1)
        if end + 2 < len(kept) and kept[end + 1].token_type is TokenType.ALIAS:
            name = kept[end + 2]
            text = name.text if name.token_type is TokenType.IDENTIFIER else name.text.lower()
            marked = made(name, TokenType.IDENTIFIER, _MARK + text)
            kept[end : end + 3] = [made(name, TokenType.COMMA, ","), marked, kept[end]]
    return kept


def spell_out(tree: exp.Query, schema: MappingSchema, census: Census) -> Census:
    """Put the merged columns in the place of such aliases, in place. Returns what the tree has then."""
    found = [(join, alias) for join in census.find_all(exp.Join) if (alias := _take_alias(join)) is not None]
    if not found:
        return census
    sources = _Sources(tree, schema, {alias for _, alias in found})
    for join, alias in found:
        select = join.find_ancestor(exp.Select)
        assert isinstance(select, exp.Select)
        names = [one.name for one in join.args["using"]]
        columns = {name: _merged(join, name, sources.of(select)) for name in names}
        _name_columns(select, alias, columns)
        if not any(alias in known for known in sources.of(select).values()):
            _name_row(select, alias, columns)
    return take_census(tree)


def _take_alias(join: exp.Join) -> str | None:
    using = join.args.get("using") or []
    if not using or not using[-1].name.startswith(_MARK):
        return None
    join.set("using", using[:-1])
    return str(using[-1].name.removeprefix(_MARK))


class _Sources:
    """The columns that each item of a query's FROM has, by the item's name."""

    def __init__(self, tree: exp.Query, schema: MappingSchema, aliases: set[str]) -> None:
        self._places = {id(one): place for place, one in enumerate(tree.find_all(exp.Select))}
        probe = copied(tree)
        for star in [*probe.find_all(exp.Star)]:  # which `qualify` takes for those of tables
            if isinstance(star.parent, exp.Column) and star.parent.table in aliases:
                star.parent.replace(exp.Null())
        probed = [*probe.find_all(exp.Select)]
        qualify(probe, schema=schema, dialect="postgres", quote_identifiers=True, validate_qualify_columns=False)
        self._schema = schema
        scopes = {id(scope.expression): scope for scope in traverse_scope(probe)}
        self._scopes = [scopes.get(id(one)) for one in probed]

    def of(self, select: exp.Select) -> dict[str, frozenset[str]]:
        scope = self._scopes[self._places[id(select)]]
        if scope is None:
            return {}
        resolver = Resolver(scope, self._schema)
        return {name: frozenset(resolver.get_source_columns(name)) for name in scope.selected_sources}


def _merged(join: exp.Join, name: str, columns: dict[str, frozenset[str]]) -> exp.Expr:
    """Return a merged column: of what is joined first the one that is known, of a right join the right one."""
    left = [one for one in _before(join) if name in columns.get(one, ())]
    right = join.alias_or_name
    order = [right, *left] if join.side == "RIGHT" else [*left, right]
    values = [exp.column(name, table=one, quoted=True) for one in order]
    return exp.Coalesce(this=values[0], expressions=values[1:]) if len(values) > 1 else values[0]


def _before(join: exp.Join) -> Iterator[str]:
    """Yield the names of what stands before a join, in its FROM or its parentheses."""
    holder = join.parent
    assert holder is not None
    yield from _names(holder.args["from_"].this if isinstance(holder, exp.Select) else holder, join)
    for one in holder.args.get("joins") or ():
        if one is join:
            return
        yield from _names(one.this, join)


def _names(item: exp.Expr, until: exp.Join) -> Iterator[str]:
    """Yield the names in an item of FROM, those in its parentheses, too."""
    inner = item.this if isinstance(item, exp.Subquery | exp.Paren) else None
    if isinstance(inner, exp.Table | exp.Paren | exp.Subquery) and not item.alias:
        yield from _names(inner, until)
    else:
        yield item.alias_or_name
    for one in item.args.get("joins") or ():
        if one is until:
            return
        yield from _names(one.this, until)


def _name_columns(select: exp.Select, alias: str, columns: dict[str, exp.Expr]) -> None:
    for node in [*select.find_all(exp.Column)]:
        if node.table != alias or not correlation.is_of_from(node, alias, select):
            continue
        output = isinstance(node.parent, exp.Select) and node.arg_key == "expressions"
        if isinstance(node.this, exp.Star) and output:
            parent = node.parent
            assert isinstance(parent, exp.Select)
            at = next(at for at, one in enumerate(parent.expressions) if one is node)
            outputs = [*parent.expressions]
            outputs[at : at + 1] = [named(value.copy(), name) for name, value in columns.items()]
            parent.set("expressions", outputs)
        elif node.name in columns:
            value = columns[node.name].copy()
            node.replace(named(value, node.name) if output else value)


def _name_row(select: exp.Select, alias: str, columns: dict[str, exp.Expr]) -> None:
    for node in [*select.find_all(exp.Column)]:
        if node.table or node.name != alias or not correlation.is_of_from(node, alias, select):
            continue
        fields = [(name, value.copy()) for name, value in columns.items()]
        if replace_row(node, fields):
            continue
        row = exp.Tuple(expressions=[value for _, value in fields])
        row.meta.update({ROW: alias, FIELDS: tuple(columns)})
        output = isinstance(node.parent, exp.Select) and node.arg_key == "expressions"
        node.replace(named(row, alias) if output else row)
