"""What a client chose about values: the declared type and format of each column, and the session's settings."""

from __future__ import annotations

from dataclasses import dataclass

TEXT = 0
BINARY = 1


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """A column as RowDescription declares it: type oid, type modifier (-1 for none), format (0 text, 1 binary). One of
    a composite type has ``fields``, where they are known.
    """

    oid: int
    typmod: int = -1
    format: int = TEXT
    fields: tuple[OutputColumn, ...] = ()


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """The settings of a session that change how values look, with PostgreSQL's names and defaults."""

    time_zone: str = "UTC"
    date_style: str = "ISO, MDY"
    interval_style: str = "postgres"
    extra_float_digits: int = 1
    bytea_output: str = "hex"
    client_encoding: str = "UTF8"

    @property
    def reading(self) -> InputSettings:
        """Return those that change how texts are read."""
        order = self.date_style.partition(",")[2].strip().lower()
        return InputSettings(self.time_zone, order or "mdy", self.interval_style.lower(), self.client_encoding)


@dataclass(frozen=True, slots=True)
class InputSettings:
    """The settings of a session that change how texts are read. ``date_order`` is ``mdy``, ``dmy`` or ``ymd``."""

    time_zone: str = "UTC"
    date_order: str = "mdy"
    interval_style: str = "postgres"
    client_encoding: str = "UTF8"
