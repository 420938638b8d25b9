"""The rows of a whole statement in portions: what is asked of a client's cursor is asked of the one at the server."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.relay.source_connection import Sink
from gateway.relay.source_portal import NAME, SourceFetch, SourcePortal
from gateway.sql.cursor_statements import Fetch


class WholeRows:
    """Rows of a portal at a source's server, or of a FETCH there; as `gateway.lanes.portals.RowSource`."""

    def __init__(self, source: SourcePortal | SourceFetch) -> None:
        self._source = source

    @property
    def exhausted(self) -> bool:
        """Whether the end was reached."""
        return self._source.exhausted

    async def send(self, limit: int, client: Sink) -> int:
        """Pass on at most ``limit`` rows (0: all); return how many the command tag has. Raises SqlError."""
        return await self._source.send(limit, client)

    async def move(self, wanted: Fetch) -> int:
        """Move as a MOVE says; return how many rows a FETCH would have had. Raises SqlError."""
        return await self._portal().run(_text(wanted))

    def fetched(self, wanted: Fetch, formats: Sequence[int]) -> WholeRows:
        """Return what a FETCH gives of them. Raises SqlError 0A000 where they are a FETCH's themselves."""
        return WholeRows(self._portal().fetch(_text(wanted), formats))

    def require_way(self, wanted: Fetch) -> None:
        """Do nothing: the server says whether it can go back."""

    def hold(self) -> None:
        """Outlive the transaction, which has ended."""
        self._portal().hold()

    async def close(self) -> None:
        """Stop the statement."""
        await self._source.close()

    def _portal(self) -> SourcePortal:
        if isinstance(self._source, SourceFetch):
            raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, "a FETCH from the portal of a FETCH is not supported here")
        return self._source


def _text(wanted: Fetch) -> str:
    return f"{wanted.command} {wanted.direction} {'ALL' if wanted.count is None else wanted.count} IN {NAME}"
