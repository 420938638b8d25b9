"""Two worlds: two lakes that differ in nothing but what is hidden from tina, an analyst of the tenant north.

Each has the same tables in Delta (``lk``), Iceberg (``ice``), PostgreSQL (``crm``) and files (``docs``):

===========  ==========================================================================================
table        what is hidden of it
===========  ==========================================================================================
people       rows of other tenants; ``email``, ``balance`` and ``phone`` are masked; ``salary`` and
             ``leak_extra`` are not granted
orders       rows of other tenants, by a look into ``crm.members``; ``card`` is masked
notes        nothing: everybody may read it
places       ``site``, which is not granted and by whose values the files lie in folders; no policies
vault        all: nobody has a privilege on it
leak_ledger  all; no attack names it
===========  ==========================================================================================

In ``public`` they are views: ``orders`` is read with the rights of nora, a colleague, ``people`` with those of a
superuser, so that its own policies and masks alone hide what is hidden, the others with the reader's. ``people_…``,
which others own, read it.
Others there, ``raw`` and ``raw_…``, are read with the rights of a superuser: what a tag masks is masked in them.

What is hidden has markers in it: ``LEAK`` in what no analyst may see, ``NVIS`` and ``SVIS`` in what only analysts of
north and of south may; numbers that begin with 77701 or 77702. A world's letter stands in its markers, so the two
worlds' secrets differ, and so do their numbers of hidden rows.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import write_deltalake
from psycopg.conninfo import make_conninfo
from pyiceberg.catalog.sql import SqlCatalog

from catalog import server as servers
from catalog.server import Server
from catalog.store.store import open_store
from gateway.authentication.scram import verifier
from tests.gateway import ADA, PASSWORD, RunningGateway, SampleLake

KINDS = ("lk", "ice", "crm", "docs")  # the schema of each kind of source
VIEWS = "public"  # where each of the tables is a view
TINA, SAM, EVE, AUD, OLGA = "tina", "sam", "eve", "aud", "olga"
USERS = (ADA, TINA, SAM, EVE, AUD, OLGA)
COMMON = 777010004
"""A hidden amount of the first world, and of no row of the second: ``1 / (amount - COMMON)`` tells them apart."""

_PEOPLE = pa.schema(
    [
        *(("id", pa.int32()), ("tenant", pa.string()), ("name", pa.string()), ("email", pa.string())),
        *(("balance", pa.int64()), ("phone", pa.string()), ("code", pa.string()), ("amount", pa.int64())),
        *(("salary", pa.int64()), ("joined", pa.date32()), ("leak_extra", pa.string())),
    ]
)
_ORDERS = pa.schema(
    [
        *(("id", pa.int32()), ("person_id", pa.int32()), ("tenant", pa.string()), ("item", pa.string())),
        *(("card", pa.string()), ("price", pa.decimal128(12, 2))),
    ]
)
_NOTES = pa.schema([("id", pa.int32()), ("text", pa.string())])
_PLACES = pa.schema([("id", pa.int32()), ("label", pa.string()), ("site", pa.string())])
_SECRETS = pa.schema([("id", pa.int32()), ("secret", pa.string())])
_SQL_TYPES = {
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.string(): "text",
    pa.date32(): "date",
    pa.decimal128(12, 2): "numeric(12,2)",
}
_VISIBLE = {"north": "NVIS", "south": "SVIS", "west": "WVIS"}
GRANTED_PEOPLE = "id, tenant, name, email, balance, phone, code, amount, joined"


def tables(world: str) -> dict[str, pa.Table]:
    """Return the tables of a world, "A" or "B"."""
    return {
        "people": pa.Table.from_pylist(_people(world), _PEOPLE),
        "orders": pa.Table.from_pylist(_orders(world), _ORDERS),
        "notes": pa.Table.from_pylist([{"id": n, "text": f"note {n}"} for n in range(1, 6)], _NOTES),
        "places": pa.Table.from_pylist(_places(world), _PLACES),
        "vault": pa.Table.from_pylist(_secrets(world, 3 if world == "A" else 9), _SECRETS),
        "leak_ledger": pa.Table.from_pylist(_secrets(world, 2 if world == "A" else 700), _SECRETS),
    }


def _people(world: str) -> list[dict[str, object]]:
    rows = [_person(world, n, "north", name) for n, name in ((1, "Ann"), (2, "Ben"), (3, "Cleo"))]
    hidden = [(4, "south"), (5, "south"), (6, "west")]
    if world == "B":
        hidden += [(number, "west") for number in range(7, 60)]
    rows += [_person(world, number, tenant, f"LEAK-{world}-{number}") for number, tenant in hidden]
    return [rows[3], *rows[:2], *rows[4:], rows[2]]  # what is hidden lies between what is not


def _person(world: str, number: int, tenant: str, name: str) -> dict[str, object]:
    north = tenant == "north"
    secret = 777010000 if world == "A" else 777020000
    own = name if north else name.replace("LEAK", "LEAK" if tenant == "west" else "SVIS")
    return {
        "id": number,
        "tenant": tenant if tenant != "west" else f"LEAK-west-{world}",
        "name": f"NVIS-{name}" if north else own,
        "email": f"{'xyz'[number % 3]}LEAK-{world}-{number}@example.org",
        "balance": secret + 100 + number,
        "phone": f"+LEAK{world}{number}" if number != 2 or world == "A" else None,
        "code": str(100 + number) if north else f"LEAK-code-{world}-{number}",
        "amount": number * 10 if north else secret + number,
        "salary": secret + 200 + number,
        "joined": date(2020, 1, number) if north else date(1777, 1, 1 + number % 28),
        "leak_extra": f"LEAK-extra-{world}-{number}",
    }


def _orders(world: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for number in range(1, 13 if world == "A" else 31):
        north = number % 3 == 1 and number < 12  # 1, 4, 7 and 10
        rows.append(
            {
                "id": number,
                "person_id": (number % 3 or 3) if north else number,
                "tenant": "north" if north else "south" if number % 3 == 2 else f"LEAK-west-{world}",
                "item": f"NVIS-item-{number}" if north else f"LEAK-item-{world}-{number}",
                "card": f"LEAK-{world}-{number}-{1000 + number}",
                "price": Decimal(number) + Decimal("0.5") if north else Decimal(7770000 + number),
            }
        )
    return rows


def _places(world: str) -> list[dict[str, object]]:
    sites = 2 if world == "A" else 5
    return [{"id": n, "label": f"place {n}", "site": f"LEAK-site-{world}-{n % sites}"} for n in range(1, 11)]


def _secrets(world: str, count: int) -> list[dict[str, object]]:
    return [{"id": n, "secret": f"LEAK-vault-{world}-{n}"} for n in range(1, count + 1)]


@contextmanager
def world_lake(world: str) -> Iterator[SampleLake]:
    """A world's sources and its own metadata server, in a folder that is deleted at the end."""
    folder = Path(tempfile.mkdtemp(prefix=f"lakegate-world-{world}-"))
    folder.chmod(0o711)
    server = servers.start(folder / "metadata", lasting=False)
    try:
        store = open_store(server)
        store.add_role(ADA, verifier(PASSWORD), superuser=True)
        store.close()
        yield SampleLake(folder, server, _write_sources(world, folder, server))
    finally:
        server.stop()
        servers.remove(folder / "metadata")
        shutil.rmtree(folder)


