"""What the mirror says without being asked: notifications, notices, changed settings, and why it ends the session."""

from __future__ import annotations

from gateway.audit.witness import Witness
from gateway.lanes.engine_lane import EngineLane
from gateway.relay.mirror_connection import MirrorConnection
from gateway.relay.mirror_errors import MirrorLost
from gateway.sessions.parking import Parking
from gateway.sessions.running_work import RunningWork
from gateway.told_errors import told_error


class Unasked:
    """Passes it on to one session's client."""

    def __init__(
        self, mirror: MirrorConnection, client: Witness, engine: EngineLane, work: RunningWork, parking: Parking
    ) -> None:
        self._mirror = mirror
        self._client = client
        self._engine = engine
        self._work = work
        self._parking = parking

    def spoken(self) -> None:
        """The mirror has said something that nobody waits for, or has ended its session, and so the client's."""
        at_work = self._work.is_running
        if self._parking.under_way is not None:
            return
        if at_work and (not self._engine.busy or self._mirror.is_in_use or self._work.ended_by is not None):
            return  # who reads there will find it
        self._mirror.note_unasked(nothing_owed=at_work)
        if at_work and self._mirror.has_ended:
            self._tell()
            self._work.end(MirrorLost(told=self._mirror.told_end))
        elif not at_work and not self._mirror.unsettled:
            self._tell()
            self._client.push()
            if self._mirror.has_ended:
                self._client.end(None if self._mirror.told_end else MirrorLost(told=False))

    def tell_all(self) -> None:
        """Pass on what has come: the client is about to be told that its session is ready."""
        self._mirror.note_unasked()
        self._tell()

    def _tell(self) -> None:
        for message in self._mirror.take_unasked():
            self._client.relay(told_error(message, 0) if message[:1] == b"E" else message)
