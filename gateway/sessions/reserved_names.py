"""Names of prepared statements and cursors that are the gateway's own, in the client's session of the mirror.

No client can make one of such a name, close it or execute it: for him there is none.
"""

from __future__ import annotations

from catalog.errors import SqlError
from catalog.mirror.prepared_statements import OWN_PREFIX
from catalog.sqlstate import SqlState
from gateway.wire import frontend

_NONE = f"{OWN_PREFIX}none"  # which nobody has


def is_reserved(name: str) -> bool:
    """Say whether a name is one that the gateway may have given."""
    return name.startswith(OWN_PREFIX)


def refuse_reserved(name: str, what: str) -> None:
    """Refuse that a client makes a prepared statement or a cursor of such a name. Raises SqlError 42939."""
    if is_reserved(name):
        raise SqlError(
            SqlState.RESERVED_NAME,
            f'{what} name "{name}" is reserved',
            detail=f'Names that begin with "{OWN_PREFIX}" are the gateway\'s.',
        )


def require_clients(name: str) -> None:
    """Tell a client who names a prepared statement of the gateway's that there is none. Raises SqlError 26000."""
    if is_reserved(name):
        raise SqlError(SqlState.UNDEFINED_PSTATEMENT, f'prepared statement "{name}" does not exist')


def closing(message: frontend.Close) -> frontend.Close:
    """Return a Close that closes nothing of the gateway's."""
    return frontend.Close(message.kind, _NONE) if is_reserved(message.name) else message
