"""How an Iceberg table's files lie, in words for people and tools."""

from __future__ import annotations

from typing import Any

from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.sorting import SortDirection
from pyiceberg.transforms import IdentityTransform, Transform, VoidTransform

from catalog.tables import layout_of


def layout_in_words(metadata: TableMetadata) -> str | None:
    """Return the current partition spec and sort order in words."""
    names = {field_id: metadata.schema().find_column_name(field_id) for field_id in metadata.schema().field_ids}

    def shown(source: int, transform: Transform[Any, Any]) -> str:
        name = names.get(source) or "a dropped column"
        return name if isinstance(transform, IdentityTransform) else f"{transform}({name})"

    spec, order = metadata.spec(), metadata.sort_order_by_id(metadata.default_sort_order_id)
    sort = () if order is None else order.fields
    parts = [each for each in spec.fields if not isinstance(each.transform, VoidTransform)]
    directions = {SortDirection.ASC: "", SortDirection.DESC: " DESC"}
    return layout_of(
        (shown(each.source_id, each.transform) for each in parts),
        (shown(each.source_id, each.transform) + directions[each.direction] for each in sort),
    )
