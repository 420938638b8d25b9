"""A provider of tokens by the device flow (RFC 8628), on loopback: the server is Authlib's.

A client asks for a code, shows it to its user, and asks for the token again and again until the user has agreed, in a
browser of his. The access token is a JWT (RFC 9068).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import flask
import httpx
import werkzeug.serving
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint, DeviceCodeGrant, DeviceCredentialDict
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from joserfc.jwk import KeySet, RSAKey

from tests.authentication.provider import AUDIENCE

CLIENT = "psql"
_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class _Client(ClientMixin):  # type: ignore[misc]
    """The one client: public, as programs on a user's machine are."""

    def get_client_id(self) -> str:
        return CLIENT

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return method == "none"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == _GRANT

    def get_allowed_scope(self, scope: str) -> str:
        return scope


@dataclass(frozen=True, slots=True)
class _User:
    name: str

    def get_user_id(self) -> str:
        return self.name


@dataclass(slots=True)
class _State:
    """Codes that were given out, and what users have answered."""

    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "device", "use": "sig"}))
    credentials: dict[str, DeviceCredentialDict] = field(default_factory=dict)
    answers: dict[str, tuple[_User, bool]] = field(default_factory=dict)


def _app(state: _State) -> flask.Flask:
    app = flask.Flask(__name__)
    server = AuthorizationServer(
        app,
        query_client=lambda name: _Client() if name == CLIENT else None,
        save_token=lambda _token, _request: None,
    )

    class Tokens(JWTBearerTokenGenerator):  # type: ignore[misc]
        def get_jwks(self) -> KeySet:
            return KeySet([state.key])

        def get_audiences(self, *_: object) -> str:
            return AUDIENCE

        def get_extra_claims(self, _client: object, _grant: str, user: _User, _scope: str) -> dict[str, object]:
            return {"email": f"{user.name}@example.org", "groups": ["lake-analysts"]}

    class Codes(DeviceAuthorizationEndpoint):  # type: ignore[misc]
        INTERVAL = 1

        def get_verification_uri(self) -> str:
            return f"{_issuer()}/activate"

        def save_device_credential(self, client_id: str, scope: str, data: dict[str, Any]) -> None:
            made = DeviceCredentialDict(client_id=client_id, scope=scope, expires_at=time.time() + 60, **data)
            state.credentials[data["device_code"]] = made

    class Grant(DeviceCodeGrant):  # type: ignore[misc]
        def query_device_credential(self, device_code: str) -> DeviceCredentialDict | None:
            return state.credentials.get(device_code)

        def query_user_grant(self, user_code: str) -> tuple[_User, bool] | None:
            return state.answers.get(user_code)

        def should_slow_down(self, _credential: object) -> bool:
            return False

    server.register_grant(Grant)
    server.register_endpoint(Codes)
    _add_routes(app, server, state)
    app.before_request(lambda: server.register_token_generator("default", Tokens(issuer=_issuer())))
    return app


def _add_routes(app: flask.Flask, server: AuthorizationServer, state: _State) -> None:
    @app.get("/.well-known/openid-configuration")
    def configuration() -> dict[str, object]:
        issuer = _issuer()
        return {
            "issuer": issuer,
            "jwks_uri": f"{issuer}/jwks",
            "token_endpoint": f"{issuer}/token",
            "device_authorization_endpoint": f"{issuer}/device",
            "grant_types_supported": [_GRANT],
        }

    @app.get("/jwks")
    def keys() -> dict[str, object]:
        return {"keys": [state.key.as_dict(private=False)]}

    @app.post("/device")
    def device() -> flask.Response:
        answer: flask.Response = server.create_endpoint_response(DeviceAuthorizationEndpoint.ENDPOINT_NAME)
        return answer

    @app.post("/activate")
    def activate() -> str:
        form = flask.request.form
        state.answers[form["user_code"]] = _User(form["user"]), form["answer"] == "yes"
        return "You can go back to your program."

    @app.post("/token")
    def token() -> flask.Response:
        answer: flask.Response = server.create_token_response()
        return answer


def _issuer() -> str:
    return flask.request.host_url.rstrip("/")


@contextmanager
def device_provider() -> Iterator[str]:
    """A provider; yields its issuer."""
    server = werkzeug.serving.make_server("localhost", 0, _app(_State()), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(slots=True)
class DeviceFlow:
    """A client's part of the flow; ``user`` is who reads its code and answers. ``told`` are the provider's answers
    while it was waited for.
    """

    user: str
    answer: str = "yes"
    told: list[str] = field(default_factory=list)

    def token(self, configuration: str, scope: str) -> str:
        """Return the token that a client gets who was told this document and scope; "" for one that gets none."""
        endpoints = httpx.get(configuration).raise_for_status().json()
        asked = {"client_id": CLIENT, "scope": scope}
        given = httpx.post(endpoints["device_authorization_endpoint"], data=asked).raise_for_status().json()
        poll = {"grant_type": _GRANT, "device_code": given["device_code"], "client_id": CLIENT}
        while True:
            answer = httpx.post(endpoints["token_endpoint"], data=poll).json()
            if "access_token" in answer:
                return str(answer["access_token"])
            self.told.append(answer["error"])
            if answer["error"] != "authorization_pending":
                return ""
            agreed = {"user_code": given["user_code"], "user": self.user, "answer": self.answer}
            httpx.post(given["verification_uri"], data=agreed).raise_for_status()
            time.sleep(given["interval"] / 10)
