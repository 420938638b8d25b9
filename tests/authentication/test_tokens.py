"""Tokens: what is accepted, and each of the known ways to forge, steal and stretch one."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from catalog.errors import SqlError
from gateway.authentication.accepted import Accepted, KeyUnknown, TokenRefused
from gateway.authentication.issuers import Issuers, IssuerUnreachable, fetch_json
from gateway.authentication.tokens import Key, accept, parse_token, read_keys
from gateway.configuration.auth import ALGORITHMS, AuthRule

ISSUER = "https://id.example"
NOW = 1_800_000_000.0
RSA = RSAKey.generate_key(2048, {"kid": "r"})
OTHER = RSAKey.generate_key(2048, {"kid": "r"})
EC = ECKey.generate_key("P-256", {"kid": "e"})
ED = OKPKey.generate_key("Ed25519", {"kid": "d"})
RULE = AuthRule(
    method="jwt",
    issuer=ISSUER,
    audience=("lakegate",),
    roles_claim="realm.roles",
    roles={"analysts": ("analyst", "reader"), "owners": ("owner",)},
)
CLAIMS: dict[str, Any] = {"iss": ISSUER, "sub": "ada", "aud": "lakegate", "exp": NOW + 60, "iat": NOW}


def public(*keys: Key) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False) for key in keys]}


KEYS = read_keys(public(RSA, EC, ED))


def signed(claims: Mapping[str, object] = CLAIMS, key: Any = RSA, algorithm: str = "RS256", **header: Any) -> str:
    head = {"alg": algorithm, "kid": key.kid, **header}
    return jwt.encode(
        {name: value for name, value in head.items() if value is not None}, dict(claims), key, [algorithm]
    )


def judged(text: str, rule: AuthRule = RULE, now: float = NOW) -> Accepted:
    return accept(parse_token(text, rule.algorithms), KEYS, rule, now)


def refusal(text: str, rule: AuthRule = RULE, now: float = NOW) -> str:
    with pytest.raises(TokenRefused) as caught:
        judged(text, rule, now)
    return str(caught.value)


def encoded(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize(
    ("key", "algorithm"), [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256"), (ED, "EdDSA"), (ED, "Ed25519")]
)
def test_signatures_of_every_kind(key: Key, algorithm: str) -> None:
    accepted = judged(signed(key=key, algorithm=algorithm))
    assert (accepted.user, accepted.expires) == ("ada", NOW + 60)


def test_claims_are_kept_and_cannot_be_changed() -> None:
    claims = {**CLAIMS, "tenant": "acme", "realm": {"roles": ["analysts", "strangers", 5]}, "jti": "once"}
    accepted = judged(signed(claims))
    assert accepted.roles == {"analyst", "reader"}
    assert accepted.claims["tenant"] == "acme"
    assert accepted.claims["realm"] == {"roles": ("analysts", "strangers", 5)}
    assert not {"exp", "iat", "jti"} & set(accepted.claims)
    with pytest.raises(TypeError):
        accepted.claims["tenant"] = "other"  # type: ignore[index]
    with pytest.raises(TypeError):
        accepted.claims["realm"]["roles"] = ("owners",)


def test_a_token_without_a_signature() -> None:
    for algorithm in ("none", "None", "NONE", ""):
        text = f"{encoded({'alg': algorithm})}.{encoded(CLAIMS)}."
        assert refusal(text) == "its algorithm is not allowed"
    assert refusal(signed().rsplit(".", 1)[0] + ".").startswith("its signature is not the issuer's")


def test_no_algorithm_of_shared_secrets_can_be_configured() -> None:
    assert not [name for name in ALGORITHMS if name.startswith("HS") or name.lower() == "none"]
    for name in ("HS256", "none"):
        with pytest.raises(ValueError, match="is not among"):
            AuthRule(method="jwt", algorithms=(name,))


def test_the_public_key_as_a_shared_secret() -> None:
    pem = RSA.public_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    head = f"{encoded({'alg': 'HS256', 'kid': 'r'})}.{encoded(CLAIMS)}"
    text = f"{head}.{encoded(hmac.digest(pem, head.encode(), hashlib.sha256))}"
    assert refusal(text) == "its algorithm is not allowed"
    with pytest.raises(TokenRefused):
        read_keys({"keys": [OctKey.generate_key(256).as_dict()]})


def test_an_algorithm_of_another_kind_of_key() -> None:
    head = f"{encoded({'alg': 'ES256', 'kid': 'r'})}.{encoded(CLAIMS)}"
    with pytest.raises(KeyUnknown):
        judged(f"{head}.{encoded(bytes(64))}")
    assert refusal(signed(key=RSA, algorithm="RS512")) == "its algorithm is not allowed"


def test_somebody_elses_signature() -> None:
    with pytest.raises(KeyUnknown, match="signature"):
        judged(signed(key=OTHER))


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": OTHER.as_dict(private=False)},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/chain"},
        {"x5c": ["AAAA"]},
    ],
    ids=lambda header: next(iter(header)),
)
def test_keys_that_a_token_brings_are_not_looked_at(header: dict[str, Any]) -> None:
    with pytest.raises(KeyUnknown):
        judged(signed(key=OTHER, **header))
    assert judged(signed(**header)).user == "ada"


@pytest.mark.parametrize("kid", ["../../dev/null", "' or 1=1 --", "r\0", "", "x" * 5000])
def test_a_kid_is_only_compared(kid: str) -> None:
    with pytest.raises(KeyUnknown):
        judged(f"{encoded({'alg': 'RS256', 'kid': kid})}.{encoded(CLAIMS)}.{encoded(bytes(256))}")


def test_a_kid_that_is_no_text() -> None:
    assert refusal(f"{encoded({'alg': 'RS256', 'kid': ['r']})}.{encoded(CLAIMS)}.AAAA") == "its kid is not a string"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"iss": "https://id.example/"}, "of another issuer"),
        ({"iss": None}, "of another issuer"),
        ({"aud": "other"}, "for another audience"),
        ({"aud": ["other"]}, "for another audience"),
        ({"aud": None}, "it names no audience"),
        ({"aud": {"lakegate": 1}}, "it names no audience"),
        ({"aud": ["lakegate", "other"], "azp": "other"}, "for several audiences, and asked for by another party"),
        ({"exp": None}, "it never expires"),
        ({"exp": NOW - 30}, "it has expired"),
        ({"exp": str(NOW + 60)}, "its exp is no date"),
        ({"exp": True}, "its exp is no date"),
        ({"exp": 1e300}, "its exp is no date"),
        ({"nbf": NOW + 31}, "of the future (nbf)"),
        ({"iat": NOW + 31}, "of the future (iat)"),
        ({"sub": None}, 'it has no text in the claim "sub"'),
        ({"sub": 7}, 'it has no text in the claim "sub"'),
        ({"sub": ""}, 'it has no text in the claim "sub"'),
    ],
)
def test_claims_that_are_not_right(changed: dict[str, object], reason: str) -> None:
    claims = {name: value for name, value in {**CLAIMS, **changed}.items() if value is not None}
    assert refusal(signed(claims)) == reason


def test_clocks_may_differ_a_little() -> None:
    assert judged(signed({**CLAIMS, "exp": NOW - 29, "nbf": NOW + 29})).user == "ada"
    with pytest.raises(ValueError, match="less than or equal to 60"):
        AuthRule(method="jwt", clock_skew="61s")  # type: ignore[arg-type]


def test_parties_and_scopes() -> None:
    rule = RULE.model_copy(update={"authorized_parties": ("app",), "required_scopes": ("lake",)})
    claims = {**CLAIMS, "azp": "app", "scope": "openid lake"}
    assert judged(signed(claims), rule).user == "ada"
    assert judged(signed({**claims, "scope": None, "scp": ["lake"]} | {"scope": ""}), RULE).user == "ada"
    assert refusal(signed({**claims, "azp": "other"}), rule) == "asked for by another party"
    assert refusal(signed({**claims, "scope": "openid"}), rule) == "without a scope that is required"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a signed JWT"),
        ("a.b", "not a signed JWT"),
        ("a.b.c.d.e", "not a signed JWT"),
        ("\x00.\x00.\x00", "it holds no JSON"),
        (f"{encoded([1])}.e30.e30", "it holds no JSON object"),
        (f"{encoded({'alg': 'RS256', 'crit': ['b64'], 'b64': False})}.e30.e30", "its header asks for an extension"),
        (f"{encoded({'alg': 'RS256', 'typ': 'logout+jwt'})}.e30.e30", "a token of another type, 'logout+jwt'"),
    ],
)
def test_what_is_no_token(text: str, reason: str) -> None:
    assert refusal(text) == reason


def test_a_claim_that_stands_twice() -> None:
    payload = json.dumps(CLAIMS)[:-1] + ', "sub": "eve"}'
    head = f"{encoded({'alg': 'RS256', 'kid': 'r'})}.{encoded(payload.encode())}"
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    assert RSA.private_key is not None
    signature = RSA.private_key.sign(head.encode(), padding.PKCS1v15(), hashes.SHA256())
    assert refusal(f"{head}.{encoded(signature)}") == "it holds no JSON"


@pytest.mark.filterwarnings("ignore:Key size should be")
def test_keys_that_are_left_out() -> None:
    weak = RSAKey.generate_key(1024, {"kid": "weak"})
    encryption = RSAKey.generate_key(2048, {"kid": "enc", "use": "enc"})
    unknown = {"kty": "AKP", "kid": "new", "alg": "ML-DSA-44", "pub": "AAAA"}
    document = {"keys": [*public(weak, encryption, RSA)["keys"], unknown, {"kty": "RSA", "n": "?"}, 5]}
    assert [key.kid for key in read_keys(document)] == ["r"]
    empty: object
    for empty in ({}, [], None, {"keys": []}, {"keys": [unknown]}):
        with pytest.raises(TokenRefused):
            read_keys(empty)


class World:
    """An issuer that counts who asks, and a clock that stands still."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = public(RSA)
        self.asked: list[str] = []
        self.now = 1000.0
        self.down = False
        self.issuer = ISSUER

    def fetch(self, url: str) -> object:
        self.asked.append(url)
        time.sleep(0.01)
        if self.down:
            raise IssuerUnreachable("down")
        if url.endswith("openid-configuration"):
            return {"issuer": self.issuer, "jwks_uri": f"{ISSUER}/keys"}
        return self.keys

    def issuers(self) -> Issuers:
        return Issuers(self.fetch, lambda: self.now)


