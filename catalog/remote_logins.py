"""Logins of the gateway's roles at sources, in the place of the gateway's own: what CREATE USER MAPPING makes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class RemoteLogin:
    """As whom a source is read. ``password`` None: the source lets the gateway in as this user without one."""

    user: str
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class UserMapping:
    """With which login ``role`` reads ``source``; the role None stands for all that have no mapping of their own."""

    role: str | None
    source: str
    login: RemoteLogin


class RemoteLogins:
    """All mappings, replaced whole when one of them changes. Safe for several threads."""

    def __init__(self) -> None:
        self._logins: Mapping[tuple[str, str | None], RemoteLogin] = MappingProxyType({})
        self.version: object = self._logins  # another object when anything has changed
        self._followers: list[tuple[str, Callable[[Collection[RemoteLogin]], None]]] = []

    def replace(self, mappings: Collection[UserMapping]) -> None:
        """Take over all mappings; those who follow are told."""
        self._logins = self.version = MappingProxyType({(one.source, one.role): one.login for one in mappings})
        for source, tell in self._followers:
            tell({login for (place, _), login in self._logins.items() if place == source})

    def follow(self, source: str, tell: Callable[[Collection[RemoteLogin]], None]) -> None:
        """Have ``tell`` called with all logins of a source whenever any has changed."""
        self._followers.append((source, tell))

    def has_own(self, source: str, role: str) -> bool:
        """Say whether a role has a login of its own at a source, and not one that others have, too."""
        return (source, role) in self._logins

    def get(self, source: str, role: str) -> RemoteLogin | None:
        """Return the login of a role at a source; None: the gateway's own."""
        logins = self._logins
        return logins.get((source, role)) or logins.get((source, None))
