"""A governed query written for one PostgreSQL server that has all of its tables: the server then answers it alone.

What is written is the tree that was governed, never a client's text, so that nothing is sent which was not judged. Each
column has the type that clients were told: where a source's own type is another one (an enum, a domain's extension
type), its values go as the text that the lake shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from catalog.names import TableName
from catalog.tables import Table
from connectors.postgres.scan_queries import guard
from connectors.postgres.shapes import RelationShape
from optimizer.format_patterns import CALLS, with_own_patterns
from optimizer.relations import Relation, relations

_TOLD_AS_OTHERS = frozenset(
    {"text", "text[]", "numeric(20,2)"}
)  # where the column may be of another type at the source
# sqlglot writes these otherwise than they were meant: an index that is computed is moved by one.
_WRITTEN_WRONG = (exp.Bracket,)


@dataclass(frozen=True, slots=True)
class Written:
    """A query's text for the server, and what makes it fail where a column is another one than was planned."""

    text: str
    guard: str

    @property
    def guarded(self) -> str:
        """The statement as it is sent: an offset is computed once and before all rows."""
        return f"SELECT * FROM ({self.text}) AS statement OFFSET {self.guard}"


def whole_statement(
    tree: exp.Query, tables: Mapping[TableName, Table], shape: Callable[[Table], RelationShape]
) -> Written | None:
    """Return the query for the server, or None where it cannot be written with one meaning. ``tree`` is used up."""
    for node in list(tree.find_all(*_WRITTEN_WRONG, *CALLS)):
        if isinstance(node, CALLS):
            node.replace(with_own_patterns(node))
        elif not _is_plain_index(node):
            return None
    guards: dict[TableName, set[str]] = {}
    for relation in [*relations(tree)]:
        table = tables[relation.name]
        names = _columns(relation)
        if not names <= shape(table).columns.keys():
            return None  # a scan tells what has become of the table
        guards.setdefault(relation.name, set()).update(names)
        relation.base.replace(_base(relation, table, shape(table), names))
    found = [guard(tables[name], names) for name, names in guards.items() if names]
    known = [each for each in found if each is not None]
    if len(known) < len(found):
        return None
    return Written(tree.sql("postgres", identify=True, comments=False), " + ".join(known) or "0")


def _is_plain_index(node: exp.Expr) -> bool:
    return all(isinstance(one, exp.Literal) and not one.is_string for one in node.expressions)


def _columns(relation: Relation) -> set[str]:
    columns = relation.select.find_all(exp.Column)
    return {column.name for column in columns if column.parent_select is relation.select}


def _base(relation: Relation, table: Table, shape: RelationShape, names: set[str]) -> exp.Expr:
    """Return what stands for the table: itself, or a query over it where columns are told as another type."""
    remote = exp.Table(
        this=exp.to_identifier(table.remote[1], quoted=True), db=exp.to_identifier(table.remote[0], quoted=True)
    )
    alias = exp.TableAlias(this=exp.to_identifier(relation.base.alias_or_name, quoted=True))
    others = {name for name in names if _is_told_as_another(shape, name)}
    if not others:
        remote.set("alias", alias)
        return remote
    select = exp.select(*(_selected(shape, name, name in others) for name in sorted(names)), copy=False).from_(remote)
    return exp.Subquery(this=select, alias=alias)


def _is_told_as_another(shape: RelationShape, name: str) -> bool:
    way = shape.columns[name].type
    return way.sql_type in _TOLD_AS_OTHERS and way.selected != "{}"


def _selected(shape: RelationShape, name: str, is_other: bool) -> exp.Expr:
    column = exp.column(exp.to_identifier(name, quoted=True))
    if not is_other:
        return column
    target = shape.columns[name].type.selected.removeprefix("{}::")
    cast = exp.cast(column, target, dialect="postgres")
    return exp.alias_(cast, exp.to_identifier(name, quoted=True))
