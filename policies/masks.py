"""Masks: which columns of a table are seen only through an expression."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from sqlglot import exp

from catalog.names import TableName
from catalog.principals import Principal
from catalog.store.rows import AccessRows, MaskingPolicy


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


@dataclass(frozen=True, slots=True)
class Masks:
    """The masks of all tables, by column."""

    tables: Mapping[TableName, Mapping[str, Mask]] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def from_rows(cls, rows: AccessRows) -> Masks:
        """Build the value from the store's rows."""
        policies = {policy.name: policy for policy in rows.masking_policies}
        tables: dict[TableName, dict[str, Mask]] = defaultdict(dict)
        for mask in rows.column_masks:
            name = TableName(mask.schema, mask.table)
            tables[name][mask.column] = Mask(policies[mask.policy], mask.arguments)
        return cls(MappingProxyType({name: MappingProxyType(masks) for name, masks in tables.items()}))

    def get_masks(self, principal: Principal, name: TableName) -> Mapping[str, Mask]:
        """Return the masks through which the principal sees the table's columns; others it sees as they are."""
        return {} if principal.sees_all_rows else self.tables.get(name, {})
