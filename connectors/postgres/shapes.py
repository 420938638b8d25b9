"""What the connector keeps of each relation besides its `Table`: types' ways, collations, size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.postgres.types import Order, RemoteType

ROWS_IN_ORDER_OF_STORAGE = "rpmt"  # relation kinds whose rows have a ctid: tables, partitioned ones, matviews, TOAST


@dataclass(frozen=True, slots=True)
class ColumnShape:
    """A column's type and what its collation allows. ``byte_order``: text is ordered as its UTF-8 bytes are;
    ``deterministic``: text is equal only where its bytes are. ``collation`` is its number there, 0 where it gives way
    to any other: as the database's own does.
    """

    type: RemoteType
    byte_order: bool = False
    deterministic: bool = True
    collation: int = 0

    def takes_order(self) -> bool:
        """Say whether ``<`` means in PostgreSQL what it means on the Arrow values."""
        return self.type.order is Order.ALL or (self.type.order is Order.TEXT and self.byte_order)

    def takes_equality(self) -> bool:
        """Say whether ``=`` means in PostgreSQL what it means on the Arrow values."""
        return self.type.order is not Order.NONE and (self.type.order is not Order.TEXT or self.deterministic)


@dataclass(frozen=True, slots=True)
class RelationShape:
    """A relation's columns by name; ``blocks`` of its largest leaf; ``bytes`` of all of it; ``kind`` as ``relkind``.
    ``ctid_ranges`` says that the server reads a range of ``ctid`` without reading the rest (PostgreSQL 14).
    """

    kind: str
    columns: Mapping[str, ColumnShape]
    blocks: int
    bytes: int
    ctid_ranges: bool
