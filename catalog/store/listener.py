"""Word of changes to roles and grants, from any gateway on the same metadata, by LISTEN and NOTIFY."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

import psycopg
import structlog

from catalog.server import Server, ServerError

_log = structlog.get_logger(__name__)

CHANNEL = "lakegate_access"
NAME = "lakegate access listener"  # as pg_stat_activity shows it
_VERSION = "SELECT value FROM settings WHERE name = 'access_version'"
_WAKE_SECONDS = 0.25  # how long `close` may take
_RETRY_SECONDS = 1.0
_LOOK_SECONDS = 1.0  # a network that is gone tells nobody: the version is asked for so often anyway

Heard = Callable[[int, float], None]


class Listener:
    """A thread that calls back with the version after each change; after a lost connection too, as it may have missed
    some. The first call tells the present version. ``heard`` is told, about once a second, the version that the store
    had at some time after the one given (of `time.monotonic`).
    """

    def __init__(
        self,
        server: Server,
        database: str,
        callback: Callable[[int], None],
        heard: Heard | None = None,
        name: str = NAME,
    ) -> None:
        self._server = server
        self._database = database
        self._callback = callback
        self._heard = heard
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
            changed = len(list(connection.notifies(timeout=_WAKE_SECONDS, stop_after=1))) > 0

    def _look(self, connection: psycopg.Connection, now: float) -> None:
        row = connection.execute(_VERSION).fetchone()
        if row is None:
            raise ServerError("the metadata has no version of roles and grants")
        version = int(row[0])
        if version != self._last:
            try:
                self._callback(version)
                self._last = version
            except Exception:  # a fault of the caller's must not end the thread; it is asked again in a moment
                _log.exception("a change of roles or grants could not be taken over", version=version)
        if self._heard is not None:
            self._heard(version, now)
