"""Settings by which a session tunes how its statements are answered; their rows are the same.

``SET lakegate.dynamic_filters = off`` is a setting like any other: it lives in the session's other half, and so it is
undone with a transaction, shown by SHOW, and set for a role by ``ALTER ROLE``.
"""

from __future__ import annotations

from dataclasses import dataclass

from catalog.errors import SqlError
from catalog.sqlstate import SqlState

_ON = frozenset({"on", "true", "t", "tr", "tru", "yes", "y", "ye", "1"})
_OFF = frozenset({"off", "of", "false", "f", "fa", "fal", "fals", "no", "n", "0"})
SETTINGS = ("lakegate.dynamic_filters",)
SELECTED = ", ".join(f"pg_catalog.current_setting('{name}', true)" for name in SETTINGS)
"""What a session is asked for; a setting that was never set is NULL."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """What is switched on. ``dynamic_filters``: large tables are read by the keys of small ones."""

    dynamic_filters: bool = True

    def changed(self) -> dict[str, str]:
        """Return the settings that are not the usual ones, as EXPLAIN (SETTINGS) shows them."""
        return {"lakegate.dynamic_filters": "off"} if not self.dynamic_filters else {}


USUAL = Tuning()


def tuning(values: list[str]) -> Tuning:
    """Return what a session's settings, in their order, switch on. Raises SqlError 22023 for what is no boolean."""
    if not any(values):
        return USUAL
    return Tuning(*(_boolean(name, value) for name, value in zip(SETTINGS, values, strict=True)))


def _boolean(name: str, value: str) -> bool:
    word = value.strip().lower()
    if word in _ON or not word:  # one that was reset is empty
        return True
    if word in _OFF:
        return False
    raise SqlError(SqlState.INVALID_PARAMETER_VALUE, f'parameter "{name}" requires a Boolean value')
