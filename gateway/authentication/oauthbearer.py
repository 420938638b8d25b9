"""The server's side of SASL OAUTHBEARER (RFC 7628) as PostgreSQL 18 speaks it, without the network.

A client that has no token sends an empty one; it is told the issuer (`challenge`), says that it has understood
(`check_failure_confirmed`), is refused, and comes again with a token. So is one whose token is not accepted.
"""

from __future__ import annotations

import json
import re
from typing import Final

from catalog.errors import SqlError
from catalog.sqlstate import SqlState

OAUTHBEARER: Final = "OAUTHBEARER"
_SEPARATOR: Final = b"\x01"
_HEADER: Final = re.compile(rb"([nyp])[^,]*,([^,]*),\x01")
_KEY: Final = re.compile(rb"[A-Za-z]+\Z")
_VALUE: Final = re.compile(rb"[\x21-\x7e \t\r\n]*\Z")
_BEARER: Final = re.compile(rb"bearer +([A-Za-z0-9._~+/-]+=*)\Z", re.IGNORECASE)
_WELL_KNOWN: Final = "/.well-known/"


def challenge(issuer: str, scope: str) -> bytes:
    """Return the answer to a client without a valid token: where it may get one."""
    document = issuer if _WELL_KNOWN in issuer else f"{issuer}{_WELL_KNOWN}openid-configuration"
    return json.dumps({"status": "invalid_token", "openid-configuration": document, "scope": scope}).encode()


def bearer_token(message: bytes) -> str | None:
    """Return the token in a client's first response; None where it is empty (a question for the issuer) or is not one
    by its form. Raises SqlError 08P01 for what is no such message.
    """
    header = _HEADER.match(message)
    if header is None:
        raise _malformed("The message does not begin with a header.")
    if header[1] == b"p":
        raise _malformed("Channel binding is not supported for OAuth.")
    if header[2]:
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, "client uses authorization identity, but it is not supported")
    pairs = message[header.end() :]
    if not pairs.endswith(_SEPARATOR * 2):
        raise _malformed("The message has no final terminator.")
    authorization = _authorization(pairs[:-2].split(_SEPARATOR))
    match = _BEARER.match(authorization)
    return None if match is None else match[1].decode("ascii")


def check_failure_confirmed(message: bytes) -> None:
    """Raise SqlError 08P01 unless a client has confirmed that it failed, by one separator."""
    if message != _SEPARATOR:
        raise _malformed("The client did not send a separator.")


def _authorization(pairs: list[bytes]) -> bytes:
    found = []
    for pair in pairs:
        key, equals, value = pair.partition(b"=")
        if not equals or not _KEY.match(key) or not _VALUE.match(value):
            raise _malformed("A key or a value is invalid.")
        if key == b"auth":
            found.append(value)
    if len(found) != 1:
        raise _malformed("The message needs one auth value.")
    return found[0]


def _malformed(detail: str) -> SqlError:
    return SqlError(SqlState.PROTOCOL_VIOLATION, "malformed OAUTHBEARER message", detail=detail)
