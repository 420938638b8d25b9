"""How statements read the tables of the lake, as it is kept: by table, and by the columns that they compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from catalog.names import TableName

WHOLE = ""
"""The name that stands for a table itself among its columns."""


@dataclass(frozen=True, slots=True)
class Misjudged:
    """How many rows conditions on some columns, or a join by them, were expected to keep and have kept, and when."""

    expected: float
    found: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Use:
    """How a table was read, or under conditions that compare one of its columns. Of ``scans`` runs that read files, in
    sum: ``known`` files of the table, ``read`` ones after pruning, ``kept`` the part of the rows that the conditions
    were expected to keep. ``files`` and ``bytes`` are of the version that was read last, ``misjudged`` is what was
    misjudged last.
    """

    scans: float = 0.0
    known: float = 0.0
    read: float = 0.0
    kept: float = 0.0
    files: int | None = None
    bytes: int | None = None
    misjudged: Misjudged | None = None

    def added(self, later: Use) -> Use:
        """Return both together."""
        return replace(
            self,
            scans=self.scans + later.scans,
            known=self.known + later.known,
            read=self.read + later.read,
            kept=self.kept + later.kept,
            files=self.files if later.files is None else later.files,
            bytes=self.bytes if later.bytes is None else later.bytes,
            misjudged=later.misjudged or self.misjudged,
        )


Uses = Mapping[tuple[TableName, str], Use]
"""By table and column; `WHOLE` is the table itself."""
