"""Word of changes to roles and grants, from any gateway on the same metadata, by LISTEN and NOTIFY."""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg
import structlog

from catalog.server import Server, ServerError

_log = structlog.get_logger(__name__)

CHANNEL = "lakegate_access"
_WAKE_SECONDS = 0.25  # how long `close` may take
_RETRY_SECONDS = 1.0


class Listener:
    """A thread that calls back with the version after each change; after a lost connection too, as it may have missed
    some. The first call tells the present version.
    """

    def __init__(
        self, server: Server, database: str, read_version: Callable[[], int], callback: Callable[[int], None]
    ) -> None:
        self._server = server
        self._database = database
        self._read_version = read_version
        self._callback = callback
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
                    connection.execute(f"LISTEN {CHANNEL}")
                    self._follow(connection)
            except (ServerError, psycopg.Error) as error:
                _log.warning("lost the metadata server, trying again", reason=str(error).strip())
                self._closing.wait(_RETRY_SECONDS)

    def _follow(self, connection: psycopg.Connection) -> None:
        changed = True
        while not self._closing.is_set():
            if changed:
                self._tell()
            changed = len(list(connection.notifies(timeout=_WAKE_SECONDS, stop_after=1))) > 0

    def _tell(self) -> None:
        version = self._read_version()
        if version == self._last:
            return
        try:
            self._callback(version)
        except Exception:  # a fault of the caller's must not end the thread; it is asked again at the next change
            _log.exception("a change of roles or grants could not be taken over", version=version)
            return
        self._last = version
