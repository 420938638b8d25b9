"""What a statement may read, as it is asked once more where the statement has waited since it was planned."""

from __future__ import annotations

from typing import Protocol

from catalog.errors import SqlError
from catalog.sqlstate import SqlState


class RightsChanged(SqlError):
    """A statement that waits would have to read something else by now. No row of it was given yet: it is planned anew,
    and the client is told of this only where that cannot be.
    """

    def __init__(self) -> None:
        super().__init__(
            SqlState.FEATURE_NOT_SUPPORTED,
            "what may be read by the statement has changed since it began",
            hint="Run it again.",
        )


class Rights(Protocol):
    """Those that one statement was planned with."""

    @property
    def are_current(self) -> bool:
        """Whether nothing has changed since, for anybody. Cheap, and asked in any thread. Raises SqlError where who
        asks is not there any more.
        """

    async def require(self) -> None:
        """Look at what has changed. Raises SqlError where who asks may not read any more what the statement reads, and
        RightsChanged where he would have to read something else.
        """
