"""The lane of whole statements in one session: one source's server answers alone, and the engine has no part."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from operator import is_

from gateway.explaining import explain
from gateway.lake import Lake
from gateway.lanes.again import Again
from gateway.lanes.bound import Client, Portal, RowClient
from gateway.lanes.copy_out import named_encoding
from gateway.lanes.prepared import Lane
from gateway.lanes.session_settings import Settings
from gateway.lanes.whole_rows import WholeRows
from gateway.pipeline import get_reads, reads
from gateway.relay.source_connection import Execution
from gateway.relay.source_relay import Asked, WholeStatement
from gateway.result_cache import Result
from gateway.rights import Rights
from gateway.sql.copy_options import CopyOptions, Format, written
from gateway.sql.explain_options import ExplainOptions
from gateway.sql.hints import NO_HINTS
from gateway.tuning import USUAL
from gateway.values.client_encodings import is_converted
from gateway.values.registry import sql_name
from gateway.values.settings import BINARY, TEXT, OutputSettings
from gateway.wire import backend, frontend
from gateway.wire.bound_values import BoundValues

_BOUND = backend.BindComplete().encode()


class WholeLane:
    """Executes and explains them; where it returns None the engine is to answer, and nothing was sent."""

    def __init__(self, lake: Lake, client: Client, rights: Callable[[Portal], Rights]) -> None:
        self._rights = rights
        self._lake = lake
        self._client = client
        self.tuning = USUAL  # of the session
        self._styles: tuple[OutputSettings, _Styles] | None = None  # of the settings that were asked about last
        self._hides: tuple[tuple[object, ...], bool] | None = None  # of what was asked about last

    async def send(self, portal: Portal, output: OutputSettings, client: RowClient) -> int | None:
        """Pass the server's rows to a client, this one or one that collects them besides; return how many."""
        asked = await self._get_asked(portal, output, client)
        sent = await self._lake.relay.send(asked, client) if asked is not None else None
        if sent is not None:
            self._note(portal)
        return sent

    async def copy(self, portal: Portal, options: CopyOptions, output: OutputSettings) -> int | None:
        """Pass on the server's own COPY; return how many rows it had."""
        if not (options.format.is_lines or options.format is Format.BINARY):
            return None
        if options.format.is_lines:
            options = replace(options, encoding=named_encoding(options, output))
            output = replace(output, client_encoding="UTF8")  # which counts no more
        asked = await self._get_asked(portal, output)
        sent = await self._lake.relay.copy(asked, written(options), self._client) if asked is not None else None
        if sent is not None:
            self._note(portal)
        return sent

    async def open(self, portal: Portal, output: OutputSettings) -> WholeRows | None:
        """Open a portal whose rows are asked for in portions, or a cursor."""
        if portal.prepared.lane is not Lane.ENGINE:
            return None
        asked = await self._get_asked(portal, output)
        if asked is None:
            return None
        declared = portal.declared
        opened = await self._lake.relay.open(asked, None if declared is None else (declared.scrolls, declared.holds))
        if opened is None:
            return None
        self._note(portal)
        return WholeRows(opened)

    async def explain(
        self, portal: Portal, options: ExplainOptions, output: OutputSettings, kept: Result | None
    ) -> list[str] | None:
        """Return the lines of EXPLAIN, the server's plan among them, for who sees all of the tables. ``kept`` are rows
        that would be sent in the place of the server's.
        """
        asked = await self._get_asked(portal, output)
        if asked is None or not asked.in_full:
            return None
        if portal.sent.is_unknown:
            server = await self._lake.relay.explain_generic(asked, options.for_server())
        else:
            server = await self._lake.relay.explain(asked, options.for_server(), analyze=options.analyze)
        if server is None:
            return None
        return explain.explain_whole(asked.whole, portal.prepared.require_plan(), options, server, kept)

    async def again(self, portal: Portal, settings: Settings, message: frontend.Bind) -> Again | None:
        """Return what is known now of a statement that was executed for a message, for the next time; None where more
        is to be looked at then.
        """
        prepared, plan = portal.prepared, portal.prepared.plan
        if plan is None or plan.whole is None or plan.hints is not NO_HINTS:
            return None
        if prepared.lane is not Lane.ENGINE or prepared.copy is not None:
            return None
        may_be_kept = bool(self._lake.results.lifetimes.get(plan.whole.source))
        if may_be_kept or portal.types != tuple(map(sql_name, portal.sent.oids)):
            return None
        logins, fragmented = self._lake.remote_logins.version, get_reads(plan)
        asked = await self._get_asked(portal, settings.output)
        place = self._lake.relay.get_place(asked) if asked is not None else None
        if asked is None or place is None or fragmented is None:
            return None
        formats = message.parameter_formats, message.result_formats
        read = prepared.tables(), prepared.policies(), prepared.shadow_policies()
        told = portal.described or backend.RowDescription(portal.fields).encode()
        sent = asked.execution
        values = BoundValues(len(sent.oids), formats, (sent.formats, sent.result_formats))
        return Again(settings, logins, asked, *formats, plan, told, _BOUND + told, read, fragmented, place, values)

    def _note(self, portal: Portal) -> None:
        portal.lane = "source"
        self._client.reading("source", (), ())

    async def _get_asked(self, portal: Portal, output: OutputSettings, client: RowClient | None = None) -> Asked | None:
        planned = portal.prepared.plan
        if planned is None or planned.whole is None or not planned.tuned(self.tuning).pushdown:
            return None
        if any(one.format not in (TEXT, BINARY) for one in portal.fields):
            return None
        if self._styles is None or self._styles[0] is not output:
            self._styles = output, _styles(output)
        styles = self._styles[1]
        if not styles.may_relay or not (styles.are_usual or not portal.prepared.policies()):
            return None
        return await self._asked(portal, planned.whole, output, client or self._client)

    async def _asked(self, portal: Portal, whole: WholeStatement, output: OutputSettings, client: RowClient) -> Asked:
        planned = portal.prepared.require_plan()
        noted, fragmented = client.note_fragments(), get_reads(planned)
        if fragmented is None:
            loop = asyncio.get_running_loop()
            fragmented = await loop.run_in_executor(None, reads, planned, portal.parameters, self._lake)
        noted(fragmented)
        sent = portal.sent
        formats = tuple([one.format for one in portal.fields])
        execution = Execution(whole.sent, sent.oids, sent.formats, sent.values, formats)
        key = (planned, fragmented, self._lake.access, self._lake.remote_logins.version)
        if self._hides is None or not all(map(is_, self._hides[0], key)):
            self._hides = key, explain.hides(planned, self._lake)
        return Asked(whole, execution, portal.fields, output, not self._hides[1], self._rights(portal))


@dataclass(frozen=True, slots=True)
class _Styles:
    """Whether a source's server may answer: it sends UTF-8, and policies and masks there see the session's styles,
    which have to be the usual ones then.
    """

    may_relay: bool
    are_usual: bool


def _styles(output: OutputSettings) -> _Styles:
    styles = replace(output, extra_float_digits=min(output.extra_float_digits, 1), client_encoding="UTF8")
    return _Styles(
        may_relay=not is_converted(output.client_encoding),
        are_usual=styles == OutputSettings(time_zone=output.time_zone),
    )
