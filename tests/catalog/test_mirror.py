"""The catalogue mirror: its shape is the lake's, and only the differences of a change are worked on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pyarrow as pa
import pytest

from catalog.mirror.mirror import Mirror, open_mirror
from catalog.names import TableName
from catalog.server import Server
from catalog.store.rows import SCHEMA_ITSELF, USAGE, AccessRows, Grant, Membership, Role, TableRights
from catalog.store.store import Store
from catalog.tables import Catalog, Column, Constraint, Index, IndexKey, OwnedSequence, Partition, Table

ROLES = (Role("ann"), Role("boss", superuser=True), Role("staff", login=False))
USERS = (("staff", "crm"), ("ann", "sales"), ("public", "open"))
ACCESS = AccessRows(
    1,
    ROLES,
    (Membership("staff", "ann"),),
    (
        *(Grant("staff", "crm", "nation"), Grant("ann", "sales"), Grant("public", "open", "notes")),
        *(Grant(role, schema, SCHEMA_ITSELF, USAGE) for role, schema in USERS),
    ),
)


def table(schema: str, name: str, *columns: str, **more: object) -> Table:
    parsed = [column.split(" ", 1) for column in columns]
    made = tuple(
        Column(name, kind.removesuffix(" not null"), pa.null(), not kind.endswith(" not null")) for name, kind in parsed
    )
    return Table(TableName(schema, name), schema, "delta", (), made, **more)  # type: ignore[arg-type]


def catalog(*tables: Table, **schemas: str | None) -> Catalog:
    return Catalog(1, {item.name: item for item in tables}, schemas)


NATION = table(
    "crm",
    "nation",
    "n_nationkey integer not null",
    "n_name character(25) not null",
    constraints=(Constraint("nation_pkey", "p", "PRIMARY KEY (n_nationkey)"),),
    rows=25,
)
CUSTOMER = table(
    "crm",
    "customer",
    "c_custkey bigint not null",
    "c_nationkey integer",
    "c_acctbal numeric(15,2)",
    "tags text[]",
    constraints=(
        Constraint("customer_pkey", "p", "PRIMARY KEY (c_custkey)"),
        Constraint("customer_nation", "f", "FOREIGN KEY (c_nationkey) REFERENCES crm.nation(n_nationkey)"),
    ),
    indexes=(Index("customer_balance", (IndexKey("c_acctbal", descending=True, nulls_first=True),)),),
    comment="who buys; 100% of 'them'",
    rows=1_500_000,
)
LINEITEM = table("sales", "lineitem", "l_orderkey bigint", "l_shipdate date", rows=6_001_215)
NOTES = replace(
    table("open", "notes"),
    columns=(Column('Odd "column" 100%', "timestamp(3) with time zone", pa.null(), comment="ü"),),
)
LAKE = catalog(CUSTOMER, NATION, LINEITEM, NOTES, crm="customers", sales=None, open="", bare="nothing yet")


@pytest.fixture
def lake(mirror: Mirror) -> Iterator[Mirror]:
    mirror.apply(LAKE, ACCESS)
    yield mirror
    mirror.apply(catalog(), AccessRows(99))


def ask(server: Server, mirror: Mirror, query: str, *, role: str | None = None) -> list[tuple[object, ...]]:
    password = mirror.password(role) if role else None
    with psycopg.connect(**server.connection_parameters(mirror.database, role, password)) as connection:
        return connection.execute(query.encode()).fetchall()


def oids(server: Server, mirror: Mirror) -> dict[object, object]:
    rows = ask(server, mirror, "SELECT relname, oid FROM pg_class WHERE relkind = 'r' AND oid > 16383")
    return dict(rows)  # type: ignore[arg-type]


def test_columns_keys_and_comments_are_the_sources(server: Server, lake: Mirror) -> None:
    columns = ask(
        server,
        lake,
        "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull FROM pg_attribute a"
        " JOIN pg_class c ON c.oid = a.attrelid WHERE attnum > 0 AND relname IN ('customer', 'notes') AND relkind = 'r'"
        " ORDER BY 1, attnum",
    )
    assert columns == [
        ("customer", "c_custkey", "bigint", True),
        ("customer", "c_nationkey", "integer", False),
        ("customer", "c_acctbal", "numeric(15,2)", False),
        ("customer", "tags", "text[]", False),
        ("notes", 'Odd "column" 100%', "timestamp(3) with time zone", False),
    ]
    constraints = ask(
        server,
        lake,
        "SELECT conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint"
        " WHERE contype IN ('p', 'f') AND connamespace = 'crm'::regnamespace ORDER BY 1",
    )
    assert constraints == [
        ("customer_nation", "FOREIGN KEY (c_nationkey) REFERENCES crm.nation(n_nationkey)", True),
        ("customer_pkey", "PRIMARY KEY (c_custkey)", True),
        ("nation_pkey", "PRIMARY KEY (n_nationkey)", True),
    ]
    assert ask(server, lake, "SELECT pg_get_indexdef('crm.customer_balance'::regclass)") == [
        ("CREATE INDEX customer_balance ON crm.customer USING btree (c_acctbal DESC)",)
    ]
    assert ask(
        server,
        lake,
        "SELECT obj_description('crm.customer'::regclass), col_description('open.notes'::regclass, 1),"
        " obj_description('crm'::regnamespace), obj_description('sales'::regnamespace), current_database()",
    ) == [("who buys; 100% of 'them'", "ü", "customers", None, lake.database)]
    assert ask(server, lake, "SELECT 'bare'::regnamespace::text") == [("bare",)]


def test_defaults_are_shown_where_they_are_plain(server: Server, mirror: Mirror) -> None:
    told = {
        "state": ("character varying(10)", "'new'::character varying"),
        "at": ("date", "CURRENT_DATE"),
        "sum": ("integer", "(3 + 5)"),
        "until": ("timestamp with time zone", "(now() + '30 days'::interval)"),
        "here": ("timestamp without time zone", "timezone('utc'::text, now())"),
        "never": ("integer", "(1 / 0)"),  # is not evaluated
    }
    left_out = {
        "number": ("integer", "nextval('public.s'::regclass)"),
        "word": ("text", "pg_sleep(1)::text"),
        "other": ("integer", "length(word)"),
        "long": ("text", "repeat('x'::text, 1000000000)"),
        "own": ("integer", "public.f()"),
        "chance": ("double precision", "random()"),
    }
    columns = tuple(
        Column(name, type_name, pa.null(), default=default)
        for name, (type_name, default) in {**told, **left_out, "none": ("text", None)}.items()
    )
    lake = catalog(replace(table("crm", "orders"), columns=columns))
    mirror.apply(lake, ACCESS)
    query = "SELECT column_name, column_default FROM information_schema.columns WHERE table_name = 'orders' ORDER BY 1"
    shown = [(name, default) for name, (_, default) in told.items()]
    try:
        assert {*ask(server, mirror, query)} == {*shown, *((name, None) for name in (*left_out, "none"))}
        changed = (replace(columns[0], default="'old'::character varying"), *columns[1:])
        mirror.apply(catalog(replace(table("crm", "orders"), columns=changed)), ACCESS)
        assert ("state", "'old'::character varying") in ask(server, mirror, query)
        wrong = (replace(columns[0]), Column("word", "box", pa.null(), default="(3 + 5)"))
        mirror.apply(catalog(replace(table("crm", "orders"), columns=wrong)), ACCESS)
        assert ask(server, mirror, query) == [("state", "'new'::character varying"), ("word", None)]
    finally:
        mirror.apply(catalog(), AccessRows(99))


def test_checks_are_shown_as_their_source_has_them_and_none_is_evaluated(server: Server, mirror: Mirror) -> None:
    told = {
        "dear": "CHECK ((price > (0)::numeric))",
        "fresh": "CHECK ((price < (100)::numeric)) NOT VALID",
        "own": "CHECK ((price <> (7)::numeric)) NO INHERIT",
        "wish": "CHECK ((price > (5)::numeric)) NOT ENFORCED",
        # Folded by a planner, this takes a gigabyte.
        "long": "CHECK ((length(repeat('x'::text, 1000000000)) > 1))",
        "state": "CHECK (((state)::text = ANY ((ARRAY['new'::character varying, 'p''d'::character varying])::text[])))",
    }
    left_out = {"other": "CHECK (public.fine(price))", "money": "CHECK ((price > '$1.00'::money))"}
    checks = tuple(Constraint(name, "c", text) for name, text in {**told, **left_out}.items())
    orders = replace(table("crm", "orders", "price numeric(12,2)", "state character varying(10)"), constraints=checks)
    query = (
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'c' AND conrelid = 'crm.orders'::regclass"
    )
    try:
        applied = mirror.apply(catalog(orders, table("crm", "beside", "a integer")), ACCESS)
        assert dict(ask(server, mirror, query)) == told  # type: ignore[arg-type]
        assert [*applied.notes] == [
            "crm.orders: constraint other is not shown",
            "crm.orders, a key or index: operator does not exist: numeric > money",
        ]
        assert ask(server, mirror, "SELECT 'crm.beside'::regclass::text") == [("crm.beside",)]
        mirror.apply(catalog(replace(orders, constraints=checks[:1])), ACCESS)
        assert ask(server, mirror, query) == [("dear", told["dear"])]
    finally:
        mirror.apply(catalog(), AccessRows(99))


def test_indexes_are_shown_where_all_their_parts_are_postgresqls_own(server: Server, mirror: Mirror) -> None:
    lower, own = IndexKey(None, "lower(name)"), IndexKey(None, "public.f(name)")
    told = {
        "plain": (Index("plain", (IndexKey("id"), IndexKey("Odd", descending=True)), True, included=("name",)),
                  'UNIQUE INDEX plain ON crm.t USING btree (id, "Odd" DESC NULLS LAST) INCLUDE (name)'),
        "low": (Index("low", (lower, IndexKey(None, "(id + 1)", nulls_first=True)), nulls_distinct=False),
                "INDEX low ON crm.t USING btree (lower(name), ((id + 1)) NULLS FIRST) NULLS NOT DISTINCT"),
        "few": (Index("few", (IndexKey("id"),), predicate="((name = 'x'::text) AND (id IS NOT NULL))"),
                 "INDEX few ON crm.t USING btree (id) WHERE ((name = 'x'::text) AND (id IS NOT NULL))"),
        "other": (Index("other", (IndexKey("doc", operator_class="jsonb_path_ops"),), method="gin"),
                  "INDEX other ON crm.t USING gin (doc jsonb_path_ops)"),
        "c": (Index("c", (IndexKey("name", collation="C", operator_class="text_pattern_ops"),)),
              'INDEX c ON crm.t USING btree (name COLLATE "C" text_pattern_ops)'),
    }  # fmt: skip
    left_out = (
        *(Index("own", (own,)), Index("long", (IndexKey(None, "repeat('x'::text, 1000000000)"),))),
        *(Index("where", (lower,), predicate="public.f(name)"), Index("method", (lower,), method="bloom")),
        *(Index("gone", (IndexKey("gone"),)), Index("empty", ()), Index("in", (lower,), included=("gone",))),
        Index("open", (IndexKey(None, "lower(name)); DROP TABLE crm.t; --"),)),
    )
    refused = Index("refused", (IndexKey("doc", operator_class="text_ops"),))
    columns = table("crm", "t", "id integer", "Odd integer", "name text", "doc jsonb")
    found = replace(columns, indexes=(*(one for one, _ in told.values()), *left_out, refused))
    try:
        applied = mirror.apply(catalog(found), ACCESS)
        shown = ask(server, mirror, "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'crm'")
        assert dict(shown) == {name: f"CREATE {text}" for name, (_, text) in told.items()}  # type: ignore[arg-type]
        assert [*applied.notes[:-1]] == [f"crm.t: index {one.name} is not shown" for one in left_out]
        assert "text_ops" in applied.notes[-1]
    finally:
        mirror.apply(catalog(), AccessRows(99))


def test_sequences_of_columns_are_there_and_of_no_use(server: Server, mirror: Mirror) -> None:
    whole = (1, 2147483647)
    ways = {
        "id": OwnedSequence("t_id_seq", "d", "integer", 10, 5, 1, 1000, 7, True),
        "no": OwnedSequence("t_no_seq", "a", "bigint", -1, -1, -9, -1),
        "old": OwnedSequence('Odd "seq"', "", "integer", 1, 1, *whole),
        "word": OwnedSequence("t_word_seq", "d", "integer", 1, 1, *whole),
    }
    names = {"id": "integer", "no": "bigint", "old": "integer", "word": "text"}
    columns = tuple(Column(one, kind, pa.null(), False, sequence=ways[one]) for one, kind in names.items())
    taken = (replace(columns[0], sequence=replace(ways["id"], name="t")),)  # a name that a table has
    found = (replace(table("crm", "t"), columns=columns), replace(table("crm", "u"), columns=taken))
    shown = (
        "SELECT attname, attidentity::text, pg_get_serial_sequence(c.oid::regclass::text, attname),"
        " pg_get_expr(adbin, adrelid) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
        " WHERE a.attnum > 0 AND c.relkind = 'r' AND c.relnamespace = 'crm'::regnamespace ORDER BY c.relname, a.attnum"
    )
    try:
        applied = mirror.apply(catalog(*found), ACCESS)
        assert ask(server, mirror, shown) == [
            ("id", "d", "crm.t_id_seq", None),
            ("no", "a", "crm.t_no_seq", None),
            ("old", "", 'crm."Odd ""seq"""', 'nextval(\'crm."Odd ""seq"""\'::regclass)'),
            ("word", "", None, None),
            ("id", "", None, None),
        ]
        assert [*applied.notes] == ['table crm.u: relation "t" already exists']
        numbers = "SELECT start_value, increment_by, min_value, max_value, cache_size, cycle FROM pg_sequences"
        assert ask(server, mirror, f"{numbers} WHERE sequencename = 't_id_seq'") == [(10, 5, 1, 1000, 7, True)]
        owned = replace(ACCESS, version=2, tables=(TableRights("crm", "t", "ann"),))
        mirror.apply(catalog(*found), owned)
        owners = (
            "SELECT DISTINCT relowner::regrole::text, relacl::text FROM pg_class WHERE relkind = 'S' AND oid > 16383"
        )
        assert ("ann", "{ann=r/ann}") in ask(server, mirror, owners)
        for statement in ("SELECT nextval('crm.t_id_seq')", "SELECT setval('crm.t_no_seq', -2)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for sequence"):
                ask(server, mirror, statement, role="ann")
        for role in (None, "ann"):
            with pytest.raises(psycopg.Error, match=r"permission denied|not been populated"):
                ask(server, mirror, "SELECT * FROM crm.t_id_seq", role=role)
        mirror.apply(catalog(), ACCESS)
        assert ask(server, mirror, "SELECT count(*) FROM pg_sequences WHERE schemaname = 'crm'") == [(0,)]
    finally:
        mirror.apply(catalog(), AccessRows(99))


