"""Time zones of sessions: the offset from UTC of each moment, and how PostgreSQL prints it.

Arrow's own conversion knows no transitions after 2037, so offsets come from ``zoneinfo``, looked up once a zone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np
import numpy.typing as npt

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.values.fields import Int64s

SUFFIX_BYTES = 9  # +hh:mm:ss
_FIRST_YEAR = 1800  # before any zone's first change
_STEADY_YEAR = 2040  # from here on no rule changes any more: all repeats with the calendar, every 400 years
_CYCLE = 146_097 * 86_400  # seconds in 400 years
_STEP = timedelta(days=7)
_DAY = 86_400
_MAX_HOURS = 167  # as PostgreSQL allows in a POSIX zone
_HOURS = re.compile(r"\s*([+-]?)(\d{1,3}(?:\.\d+)?)\s*\Z")
_POSIX_NAME = re.compile(r"<([A-Za-z0-9+-]+)>|([A-Za-z]*)")
M = TypeVar("M")
_POSIX = re.compile(r"(?:<[A-Za-z0-9+-]+>|[A-Za-z]*)([+-]?)(\d{1,3})(?::(\d{2}))?(?::(\d{2}))?\Z")

ABBREVIATIONS = {
    "z": 0, "zulu": 0, "utc": 0, "gmt": 0, "ut": 0, "wet": 0, "cet": 1, "cest": 2, "eet": 2, "eest": 3, "msk": 3,
    "bst": 1, "west": 1, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
    "jst": 9, "kst": 9,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Zone:
    """Offsets from UTC in seconds: ``offsets[i]`` holds from ``starts[i]`` (seconds since 1970) to ``end``.

    ``key`` is the zone's name in the tz database, empty for a zone of one offset.
    """

    starts: Int64s
    offsets: Int64s
    end: int = 2**62
    key: str = ""

    def local(self, seconds: Int64s) -> Int64s:
        """Return the offset of each moment, given in seconds since 1970 UTC."""
        if len(self.offsets) == 1:
            return np.broadcast_to(self.offsets, seconds.shape)
        if len(seconds) and int(seconds.max()) >= self.end:
            whole = _whole_zone(self.key)
            beyond = np.maximum(seconds - whole.end, -1) // _CYCLE + 1
            return whole.local(seconds - beyond * _CYCLE)
        low, high = int(seconds.min(initial=self.end)), int(seconds.max(initial=-self.end))
        first, last = np.searchsorted(self.starts, [low, high], side="right") - 1
        if first == last:
            return np.broadcast_to(self.offsets[first], seconds.shape)
        places = np.searchsorted(self.starts[first + 1 : last + 1], seconds, side="right")
        result: Int64s = self.offsets[first : last + 1].take(places)
        return result

    def offset_of(self, seconds: int) -> int:
        """Return the offset of one moment, given in seconds since 1970 UTC."""
        return int(self.local(np.array([seconds], np.int64))[0])

    def offset_at(self, local: int) -> int:
        """Return the offset of a local time, given as if it were seconds since 1970 UTC.

        Where clocks were put forward and it does not occur, the offset before holds; where they were put back and it
        occurs twice, the one after.
        """
        before, after = self.offset_of(local - _DAY), self.offset_of(local + _DAY)
        return after if self.offset_of(local - after) == after else before


@dataclass(frozen=True, slots=True)
class ZoneNames:
    """What a zone is called at each moment: ``names[which[i]]`` (such as ``CEST``) from ``starts[i]`` on, seconds since
    1970.
    """

    starts: Int64s
    which: Int64s
    names: tuple[str, ...]
    end: int = 2**62

    def at(self, seconds: Int64s) -> Int64s:
        """Return the place in ``names`` of each moment, given in seconds since 1970 UTC."""
        beyond = np.maximum(seconds - self.end, -1) // _CYCLE + 1
        places = np.searchsorted(self.starts, seconds - beyond * _CYCLE, side="right") - 1
        result: Int64s = self.which.take(places)
        return result


def suffixes(offsets: Int64s) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """Return what PostgreSQL prints behind a timestamp with time zone, a row an offset, and its length in bytes."""
    texts = [offset_text(int(offset)) for offset in offsets]
    table = np.frombuffer(b"".join(text.ljust(SUFFIX_BYTES) for text in texts), np.uint8)
    return table.reshape(len(texts), SUFFIX_BYTES), np.array([len(text) for text in texts], np.int32)


def offset_text(offset: int) -> bytes:
    """Return an offset in seconds as PostgreSQL prints it: ``+02``, ``+05:30``, ``-00:53:28``."""
    hours, rest = divmod(abs(offset), 3600)
    minutes, seconds = divmod(rest, 60)
    text = f"{'-' if offset < 0 else '+'}{hours:02}"
    if minutes or seconds:
        text += f":{minutes:02}"
    if seconds:
        text += f":{seconds:02}"
    return text.encode()


@lru_cache(maxsize=64)
def require_zone(name: str) -> Zone:
    """Return the zone that a session's ``TimeZone`` names: a name of the tz database in any case, hours east of
    Greenwich, or a POSIX zone without rules (hours west). Raises SqlError (22023) for others.
    """
    zone = _get_zone_info(name) or _get_zone_info(_canonical_names().get(name.lower(), ""))
    if zone is not None:
        return _zone_of(zone, _STEADY_YEAR)
    offset = _fixed_offset(name)
    if offset is None or abs(offset) > _MAX_HOURS * 3600:
        raise SqlError(SqlState.INVALID_PARAMETER_VALUE, f'invalid value for parameter "TimeZone": "{name}"')
    return Zone(np.zeros(1, np.int64), np.array([offset], np.int64))


@lru_cache(maxsize=16)
def require_zone_names(name: str) -> ZoneNames:
    """Return what the zone that a session's ``TimeZone`` names is called over time. Raises SqlError (22023)."""
    zone = _get_zone_info(name) or _get_zone_info(_canonical_names().get(name.lower(), ""))
    start = np.array([-(2**62)], np.int64)
    if zone is None:
        offset = int(require_zone(name).offsets[0])
        posix = None if _HOURS.match(name) else _POSIX_NAME.match(name)
        shown = offset_text(offset).decode() if posix is None else posix[1] or posix[2]
        return ZoneNames(start, np.zeros(1, np.int64), (shown,))
    marks = _changes(zone, _STEADY_YEAR + 400, _name)
    names = tuple(dict.fromkeys(mark for _, mark in marks))
    end = int(datetime(_STEADY_YEAR + 400, 1, 1, tzinfo=UTC).timestamp())
    which = np.array([names.index(mark) for _, mark in marks], np.int64)
    return ZoneNames(np.array([moment for moment, _ in marks], np.int64), which, names, end)


