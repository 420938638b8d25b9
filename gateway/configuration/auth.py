"""``[auth]`` of the configuration file: who may come in from where, and how he proves who he is."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from gateway.configuration.toml_lines import KeyPath
from gateway.configuration.values import Seconds

Method = Literal["scram-sha-256", "scram-sha-256-plus", "cert", "oauth", "jwt", "api-key", "trust", "reject"]
ALL: Final = "all"
LOOPBACK: Final = "loopback"
TOKEN_METHODS: Final = frozenset({"oauth", "jwt"})
ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
_ENCRYPTED_METHODS: Final = frozenset({"scram-sha-256-plus", "cert", "jwt"})
_LOOPBACKS: Final = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
_REFERENCE: Final = re.compile(r"\\([0-9])")

# The keys of a rule that only some methods have.
_OPTIONS: Final[Mapping[str, frozenset[str]]] = {
    "map": frozenset({"cert", "oauth", "jwt"}),
    **dict.fromkeys(
        (
            *("issuer", "audience", "jwks_uri", "algorithms", "authorized_parties", "required_scopes"),
            *("user_claim", "roles_claim", "roles", "clock_skew", "expiry_grace"),
        ),
        TOKEN_METHODS,
    ),
    "scope": frozenset({"oauth"}),
}


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)


def _words(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _word_lists(value: object) -> object:
    return {key: _words(item) for key, item in value.items()} if isinstance(value, dict) else value


Words = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_words)]
WordsByName = Annotated[dict[str, tuple[str, ...]], BeforeValidator(_word_lists)]


class AuthRule(_Section):
    """One of ``[[auth.rules]]``. The first that fits a connection decides, and no other is asked after it."""

    method: Method
    address: Words = (ALL,)
    database: Words = (ALL,)
    user: Words = (ALL,)
    tls: bool | None = None  # None: with and without
    map: str | None = None
    issuer: str | None = None
    audience: Words = ()
    jwks_uri: str | None = None  # default: as the issuer's discovery document says
    scope: str = "openid"
    algorithms: Words = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
    authorized_parties: Words = ()
    required_scopes: Words = ()
    user_claim: str = "sub"
    roles_claim: str | None = None
    roles: WordsByName = Field(default_factory=dict)
    clock_skew: Annotated[Seconds, Field(le=60)] = 30.0
    expiry_grace: Annotated[Seconds, Field(le=86400)] = 0.0

    @field_validator("address")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if one not in (ALL, LOOPBACK):
                try:
                    ipaddress.ip_network(one)
                except ValueError:
                    raise ValueError(
                        f'"{one}" is no address: write "all", "loopback" or one such as "10.1.0.0/16"'
                    ) from None
        return value

    @field_validator("algorithms")
    @classmethod
    def _algorithms(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if one not in ALGORITHMS:
                raise ValueError(f'"{one}" is not among {", ".join(ALGORITHMS)}')
        return value

    @field_validator("issuer", "jwks_uri")
    @classmethod
    def _url(cls, value: str | None) -> str | None:
        if value is not None and not is_safe_url(value):
            raise ValueError(f'"{value}" is not an https:// URL (http:// is for loopback alone)')
        return value

    @property
    def only_loopback(self) -> bool:
        """Whether only connections from this machine can fit."""
        return all(one == LOOPBACK or (one != ALL and _is_loopback(one)) for one in self.address)


class AuthMapping(_Section):
    """A line of a map: who proved to be ``system`` may log in as ``role``.

    ``system`` that begins with a slash is a regular expression for the whole of the identity; its groups may stand in
    ``role`` as ``\\1``.
    """

    system: Annotated[str, Field(min_length=1)]
    role: Annotated[str, Field(min_length=1)]

    @field_validator("system")
    @classmethod
    def _expression(cls, value: str) -> str:
        if value.startswith("/"):
            try:
                re.compile(value[1:])
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from None
        return value


class Auth(_Section):
    """``[auth]``: how clients prove who they are. Durations are seconds."""

    method: Literal["scram-sha-256", "trust"] = "scram-sha-256"
    rules: tuple[AuthRule, ...] = ()
    maps: dict[str, tuple[AuthMapping, ...]] = Field(default_factory=dict)
    password_min_length: Annotated[int, Field(ge=1, le=128)] = 8
    failed_logins: Annotated[int, Field(ge=1)] = 10
    failed_logins_of_address: Annotated[int, Field(ge=1)] = 100
    longest_ban: Annotated[Seconds, Field(ge=1)] = 900.0
    max_unauthenticated: Annotated[int, Field(ge=1)] = 1024
    max_unauthenticated_of_address: Annotated[int, Field(ge=1)] = 512

    @property
    def effective_rules(self) -> tuple[AuthRule, ...]:
        """The rules; ``method`` is the short form of one for everybody."""
        return self.rules or (AuthRule(method=self.method),)


def is_safe_url(url: str) -> bool:
    """Say whether what comes from there is what its owner sent: by HTTPS, or without leaving this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if not host or parts.query or parts.fragment or parts.username is not None:
        return False
    if parts.scheme == "https":
        return True
    return parts.scheme == "http" and (host == "localhost" or _is_loopback(host))


