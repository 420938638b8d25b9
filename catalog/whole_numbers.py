"""Sums of numerics in whole numbers of 64 bits: another form of a query, and what must be known of a table's values for
its rows to be the same. Numerics of 128 bits take several times as long to multiply and to add.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_MOST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Combined:
    """How large a sum or a difference may be, or a product, by how large its sides may be."""

    left: Size
    right: Size
    is_product: bool = False


Size = int | str | Combined
"""How large a number may be, its sign left out: as much, as the values of a column, or by what it is made of."""


@dataclass(frozen=True, slots=True)
class Summed:
    """What a query adds of a relation. ``scales`` has the numerics, and how many digits behind the point their whole
    numbers count; ``sums`` how large the values of each sum may be.
    """

    relation: str
    scales: Mapping[str, int]
    sums: tuple[Size, ...]

    def fits(self, rows: int, largest: Mapping[str, int]) -> bool:
        """Whether no number on the way to a sum of so many rows leaves 64 bits."""
        sizes = (_largest(one, largest) for one in self.sums)
        return all(size is not None and size * max(rows, 1) <= _MOST for size in sizes)


@dataclass(frozen=True, slots=True)
class InWholeNumbers:
    """A query in the engine's SQL that adds whole numbers, for relations that have `whole` columns beside numerics."""

    sql: str
    summed: Sequence[Summed]


def whole(column: str) -> str:
    """Return the name that a numeric column has in whole numbers."""
    return f"{column}#whole"


def _largest(size: Size, largest: Mapping[str, int]) -> int | None:
    """Return the largest number there may be, None where one on the way to it leaves 64 bits, or a column's values are
    not known.
    """
    if isinstance(size, Combined):
        left, right = _largest(size.left, largest), _largest(size.right, largest)
        if left is None or right is None:
            return None
        found: int | None = left * right if size.is_product else left + right
    else:
        found = largest.get(size) if isinstance(size, str) else size
    return found if found is not None and found <= _MOST else None
