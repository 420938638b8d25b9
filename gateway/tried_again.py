"""What the log is told of work of the gateway's own that has failed, and is tried again."""

from __future__ import annotations

import psycopg
from structlog.typing import FilteringBoundLogger

from catalog.errors import SqlError
from catalog.server_home import ServerError


def log_failure(log: FilteringBoundLogger, event: str, failure: Exception) -> None:
    """Log a failure: in a line where the lake or a server has failed, with its trace where the gateway itself has.

    Servers fail now and then: they are out of reach or restarted, a lock is held by others, another gateway changes a
    row in that moment (which PostgreSQL calls an internal error).
    """
    match failure:
        case SqlError():
            log.warning(event, sqlstate=failure.sqlstate.value, reason=failure.message)
        case psycopg.OperationalError() | psycopg.errors.InternalError_():
            reason = failure.diag.message_primary or str(failure)
            log.warning(event, sqlstate=failure.sqlstate, reason=reason)
        case ServerError() | OSError():
            log.warning(event, reason=str(failure))
        case _:
            log.error(event, exc_info=failure)
