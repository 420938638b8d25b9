"""The tags of views' columns for those who look after them, and the taking of one off a column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from catalog.store.rows import AccessRows, TagRemoval, ViewRow
from catalog.tables import Column
from gateway.sql.policy_text import view_lineage
from gateway.sql.resolve import Names
from policies.lineage import Lineage
from policies.view_tags import ColumnTag, JudgedView, ViewSource, ViewTags
from policies.views import View, Views


@dataclass(frozen=True, slots=True)
class LookedAt:
    """A view and its tags at one moment, as one role sees it."""

    view: View
    tags: ViewTags
    source: ViewSource
    judged: JudgedView

    def of(self, column: Column) -> Mapping[str, ColumnTag]:
        """Return the tags of a column, those that were taken off it included."""
        return self.judged.tags[column.name]

    def masking_tag(self, column: Column) -> str | None:
        """Return a tag that decides how a column is seen, or None."""
        for name, one in sorted(self.of(column).items()):
            if not one.removed and (one.hidden or self.tags.tags.policy(name, column.sql_type) is not None):
                return name
        return None

    def inherits(self, column: Column, tag: str) -> bool:
        """Whether a column has a tag not only since it was set on it."""
        one = self.of(column).get(tag)
        if one is None or one.removed:
            return False
        return bool(one.origins) or tag not in self.tags.tags.on_column(self.view.table, column)

    def removal(self, column: Column, tag: str) -> TagRemoval:
        """Return the row that takes a tag off a column as it is made now."""
        assert column.identity is not None  # views' columns have one
        made_of = self.tags.fingerprint(self.view, column.name, self.source)
        return TagRemoval(tag, self.view.row.schema, self.view.row.name, column.name, column.identity, made_of)


def look_at_view(name: TableName, rows: AccessRows, reader: Principal, names: Names) -> LookedAt:
    """Return a view as a role sees it. Raises SqlError where it is gone, or cannot be read."""
    views = Views.from_rows(rows, dict)
    view = views.get(name)
    if view is None:
        raise SqlError(SqlState.UNDEFINED_TABLE, f'relation "{name}" does not exist')

    def lineage(row: ViewRow) -> Lineage:
        return view_lineage(row, names)

    tags, source = ViewTags(rows), ViewSource(views.get, lineage)
    return LookedAt(view, tags, source, tags.judged(view, reader, reader, source))
