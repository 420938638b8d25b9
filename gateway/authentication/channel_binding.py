"""What SCRAM's -PLUS mechanism binds a login to: the hash of our TLS certificate (RFC 5929, tls-server-end-point)."""

from __future__ import annotations

import hashlib
from typing import Final

# The certificate's own signature algorithm names the hash, by the DER bytes of its object identifier; the RFC wants
# SHA-256 in place of MD5 and SHA-1. Algorithms without one fixed hash (Ed25519, RSA-PSS) define no binding.
_RSA: Final = bytes.fromhex("2a864886f70d0101")
_ECDSA: Final = bytes.fromhex("2a8648ce3d04")
_HASHES: Final = {
    _RSA + b"\x04": "sha256",
    _RSA + b"\x05": "sha256",
    _RSA + b"\x0b": "sha256",
    _RSA + b"\x0c": "sha384",
    _RSA + b"\x0d": "sha512",
    _RSA + b"\x0e": "sha224",
    _ECDSA + b"\x01": "sha256",
    _ECDSA + b"\x03\x01": "sha224",
    _ECDSA + b"\x03\x02": "sha256",
    _ECDSA + b"\x03\x03": "sha384",
    _ECDSA + b"\x03\x04": "sha512",
}
_SEQUENCE: Final = 0x30
_OBJECT_IDENTIFIER: Final = 0x06


def tls_server_end_point(certificate: bytes) -> bytes | None:
    """Return what to bind to for a certificate in DER form, or None if its algorithm defines nothing.

    Raises ``ValueError`` when this is not a certificate.
    """
    start, _ = _element(certificate, 0, _SEQUENCE)
    _, behind_content = _element(certificate, start, _SEQUENCE)
    algorithm, _ = _element(certificate, behind_content, _SEQUENCE)
    identifier, end = _element(certificate, algorithm, _OBJECT_IDENTIFIER)
    name = _HASHES.get(certificate[identifier:end])
    return None if name is None else hashlib.new(name, certificate).digest()


def _element(der: bytes, at: int, tag: int) -> tuple[int, int]:
    """Return where the content of the element at this offset begins and ends."""
    if at + 2 > len(der) or der[at] != tag:
        raise ValueError("not a certificate in DER form")
    length, start = der[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(der[start : start + size]), start + size
    if start + length > len(der):
        raise ValueError("not a certificate in DER form")
    return start, start + length
