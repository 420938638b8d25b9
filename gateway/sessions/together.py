"""Prepared statements whose messages have come together, Bind to Execute: what is known of one from the last time is
used where it may be, else its messages are carried out one after the other, and what is found is remembered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from gateway.audit.witness import Witness
from gateway.lanes.bound import Portal
from gateway.lanes.prepared import NamedStatements
from gateway.sessions.executed_again import ExecutedAgain, Turn
from gateway.sessions.straight_ways import StraightWays
from gateway.wire import frontend
from gateway.wire.sent_at_once import InTurn, Piped


class Together:
    """Those of one session. ``carry_out`` carries out a message that came by itself."""

    def __init__(
        self,
        again: ExecutedAgain,
        straight: StraightWays,
        statements: NamedStatements,
        portals: Mapping[str, Portal],
        client: Witness,
        carry_out: Callable[[frontend.FrontendMessage], Awaitable[None]],
    ) -> None:
        self._again = again
        self._straight = straight
        self._statements = statements
        self._portals = portals
        self._client = client
        self._carry_out = carry_out

    async def execute(self, message: InTurn | Piped) -> bool:
        """Execute a statement of a session in which nothing is left of those before; return whether its messages were
        carried out one by one, so that the mirror may have to see a Sync.
        """
        turn = await self._again.in_turn(message, self._statements)
        if turn is Turn.DONE:
            return False
        await self.execute_each(message, is_begun=turn is Turn.BEGUN)
        return True

    async def execute_each(self, message: InTurn | Piped, *, is_begun: bool) -> None:
        """Carry out the messages one by one, and remember the statement. ``is_begun``: the audit has its intent."""
        await self.carry_out_each(message, is_begun=is_begun)
        portal = self._portals.get("")
        await self._again.note_turn(message, self._statements, portal)
        self._straight.note_turn(message, self._statements, portal)

    async def carry_out_each(self, message: InTurn | Piped, *, is_begun: bool = False) -> None:
        """Carry out the messages one by one, and remember nothing."""
        for one in message.messages:
            if not (is_begun and type(one) is frontend.Execute):
                await self._client.receive(one)
            await self._carry_out(one)
