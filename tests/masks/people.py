"""A table of people in each kind of source that can rename columns, served by a gateway of its own."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import psycopg
import pyarrow as pa
from deltalake import write_deltalake
from psycopg.conninfo import make_conninfo
from pyiceberg.catalog.sql import SqlCatalog

from catalog.server import Server
from catalog.store.rows import Grant
from catalog.store.store import open_store
from gateway.authentication.scram import verifier
from tests.connectors.delta import crafted
from tests.gateway import PASSWORD, RunningGateway, SampleLake, Settings, serving

KINDS = ("delta", "iceberg", "postgres")
ROWS = pa.table(
    {
        "id": pa.array([1, 2, 3], pa.int32()),
        "name": pa.array(["Ada Lovelace", "Bob", None]),
        "email": pa.array(["ada@example.org", "bob@example.net", None]),
        "region": pa.array(["EU", "US", "EU"]),
        "salary": pa.array([Decimal("5250.50"), Decimal("3100.00"), None], pa.decimal128(10, 2)),
        "born": pa.array([dt.date(1815, 12, 10), dt.date(1990, 2, 3), None]),
    }
)
POLICIES = """
CREATE MASKING POLICY email (value text) RETURNS text
    AS CASE WHEN is_member('pii') THEN value ELSE mask_email(value) END;
CREATE MASKING POLICY hidden (value text) RETURNS text AS '***';
CREATE MASKING POLICY pay (value numeric, region text) RETURNS numeric
    AS CASE WHEN region = 'US' THEN value ELSE mask_round(value, -3) END;
CREATE MASKING POLICY year (value date) RETURNS date AS mask_date_trunc('year', value);
"""
_POSTGRES = """
CREATE TABLE people (id int, name text, email varchar(40), region text, salary numeric(10,2), born date);
INSERT INTO people VALUES (1, 'Ada Lovelace', 'ada@example.org', 'EU', 5250.50, '1815-12-10'),
    (2, 'Bob', 'bob@example.net', 'US', 3100, '1990-02-03'), (3, NULL, NULL, 'EU', NULL, NULL);
"""


@dataclass(frozen=True, slots=True)
class People:
    """The sources, which a test may change, and the gateway over them."""

    gateway: RunningGateway
    folder: Path
    postgres_dsn: str

    def ask(self, query: str, user: str = "ada") -> list[tuple[object, ...]]:
        """Run statements as a user; return the rows of the last one."""
        with self.gateway.connect(user) as connection:
            cursor = connection.execute(query.encode())
            while cursor.nextset():
                pass
            return cursor.fetchall() if cursor.description else []

    def rename(self, kind: str, old: str, new: str) -> None:
        """Rename a column in a source, and have the gateway look."""
        self.rename_unseen(kind, old, new)
        self.ask(f"REFRESH SOURCE {kind}")

    def rename_unseen(self, kind: str, old: str, new: str) -> None:
        """Rename a column in a source without a word to the gateway."""
        getattr(self, f"_rename_in_{kind}")(old, new)

    def add_column(self, kind: str, name: str) -> None:
        """Add a text column to a source, and have the gateway look."""
        if kind == "postgres":
            self._in_postgres(f"ALTER TABLE people ADD COLUMN {name} text DEFAULT 'new'")
        elif kind == "iceberg":
            from pyiceberg.types import StringType

            with self._iceberg().load_table("iceberg.people").update_schema() as update:
                update.add_column(name, StringType())
        else:
            changed = self._delta_schema()
            number = 90 + len(changed["fields"])
            metadata = {"delta.columnMapping.id": number, "delta.columnMapping.physicalName": f"col-{number}"}
            changed["fields"].append({"name": name, "type": "string", "nullable": True, "metadata": metadata})
            crafted.commit_mapping(self._delta, self._delta_version() + 1, changed)
        self.ask(f"REFRESH SOURCE {kind}")

    @property
    def _delta(self) -> Path:
        return self.folder / "delta" / "people"

    def _delta_version(self) -> int:
        return len(list((self._delta / "_delta_log").glob("*.json"))) - 1

    def _delta_schema(self) -> dict[str, list[dict[str, object]]]:
        return crafted.metadata(self._delta, self._delta_version())

    def _rename_in_delta(self, old: str, new: str) -> None:
        changed = self._delta_schema()
        for field in changed["fields"]:
            if field["name"] == old:
                field["name"] = new
        crafted.commit_mapping(self._delta, self._delta_version() + 1, changed)

    def _iceberg(self) -> SqlCatalog:
        return SqlCatalog("iceberg", uri=f"sqlite:///{self.folder}/iceberg.db", warehouse=f"file://{self.folder}/ice")

    def _rename_in_iceberg(self, old: str, new: str) -> None:
        with self._iceberg().load_table("iceberg.people").update_schema() as update:
            update.rename_column(old, new)

    def _rename_in_postgres(self, old: str, new: str) -> None:
        self._in_postgres(f"ALTER TABLE people RENAME COLUMN {old} TO {new}")

    def _in_postgres(self, statement: str) -> None:
        with psycopg.connect(self.postgres_dsn, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def serving_people(server: Server) -> Iterator[People]:
    """Lay out the sources and serve them; metadata are kept in the server."""
    folder = Path(tempfile.mkdtemp(prefix="lakegate-people-"))
    folder.chmod(0o711)
    try:
        server.create_database("people", "people_owner", "people secret")
        dsn = make_conninfo("", **server.connection_parameters("people", "people_owner", "people secret"))
        people = People(None, folder, dsn)  # type: ignore[arg-type]  # there is no gateway yet
        _lay_out(people)
        _make_users(server)
        iceberg = {"type": "sql", "uri": f"sqlite:///{folder}/iceberg.db", "warehouse": f"file://{folder}/ice"}
        sources: dict[str, Mapping[str, object]] = {
            "delta": {"kind": "delta", "location": str(folder / "delta")},
            "iceberg": {"kind": "iceberg", "catalog": iceberg},
            "postgres": {"kind": "postgres", "dsn": dsn},
        }
        lake = SampleLake(folder, server, sources)
        with serving(lake, Settings(server={"refresh_interval": "0"}, database="people_lake")) as gateway:
            yield People(gateway, folder, dsn)
    finally:
        shutil.rmtree(folder)


def _lay_out(people: People) -> None:
    people._in_postgres(_POSTGRES)
    catalog = people._iceberg()
    catalog.create_namespace("iceberg")
    catalog.create_table("iceberg.people", schema=ROWS.schema).append(ROWS)
    write_deltalake(people._delta, ROWS)
    changed = crafted.metadata(people._delta, 0)
    crafted.mapped(changed["fields"])
    crafted.commit_mapping(people._delta, 1, changed)


def _make_users(server: Server) -> None:
    store = open_store(server)
    proof = verifier(PASSWORD)
    store.add_role("ada", verifier=proof, superuser=True)
    for name in ("bob", "olga", "pia"):
        store.add_role(name, verifier=proof)
    store.add_role("lakegate_officer", login=False)
    store.add_role("pii", login=False)
    store.add_member("lakegate_officer", "olga")
    store.add_member("pii", "pia")
    store.grant(*(Grant(user, kind) for user in ("bob", "olga", "pia") for kind in KINDS))
    store.close()
