"""What runs of plans have found of the rows of their parts, as it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from catalog.names import TableName


@dataclass(frozen=True, slots=True)
class TableThen:
    """A table when a part over it was run: its version, and how many rows it was held to have."""

    version: str
    rows: float | None


@dataclass(frozen=True, slots=True)
class Found:
    """How many ``rows`` a part of a plan had. Which part, and who asked, only a digest says."""

    rows: float
    tables: Mapping[TableName, TableThen]
    at: datetime