def current(key: Key = RSA, **header: Any) -> str:
    now = time.time()
    return signed({**CLAIMS, "exp": now + 60, "iat": now}, key, **header)


def test_discovery_once_for_many() -> None:
    world = World()

    async def main() -> None:
        issuers = world.issuers()
        accepted = await asyncio.gather(*(issuers.accept(current(), RULE) for _ in range(50)))
        assert {one.user for one in accepted} == {"ada"}

    asyncio.run(main())
    assert world.asked == [f"{ISSUER}/.well-known/openid-configuration", f"{ISSUER}/keys"]


def test_rotation_and_inventions_lead_to_one_look() -> None:
    world = World()
    new = RSAKey.generate_key(2048, {"kid": "new"})

    async def main() -> None:
        issuers = world.issuers()
        await issuers.accept(current(), RULE)
        world.now += 6
        world.keys = public(new)
        accepted = await asyncio.gather(*(issuers.accept(current(new), RULE) for _ in range(20)))
        assert len(accepted) == 20
        assert len(world.asked) == 4
        for _ in range(50):  # a stampede of keys that nobody has
            with pytest.raises(KeyUnknown):
                await issuers.accept(current(OTHER, kid="invented"), RULE)
        assert len(world.asked) == 4
        with pytest.raises(KeyUnknown):  # the old key is gone
            await issuers.accept(current(RSA), RULE)
        world.now += 6
        with pytest.raises(KeyUnknown):
            await issuers.accept(current(RSA), RULE)
        assert len(world.asked) == 6

    asyncio.run(main())


