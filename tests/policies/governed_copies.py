"""Random policies over the small tables, and copies of these in PostgreSQL that were filtered and masked by hand."""

from __future__ import annotations

import random
from dataclasses import dataclass

import psycopg

from catalog.names import always_quoted
from catalog.principals import Principal
from catalog.store.rows import AccessRows, ColumnMask, Grant, MaskingPolicy, RowPolicy, TableRights
from policies.access import Access
from tests.optimizer.small_lake import COLUMNS, TABLES

WHO = Principal("tina", frozenset({"tina", "tenant"}), claims={"k": "4", "s": "a"})

# A condition as PostgreSQL keeps it, and what it comes to for WHO.
_FILTERS: tuple[tuple[str, str], ...] = (
    ("(k = 1)", "k = 1"),
    ("true", "true"),
    ("false", "false"),
    ("(id IS NOT NULL)", "id IS NOT NULL"),
    ("(s <> 'a'::text)", "s <> 'a'"),
    ("(k = ANY (ARRAY[1, 4]))", "k IN (1, 4)"),
    ("(s ~~ '%''%'::text)", "s LIKE '%''%'"),
    ("((k)::text = lakegate.claim('k'::text))", "k = 4"),
    ("(s = lakegate.claim('absent'::text))", "false"),
    ("(lakegate.is_member('tenant'::text) AND (k > 0))", "k > 0"),
    ("((CURRENT_USER = 'tina'::name) OR (k = 0))", "true"),
    ("((CURRENT_USER = 'otto'::name) OR (k = 4))", "k = 4"),
    ("(COALESCE(k, 0) < 4)", "COALESCE(k, 0) < 4"),
    ("(CASE WHEN (k IS NULL) THEN (id > 0) ELSE (k > 1) END)", "CASE WHEN k IS NULL THEN id > 0 ELSE k > 1 END"),
    ("(length(s) < 2)", "length(s) < 2"),
)
_FILTERS_BY_OTHERS: tuple[tuple[str, str], ...] = (
    ('(k IN ( SELECT o.k\n   FROM pg."order" o))', 'k IN (SELECT o.k FROM pg."order" o)'),
    (
        '(EXISTS ( SELECT 1\n   FROM pg."order" o\n  WHERE (o.id = one.id)))',
        'EXISTS (SELECT 1 FROM pg."order" o WHERE o.id = one.id)',
    ),
)
_INTEGER_MASKS = (
    "(value + 1)",
    "NULL::integer",
    "CASE WHEN (value > 1) THEN value ELSE 0 END",
    "(value * other)",
    "CASE WHEN lakegate.is_member('nobody'::text) THEN value ELSE 7 END",
    "CASE WHEN lakegate.is_member('tenant'::text) THEN value ELSE 7 END",
)
_TEXT_MASKS = ("'***'::text", "(\"left\"(value, 1) || '*'::text)", "upper(value)", "NULL::text")
_ORDER = (("pg", "order"), ("pg", "one"), ("pg", "none"), ("lk", "select"), ("lk", "none"), ("lk", "one"))


@dataclass(frozen=True, slots=True)
class Policies:
    """Rows for the store, and what makes the copy of each table (``schema.name`` → SELECT over ``raw_schema``)."""

    access: Access
    copies: dict[tuple[str, str], str]


def random_policies(seed: int) -> Policies:
    """Return policies for each of the small tables."""
    chosen = random.Random(seed)
    rights, row_policies, masking_policies, masks = [], [], [], []
    copies: dict[tuple[str, str], str] = {}
    for schema, table in _ORDER:
        condition = "true"
        if chosen.random() < 0.8:
            rights.append(TableRights(schema, table, row_security=True))
            made, condition = _row_policies(chosen, schema, table)
            row_policies += made
        columns = {name: always_quoted(name) for name in COLUMNS}
        for name in COLUMNS:
            if chosen.random() < 0.3:
                policy, mask, columns[name] = _mask(chosen, schema, table, name)
                masking_policies.append(policy)
                masks.append(mask)
        listed = ", ".join(f"{expression} AS {always_quoted(name)}" for name, expression in columns.items())
        copies[schema, table] = f"SELECT {listed} FROM raw_{schema}.{always_quoted(table)} one WHERE {condition}"
    grants = tuple(Grant("public", schema, table) for schema, table in _ORDER)
    rows = AccessRows(
        seed, (), (), grants, tuple(rights), tuple(row_policies), tuple(masking_policies), tuple(masks)
    )  # fmt: skip
    return Policies(Access.from_rows(rows), copies)


def _row_policies(chosen: random.Random, schema: str, table: str) -> tuple[list[RowPolicy], str]:
    filters = _FILTERS + (_FILTERS_BY_OTHERS * 3 if (schema, table) == ("lk", "one") else ())
    permissive, restrictive = chosen.choices(filters, k=chosen.choice((1, 1, 2))), chosen.choices(filters, k=1)
    others = [RowPolicy(schema, table, "not for reading", command="DELETE", using="true")]
    others.append(RowPolicy(schema, table, "not for her", roles=("otto",), using="true"))
    made = [RowPolicy(schema, table, f"p{n}", roles=("tenant",), using=u) for n, (u, _) in enumerate(permissive)]
    condition = " OR ".join(f"({reference})" for _, reference in permissive)
    if chosen.random() < 0.4:
        using, reference = restrictive[0]
        made.append(RowPolicy(schema, table, "r", permissive=False, using=using))
        condition = f"({condition}) AND ({reference})"
    return made + others, condition


def _mask(chosen: random.Random, schema: str, table: str, name: str) -> tuple[MaskingPolicy, ColumnMask, str]:
    is_text = COLUMNS[name] == "text"
    expression = chosen.choice(_TEXT_MASKS if is_text else _INTEGER_MASKS)
    sql_type = "text" if is_text else "integer"
    policy = MaskingPolicy(
        f"{schema} {table} {name}", (("value", sql_type), ("other", "integer")), sql_type, expression
    )  # fmt: skip
    reference = expression.replace("lakegate.is_member('nobody'::text)", "false")
    reference = reference.replace("lakegate.is_member('tenant'::text)", "true")
    reference = reference.replace("value", always_quoted(name)).replace("other", "id")
    collated = f'({reference}) COLLATE "C"' if is_text else reference
    return policy, ColumnMask(schema, table, name, policy.name, (name, "id")), collated


def make_originals(connection: psycopg.Connection) -> None:
    """Move the small tables of a database out of the copies' way."""
    for schema in TABLES:
        connection.execute(f"ALTER SCHEMA {schema} RENAME TO raw_{schema}".encode())


def make_copies(connection: psycopg.Connection, policies: Policies) -> None:
    """Make the filtered and masked copies, under the names of the tables."""
    for schema in TABLES:
        connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE".encode())
        connection.execute(f"CREATE SCHEMA {schema}".encode())
    for (schema, table), query in policies.copies.items():
        connection.execute(f"CREATE TABLE {schema}.{always_quoted(table)} AS {query}".encode())
