"""Clients that are not on this machine, which no test can be: what is asked of them, by the messages alone."""

from __future__ import annotations

import asyncio

import pytest

from catalog.errors import SqlError
from catalog.principals import Principal
from gateway.authentication.identity import Identity
from gateway.authentication.issuers import Issuers
from gateway.authentication.rules import Attempt
from gateway.authentication.throttle import Throttle
from gateway.configuration.auth import AuthRule, Method
from gateway.login_methods import Authentication, Directory, Role, authenticate
from gateway.wire import backend, frontend
from gateway.wire.login import AuthenticationSASLContinue


class FarClient:
    """A client without TLS who sends what is given, and notes what he is told."""

    channel_binding: bytes | None = None
    peer_address = "192.0.2.1"
    encrypted = False
    certificate = None

    def __init__(self, *messages: frontend.FrontendMessage) -> None:
        self.messages = [*messages]
        self.told: list[backend.BackendMessage] = []

    def send(self, message: backend.BackendMessage) -> None:
        self.told.append(message)

    async def next_message(self) -> frontend.FrontendMessage:
        return self.messages.pop(0)


async def _role(name: str) -> Role | None:
    return Role(Principal(name, frozenset({name})), None) if name == "ada" else None


async def _nothing(_identifier: str) -> None:
    return None


def services(rule: AuthRule) -> Authentication:
    throttle = Throttle(of_user=3, of_address=9, longest_ban=60)
    directory = Directory(_role, lambda name: frozenset({name}), _nothing, _nothing)
    return Authentication((rule,), {}, directory, Issuers(), throttle, b"secret")


def come(authentication: Authentication, client: FarClient, user: str = "ada") -> Identity:
    return asyncio.run(authenticate(authentication, client, Attempt(client.peer_address, "lake", user, False)))


@pytest.mark.parametrize("method", ["api-key", "oauth", "jwt", "cert", "scram-sha-256-plus", "trust"])
def test_nothing_is_asked_for_in_the_clear(method: Method) -> None:
    client = FarClient()
    with pytest.raises(SqlError) as caught:
        come(services(AuthRule(method=method, issuer="https://id.example", audience=("x",))), client)
    assert caught.value.sqlstate == "28000"
    assert client.told == []


def test_a_way_that_is_closed_is_no_guess() -> None:
    authentication = services(AuthRule(method="api-key"))
    for _ in range(20):
        with pytest.raises(SqlError, match="over TLS alone"):
            come(authentication, FarClient())
    assert len(authentication.throttle) == 0


class Guesser(FarClient):
    """A client who answers the server's challenge with a proof that is none."""

    async def next_message(self) -> frontend.FrontendMessage:
        challenge = self.told[-1]
        if not isinstance(challenge, AuthenticationSASLContinue):
            return frontend.SASLInitialResponse("SCRAM-SHA-256", b"n,,n=,r=abcdefgh")
        nonce = challenge.data.split(b",")[0]
        return frontend.SASLResponse(b"c=biws," + nonce + b",p=" + b"A" * 43 + b"=")


@pytest.mark.parametrize("user", ["ada", "nobody"])
def test_guesses_count_alike_for_users_that_exist_and_others(user: str) -> None:
    authentication = services(AuthRule(method="scram-sha-256"))
    for _ in range(3):
        with pytest.raises(SqlError, match="password authentication failed") as caught:
            come(authentication, Guesser(), user)
        assert caught.value.sqlstate == "28P01"
    with pytest.raises(SqlError, match="too many failed logins"):
        come(authentication, Guesser(), user)
