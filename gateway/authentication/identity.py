"""What authentication finds out: who a client has proved to be, as which role he acts, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from catalog.principals import NO_CLAIMS


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Identity:
    """A client who is in: each login is one by itself, equal to no other, since who asks is looked up by it for each
    statement, twice.

    ``authenticated`` is what was proved (a certificate's subject, a token's user, an API key's id, else the role).
    ``granted`` are roles for this session beside those the role is a member of. ``expires`` is in seconds since 1970;
    None: the session has no end. ``key`` is the id of the API key, which may be revoked.
    """

    role: str
    method: str
    authenticated: str
    granted: frozenset[str] = frozenset()
    claims: Mapping[str, object] = field(default_factory=lambda: NO_CLAIMS, hash=False)
    scopes: frozenset[str] | None = None
    expires: float | None = None
    key: str | None = None
