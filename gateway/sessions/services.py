"""What a session shares with others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pyarrow as pa

from catalog.analyzed import Analyzed
from catalog.names import TableName
from catalog.pins import Pin
from catalog.principals import Principal
from catalog.store.rows import AccessRows
from gateway.audit.audit import Audit
from gateway.lake import Lake
from gateway.lanes.access_lane import ExecuteAccess
from gateway.lanes.prepared import StatementCache
from gateway.sessions.credentials import GetPrincipal
from gateway.sql.resolve import Names
from gateway.sql.statements import Statement


@dataclass(frozen=True, slots=True)
class Permit:
    """A permit of one session of the mirror to set its session authorization, good once the secret is named."""

    secret: str = field(repr=False)
    end: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class SessionServices:
    """What a session shares with others. ``get_principal`` is asked for every statement."""

    lake: Lake
    statements: StatementCache
    get_principal: GetPrincipal
    become: Callable[[Principal, str], Principal | None]  # who is in after SET ROLE; None: he may not be that
    authorize: Callable[[Principal, str], Principal | None]  # the same after SET SESSION AUTHORIZATION
    keep_analyzed: Callable[[TableName, Analyzed], Awaitable[None]]  # what ANALYZE has found of a table
    refresh: Callable[[tuple[str, ...] | None], Awaitable[None]]
    rows: Callable[[], AccessRows]  # who may see what at this moment
    execute_access: ExecuteAccess
    change_masking: Callable[[Statement, Principal, Names], Awaitable[str]]  # or user mappings
    answer: Callable[[str, Principal, Names], Awaitable[pa.RecordBatch]]  # a question about policies
    let_set_role: Callable[[str, str], Awaitable[Callable[[], Awaitable[None]] | None]]
    permit: Callable[[str, str, int], Awaitable[Permit | None]]  # to set the session authorization
    tell_gateway: Callable[[str], Awaitable[None]]  # have the mirror know what a text may ask of the gateway
    pin_plan: Callable[[Pin], Awaitable[None]]
    unpin_plan: Callable[[int], Awaitable[bool]]  # by the number of the statement; whether anything was pinned
    database: str
    audit: Audit
    temporary_limit: int  # bytes of one session's temporary tables
    temporary_bytes: Callable[[int], Awaitable[int]]  # of the mirror's session of a server process
