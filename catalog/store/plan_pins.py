"""Pinned plans in the metadata store. Who may change them is judged by those who call."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from catalog.names import TableName
from catalog.pins import Pin
from catalog.store.schema import plan_pins


class PlanPins:
    """Pins by statement. Safe to use from several threads; every method blocks."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def save(self, database: str, pin: Pin) -> None:
        """Keep a pin in place of what was pinned to the statement before."""
        tables = [[name.schema, name.name, shape] for name, shape in sorted(pin.tables.items())]
        values = {"query": pin.query, "hints": pin.hints, "tables": tables, "pinned_by": pin.by, "at": pin.at}
        statement = insert(plan_pins).values(catalog=database, queryid=pin.queryid, **values)
        with self._engine.begin() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["catalog", "queryid"], set_=values))

    def drop(self, database: str, queryid: int) -> bool:
        """Drop what is pinned to a statement; return whether anything was."""
        columns = plan_pins.c
        is_it = (columns.catalog == database, columns.queryid == queryid)
        with self._engine.begin() as connection:
            return connection.execute(plan_pins.delete().where(*is_it)).rowcount > 0

    def load(self, database: str) -> tuple[Pin, ...]:
        """Return all pins of one database."""
        query = sa.select(plan_pins).where(plan_pins.c.catalog == database).order_by(plan_pins.c.queryid)
        with self._engine.connect() as connection:
            return tuple(
                Pin(
                    row.queryid,
                    row.query,
                    row.hints,
                    {TableName(schema, name): shape for schema, name, shape in row.tables},
                    row.pinned_by,
                    row.at,
                )
                for row in connection.execute(query)
            )
