"""What a client chose about output: the declared type and format of each column, and the session's settings."""

from __future__ import annotations

from dataclasses import dataclass

TEXT = 0
BINARY = 1


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """A column as RowDescription declares it: type oid, type modifier (-1 for none), format (0 text, 1 binary)."""

    oid: int
    typmod: int = -1
    format: int = TEXT


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """The settings of a session that change how values look, with PostgreSQL's names and defaults."""

    time_zone: str = "UTC"
    date_style: str = "ISO, MDY"
    interval_style: str = "postgres"
    extra_float_digits: int = 1
    bytea_output: str = "hex"
