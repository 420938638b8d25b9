"""The ways of one session's statements that are carried out in callbacks: by a source's server, or by the engine."""

from __future__ import annotations

from collections.abc import Callable

from gateway.lanes.bound import Portal
from gateway.lanes.prepared import NamedStatements
from gateway.sessions.in_callbacks import StraightClient
from gateway.sessions.parking import Parking
from gateway.sessions.role import SessionRole
from gateway.sessions.straight import Straight
from gateway.sessions.straight_engine import StraightEngine
from gateway.wire import frontend
from gateway.wire.sent_at_once import InTurn, Piped


class StraightWays:
    """``is_between``: whether what the session's task has done last keeps statements from them."""

    def __init__(
        self,
        ways: tuple[Straight, StraightEngine],
        role: SessionRole,
        parking: Parking,
        is_between: Callable[[], bool],
    ) -> None:
        self._whole, self._light = ways
        self._role = role
        self._parking = parking
        self._is_between = is_between
        self._at_rest = False

    def begin(self, data: bytes, ids: tuple[str, str], client: StraightClient) -> bool:
        """Begin the statement that all of these bytes are, if that can be done at once; return whether it was."""
        whole, role = self._whole, self._role
        if not self._at_rest:
            if self._is_between() or not whole.is_at_rest:
                return False
            self._at_rest = True
        if self._parking.under_way is not None or (role.expires is not None and role.has_expired):
            return False
        return whole.begin(data, ids, client) or self._light.begin(data, ids, client)

    def disturbed(self) -> None:
        """Look at the session anew before the next statement: its task has something to do."""
        self._at_rest = False
        self._whole.forget()

    def note_turn(self, message: InTurn | Piped, statements: NamedStatements, portal: Portal | None) -> None:
        """Remember a statement that was executed for its messages, if it is one of the engine's."""
        self._light.note_turn(message, statements, portal)

    async def finish(self) -> frontend.Query | InTurn | None:
        """Carry out what is left of the statement that was handed over; return its messages where that is all of it."""
        return await (self._light if self._light.is_under_way else self._whole).finish()

    def close(self) -> None:
        """End what is under way: the session ends."""
        self._whole.close()
        self._light.close()
