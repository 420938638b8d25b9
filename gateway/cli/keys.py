"""``lakegate key``: API keys, with which programs log in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.table import Column, Table
from rich.text import Text

from catalog.names import quote_identifier
from catalog.store.rows import ApiKey
from gateway.authentication.api_keys import key_id, new_key
from gateway.cli.metadata import metadata_store
from gateway.cli.output import USAGE, CommandError, notices, results
from gateway.configuration.config import load

_NEVER = "never"
_ID_LENGTH = 16
_PERIOD = re.compile(r"([1-9][0-9]{0,5})(min|h|d)")
_MINUTES = {"min": 1, "h": 60, "d": 24 * 60}


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """What is wanted of a key. ``expires`` is a period such as ``90d``, or ``never``."""

    role: str
    scopes: frozenset[str]
    expires: str
    comment: str = ""


def create(config_path: Path, request: KeyRequest) -> None:
    """Make a key, and print it, alone on its line."""
    config = load(config_path)
    expires = _expiry(request.expires)
    made = new_key()
    with metadata_store(config) as store:
        store.add_api_key(ApiKey(made.id, request.role, request.scopes, made.digest, request.comment, expires))
    until = f"until {_moment(expires)}" if expires is not None else "without an end"
    what = f"key {made.id} of user {quote_identifier(request.role)} for {', '.join(sorted(request.scopes))}, {until}"
    notices().print(f"{what}; it is shown this once:", soft_wrap=True)
    results().print(Text(made.text), soft_wrap=True)


def print_all(config_path: Path, role: str | None) -> None:
    """Print a table of keys."""
    with metadata_store(load(config_path)) as store:
        keys = store.list_api_keys(role)
    whole = Column("id", no_wrap=True, min_width=_ID_LENGTH)  # `key revoke` needs all of it
    table = Table(whole, "user", "may", "state", "last used", "comment")
    now = datetime.now(UTC)
    for key in keys:
        used = "never" if key.last_used is None else _moment(key.last_used)
        comment = Text(key.comment)
        table.add_row(
            key.id, Text(quote_identifier(key.role)), ", ".join(sorted(key.scopes)), _state(key, now), used, comment
        )
    results().print(table)


def revoke(config_path: Path, identifier: str) -> None:
    """Revoke a key, given by its id or as a whole."""
    identifier = key_id(identifier) or identifier
    with metadata_store(load(config_path)) as store:
        store.revoke_api_key(identifier)
    results().print(f"revoked key {identifier}", soft_wrap=True)


def _expiry(text: str) -> datetime | None:
    if text == _NEVER:
        return None
    match = _PERIOD.fullmatch(text)
    if match is None:
        raise CommandError(f'"{text}" is not a period', hint='write such as "90d", "12h" or "never"', code=USAGE)
    return datetime.now(UTC) + timedelta(minutes=int(match[1]) * _MINUTES[match[2]])


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked is not None:
        return f"revoked {_moment(key.revoked)}"
    if key.expires is None:
        return "valid"
    return f"expired {_moment(key.expires)}" if key.expires <= now else f"valid until {_moment(key.expires)}"


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
