"""Each way to log in by a real client, and each way round it."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import LiteralString

import psycopg
import pytest
import trustme

from gateway.authentication.scram import verifier
from tests.authentication.bearer_flow import bearer_flow
from tests.authentication.conftest import ANALYST, Guarded, write_certificate
from tests.authentication.device_provider import CLIENT, DeviceFlow
from tests.authentication.provider import provider
from tests.faults.conftest import wait_until
from tests.faults.test_login_faults import read_all, startup
from tests.gateway import PASSWORD

NUMBER = "select n from small.numbers where n = 7"


def refused(guarded: Guarded, user: str, password: str = PASSWORD, **parameters: str) -> str:
    """Return what a client is told that is not let in."""
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect(guarded.gateway.dsn(user, password, **parameters))
    return str(caught.value).rsplit("FATAL:", 1)[-1].strip()


def logged(guarded: Guarded, event: str, user: str) -> dict[str, object]:
    """Return the last record of an event about a user."""
    return [record for record in guarded.gateway.records(event) if record["user"] == user][-1]


# Rules ----------------------------------------------------------------------------------------------------------------


def test_no_rule_a_rejecting_rule_and_one_for_tls_alone(guarded: Guarded) -> None:
    where = 'host "127.0.0.1", user "bob", database "guarded", no encryption'
    assert refused(guarded, "bob") == f"no rule of authentication is for {where}"
    assert refused(guarded, "rita").startswith("a rule of authentication rejects")
    assert refused(guarded, "stan").startswith("no rule of authentication is for")
    with guarded.gateway.connect("stan", **guarded.tls()) as connection:
        assert connection.execute("select current_user").fetchone() == ("stan",)
    with guarded.gateway.connect("tina", password="") as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert logged(guarded, "login failed", "rita")["method"] is None


# SCRAM ----------------------------------------------------------------------------------------------------------------


def test_channel_binding(guarded: Guarded) -> None:
    with guarded.gateway.connect("paula", **guarded.tls(channel_binding="require")) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert "needs TLS" in refused(guarded, "paula")
    assert "password authentication failed" in refused(guarded, "paula", "wrong", **guarded.tls())
    without = refused(guarded, "paula", **guarded.tls(channel_binding="disable"))
    assert "SCRAM" in without or "SASL" in without
    with guarded.gateway.connect("stan", **guarded.tls(channel_binding="require")) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_new_password_counts_at_the_next_login(guarded: Guarded) -> None:
    with guarded.gateway.connect("stan", **guarded.tls()) as connection:
        guarded.store.alter_role("stan", verifier=verifier("another horse"))
        try:
            assert "password authentication failed" in refused(guarded, "stan", **guarded.tls())
            with guarded.gateway.connect("stan", password="another horse", **guarded.tls()):
                pass
            assert connection.execute("select 1").fetchone() == (1,)  # who is in stays in
        finally:
            guarded.store.alter_role("stan", verifier=verifier(PASSWORD))


def test_the_user_in_the_sasl_message_is_not_believed(guarded: Guarded) -> None:
    """Client-first names ada; the startup packet names nobody. Whose password is asked for is the packet's affair."""
    first = b"n,,n=ada,r=abcdefghijkl"
    with guarded.gateway.socket() as connection:
        connection.sendall(startup(user="nobody", database="guarded"))
        assert connection.recv(1) == b"R"
        connection.recv(4096)
        body = b"SCRAM-SHA-256\0" + struct.pack(">I", len(first)) + first
        connection.sendall(b"p" + struct.pack(">I", len(body) + 4) + body)
        told = connection.recv(4096)
        nonce = told[told.index(b"r=") + 2 : told.index(b",s=")]
        final = b"c=biws,r=" + nonce + b",p=" + b"A" * 43 + b"="
        connection.sendall(b"p" + struct.pack(">I", len(final) + 4) + final)
        answer = read_all(connection)
    assert b'password authentication failed for user "nobody"' in answer


# TLS and certificates -------------------------------------------------------------------------------------------------


def test_a_client_certificate(guarded: Guarded) -> None:
    for name in ("Carol C.", "carol"):  # by the map: the common name, and the address in it
        with guarded.gateway.connect("carol", password="", **guarded.client_certificate(name)) as connection:
            assert connection.execute(NUMBER).fetchone() == (7,)
    assert logged(guarded, "login", "carol")["method"] == "cert"


