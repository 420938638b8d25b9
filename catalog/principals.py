"""Who asks: the identity a session acts under, from authentication alone and never from what a client sets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """A logged-in role with the roles it is a member of (itself included)."""

    name: str
    roles: frozenset[str]
    superuser: bool = False
