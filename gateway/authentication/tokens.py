"""Tokens (JWT, RFC 7519) of an OpenID provider: whether one is genuine, for us, of now, and what it says.

Nothing in a token's header decides anything but which of the issuer's own keys is tried: keys that a token brings or
points to (``jwk``, ``x5c``, ``jku``, ``x5u``) are never looked at, and the algorithm must be allowed by the rule and be
one of the key's kind, so that neither ``none`` nor a public key taken for a shared secret gets anywhere (RFC 8725).
"""

from __future__ import annotations

import json
import math
import warnings
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey

from catalog.principals import frozen_claims
from gateway.authentication.accepted import Accepted, KeyUnknown, TokenRefused
from gateway.configuration.auth import AuthRule

Key = RSAKey | ECKey | OKPKey
_KINDS: Final[Mapping[str, type[Key]]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_TYPES: Final = frozenset({"jwt", "at+jwt"})
_KIND_OF_ALGORITHM: Final = {"R": RSAKey, "P": RSAKey, "ES": ECKey, "Ed": OKPKey}
_CURVES: Final = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_SMALLEST_RSA: Final = 2048  # bits
_LATEST: Final = 1 << 40  # seconds since 1970; what is later is no date
# What differs from token to token of one person: of no use to policies, and each would make plans of its own.
_OF_THE_TOKEN: Final = frozenset(
    {"exp", "iat", "nbf", "jti", "auth_time", "nonce", "at_hash", "c_hash", "s_hash", "sid", "uti", "rh", "aio"}
)


warnings.filterwarnings("ignore", message="EdDSA is deprecated", category=SecurityWarning)  # for names by curve


class _Registry(jws.JWSRegistry):
    """Headers with certificate chains are long, and issuers have parameters of their own."""

    max_header_length = 1 << 15


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it came, read and not yet believed."""

    text: str
    algorithm: str
    key_id: str | None


def parse_token(text: str, algorithms: Sequence[str]) -> Token:
    """Return a token by its header. Raises TokenRefused where it is none, or by an algorithm that is not allowed."""
    parts = text.split(".")
    if len(parts) != 3:
        raise TokenRefused("not a signed JWT")
    header = _json(parts[0])
    algorithm, key_id, kind = header.get("alg"), header.get("kid"), header.get("typ")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise TokenRefused("its algorithm is not allowed")
    if key_id is not None and not isinstance(key_id, str):
        raise TokenRefused("its kid is not a string")
    if kind is not None and str(kind).lower().removeprefix("application/") not in _TYPES:
        raise TokenRefused(f"a token of another type, {str(kind)[:40]!r}")
    if "crit" in header or "b64" in header:
        raise TokenRefused("its header asks for an extension")
    return Token(text, algorithm, key_id)


def read_keys(document: object) -> tuple[Key, ...]:
    """Return the public keys for signatures in a JWKS document (RFC 7517); others in it are left out.

    Raises TokenRefused where it is none, or has no key.
    """
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise TokenRefused("the issuer's keys are no JWKS document")
    keys = [key for entry in entries if isinstance(entry, dict) and (key := _read_key(entry)) is not None]
    if not keys:
        raise TokenRefused("the issuer has no key for signatures")
    return tuple(keys)


def accept(token: Token, keys: Sequence[Key], rule: AuthRule, now: float) -> Accepted:
    """Return what a token says. Raises TokenRefused: it has expired, is of another issuer or for somebody else; or
    KeyUnknown: none of the keys has signed it.
    """
    key = _find_key(keys, token)
    try:
        registry = _Registry(algorithms=[token.algorithm], strict_check_header=False)
        signed = jws.deserialize_compact(token.text, key, registry=registry)
    except (JoseError, ValueError) as error:
        raise KeyUnknown(f"its signature is not the issuer's ({type(error).__name__})") from None
    claims = _object(signed.payload)
    _check_parties(claims, rule)
    expires = _check_times(claims, rule.clock_skew, now)
    _check_scopes(claims, rule.required_scopes)
    user = _find(claims, rule.user_claim)
    if not isinstance(user, str) or not user:
        raise TokenRefused(f'it has no text in the claim "{rule.user_claim}"')
    kept = {name: value for name, value in claims.items() if name not in _OF_THE_TOKEN}
    return Accepted(user, _roles(claims, rule), frozen_claims(kept), expires)


def _read_key(entry: dict[str, Any]) -> Key | None:
    kind = _KINDS.get(str(entry.get("kty")))
    if kind is None or entry.get("use", "sig") != "sig" or "verify" not in entry.get("key_ops", ["verify"]):
        return None
    try:
        key = kind.import_key({name: value for name, value in entry.items() if name not in ("use", "key_ops")})
        if isinstance(key, RSAKey) and key.public_key.key_size < _SMALLEST_RSA:
            return None
        return key
    except (JoseError, ValueError, TypeError, KeyError):
        return None  # one that we cannot read is one that no token can use


def _find_key(keys: Sequence[Key], token: Token) -> Key:
    """Return the key that a token names. One that names none has the only key that suits."""
    found = [key for key in keys if _suits(key, token.algorithm) and token.key_id in (None, key.kid)]
    if len(found) != 1:
        raise KeyUnknown("its key is none of the issuer's, or it does not say which")
    return found[0]


def _suits(key: Key, algorithm: str) -> bool:
    stated = key.get("alg")
    if stated is not None and stated != algorithm:
        return False
    kind = _KIND_OF_ALGORITHM[algorithm[:2] if algorithm.startswith("E") else algorithm[:1]]
    if not isinstance(key, kind):
        return False
    return algorithm not in _CURVES or (isinstance(key, ECKey) and key.curve_name == _CURVES[algorithm])


def _check_parties(claims: Mapping[str, Any], rule: AuthRule) -> None:
    if claims.get("iss") != rule.issuer:
        raise TokenRefused("of another issuer")
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or not all(isinstance(one, str) for one in audiences):
        raise TokenRefused("it names no audience")
    if not set(audiences) & set(rule.audience):
        raise TokenRefused("for another audience")
    party = claims.get("azp", claims.get("client_id"))
    if rule.authorized_parties:
        if party not in rule.authorized_parties:
            raise TokenRefused("asked for by another party")
    elif len(audiences) > 1 and "azp" in claims and party not in rule.audience:
        raise TokenRefused("for several audiences, and asked for by another party")


def _check_times(claims: Mapping[str, Any], skew: float, now: float) -> float:
    expires = _time(claims, "exp")
    if expires is None:
        raise TokenRefused("it never expires")
    if now >= expires + skew:
        raise TokenRefused("it has expired")
    for name in ("nbf", "iat"):
        moment = _time(claims, name)
        if moment is not None and moment > now + skew:
            raise TokenRefused(f"of the future ({name})")
    return expires


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TokenRefused(f"its {name} is no date")
    if not 0 <= value <= _LATEST:
        raise TokenRefused(f"its {name} is no date")
    return float(value)


def _check_scopes(claims: Mapping[str, Any], required: Sequence[str]) -> None:
    stated = claims.get("scope", claims.get("scp", ""))
    scopes = stated.split() if isinstance(stated, str) else stated if isinstance(stated, list) else []
    if not set(required) <= {one for one in scopes if isinstance(one, str)}:
        raise TokenRefused("without a scope that is required")


def _roles(claims: Mapping[str, Any], rule: AuthRule) -> frozenset[str]:
    if rule.roles_claim is None:
        return frozenset()
    stated = _find(claims, rule.roles_claim)
    values = [stated] if isinstance(stated, str) else stated if isinstance(stated, list) else []
    return frozenset(role for value in values if isinstance(value, str) for role in rule.roles.get(value, ()))


def _find(claims: Mapping[str, Any], name: str) -> object:
    """Return a claim: one of that very name, else the one inside others that the dots lead to."""
    if name in claims:
        return claims[name]
    value: object = claims
    for part in name.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def _json(part: str) -> dict[str, Any]:
    try:
        return _object(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        raise TokenRefused("not a signed JWT") from None


def _object(data: bytes | None) -> dict[str, Any]:
    try:
        value = json.loads(data or b"", object_pairs_hook=_without_repetition, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise TokenRefused("it holds no JSON") from None
    if not isinstance(value, dict):
        raise TokenRefused("it holds no JSON object")
    return value


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A name that stands twice would mean one thing to us and another to who signed it."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