def test_partitions_are_shown_as_such_and_are_behind_the_wall(server: Server, mirror: Mirror) -> None:
    def part(name: str, bound: str, of: str = "whole", key: str | None = None) -> Table:
        found = table("crm", name, "at date not null", "Site text not null", "id integer")
        return replace(found, partition=Partition(TableName("crm", of), bound), partitioned_by=key)

    whole = replace(
        table("crm", "whole", "at date not null", "Site text not null", "id integer"), partitioned_by="RANGE (at)"
    )
    old, new = (
        part("old", "FOR VALUES FROM (MINVALUE) TO ('2024-01-01')"),
        "FOR VALUES FROM ('2024-01-01') TO (MAXVALUE)",
    )
    nested = part("new", new, key='LIST ("Site")')
    shop = part("shop", "FOR VALUES IN ('it''s', 'me')", of="new")
    key = (Constraint("old_pkey", "p", 'PRIMARY KEY (at, "Site")'),)
    strange = replace(whole, name=TableName("crm", "strange"), partitioned_by="RANGE (public.f(at))")
    left_out = (
        part("own", "FOR VALUES FROM (public.f()) TO ('2024-01-01')"),
        part("more", "DEFAULT; DROP TABLE crm.whole"),
        part("of_strange", "DEFAULT", of="strange"),
        part("twice", "FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')"),
    )
    tree = (
        "SELECT relid::regclass::text, pg_get_expr(c.relpartbound, c.oid) FROM pg_partition_tree('crm.whole') t"
        " JOIN pg_class c ON c.oid = t.relid ORDER BY 1"
    )
    told = [
        ("crm.new", new),
        ("crm.old", old.partition.bound if old.partition else None),
        ("crm.shop", "FOR VALUES IN ('it''s', 'me')"),
        ("crm.whole", None),
    ]
    try:
        whole = replace(whole, constraints=(Constraint("whole_pkey", "p", 'PRIMARY KEY (at, "Site")'),))
        old = replace(old, constraints=key)
        applied = mirror.apply(catalog(whole, old, nested, shop, strange, *left_out), ACCESS)
        notes = " ".join(applied.notes)
        assert all(
            one in notes for one in ("crm.own: is not", "crm.more: is not", "crm.twice, as a partition: partition")
        )
        assert ask(server, mirror, tree) == [told[0], told[1], told[2], told[3]]
        inherited = "SELECT count(*) FROM pg_inherits WHERE inhrelid = 'crm.old_pkey'::regclass"
        assert ask(server, mirror, inherited) == [(1,)]
        for query in (
            "TABLE crm.whole",
            "SELECT FROM crm.whole WHERE at = '2020-01-01'",
            "TABLE crm.new",
            "TABLE crm.shop",
        ):
            with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
                ask(server, mirror, query)
        mirror.apply(catalog(replace(whole, comment="anew"), old, nested, shop), ACCESS)
        assert ask(server, mirror, tree) == told
        moved = part("old", "FOR VALUES FROM ('2000-01-01') TO ('2024-01-01')")
        mirror.apply(catalog(replace(whole, comment="anew"), moved, replace(nested, partition=None), shop), ACCESS)
        assert ask(server, mirror, tree) == [("crm.old", moved.partition.bound if moved.partition else None), told[3]]
        assert ask(server, mirror, "SELECT relkind::text FROM pg_class WHERE oid = 'crm.new'::regclass") == [("p",)]
        applied = mirror.apply(catalog(replace(shop, partition=None)), ACCESS)
        assert (applied.dropped, ask(server, mirror, "SELECT count(*) FROM pg_inherits WHERE inhseqno = 1")) == (
            3,
            [(0,)],
        )
    finally:
        mirror.apply(catalog(), AccessRows(99))