def test_certificates_that_let_nobody_in(guarded: Guarded) -> None:
    assert "requires a valid client certificate" in refused(guarded, "carol")
    assert "requires a valid client certificate" in refused(guarded, "carol", **guarded.tls())
    assert "certificate authentication failed" in refused(guarded, "carol", **guarded.client_certificate("mallory"))
    assert "mallory" in str(logged(guarded, "login failed", "carol")["reason"])


@pytest.mark.parametrize("negotiation", ["postgres", "direct"])
def test_a_certificate_of_an_unknown_authority_is_told_of(guarded: Guarded, negotiation: str) -> None:
    stranger = guarded.client_certificate("Carol C.", authority=trustme.CA())
    for _ in range(10):  # in TLS 1.3 the client has gone on when the server looks at its certificate
        told = refused(guarded, "carol", **stranger, sslnegotiation=negotiation)
        assert "alert unknown ca" in told


def test_tls_1_3_alone(guarded: Guarded) -> None:
    with guarded.gateway.connect("stan", **guarded.tls()) as connection:
        assert connection.pgconn.ssl_in_use
    assert "alert protocol version" in refused(guarded, "stan", **guarded.tls(ssl_max_protocol_version="TLSv1.2"))


def _certificate(guarded: Guarded) -> bytes:
    """Return the certificate that a client is shown now."""
    context = ssl.create_default_context(cafile=str(guarded.folder / "ca.pem"))
    with guarded.gateway.socket() as plain:
        plain.sendall(b"\x00\x00\x00\x08\x04\xd2\x16\x2f")
        assert plain.recv(1) == b"S"
        with context.wrap_socket(plain, server_hostname="localhost") as encrypted:
            shown = encrypted.getpeercert(binary_form=True)
            assert shown is not None
            return shown


def test_certificates_are_read_again(guarded: Guarded) -> None:
    first = _certificate(guarded)
    with guarded.gateway.connect("stan", **guarded.tls()) as connection:
        write_certificate(guarded.folder, guarded.authority)
        guarded.gateway.process.send_signal(signal.SIGHUP)
        wait_until(lambda: _certificate(guarded) != first, 3)
        second = _certificate(guarded)
        assert connection.execute("select 1").fetchone() == (1,)
        with guarded.gateway.connect("paula", **guarded.tls(channel_binding="require")):
            pass  # what is bound to is the new one
        key = (guarded.folder / "key.pem").read_bytes()
        (guarded.folder / "key.pem").write_bytes(b"nonsense")
        guarded.gateway.process.send_signal(signal.SIGHUP)
        wait_until(lambda: bool(guarded.gateway.records("certificates cannot be read, the old ones stay in use")), 3)
        assert _certificate(guarded) == second
        (guarded.folder / "key.pem").write_bytes(key)
        write_certificate(guarded.folder, guarded.authority)
        wait_until(lambda: _certificate(guarded) != second, 12)  # nobody has to tell it
        assert connection.execute("select 1").fetchone() == (1,)


def test_what_is_sent_in_the_clear_before_tls_is_not_taken_as_sent_within(guarded: Guarded) -> None:
    with guarded.gateway.socket() as connection:
        connection.sendall(b"\x00\x00\x00\x08\x04\xd2\x16\x2f" + startup(user="tina", database="guarded"))
        answer = read_all(connection)
    assert b"received unencrypted data after SSL request" in answer
    assert not answer.startswith(b"S")


# Tokens ---------------------------------------------------------------------------------------------------------------


def test_a_token_as_password(guarded: Guarded) -> None:
    token = guarded.provider.token("jo")
    with guarded.gateway.connect("jo", password=token, **guarded.tls()) as connection:
        assert connection.execute(NUMBER).fetchone() == (7,)
        assert connection.execute("select n from small.numbers where n = %s", [9]).fetchone() == (9,)
    assert token not in guarded.gateway.log.read_text()


def test_roles_of_a_token_are_the_sessions_alone(guarded: Guarded) -> None:
    with guarded.gateway.connect("jo", password=guarded.provider.token("jo"), **guarded.tls()) as connection:
        assert connection.execute(NUMBER).fetchone() == (7,)
        guarded.provider.set_user("jo", {"groups": ["others"]})
        try:
            with (
                guarded.gateway.connect("jo", password=guarded.provider.token("jo"), **guarded.tls()) as other,
                pytest.raises(psycopg.errors.UndefinedTable),
            ):
                other.execute(NUMBER)
        finally:
            guarded.provider.set_user("jo", {"groups": ["lake-analysts"]})
        assert connection.execute(NUMBER).fetchone() == (7,)
    assert ANALYST not in {one.role for one in guarded.store.load_access().memberships if one.member == "jo"}