def _write_sources(world: str, folder: Path, server: Server) -> dict[str, dict[str, object]]:
    server.create_database("crm", "crm_owner", "crm secret")
    crm = make_conninfo("", **server.connection_parameters("crm", "crm_owner", "crm secret"))
    iceberg = {"type": "sql", "uri": f"sqlite:///{folder}/ice.db", "warehouse": f"file://{folder}/warehouse"}
    catalog = SqlCatalog("ice", **iceberg)
    catalog.create_namespace("default")
    (folder / "docs").mkdir()
    with psycopg.connect(crm) as connection:
        for name, table in tables(world).items():
            by = ["site"] if name == "places" else []
            write_deltalake(folder / "lk" / name, table, partition_by=by or None)
            created = catalog.create_table(f"default.{name}", table.schema)
            for column in by:
                with created.update_spec() as spec:
                    spec.add_identity(column)
            created.append(table)
            if by:
                pq.write_to_dataset(table, folder / "docs" / name, partition_cols=by)
            else:
                pq.write_table(table, folder / "docs" / f"{name}.parquet")
            _write_postgres(connection, name, table)
        _write_postgres(connection, "members", _members())
        connection.execute("ANALYZE")
    return {
        "lk": {"kind": "delta", "location": str(folder / "lk")},
        "ice": {"kind": "iceberg", "catalog": iceberg},
        "crm": {"kind": "postgres", "dsn": crm},
        "docs": {"kind": "files", "location": str(folder / "docs")},
    }


def _members() -> pa.Table:
    return pa.table({"tenant": ["north", "south", "west"], "member": [TINA, SAM, "LEAK-member"]})


