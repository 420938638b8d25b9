"""Masks: which columns of a table are seen only through an expression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from sqlglot import exp

from catalog.principals import Principal
from catalog.store.rows import AccessRows, MaskingPolicy
from catalog.tables import Table
from policies.tags import ColumnMasks, TableMasks
from policies.view_tags import ViewSource, ViewTags
from policies.views import View


@dataclass(frozen=True, slots=True)
class Mask:
    """What stands for a column: the policy, and the columns given to its parameters (the masked one first)."""

    policy: MaskingPolicy
    arguments: tuple[str, ...]

    def over_columns(self, expression: exp.Expr) -> exp.Expr:
        """Return the policy's parsed expression with the columns in the place of its parameters."""
        columns = dict(zip((name for name, _ in self.policy.parameters), self.arguments, strict=True))
        changed = expression.copy()
        for node in [*changed.find_all(exp.Column)]:
            if node.name in columns and node.table in ("", self.policy.name):
                replacement = exp.column(columns[node.name], quoted=True)
                if node is changed:
                    return replacement
                node.replace(replacement)
        return changed


DENIED_COLUMN = MaskingPolicy("denied", (("value", "text"),), "text", "NULL")
"""What stands for a column whose mask cannot be told."""


@dataclass(frozen=True, slots=True)
class Masks:
    """The masks of all tables, by column."""

    policies: Mapping[str, MaskingPolicy] = field(default_factory=lambda: MappingProxyType({}))
    columns: ColumnMasks = field(default_factory=lambda: ColumnMasks(AccessRows(0)))
    views: ViewTags = field(default_factory=lambda: ViewTags(AccessRows(0)))

    @classmethod
    def from_rows(cls, rows: AccessRows) -> Masks:
        """Build the value from the store's rows."""
        policies = {policy.name: policy for policy in rows.masking_policies}
        return cls(MappingProxyType(policies), ColumnMasks(rows), ViewTags(rows))

    def get_masks(self, principal: Principal, table: Table) -> Mapping[str, Mask]:
        """Return the masks through which the principal sees the table's columns; others it sees as they are."""
        if principal.sees_all_rows:
            return {}
        return self.as_masks(self.columns.of(table))

    def get_view_masks(self, reader: Principal, asks: Principal, view: View, source: ViewSource) -> Mapping[str, Mask]:
        """Return the masks through which ``reader`` sees the columns of a view that ``asks``, the session's role, has
        come to. Raises SqlError where what they are made of cannot be told.
        """
        if reader.sees_all_rows or not self.views.may_mask(view.name):
            return {}
        return self.as_masks(self.views.judged(view, reader, asks, source).masks)

    def as_masks(self, found: TableMasks) -> Mapping[str, Mask]:
        """Return masks by column, each with its policy."""
        return {
            mask.column: Mask(self.policies.get(mask.policy, DENIED_COLUMN), mask.arguments) for mask in found.masks
        }