def test_claims_of_a_token_and_those_stated_of_its_role(guarded: Guarded) -> None:
    """A claim that both have lets nobody in unless both say the same; others are the session's together."""
    claims = {"groups": ["lake-analysts"], "tenant": "acme"}
    guarded.provider.set_user("jo", claims)
    token = guarded.provider.token("jo")
    told: LiteralString = "SELECT tenant, team FROM small.told LIMIT 1"
    with guarded.gateway.connect("ada") as ada:
        ada.execute(
            "CREATE VIEW small.told AS SELECT lakegate.claim('tenant') AS tenant, lakegate.claim('team') AS team, n"
            " FROM small.numbers"
        )
        try:
            ada.execute(f"GRANT SELECT ON small.told TO {ANALYST}".encode())
            ada.execute("ALTER ROLE jo SET lakegate.claim.team = 'blue'")
            with guarded.gateway.connect("jo", password=token, **guarded.tls()) as connection:
                assert connection.execute(told).fetchone() == ("acme", "blue")
                ada.execute("ALTER ROLE jo SET lakegate.claim.tenant = 'acme'")
                assert connection.execute(told).fetchone() == ("acme", "blue")
                ada.execute("ALTER ROLE jo SET lakegate.claim.tenant = 'globex'")
                with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification, match='claim "tenant" is not'):
                    connection.execute(told)
            message = 'the credential\'s claim "tenant" is not the one stated for role "jo"'
            assert refused(guarded, "jo", token, **guarded.tls()).startswith(message)
        finally:
            ada.execute("ALTER ROLE jo RESET ALL")
            ada.execute("DROP VIEW small.told")
            guarded.provider.set_user("jo", {"groups": ["lake-analysts"]})


def test_tokens_that_let_nobody_in(guarded: Guarded) -> None:
    failed = 'token authentication failed for user "jo"'
    assert refused(guarded, "jo", guarded.provider.token("olga"), **guarded.tls()) == failed
    assert "the token is of olga" in str(logged(guarded, "login failed", "jo")["reason"])
    assert refused(guarded, "jo", guarded.provider.token("jo", "another"), **guarded.tls()) == failed
    assert refused(guarded, "jo", PASSWORD, **guarded.tls()) == failed
    forged = guarded.provider.token("jo")[:-6] + "AAAAAA"
    assert refused(guarded, "jo", forged, **guarded.tls()) == failed
    unknown = refused(guarded, "nobody_jo", guarded.provider.token("jo"), **guarded.tls())
    assert unknown == failed.replace("jo", "nobody_jo")
    with provider() as other:
        assert refused(guarded, "jo", other.token("jo"), **guarded.tls()) == failed
    with pytest.raises(psycopg.OperationalError, match="over TLS alone"):
        guarded.gateway.connect("jo", password="x")
    with guarded.gateway.connect("jo", password=guarded.provider.token("jo"), **guarded.tls()):
        pass  # which clears the count of failures


def test_a_session_ends_with_its_token(guarded: Guarded) -> None:
    token = guarded.brief.token("shorty")
    with guarded.gateway.connect("shorty", password=token, **guarded.tls()) as connection:
        assert connection.execute(NUMBER).fetchone() == (7,)
        time.sleep(2.1)
        with pytest.raises(psycopg.OperationalError, match="credential of method jwt has expired") as caught:
            connection.execute("select 1")
        assert caught.value.sqlstate == "28000"
        assert connection.closed
    failed = 'token authentication failed for user "shorty"'
    assert refused(guarded, "shorty", token, **guarded.tls()) == failed  # nor is it taken again


def test_keys_that_rotate(guarded: Guarded) -> None:
    with provider(guarded.turning_port) as before:
        old = before.token("turner")
        guarded.gateway.connect("turner", password=old, **guarded.tls()).close()
        looked = time.monotonic()
    with provider(guarded.turning_port) as after:
        new = after.token("turner")
        time.sleep(max(0.0, looked + 3.1 - time.monotonic()))
        guarded.gateway.connect("turner", password=new, **guarded.tls()).close()
    failed = 'token authentication failed for user "turner"'
    assert refused(guarded, "turner", old, **guarded.tls()) == failed
    guarded.gateway.connect("turner", password=new, **guarded.tls()).close()  # the issuer is down, its keys are known


