"""Roles and privileges as plain rows, as the store holds them; what they allow is judged in ``policies``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

PUBLIC = "public"  # every role is a member of it; no role can have its name
ALL_TABLES = "*"  # in the place of a table's name: all tables of the schema, those to come included
SELECT = "SELECT"


@dataclass(frozen=True, slots=True, order=True)
class Role:
    """A role of the gateway. ``created`` is None for a role that was not read from the store."""

    name: str
    superuser: bool = False
    login: bool = True
    created: datetime | None = None


@dataclass(frozen=True, slots=True, order=True)
class Membership:
    """``member`` has the privileges of ``role``."""

    role: str
    member: str


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """``role`` (or `PUBLIC`) holds a privilege on a table, or on all tables of a schema (`ALL_TABLES`)."""

    role: str
    schema: str
    table: str = ALL_TABLES
    privilege: str = SELECT
    grantor: str | None = None


@dataclass(frozen=True, slots=True)
class AccessRows:
    """All roles, memberships and grants at one moment. ``version`` grows with every change."""

    version: int
    roles: tuple[Role, ...] = ()
    memberships: tuple[Membership, ...] = ()
    grants: tuple[Grant, ...] = ()
