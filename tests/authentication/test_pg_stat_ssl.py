"""``pg_stat_ssl`` tells of the client's connection to the gateway, not of the gateway's to its metadata server."""

from __future__ import annotations

import re
import ssl
import subprocess

import psycopg

from tests.authentication.conftest import Guarded

OWN = """
SELECT ssl, version, cipher, bits, client_dn, client_serial, issuer_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()
"""
OF = "SELECT ssl, version, client_dn FROM pg_stat_ssl WHERE pid = %s"


def test_ones_own_session(guarded: Guarded) -> None:
    with guarded.gateway.connect("tina") as connection:
        assert connection.execute(OWN).fetchall() == [(False, None, None, None, None, None, None)]
    with guarded.gateway.connect("paula", **guarded.tls()) as connection:
        ((encrypted, version, cipher, bits, *certificate),) = connection.execute(OWN).fetchall()
        assert (encrypted, version, certificate) == (True, "TLSv1.3", [None, None, None])
        known = {one["name"]: one["strength_bits"] for one in ssl.create_default_context().get_ciphers()}
        assert known[cipher] == bits
        connection.execute("CREATE TEMP TABLE mine (n int)")  # which has a process of the metadata server's
        assert connection.execute(OWN).fetchall() == [(True, version, cipher, bits, None, None, None)]


def test_the_names_and_the_number_of_a_certificate_are_those_that_openssl_prints(guarded: Guarded) -> None:
    given = guarded.client_certificate("Carol C.")
    command = [
        "openssl",
        "x509",
        "-in",
        given["sslcert"],
        "-noout",
        "-subject",
        "-issuer",
        "-serial",
        "-nameopt",
        "compat",
    ]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    subject, issuer, serial = (line.partition("=")[2].strip() for line in printed.splitlines())
    with guarded.gateway.connect("carol", password="", **given) as connection:
        row = connection.execute(OWN).fetchone()
    assert row is not None
    assert (row[4], row[5], row[6]) == (_slashed(subject), int(serial, 16), _slashed(issuer))


def _slashed(name: str) -> str:
    return name if name.startswith("/") else "/" + re.sub(r", (?=\w+ ?=)", "/", name).replace(" = ", "=")


def test_others_are_for_who_may_see_what_they_do(guarded: Guarded) -> None:
    with (
        guarded.gateway.connect("carol", password="", **guarded.client_certificate("Carol C.")) as carol,
        guarded.gateway.connect("paula", **guarded.tls()) as paula,
    ):
        process = carol.info.backend_pid
        assert paula.execute(OF, [process]).fetchall() == []
        assert paula.execute("SELECT count(*) FROM pg_stat_ssl").fetchone() == (1,)
        assert _seen_by_superuser(guarded, process) == (True, "TLSv1.3")
        _grant(guarded, "GRANT pg_read_all_stats TO paula")
        try:
            found = paula.execute(OF, [process]).fetchone()
        finally:
            _grant(guarded, "REVOKE pg_read_all_stats FROM paula")
        assert found is not None and found[:2] == (True, "TLSv1.3") and "/CN=Carol C." in found[2]
        assert paula.execute(OF, [process]).fetchall() == []


def _grant(guarded: Guarded, statement: str) -> None:
    with psycopg.connect(guarded.gateway.dsn(**guarded.tls()), autocommit=True) as ada:
        ada.execute(statement.encode())


def _seen_by_superuser(guarded: Guarded, process: int) -> object:
    with psycopg.connect(guarded.gateway.dsn(**guarded.tls())) as ada:
        return (ada.execute(OF, [process]).fetchone() or ())[:2]