def test_oauth_by_libpq(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGOAUTHDEBUG", "UNSAFE")  # the issuer speaks HTTP, on loopback
    issuer = guarded.provider.issuer
    parameters = guarded.tls(oauth_issuer=issuer, oauth_client_id="lakegate", require_auth="oauth")
    with bearer_flow(lambda *_: guarded.provider.token("olga")) as asked:
        with guarded.gateway.connect("olga", password="", **parameters) as connection:
            assert connection.execute(NUMBER).fetchone() == (7,)
        assert asked == [(f"{issuer}/.well-known/openid-configuration", "openid groups")]
    record = logged(guarded, "login", "olga")
    assert (record["method"], record["identity"]) == ("oauth", "olga@example.org")
    with bearer_flow(lambda *_: guarded.provider.token("jo")):
        told = refused(guarded, "olga", "", **parameters)
    assert told == 'OAuth bearer authentication failed for user "olga"'


def test_the_device_flow_by_libpq(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    """libpq asks the gateway where it gets a token. Its own flow is in a library (libpq-oauth) that no package for
    Python has; so the codes and the waiting are the test's, which libpq calls in that library's place.
    """
    monkeypatch.setenv("PGOAUTHDEBUG", "UNSAFE")
    issuer = guarded.device_issuer
    parameters = guarded.tls(oauth_issuer=issuer, oauth_client_id=CLIENT, require_auth="oauth")
    flow = DeviceFlow("dora")
    with bearer_flow(flow.token) as asked:
        with guarded.gateway.connect("dora", password="", **parameters) as connection:
            assert connection.execute(NUMBER).fetchone() == (7,)
        assert asked == [(f"{issuer}/.well-known/openid-configuration", "openid email")]
        assert flow.told == ["authorization_pending"]
    assert (logged(guarded, "login", "dora")["identity"]) == "dora@example.org"
    with bearer_flow(DeviceFlow("olga").token):  # who agrees is somebody else
        told = refused(guarded, "dora", "", **parameters)
    assert told == 'OAuth bearer authentication failed for user "dora"'
    refuses = DeviceFlow("dora", answer="no")
    with bearer_flow(refuses.token):
        assert "user-defined OAuth flow failed" in refused(guarded, "dora", "", **parameters)
    assert refuses.told == ["authorization_pending", "access_denied"]


def test_oauth_message_by_message(guarded: Guarded) -> None:
    def exchange(connection: socket.socket, *, first: bytes | None) -> bytes:
        connection.sendall(startup(user="olga", database="guarded"))
        assert b"OAUTHBEARER\0\0" in connection.recv(4096)
        data = struct.pack(">i", -1) if first is None else struct.pack(">i", len(first)) + first
        send(connection, b"OAUTHBEARER\0" + data)
        return connection.recv(4096)

    def send(connection: socket.socket, body: bytes) -> None:
        connection.sendall(b"p" + struct.pack(">I", len(body) + 4) + body)

    asking = b"n,,\x01auth=\x01\x01"
    failed = b'OAuth bearer authentication failed for user "olga"'
    with guarded.gateway.socket() as connection:
        told = exchange(connection, first=asking)
        assert told[5:9] == struct.pack(">I", 11)
        assert json.loads(told[9:]) == {
            "status": "invalid_token",
            "openid-configuration": f"{guarded.provider.issuer}/.well-known/openid-configuration",
            "scope": "openid groups",
        }
        send(connection, b"\x01")
        assert failed in read_all(connection)
    with guarded.gateway.socket() as connection:  # no initial response: an empty challenge asks for it
        assert exchange(connection, first=None)[5:] == struct.pack(">I", 11)
        send(connection, b"n,,\x01auth=Bearer " + guarded.provider.token("olga").encode() + b"\x01\x01")
        assert connection.recv(4096).startswith(b"R\0\0\0\x08\0\0\0\0")
    with guarded.gateway.socket() as connection:
        exchange(connection, first=asking)
        send(connection, asking)  # not the confirmation
        assert b"C08P01" in read_all(connection)
    with guarded.gateway.socket() as connection:
        assert b"C08P01" in exchange(connection, first=b"nonsense")


# API keys -------------------------------------------------------------------------------------------------------------


def test_api_keys(guarded: Guarded) -> None:
    made = guarded.api_key("robot")
    with guarded.gateway.connect("robot", password=made.text) as connection:
        assert connection.execute(NUMBER).fetchone() == (7,)
        used = guarded.store.get_api_key(made.id)
        assert used is not None
        assert used.last_used is not None
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("select * from small.kinds")
        guarded.store.revoke_api_key(made.id)
        wait_until(lambda: _is_over(connection), 3)
    assert refused(guarded, "robot", made.text) == 'API key authentication failed for user "robot"'
    assert made.text.rsplit("_", 1)[1] not in guarded.gateway.log.read_text()


def _is_over(connection: psycopg.Connection) -> bool:
    try:
        connection.execute("select 1")
    except psycopg.OperationalError as error:
        assert error.sqlstate == "28000"
        assert "API key was revoked" in str(error)
        assert connection.closed
        return True
    return False


def test_api_keys_that_let_nobody_in(guarded: Guarded) -> None:
    failed = 'API key authentication failed for user "robot"'
    made, others = guarded.api_key("robot"), guarded.api_key("carol")
    assert refused(guarded, "robot", others.text) == failed
    assert refused(guarded, "robot", made.text[:-4] + "AAAA") == failed
    assert refused(guarded, "robot", PASSWORD) == failed
    assert refused(guarded, "robot", guarded.api_key("robot", expires=timedelta(seconds=-1)).text) == failed
    assert refused(guarded, "nobody_robot", made.text) == failed.replace("robot", "nobody_robot")
    with guarded.gateway.connect("robot", password=made.text):
        pass


def test_a_key_that_expires_ends_its_session(guarded: Guarded) -> None:
    made = guarded.api_key("robot", expires=timedelta(seconds=1.5))
    with guarded.gateway.connect("robot", password=made.text) as connection:
        assert connection.execute(NUMBER).fetchone() == (7,)
        time.sleep(1.6)
        with pytest.raises(psycopg.OperationalError, match="has expired"):
            connection.execute("select n from small.numbers where n = %s", [1])
        assert connection.closed


def test_a_key_that_may_not_read(guarded: Guarded) -> None:
    made = guarded.api_key("robot", ("write", "admin"))
    with (
        guarded.gateway.connect("robot", password=made.text) as connection,
        pytest.raises(psycopg.errors.UndefinedTable),
    ):
        connection.execute(NUMBER)


# Floods ---------------------------------------------------------------------------------------------------------------


def test_room_before_login(guarded: Guarded) -> None:
    mute = [guarded.gateway.socket() for _ in range(40)]
    try:
        time.sleep(0.2)
        assert "too many connections are waiting to log in" in refused(guarded, "tina")
        with guarded.gateway.socket() as connection:
            connection.sendall(b"\x00\x00\x00\x08\x04\xd2\x16\x2f")
            assert b"C53300" in read_all(connection)
    finally:
        for one in mute:
            one.close()
    wait_until(lambda: _comes_in(guarded), 3)


def _comes_in(guarded: Guarded) -> bool:
    try:
        guarded.gateway.connect("tina").close()
    except psycopg.OperationalError:
        return False
    return True


def test_guessing_ends_in_a_ban_that_leaves_others_alone(guarded: Guarded) -> None:
    def guess(number: int) -> str:
        return refused(guarded, "stan", f"guess {number}", **guarded.tls())

    with ThreadPoolExecutor(8) as threads:
        told = [*threads.map(guess, range(12))]
    assert sum("password authentication failed" in one for one in told) >= 10
    assert "too many failed logins from this address" in refused(guarded, "stan", **guarded.tls())
    with guarded.gateway.connect("tina"):
        pass
    wait_until(lambda: "too many" not in _try(guarded), 12)


def _try(guarded: Guarded) -> str:
    try:
        psycopg.connect(guarded.gateway.dsn("stan", **guarded.tls())).close()
    except psycopg.OperationalError as error:
        return str(error)
    return ""


def test_logins_do_not_stop_a_stream(guarded: Guarded) -> None:
    """A hundred logins at once, of which half guess wrong, while rows flow."""
    gaps: list[float] = []
    done = threading.Event()

    def stream() -> None:
        with guarded.gateway.connect("ada") as connection:
            while not done.is_set():
                started = time.monotonic()
                assert connection.execute(NUMBER).fetchone() == (7,)
                gaps.append(time.monotonic() - started)

    thread = threading.Thread(target=stream)
    thread.start()

    def log_in(_number: int) -> None:
        guarded.gateway.connect("ada").close()

    with ThreadPoolExecutor(4) as threads:
        [*threads.map(log_in, range(100))]
    done.set()
    thread.join()
    assert max(gaps) < 0.5
