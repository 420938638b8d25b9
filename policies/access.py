"""All that decides what a principal may read, as one immutable value that is replaced when something of it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from sqlglot import exp

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from catalog.store.rows import AccessRows, ViewRow
from catalog.tables import Table
from policies.functions import Functions
from policies.grants import Grants
from policies.lineage import Lineage
from policies.masks import Mask, Masks
from policies.row_security import RowFilter, RowSecurity
from policies.shadows import Shadows
from policies.states import in_force
from policies.view_tags import ViewSource
from policies.views import View, Views


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


Broken = Callable[[], Mapping[TableName, str]]


def _none_is_broken() -> Mapping[TableName, str]:
    return {}


def does_not_fit(name: TableName) -> SqlError:
    """Return what is told of a table whose policies cannot be applied."""
    return SqlError(
        SqlState.OBJECT_NOT_IN_PREREQUISITE_STATE,
        f'table "{name.name}" cannot be read: one of its policies does not fit it any more',
        hint="EXPLAIN POLICY tells the table's owner why. He can alter or drop the policy.",
    )


@dataclass(frozen=True, slots=True)
class Access:
    """Privileges, row security and masks at one moment. ``version`` is the store's, and grows with every change.

    ``broken`` tells the tables whose policies do not fit them, as the catalogue is now: that changes with the tables,
    whose catalogue has a version of its own.
    """

    grants: Grants = field(default_factory=Grants)
    row_security: RowSecurity = field(default_factory=RowSecurity)
    masks: Masks = field(default_factory=Masks)
    broken: Broken = _none_is_broken
    views: Views = field(default_factory=Views)
    functions: Functions = field(default_factory=Functions)
    shadows: Shadows = field(default_factory=Shadows)

    @classmethod
    def from_rows(
        cls, rows: AccessRows, broken: Broken = _none_is_broken, broken_views: Broken = _none_is_broken
    ) -> Access:
        """Build the value from the store's rows."""
        views = Views.from_rows(rows, broken_views)
        functions, shadows = Functions.from_rows(rows), Shadows.from_rows(rows)
        grants, rows = Grants.from_rows(rows), in_force(rows)
        return cls(grants, RowSecurity.from_rows(rows), Masks.from_rows(rows), broken, views, functions, shadows)

    @property
    def version(self) -> int:
        """The version of the rows it was made from."""
        return self.grants.version

    def may_select(self, principal: Principal, name: TableName) -> bool:
        """Say whether the principal may read the table, or some columns of it."""
        return self.grants.may_select(principal, name)

    def columns(self, principal: Principal, name: TableName) -> frozenset[str] | None:
        """Return the columns of a table that the principal may read; None for all, those to come included."""
        return self.grants.columns(principal, name)

    def rules(self, principal: Principal, table: Table) -> Rules:
        """Return what stands between the principal and the table's rows. Raises SqlError 55000 where that is a policy
        that does not fit the table any more.
        """
        row_filter = self.row_security.get_filter(principal, table.name)
        if row_filter is not None and table.name in self.broken():
            raise does_not_fit(table.name)
        return Rules(row_filter, self.masks.get_masks(principal, table))

    def require_execute(self, principal: Principal, trees: Iterable[exp.Expr]) -> None:
        """Raise SqlError 42501 where policies or views call a function that the principal may not execute."""
        self.functions.require(principal, trees)

    def shadows_of(self, principal: Principal, table: Table) -> tuple[str, ...]:
        """Return the shadow policies that would change what the principal reads of the table."""
        return self.shadows.of(principal, table)

    def get_view(self, name: TableName) -> View | None:
        """Return the view of that name, or None. Raises SqlError 55000 for one that does not fit its tables now."""
        return self.views.get(name)

    def view_masks(
        self, reader: Principal, asks: Principal, view: View, lineage: Callable[[ViewRow], Lineage]
    ) -> Mapping[str, Mask]:
        """Return the masks through which ``reader`` sees a view's columns when ``asks`` is the session's role."""
        return self.masks.get_view_masks(reader, asks, view, ViewSource(self.get_view, lineage))


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

    def require_execute(self, principal: Principal, trees: Iterable[exp.Expr]) -> None:
        """Raise SqlError 42501 where policies or views call a function that the principal may not execute."""
        kept = [*trees]
        self.old.require_execute(principal, kept)
        self.new.require_execute(principal, kept)

    def shadows_of(self, principal: Principal, table: Table) -> tuple[str, ...]:
        """Return the shadow policies that would change what the principal reads of the table."""
        return self.new.shadows_of(principal, table)

    @property
    def views(self) -> Views:
        """The views that were there, as they are now."""
        return self.new.views.narrowed(self.old.views)

    def get_view(self, name: TableName) -> View | None:
        """Return the view of that name, or None. Raises SqlError 55000 for one that does not fit its tables now."""
        return self.views.get(name)

    def view_masks(
        self, reader: Principal, asks: Principal, view: View, lineage: Callable[[ViewRow], Lineage]
    ) -> Mapping[str, Mask]:
        """Return the masks through which ``reader`` sees a view's columns when ``asks`` is the session's role."""
        return self.new.view_masks(reader, asks, view, lineage)
