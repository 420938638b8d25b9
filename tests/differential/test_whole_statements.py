"""Statements as one source's server is sent them: PostgreSQL's answer to what was written from the tree is that to the
client's own text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from sqlglot import exp
from sqlglot.errors import ParseError
from sqlglot.schema import MappingSchema

from catalog.errors import SqlError
from catalog.principals import Principal
from catalog.tables import Catalog
from connectors.postgres.source import PostgresSource
from gateway.sql.engine_dialect.before_qualify import parse, prepare
from gateway.sql.policy_text import policy_reader
from gateway.sql.resolve import Names, references, resolve
from gateway.sql.source_words import PURE_FUNCTIONS
from gateway.whole_statements import get_whole
from policies.access import Access
from policies.govern import govern
from policies.policy_reader import KeptRelations
from tests.differential.compare import difference
from tests.differential.script import Case
from tests.differential.subjects import Engine, Postgres
from tests.differential.test_differential import CASES

_ROLE = Principal("tester", frozenset({"tester"}), superuser=True)
_NOT_TAKEN = frozenset({"42601", "42804", "42883", "42P18"})  # found before anything is sent: the engine answers then


class Sent:
    """Writes statements for the server."""

    def __init__(self, dsn: str, postgres: Postgres, subject: Engine) -> None:
        self.source = PostgresSource("public", dsn)
        tables = self.source.discover().tables
        catalog = Catalog(1, {table.name: table for table in tables}, {"public": None})
        self.names = Names(catalog, frozenset(), ("public",), lambda name: True, types=subject.evaluator)
        self.functions = frozenset(name for (name,) in postgres.connection.execute(*PURE_FUNCTIONS).fetchall())

    def text(self, sql: str) -> str | None:
        """Return what is sent for a statement, None where nothing is."""
        parsed = parse(sql)
        tree = parsed if isinstance(parsed, exp.Query) else prepare(parsed, MappingSchema({}))
        resolved = resolve(tree, references(tree, self.names), self.names)
        governed = govern(resolved, _ROLE, Access(), policy_reader(self.names, KeptRelations()))
        whole = get_whole(governed, _ROLE, Access(), {"public": self.source}, self.functions)
        return None if whole is None else whole.sent


@pytest.fixture(scope="module")
def sent(dsn: str, postgres: Postgres, subject: Engine) -> Iterator[Sent]:
    made = Sent(dsn, postgres, subject)
    yield made
    made.source.close()


@pytest.mark.parametrize("case", [case for case in CASES if "error" not in case.marks], ids=lambda case: case.id)
def test_what_is_sent_answers_alike(case: Case, postgres: Postgres, sent: Sent) -> None:
    time_zone = case.marks.get("time zone", "UTC")
    try:
        text = sent.text(case.sql)
    except SqlError:
        return  # it is not resolved, and refused
    if text is None:
        return
    expected = postgres.answer(case.sql, time_zone)
    try:
        found = postgres.answer(text, time_zone)
    except psycopg.Error as error:
        assert error.sqlstate in _NOT_TAKEN, text
        return
    if found.oids == expected.oids:  # else the client was told other types, and the engine answers
        assert difference(expected, replace(found, names=expected.names), ordered=case.ordered) is None, text


def test_most_statements_are_sent(sent: Sent) -> None:
    written = 0
    for case in CASES:
        try:
            written += sent.text(case.sql) is not None
        except (SqlError, ParseError):  # some cases are mistakes
            continue
    assert written > len(CASES) // 2
