"""The names in a client's certificate, from what Python's ``ssl`` tells of one that it has verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

_SHORT: Final = {
    "commonName": "CN",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "countryName": "C",
    "localityName": "L",
    "stateOrProvinceName": "ST",
    "domainComponent": "DC",
    "userId": "UID",
    "streetAddress": "STREET",
}
_SHORT_ELSEWHERE: Final = {"surname": "SN", "givenName": "GN", "userId": "UID", "streetAddress": "street"}
_SPECIAL: Final = frozenset(',+"\\<>;=')
_ALTERNATIVES: Final = {"DNS": "DNS", "email": "email", "URI": "URI", "IP Address": "IP"}

Certificate = Mapping[str, Any]


def names_of(certificate: Certificate) -> tuple[str, ...]:
    """Return the identities that a certificate proves, the common name first: ``ada``, then the whole subject in the
    form of RFC 2253 (``CN=ada,OU=lake``), then alternative names (``email:ada@example.org``, ``URI:spiffe://…``).
    """
    subject: Sequence[Sequence[tuple[str, str]]] = certificate.get("subject", ())
    common = [value for names in subject for kind, value in names if kind == "commonName"]
    # Two common names could be read in two ways; PostgreSQL takes the last, we take none.
    names = common if len(common) == 1 and "\0" not in common[0] else []
    if subject:
        names = [*names, distinguished_name(subject)]
    alternatives: Sequence[tuple[str, str]] = certificate.get("subjectAltName", ())
    names += [f"{_ALTERNATIVES[kind]}:{value}" for kind, value in alternatives if kind in _ALTERNATIVES]
    return tuple(names)


def distinguished_name(subject: Sequence[Sequence[tuple[str, str]]]) -> str:
    """Return a subject as RFC 2253 writes it: the most specific part first, special characters escaped."""
    return ",".join(
        "+".join(f"{_SHORT.get(kind, kind)}={_escaped(value)}" for kind, value in part) for part in reversed(subject)
    )


def slashed_name(name: Sequence[Sequence[tuple[str, str]]]) -> str:
    """Return a name as OpenSSL writes it on one line, and PostgreSQL in ``pg_stat_ssl``: ``/O=lake/CN=ada``."""
    short = {**_SHORT, **_SHORT_ELSEWHERE}
    return "".join(f"/{short.get(kind, kind)}={value}" for part in name for kind, value in part)


def _escaped(value: str) -> str:
    text = "".join(f"\\{character}" if character in _SPECIAL else character for character in value)
    if text.startswith(("#", " ")):
        text = "\\" + text
    return text[:-1] + "\\ " if text.endswith(" ") and len(text) > 1 else text
