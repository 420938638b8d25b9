"""Row security: which policies decide, for one principal, what rows of a table there are.

The rules are PostgreSQL's. Permissive policies add rows, restrictive ones take away; a table whose row security is on
and that no permissive policy opens has no rows. Owners are exempt unless it is forced, superusers and BYPASSRLS always.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from catalog.names import TableName
from catalog.principals import Principal
from catalog.store.rows import PUBLIC, AccessRows, RowPolicy

_READING = frozenset({"ALL", "SELECT"})


@dataclass(frozen=True, slots=True)
class RowFilter:
    """The policies whose conditions a row must meet: one of ``permissive``, and each of ``restrictive``."""

    permissive: tuple[RowPolicy, ...]
    restrictive: tuple[RowPolicy, ...]

    @property
    def policies(self) -> tuple[RowPolicy, ...]:
        """All of them."""
        return (*self.permissive, *self.restrictive)


@dataclass(frozen=True, slots=True)
class _Secured:
    """A table whose row security is on."""

    owner: str | None
    forced: bool
    policies: tuple[RowPolicy, ...]


@dataclass(frozen=True, slots=True)
class RowSecurity:
    """The tables whose row security is on, with their policies."""

    tables: Mapping[TableName, _Secured] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def from_rows(cls, rows: AccessRows) -> RowSecurity:
        """Build the value from the store's rows."""
        policies: dict[TableName, list[RowPolicy]] = defaultdict(list)
        for policy in rows.row_policies:
            policies[TableName(policy.schema, policy.table)].append(policy)
        secured = {
            name: _Secured(rights.owner, rights.forced, tuple(policies[name]))
            for rights in rows.tables
            if rights.row_security and (name := TableName(rights.schema, rights.table))
        }
        return cls(MappingProxyType(secured))

    def get_filter(self, principal: Principal, name: TableName) -> RowFilter | None:
        """Return what a row must meet to be read by the principal; None where every row may be."""
        secured = self.tables.get(name)
        if secured is None or principal.sees_all_rows:
            return None
        if not secured.forced and secured.owner is not None and secured.owner in principal.roles:
            return None
        held = [policy for policy in secured.policies if policy.using is not None and concerns(policy, principal)]
        return RowFilter(
            tuple(policy for policy in held if policy.permissive),
            tuple(policy for policy in held if not policy.permissive),
        )


def concerns(policy: RowPolicy, principal: Principal) -> bool:
    """Say whether a policy is for reading, and for the principal."""
    return policy.command in _READING and (PUBLIC in policy.roles or not principal.roles.isdisjoint(policy.roles))
