"""A light statement of the engine executed again, carried out in callbacks: from the client's bytes to its answer,
without a turn of the session's task.

It is as `gateway.sessions.straight` is for whole statements: what may have changed is asked by the same code, the audit
has the same entries, the intent is written first. Behind it there is one look at the versions of the tables, which the
statements of many clients share; then rights are looked at again, and the rows are computed, made messages of and sent
in one go. As soon as anything is otherwise than it mostly is, the session's task carries the statement out, with the
intent that it has.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from time import monotonic

import pyarrow as pa
import structlog

from catalog.errors import SqlError
from gateway.dynamic_filters import Asking
from gateway.execute.port import RunningStatement
from gateway.history.log import Run
from gateway.lanes.again import LightAgain
from gateway.lanes.bound import Portal
from gateway.lanes.portals import encoded_whole
from gateway.lanes.prepared import Lane, NamedStatement, NamedStatements, is_outdated
from gateway.lanes.session_settings import Settings
from gateway.logs import note_statement
from gateway.pipeline import Plan, light_at, light_query
from gateway.sessions.in_callbacks import Begun, InCallbacks, StraightClient
from gateway.sql.hints import NO_HINTS
from gateway.values.registry import sql_name
from gateway.versions_at_once import Snapshots
from gateway.wire import backend, frontend
from gateway.wire.bound_values import BoundValues, name_at_once
from gateway.wire.sent_at_once import InTurn, Piped

_log = structlog.get_logger(__name__)
_BOUND = backend.BindComplete().encode()
_READY = backend.ReadyForQuery("I").encode()
_MOST_ROWS = 512  # of an answer: the event loop makes messages of them


@dataclass(slots=True)
class _Begun(Begun):
    """``running`` is an execution that is to be closed."""

    named: NamedStatement
    light: LightAgain
    parameters: tuple[pa.Scalar, ...]
    running: RunningStatement | None = None


class StraightEngine(InCallbacks[_Begun]):
    """Those of one session: one statement at a time."""

    def begin(self, data: bytes, ids: tuple[str, str], client: StraightClient) -> bool:
        """Begin the statement that all of these bytes are, if it is known; return whether it was begun. Only in a
        session at rest.
        """
        found = name_at_once(data)
        named = self._statements.get(found[0]) if found is not None else None
        light = self._again.current_light(named) if named is not None else None
        if found is None or named is None or light is None or is_outdated(light.plan, self._lake):
            return False
        raw = light.values.cut(data, found[1])
        parameters = light.parameters(raw) if raw is not None else None
        query = light_query(light.plan)
        if parameters is None or query is None or not self._lake.engine.is_at_hand(query, parameters):
            return False
        text = named.prepared.statement.text
        return self._begin(_Begun(client, data, ids, False, named, light, parameters), (text, text))

    def _go_on(self, begun: _Begun) -> None:
        """Look at the versions."""
        begun.started = monotonic()
        self._lake.versions.look(begun.light.tables).add_done_callback(partial(self._looked, begun))

    # What the source says -------------------------------------------------------------------------------------------

    def _looked(self, begun: _Begun, found: asyncio.Future[Snapshots]) -> None:
        failure = found.exception()  # asked for in any case, or it would be logged
        if begun is not self._begun or begun.handed_over:
            return
        if failure is not None:
            self._hand_over(begun)  # whose own look fails, too, and tells of it
            return
        try:
            self._execute(begun, found.result())
        except SqlError:  # a value has no form: so it is told on the way of all others
            self._hand_over(begun)
        except Exception:
            self._broken(begun)

    def _execute(self, begun: _Begun, versions: Snapshots) -> None:
        """Compute the rows and send them, if the statement may still be executed as it is known."""
        light = begun.light
        asking = Asking(light.plan.principal, light.settings.session, begun.parameters, self._lake)
        prepared = light_at(light.plan, asking, versions)
        if prepared is None or prepared.whole is None or self._mirror.has_news or not self._again.is_still_light(light):
            self._hand_over(begun)
            return
        running = self._lake.engine.at_once(prepared.whole, begun.parameters)
        blocks = encoded_whole(running, light.encoder) if running is not None else None
        if running is None or blocks is None:  # or more rows than are sent here: it is executed again
            begun.running = running
            if begun.named.last is not None:
                begun.named.last.light = None
            self._hand_over(begun)
            return
        rows, buffers = blocks
        complete = backend.CommandComplete(f"SELECT {rows}").encode()
        answer = b"".join((_BOUND, light.told, *buffers, complete, _READY))
        if begun.ticket is None or not begun.client.answered(answer):
            self._hand_over(begun)  # to nobody: the client has left
            return
        self._client.completed(begun.ticket, ("engine", light.read, prepared.fragmented), rows, len(answer))
        took = (monotonic() - begun.started) * 1000
        pushes = light.plan.tuned(light.settings.session.tuning).pushdown
        text = begun.named.prepared.statement.text
        self._lake.history.note(Run(light.plan, text, took, rows, pushes=pushes, read=prepared.fragmented))
        note_statement(_log, "engine", rows, took, begun.ids)
        self._over()

    # What the session says ------------------------------------------------------------------------------------------

    async def finish(self) -> InTurn:
        """Return the messages of the statement that was handed over: they are to go the way of all others, with their
        intent written. Raises SqlError where that could not be written, and where the statement was ended.
        """
        begun = self._begun
        assert begun is not None
        self._mirror.extended = True
        try:
            if begun.running is not None:
                await begun.running.close()
            if begun.reason is not None:
                raise begun.reason
            return InTurn.decode(begun.data)
        finally:
            self._over()

    # What is known of statements ------------------------------------------------------------------------------------

    def note_turn(self, message: InTurn | Piped, statements: NamedStatements, portal: Portal | None) -> None:
        """Remember a statement that was executed for its messages, if it is light and has few rows."""
        bind = message.messages[0]
        named = statements.get(bind.statement) if type(bind) is frontend.Bind else None
        last, settings = named.last if named is not None else None, self._engine.settings
        if (
            portal is None
            or portal.lane != "engine"
            or type(bind) is not frontend.Bind
            or named is None
            or last is None
            or settings is None
        ):
            return
        if last.light is None or last.light.settings is not settings:
            light = self._light(portal, settings, bind) if portal.rows_sent <= _MOST_ROWS else None
            last.light = light if light is not None and self._again.is_planned(named, light.plan) else None

    def _light(self, portal: Portal, settings: Settings, bind: frontend.Bind) -> LightAgain | None:
        plan, sent = portal.prepared.plan, portal.sent
        if plan is None or not self._is_plain(portal, plan, settings) or light_query(plan) is None:
            return None
        formats = bind.parameter_formats, bind.result_formats
        prepared = portal.prepared
        return LightAgain(
            settings,
            plan,
            sent.oids,
            sent.formats,
            portal.described or backend.RowDescription(portal.fields).encode(),
            (prepared.tables(), prepared.policies(), prepared.shadow_policies()),
            tuple(plan.optimized.tables.values()),
            lambda schema: portal.encoder.require(schema, portal.fields, settings.output),
            BoundValues(len(sent.oids), formats, formats),
        )

    def _is_plain(self, portal: Portal, plan: Plan, settings: Settings) -> bool:
        """Whether nothing is to be done for a statement but to execute it: where rows may be kept they are looked for,
        of hints the client is told, and the session is asked for values.
        """
        prepared, results = portal.prepared, self._lake.results
        if prepared.lane is not Lane.ENGINE or prepared.copy is not None or not portal.done or not settings.is_untimed:
            return False
        if plan.hints is not NO_HINTS or plan.asked is not None or plan.session:
            return False
        if results.limit and settings.session.tuning.result_cache:
            return False
        return portal.types == tuple(map(sql_name, portal.sent.oids))
