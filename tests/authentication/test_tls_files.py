"""The server's certificate and the authorities of clients, read from files: what is taken, and what is kept."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.configuration.config import Server
from gateway.tls import Tls, TlsFiles
from tests.authentication.conftest import write_certificate


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    write_certificate(tmp_path, made)
    return made


def files(folder: Path, **more: Path | str) -> TlsFiles:
    given = {
        "tls_certificate": folder / "certificate.pem",
        "tls_key": folder / "key.pem",
        "client_ca": folder / "ca.pem",
    }
    return TlsFiles(Server.model_validate({**given, **more}))


def shaken(tls: Tls | None, authority: trustme.CA, client: trustme.LeafCert | None) -> Mapping[str, object] | None:
    """Shake hands; return the client's certificate as the server sees it. Raises ssl.SSLError as the server finds."""
    assert tls is not None
    outer, inner = socket.socketpair()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if client is not None:
        client.configure_cert(context)

    def connect() -> None:
        try:
            with context.wrap_socket(outer, server_hostname="localhost") as connection:
                connection.recv(1)
        except OSError:
            pass

    thread = threading.Thread(target=connect)
    thread.start()
    try:
        with tls.context.wrap_socket(inner, server_side=True) as connection:
            return connection.getpeercert()
    finally:
        inner.close()
        thread.join()


def test_client_certificates_are_optional_and_verified(tmp_path: Path, authority: trustme.CA) -> None:
    tls = files(tmp_path).current
    assert shaken(tls, authority, None) is None
    seen = shaken(tls, authority, authority.issue_cert("ada@example.org"))
    assert seen is not None
    assert seen["subjectAltName"] == (("email", "ada@example.org"),)
    with pytest.raises(ssl.SSLError, match="VERIFY_FAILED"):
        shaken(tls, authority, trustme.CA().issue_cert("ada@example.org"))
    with pytest.raises(ssl.SSLError, match="expired"):
        yesterday = datetime.now(UTC) - timedelta(days=1)
        shaken(tls, authority, authority.issue_cert("ada@example.org", not_after=yesterday))


def test_a_revoked_client_certificate(tmp_path: Path, authority: trustme.CA) -> None:
    good, bad = authority.issue_cert("ada@example.org"), authority.issue_cert("eve@example.org")
    serial = x509.load_pem_x509_certificate(bad.cert_chain_pems[0].bytes()).serial_number
    now = datetime.now(UTC)
    revoked = x509.RevokedCertificateBuilder(serial, now).build()
    issuer = x509.load_pem_x509_certificate(authority.cert_pem.bytes()).subject
    key = serialization.load_pem_private_key(authority.private_key_pem.bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    builder = x509.CertificateRevocationListBuilder(issuer, now - timedelta(hours=1), now + timedelta(days=1))
    made = builder.add_revoked_certificate(revoked).sign(key, hashes.SHA256())
    (tmp_path / "crl.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    tls = files(tmp_path, client_crl=tmp_path / "crl.pem").current
    assert shaken(tls, authority, good) is not None
    with pytest.raises(ssl.SSLError, match="revoked"):
        shaken(tls, authority, bad)


@pytest.mark.parametrize(("version", "least"), [("1.2", ssl.TLSVersion.TLSv1_2), ("1.3", ssl.TLSVersion.TLSv1_3)])
def test_the_oldest_version(tmp_path: Path, authority: trustme.CA, version: str, least: ssl.TLSVersion) -> None:
    tls = files(tmp_path, tls_min_version=version).current
    assert tls is not None
    assert tls.context.minimum_version == least


def test_files_that_are_no_good_change_nothing(tmp_path: Path, authority: trustme.CA) -> None:
    held = files(tmp_path)
    before = held.current
    write_certificate(tmp_path, authority)
    assert held.reload()
    after = held.current
    assert after is not None
    assert before is not None
    assert after.channel_binding != before.channel_binding
    other = trustme.CA().issue_cert("localhost")
    other.private_key_pem.write_to_path(str(tmp_path / "key.pem"))  # of another certificate
    assert not held.reload()
    assert held.current is after
    for name, contents in (
        ("certificate.pem", b""),
        ("ca.pem", b"-----BEGIN CERTIFICATE-----"),
        ("certificate.pem", None),
    ):
        path = tmp_path / name
        path.unlink(missing_ok=True)
        if contents is not None:
            path.write_bytes(contents)
        assert not held.reload()
        assert held.current is after


def test_without_a_certificate_there_is_no_tls() -> None:
    held = TlsFiles(Server())
    assert held.current is None
    assert held.reload()
