"""The settings of a client's session, which its half in the mirror has: how it is asked, and what they mean here."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway import tuning
from gateway.configuration.quantities import parse_duration
from gateway.sql.engine_dialect.moments import Session
from gateway.values.rows import OutputSettings

_READ_SETTINGS = (
    *("bytea_output", "extra_float_digits", "statement_timeout", "transaction_timeout"),
    *("idle_in_transaction_session_timeout", "idle_session_timeout"),
)
_REPORTED_SETTINGS = (  # but only at Sync
    *("TimeZone", "DateStyle", "IntervalStyle", "client_encoding", "search_path", "standard_conforming_strings"),
)
SETTINGS = f"SELECT current_user, session_user, {tuning.SELECTED}, " + ", ".join(
    f"pg_catalog.current_setting('{name}')" for name in (*_READ_SETTINGS, *_REPORTED_SETTINGS)
)
"""What the mirror's session is asked for by `EngineLane.read_settings`."""


class TransactionTimeout(SqlError):
    """The session is over: a statement was at the same time a transaction, and took longer than one may."""

    def __init__(self) -> None:
        super().__init__(SqlState.TRANSACTION_TIMEOUT, "terminating connection due to transaction timeout")


@dataclass(frozen=True, slots=True)
class Settings:
    """Under which settings a session's statements are answered. Timeouts are in seconds, None for none."""

    output: OutputSettings
    statement_timeout: float | None
    transaction_timeout: float | None
    may_be_idle: bool  # for any time
    session: Session

    @property
    def is_untimed(self) -> bool:
        """Whether a statement may take any time, and the mirror's session may be idle meanwhile."""
        return self.may_be_idle and self.statement_timeout is None and not self.transaction_timeout


def session_settings(told: list[str], reported: MutableMapping[str, str]) -> Settings:
    """Return settings from what `SETTINGS` was answered with, behind the users. ``reported`` are those of which the
    mirror tells by itself, but only at Sync: they are brought up to date. Raises SqlError 22023 for tuning that is
    none.
    """
    tuned, told = told[: len(tuning.SETTINGS)], told[len(tuning.SETTINGS) :]
    bytea_output, digits, statement, transaction, *others = told
    idle, others = others[:2], others[2:]
    reported.update(zip(_REPORTED_SETTINGS, others, strict=True))
    output = OutputSettings(
        time_zone=reported.get("TimeZone", "UTC"),
        date_style=reported.get("DateStyle", "ISO, MDY"),
        interval_style=reported.get("IntervalStyle", "postgres"),
        extra_float_digits=int(digits),
        bytea_output=bytea_output,
        client_encoding=reported.get("client_encoding", "UTF8"),
    )
    timeouts = parse_duration(statement) or None, parse_duration(transaction) or None
    reading = Session(output.time_zone, output, tuning.tuning(tuned))
    return Settings(output, *timeouts, may_be_idle=idle == ["0", "0"], session=reading)
