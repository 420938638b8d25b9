"""Queries of the catalogues that a client sends at once, Parse or Bind to Sync: the mirror is sent the client's bytes
as they are, and they are looked at once, not message by message.

What the five messages would lead to one by one is the same. So this is for sessions in which nothing else is under
way: nothing is owed to the client, no portal of the gateway's is open, no temporary relation was made.
"""

from __future__ import annotations

from gateway.lanes.engine_lane import EngineLane
from gateway.lanes.prepared import Lane, NamedStatement, NamedStatements
from gateway.sessions.cursors import Cursors
from gateway.sessions.relayed_texts import RelayedTexts
from gateway.sessions.repeated_queries import RepeatedQueries
from gateway.sessions.reserved_names import is_reserved
from gateway.sessions.temporary import TemporaryRelations
from gateway.sessions.unnamed import UnnamedStatement
from gateway.sql.session_state import changes_nothing
from gateway.sql.statements import Kind
from gateway.wire.sent_at_once import InTurn, SentAtOnce, in_turn

_PARSED, _FAILED = b"1E"


class PassedOn:
    """Those of one session."""

    def __init__(
        self,
        repeated: RepeatedQueries,
        unnamed: UnnamedStatement,
        engine: EngineLane,
        statements: NamedStatements,
        cursors: Cursors,
    ) -> None:
        self._repeated = repeated
        self._mirror, self._owed = repeated.mirror, repeated.owed
        self._unnamed = unnamed
        self._engine = engine
        self._statements = statements
        self._cursors = cursors
        self._taken: NamedStatement | None = None

    def take(
        self, message: SentAtOnce, relayed: RelayedTexts, temporary: TemporaryRelations
    ) -> SentAtOnce | InTurn | None:
        """Return the message where it is to be passed on (`pass_on`), its parts where these are the gateway's to carry
        out, one after the other; None where that cannot be told without asking anybody.
        """
        named = self._statements.get(message.statement) if message.parse is None else None
        if named is not None and named.prepared.lane is Lane.ENGINE:
            return in_turn(message)
        if not (self._mirror.is_at_rest and self._cursors.is_empty and temporary.has_none and self._owed.is_empty):
            return None
        if message.parse is not None:
            prepared = None if is_reserved(message.parse.name) else relayed.get(message.parse.query)
            named = None if prepared is None else NamedStatement(prepared, message.parse.parameter_oids)
        elif self._unnamed.is_missing and not message.statement:
            return None
        if named is None or named.prepared.lane is not Lane.RELAY:
            return None
        statement = named.prepared.statement
        if statement.kind is not Kind.QUERY or statement.about_gateway or not changes_nothing(statement.text):
            return None
        self._taken = named
        return message

    async def pass_on(self, message: SentAtOnce) -> None:
        """Have the mirror answer the statement that was taken, up to its ReadyForQuery, which is not passed on."""
        named, self._taken = self._taken, None
        assert named is not None
        parse = message.parse
        parsed = None if parse is None else self._statements.parsing(parse.name, named)

        def take(data: bytes) -> None:
            self._owed.pass_on(data)
            if data[0] == _PARSED and parsed is not None:
                parsed()
            elif data[0] == _FAILED:
                self._statements.failed()

        elsewhere = await self._repeated.answer_at_once(message, named.prepared, take)
        if parse is not None:
            self._unnamed.made(parse, elsewhere=elsewhere)
        self._engine.settings_changed()
