"""Who asks: the identity a session acts under, from authentication alone and never from what a client sets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

NO_CLAIMS: Mapping[str, object] = MappingProxyType({})
SCOPES = ("read", "write", "admin")  # what an API key may be limited to


@dataclass(frozen=True, slots=True)
class Principal:
    """A role that asks, with the roles whose privileges it has (itself included).

    ``name`` is PostgreSQL's ``current_user``, ``session_user`` its session user (None: the same), and ``login`` who
    logged in, where SET SESSION AUTHORIZATION has made another the session user. ``claims`` are what the
    login proved of its bearer, such as the claims of a token, and what superusers state of the role: JSON values,
    read-only (objects are mappings, arrays tuples; ``json.dumps(claims, default=dict)`` writes them); they have no part
    in the hash, and in equality their text has: ``true``, ``1`` and ``1.0`` are equal for Python, and policies tell
    them apart.
    ``authenticated`` is the identity that was proved: the subject of a certificate, the user in a token, the id of an
    API key, else the role's name; None where nobody logged in. ``method`` is that of the rule of authentication.
    ``scopes`` limit what an API key may do; None is no limit.
    """

    name: str
    roles: frozenset[str]
    superuser: bool = False
    bypass_row_security: bool = False
    session_user: str | None = None
    claims: Mapping[str, object] = field(default_factory=lambda: NO_CLAIMS, compare=False)
    authenticated: str | None = None
    method: str | None = None
    scopes: frozenset[str] | None = None
    login: str | None = None
    _claims: str = field(init=False, repr=False, hash=False)

    def __post_init__(self) -> None:
        """Write the claims as equality compares them."""
        object.__setattr__(self, "_claims", json.dumps(self.claims, default=dict) if self.claims else "")

    @property
    def sees_all_rows(self) -> bool:
        """Whether no row security and no mask holds for it."""
        return self.superuser or self.bypass_row_security

    def has_scope(self, scope: str) -> bool:
        """Say whether the credential lets its bearer ``read``, ``write`` or ``admin``; only API keys have limits."""
        return self.scopes is None or scope in self.scopes


def frozen_claims(claims: Mapping[str, object]) -> Mapping[str, object]:
    """Return claims that nobody can change any more."""
    return MappingProxyType({str(name): _frozen(value) for name, value in claims.items()})


def claim_text(value: object) -> str:
    """Return a claim that is there as policies read it: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, default=dict)


def _frozen(value: object) -> object:
    if isinstance(value, Mapping):
        return frozen_claims(value)
    if isinstance(value, list | tuple):
        return tuple(_frozen(item) for item in value)
    return value
