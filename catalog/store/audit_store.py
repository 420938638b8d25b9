"""The audit's tables: entries are appended in batches, read in order, and retired; nothing else is done to them.

Every function blocks. An `AuditStore` has one connection of its own and belongs to one thread.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from catalog.server import Server
from catalog.store.audit_chain import Head, parse_line
from catalog.store.connection import DATABASE

READER = "lakegate_audit_reader"
_PARTITION_LOCK = 0x61756469  # "audi": gateways make partitions and retire entries one after the other
_COPY = "COPY audit_entries (filed, node, sequence, at, class, previous, hash, entry) FROM STDIN"
_HEAD = """
INSERT INTO audit_heads (node, sequence, hash, signature, updated) VALUES (%s, %s, %s, %s, now())
ON CONFLICT (node) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash,
    signature = excluded.signature, updated = excluded.updated
"""
_ENTRIES = """
SELECT filed, sequence, at, class AS kind, previous, hash, entry, retired_by FROM audit_entries
WHERE node = %(node)s AND sequence > %(after)s
  AND (%(since)s::date IS NULL OR filed >= %(since)s) AND (%(until)s::date IS NULL OR filed <= %(until)s)
ORDER BY filed, sequence
"""


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """A row of ``audit_entries``; ``entry`` is None where it was retired, by the run ``retired_by``."""

    filed: date
    sequence: int
    at: datetime
    kind: str
    previous: bytes
    hash: bytes
    entry: str | None
    retired_by: str | None


@dataclass(frozen=True, slots=True)
class SignedHead:
    """The last entry of a node as `AuditStore.append` noted it, with the node's signature."""

    head: Head
    signature: bytes


@dataclass(frozen=True, slots=True)
class Period:
    """Days that are looked at; None: without a limit. ``after`` is a sequence number."""

    since: date | None = None
    until: date | None = None
    after: int = 0


def sign(key: bytes, node: UUID, head: Head) -> bytes:
    """Return the signature of a head by a node's key."""
    return hmac.digest(key, b"%s %d %s" % (node.bytes, head.sequence, head.hash), sha256)


