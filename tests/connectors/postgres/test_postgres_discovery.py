"""What discovery says of a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pyarrow as pa
import pytest

from catalog.names import TableName, always_quoted
from catalog.tables import Index, IndexKey, OwnedSequence, Partition, Table
from connectors.postgres.source import PostgresSource
from tests.connectors.conftest import RealServer, execute

SETUP = """
CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN positive AS int4 CHECK (value > 0);
CREATE DOMAIN more AS positive; CREATE TYPE pair AS (a int, b int);
CREATE TABLE kinds (
    id int4 PRIMARY KEY, i2 int2, i8 int8 NOT NULL, f4 float4, f8 float8, b bool, t text, vc varchar(10), ch char(5),
    n12 numeric(12,2), n30 numeric(30,5), n60 numeric(60,10), n numeric, nneg numeric(3,-2), nsmall numeric(2,4),
    d date, ti time, ts timestamp, tz timestamptz, iv interval, by bytea, u uuid, j json, jb jsonb, m mood, ip inet,
    r int4range, o oid, mo money, dom more, comp pair, ia int[], ta text[], na numeric(5,2)[], ma mood[], ua uuid[]
);
CREATE SCHEMA hr; COMMENT ON SCHEMA hr IS 'people';
CREATE TABLE hr.person (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "Full Name" text UNIQUE,
    kind int REFERENCES kinds(id) ON DELETE CASCADE, boss int REFERENCES hr.person, gone int);