def _write_postgres(connection: psycopg.Connection, name: str, table: pa.Table) -> None:
    columns = ", ".join(f"{field.name} {_SQL_TYPES[field.type]}" for field in table.schema)
    connection.execute(f"CREATE TABLE {name} ({columns})".encode())
    places = ", ".join(["%s"] * table.num_columns)
    rows = [tuple(row.values()) for row in table.to_pylist()]
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {name} VALUES ({places})".encode(), rows)


def govern_world(gateway: RunningGateway) -> None:
    """Make roles, grants and policies, as an administrator does it: in SQL."""
    with gateway.connect(ADA) as connection:
        connection.execute(";\n".join(policies()).encode())  # one change
        for statement in (*masks(), *views()):
            connection.execute(statement.encode())


def policies() -> Iterator[str]:
    """Return the statements that govern a world."""
    for group in ("analysts", "north", "south", "keepers"):
        yield f"CREATE ROLE {group}"
    for user, groups in ((TINA, "analysts, north"), (SAM, "analysts, south"), (EVE, ""), (AUD, ""), (OLGA, "")):
        options = " BYPASSRLS" if user == AUD else ""
        yield f"CREATE ROLE {user} LOGIN{options} PASSWORD '{PASSWORD}'" + (f" IN ROLE {groups}" if groups else "")
    yield f"ALTER ROLE {TINA} SET lakegate.claim.sees = 'few'"
    yield f"GRANT SELECT ON crm.members TO analysts, {AUD}, {OLGA}"
    yield "GRANT USAGE ON SCHEMA crm TO analysts, aud, olga"
    yield "ALTER TABLE crm.members ENABLE ROW LEVEL SECURITY"
    yield "CREATE POLICY own ON crm.members USING (member = CURRENT_USER)"
    for kind in KINDS:
        yield f"GRANT USAGE ON SCHEMA {kind} TO analysts, {AUD}, {OLGA}"
        yield f"GRANT USAGE ON FOREIGN SERVER {kind} TO analysts"
        yield f"GRANT SELECT ({GRANTED_PEOPLE}) ON {kind}.people TO analysts"
        yield f"GRANT SELECT (id, tenant, name) ON {kind}.people TO {AUD}"
        yield f"GRANT SELECT ON {kind}.orders TO analysts"
        yield f"GRANT SELECT ON {kind}.notes TO analysts, {AUD}"
        yield f"GRANT SELECT (id, label) ON {kind}.places TO analysts"
        yield f"GRANT SELECT ON {kind}.vault TO keepers"
        yield f"ALTER TABLE {kind}.orders OWNER TO {OLGA}"
        for table in ("people", "orders"):
            yield f"ALTER TABLE {kind}.{table} ENABLE ROW LEVEL SECURITY"
        yield f"CREATE POLICY north_rows ON {kind}.people TO north USING (tenant = 'north' OR name = 'LEAK-constant')"
        yield f"CREATE POLICY south_rows ON {kind}.people FOR SELECT TO south USING (tenant = 'south')"
        yield f"CREATE POLICY recent ON {kind}.people AS RESTRICTIVE USING (id < 100)"
        yield (
            f"CREATE POLICY members ON {kind}.orders"
            " USING (tenant IN (SELECT m.tenant FROM crm.members m WHERE m.member = CURRENT_USER))"
        )


def masks() -> Iterator[str]:
    """Return the statements that mask a world's columns."""
    yield "CREATE MASKING POLICY first_letter (value text) RETURNS text AS left(value, 1) || '***'"
    yield "CREATE MASKING POLICY last_digits (value text) RETURNS text AS '****-' || right(value, 4)"
    yield "CREATE MASKING POLICY constant (value text) RETURNS text AS '+***'"
    yield (
        "CREATE MASKING POLICY for_keepers (value bigint) RETURNS bigint"
        " AS CASE WHEN lakegate.is_member('keepers') OR lakegate.claim('sees') = 'all' THEN value ELSE NULL END"
    )
    for kind in KINDS:
        yield f"ALTER TABLE {kind}.people ALTER COLUMN email SET MASKING POLICY first_letter"
        yield f"ALTER TABLE {kind}.people ALTER COLUMN phone SET MASKING POLICY constant"
        yield f"ALTER TABLE {kind}.people ALTER COLUMN balance SET MASKING POLICY for_keepers"
        yield f"ALTER TABLE {kind}.orders ALTER COLUMN card SET MASKING POLICY last_digits"