def test_generated_columns_are_shown_as_such_or_else_as_plain_ones(server: Server, mirror: Mirror) -> None:
    def made(name: str, **expressions: tuple[str, str]) -> Table:
        generated = (
            Column(one, "numeric", pa.null(), default=text, generated=kind) for one, (kind, text) in expressions.items()
        )
        return replace(table("crm", name), columns=(Column("price", "numeric", pa.null()), *generated))

    orders = made("orders", gross=("s", "(price * 1.2)"), net=("v", "(price - (1)::numeric)"), own=("s", "f(price)"))
    broken = made("broken", one=("s", "((1)::numeric / (0)::numeric)"), two=("s", "(price + (1)::numeric)"))
    nested = made("nested", one=("s", "(price + (1)::numeric)"), two=("s", "(one + (1)::numeric)"))
    query = (
        "SELECT a.attrelid::regclass::text, attname, attgenerated::text, pg_get_expr(d.adbin, d.adrelid)"
        " FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
        " WHERE a.attnum > 1 AND a.attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'crm'::regnamespace)"
        " ORDER BY 1, a.attnum"
    )
    try:
        applied = mirror.apply(catalog(orders, broken, nested), ACCESS)
        assert ask(server, mirror, query) == [
            ("crm.broken", "one", "", None),
            ("crm.broken", "two", "", None),
            ("crm.nested", "one", "s", "(price + (1)::numeric)"),
            ("crm.nested", "two", "", None),
            ("crm.orders", "gross", "s", "(price * 1.2)"),
            ("crm.orders", "net", "v", "(price - (1)::numeric)"),
            ("crm.orders", "own", "", None),
        ]
        assert [*applied.notes] == ["table crm.broken: division by zero"]
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
            ask(server, mirror, "SELECT net, gross FROM crm.orders")
        mirror.apply(catalog(made("orders", gross=("s", "(price * 1.3)"))), ACCESS)
        assert ask(server, mirror, query) == [("crm.orders", "gross", "s", "(price * 1.3)")]
    finally:
        mirror.apply(catalog(), AccessRows(99))


