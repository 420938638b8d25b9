"""Which tables of a query a server has, and may be asked to join: what the rules about joins at servers share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlglot import exp

from catalog.names import TableName
from catalog.tables import Table
from optimizer.cardinality import Statistics
from optimizer.dynamic_filters import dynamic_filters
from optimizer.relations import get_relation, relations
from optimizer.scopes import is_closed
from optimizer.stages import Kept

REMOTE: Final = "postgres"
_KEY = re.compile(r"\((?P<columns>[^()]*)\)")
Owner = tuple[str, str]
"""A source and the role with whose rights it is read."""
Keys = tuple[frozenset[str], ...]
"""Columns of which no two rows of a table have the same values."""


@dataclass(frozen=True, slots=True)
class Servers:
    """What servers may be asked: the query's ``tables``, and ``refuses``, which returns why a source's server is not
    asked a query, None where it can be. ``kept`` gathers the joins that the engine does, and why.
    """

    tables: Mapping[TableName, Table]
    refuses: Callable[[str, exp.Select], str | None]
    kept: list[Kept] = field(default_factory=list, compare=False)


def read_by_keys(tree: exp.Query, statistics: Statistics, servers: Servers) -> frozenset[int]:
    """Return the derived tables, by identity, that are to be read by the keys of others."""
    places = [id(relation.derived) for relation in relations(tree)]
    return frozenset(places[one.target] for one in dynamic_filters(tree, servers.tables, statistics))


def free_aliases(tree: exp.Query) -> Iterator[str]:
    """Yield names that nothing in a query has."""
    used = {one.alias_or_name for one in tree.find_all(exp.Table, exp.Subquery, exp.CTE)}
    number = 0
    while True:
        number += 1
        if (alias := f"joined_{number}") not in used:
            yield alias


def owner_of(node: exp.Expr, servers: Servers) -> Owner | None:
    """Return whose a source is, where one server has all of it and it may stand anywhere."""
    if not isinstance(node, exp.Subquery) or not node.alias or not isinstance(node.this, exp.Query):
        return None
    read = [*relations(node.this)]  # not what is joined to it in parentheses
    owners = {(servers.tables[one.name].source, one.reader) for one in read}
    if len(owners) != 1 or any(servers.tables[one.name].kind != REMOTE for one in read):
        return None
    server, reader = next(iter(owners))
    return (server, reader) if reader is not None and is_closed(node.this) else None


def keys_of(node: exp.Expr, servers: Servers) -> Keys:
    """Return the keys of what stands in FROM, none where it is not one table."""
    relation = get_relation(node)
    if relation is None or relation.renames_columns:
        return ()
    return _unique_keys(servers.tables[relation.name])


def _unique_keys(table: Table) -> Keys:
    """Return the columns of a table's keys, as constraints write them."""
    written = (_KEY.search(one.definition) for one in table.constraints if one.kind in "pu")
    return tuple(
        frozenset(name.strip().strip('"').replace('""', '"') for name in found["columns"].split(","))
        for found in written
        if found is not None
    )
