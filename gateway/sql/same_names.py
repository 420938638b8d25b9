"""Tables of one name from several schemas in one FROM, without aliases: ``FROM crm.customer JOIN sales.customer``. Both
are called ``customer``, and columns tell them apart by the schema.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from catalog.tables import Table


def tell_apart(found: Iterable[tuple[exp.Table, Table]]) -> None:
    """Give the later of such tables an alias of their schema and name, and name it in the columns that name the schema,
    in place. Where both are of one schema it is an error, which PostgreSQL tells.
    """
    seen: dict[tuple[int, str], set[str]] = {}
    for node, table in found:
        select = node.find_ancestor(exp.Select)
        if node.alias or select is None:
            continue
        schemas = seen.setdefault((id(select), node.name), set())
        if schemas and table.name.schema not in schemas:
            _rename(node, table, select)
        schemas.add(table.name.schema)


def _rename(node: exp.Table, table: Table, select: exp.Select) -> None:
    name, alias = node.name, f"{table.name.name} of {table.name.schema}"
    node.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
    for column in [*select.find_all(exp.Column)]:
        if column.table == name and column.db == table.name.schema:
            column.set("table", exp.to_identifier(alias, quoted=True))
            column.set("db", None)
            column.set("catalog", None)