def test_what_is_too_much_for_postgresql_is_noted_and_the_rest_is_shown(server: Server, mirror: Mirror) -> None:
    wide = table("crm", "wide", *(f"c{number} integer" for number in range(1601)))
    deep = replace(
        table("crm", "deep", "a jsonb"),
        columns=(Column("a", "jsonb", pa.null(), default=f"'{'[' * 20_000}{']' * 20_000}'::jsonb"),),
    )
    try:
        applied = mirror.apply(catalog(wide, deep, NATION), ACCESS)
        assert [*applied.notes] == [
            "table crm.wide: tables can have at most 1600 columns",
            "table crm.deep: stack depth limit exceeded",
        ]
        assert ask(server, mirror, "SELECT count(*) FROM pg_class WHERE relname = 'nation'") == [(1,)]
    finally:
        mirror.apply(catalog(), AccessRows(99))


def test_rows_are_told_of_what_all_may_read_and_pages_are_none(server: Server, lake: Mirror) -> None:
    query = (
        "SELECT relname, reltuples::bigint, relpages FROM pg_class"
        " WHERE oid > 16383 AND relkind = 'r' AND relname NOT LIKE 'lakegate%' ORDER BY 1"
    )
    assert ask(server, lake, query) == [
        ("customer", -1, 0),
        ("lineitem", -1, 0),
        ("nation", -1, 0),
        ("notes", -1, 0),
    ]
    before = oids(server, lake)
    to_all = (Grant("public", "sales", "lineitem"), Grant("public", "sales", SCHEMA_ITSELF, USAGE))
    everybodys = replace(ACCESS, version=2, grants=(*ACCESS.grants, *to_all))
    told = "SELECT reltuples::bigint FROM pg_class WHERE relname = 'lineitem'"
    lake.apply(LAKE, everybodys)
    assert ask(server, lake, told) == [(6_001_215,)]
    grown = catalog(CUSTOMER, NATION, replace(LINEITEM, rows=7_000_000), NOTES, **LAKE.schemas)
    assert lake.apply(grown, everybodys).changed == 0
    assert ask(server, lake, told) == [(7_000_000,)]
    for taken in to_all:
        lake.apply(grown, replace(everybodys, grants=tuple(one for one in everybodys.grants if one != taken)))
        assert ask(server, lake, told) == [(-1,)]
        lake.apply(grown, everybodys)
        assert ask(server, lake, told) == [(7_000_000,)]
    lake.apply(LAKE, ACCESS)
    assert oids(server, lake) == before


