"""Who a client may be by SET SESSION AUTHORIZATION: superusers anybody, officers whom they may simulate.

An officer sees what a policy shows to somebody, and gains nothing else: he reads, and changes nothing in the other's
name; he is nobody whose rights go beyond what policies decide.
"""

from __future__ import annotations

from dataclasses import replace

from catalog.mask_library import OFFICER
from catalog.principals import Principal
from policies.roles import Roles

_READING = frozenset({"read"})
_SPECIAL = ("lakegate_", "pg_")  # roles that have rights by their names


def may_authorize(roles: Roles, login: Principal, name: str) -> bool:
    """Say whether who logged in may make a role his session user."""
    return name in roles.by_name and (login.superuser or (OFFICER in login.roles and _is_below(roles, login, name)))


def authorized(roles: Roles, login: Principal, name: str) -> Principal | None:
    """Return who a client is after SET SESSION AUTHORIZATION; None where he may not be that, or not any more."""
    found = roles.get_principal(name)
    if found is None or not may_authorize(roles, login, name):
        return None
    made = replace(logged_in_as(found, login, login.name), claims=found.claims)
    if login.superuser:
        return made
    return replace(made, scopes=_READING if login.scopes is None else _READING & login.scopes)


def logged_in_as(become: Principal, login: Principal, name: str | None) -> Principal:
    """Return whom a client has become, with what his login has shown of him; the audit is told the login's ``name``."""
    return replace(
        become,
        claims=login.claims,
        authenticated=login.authenticated,
        method=login.method,
        scopes=login.scopes,
        login=name,
    )


def _is_below(roles: Roles, officer: Principal, name: str) -> bool:
    """Whether a role, and all that it may become, is subject to policies, and has no special rights but the officer's
    own.
    """
    reached = roles.memberships(name)
    known = [roles.by_name[one] for one in reached if one in roles.by_name]
    special = {one for one in reached if one.startswith(_SPECIAL)}
    return not any(one.superuser or one.bypass_row_security for one in known) and special <= officer.roles
