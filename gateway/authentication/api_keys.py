"""API keys: ``lgk_<id>_<secret>``, shown once. The store keeps the SHA-256 of the secret: 256 random bits need no slow
hash, as nobody can try them all.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Final

_ID_BYTES: Final = 8
_SECRET_BYTES: Final = 32
_KEY: Final = re.compile(r"lgk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made. ``text`` is what its owner gets to see, once; ``digest`` is what to keep."""

    id: str
    text: str = field(repr=False)
    digest: bytes


def new_key() -> NewKey:
    """Return a key of random bits."""
    identifier, secret = secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
    return NewKey(identifier, f"lgk_{identifier}_{secret}", _digest(secret))


def key_id(text: str) -> str | None:
    """Return the id within a key, or None if the text has not the form of one."""
    match = _KEY.fullmatch(text)
    return None if match is None else match[1]


def is_key(text: str, digest: bytes) -> bool:
    """Say whether this key was kept as this digest; takes as long either way."""
    match = _KEY.fullmatch(text)
    return match is not None and hmac.compare_digest(_digest(match[2]), digest)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("ascii")).digest()
