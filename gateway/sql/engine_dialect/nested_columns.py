"""Columns of structs and maps, which PostgreSQL sees as jsonb, written as its text where PostgreSQL is to read them or
a statement does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow as pa
from sqlglot import exp

from catalog.tables import Column, Table
from gateway.sql.engine_dialect.build import ENGINE, call
from gateway.sql.engine_dialect.kinds import Kind, kind
from gateway.sql.engine_dialect.moments import Session
from optimizer.copies import copied

_JSON = frozenset({"json", "jsonb"})


def nested_columns(table: Table) -> Mapping[str, Column]:
    """Return the columns of a table that are written so, by name."""
    found = (one for one in table.columns if one.sql_type in _JSON and pa.types.is_nested(one.arrow_type))
    return {one.name: one for one in found}


def reads_as_text(tree: exp.Query, session: Session) -> bool:
    """Whether a query may ask for the text of jsonb: by a cast, or in a record of which there is a text."""
    if not session.records and tree.find(exp.Tuple) is not None:
        return True
    texts = (one.this.unnest() for one in tree.find_all(exp.Cast) if kind(one) is Kind.TEXT)
    return any(isinstance(one, exp.Tuple) or kind(one) is Kind.JSON for one in texts)


def write_as_json(
    tree: exp.Query, relation: str, nested: Mapping[str, Column], named: Callable[[pa.DataType], str]
) -> bool:
    """Write the nested columns of a scanned relation as text, in place; ``named`` gives the engine's function for a
    type. Returns whether there is any.
    """
    found = False
    for table in list(tree.find_all(exp.Table)):
        select = table.parent_select
        if table.name != relation or select is None:
            continue
        for column in list(select.find_all(exp.Column)):
            if column.name not in nested or column.parent_select is not select:
                continue
            made = call(named(nested[column.name].arrow_type), copied(column), returns=nested[column.name].sql_type)
            made.meta[ENGINE] = True
            aliased = isinstance(column.parent, exp.Select)
            column.replace(exp.alias_(made, column.name, quoted=True) if aliased else made)
            found = True
    return found
