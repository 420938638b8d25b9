"""The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677) as PostgreSQL speaks it, without the network.

    exchange = ScramExchange(verifier, user="ada", mechanism=chosen)
    server_first = exchange.first(client_first)
    server_final = exchange.final(client_final)     # or SqlError: the client is not who it says

The server keeps verifiers, never passwords, and does no slow hashing in an exchange: that is the client's part.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
import secrets
import stringprep
import unicodedata
from base64 import b64encode
from dataclasses import dataclass
from typing import Final

from catalog.errors import SqlError
from catalog.sqlstate import SqlState

SCRAM_SHA_256: Final = "SCRAM-SHA-256"
SCRAM_SHA_256_PLUS: Final = "SCRAM-SHA-256-PLUS"
SCRAM_DEFAULT_ITERATIONS: Final = 4096
MAX_ITERATIONS: Final = 0x7FFFFFFF

_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 18
_KEY_BYTES: Final = 32
_CHANNEL_BINDING: Final = b"tls-server-end-point"

_VERIFIER: Final = re.compile(r"SCRAM-SHA-256\$([1-9][0-9]{0,9}):([^$:]+)\$([^$:]+):([^$:]+)\Z", re.ASCII)
_ATTRIBUTE: Final = rb"[A-Za-z]=[^,\0]*"
_CLIENT_FIRST: Final = re.compile(
    rb"(?P<header>(?P<flag>[ny]|p=[A-Za-z0-9.-]+),(?P<identity>a=[^,\0]*)?,)"
    rb"(?P<bare>(?P<extension>m=[^,\0]*,)?n=[^,\0]*,r=(?P<nonce>[\x21-\x2b\x2d-\x7e]+)(?:," + _ATTRIBUTE + rb")*)\Z"
)
_CLIENT_FINAL: Final = re.compile(
    rb"(?P<unproved>c=(?P<binding>[^,\0]*),r=(?P<nonce>[^,\0]*)(?:," + _ATTRIBUTE + rb")*),p=(?P<proof>[^,\0]*)\Z"
)


@dataclass(frozen=True, slots=True)
class Verifier:
    """What a server must know to check a password, and to show that it knows: not enough to log in elsewhere."""

    iterations: int
    salt: bytes
    stored_key: bytes
    server_key: bytes

    def __str__(self) -> str:
        return (
            f"{SCRAM_SHA_256}${self.iterations}:{_base64(self.salt)}"
            f"${_base64(self.stored_key)}:{_base64(self.server_key)}"
        )

    def __repr__(self) -> str:
        return f"Verifier(iterations={self.iterations})"


def verifier(password: str, *, salt: bytes | None = None, iterations: int = SCRAM_DEFAULT_ITERATIONS) -> str:
    """Return what to keep of a password, in the form of PostgreSQL's ``pg_authid.rolpassword``.

    ``salt`` is random unless given. Takes some milliseconds at 4096 iterations.
    """
    if not 1 <= iterations <= MAX_ITERATIONS:
        raise ValueError("iterations must lie between 1 and 2147483647")
    salt = secrets.token_bytes(_SALT_BYTES) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", prepared(password).encode(errors="surrogatepass"), salt, iterations)
    return str(Verifier(iterations, salt, _sha256(_hmac(salted, b"Client Key")), _hmac(salted, b"Server Key")))


def mock_verifier(user: str, server_secret: bytes, *, iterations: int = SCRAM_DEFAULT_ITERATIONS) -> str:
    """Return a verifier that no password meets, for users that do not exist or have none.

    It is the same each time for a user and a server, as a real one is, so that the exchange does not tell which users
    exist; give it the ``iterations`` of real ones. ``server_secret`` are 32 random bytes that a server keeps.
    """
    salt, stored_key, server_key = (
        _hmac(server_secret, purpose + b"\0" + user.encode(errors="surrogatepass"))
        for purpose in (b"salt", b"stored key", b"server key")
    )
    return str(Verifier(iterations, salt[:_SALT_BYTES], stored_key, server_key))


def parse_verifier(text: str) -> Verifier:
    """Return the parts of a verifier. Raises ``ValueError`` if it does not have PostgreSQL's form."""
    match = _VERIFIER.match(text)
    if match is None:
        raise ValueError("not a SCRAM-SHA-256 verifier")
    iterations = int(match[1])
    try:
        salt, stored_key, server_key = (_decode_base64(part.encode()) for part in match.group(2, 3, 4))
    except ValueError:
        raise ValueError("not a SCRAM-SHA-256 verifier") from None
    if iterations > MAX_ITERATIONS or not salt or len(stored_key) != _KEY_BYTES or len(server_key) != _KEY_BYTES:
        raise ValueError("not a SCRAM-SHA-256 verifier")
    return Verifier(iterations, salt, stored_key, server_key)


def mechanisms(channel_binding: bytes | None) -> tuple[str, ...]:
    """Return the mechanisms to offer, the best first; -PLUS only where there is something to bind to."""
    return (SCRAM_SHA_256,) if channel_binding is None else (SCRAM_SHA_256_PLUS, SCRAM_SHA_256)


