"""A server with a store and a mirror, as the tests of the catalogue have them, and a gateway over people."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from catalog.server import Server
from tests.catalog.conftest import mirror, server, session_folder, store
from tests.masks.people import POLICIES, People, serving_people

__all__ = ["mirror", "server", "session_folder", "store"]


@pytest.fixture(scope="session")
def people(server: Server) -> Iterator[People]:
    """People in three sources, and four policies."""
    with serving_people(server) as served:
        served.ask(POLICIES)
        yield served


@pytest.fixture
def clean(people: People) -> Iterator[People]:
    """The same; all masks, tags and policies are as they were after the test."""
    yield people
    for schema, table, column, *_ in people.ask("SELECT * FROM lakegate.column_masks"):
        people.ask(f'ALTER TABLE "{schema}"."{table}" ALTER COLUMN "{column}" UNSET MASKING POLICY')
    for tag, _, schema, table, column in people.ask("SELECT * FROM lakegate.tag_assignments"):
        place = f"SCHEMA {schema}" if schema else "DATABASE people_lake"
        if table:
            place = f"TABLE {schema}.{table}" + (f' ALTER COLUMN "{column}"' if column else "")
        people.ask(f"ALTER {place} UNSET TAG {tag}")
    for tag, _, policy in people.ask("SELECT * FROM lakegate.tag_policies"):
        people.ask(f"ALTER TAG {tag} UNSET MASKING POLICY {policy}")
    for (tag,) in people.ask("SELECT name FROM lakegate.tags"):
        people.ask(f"DROP TAG {tag}")
    for (policy,) in people.ask("SELECT name FROM lakegate.masking_policies"):
        if f"MASKING POLICY {policy} " not in POLICIES:
            people.ask(f"DROP MASKING POLICY {policy}")
