"""SQLAlchemy's inspector: every method gives for the gateway's tables what it gives for PostgreSQL's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from tests.clients.conftest import SCHEMA, SQLALCHEMY, Shop
from tests.clients.wire_replay import Where

TABLES = ("region", "nation", "customer", "orders", "lineitem", "prices", "types", "numbered", "visits", "visits_shop")
VIEW = "nation_orders"
QUESTIONS: dict[str, Callable[[sa.Inspector], object]] = {
    "tables": lambda one: sorted(one.get_table_names(SCHEMA)),
    "views": lambda one: [one.get_view_names(SCHEMA), one.get_materialized_view_names(SCHEMA)],
    "columns of a view": lambda one: _plain(one.get_columns(VIEW, SCHEMA)),
    "the query of a view": lambda one: _words(one.get_view_definition(VIEW, SCHEMA)),
    "temporary tables": lambda one: one.get_temp_table_names(),
    "sequences": lambda one: sorted(one.get_sequence_names(SCHEMA)),
    "columns": lambda one: [(name, _plain(one.get_columns(name, SCHEMA))) for name in TABLES],
    "primary keys": lambda one: [one.get_pk_constraint(name, SCHEMA) for name in TABLES],
    "foreign keys": lambda one: [one.get_foreign_keys(name, SCHEMA) for name in TABLES],
    "indexes": lambda one: [one.get_indexes(name, SCHEMA) for name in TABLES],
    "unique constraints": lambda one: [one.get_unique_constraints(name, SCHEMA) for name in TABLES],
    "check constraints": lambda one: [one.get_check_constraints(name, SCHEMA) for name in TABLES],
    "comments": lambda one: [one.get_table_comment(name, SCHEMA) for name in TABLES],
    "options": lambda one: [one.get_table_options(name, SCHEMA) for name in TABLES],
    "has": lambda one: [one.has_table(name, SCHEMA) for name in (*TABLES, "nothing")],
    "has index": lambda one: [one.has_index("orders", name, SCHEMA) for name in ("orders_custkey", "nothing")],
    "order by dependencies": lambda one: [name for name, _ in one.get_sorted_table_and_fkc_names(SCHEMA)][-3:],
    "all columns": lambda one: [(key, _plain(value)) for key, value in _of_tables(one.get_multi_columns(SCHEMA))],
    "all indexes": lambda one: _of_tables(one.get_multi_indexes(SCHEMA)),
    "all foreign keys": lambda one: _of_tables(one.get_multi_foreign_keys(SCHEMA)),
    "enumerations": lambda one: getattr(one, "get_enums")(SCHEMA),  # noqa: B009 (the dialect's own)
    "domains": lambda one: getattr(one, "get_domains")(SCHEMA),  # noqa: B009
    "the default schema": lambda one: one.default_schema_name,
}


def _words(query: str) -> list[str]:
    """Return a query without parentheses and schemas: its source writes it in one way, whoever asks in which."""
    assert "JOIN" in query
    return query.replace("(", "").replace(")", "").replace(f"{SCHEMA}.", "").split()


def _of_tables(found: Mapping[Any, Any]) -> list[tuple[str, Any]]:
    return sorted((str(key[1]), value) for key, value in found.items())


def _plain(columns: object) -> list[tuple[str, ...]]:
    assert isinstance(columns, list)
    return [tuple(f"{key}={value!r}" for key, value in sorted(column.items())) for column in columns]


def _engine(where: Where, driver: str) -> sa.Engine:
    return sa.create_engine(
        sa.URL.create(f"postgresql+{driver}", where.user, where.password, database=where.database),
        connect_args={"host": where.host, "port": where.port},
    )


@pytest.fixture(scope="module", params=["psycopg", "psycopg2"])
def inspectors(shop: Shop, request: pytest.FixtureRequest) -> Iterator[tuple[sa.Inspector, sa.Inspector]]:
    engines = [_engine(where, request.param) for where in (shop.ours, shop.peer)]
    ours, peers = (sa.inspect(engine) for engine in engines)
    yield ours, peers
    for engine in engines:
        engine.dispose()


@SQLALCHEMY
@pytest.mark.parametrize("question", QUESTIONS)
def test_the_inspector_says_what_it_says_of_postgresql(
    inspectors: tuple[sa.Inspector, sa.Inspector], question: str
) -> None:
    ours, peers = (QUESTIONS[question](one) for one in inspectors)
    assert ours == peers


def test_schemas_of_the_lake_are_there(inspectors: tuple[sa.Inspector, sa.Inspector]) -> None:
    assert {"sales", "supply", "crm", "files", SCHEMA} <= {*inspectors[0].get_schema_names()}
