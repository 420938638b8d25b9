"""The keys of OpenID providers: found by discovery, kept, and fetched anew when they have rotated.

A token of an unknown key leads to one look at the issuer, and no more than one in some seconds, however many clients
come with however many inventions; they all wait for the same look. Keys that cannot be renewed stay in use for a day.
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import structlog

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.authentication.accepted import Accepted, KeyUnknown, TokenRefused
from gateway.configuration.auth import AuthRule, is_safe_url

if TYPE_CHECKING:
    from gateway.authentication.tokens import Key

_log = structlog.get_logger(__name__)
_FRESH: Final = 600.0  # seconds for which keys are used without a look
_USABLE: Final = 86_400.0  # seconds for which they are used while the issuer cannot be reached
_PAUSE: Final = 3.0  # seconds between two looks
_SOCKET_TIMEOUT: Final = 5.0
_FETCH_TIMEOUT: Final = 10.0
_LARGEST: Final = 1 << 20  # bytes of a document

Fetch = Callable[[str], Any]


class IssuerUnreachable(Exception):
    """An issuer that does not answer, or not as an issuer does."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """An issuer says itself where its keys are; who could redirect us could give us others."""

    def redirect_request(self, *_arguments: Any) -> None:
        return None


_opener: Final = urllib.request.build_opener(_NoRedirects())


def fetch_json(url: str) -> Any:
    """Return the JSON document at a URL. Blocks for some seconds at most; raises IssuerUnreachable."""
    if not is_safe_url(url):
        raise IssuerUnreachable(f"{url} is not an https:// URL")
    headers = {"Accept": "application/json", "User-Agent": "lakegate"}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - of https:// or loopback, as looked at
    try:
        with _opener.open(request, timeout=_SOCKET_TIMEOUT) as response:
            text = response.read(_LARGEST + 1)
            if len(text) > _LARGEST:
                raise IssuerUnreachable(f"{url} answers with too much")
            return json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "reason", None) or error
        raise IssuerUnreachable(f"{url}: {reason}") from None


@dataclass(slots=True)
class _Keys:
    """What is known of an issuer. ``looked`` is when it was asked last, ``read`` when it answered."""

    keys: tuple[Key, ...] = ()
    read: float = float("-inf")
    looked: float = float("-inf")
    look: asyncio.Task[None] | None = field(default=None, repr=False)
    failure: str = ""


class Issuers:
    """Checks tokens against their issuers' keys, which all sessions share."""

    def __init__(self, fetch: Fetch = fetch_json, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._known: dict[tuple[str, str | None], _Keys] = {}

    async def accept(self, text: str, rule: AuthRule) -> Accepted:
        """Return what a token says. Raises TokenRefused, or SqlError 57P03 where the issuer cannot be asked."""
        from gateway.authentication.tokens import accept, parse_token

        assert rule.issuer is not None
        token = parse_token(text, rule.algorithms)
        known = self._known.setdefault((rule.issuer, rule.jwks_uri), _Keys())
        if self._clock() - known.read > _FRESH:
            await self._look(known, rule.issuer, rule.jwks_uri)
        try:
            return accept(token, self._usable(known), rule, time.time())
        except KeyUnknown:
            if not await self._look(known, rule.issuer, rule.jwks_uri):
                raise
        return accept(token, self._usable(known), rule, time.time())

    def _usable(self, known: _Keys) -> tuple[Key, ...]:
        if self._clock() - known.read > _USABLE:
            raise SqlError(
                SqlState.CANNOT_CONNECT_NOW,
                "the issuer of tokens cannot be reached",
                hint="The gateway's log has the reason. Try again in a moment.",
            )
        return known.keys

    async def _look(self, known: _Keys, issuer: str, jwks_uri: str | None) -> bool:
        """Ask the issuer for its keys, unless that was done just now; return whether it was asked."""
        if known.look is None:
            if self._clock() - known.looked < _PAUSE:
                return False
            known.looked = self._clock()
            known.look = asyncio.create_task(self._read(known, issuer, jwks_uri))
        await asyncio.shield(known.look)  # others wait for it too
        return True

    async def _read(self, known: _Keys, issuer: str, jwks_uri: str | None) -> None:
        try:
            async with asyncio.timeout(_FETCH_TIMEOUT):
                known.keys = await asyncio.to_thread(self._read_keys, issuer, jwks_uri)
            known.read, known.failure = self._clock(), ""
        except (IssuerUnreachable, TokenRefused, TimeoutError) as error:
            reason = str(error) or "no answer in time"
            if reason != known.failure:
                _log.warning("keys of an issuer cannot be read", issuer=issuer, reason=reason)
            known.failure = reason
        finally:
            known.look = None

    def _read_keys(self, issuer: str, jwks_uri: str | None) -> tuple[Key, ...]:
        from gateway.authentication.tokens import read_keys

        return read_keys(self._fetch(jwks_uri or self._discover(issuer)))

    def _discover(self, issuer: str) -> str:
        document = self._fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if not isinstance(document, dict) or document.get("issuer") != issuer:
            raise IssuerUnreachable("its discovery document is another issuer's")
        address = document.get("jwks_uri")
        if not isinstance(address, str) or not is_safe_url(address):
            raise IssuerUnreachable("its discovery document has no jwks_uri that is safe")
        return address
