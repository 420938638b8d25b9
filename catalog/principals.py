"""Who asks: the identity a session acts under, from authentication alone and never from what a client sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Principal:
    """A role that asks, with the roles whose privileges it has (itself included).

    ``name`` is PostgreSQL's ``current_user``, ``session_user`` who logged in (None: the same). ``claims`` are JSON
    values that the login proved, such as those of a token; they have no part in the hash, and in equality they have.
    """

    name: str
    roles: frozenset[str]
    superuser: bool = False
    bypass_row_security: bool = False
    session_user: str | None = None
    claims: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}), hash=False)

    @property
    def sees_all_rows(self) -> bool:
        """Whether no row security and no mask holds for it."""
        return self.superuser or self.bypass_row_security
