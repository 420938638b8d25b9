"""Grants: which tables a principal may read. What is not granted is denied."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from catalog.names import TableName
from catalog.principals import Principal
from catalog.store.rows import ALL_TABLES, PUBLIC, SELECT, AccessRows
from catalog.tables import Catalog


@dataclass(frozen=True, slots=True)
class Grants:
    """All SELECT privileges at one moment: by table, and by schema for all its tables. ``version`` is the store's."""

    version: int = 0
    tables: Mapping[TableName, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    schemas: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def from_rows(cls, rows: AccessRows) -> Grants:
        """Build the value from the store's rows; privileges other than SELECT let nobody read."""
        tables: dict[TableName, set[str]] = defaultdict(set)
        schemas: dict[str, set[str]] = defaultdict(set)
        for grant in rows.grants:
            if grant.privilege != SELECT:
                continue
            if grant.table == ALL_TABLES:
                schemas[grant.schema].add(grant.role)
            else:
                tables[TableName(grant.schema, grant.table)].add(grant.role)
        return cls(
            rows.version,
            MappingProxyType({name: frozenset(roles) for name, roles in tables.items()}),
            MappingProxyType({name: frozenset(roles) for name, roles in schemas.items()}),
        )

    def may_select(self, principal: Principal, name: TableName) -> bool:
        """Say whether the principal may read the table, whether or not there is one of that name."""
        return principal.has_scope("read") and (
            principal.superuser
            or _holds(principal, self.tables.get(name))
            or _holds(principal, self.schemas.get(name.schema))
        )

    def visible_tables(self, principal: Principal, catalog: Catalog) -> frozenset[TableName]:
        """Return the tables of a catalogue, broken ones included, that the principal may read."""
        names = catalog.tables.keys() | catalog.broken.keys()
        return frozenset(name for name in names if self.may_select(principal, name))


def _holds(principal: Principal, grantees: frozenset[str] | None) -> bool:
    return grantees is not None and (PUBLIC in grantees or not principal.roles.isdisjoint(grantees))