class AuditStore:
    """The audit's tables over one connection. Errors are `psycopg.Error`, and ServerError when it is made."""

    def __init__(self, server: Server, database: str = DATABASE) -> None:
        self._connection = server.connect(database, autocommit=True)
        self._months: set[str] = set()

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    # --- writing ---

    def append(self, node: UUID, lines: bytes, key: bytes) -> Head:
        """Store a journal's lines, all or none, with the signed head of the chain. ``lines`` is not empty."""
        first, last = lines[: lines.index(b"\n")], lines[lines.rstrip(b"\n").rfind(b"\n") + 1 :]
        head = parse_line(last).head
        self._ensure_months(first[:7].decode("ascii"), last[:7].decode("ascii"))
        with self._connection.transaction():
            with self._connection.cursor().copy(_COPY) as copy:
                copy.write(lines.replace(b"\\", b"\\\\"))
            self._connection.execute(_HEAD, (node, head.sequence, head.hash, sign(key, node, head)))
        return head

    def ensure_month(self, day: date) -> None:
        """Have a partition for the month of a day."""
        month = day.replace(day=1)
        self._ensure_months(month.isoformat()[:7], month.isoformat()[:7])

    def _ensure_months(self, first: str, last: str) -> None:
        month = first
        while month <= last:
            if month not in self._months:
                self._make_partition(month)
                self._months.add(month)
            month = next_month(month)

    def _make_partition(self, month: str) -> None:
        name = sql.Identifier("audit_months", f"audit_{month.replace('-', '_')}")
        with self._connection.transaction():
            self._connection.execute("SELECT pg_advisory_xact_lock(%s)", (_PARTITION_LOCK,))
            known = self._connection.execute(
                "SELECT to_regclass(%s) IS NOT NULL", (f"audit_months.audit_{month.replace('-', '_')}",)
            ).fetchone()
            if known == (True,):
                return
            self._connection.execute(
                sql.SQL("CREATE TABLE {} PARTITION OF audit_entries FOR VALUES FROM ({}) TO ({})").format(
                    name, sql.Literal(f"{month}-01"), sql.Literal(f"{next_month(month)}-01")
                )
            )
            self._connection.execute(
                sql.SQL(
                    "CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {}"
                    " FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()"
                ).format(name)
            )

    # --- reading ---

    def get_head(self, node: UUID) -> SignedHead | None:
        """Return the last entry that was stored of a node."""
        row = self._connection.execute(
            "SELECT sequence, hash, signature FROM audit_heads WHERE node = %s", (node,)
        ).fetchone()
        return None if row is None else SignedHead(Head(row[0], row[1]), row[2])

    def nodes(self) -> list[UUID]:
        """Return all nodes that ever stored an entry."""
        query = "SELECT node FROM audit_heads UNION SELECT DISTINCT node FROM audit_entries ORDER BY 1"
        return [row[0] for row in self._connection.execute(query)]

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read one state of the tables inside the block."""
        with self._connection.transaction():
            self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield

    def entries(self, node: UUID, period: Period) -> Iterator[StoredEntry]:
        """Yield a node's entries in order, read in portions. Must run inside `snapshot`."""
        parameters = {"node": node, "after": period.after, "since": period.since, "until": period.until}
        with self._connection.cursor("audit_entries", row_factory=class_row(StoredEntry)) as cursor:
            cursor.itersize = 2000
            yield from cursor.execute(_ENTRIES, parameters)

    def get_last(self, node: UUID, before: date) -> Head | None:
        """Return the last entry of a node that was filed before a day."""
        query = (
            "SELECT sequence, hash FROM audit_entries WHERE node = %s AND filed < %s"
            " ORDER BY filed DESC, sequence DESC LIMIT 1"
        )
        row = self._connection.execute(query, (node, before)).fetchone()
        return None if row is None else Head(*row)

    def entries_of(self, event: str) -> list[str]:
        """Return the texts of all entries of class ``access`` in which an event, such as ``retention``, is named."""
        query = "SELECT entry FROM audit_entries WHERE class = 'access' AND entry LIKE %s ORDER BY filed, sequence"
        return [row[0] for row in self._connection.execute(query, (f'%"event":"{event}"%',))]

    # --- retention ---

    def expired_months(self, before: date) -> list[tuple[str, list[tuple[UUID, Head]]]]:
        """Return the partitions all of whose days are before a day, each with the last entry of every node in it."""
        found = []
        query = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit_entries'::regclass"
        for (name,) in sorted(self._connection.execute(query)):
            month = name.rpartition("audit_")[2].replace("_", "-")
            if date.fromisoformat(f"{next_month(month)}-01") <= before:
                last = sql.SQL("SELECT DISTINCT ON (node) node, sequence, hash FROM {} ORDER BY node, sequence DESC")
                rows = self._connection.execute(last.format(_relation(name))).fetchall()
                found.append((name, [(node, Head(sequence, hash_)) for node, sequence, hash_ in rows]))
        return found

    def expired_hashes(self, node: UUID, kind: str, before: date) -> list[tuple[str, int, bytes]]:
        """Return the month, sequence and hash of a node's entries of a class that were filed before a day and are not
        retired, in order.
        """
        query = (
            "SELECT to_char(filed, 'YYYY-MM'), sequence, hash FROM audit_entries"
            " WHERE node = %s AND class = %s AND filed < %s AND entry IS NOT NULL ORDER BY filed, sequence"
        )
        return [(row[0], row[1], row[2]) for row in self._connection.execute(query, (node, kind, before))]

    def retire(self, run: str, node: UUID, kind: str, first: int, last: int) -> int:
        """Take the text out of a node's entries of a class, first and last included; their hashes stay. Return how many
        there were.
        """
        with self._connection.transaction():
            self._connection.execute("SET LOCAL lakegate.audit_retention = 'on'")
            return self._connection.execute(
                "UPDATE audit_entries SET entry = NULL, retired_by = %s WHERE node = %s AND class = %s"
                " AND sequence BETWEEN %s AND %s AND entry IS NOT NULL",
                (run, node, kind, first, last),
            ).rowcount

    def drop_month(self, name: str) -> None:
        """Drop a partition."""
        with self._connection.transaction():
            self._connection.execute("SET LOCAL lock_timeout = '5s'")
            self._connection.execute(sql.SQL("DROP TABLE {}").format(_relation(name)))

    # --- the role that auditors' statements are read with ---

    def ensure_reader(self, password: str) -> None:
        """Have a role that may read ``lakegate.audit_log`` and ``lakegate.policy_history``, and nothing else."""
        role, known = sql.Identifier(READER), "SELECT FROM pg_catalog.pg_roles WHERE rolname = %s"
        with self._connection.transaction():
            self._connection.execute("SELECT pg_advisory_xact_lock(%s)", (_PARTITION_LOCK,))
            exists = self._connection.execute(known, (READER,)).fetchone() is not None
            statement = sql.SQL("ALTER ROLE {} {} {}") if exists else sql.SQL("CREATE ROLE {} {} {}")
            options = sql.SQL("LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD")
            self._connection.execute(statement.format(role, options, sql.Literal(password)))
            database = sql.Identifier(self._connection.info.dbname)
            self._connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, role))
            self._connection.execute(sql.SQL("GRANT USAGE ON SCHEMA lakegate TO {}").format(role))
            self._connection.execute(
                sql.SQL("GRANT SELECT ON lakegate.audit_log, lakegate.policy_history TO {}").format(role)
            )


def next_month(month: str) -> str:
    """Return the month after one, both as ``YYYY-MM``."""
    year, number = int(month[:4]), int(month[5:])
    return f"{year + 1}-01" if number == 12 else f"{year:04}-{number + 1:02}"


def _relation(name: str) -> sql.Composable:
    return sql.Identifier(*name.split("."))
