"""Rules, maps, names of certificates, OAUTHBEARER messages, passwords, API keys and slowed guessing, each by itself."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import SqlError
from gateway.authentication.api_keys import is_key, key_id, new_key
from gateway.authentication.certificates import names_of
from gateway.authentication.maps import may_act_as
from gateway.authentication.oauthbearer import bearer_token, challenge, check_failure_confirmed
from gateway.authentication.passwords import check_password
from gateway.authentication.rules import Attempt, require_rule
from gateway.authentication.throttle import Throttle, Waiting, network_of
from gateway.configuration.auth import AuthMapping, AuthRule

RULES = (
    AuthRule(method="reject", user=("eve",)),
    AuthRule(method="cert", address=("10.1.0.0/16", "fd00::/8"), tls=True),
    AuthRule(method="jwt", user=("+analysts", "jo"), database=("lake", "other")),
    AuthRule(method="api-key", address=("192.0.2.7",), tls=False),
    AuthRule(method="trust", address=("loopback",), user=("tina",)),
    AuthRule(method="scram-sha-256", address=("loopback",)),
)
MEMBERS = {"ann": frozenset({"ann", "analysts"}), "jo": frozenset({"jo"})}


def chosen(address: str, user: str, *, database: str = "lake", tls: bool = False) -> str:
    attempt = Attempt(address, database, user, tls)
    try:
        return require_rule(RULES, attempt, lambda name: MEMBERS.get(name, frozenset())).method
    except SqlError as error:
        assert error.sqlstate == "28000"
        return error.message


@pytest.mark.parametrize(
    ("address", "user", "tls", "method"),
    [
        ("10.1.2.3", "bob", True, "cert"),
        ("fd00::1", "bob", True, "cert"),
        ("::ffff:10.1.2.3", "bob", True, "cert"),
        ("10.1.2.3", "ann", True, "cert"),  # the first that fits, not the best
        ("10.1.2.3", "ann", False, "jwt"),
        ("203.0.113.1", "jo", False, "jwt"),
        ("192.0.2.7", "bob", False, "api-key"),
        ("127.0.0.1", "tina", False, "trust"),
        ("127.5.5.5", "bob", True, "scram-sha-256"),
        ("::1", "bob", False, "scram-sha-256"),
        ("::ffff:127.0.0.1", "bob", False, "scram-sha-256"),
    ],
)
def test_the_first_rule_that_fits_decides(address: str, user: str, tls: bool, method: str) -> None:
    assert chosen(address, user, tls=tls) == method


def test_no_rule_and_a_rejecting_one() -> None:
    where = 'user "bob", database "lake"'
    assert chosen("8.8.8.8", "bob") == f'no rule of authentication is for host "8.8.8.8", {where}, no encryption'
    assert chosen("8.8.8.8", "tina", tls=True).endswith("TLS encryption")
    assert chosen("127.0.0.1", "eve").startswith("a rule of authentication rejects")
    assert chosen("192.0.2.7", "jo", database="third").startswith("api-key")
    assert chosen("nonsense", "bob").startswith("no rule")
    assert chosen("8.8.8.8", "nobody").startswith("no rule")


MAPS = {
    "people": (
        AuthMapping(system=r"/^(\w+)@example\.org$", role=r"\1"),
        AuthMapping(system="CN=Ada,OU=lake", role="ada"),
        AuthMapping(system="/CN=admin,.*", role="all"),
    )
}


@pytest.mark.parametrize(
    ("identity", "role", "may"),
    [
        ("ada@example.org", "ada", True),
        ("ada@example.org", "bob", False),
        ("ada@example.org.evil", "ada", False),
        ("x ada@example.org", "ada", False),
        ("ada@example.org\n", "ada", False),
        ("CN=Ada,OU=lake", "ada", True),
        ("CN=Ada,OU=lakes", "ada", False),
        ("CN=admin,OU=lake", "anybody", True),
        ("XCN=admin,OU=lake", "anybody", False),  # an expression is for the whole
        ("ada", "ada", False),  # with a map, only the map counts
        ("a" * 2000 + "@example.org", "a" * 2000, False),
    ],
)
def test_maps(identity: str, role: str, may: bool) -> None:
    assert (may_act_as(role, (identity,), "people", MAPS) is not None) == may


def test_without_a_map_names_are_equal() -> None:
    assert may_act_as("ada", ("CN=ada", "ada"), None, MAPS) == "ada"
    assert may_act_as("Ada", ("ada",), None, MAPS) is None


def test_names_of_a_certificate() -> None:
    certificate = {
        "subject": (
            (("countryName", "DE"),),
            (("organizationName", "Lake, Inc. "),),
            (("commonName", "ada"), ("userId", "7")),
        ),
        "subjectAltName": (("DNS", "ada.example"), ("email", "ada@example.org"), ("URI", "spiffe://lake/ada")),
    }
    assert names_of(certificate) == (
        "ada",
        r"CN=ada+UID=7,O=Lake\, Inc.\ ,C=DE",
        "DNS:ada.example",
        "email:ada@example.org",
        "URI:spiffe://lake/ada",
    )
    two = {"subject": ((("commonName", "ada"),), (("commonName", "root"),))}
    assert names_of(two) == ("CN=root,CN=ada",)  # which of the two is it? neither
    assert names_of({}) == ()


@pytest.mark.parametrize(
    ("message", "token"),
    [
        (b"n,,\x01auth=Bearer abc.def-~+/_==\x01\x01", "abc.def-~+/_=="),
        (b"y,,\x01host=h\x01port=1\x01auth=bearer   x\x01\x01", "x"),
        (b"n,,\x01auth=\x01\x01", None),
        (b"n,,\x01auth=Bearer \x01\x01", None),
        (b"n,,\x01auth=Basic eDp5\x01\x01", None),
        (b"n,,\x01auth=Bearer a b\x01\x01", None),
    ],
)
def test_bearer_tokens(message: bytes, token: str | None) -> None:
    assert bearer_token(message) == token


@pytest.mark.parametrize(
    ("message", "sqlstate"),
    [
        (b"", "08P01"),
        (b"\x01", "08P01"),
        (b"n,,\x01\x01", "08P01"),
        (b"n,,\x01auth=Bearer x\x01", "08P01"),
        (b"n,,\x01auth=Bearer x", "08P01"),
        (b"n,,\x01auth=Bearer x\x01\x01more", "08P01"),
        (b"n,,\x01auth=Bearer x\x01\x01host=h\x01\x01", "08P01"),
        (b"n,,\x01auth=Bearer x\x01auth=Bearer y\x01\x01", "08P01"),
        (b"n,,\x01auth=Bearer \xc3\xa9\x01\x01", "08P01"),
        (b"n,,\x01=x\x01\x01", "08P01"),
        (b"n,,\x01a1=x\x01\x01", "08P01"),
        (b"p=tls-server-end-point,,\x01auth=Bearer x\x01\x01", "08P01"),
        (b"n,a=root,\x01auth=Bearer x\x01\x01", "0A000"),
        (b"x,,\x01auth=Bearer x\x01\x01", "08P01"),
    ],
)
def test_malformed_bearer_messages(message: bytes, sqlstate: str) -> None:
    with pytest.raises(SqlError) as caught:
        bearer_token(message)
    assert caught.value.sqlstate == sqlstate


@given(st.binary(max_size=60) | st.text("ny,p=\x01auth BerHost", max_size=40).map(str.encode))
@settings(max_examples=300, deadline=None)
def test_garbage_is_an_sql_error_or_a_token(message: bytes) -> None:
    try:
        token = bearer_token(message)
    except SqlError:
        return
    assert token is None or token.encode() in message


def test_where_to_get_a_token() -> None:
    assert json.loads(challenge("https://id.example", "openid lake")) == {
        "status": "invalid_token",
        "openid-configuration": "https://id.example/.well-known/openid-configuration",
        "scope": "openid lake",
    }
    known = "https://id.example/.well-known/oauth-authorization-server"
    assert json.loads(challenge(known, "x"))["openid-configuration"] == known
    check_failure_confirmed(b"\x01")
    with pytest.raises(SqlError):
        check_failure_confirmed(b"")


@pytest.mark.parametrize(
    "password",
    ["correct horse", "Tr0ub4dor&3", "пароль123456x", "\u2168" * 2 + "abc4defg", "with ada in", "p4ssw0rd-ish"],
)
def test_good_passwords(password: str) -> None:
    check_password("al", password)


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("", "password is empty"),
        ("\u00ad\u00ad", "password is too short"),
        ("        ", "password is empty"),
        ("1234567", "password is too short"),
        ("x" * 2000, "password is too long"),
        ("xAliceBob9", "password must not contain user name"),
        ("boBecila42", "password must not contain user name"),
        ("\uff21lice\uff22ob-77", "password must not contain user name"),
        ("abababab", "password is too simple"),
        ("12345678", "password is too simple"),
        ("qwertyuiop", "password is too simple"),
        ("hgfedcba", "password is too simple"),
        ("Password123!", "password is too common"),
        ("LAKEGATE2026", "password is too common"),
        ("with\ttab in it", "password has control characters"),
    ],
)
def test_bad_passwords(password: str, message: str) -> None:
    with pytest.raises(SqlError) as caught:
        check_password("alicebob", password)
    assert (caught.value.sqlstate, caught.value.message) == ("22023", message)


def test_api_keys() -> None:
    made, other = new_key(), new_key()
    assert key_id(made.text) == made.id
    assert is_key(made.text, made.digest)
    assert not is_key(other.text, made.digest)
    assert made.text.rsplit("_", 1)[1] not in repr(made)
    assert made.text != other.text
    for text in ("", "lgk_", made.text[:-1], made.text + "x", made.text.upper(), made.text + "\n"):
        assert key_id(text) is None
        assert not is_key(text, made.digest)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def banned(throttle: Throttle, address: str, user: str) -> bool:
    try:
        throttle.check(address, user)
    except SqlError as error:
        assert error.sqlstate == "28000"
        return True
    return False


def test_guessing_is_slowed_and_then_refused() -> None:
    clock = Clock()
    throttle = Throttle(of_user=5, of_address=20, longest_ban=60, clock=clock)
    delays = [throttle.failed("192.0.2.1", "ada") for _ in range(4)]
    assert delays == [0.01, 0.02, 0.04, 0.08]
    assert not banned(throttle, "192.0.2.1", "ada")
    bans = []
    for _ in range(9):
        clock.now += throttle.failed("192.0.2.1", "ada")  # when it is answered
        before = clock.now
        while banned(throttle, "192.0.2.1", "ada"):
            clock.now += 0.25
        bans.append(clock.now - before)
    assert bans == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60, 60], abs=0.26)
    assert not banned(throttle, "192.0.2.2", "ada")  # the true user, elsewhere
    clock.now += 601
    assert throttle.failed("192.0.2.1", "ada") == 0.01


def test_the_true_user_is_never_shut_out_from_elsewhere() -> None:
    clock = Clock()
    throttle = Throttle(of_user=5, of_address=20, longest_ban=900, clock=clock)
    for number in range(5000):
        throttle.failed(f"198.51.{number % 100}.{number % 250}", "ada")
    assert not banned(throttle, "192.0.2.1", "ada")


def test_one_address_that_tries_many_users() -> None:
    clock = Clock()
    throttle = Throttle(of_user=5, of_address=20, longest_ban=900, clock=clock)
    for number in range(20):
        throttle.failed("192.0.2.1", f"user{number}")
        throttle.succeeded("192.0.2.1", "mallory")  # an account of his own clears nothing
    assert banned(throttle, "192.0.2.1", "another")
    assert not banned(throttle, "192.0.2.2", "another")


def test_a_login_clears_the_users_failures() -> None:
    throttle = Throttle(of_user=3, of_address=100, longest_ban=900, clock=Clock())
    for _ in range(10):
        throttle.failed("192.0.2.1", "ada")
        throttle.failed("192.0.2.1", "ada")
        throttle.succeeded("192.0.2.1", "ada")
    assert not banned(throttle, "192.0.2.1", "ada")


def test_memory_is_bounded() -> None:
    throttle = Throttle(of_user=3, of_address=100, longest_ban=900, clock=Clock())
    for number in range(30_000):
        throttle.failed(f"10.{number >> 16}.{(number >> 8) & 255}.{number & 255}", f"user{number}")
    assert len(throttle) <= 16_384


def test_what_counts_as_one_address() -> None:
    assert network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:db8:1:2::9")
    assert network_of("2001:db8:1:2::9") != network_of("2001:db8:1:3::9")
    assert network_of("::ffff:192.0.2.1") == "192.0.2.1"


def test_room_before_login() -> None:
    waiting = Waiting(3, 2)
    assert waiting.enter("192.0.2.1") is None
    assert waiting.enter("192.0.2.1") is None
    refused = waiting.enter("192.0.2.1")
    assert refused is not None
    assert refused.sqlstate == "53300"
    waiting.leave("192.0.2.1")
    assert waiting.enter("192.0.2.2") is None
    assert waiting.enter("192.0.2.3") is not None
    for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3"):
        waiting.leave(address)
    assert len(waiting) == 0
