"""Retention: what of the audit is older than it has to be kept.

Months of which every entry has expired are dropped. Of younger months the entries of classes that are kept for less
long lose their text; row and hash stay, so that the chain holds. Each run is first written into the chain itself, with
a digest of what it takes: `verify` accepts what such a run names, and nothing else. Runs are of class access, which is
never retired, only dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import groupby
from secrets import token_hex

from catalog.server import Server
from catalog.store.audit_store import AuditStore
from catalog.store.connection import DATABASE
from gateway.audit.audit import Audit, Entry
from gateway.audit.entries import Kind, as_members
from gateway.configuration.config import Audit as AuditConfig


def retire(
    audit: Audit, server: Server, config: AuditConfig, today: date | None = None, database: str = DATABASE
) -> int:
    """Carry out the retention of a day; return how many entries were retired and months dropped. Blocks."""
    today = today or datetime.now(UTC).date()
    with closing(AuditStore(server, database)) as store:
        return _drop(audit, store, config, today) + _retire(audit, store, config, today)


def _drop(audit: Audit, store: AuditStore, config: AuditConfig, today: date) -> int:
    longest = _longest(config)
    if not longest:
        return 0
    expired = store.expired_months(today - timedelta(days=longest))
    for name, ends in expired:
        dropped = [
            {"node": str(node), "through": head.sequence, "hash": head.hash.hex()}  # of the last entry that goes
            for node, head in ends
        ]
        _write(audit, {"month": name.rpartition("audit_")[2], "dropped": dropped})
        store.drop_month(name)
    return len(expired)


def _retire(audit: Audit, store: AuditStore, config: AuditConfig, today: date) -> int:
    retired, longest = 0, _longest(config)
    for kind in (Kind.LOGIN, Kind.STATEMENT, Kind.DENIED):
        days = config.kept_days(kind)
        if not days or days == longest:
            continue
        for node in store.nodes():
            found = store.expired_hashes(node, kind, today - timedelta(days=days))
            for _, rows in groupby(found, lambda row: row[0]):  # a run in a month: they go together later on
                part = [*rows]
                run = token_hex(8)
                details = {"run": run, "node": str(node), "class": str(kind), "count": len(part)}
                _write(audit, {**details, "digest": digest([row[2] for row in part])})
                retired += store.retire(run, node, kind, part[0][1], part[-1][1])
    return retired


def digest(hashes: Sequence[bytes]) -> str:
    """Return what a run says of the entries it retires, in their order."""
    return sha256(b"".join(hashes)).hexdigest()


def _longest(config: AuditConfig) -> int:
    """The days after which nothing is kept; 0: never."""
    days = [config.kept_days(kind) for kind in Kind]
    return 0 if 0 in days else max(days)


def _write(audit: Audit, details: dict[str, object]) -> None:
    audit.store(Entry("retention", as_members({"detail": details}), Kind.ACCESS))
