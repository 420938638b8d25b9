"""The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), with which the gateway logs in to its own mirror.

Its passwords are ASCII that the gateway made itself, so SASLprep changes nothing and is left out.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from functools import lru_cache

MECHANISM = "SCRAM-SHA-256"


class ScramRefused(Exception):
    """The server does not know the password, or speaks another exchange."""


class ScramClient:
    """One exchange: `first`, then `final` with the server's first message, then `check` with its last."""

    def __init__(self, password: str) -> None:
        self._password = password
        self._nonce = secrets.token_urlsafe(18)
        self._signature = b""

    def first(self) -> bytes:
        """Return the client's first message; PostgreSQL takes the user from the startup packet."""
        return f"n,,n=,r={self._nonce}".encode()

    def final(self, server_first: bytes) -> bytes:
        """Return the proof of the password for the server's salt and nonce."""
        fields = dict(part.split("=", 1) for part in server_first.decode().split(","))
        if not fields.get("r", "").startswith(self._nonce) or not {"s", "i"} <= fields.keys():
            raise ScramRefused("malformed SCRAM message of the server")
        salted = _salted(self._password, b64decode(fields["s"]), int(fields["i"]))
        without_proof = f"c=biws,r={fields['r']}"
        message = f"n=,r={self._nonce},{server_first.decode()},{without_proof}".encode()
        client_key = _hmac(salted, b"Client Key")
        signature = _hmac(hashlib.sha256(client_key).digest(), message)
        proof = bytes(left ^ right for left, right in zip(client_key, signature, strict=True))
        self._signature = _hmac(_hmac(salted, b"Server Key"), message)
        return f"{without_proof},p={b64encode(proof).decode()}".encode()

    def check(self, server_final: bytes) -> None:
        """Make sure that the server knew the password too."""
        if not hmac.compare_digest(server_final, b"v=" + b64encode(self._signature)):
            raise ScramRefused("the server did not prove that it knows the password")


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


@lru_cache(maxsize=1024)
def _salted(password: str, salt: bytes, iterations: int) -> bytes:
    """The costly step, kept: every session of a role logs in with the same password and salt."""
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