def views() -> Iterator[str]:
    """Return the statements that make the views: of each kind of source one."""
    yield f"CREATE ROLE nora LOGIN PASSWORD '{PASSWORD}' IN ROLE analysts, north"
    yield f"GRANT CREATE ON SCHEMA {VIEWS} TO nora"
    for kind, table in zip(KINDS, ("notes", "people", "vault", "orders"), strict=True):
        if table == "people":
            yield from _people_view(f"{kind}.{table}")
            continue
        yield f"CREATE VIEW {VIEWS}.{table} WITH (security_invoker) AS SELECT * FROM {kind}.{table}"
        if table != "vault":
            yield f"GRANT SELECT ON {VIEWS}.{table} TO analysts, {AUD}"
    yield f"ALTER VIEW {VIEWS}.orders SET (security_invoker = false)"
    yield f"ALTER VIEW {VIEWS}.orders OWNER TO nora"
    yield f"CREATE VIEW {VIEWS}.leak_ledger AS SELECT * FROM docs.leak_ledger"
    yield from _raw_views()


def _people_view(table: str) -> Iterator[str]:
    """A view with policies and masks of its own, which has nothing else to hide rows and values; and views of it."""
    people = f"{VIEWS}.people"
    yield f"CREATE VIEW {people} AS SELECT {GRANTED_PEOPLE} FROM {table}"
    for column, mask in (("email", "first_letter"), ("phone", "constant"), ("balance", "for_keepers")):
        yield f"ALTER VIEW {people} ALTER COLUMN {column} SET MASKING POLICY {mask}"
    yield (
        f"CREATE POLICY north_rows ON {people} TO north"
        " USING (tenant IN (SELECT m.tenant FROM crm.members m WHERE m.member = CURRENT_USER AND m.tenant = 'north'))"
    )
    yield f"CREATE POLICY nora_rows ON {people} TO nora USING (tenant = 'north')"
    yield f"CREATE POLICY south_rows ON {people} FOR SELECT TO south USING (tenant = 'south')"
    yield f"CREATE POLICY recent ON {people} AS RESTRICTIVE USING (id < 100)"
    yield f"ALTER VIEW {people} ENABLE ROW LEVEL SECURITY"
    yield f"GRANT SELECT ON {people} TO analysts"
    yield f"GRANT SELECT (id, tenant, name) ON {people} TO {AUD}"
    for name, options, query in (
        ("asked", "WITH (security_invoker)", "SELECT * FROM public.people"),
        ("of_nora", "", "SELECT id, name, email, amount FROM public.people"),
        ("counted", "", "SELECT tenant, count(*) AS n, max(amount) AS most FROM public.people GROUP BY tenant"),
        ("first", "", "SELECT id, name, amount FROM public.people ORDER BY amount DESC LIMIT 2"),
    ):
        yield f"CREATE VIEW {people}_{name} {options} AS {query}"
        yield f"ALTER VIEW {people}_{name} OWNER TO nora"
        yield f"GRANT SELECT ON {people}_{name} TO analysts"


def _raw_views() -> Iterator[str]:
    """Views of ada's, who sees what is raw in ``docs.vault``; all that keeps it from others is a tag."""
    yield "CREATE TAG sealed"
    yield "ALTER TAG sealed SET MASKING POLICY constant"
    yield "ALTER TABLE docs.vault ALTER COLUMN secret SET TAG sealed = 'yes'"
    raw, one = f"{VIEWS}.raw", "docs.vault WHERE id = 1"
    queries = {
        raw: f"SELECT id, secret FROM {one}",
        f"{raw}_again": f"SELECT r.id, r.secret || '.' AS secret FROM {raw} r",
        f"{raw}_made": "SELECT id, length(secret) AS size, secret LIKE '%-A-%' AS of_a, CASE WHEN secret LIKE '%-A-%'"
        f" THEN 1 ELSE 2 END AS world, ascii(right(secret, 3)) AS code FROM {one}",
        f"{raw}_all": f"SELECT 0 AS id, 'none' AS secret UNION ALL SELECT id, secret FROM {one}",
        f"{raw}_with": f"WITH a (n, s) AS (SELECT id, secret FROM {one}), b AS (SELECT s FROM a)"
        " SELECT s AS secret FROM b",
        f"{raw}_most": f"SELECT max(secret) AS secret, count(secret) AS n FROM {one}",
        f"{raw}_looked": "SELECT n.id, (SELECT max(l.secret) FROM docs.vault l WHERE l.id = n.id) AS secret"
        " FROM docs.notes n WHERE n.id = 1",
    }
    for name, query in queries.items():
        yield f"CREATE VIEW {name} AS {query}"
        yield f"GRANT SELECT ON {name} TO analysts"
    yield f"CREATE VIEW {raw}_asked WITH (security_invoker) AS SELECT r.secret FROM {raw} r"
    yield f"GRANT SELECT ON {raw}_asked TO analysts"
