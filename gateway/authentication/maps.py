"""From a proved identity to a role: maps as in PostgreSQL's ``pg_ident.conf``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from gateway.configuration.auth import AuthMapping

_LONGEST_IDENTITY = 1024  # characters: a regular expression must not be given a book
_ANY_ROLE = "all"


def may_act_as(
    role: str, identities: Iterable[str], map_name: str | None, maps: Mapping[str, Sequence[AuthMapping]]
) -> str | None:
    """Return the first of the identities which may log in as the role, or None.

    Without a map that is the one with the role's own name. Expressions are for the whole of an identity.
    """
    for identity in identities:
        if len(identity) > _LONGEST_IDENTITY:
            continue
        if map_name is None:
            if identity == role:
                return identity
        elif any(_maps(entry, identity, role) for entry in maps[map_name]):
            return identity
    return None


def _maps(entry: AuthMapping, identity: str, role: str) -> bool:
    if not entry.system.startswith("/"):
        return entry.system == identity and entry.role in (role, _ANY_ROLE)
    match = re.compile(entry.system[1:]).fullmatch(identity)
    if match is None:
        return False
    if entry.role == _ANY_ROLE:
        return True
    return re.sub(r"\\([0-9])", lambda reference: match[int(reference[1])] or "", entry.role) == role
