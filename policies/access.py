"""All that decides what a principal may read, as one immutable value that is replaced when something of it changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from catalog.names import TableName
from catalog.principals import Principal
from catalog.store.rows import AccessRows
from catalog.tables import Table
from policies.grants import Grants
from policies.masks import Mask, Masks
from policies.row_security import RowFilter, RowSecurity


@dataclass(frozen=True, slots=True)
class Rules:
    """What stands between one principal and the rows of one table that it may read."""

    row_filter: RowFilter | None = None
    masks: Mapping[str, Mask] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def are_none(self) -> bool:
        """Whether the principal sees the table as it is."""
        return self.row_filter is None and not self.masks

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the policies."""
        row_policies = self.row_filter.policies if self.row_filter is not None else ()
        return (*(one.name for one in row_policies), *sorted({mask.policy.name for mask in self.masks.values()}))


@dataclass(frozen=True, slots=True)
class Access:
    """Privileges, row security and masks at one moment. ``version`` is the store's, and grows with every change."""

    grants: Grants = field(default_factory=Grants)
    row_security: RowSecurity = field(default_factory=RowSecurity)
    masks: Masks = field(default_factory=Masks)

    @classmethod
    def from_rows(cls, rows: AccessRows) -> Access:
        """Build the value from the store's rows."""
        return cls(Grants.from_rows(rows), RowSecurity.from_rows(rows), Masks.from_rows(rows))

    @property
    def version(self) -> int:
        """The version of the rows it was made from."""
        return self.grants.version

    def may_select(self, principal: Principal, name: TableName) -> bool:
        """Say whether the principal may read the table, or some columns of it."""
        return self.grants.may_select(principal, name)

    def columns(self, principal: Principal, name: TableName) -> frozenset[str] | None:
        """Return the columns of a table that the principal may read; None for all, those to come included."""
        return None

    def rules(self, principal: Principal, table: Table) -> Rules:
        """Return what stands between the principal and the table's rows."""
        return Rules(self.row_security.get_filter(principal, table.name), self.masks.get_masks(principal, table))


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What two versions both allow, until the mirror shows the newer one. Its filters and masks count at once."""

    old: Access | Narrowed
    new: Access

    @property
    def version(self) -> int:
        """Unlike that of any access by itself."""
        return -self.new.version

    def may_select(self, principal: Principal, name: TableName) -> bool:
        """Say whether the principal may read the table, or some columns of it."""
        return self.old.may_select(principal, name) and self.new.may_select(principal, name)

    def columns(self, principal: Principal, name: TableName) -> frozenset[str] | None:
        """Return the columns of a table that the principal may read; None for all, those to come included."""
        old, new = self.old.columns(principal, name), self.new.columns(principal, name)
        if old is None or new is None:
            return new if old is None else old
        return old & new

    def rules(self, principal: Principal, table: Table) -> Rules:
        """Return what stands between the principal and the table's rows."""
        return self.new.rules(principal, table)
