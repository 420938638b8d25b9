"""A gateway with a rule for each way to log in, an authority for certificates and a real OpenID provider."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from catalog.store.rows import ApiKey, Grant
from catalog.store.store import Store, open_store
from gateway.authentication.api_keys import NewKey, new_key
from gateway.authentication.scram import verifier
from tests.authentication.device_provider import device_provider
from tests.authentication.provider import AUDIENCE, Provider, provider
from tests.gateway import PASSWORD, RunningGateway, SampleLake, Settings, serving

# A user a way to log in. Those who may read anything may read small.numbers, by a role where they have one.
USERS = ("carol", "jo", "olga", "robot", "paula", "tina", "stan", "rita", "shorty", "turner", "dora")
ANALYST = "token_analyst"
STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Guarded:
    """A gateway with rules; ``folder`` has its certificate, which tests may replace. Tokens of ``brief`` are good for
    two seconds; a provider at ``turning_port`` is the test's to start.
    """

    gateway: RunningGateway
    folder: Path
    authority: trustme.CA
    provider: Provider
    brief: Provider
    turning_port: int
    store: Store
    device_issuer: str

    def tls(self, **parameters: str) -> dict[str, str]:
        """Return libpq's parameters for TLS that is verified."""
        return {"host": "localhost", "sslmode": "verify-full", "sslrootcert": str(self.folder / "ca.pem"), **parameters}

    def client_certificate(self, name: str, *, authority: trustme.CA | None = None) -> dict[str, str]:
        """Return libpq's parameters for a client certificate with this common name, which is made."""
        path = self.folder / f"{name}-{id(authority)}.pem"
        made = (authority or self.authority).issue_cert(f"{name}@example.org", common_name=name)
        made.private_key_and_cert_chain_pem.write_to_path(str(path))
        path.chmod(0o600)
        return self.tls(sslcert=str(path), sslkey=str(path))

    def api_key(self, role: str, scopes: tuple[str, ...] = ("read",), expires: timedelta | None = None) -> NewKey:
        """Make a key and return it."""
        made = new_key()
        end = None if expires is None else datetime.now(UTC) + expires
        self.store.add_api_key(ApiKey(made.id, role, frozenset(scopes), made.digest, "for a test", end))
        return made


def write_certificate(folder: Path, authority: trustme.CA) -> None:
    """Write a server's certificate, and then its key."""
    certificate = authority.issue_cert("localhost")
    certificate.cert_chain_pems[0].write_to_path(str(folder / "certificate.pem"))
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))


def rules(issuer: str, brief: str, turning: str, device: str) -> list[dict[str, object]]:
    """Return the rules of the gateway, in order."""
    token: dict[str, object] = {
        "audience": AUDIENCE,
        "roles_claim": "groups",
        "roles": {"lake-analysts": ANALYST},
    }
    return [
        {"method": "reject", "user": "rita"},
        {"method": "cert", "user": "carol", "map": "people"},
        {"method": "jwt", "user": ["jo", "nobody_jo"], "issuer": issuer, **token},
        {"method": "jwt", "user": "shorty", "issuer": brief, "clock_skew": "0", **token},
        {"method": "jwt", "user": "turner", "issuer": turning, **token},
        {
            **{"method": "oauth", "user": "olga", "issuer": issuer, "scope": "openid groups"},
            **{"user_claim": "email", "map": "people", **token},
        },
        {
            **{"method": "oauth", "user": "dora", "issuer": device, "scope": "openid email"},
            **{"user_claim": "email", "map": "people", **token},
        },
        {"method": "api-key", "user": ["robot", "nobody_robot"]},
        {"method": "scram-sha-256-plus", "user": "paula"},
        {"method": "trust", "user": "tina", "address": "loopback"},
        {"method": "scram-sha-256", "user": f"+{STAFF}", "tls": True},
        {"method": "scram-sha-256", "user": ["ada", "nobody"], "address": ["127.0.0.0/8", "::1"]},
    ]


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def guarded(lake: SampleLake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    write_certificate(folder, authority)
    store = open_store(lake.server)
    for name in (*USERS, ANALYST, STAFF):
        store.add_role(name, verifier(PASSWORD), login=name not in (ANALYST, STAFF))
    store.add_member(STAFF, "stan")
    store.grant(*(Grant(name, "small", "numbers") for name in (ANALYST, "robot", "carol")))
    turning_port = free_port()
    with provider() as running, provider(lifetime=2) as brief, device_provider() as device:
        brief.set_user("shorty", {"groups": ["lake-analysts"]})
        for name in ("jo", "olga"):
            running.set_user(name, {"email": f"{name}@example.org", "groups": ["lake-analysts"], "tenant": "acme"})
        settings = Settings(
            server={
                "tls_certificate": str(folder / "certificate.pem"),
                "tls_key": str(folder / "key.pem"),
                "client_ca": str(folder / "ca.pem"),
                "refresh_interval": "0",
            },
            auth={
                "rules": rules(running.issuer, brief.issuer, f"http://localhost:{turning_port}", device),
                "maps": {
                    "people": [
                        {"system": "Carol C.", "role": "carol"},
                        {"system": r"/^(?:email:)?(.*)@example\.org$", "role": r"\1"},
                    ]
                },
                "max_unauthenticated_of_address": 40,
            },
            sources={"small": lake.sources["small"]},
            database="guarded",
        )
        with serving(lake, settings) as gateway:
            yield Guarded(gateway, folder, authority, running, brief, turning_port, store, device)
    store.close()
