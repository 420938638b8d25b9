"""What an audit entry says, as JSON: who, what, and how it ended.

Texts that clients choose (SQL, names, application names) are escaped by JSON in ASCII: no line end and no control
character of theirs is left for a terminal or a file of lines.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from json.encoder import encode_basestring_ascii
from typing import NamedTuple

from cachetools import LRUCache

from catalog.principals import Principal, claim_text
from catalog.sqlstate import SqlState
from gateway.sql.normalised import cleaned
from optimizer.stages import Fragment

# What sources' servers were asked for, with the fragments themselves: while they are here no others have their ids.
_READINGS: LRUCache[tuple[object, ...], tuple[tuple[Fragment, ...], str]] = LRUCache(256)


ENDED = '"rows":%d,"bytes":%d,"duration_ms":%.3f,"sqlstate":%s'
"""How a statement ended: its rows, bytes, milliseconds, and its SQLSTATE as JSON."""
DONE_JSON = '"00000"'
_MANY = frozenset({"cache", "source"})  # lanes in which the same is read many times
_JSON = json.JSONEncoder(separators=(",", ":"))


class Kind(StrEnum):
    """The class of an entry, by which it is kept for so long."""

    LOGIN = "login"
    STATEMENT = "statement"
    DENIED = "denied"
    ACCESS = "access"  # changes of rights, and what the audit says of itself


_STATEMENT, _DENIED, _ACCESS = Kind.STATEMENT, Kind.DENIED, Kind.ACCESS  # an Enum's attributes are slow
COMPLETED = "completed"  # the word of statements that were
ACCESS_LANE = "access"  # of statements that change rights, policies, masks and tags
_DONE = str(SqlState.SUCCESSFUL_COMPLETION)
_ENDINGS = {
    _DONE: COMPLETED,
    str(SqlState.QUERY_CANCELED): "canceled",
    str(SqlState.CONNECTION_FAILURE): "left",
}
_DENIED_STATES = frozenset(
    {
        SqlState.INSUFFICIENT_PRIVILEGE,
        # What a role may not see is as if absent, so the question for it is a question for something forbidden.
        SqlState.UNDEFINED_TABLE,
        SqlState.UNDEFINED_COLUMN,
        SqlState.INVALID_SCHEMA_NAME,
    }
)


@dataclass(frozen=True, slots=True)
class Who:
    """Who asks. ``claims`` are the names and values of an identity's claims that policies may read."""

    user: str
    role: str
    roles: tuple[str, ...]
    address: str
    application_name: str
    database: str
    claims: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, principal: Principal, address: str, application_name: str, database: str) -> Who:
        """Return who a session's principal is."""
        roles = tuple(sorted(principal.roles))
        claims = tuple((name, claim_text(value)) for name, value in sorted(principal.claims.items()))
        user = principal.login or principal.session_user or principal.name
        return cls(user, principal.name, roles, address, application_name, database, claims)

    def json(self) -> str:
        """Return the members of a JSON object."""
        members = {
            "user": cleaned(self.user),
            "role": cleaned(self.role),
            "roles": self.roles,
            "claims": {cleaned(name): cleaned(value) for name, value in self.claims},
            "address": self.address,
            "application_name": cleaned(self.application_name),
            "database": cleaned(self.database),
        }
        return as_members(members)


@dataclass(slots=True)
class Reading:
    """What a statement reads, as far as it is known: filled while it is prepared."""

    lane: str | None = None  # None: it failed before one was chosen
    tables: tuple[str, ...] = ()
    fragments: tuple[Fragment, ...] = ()
    policies: tuple[str, ...] = ()
    shadows: tuple[str, ...] = ()

    def json(self) -> str:
        """Return what of it is known, as members of a JSON object."""
        if self.lane is not None and not (self.tables or self.fragments or self.policies or self.shadows):
            return f'"lane":{json_text(self.lane)}'
        if self.lane not in _MANY:
            return as_members(self.members())
        key = (self.lane, self.tables, tuple(map(id, self.fragments)), self.policies, self.shadows)
        known = _READINGS.get(key)
        if known is None:
            known = _READINGS[key] = (self.fragments, as_members(self.members()))
        return known[1]

    def members(self) -> dict[str, object]:
        """Return what of it is known, for JSON."""
        found: dict[str, object] = {"lane": self.lane} if self.lane is not None else {}
        if self.fragments:
            columns: dict[str, set[str]] = {}
            for one in self.fragments:
                filtered = (comparison.column for comparison in (*one.pushed, *one.pruning))  # by the source itself
                columns.setdefault(str(one.snapshot.table.name), set()).update(one.columns, filtered)
            found["tables"] = sorted(columns)
            found["columns"] = {name: sorted(each) for name, each in sorted(columns.items())}
            found["snapshots"] = {str(one.snapshot.table.name): one.snapshot.version for one in self.fragments}
        elif self.tables:
            found["tables"] = self.tables
        if self.policies:
            found["policies"] = self.policies
        if self.shadows:
            found["shadow_policies"] = self.shadows
        return found


class ReadAgain(NamedTuple):
    """What a statement reads that is executed again and again: the lane, and all of it as members of a JSON object."""

    lane: str | None
    written: str

    def json(self) -> str:
        """Return it as members of a JSON object."""
        return self.written


NOTHING_KNOWN = ReadAgain(None, "")


class Outcome(NamedTuple):
    """How a statement ended. ``sqlstate`` is None where it was begun and never executed, as one before it failed."""

    sqlstate: str | None = _DONE
    rows: int = 0
    bytes: int = 0  # sent to the client
    seconds: float = 0.0
    reading: Reading | ReadAgain = NOTHING_KNOWN

    @property
    def kind(self) -> Kind:
        """The class of a statement that ended so."""
        is_denied = self.sqlstate != _DONE and self._is_denied
        return _DENIED if is_denied else _ACCESS if self.reading.lane == ACCESS_LANE else _STATEMENT

    @property
    def _is_denied(self) -> bool:
        return self.sqlstate in _DENIED_STATES or (self.sqlstate or "").startswith("28")

    @property
    def word(self) -> str:
        """How it ended, in one word for metrics."""
        if self.sqlstate == _DONE:
            return _ENDINGS[_DONE]
        if self.sqlstate is None:
            return "skipped"
        if self.kind is Kind.DENIED:
            return "denied"
        return _ENDINGS.get(self.sqlstate, "failed")

    def json(self) -> str:
        """Return the members of a JSON object."""
        sqlstate, rows, sent, seconds, reading = self
        return ended_json(reading.json(), rows, sent, seconds, DONE_JSON if sqlstate == _DONE else json_text(sqlstate))


def ended_json(read: str, rows: int, sent: int, seconds: float, state: str = DONE_JSON) -> str:
    """Return the members of a JSON object that say how a statement ended; ``read`` and ``state`` are JSON."""
    ended = ENDED % (rows, sent, seconds * 1000, state)
    return f"{read},{ended}" if read else ended


def as_members(values: Mapping[str, object]) -> str:
    """Return a mapping's members as JSON, without the braces."""
    return _JSON.encode(values)[1:-1]


def json_text(value: object) -> str:
    """Return a text as JSON in ASCII, None as null."""
    return "null" if value is None else encode_basestring_ascii(str(value))
