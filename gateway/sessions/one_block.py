"""Statements of one text that share a transaction, as all of a text do in PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from gateway.audit.witness import Witness
from gateway.relay.mirror_connection import MirrorConnection
from gateway.relay.mirror_errors import error_of
from gateway.sql.session_state import needs_block
from gateway.sql.statements import Statement


@asynccontextmanager
async def in_block(statements: Sequence[Statement], mirror: MirrorConnection, client: Witness) -> AsyncIterator[None]:
    """Put a transaction block around the statements of a text where they need one: an error rolls it back.

    The end of the last command is told once all is committed. What was put off until then may fail yet, and PostgreSQL
    has the error in the place of that end.
    """
    if mirror.status != "I" or not needs_block(statements):
        yield
        return
    await mirror.ask("BEGIN")
    try:
        with client.last_end_held():
            yield
            _, error = await mirror.ask("COMMIT")
            if error is not None:
                client.drop_end()
                raise error_of(error[5:], 0)
    except BaseException:
        if not mirror.told_end and mirror.status != "I":
            await mirror.ask("ROLLBACK")
        raise
