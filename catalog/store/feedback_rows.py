"""What runs of plans have found of their parts' rows, in the metadata store: digests and numbers, no conditions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from types import MappingProxyType

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from catalog.feedback import Found, TableThen
from catalog.names import TableName
from catalog.store.schema import plan_feedback

MOST = 10_000  # parts that are kept of one database, the ones that were found last


class FeedbackRows:
    """Parts of plans by digest. Safe to use from several threads; every method blocks."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def save(self, database: str, found: Mapping[str, Found], most: int = MOST) -> None:
        """Keep what was found of parts in place of what was found before; of all no more than ``most``."""
        columns = plan_feedback.c
        rows = [
            {"catalog": database, "digest": digest, "rows": one.rows, "at": one.at, "tables": _packed(one)}
            for digest, one in sorted(found.items())  # in one order: of two gateways neither waits for the other
        ]
        if not rows:
            return
        statement = insert(plan_feedback)
        news = {name: statement.excluded[name] for name in ("rows", "at", "tables")}
        of_database = columns.catalog == database
        oldest = sa.select(columns.at).where(of_database).order_by(columns.at.desc()).offset(most).limit(1)
        with self._engine.begin() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["catalog", "digest"], set_=news), rows)
            connection.execute(plan_feedback.delete().where(of_database, columns.at <= oldest.scalar_subquery()))

    def load(self, database: str, since: datetime | None = None) -> Mapping[str, Found]:
        """Return what was found of all parts, or of those that were run later than ``since``."""
        columns = plan_feedback.c
        later = sa.true() if since is None else columns.at > since
        with self._engine.connect() as connection:
            found = connection.execute(sa.select(plan_feedback).where(columns.catalog == database, later))
            return {row.digest: Found(row.rows, _unpacked(row.tables), row.at) for row in found}


def _packed(found: Found) -> list[list[object]]:
    return [[name.schema, name.name, then.version, then.rows] for name, then in sorted(found.tables.items())]


def _unpacked(tables: Collection[tuple[str, str, str, float | None]]) -> Mapping[TableName, TableThen]:
    return MappingProxyType(
        {TableName(schema, name): TableThen(version, rows) for schema, name, version, rows in tables}
    )
