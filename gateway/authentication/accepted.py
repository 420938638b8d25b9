"""What checking a token ends in. How it is done is in `gateway.authentication.tokens`, imported where tokens are
accepted at all: its library of cryptography takes 10 MB.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class TokenRefused(Exception):
    """A token that is not accepted. The text is for the log; a client is not told."""


class KeyUnknown(TokenRefused):
    """No key that is known has signed it; the issuer may have a new one."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a genuine token says. ``expires`` is in seconds since 1970, by its issuer's clock."""

    user: str
    roles: frozenset[str]
    claims: Mapping[str, object]
    expires: float
