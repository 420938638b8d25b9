"""Durations and sizes as PostgreSQL writes them in its settings: ``30s``, ``5min``, ``2GB``."""

from __future__ import annotations

import re

_QUANTITY = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([A-Za-z]*)\s*\Z")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
_LONGEST = 0x7FFFFFFF / 1000  # PostgreSQL keeps timeouts as 32-bit milliseconds


def parse_duration(text: str) -> float:
    """Return a duration in seconds. ``0`` needs no unit; every other number does, so that 30 is never taken for
    milliseconds by one reader and for seconds by the next. Raises ValueError with a text for the user.
    """
    seconds = _parse(text, _SECONDS, 'a duration such as "30s" or "5min"')
    if seconds > _LONGEST:
        raise ValueError(f'"{text}" is too long: at most 24 days')
    return seconds


def parse_days(text: str) -> int:
    """Return a number of days such as ``"400d"``; ``0`` needs no unit. Raises ValueError with a text for the user."""
    days = _parse(text, {"d": 1}, 'a number of days such as "400d"')
    if days != int(days) or days > 36500:
        raise ValueError(f'"{text}" is not a number of whole days, at most 36500')
    return int(days)


def parse_size(text: str) -> int:
    """Return a size in bytes; units are powers of 1024, as PostgreSQL's. Raises ValueError with a text for the user."""
    return int(_parse(text, _BYTES, 'a size such as "512MB" or "2GB"'))


def _parse(text: str, units: dict[str, float] | dict[str, int], wanted: str) -> float:
    match = _QUANTITY.match(text)
    if match is None:
        raise ValueError(f'"{text}" is not {wanted}')
    number, unit = float(match[1]), match[2]
    if not unit:
        if number == 0:
            return 0.0
        raise ValueError(f'"{text}" needs a unit: {", ".join(units)}')
    if unit not in units:
        raise ValueError(f'"{text}" has no unit PostgreSQL knows: {", ".join(units)} (upper and lower case matter)')
    return number * units[unit]
