"""Sessions of the mirror without a login there: what a login with the same settings has told is told again.

Kept is what one real login told, for the role, the settings of the startup message, and the state of all that decides
(`catalog.mirror.logins`), which is asked for at each login. Where anything else may count, such as a limit of
connections, a setting that needs a right, or an error, the client's login is one of the mirror's as well.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog
from cachetools import LRUCache

from gateway.lanes.session_settings import SETTINGS
from gateway.relay.mirror_connection import MirrorConnection
from gateway.relay.mirror_opening import Opening, Told
from gateway.tried_again import log_failure

_log = structlog.get_logger(__name__)
_KEPT = 1024
_IDLE = "SELECT pg_catalog.current_setting('idle_session_timeout')"  # the process counts it: there must be one
_APPLICATION = "application_name"
_PLAIN = frozenset(  # settings that mean the same to every role, whatever else changes
    (
        *(_APPLICATION, "client_encoding", "datestyle", "timezone", "intervalstyle", "extra_float_digits"),
        *("bytea_output", "search_path", "statement_timeout", "lock_timeout", "client_min_messages", "jit", "geqo"),
        *("idle_in_transaction_session_timeout", "idle_session_timeout", "transaction_timeout", "work_mem"),
        *("default_transaction_isolation", "default_transaction_read_only", "row_security", "xmloption"),
        *("standard_conforming_strings", "escape_string_warning", "tcp_keepalives_idle", "plan_cache_mode"),
    )
)
_OPTION = re.compile(r"\s*(?:-c\s*|--)([A-Za-z_-]+)=[^\s\\]*(?=\s|$)")
_Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    state: str
    told: Told


class MirrorLogins:
    """Makes the mirror's half of sessions. ``get_state`` is `catalog.mirror.logins.login_state`."""

    def __init__(self, get_state: Callable[[str], Awaitable[str | None]]) -> None:
        self._get_state = get_state
        self._kept: LRUCache[_Key, _Kept] = LRUCache(_KEPT)
        self._first: dict[_Key, asyncio.Lock] = {}  # of logins whose answer will be kept: others wait for it

    async def connect(self, opening: Opening) -> MirrorConnection:
        """Return a session, opened where that is not known to succeed. Raises `ServerRefused`, SqlError."""
        try:
            key = _key(opening)
            return await (_opened(opening) if key is None else self._connect_in_turn(opening, key))
        except BaseException:
            opening.numbers.give_back(opening.number)
            raise

    async def _connect_in_turn(self, opening: Opening, key: _Key) -> MirrorConnection:
        """Return a session as the last one of its kind; the first one is opened, and others wait for it."""
        known = self._get(opening, key, await self._state(opening.target.user))
        if known is not None:
            return known
        lock = self._first.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                state = await self._state(opening.target.user)  # before the login that it is kept for
                return self._get(opening, key, state) or await self._connect(opening, key, state)
        finally:
            if not lock.locked():
                self._first.pop(key, None)

    def _get(self, opening: Opening, key: _Key, state: str | None) -> MirrorConnection | None:
        kept = self._kept.get(key)
        if state is None or kept is None or kept.state != state:
            return None
        return MirrorConnection(opening, _told_to(opening, kept.told))

    async def _connect(self, opening: Opening, key: _Key, state: str | None) -> MirrorConnection:
        mirror = await _opened(opening)
        if state is None:
            return mirror
        try:
            answer, error = await mirror.ask(SETTINGS)
            idle, _ = await mirror.ask(_IDLE)
        except BaseException:
            mirror.close()
            raise
        if error is None and idle == [b"0"]:
            self._kept[key] = _Kept(state, Told({**mirror.parameters}, {SETTINGS: answer}))
        return mirror

    async def _state(self, role: str) -> str | None:
        try:
            return await self._get_state(role)
        except Exception as failure:
            log_failure(_log, "the state of a role's logins cannot be read", failure)
            return None  # the login itself will tell


async def _opened(opening: Opening) -> MirrorConnection:
    mirror = MirrorConnection(opening)
    await mirror.open()
    return mirror


def _key(opening: Opening) -> _Key | None:
    """Return what an answer is kept under; None where it is not to be kept."""
    settings = {name.lower(): value for name, value in opening.settings.items()}
    options = _option_names(settings.pop("options", ""))
    if options is None or len(settings) < len(opening.settings) - ("options" in opening.settings):
        return None
    if not _PLAIN.issuperset(settings) or not _PLAIN.issuperset(options):
        return None
    application = settings.get(_APPLICATION)
    if application is not None and application.isascii() and application.isprintable():
        settings[_APPLICATION] = ""  # it is told as it was given
    return (opening.target.user, frozenset(settings.items()), opening.settings.get("options"))


def _option_names(options: str) -> list[str] | None:
    """Return the names of settings in command-line options; None where there is something else."""
    names, at = [], 0
    while at < len(options.rstrip()):
        found = _OPTION.match(options, at)
        if found is None:
            return None
        names.append(found[1].lower().replace("-", "_"))
        at = found.end()
    return names


def _told_to(opening: Opening, told: Told) -> Told:
    given: Mapping[str, str] = opening.settings
    application = next((value for name, value in given.items() if name.lower() == _APPLICATION), None)
    if application is None:
        return told
    return Told({**told.parameters, _APPLICATION: application}, told.answers)
