"""What one change of the mirror did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from catalog.names import TableName


@dataclass(frozen=True, slots=True)
class Applied:
    """Numbers of tables, and what could not be mirrored as it is (``notes``, for the operator).

    ``postponed`` counts changes that clients held up with a lock; the next call tries them again. ``broken`` are the
    tables with a row security policy that does not fit them any more, with PostgreSQL's reason: nobody may read them.
    ``version`` is that of the rows that are shown, which may be later ones than were given.
    """

    created: int = 0
    changed: int = 0
    dropped: int = 0
    postponed: int = 0
    notes: tuple[str, ...] = ()
    broken: Mapping[TableName, str] = field(default_factory=lambda: MappingProxyType({}))
    version: int = 0


class Notes:
    """Collects what is to be reported while a change is made."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.postponed = 0

    def add(self, subject: object, reason: str) -> None:
        """Note why something is not mirrored as it is."""
        self.texts.append(f"{subject}: {reason}")

    def postpone(self, subject: object) -> None:
        """Note that a client's lock held up a change."""
        self.postponed += 1
        self.add(subject, "in use, to be changed later")