@lru_cache(maxsize=256)
def session_zone(name: str) -> str:
    """Return what Arrow calls the zone that a session's ``TimeZone`` names. Raises SqlError (22023)."""
    zone = _get_zone_info(name) or _get_zone_info(_canonical_names().get(name.lower(), ""))
    return zone.key if zone is not None else _arrow_offset(int(require_zone(name).offsets[0]))


@lru_cache(maxsize=256)
def named_zone(name: str) -> str:
    """Return what Arrow calls the zone that ``AT TIME ZONE`` names: an abbreviation, a name of the tz database in any
    case, or a POSIX zone, whose numbers are hours west. Raises SqlError (22023) for others.
    """
    hours = ABBREVIATIONS.get(name.lower())
    if hours is not None:
        return _arrow_offset(hours * 3600)
    zone = _get_zone_info(name) or _get_zone_info(_canonical_names().get(name.lower(), ""))
    if zone is not None:
        return zone.key
    posix = _POSIX.match(name)
    if posix is None or not name:
        raise SqlError(SqlState.INVALID_PARAMETER_VALUE, f'time zone "{name}" not recognized')
    west = int(posix[2]) * 3600 + int(posix[3] or 0) * 60 + int(posix[4] or 0)
    return _arrow_offset(west if posix[1] == "-" else -west)


def _arrow_offset(seconds: int) -> str:
    hours, rest = divmod(abs(seconds), 3600)
    return f"{'-' if seconds < 0 else '+'}{hours:02}:{rest // 60:02}"


def _get_zone_info(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@lru_cache(maxsize=1)
def _canonical_names() -> dict[str, str]:
    return {"z": "UTC", **{name.lower(): name for name in available_timezones()}}


def _fixed_offset(name: str) -> int | None:
    hours = _HOURS.match(name)
    if hours:
        east = round(float(hours[2]) * 3600)
        return -east if hours[1] == "-" else east
    posix = _POSIX.match(name)
    if posix is None:
        return None
    west = int(posix[2]) * 3600 + int(posix[3] or 0) * 60 + int(posix[4] or 0)
    return west if posix[1] == "-" else -west


@lru_cache(maxsize=64)
def _whole_zone(key: str) -> Zone:
    """Return a zone with all changes up to the year from which they repeat; few moments are so far off."""
    return _zone_of(ZoneInfo(key), _STEADY_YEAR + 400)


def _zone_of(zone: ZoneInfo, end_year: int) -> Zone:
    fixed = zone.utcoffset(None)
    if fixed is not None:
        return Zone(np.zeros(1, np.int64), np.array([round(fixed.total_seconds())], np.int64))
    marks = _changes(zone, end_year, _offset)
    starts, offsets = (np.array(column, np.int64) for column in zip(*marks, strict=True))
    return Zone(starts, offsets, int(datetime(end_year, 1, 1, tzinfo=UTC).timestamp()), zone.key)


def _changes(zone: ZoneInfo, end_year: int, mark: Callable[[tzinfo, datetime], M]) -> list[tuple[int, M]]:
    """Return from which second on a zone has which mark, found by looking once a week and halving where it differs."""
    moment, end = datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC), datetime(end_year, 1, 1, tzinfo=UTC)
    known = mark(zone, moment)
    found = [(-(2**62), known)]
    while moment < end:
        following = moment + _STEP
        changed = mark(zone, following)
        if changed != known:
            low, high = int(moment.timestamp()), int(following.timestamp())
            while high - low > 1:
                middle = (low + high) // 2
                if mark(zone, datetime.fromtimestamp(middle, UTC)) == known:
                    low = middle
                else:
                    high = middle
            found.append((high, changed))
        moment, known = following, changed
    return found


def _offset(zone: tzinfo, moment: datetime) -> int:
    offset = moment.astimezone(zone).utcoffset()
    return round(offset.total_seconds()) if offset is not None else 0


def _name(zone: tzinfo, moment: datetime) -> str:
    return moment.astimezone(zone).tzname() or ""
