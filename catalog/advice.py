"""Advice on a table, as the gateway has found it."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.names import TableName


@dataclass(frozen=True, slots=True)
class Advice:
    """What may help: the ``kind`` of it, on which table, why in a sentence with numbers, and the statement to run where
    the gateway has one.
    """

    kind: str
    table: TableName
    reason: str
    statement: str | None