def test_only_what_differs_is_made_anew(server: Server, lake: Mirror) -> None:
    before = oids(server, lake)
    wider = replace(LINEITEM, columns=(*LINEITEM.columns, Column("l_tax", "numeric(15,2)", pa.null())))
    extra = table("sales", "orders", "o_orderkey bigint")
    applied = lake.apply(catalog(CUSTOMER, NATION, wider, extra, **LAKE.schemas), ACCESS)
    assert (applied.created, applied.changed, applied.dropped, applied.notes) == (1, 1, 1, ())
    after = oids(server, lake)
    assert "notes" not in after
    assert after["lineitem"] != before["lineitem"]
    assert {name: after[name] for name in ("customer", "nation")} == {
        name: before[name] for name in ("customer", "nation")
    }
    assert ask(server, lake, "SELECT has_table_privilege('ann', 'sales.lineitem', 'SELECT')") == [(True,)]


def test_a_new_gateway_finds_nothing_to_do(server: Server, store: Store, lake: Mirror) -> None:
    before = oids(server, lake)
    xmin = "SELECT oid, xmin::text FROM pg_class WHERE oid > 16383 ORDER BY 1"
    rows = ask(server, lake, xmin)
    again = open_mirror(server, store.require_secret("mirror"), lake.database)
    assert again.apply(LAKE, ACCESS) == lake.apply(LAKE, ACCESS)
    assert oids(server, lake) == before
    assert ask(server, lake, xmin) == rows


