"""Claims that superusers state of a role: ``ALTER ROLE ann SET lakegate.claim.tenant = 'acme'``.

Policies read them as they read the claims of a token, however the role has logged in. They are kept with the settings
of roles, and are none: no session has them. Nothing that a client sets is looked at here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from catalog.errors import SqlError
from catalog.principals import NO_CLAIMS, Principal, claim_text
from catalog.sqlstate import SqlState
from catalog.store.rows import CLAIM, AccessRows

StatedClaims = Mapping[str, Mapping[str, str]]
"""By role, the values of claims by their names."""


def stated_claims(rows: AccessRows) -> StatedClaims:
    """Return what is stated of each role; roles of which nothing is are not in it."""
    found: dict[str, Mapping[str, str]] = {}
    for row in rows.role_settings:
        pairs = (one.removeprefix(CLAIM).partition("=") for one in row.settings if one.startswith(CLAIM))
        claims = {name: value for name, _, value in pairs}
        if claims and row.role is not None and not row.of_database:
            found[row.role] = MappingProxyType(claims)
    return MappingProxyType(found)


def with_proved(role: Principal, proved: Mapping[str, object]) -> Mapping[str, object]:
    """Return the claims of a role, whose own are those stated, with those that a login has proved. Raises SqlError
    28000 where both have one of a name, and do not agree: neither can be trusted to be the narrower one.
    """
    if not role.claims or not proved:
        return role.claims or proved or NO_CLAIMS
    for name, stated in role.claims.items():
        if name in proved and claim_text(proved[name]) != stated:
            message = f'the credential\'s claim "{name}" is not the one stated for role "{role.name}"'
            hint = f"A superuser can take that back by ALTER ROLE … RESET {CLAIM}{name}."
            raise SqlError(SqlState.INVALID_AUTHORIZATION_SPECIFICATION, message, hint=hint)
    return MappingProxyType({**proved, **role.claims})