def test_a_rotation_that_no_token_names() -> None:
    world = World()
    new = RSAKey.generate_key(2048, {"kid": "new"})

    async def main() -> None:
        issuers = world.issuers()
        await issuers.accept(current(kid=None), RULE)
        world.now += 6
        world.keys = public(new)
        assert (await issuers.accept(current(new, kid=None), RULE)).user == "ada"

    asyncio.run(main())


def test_an_issuer_that_is_down() -> None:
    world = World()

    async def main() -> None:
        issuers = world.issuers()
        world.down = True
        with pytest.raises(SqlError, match="cannot be reached"):
            await issuers.accept(current(), RULE)
        world.down = False
        world.now += 6
        assert (await issuers.accept(current(), RULE)).user == "ada"
        world.down = True
        world.now += 3600  # the keys are old, and still the best there are
        assert (await issuers.accept(current(), RULE)).user == "ada"
        world.now += 86_400
        with pytest.raises(SqlError, match="cannot be reached"):
            await issuers.accept(current(), RULE)

    asyncio.run(main())


def test_a_discovery_document_of_another_issuer() -> None:
    world = World()
    world.issuer = "https://evil.example"
    with pytest.raises(SqlError, match="cannot be reached"):
        asyncio.run(world.issuers().accept(current(), RULE))


@pytest.mark.parametrize("url", ["http://id.example/keys", "file:///etc/passwd", "ftp://localhost/x", "https:///x"])
def test_places_that_are_not_asked(url: str) -> None:
    with pytest.raises(IssuerUnreachable):
        fetch_json(url)
