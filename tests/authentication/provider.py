"""A real OpenID provider on loopback, and a browser's part in getting a token from it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
from oidc_provider_mock import run_server_in_thread

AUDIENCE = "lakegate"
_RETURN = "http://localhost/return"


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider that runs."""

    issuer: str

    def set_user(self, subject: str, claims: Mapping[str, object]) -> None:
        """Have a user with these claims."""
        httpx.put(f"{self.issuer}/users/{subject}", json=dict(claims)).raise_for_status()

    def token(self, subject: str, audience: str = AUDIENCE) -> str:
        """Log a user in as his browser would, and return the signed token that his client gets."""
        query = {
            "response_type": "code",
            "client_id": audience,
            "redirect_uri": _RETURN,
            "scope": "openid email profile",
        }
        agreed = httpx.post(f"{self.issuer}/oauth2/authorize", params=query, data={"sub": subject})
        code = parse_qs(urlsplit(agreed.headers["location"]).query)["code"][0]
        given = httpx.post(
            f"{self.issuer}/oauth2/token",
            data={"grant_type": "authorization_code", "code": code, "redirect_uri": _RETURN},
            auth=(audience, "a secret"),
        )
        return str(given.raise_for_status().json()["id_token"])


@contextmanager
def provider(port: int = 0, lifetime: float = 3600.0) -> Iterator[Provider]:
    """An OpenID provider with a new key; its tokens are good for ``lifetime`` seconds."""
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # it speaks HTTP, on loopback
    with run_server_in_thread(port, access_token_max_age=timedelta(seconds=lifetime)) as server:
        yield Provider(f"http://localhost:{server.server_port}")
