"""Memberships that roles have by their sessions alone, as tokens and certificates grant them: while these last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable

from catalog.store.rows import Membership
from gateway.authentication.identity import Identity
from policies.roles import Roles


class LentMemberships:
    """Those of all sessions of this gateway, each counted."""

    def __init__(self) -> None:
        self._count: Counter[Membership] = Counter()

    def lend(self, identity: Identity) -> list[Membership]:
        """Count the memberships of one more session; return them."""
        wanted = _of(identity)
        self._count.update(wanted)
        return wanted

    def take_back(self, identity: Identity) -> None:
        """Count one session less."""
        self._count.subtract(_of(identity))
        self._count += Counter()  # without those at zero

    def all(self) -> list[Membership]:
        """Return a copy of all: others log in meanwhile."""
        return [*self._count]


def lendable(wanted: Iterable[Membership], roles: Roles, mirrored: Container[str]) -> list[Membership]:
    """Return the memberships that exist only by being lent, of roles that the mirror has, and that make no circle."""
    return sorted(
        one
        for one in wanted
        if one.role in roles.by_name
        and one.role in mirrored
        and one.role not in roles.memberships(one.member)
        and one.member not in roles.memberships(one.role)
    )


def _of(identity: Identity) -> list[Membership]:
    return [Membership(role, identity.role, set_role=False) for role in identity.granted]
