"""Which rule decides about a connection: the first that fits it, as in PostgreSQL's ``pg_hba.conf``."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.configuration.auth import ALL, LOOPBACK, AuthRule


@dataclass(frozen=True, slots=True)
class Attempt:
    """A client's wish to come in. ``address`` is the peer's, without port."""

    address: str
    database: str
    user: str
    encrypted: bool

    @property
    def is_loopback(self) -> bool:
        """Whether the client is on this machine."""
        address = peer_address(self.address)
        return address is not None and address.is_loopback

    def __str__(self) -> str:
        encryption = "TLS encryption" if self.encrypted else "no encryption"
        return f'host "{self.address}", user "{self.user}", database "{self.database}", {encryption}'


Memberships = Callable[[str], frozenset[str]]


def require_rule(rules: Sequence[AuthRule], attempt: Attempt, memberships: Memberships) -> AuthRule:
    """Return the first rule that fits. Raises SqlError 28000 where there is none, or it rejects.

    ``memberships`` gives the roles that a user is a member of, himself included; none for users that do not exist.
    """
    address = peer_address(attempt.address)
    for rule in rules:
        if _fits(rule, attempt, address, memberships):
            if rule.method == "reject":
                raise SqlError(
                    SqlState.INVALID_AUTHORIZATION_SPECIFICATION, f"a rule of authentication rejects {attempt}"
                )
            return rule
    raise SqlError(SqlState.INVALID_AUTHORIZATION_SPECIFICATION, f"no rule of authentication is for {attempt}")


@lru_cache(maxsize=1024)  # each login asks a few times
def peer_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return a peer's address, an IPv4 one that came as IPv6 as what it is; None where there is none."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _fits(
    rule: AuthRule,
    attempt: Attempt,
    address: ipaddress.IPv4Address | ipaddress.IPv6Address | None,
    memberships: Memberships,
) -> bool:
    if rule.tls is not None and rule.tls != attempt.encrypted:
        return False
    if not any(_covers(one, address) for one in rule.address):
        return False
    if ALL not in rule.database and attempt.database not in rule.database:
        return False
    return _is_for_user(rule.user, attempt.user, memberships)


def _covers(place: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> bool:
    if place == ALL:
        return True
    if address is None:
        return False
    return address.is_loopback if place == LOOPBACK else address in ipaddress.ip_network(place)


def _is_for_user(names: Sequence[str], user: str, memberships: Memberships) -> bool:
    groups = [name[1:] for name in names if name.startswith("+")]
    if ALL in names or user in names:
        return True
    return bool(groups) and not memberships(user).isdisjoint(groups)