def contradictions(auth: Auth, *, has_tls: bool, has_client_ca: bool) -> Iterator[tuple[KeyPath, str]]:
    """Yield what is wrong between keys that are each right."""
    if auth.rules and "method" in auth.model_fields_set:
        yield ("auth", "method"), "the short form of one rule; there are [[auth.rules]], so leave it out"
    for name, entries in auth.maps.items():
        for index, entry in enumerate(entries):
            groups = re.compile(entry.system[1:]).groups if entry.system.startswith("/") else 0
            if any(not 0 < int(number) <= groups for number in _REFERENCE.findall(entry.role)):
                yield ("auth", "maps", name, index, "role"), "refers to a group that the regular expression has not"
    for index, rule in enumerate(auth.rules):
        for key, message in _rule_contradictions(auth, rule, has_tls=has_tls, has_client_ca=has_client_ca):
            yield ("auth", "rules", index, key), message


def _rule_contradictions(
    auth: Auth, rule: AuthRule, *, has_tls: bool, has_client_ca: bool
) -> Iterator[tuple[str, str]]:
    method = rule.method
    for key, methods in _OPTIONS.items():
        if key in rule.model_fields_set and method not in methods:
            yield key, f'not for the method "{method}", only for {", ".join(sorted(methods))}'
    if rule.map is not None and rule.map not in auth.maps:
        yield "map", f'there is no map "{rule.map}" in [auth.maps]'
    if method == "trust" and not rule.only_loopback:
        yield "method", '"trust" lets anyone in and is for loopback addresses only; add address = "loopback"'
    if method in _ENCRYPTED_METHODS and rule.tls is False:
        yield "tls", f'"{method}" needs TLS'
    elif (method in _ENCRYPTED_METHODS or rule.tls) and not has_tls:
        yield "tls" if rule.tls else "method", "needs TLS: set server.tls_certificate and server.tls_key"
    if method == "cert" and has_tls and not has_client_ca:
        yield "method", '"cert" needs server.client_ca'
    if method in TOKEN_METHODS:
        if rule.issuer is None:
            yield "issuer", f'field required by the method "{method}"'
        if not rule.audience:
            yield "audience", f'field required by the method "{method}": a token for somebody else is none for us'
        if rule.roles and rule.roles_claim is None:
            yield "roles_claim", "field required: the claim whose values [roles] has"


def _is_loopback(address: str) -> bool:
    try:
        network = ipaddress.ip_network(address)
    except ValueError:
        return False
    return any(network.version == one.version and network.subnet_of(one) for one in _LOOPBACKS)  # type: ignore[arg-type]
