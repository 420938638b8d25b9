"""Roles: who a session is, and which roles it is a member of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from catalog.principals import NO_CLAIMS, Principal
from catalog.store.rows import AccessRows, Membership, Role
from policies.claims import StatedClaims, stated_claims


@dataclass(frozen=True, slots=True)
class Roles:
    """All roles of the gateway, with what each is a member of (directly): in ``inherits`` with the other's privileges,
    in ``may_become`` with the right to SET ROLE to it, in ``member_of`` in whatever way. ``claims`` are those stated.
    """

    by_name: Mapping[str, Role] = field(default_factory=lambda: MappingProxyType({}))
    member_of: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    inherits: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    may_become: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    claims: StatedClaims = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def from_rows(cls, rows: AccessRows) -> Roles:
        """Build the value from the store's rows."""
        return cls(
            MappingProxyType({role.name: role for role in rows.roles}),
            _by_member(rows.memberships),
            _by_member(row for row in rows.memberships if row.inherit),
            _by_member(row for row in rows.memberships if row.set_role),
            stated_claims(rows),
        )

    def get_principal(
        self, name: str, granted: Iterable[str] = (), session_user: str | None = None
    ) -> Principal | None:
        """Return the principal of a role, with all roles whose privileges it inherits; None for no such role.

        Its claims are those stated of the role itself; they are not inherited.
        ``granted`` are further roles for this principal alone; ones that do not exist give nothing. ``session_user`` is
        who logged in, where that is another role. Being a superuser is not inherited, as in PostgreSQL.
        """
        role = self.by_name.get(name)
        if role is None:
            return None
        roles = _reached({name, *(one for one in granted if one in self.by_name)}, self.inherits)
        other = None if session_user == name else session_user
        claims = self.claims.get(name, NO_CLAIMS)
        return Principal(name, roles, role.superuser, role.bypass_row_security, other, claims)

    def memberships(self, name: str) -> frozenset[str]:
        """Return the role and all that it is a member of; nothing for no such role."""
        return _reached({name}, self.member_of) if name in self.by_name else frozenset()

    def may_set_role(self, session_user: str, name: str) -> bool:
        """Say whether who logged in as ``session_user`` may SET ROLE to a role."""
        user = self.by_name.get(session_user)
        if user is None or name not in self.by_name:
            return False
        return user.superuser or name in _reached({session_user}, self.may_become)


def _by_member(rows: Iterable[Membership]) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        found[row.member].add(row.role)
    return MappingProxyType({name: frozenset(roles) for name, roles in found.items()})


def _reached(found: set[str], member_of: Mapping[str, frozenset[str]]) -> frozenset[str]:
    waiting = [*found]
    while waiting:
        new = member_of.get(waiting.pop(), frozenset()) - found
        found |= new
        waiting.extend(new)
    return frozenset(found)
