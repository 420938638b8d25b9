"""Columns of structs and maps, which PostgreSQL sees as jsonb, written as its text where PostgreSQL is to read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pyarrow as pa
from sqlglot import exp

from catalog.tables import Column
from gateway.sql.engine_dialect.build import ENGINE, call
from optimizer.copies import copied

_JSON = frozenset({"json", "jsonb"})


def write_as_json(
    tree: exp.Query, relation: str, columns: Iterable[Column], named: Callable[[pa.DataType], str]
) -> bool:
    """Write the nested columns of a scanned relation as text, in place; ``named`` gives the engine's function for a
    type. Returns whether there is any.
    """
    nested = {one.name: one for one in columns if one.sql_type in _JSON and pa.types.is_nested(one.arrow_type)}
    found = False
    for table in list(tree.find_all(exp.Table)) if nested else ():
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
