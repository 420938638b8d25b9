"""SCRAM against the RFC's own exchange, against libpq's verifiers, and against everything that a liar might send."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import example, given, settings
from hypothesis import strategies as st
from psycopg import pq

from catalog.errors import SqlError
from gateway.authentication.channel_binding import tls_server_end_point
from gateway.authentication.scram import (
    SCRAM_SHA_256,
    SCRAM_SHA_256_PLUS,
    ScramExchange,
    mechanisms,
    mock_verifier,
    parse_verifier,
    verifier,
)

Hash = hashes.SHA256 | hashes.SHA384 | hashes.SHA512

# RFC 7677, section 3
RFC_SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
RFC_SERVER_NONCE = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
RFC_CLIENT_FIRST = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
RFC_SERVER_FIRST = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
RFC_CLIENT_FINAL = (
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
)
RFC_SERVER_FINAL = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

SALT = b"sixteen bytes..."
KNOWN = verifier("secret", salt=SALT, iterations=16)
CERTIFICATE_HASH = hashlib.sha256(b"certificate").digest()


@dataclass
class Client:
    """A client of its own making, which can be told to lie."""

    password: str = "secret"
    header: bytes = b"n,,"
    binding: bytes = b""
    nonce: bytes = b"clientnonce"
    first_bare: bytes = b""

    def first(self) -> bytes:
        self.first_bare = b"n=,r=" + self.nonce
        return self.header + self.first_bare

    def final(self, server_first: bytes) -> bytes:
        nonce, salt, iterations = (part[2:] for part in server_first.split(b","))
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), base64.b64decode(salt), int(iterations))
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        unproved = b"c=" + base64.b64encode(self.header + self.binding) + b",r=" + nonce
        self.messages = b",".join((self.first_bare, server_first, unproved))
        signature = hmac.digest(hashlib.sha256(client_key).digest(), self.messages, "sha256")
        self.server_key = hmac.digest(salted, b"Server Key", "sha256")
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        return unproved + b",p=" + base64.b64encode(proof)

    def accepts(self, server_final: bytes) -> bool:
        return server_final == b"v=" + base64.b64encode(hmac.digest(self.server_key, self.messages, "sha256"))


def login(client: Client, exchange: ScramExchange) -> bool:
    return client.accepts(exchange.final(client.final(exchange.first(client.first()))))


def test_rfc_7677() -> None:
    exchange = ScramExchange(verifier("pencil", salt=RFC_SALT), user="user", server_nonce=RFC_SERVER_NONCE)
    assert exchange.first(RFC_CLIENT_FIRST) == RFC_SERVER_FIRST
    assert exchange.final(RFC_CLIENT_FINAL) == RFC_SERVER_FINAL


def libpq_verifier(password: bytes) -> str:
    connection = pq.PGconn.connect_start(b"host=127.0.0.1 port=1")
    try:
        return connection.encrypt_password(password, b"ada", b"scram-sha-256").decode()
    finally:
        connection.finish()


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12))
@example("pencil")
@example("\u2168")  # IX after normalizing
@example("a\u00a0b\u200bc\u00add")
@example("\u00ad")  # nothing is left
@example("\u0627\u0031")  # right to left, ending in a digit
@example("\u0627x\u0627")
@example("\u0221\u0378\ue000\u0340")
@example("tab\u0007é")
@example("ﬁ½™Å")
@settings(max_examples=60, deadline=None)
def test_verifiers_are_libpqs(password: str) -> None:
    theirs = libpq_verifier(password.encode())
    parsed = parse_verifier(theirs)
    assert verifier(password, salt=parsed.salt, iterations=parsed.iterations) == theirs


def test_verifier_is_salted() -> None:
    assert verifier("secret") != verifier("secret")
    assert parse_verifier(verifier("secret")).iterations == 4096
    assert str(parse_verifier(KNOWN)) == KNOWN
    assert base64.b64encode(parse_verifier(KNOWN).stored_key).decode() not in repr(parse_verifier(KNOWN))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        "md5" + "0" * 32,
        KNOWN + "\n",
        KNOWN[:-4],
        KNOWN.replace("$16:", "$0:"),
        KNOWN.replace("$16:", "$-1:"),
        KNOWN.replace("$16:", "$4294967296:"),
        KNOWN.replace("$16:", "$١٦:"),
        KNOWN.replace(":c2l4", ":!!!!"),
    ],
)
def test_other_texts_are_no_verifiers(text: str) -> None:
    with pytest.raises(ValueError, match="not a SCRAM-SHA-256 verifier"):
        parse_verifier(text)


def test_right_password() -> None:
    assert login(Client(), ScramExchange(KNOWN, user="ada"))
    assert login(Client(header=b"y,,"), ScramExchange(KNOWN, user="ada"))


def test_wrong_password() -> None:
    with pytest.raises(SqlError, match='password authentication failed for user "ada"') as caught:
        login(Client("Secret"), ScramExchange(KNOWN, user="ada"))
    assert caught.value.sqlstate == "28P01"


def test_unknown_users_look_like_known_ones() -> None:
    mock = mock_verifier("nobody", b"server secret", iterations=16)
    assert mock == mock_verifier("nobody", b"server secret", iterations=16)
    assert parse_verifier(mock).salt != parse_verifier(mock_verifier("other", b"server secret")).salt
    assert parse_verifier(mock).salt != parse_verifier(mock_verifier("nobody", b"other secret")).salt
    shapes = []
    for text in (mock, KNOWN):
        exchange = ScramExchange(text, user="nobody", server_nonce="x")
        client = Client("wrong")
        server_first = exchange.first(client.first())
        with pytest.raises(SqlError) as caught:
            exchange.final(client.final(server_first))
        shapes.append((len(server_first), caught.value.sqlstate, caught.value.message))
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize(
    ("mechanism", "offered", "header", "binding", "sqlstate"),
    [
        (SCRAM_SHA_256_PLUS, True, b"p=tls-server-end-point,,", CERTIFICATE_HASH, None),
        (SCRAM_SHA_256, True, b"n,,", b"", None),
        (SCRAM_SHA_256, False, b"y,,", b"", None),
        (SCRAM_SHA_256, True, b"y,,", b"", "28000"),  # somebody took -PLUS off the list
        (SCRAM_SHA_256_PLUS, True, b"n,,", b"", "08P01"),
        (SCRAM_SHA_256_PLUS, True, b"y,,", b"", "08P01"),
        (SCRAM_SHA_256, True, b"p=tls-server-end-point,,", CERTIFICATE_HASH, "08P01"),
        (SCRAM_SHA_256_PLUS, True, b"p=tls-unique,,", CERTIFICATE_HASH, "08P01"),
        (SCRAM_SHA_256_PLUS, True, b"p=tls-server-end-point,,", bytes(32), "28000"),  # somebody in the middle
        (SCRAM_SHA_256_PLUS, True, b"p=tls-server-end-point,,", b"", "28000"),
        (SCRAM_SHA_256, False, b"n,,", b"x", "28000"),
        (SCRAM_SHA_256_PLUS, False, b"p=tls-server-end-point,,", b"", "08P01"),
        ("PLAIN", True, b"n,,", b"", "08P01"),
        (SCRAM_SHA_256, False, b"n,a=root,", b"", "0A000"),
        (SCRAM_SHA_256, False, b"N,,", b"", "08P01"),
    ],
)
def test_channel_binding(mechanism: str, offered: bool, header: bytes, binding: bytes, sqlstate: str | None) -> None:
    expected = CERTIFICATE_HASH if offered else None
    client = Client(header=header, binding=binding)
    if sqlstate is None:
        assert login(client, ScramExchange(KNOWN, user="ada", mechanism=mechanism, channel_binding=expected))
        return
    with pytest.raises(SqlError) as caught:
        login(client, ScramExchange(KNOWN, user="ada", mechanism=mechanism, channel_binding=expected))
    assert caught.value.sqlstate == sqlstate


def test_mechanisms() -> None:
    assert mechanisms(None) == ("SCRAM-SHA-256",)
    assert mechanisms(b"x") == ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256")


def test_a_header_changed_on_the_way_is_noticed() -> None:
    exchange, client = ScramExchange(KNOWN, user="ada"), Client(header=b"y,,")
    server_first = exchange.first(b"n,," + client.first()[3:])
    with pytest.raises(SqlError, match="channel binding check failed"):
        exchange.final(client.final(server_first))


@pytest.mark.parametrize(
    ("old", "new", "sqlstate"),
    [
        (b"r=clientnonce", b"r=Clientnonce", "08P01"),
        (b"r=clientnonce", b"r=", "08P01"),
        (b",p=", b"x,p=", "08P01"),
        (b",p=", b",x=1,p=", "28P01"),  # an extension is taken, but it is not what was signed
        (b",p=", b",p=\0", "08P01"),
        (b",p=", b",p=AAAA", "08P01"),
        (b",p=", b",p=!", "08P01"),
        (b",p=", b",q=", "08P01"),
        (b"c=biws", b"c=biw", "08P01"),
        (b"c=biws", b"c=eSws", "28000"),
        (b"c=biws,", b"", "08P01"),
    ],
)
def test_bad_final_messages(old: bytes, new: bytes, sqlstate: str) -> None:
    exchange, client = ScramExchange(KNOWN, user="ada"), Client()
    final = client.final(exchange.first(client.first()))
    assert old in final
    with pytest.raises(SqlError) as caught:
        exchange.final(final.replace(old, new))
    assert caught.value.sqlstate == sqlstate


@pytest.mark.parametrize(
    ("message", "sqlstate"),
    [
        (b"", "08P01"),
        (b"n,,n=,r=", "08P01"),
        (b"n,,n=,r=a b", "08P01"),
        (b"n,,n=,r=\xc3\xa9", "08P01"),
        (b"n,,r=abc", "08P01"),
        (b"n,,n=,r=abc\0", "08P01"),
        (b"n,,n=,r=abc,", "08P01"),
        (b"n,,m=x,n=,r=abc", "0A000"),
        (b"p=,,n=,r=abc", "08P01"),
    ],
)
def test_bad_first_messages(message: bytes, sqlstate: str) -> None:
    with pytest.raises(SqlError) as caught:
        ScramExchange(KNOWN, user="ada").first(message)
    assert caught.value.sqlstate == sqlstate


@given(st.binary(max_size=80) | st.text("npy,=rcab+/ \0", max_size=40).map(str.encode), st.booleans())
@settings(max_examples=500, deadline=None)
def test_garbage_is_an_sql_error_or_taken_as_a_first_message(data: bytes, second: bool) -> None:
    exchange = ScramExchange(KNOWN, user="ada")
    if second:
        exchange.first(Client().first())
        with pytest.raises(SqlError):
            exchange.final(data)
        return
    try:
        exchange.first(data)
    except SqlError:
        return
    assert data[:2] in (b"n,", b"y,")


def test_steps_are_taken_once_and_in_order() -> None:
    exchange, client = ScramExchange(KNOWN, user="ada"), Client()
    with pytest.raises(RuntimeError):
        exchange.final(RFC_CLIENT_FINAL)
    server_first = exchange.first(client.first())
    with pytest.raises(RuntimeError):
        exchange.first(client.first())
    good = client.final(server_first)
    with pytest.raises(SqlError):
        exchange.final(good[:-4] + b"AAA=")
    with pytest.raises(RuntimeError):  # no second guess in one exchange
        exchange.final(good)


def certificate(algorithm: Hash | None, key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "lake")])
    issued = trustme.CA().issue_cert("lake.example").cert_chain_pems[0].bytes()
    dates = x509.load_pem_x509_certificate(issued)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), 1, dates.not_valid_before_utc, dates.not_valid_after_utc
    )
    return builder.sign(key, algorithm).public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize(
    ("algorithm", "name"), [(hashes.SHA256(), "sha256"), (hashes.SHA384(), "sha384"), (hashes.SHA512(), "sha512")]
)
def test_certificates_name_their_hash(algorithm: Hash, name: str) -> None:
    der = certificate(algorithm, ec.generate_private_key(ec.SECP256R1()))
    assert tls_server_end_point(der) == hashlib.new(name, der).digest()


def test_certificates_without_a_hash_bind_to_nothing() -> None:
    assert tls_server_end_point(certificate(None, ed25519.Ed25519PrivateKey.generate())) is None


@given(st.binary(max_size=40))
def test_other_bytes_are_no_certificate(der: bytes) -> None:
    try:
        assert tls_server_end_point(der) is None
    except ValueError as error:
        assert "not a certificate" in str(error)