class ScramExchange:
    """One login. Each step may be taken once, in order; a failed one ends the exchange.

    ``channel_binding`` is what to bind to: the hash of our TLS certificate (``tls-server-end-point``, RFC 5929), or
    None where -PLUS was not offered. It must be what ``mechanisms`` was given, else a downgrade goes unseen.
    ``server_nonce`` is random unless given, which only tests should do.
    """

    __slots__ = (
        *("_awaits", "_channel_binding", "_expected_binding", "_messages", "_nonce", "_plus"),
        *("_server_nonce", "_user", "_verifier"),
    )

    def __init__(
        self,
        verifier: str,
        *,
        user: str,
        mechanism: str = SCRAM_SHA_256,
        channel_binding: bytes | None = None,
        server_nonce: str | None = None,
    ) -> None:
        if mechanism not in mechanisms(channel_binding):
            raise _violation("client selected an invalid SASL authentication mechanism")
        self._verifier = parse_verifier(verifier)
        self._user = user
        self._plus = mechanism == SCRAM_SHA_256_PLUS
        self._channel_binding = channel_binding
        self._server_nonce = server_nonce or _base64(secrets.token_bytes(_NONCE_BYTES))
        self._nonce = b""
        self._messages = b""
        self._expected_binding = b""
        self._awaits = "client-first-message"

    def first(self, client_first: bytes) -> bytes:
        """Take the client's first message; return ours. Raises ``SqlError`` when it is malformed or a downgrade."""
        self._take("client-first-message")
        match = _CLIENT_FIRST.match(client_first)
        if match is None:
            raise _violation("malformed SCRAM message")
        self._check_flag(match["flag"])
        if match["identity"] is not None:
            raise _unsupported("client uses authorization identity, but it is not supported")
        if match["extension"] is not None:
            raise _unsupported("client requires an unsupported SCRAM extension")
        self._nonce = match["nonce"] + self._server_nonce.encode()
        self._expected_binding = match["header"] + (self._channel_binding or b"" if self._plus else b"")
        server_first = b"r=%s,s=%s,i=%d" % (
            self._nonce,
            b64encode(self._verifier.salt),
            self._verifier.iterations,
        )
        self._messages = match["bare"] + b"," + server_first + b","
        self._awaits = "client-final-message"
        return server_first

    def final(self, client_final: bytes) -> bytes:
        """Take the client's proof; return ours: the client is who it says. Else raises ``SqlError``."""
        self._take("client-final-message")
        match = _CLIENT_FINAL.match(client_final)
        if match is None:
            raise _violation("malformed SCRAM message")
        if not hmac.compare_digest(match["nonce"], self._nonce):
            raise _violation("invalid SCRAM response", "Nonce does not match.")
        try:
            binding, proof = _decode_base64(match["binding"]), _decode_base64(match["proof"])
        except ValueError:
            raise _violation("malformed SCRAM message", "Malformed base64.") from None
        if len(proof) != _KEY_BYTES:
            raise _violation("malformed SCRAM message", "Malformed proof.")
        if not hmac.compare_digest(binding, self._expected_binding):
            raise SqlError(SqlState.INVALID_AUTHORIZATION_SPECIFICATION, "SCRAM channel binding check failed")
        messages = self._messages + match["unproved"]
        signature = _hmac(self._verifier.stored_key, messages)
        client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
        if not hmac.compare_digest(_sha256(client_key), self._verifier.stored_key):
            raise SqlError(SqlState.INVALID_PASSWORD, f'password authentication failed for user "{self._user}"')
        return b"v=" + b64encode(_hmac(self._verifier.server_key, messages))

    def _take(self, message: str) -> None:
        if self._awaits != message:
            raise RuntimeError(f"a {message} was given out of order")
        self._awaits = "nothing"

    def _check_flag(self, flag: bytes) -> None:
        if self._plus:
            if not flag.startswith(b"p="):
                raise _violation(
                    "malformed SCRAM message",
                    "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel "
                    "binding data.",
                )
            if flag[2:] != _CHANNEL_BINDING:
                raise _violation("unsupported SCRAM channel-binding type")
        elif flag.startswith(b"p="):
            raise _violation(
                "malformed SCRAM message",
                "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel "
                "binding data.",
            )
        elif flag == b"y" and self._channel_binding is not None:
            # Somebody in the middle has taken -PLUS off our list.
            raise SqlError(
                SqlState.INVALID_AUTHORIZATION_SPECIFICATION,
                "SCRAM channel binding negotiation error",
                detail="The client supports SCRAM channel binding but thinks the server does not.  "
                "However, this server does support channel binding.",
            )


def prepared(password: str) -> str:
    """Return a password after SASLprep (RFC 4013), or as it is where that fails, as PostgreSQL does on both sides."""
    if password.isascii():
        return password
    mapped = "".join(
        " " if stringprep.in_table_c12(character) else character
        for character in password
        if stringprep.in_table_c12(character) or not stringprep.in_table_b1(character)
    )
    # PostgreSQL looks for what is prohibited before normalizing, not after as the RFC has it; clients rely on it.
    if not mapped or any(_prohibited(character) for character in mapped) or not _bidirectional_order(mapped):
        return password
    return unicodedata.normalize("NFKC", mapped)


def _prohibited(character: str) -> bool:
    return (
        stringprep.in_table_a1(character)  # not assigned in Unicode 3.2
        or stringprep.in_table_c21_c22(character)
        or stringprep.in_table_c3(character)
        or stringprep.in_table_c4(character)
        or stringprep.in_table_c5(character)
        or stringprep.in_table_c6(character)
        or stringprep.in_table_c7(character)
        or stringprep.in_table_c8(character)
        or stringprep.in_table_c9(character)
    )


def _bidirectional_order(text: str) -> bool:
    if not any(map(stringprep.in_table_d1, text)):
        return True
    if any(map(stringprep.in_table_d2, text)):
        return False
    return stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


def _decode_base64(text: bytes) -> bytes:
    return binascii.a2b_base64(text, strict_mode=True)


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _violation(message: str, detail: str | None = None) -> SqlError:
    return SqlError(SqlState.PROTOCOL_VIOLATION, message, detail=detail)


def _unsupported(message: str) -> SqlError:
    return SqlError(SqlState.FEATURE_NOT_SUPPORTED, message)
