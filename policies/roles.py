"""Roles: who a session is, and which roles it is a member of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from catalog.principals import Principal
from catalog.store.rows import AccessRows, Role


@dataclass(frozen=True, slots=True)
class Roles:
    """All roles of the gateway, with what each is a member of (directly)."""

    by_name: Mapping[str, Role] = field(default_factory=lambda: MappingProxyType({}))
    member_of: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def from_rows(cls, rows: AccessRows) -> Roles:
        """Build the value from the store's rows."""
        member_of: dict[str, set[str]] = defaultdict(set)
        for row in rows.memberships:
            member_of[row.member].add(row.role)
        return cls(
            MappingProxyType({role.name: role for role in rows.roles}),
            MappingProxyType({name: frozenset(roles) for name, roles in member_of.items()}),
        )

    def get_principal(self, name: str, granted: Iterable[str] = ()) -> Principal | None:
        """Return the principal of a role, with all roles it is a member of through others; None for no such role.

        ``granted`` are further roles for this principal alone; ones that do not exist give nothing. Being a superuser
        is not inherited, as in PostgreSQL.
        """
        role = self.by_name.get(name)
        if role is None:
            return None
        roles = self._closed({name, *(one for one in granted if one in self.by_name)})
        return Principal(name, roles, role.superuser, role.bypass_row_security)

    def memberships(self, name: str) -> frozenset[str]:
        """Return the role and all that it is a member of; nothing for no such role."""
        return self._closed({name}) if name in self.by_name else frozenset()

    def _closed(self, found: set[str]) -> frozenset[str]:
        waiting = [*found]
        while waiting:
            new = self.member_of.get(waiting.pop(), frozenset()) - found
            found |= new
            waiting.extend(new)
        return frozenset(found)
