"""What runs of plans have found of their parts' rows, in the process: the next plan is made by it.

A part is known by a digest of its text and of who asked: nobody's plans, or what EXPLAIN says of them, follow from what
others have run.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from hashlib import blake2b

import structlog
from cachetools import LRUCache
from sqlalchemy.exc import SQLAlchemyError

from catalog.feedback import Found, TableThen
from catalog.names import TableName
from catalog.principals import Principal
from optimizer.feedback import Feedback, Observed

_log = structlog.get_logger(__name__)
MOST = 10_000  # parts
_LEAST_LIKENESS = 0.5  # of a table's rows then and now, below which what was found counts for nothing
_OF_OTHER_VERSION = 0.7  # how much it counts at the most
_HALF_LIFE = 24 * 3600.0  # seconds in which what was found of a server's tables loses half of its weight
LIVE = "live"  # the version of tables that have none

Save = Callable[[Mapping[str, Found]], None]
Now = Callable[[TableName], TableThen]


class FeedbackCache:
    """Parts of plans with their rows, those that were asked for last. Safe for several threads.

    ``save`` keeps them for later and for others; it may block.
    """

    def __init__(self, save: Save | None = None, most: int = MOST) -> None:
        self._save = save
        self._found: LRUCache[str, Found] = _Counted(most)
        self._lock = threading.Lock()
        self._outdated: LRUCache[int, object] = LRUCache(1024)
        self.has_outdated = False
        """Whether there may be a plan that is to be made anew: this is asked for every statement."""
        self._seen: LRUCache[int, tuple[object, object]] = LRUCache(4096)

    def of(self, principal: Principal, tables: Iterable[TableName], now: Now) -> Feedback | None:
        """Return what counts for plans of a principal over some tables, None where nothing does. ``now`` tells what
        they are like.
        """
        named = frozenset(tables)
        with self._lock:
            assert isinstance(self._found, _Counted)
            known = [one for one in self._found.tables if one <= named]
        if not known:
            return None
        asker = asker_text(principal)
        return Feedback(frozenset(known), lambda text: self._look_up(digest(asker, text), now))

    def _look_up(self, key: str, now: Now) -> Observed | None:
        with self._lock:
            found = self._found.get(key)
        return None if found is None else discounted(found, now, datetime.now(UTC))

    def knows(self, key: str) -> bool:
        """Say whether anything was found of a part."""
        return key in self._found

    def take(self, found: Mapping[str, Found]) -> None:
        """Take over what was found, by other gateways or before this one was started."""
        with self._lock:
            for key, one in found.items():
                before = self._found.get(key)
                if before is None or before.at < one.at:
                    self._found[key] = one

    def note(self, found: Mapping[str, Found]) -> None:
        """Take over what a run has found, and keep it. Blocks."""
        self.take(found)
        if self._save is not None and found:
            try:
                self._save(found)
            except SQLAlchemyError as failure:  # it counts here, until the process ends
                _log.warning("feedback cannot be kept", reason=type(failure).__name__)

    def is_wanted(self, plan: object, versions: object) -> bool:
        """Say whether no run of a plan over these versions was looked at yet."""
        with self._lock:
            seen = self._seen.get(id(plan))
        return seen is None or seen[0] is not plan or seen[1] != versions

    def looked_at(self, plan: object, versions: object) -> None:
        """Note that a run of a plan was read to its end, and what it has found is being taken."""
        with self._lock:
            self._seen[id(plan)] = plan, versions

    def outdate(self, plan: object) -> None:
        """Have a plan be made anew: its estimates were far off, and are not any more."""
        with self._lock:
            self._outdated[id(plan)] = plan
            self.has_outdated = True

    def is_outdated(self, plan: object) -> bool:
        """Say whether a plan is to be made anew."""
        return self._outdated.get(id(plan)) is plan


class _Counted(LRUCache[str, Found]):
    """Parts, and the sets of tables that they read."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.tables: Counter[frozenset[TableName]] = Counter()

    def __setitem__(self, key: str, value: Found, **_: object) -> None:
        if key in self:
            del self[key]
        super().__setitem__(key, value)
        self.tables[frozenset(value.tables)] += 1

    def __delitem__(self, key: str, **_: object) -> None:
        tables = frozenset(super().__getitem__(key).tables)
        super().__delitem__(key)
        self.tables[tables] -= 1
        if not self.tables[tables]:
            del self.tables[tables]


def digest(asker: str, text: str) -> str:
    """Return what a part is kept under: neither its conditions nor who asked can be read from it."""
    return blake2b(f"{asker}\n{text}".encode(), digest_size=16).hexdigest()


def asker_text(principal: Principal) -> str:
    """Return all of who asks that decides which rows he sees."""
    told = (
        principal.name,
        principal.session_user,
        principal.login,
        principal.sees_all_rows,
        sorted(principal.roles),
        principal.claims,
    )
    return json.dumps(told, default=dict, sort_keys=True)


def discounted(found: Found, now: Now, at: datetime) -> Observed | None:
    """Return how much counts now what was found then; None where a table has changed too much."""
    weight, growth = 1.0, 1.0
    for name, then in found.tables.items():
        today = now(name)
        likeness = 1.0
        if then.rows and today.rows:
            likeness = min(then.rows, today.rows) / max(then.rows, today.rows)
            growth *= today.rows / then.rows
        if likeness < _LEAST_LIKENESS:
            return None
        if then.version == LIVE:
            weight *= likeness * 0.5 ** (max(0.0, (at - found.at).total_seconds()) / _HALF_LIFE)
        elif then.version != today.version:
            weight *= likeness * _OF_OTHER_VERSION
    return Observed(found.rows * growth, weight)
