"""Grants: which tables, and which of their columns, a principal may read. What is not granted is denied.

A table's owner has all privileges on it, and so have the gateway's superusers. Who is in
``pg_read_all_data`` may read all. The right to use the table's schema is
asked by PostgreSQL, in the mirror, which describes each statement before it runs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

from catalog.names import TableName
from catalog.predefined_roles import READ_ALL_DATA, is_readable_by_all
from catalog.principals import Principal
from catalog.store.rows import ALL_TABLES, PUBLIC, SCHEMA_ITSELF, SELECT, AccessRows
from catalog.tables import Catalog

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Grants:
    """All SELECT privileges at one moment: by table, by schema for all its tables, and by column. ``version`` is the
    store's.
    """

    version: int = 0
    tables: Mapping[TableName, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    schemas: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    by_column: Mapping[TableName, Mapping[str, frozenset[str]]] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def from_rows(cls, rows: AccessRows) -> Grants:
        """Build the value from the store's rows; privileges other than SELECT let nobody read."""
        tables: dict[TableName, set[str]] = defaultdict(set)
        schemas: dict[str, set[str]] = defaultdict(set)
        columns: dict[TableName, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for grant in rows.grants:
            name = TableName(grant.schema, grant.table)
            if grant.privilege != SELECT or grant.table == SCHEMA_ITSELF:
                continue
            if grant.table == ALL_TABLES:
                schemas[grant.schema].add(grant.role)
            elif grant.column is not None:
                columns[name][grant.column].add(grant.role)
            else:
                tables[name].add(grant.role)
        for row in rows.tables:
            if row.owner is not None:
                tables[TableName(row.schema, row.table)].add(row.owner)
        return cls(rows.version, _frozen(tables), _frozen(schemas), _frozen_columns(columns))

    def may_select(self, principal: Principal, name: TableName) -> bool:
        """Say whether the principal may read the table or some of its columns, whether or not there is such a table."""
        if not principal.has_scope("read"):
            return False
        return self._reads_all(principal, name) or bool(self._columns(principal, name))

    def columns(self, principal: Principal, name: TableName) -> frozenset[str] | None:
        """Return the columns that the principal may read; None for all, those to come included."""
        if not principal.has_scope("read"):
            return frozenset()
        return None if self._reads_all(principal, name) else self._columns(principal, name)

    def visible_tables(self, principal: Principal, catalog: Catalog) -> frozenset[TableName]:
        """Return the tables of a catalogue, broken ones included, that the principal may read."""
        names = catalog.tables.keys() | catalog.broken.keys()
        return frozenset(name for name in names if self.may_select(principal, name))

    def _reads_all(self, principal: Principal, name: TableName) -> bool:
        return (
            principal.superuser
            or (READ_ALL_DATA in principal.roles and is_readable_by_all(name.schema))
            or _holds(principal, self.tables.get(name))
            or _holds(principal, self.schemas.get(name.schema))
        )

    def _columns(self, principal: Principal, name: TableName) -> frozenset[str]:
        found = self.by_column.get(name)
        if found is None:
            return frozenset()
        return frozenset(column for column, roles in found.items() if _holds(principal, roles))


def _holds(principal: Principal, grantees: frozenset[str] | None) -> bool:
    return grantees is not None and (PUBLIC in grantees or not principal.roles.isdisjoint(grantees))


def _frozen(found: Mapping[Key, set[str]]) -> Mapping[Key, frozenset[str]]:
    return MappingProxyType({key: frozenset(roles) for key, roles in found.items()})


def _frozen_columns(
    found: Mapping[TableName, Mapping[str, set[str]]],
) -> Mapping[TableName, Mapping[str, frozenset[str]]]:
    return MappingProxyType({name: _frozen(columns) for name, columns in found.items()})