def test_many_tables_are_planned_for_as_soon_as_they_are_shown(server: Server, lake: Mirror) -> None:
    wide = {TableName("wide", f"t{n}"): table("wide", f"t{n}", "a integer", "b text", rows=n) for n in range(120)}
    lake.apply(replace(LAKE, tables={**LAKE.tables, **wide}), ACCESS)
    columns = ask(server, lake, "SELECT count(*)::int FROM pg_attribute")[0][0]
    assert ask(server, lake, "SELECT reltuples::int FROM pg_class WHERE relname = 'pg_attribute'") == [(columns,)]
    few = replace(LAKE, tables={**LAKE.tables, **dict([*wide.items()][:110])})
    lake.apply(few, ACCESS)  # of few tables PostgreSQL learns by itself
    assert ask(server, lake, "SELECT reltuples::int FROM pg_class WHERE relname = 'pg_attribute'") == [(columns,)]
    again = lake.apply(replace(few, tables={**few.tables, NATION.name: replace(NATION, comment="changed")}), ACCESS)
    assert (again.created, again.changed, again.dropped) == (0, 1, 0)


def test_foreign_keys_come_back_when_the_referenced_table_is_made_anew(server: Server, lake: Mirror) -> None:
    other = replace(NATION, comment="changed")
    before = oids(server, lake)
    lake.apply(catalog(CUSTOMER, other, LINEITEM, NOTES, **LAKE.schemas), ACCESS)
    assert oids(server, lake)["customer"] == before["customer"]
    assert ask(server, lake, "SELECT confrelid::regclass::text FROM pg_constraint WHERE contype = 'f'") == [
        ("crm.nation",)
    ]
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):  # the wall stands again
        ask(server, lake, "SELECT count(*) FROM crm.customer")


