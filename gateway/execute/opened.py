"""What a statement has opened in the engine, and gives back when it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable

from datafusion import SessionContext

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.execute import remote_relations
from gateway.execute.errors import StatedError


class Ready:
    """Rows in memory: nothing is to be closed."""

    failure: SqlError | None = None

    def close(self) -> None:
        """Do nothing."""


class Opened:
    """What one statement has opened: remote relations, by name. May be closed while a thread still opens more."""

    def __init__(self, stated_error: StatedError) -> None:
        self.stated_error = stated_error
        self._lock = threading.Lock()
        self._datasets: dict[str, tuple[SessionContext, remote_relations.RemoteDataset | Ready]] = {}
        self._releases: list[Callable[[], None]] = []
        self._closed = False
        self.withholds_values = False  # in errors
        self.hot: dict[str, int] = {}  # of scans with columns in memory, the number of files that these are of

    def __bool__(self) -> bool:
        return bool(self._datasets or self._releases)

    def add_release(self, release: Callable[[], None]) -> None:
        """Take charge of what ends the statement's calls; where it has ended meanwhile they are ended at once."""
        with self._lock:
            self._releases.append(release)
            closed = self._closed
        if closed:
            self.close()
            raise SqlError(SqlState.QUERY_CANCELED, "canceling statement due to user request")

    def add(self, context: SessionContext, relation: str, dataset: remote_relations.RemoteDataset | Ready) -> None:
        """Take charge of a relation; where the statement has ended meanwhile it is closed at once."""
        with self._lock:
            self._datasets[relation] = context, dataset
            closed = self._closed
        if closed:
            dataset.close()
            raise SqlError(SqlState.QUERY_CANCELED, "canceling statement due to user request")

    @property
    def failure(self) -> SqlError | None:
        """The first error that a source raised while it was read."""
        with self._lock:
            failures = [dataset.failure for _, dataset in self._datasets.values()]
        return next((failure for failure in failures if failure is not None), None)

    def close_late(self) -> None:
        """Close again what was opened and registered after the statement had ended."""
        with self._lock:
            closed = self._closed
        if closed:
            self.close()

    def close(self) -> None:
        """Cancel what is still read and give the relations back. More than once."""
        with self._lock:
            self._closed = True
            datasets = [*self._datasets.items()]
            releases, self._releases = self._releases, []
        for release in releases:
            release()
        for relation, (context, dataset) in datasets:
            dataset.close()
            context.deregister_table(relation)
