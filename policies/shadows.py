"""Shadow policies: which of them would filter or mask what somebody reads. They change nothing of what is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from catalog.names import TableName
from catalog.principals import Principal
from catalog.store.rows import AccessRows, PolicyState
from catalog.tables import Table
from policies.masks import Masks
from policies.row_security import RowSecurity
from policies.states import SHADOWS, enforced


@dataclass(frozen=True, slots=True)
class Shadows:
    """The policies that govern with the shadows among them; names of the latter alone are told."""

    row_security: RowSecurity = field(default_factory=RowSecurity)
    masks: Masks = field(default_factory=Masks)
    row_policies: Mapping[TableName, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    masking_policies: frozenset[str] = frozenset()

    @classmethod
    def from_rows(cls, rows: AccessRows) -> Shadows:
        """Build the value from the store's rows."""
        names: dict[TableName, frozenset[str]] = {}
        for policy in rows.row_policies:
            if policy.state is PolicyState.SHADOW:
                table = TableName(policy.schema, policy.table)
                names[table] = names.get(table, frozenset()) | {policy.name}
        masking = frozenset(one.name for one in rows.masking_policies if one.state is PolicyState.SHADOW)
        if not names and not masking:
            return cls()
        wanted = enforced(rows, SHADOWS)
        return cls(RowSecurity.from_rows(wanted), Masks.from_rows(wanted), MappingProxyType(names), masking)

    def of(self, principal: Principal, table: Table) -> tuple[str, ...]:
        """Return what shadows would do to the table for the principal: a filter by its name, a mask by its column and
        name.
        """
        found: list[str] = []
        if table.name in self.row_policies:
            row_filter = self.row_security.get_filter(principal, table.name)
            held = row_filter.policies if row_filter is not None else ()
            found += [one.name for one in held if one.name in self.row_policies[table.name]]
        if self.masking_policies:
            masks = self.masks.get_masks(principal, table)
            found += sorted(
                f"{mask.policy.name} ({column})"
                for column, mask in masks.items()
                if mask.policy.name in self.masking_policies
            )
        return tuple(found)