def test_schemas_go_with_their_source(server: Server, lake: Mirror) -> None:
    lake.apply(catalog(LINEITEM, sales="now with a comment"), ACCESS)
    others = "WHERE nspname !~ '^(pg_|lakegate)' ORDER BY 1"
    query = f"SELECT nspname, obj_description(oid, 'pg_namespace') FROM pg_namespace {others}"
    assert ask(server, lake, query) == [
        ("information_schema", None),
        ("public", "standard public schema"),
        ("sales", "now with a comment"),
    ]


def test_what_the_mirror_cannot_show_is_noted_and_harms_nothing(server: Server, lake: Mirror) -> None:
    tables = [
        table("crm", "places", "id integer", "shape geometry(Point,4326)", "evil text); DROP SCHEMA crm CASCADE; --"),
        table("crm", "types", "a numeric(5000,2)", "b anyelement", "c crm.types", "d int[]", "e regclass"),
        table("crm", "n" * 64, "a integer"),
        table("crm", "system", "ctid integer"),
        table("pg_evil", "t", "a integer"),
        table("information_schema", "mine", "a integer"),
        replace(
            NATION, constraints=(Constraint("k", "p", "PRIMARY KEY (absent)"), Constraint("c", "c", "CHECK (f())"))
        ),
        table(
            "crm",
            "orphan",
            "a integer",
            constraints=(
                Constraint("one", "f", "FOREIGN KEY (a) REFERENCES crm.absent(x)"),
                Constraint("two", "f", "FOREIGN KEY (a) REFERENCES sales.lineitem(l_orderkey)"),
            ),
        ),
        LINEITEM,
    ]
    applied = lake.apply(catalog(*tables), ACCESS)
    notes = "\n".join(applied.notes)
    for expected in (
        "crm.places: column shape of type geometry(Point,4326) is shown as text",
        "crm.places: column evil of type text); DROP SCHEMA crm CASCADE; -- is shown as text",
        "crm.types: column a of type numeric(5000,2) is shown as text",
        "crm.types: column b of type anyelement is shown as text",
        "crm.types: column c of type crm.types is shown as text",
        "nnn: PostgreSQL can have no such name",
        'table crm.system: column name "ctid" conflicts with a system column name',
        'schema pg_evil: unacceptable schema name "pg_evil"',
        "crm.nation: constraint c is not shown",
        'crm.nation, a key or index: column "absent" of relation "nation" does not exist',
        "crm.orphan, constraint two: there is no unique constraint matching given keys",
    ):
        assert expected in notes
    assert "column d" not in notes
    query = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'crm'::regnamespace ORDER BY 1"
    assert ask(server, lake, query) == [("nation",), ("orphan",), ("places",), ("types",)]
    assert ask(server, lake, "SELECT count(*) FROM pg_class WHERE relname = 'mine'") == [(0,)]
    assert lake.apply(catalog(*tables), ACCESS).created == 0


