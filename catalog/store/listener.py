"""Word of changes to roles and grants, and of wishes to cancel, from any gateway on the same metadata, by LISTEN and
NOTIFY.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
import structlog

from catalog.server import Server, ServerError

_log = structlog.get_logger(__name__)

CHANNEL = "lakegate_access"
CANCELS = "lakegate_cancels"
NAME = "lakegate access listener"  # as pg_stat_activity shows it
_VERSION = "SELECT value FROM settings WHERE name = 'access_version'"
_WAKE_SECONDS = 0.25  # how long `close` may take
_RETRY_SECONDS = 1.0
_LOOK_SECONDS = 1.0  # a network that is gone tells nobody: the version is asked for so often anyway


@dataclass(frozen=True, slots=True)
class Ears:
    """Who is told what. ``changed``: the version after each change; after a lost connection too, as some may have been
    missed; at first the present version. ``heard``: about once a second, the version that the store had at some time
    after the one given (of `time.monotonic`). ``cancels``: what other gateways have said of wishes to cancel.
    """

    changed: Callable[[int], None]
    heard: Callable[[int, float], None] | None = None
    cancels: Callable[[str], object] | None = None


class Listener:
    """A thread that listens. ``name`` is what its connection is called."""

    def __init__(self, server: Server, database: str, ears: Ears, name: str = NAME) -> None:
        self._server = server
        self._database = database
        self._ears = ears
        self._name = name
        self._closing = threading.Event()
        self._last: int | None = None
        self._thread = threading.Thread(target=self._run, name="lakegate-access-listener", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                with self._server.connect(self._database, autocommit=True) as connection:
                    connection.execute("SELECT set_config('application_name', %s, false)", (self._name,))
                    connection.execute(f"LISTEN {CHANNEL}")
                    if self._ears.cancels is not None:
                        connection.execute(f"LISTEN {CANCELS}")
                    self._follow(connection)
            except (ServerError, psycopg.Error) as error:
                _log.warning("lost the metadata server, trying again", reason=str(error).strip())
                self._closing.wait(_RETRY_SECONDS)

    def _follow(self, connection: psycopg.Connection) -> None:
        looked = -math.inf
        changed = True
        while not self._closing.is_set():
            if changed or time.monotonic() - looked >= _LOOK_SECONDS:
                looked = time.monotonic()
                self._look(connection, looked)
            changed = False
            for told in connection.notifies(timeout=_WAKE_SECONDS, stop_after=1):
                if told.channel == CHANNEL:
                    changed = True
                elif self._ears.cancels is not None:
                    self._ears.cancels(told.payload)

    def _look(self, connection: psycopg.Connection, now: float) -> None:
        row = connection.execute(_VERSION).fetchone()
        if row is None:
            raise ServerError("the metadata has no version of roles and grants")
        version = int(row[0])
        if version != self._last:
            try:
                self._ears.changed(version)
                self._last = version
            except Exception:  # a fault of the caller's must not end the thread; it is asked again in a moment
                _log.exception("a change of roles or grants could not be taken over", version=version)
        if self._ears.heard is not None:
            self._ears.heard(version, now)
