"""Row security: which policies decide, for one principal, what rows of a table there are.

The rules are PostgreSQL's. Permissive policies add rows, restrictive ones take away; a table whose row security is on
and that no permissive policy opens has no rows. Owners are exempt unless it is forced, superusers and BYPASSRLS always.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from catalog.names import TableName
from catalog.principals import Principal
from catalog.store.rows import PUBLIC, AccessRows, RowPolicy, TableRights

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
    """A table whose row security is on. ``by_role``: the places in ``policies`` of those that filter what is read."""

    owner: str | None
    forced: bool
    policies: tuple[RowPolicy, ...]
    by_role: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, rights: TableRights, policies: Sequence[RowPolicy]) -> _Secured:
        by_role: dict[str, list[int]] = defaultdict(list)
        for at, policy in enumerate(policies):
            if policy.using is not None and policy.command in _READING:
                for role in policy.roles:
                    by_role[role].append(at)
        places = MappingProxyType({role: tuple(found) for role, found in by_role.items()})
        return cls(rights.owner, rights.forced, tuple(policies), places)

    def held(self, principal: Principal) -> list[RowPolicy]:
        """Return the policies that are for a principal, in order: of thousands on a table these are few."""
        roles = principal.roles if len(principal.roles) < len(self.by_role) else self.by_role.keys() & principal.roles
        places = {at for role in (PUBLIC, *roles) for at in self.by_role.get(role, ())}
        return [self.policies[at] for at in sorted(places)]


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
            name: _Secured.of(rights, policies[name])
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
        held = secured.held(principal)
        return RowFilter(
            tuple(policy for policy in held if policy.permissive),
            tuple(policy for policy in held if not policy.permissive),
        )


def concerns(policy: RowPolicy, principal: Principal) -> bool:
    """Say whether a policy is for reading, and for the principal."""
    return policy.command in _READING and (PUBLIC in policy.roles or not principal.roles.isdisjoint(policy.roles))