def test_a_client_that_holds_a_table_does_not_hold_up_the_others(server: Server, lake: Mirror) -> None:
    tables = [replace(item, comment="new") for item in (LINEITEM, NOTES)]
    changed = catalog(CUSTOMER, NATION, *tables, **LAKE.schemas)
    client = psycopg.connect(**server.connection_parameters(lake.database, "ann", lake.password("ann")))
    with client:
        client.execute("LOCK TABLE sales.lineitem IN ACCESS SHARE MODE")
        applied = lake.apply(changed, ACCESS)
        assert (applied.changed, applied.postponed) == (1, 1)
        assert applied.notes == ("table sales.lineitem: in use, to be changed later",)
    applied = lake.apply(changed, ACCESS)
    assert (applied.changed, applied.postponed) == (1, 0)


def test_a_change_that_fails_changes_nothing(server: Server, lake: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    before = oids(server, lake)

    def fail(*_: object) -> None:
        raise psycopg.OperationalError("the server went away")

    monkeypatch.setattr("catalog.mirror.mirror.change_privileges", fail)
    with pytest.raises(psycopg.OperationalError):
        lake.apply(catalog(), ACCESS)
    monkeypatch.undo()
    assert oids(server, lake) == before
    assert lake.apply(catalog(), ACCESS).dropped == 4


def test_gateways_change_it_one_after_the_other(server: Server, store: Store, lake: Mirror) -> None:
    mirrors = [open_mirror(server, store.require_secret("mirror"), lake.database) for _ in range(3)]
    lakes = [catalog(LINEITEM, table("sales", f"t{n}", "a integer")) for n in range(3)]
    failures: list[BaseException] = []

    def run(mirror: Mirror, wanted: Catalog) -> None:
        try:
            mirror.apply(wanted, ACCESS)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=pair) for pair in zip(mirrors, lakes, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    names = oids(server, lake)
    assert "lineitem" in names
    assert sum(f"t{n}" in names for n in range(3)) == 1


def test_sessions_begin_with_the_gateways_settings(server: Server, store: Store, lake: Mirror) -> None:
    secret = store.require_secret("mirror")
    show = "SELECT current_setting('statement_timeout'), current_setting('search_path')"
    first = {"statement_timeout": "1234", "search_path": "sales, public"}
    open_mirror(server, secret, lake.database, first).apply(LAKE, ACCESS)
    assert ask(server, lake, show, role="ann")[0] == ("1234ms", "sales, public")
    second = {"statement_timeout": "0"}
    open_mirror(server, secret, lake.database, second).apply(LAKE, ACCESS)
    assert ask(server, lake, show, role="ann") == [("0", '"$user", public')]