ALTER TABLE hr.person DROP COLUMN gone;
COMMENT ON TABLE hr.person IS 'one of us'; COMMENT ON COLUMN hr.person."Full Name" IS 'first, last';
CREATE INDEX person_kind ON hr.person (kind DESC, id) INCLUDE (boss);
CREATE INDEX person_lower ON hr.person (lower("Full Name") COLLATE "C");
CREATE UNIQUE INDEX person_words ON hr.person ("Full Name" COLLATE "C") NULLS NOT DISTINCT;
CREATE INDEX person_some ON hr.person (kind) WHERE kind > 3;
CREATE INDEX person_hash ON hr.person USING hash (kind); CREATE INDEX ON hr.person ("Full Name" text_pattern_ops);
CREATE VIEW v AS SELECT id, n12 FROM kinds; CREATE MATERIALIZED VIEW mv AS SELECT 1 AS one;
CREATE TABLE parted (k int, t text) PARTITION BY RANGE (k);
CREATE TABLE parted_a PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE parted_b PARTITION OF parted FOR VALUES FROM (10) TO (20);
INSERT INTO parted SELECT i % 20, 'x' FROM generate_series(1, 100) i;
CREATE TABLE secret (a int, b int); CREATE TABLE half (seen int, hidden int, PRIMARY KEY (hidden));
CREATE SCHEMA crm; CREATE TABLE crm.kinds (other int); CREATE TABLE crm.only (x int);
ANALYZE;
"""


@pytest.fixture(scope="module")
def database(server: RealServer) -> str:
    return server.database(SETUP)


@pytest.fixture
def source(database: str) -> Iterator[PostgresSource]:
    opened = PostgresSource("crm", database)
    yield opened
    opened.close()


@pytest.fixture
def tables(source: PostgresSource) -> dict[str, Table]:
    return {str(table.name): table for table in source.discover().tables}


def test_every_kind_of_relation_is_found_under_its_client_name(tables: dict[str, Table]) -> None:
    relations = {"crm.kinds", "crm_hr.person", "crm.v", "crm.mv", "crm.parted", "crm.parted_a", "crm.parted_b"}
    assert relations <= set(tables)
    assert tables["crm_hr.person"].remote == ("hr", "person")


def test_a_schema_called_like_the_source_shares_its_name_except_for_tables_that_public_has(
    tables: dict[str, Table],
) -> None:
    assert tables["crm.kinds"].remote == ("public", "kinds")
    assert tables["crm.only"].remote == ("crm", "only")
    assert tables["crm_crm.kinds"].remote == ("crm", "kinds")


def test_types_are_spelled_as_in_postgres_and_have_the_arrow_type_that_scans_yield(tables: dict[str, Table]) -> None:
    text, texts = pa.string(), pa.list_(pa.string())
    expected = {
        "id": ("integer", pa.int32()),
        "i2": ("smallint", pa.int16()),
        "i8": ("bigint", pa.int64()),
        "f4": ("real", pa.float32()),
        "f8": ("double precision", pa.float64()),
        "b": ("boolean", pa.bool_()),
        "t": ("text", text),
        "vc": ("character varying(10)", text),
        "ch": ("character(5)", text),
        "n12": ("numeric(12,2)", pa.decimal128(12, 2)),
        "n30": ("numeric(30,5)", pa.decimal128(30, 5)),
        "n60": ("numeric(60,10)", pa.decimal256(60, 10)),
        "n": ("numeric", pa.decimal128(38, 18)),
        "nneg": ("numeric(3,-2)", pa.decimal128(5, 0)),
        "nsmall": ("numeric(2,4)", pa.decimal128(4, 4)),
        "d": ("date", pa.date32()),
        "ti": ("time without time zone", pa.time64("us")),
        "ts": ("timestamp without time zone", pa.timestamp("us")),
        "tz": ("timestamp with time zone", pa.timestamp("us", tz="UTC")),
        "iv": ("interval", pa.month_day_nano_interval()),
        "by": ("bytea", pa.binary()),
        "u": ("uuid", text),
        "j": ("json", text),
        "jb": ("jsonb", text),
        "m": ("text", text),
        "ip": ("inet", text),
        "r": ("int4range", text),
        "o": ("oid", pa.int64()),
        "mo": ("numeric(20,2)", pa.decimal128(20, 2)),
        "dom": ("integer", pa.int32()),
        "comp": ("text", text),
        "ia": ("integer[]", pa.list_(pa.int32())),
        "ta": ("text[]", texts),
        "na": ("numeric(5,2)[]", pa.list_(pa.decimal128(5, 2))),
        "ma": ("text[]", texts),
        "ua": ("uuid[]", texts),
    }
    assert {column.name: (column.sql_type, column.arrow_type) for column in tables["crm.kinds"].columns} == expected


def test_every_sql_type_exists_on_a_plain_postgres(server: RealServer, tables: dict[str, Table]) -> None:
    columns = ", ".join(f'"{column.name}" {column.sql_type}' for column in tables["crm.kinds"].columns)
    execute(server.database(), f"CREATE TABLE mirrored ({columns})")


def test_nullability_and_comments(source: PostgresSource, tables: dict[str, Table]) -> None:
    person = tables["crm_hr.person"]
    assert [column.nullable for column in person.columns] == [False, True, True, True]
    assert (person.comment, person.columns[1].comment) == ("one of us", "first, last")
    assert source.discover().schemas["crm_hr"] == "people"


def test_defaults_are_told_and_what_generates(server: RealServer) -> None:
    dsn = server.database(
        "CREATE SEQUENCE s; CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE d (n int, a varchar(9) DEFAULT 'x',"
        " b int DEFAULT -1, c timestamptz DEFAULT now(), e mood DEFAULT 'ok', f int DEFAULT nextval('s'),"
        " g int GENERATED ALWAYS AS (n + 1) STORED, h int GENERATED ALWAYS AS IDENTITY (START 5), i smallserial);"
        " CREATE SCHEMA elsewhere; ALTER SEQUENCE s SET SCHEMA elsewhere; CREATE SEQUENCE idle OWNED BY d.n"
    )
    source = PostgresSource("crm", dsn)
    (found,) = source.discover().tables
    source.close()
    assert {column.name: column.generated for column in found.columns if column.generated} == {"g": "s"}
    assert {column.name: column.default for column in found.columns} == {
        "n": None,
        "a": "'x'::character varying",
        "b": "'-1'::integer",
        "c": "now()",
        "e": "'ok'::public.mood",
        "f": "nextval('elsewhere.s'::regclass)",
        "g": "(n + 1)",
        "h": None,
        "i": "nextval('public.d_i_seq'::regclass)",
    }
    assert {column.name: column.sequence for column in found.columns if column.sequence is not None} == {
        "h": OwnedSequence("d_h_seq", "a", "integer", 5, 1, 1, 2147483647),
        "i": OwnedSequence("d_i_seq", "", "smallint", 1, 1, 1, 32767),
    }


def test_checks_are_told_as_postgresql_writes_them_for_every_reader(server: RealServer) -> None:
    dsn = server.database(
        "CREATE FUNCTION fine(date) RETURNS boolean LANGUAGE sql AS 'SELECT true';"
        " CREATE TABLE d (a date, b text, c date, CONSTRAINT since CHECK (a >= '2001-02-03'),"
        " CONSTRAINT coded CHECK (b ~ '^\\d+''$'), CONSTRAINT other CHECK (fine(c)));"
        " ALTER TABLE d ADD CONSTRAINT later CHECK (c > a) NOT VALID"
    )
    execute(dsn, f"ALTER DATABASE {_database(dsn)} SET datestyle = 'German'")
    execute(dsn, f"ALTER DATABASE {_database(dsn)} SET standard_conforming_strings = off")
    source = PostgresSource("crm", dsn)
    (found,) = source.discover().tables
    source.close()
    assert {one.name: one.definition for one in found.constraints if one.kind == "c"} == {
        "since": "CHECK ((a >= '2001-02-03'::date))",
        "coded": "CHECK ((b ~ '^\\d+''$'::text))",
        "other": "CHECK (public.fine(c))",
        "later": "CHECK ((c > a)) NOT VALID",
    }


def _database(dsn: str) -> str:
    return always_quoted(str(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]))


def test_keys_and_indexes_can_be_made_again_under_client_names(server: RealServer, tables: dict[str, Table]) -> None:
    kinds, person = tables["crm.kinds"], tables["crm_hr.person"]
    assert {(each.kind, each.definition) for each in person.constraints} == {
        ("p", "PRIMARY KEY (id)"),
        ("u", 'UNIQUE ("Full Name")'),
        ("f", 'FOREIGN KEY (kind) REFERENCES "crm"."kinds"(id) ON DELETE CASCADE'),
        ("f", 'FOREIGN KEY (boss) REFERENCES "crm_hr"."person"(id)'),
    }
    kind = IndexKey("kind")
    assert [*person.indexes] == [
        Index("person_Full Name_idx", (IndexKey("Full Name", operator_class="text_pattern_ops"),)),
        Index("person_hash", (kind,), method="hash"),
        Index("person_kind", (replace(kind, descending=True, nulls_first=True), IndexKey("id")), included=("boss",)),
        Index("person_lower", (IndexKey(None, 'lower("Full Name")', collation="C"),)),
        Index("person_some", (kind,), predicate="(kind > 3)"),
        Index("person_words", (IndexKey("Full Name", collation="C"),), nulls_distinct=False, unique=True),
    ]
    mirror = server.database("CREATE SCHEMA crm; CREATE SCHEMA crm_hr")
    for table in (kinds, person):
        columns = ", ".join(f'"{column.name}" {column.sql_type}' for column in table.columns)
        execute(mirror, f"CREATE TABLE {table.name} ({columns})")
        for constraint in table.constraints:
            execute(mirror, f'ALTER TABLE {table.name} ADD CONSTRAINT "{constraint.name}" {constraint.definition}')


def test_partitions_are_told_of_the_table_that_they_are_of(tables: dict[str, Table]) -> None:
    whole, part = tables["crm.parted"], tables["crm.parted_b"]
    assert (whole.partitioned_by, whole.partition, part.partitioned_by) == ("RANGE (k)", None, None)
    assert part.partition == Partition(whole.name, "FOR VALUES FROM (10) TO (20)")


def test_a_partitioned_table_has_the_rows_and_bytes_of_its_leaves(tables: dict[str, Table]) -> None:
    leaves = tables["crm.parted_a"], tables["crm.parted_b"]
    assert tables["crm.parted"].rows == 100
    assert tables["crm.parted"].bytes == sum(leaf.bytes or 0 for leaf in leaves) > 0
    assert (tables["crm.v"].rows, tables["crm.v"].bytes) == (None, None)


def test_a_table_never_analyzed_has_no_row_estimate(server: RealServer) -> None:
    source = PostgresSource("crm", server.database("CREATE TABLE fresh (a int); INSERT INTO fresh VALUES (1)"))
    assert source.discover().tables[0].rows is None


def test_what_the_role_may_not_read_is_broken_or_left_out(database: str) -> None:
    execute(
        database,
        "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN;"
        "ALTER TABLE half ADD CHECK (hidden > 0);"
        "GRANT SELECT ON kinds TO reader; GRANT SELECT (seen) ON half TO reader",
    )
    found = PostgresSource("crm", psycopg.conninfo.make_conninfo(database, user="reader")).discover()
    execute(database, "DROP OWNED BY reader; DROP ROLE reader")
    half = next(table for table in found.tables if table.name.name == "half")
    assert [column.name for column in half.columns] == ["seen"]
    assert half.constraints == ()
    assert {str(table.name) for table in found.tables} == {"crm.kinds", "crm.half"}
    assert found.broken[TableName("crm", "secret")] == 'the role of source "crm" may not read it'
    assert "crm_hr" not in found.schemas
