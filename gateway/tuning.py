"""Settings by which a session tunes how its statements are answered; their rows are the same.

``SET lakegate.dynamic_filters = off`` is a setting like any other: it lives in the session's other half, and so it is
undone with a transaction, shown by SHOW, and set for a role by ``ALTER ROLE``.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

from catalog.errors import SqlError
from catalog.own_settings import OWN_SETTINGS
from catalog.sqlstate import SqlState

_ON = frozenset({"on", "true", "t", "tr", "tru", "yes", "y", "ye", "1"})
_OFF = frozenset({"off", "of", "false", "f", "fa", "fal", "fals", "no", "n", "0"})
SETTINGS = tuple(one.name for one in OWN_SETTINGS)
SELECTED = ", ".join(f"pg_catalog.current_setting('{name}', true)" for name in SETTINGS)
"""What a session is asked for; a setting that was never set is NULL."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """What is switched on, in the order of `SETTINGS`. ``dynamic_filters``: large tables are read by the keys of small
    ones. ``feedback``: plans are made by what runs before have found. ``join_reordering``: tables are joined in the
    order that costs least, and not in that of FROM. ``materialize_with``: WITH queries that are named several times are
    computed once, where that is expected to cost less. ``pushdown``: statements and parts of them go to the server that
    has their tables. ``result_cache``: statements may be answered by rows that were kept.
    """

    dynamic_filters: bool = True
    feedback: bool = True
    join_reordering: bool = True
    materialize_with: bool = True
    pushdown: bool = True
    result_cache: bool = True

    @property
    def of_plans(self) -> Tuning:
        """What of it a plan depends on; all else is asked when the plan is carried out."""
        if self.feedback and self.join_reordering:
            return USUAL
        return Tuning(feedback=self.feedback, join_reordering=self.join_reordering)

    def changed(self) -> dict[str, str]:
        """Return the settings that are not the usual ones, as EXPLAIN (SETTINGS) shows them."""
        return {name: "off" for name, is_on in zip(SETTINGS, astuple(self), strict=True) if not is_on}


USUAL = Tuning()


def tuning(values: list[str]) -> Tuning:
    """Return what a session's settings, in their order, switch on. Raises SqlError 22023 for what is no boolean."""
    if not any(values):
        return USUAL
    return Tuning(*(boolean(name, value) for name, value in zip(SETTINGS, values, strict=True)))


def boolean(name: str, value: str) -> bool:
    """Return what a text says that is given for a setting. Raises SqlError 22023 for what is no boolean."""
    word = value.strip().lower()
    if word in _ON or not word:  # one that was reset is empty
        return True
    if word in _OFF:
        return False
    raise SqlError(SqlState.INVALID_PARAMETER_VALUE, f'parameter "{name}" requires a Boolean value')
