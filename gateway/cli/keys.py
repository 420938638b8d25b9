"""``lakegate key``: API keys, with which programs log in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Column, Table
from rich.text import Text

from catalog.names import quote_identifier
from catalog.store.rows import ApiKey
from gateway.authentication.api_keys import key_id, new_key
from gateway.cli.expiry import expiry
from gateway.cli.metadata import metadata_store
from gateway.cli.output import notices, results
from gateway.configuration.config import load

_ID_LENGTH = 16


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """What is wanted of a key. ``expires`` is an interval such as ``90d``, a time or ``never``."""

    role: str
    scopes: frozenset[str]
    expires: str
    comment: str = ""


def create(config_path: Path, request: KeyRequest) -> None:
    """Make a key, and print it, alone on its line."""
    config = load(config_path)
    expires = expiry(request.expires, datetime.now(UTC))
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


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked is not None:
        return f"revoked {_moment(key.revoked)}"
    if key.expires is None:
        return "valid"
    return f"expired {_moment(key.expires)}" if key.expires <= now else f"valid until {_moment(key.expires)}"


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
