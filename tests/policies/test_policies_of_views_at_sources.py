"""Row policies of a view hold whichever server answers: one PostgreSQL that has all tables gets the whole statement."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.gateway import BOB, RunningGateway

_VIEWS = (
    "SELECT id, title FROM origin.things",
    "SELECT t.id, max(t.title) AS title FROM origin.things t GROUP BY t.id",
    "SELECT t.id, t.title FROM origin.things t JOIN origin.things o ON o.id = t.id",
)
_QUERIES = (
    "SELECT id, title FROM public.of_things",
    "SELECT id, title FROM public.of_things WHERE id <> 7 AND title > ''",
    "SELECT max(id), max(title) FROM public.of_things",
    "SELECT a.id, b.title FROM public.of_things a JOIN public.of_things b USING (id)",
    "SELECT id, title FROM public.of_things UNION SELECT id, title FROM public.of_things",
    "SELECT o.id, o.title FROM public.of_things o WHERE EXISTS (SELECT FROM public.of_things k WHERE k.id = o.id)",
)


@pytest.fixture
def client(gateway: RunningGateway) -> Iterator[psycopg.Connection]:
    with gateway.connect() as connection:
        yield connection
        connection.execute("DROP VIEW IF EXISTS public.of_things")


@pytest.mark.parametrize("definition", _VIEWS)
def test_policies_of_views_over_a_source(gateway: RunningGateway, client: psycopg.Connection, definition: str) -> None:
    things = client.execute("SELECT id, title FROM origin.things ORDER BY id").fetchall()
    (lowest, title), rows = things[0], len(things)
    assert rows > 1
    for statement in (
        f"CREATE VIEW public.of_things AS {definition}",
        f"GRANT SELECT ON public.of_things TO {BOB}",
        f"CREATE POLICY first ON public.of_things USING (id = {lowest})",
        "ALTER VIEW public.of_things ENABLE ROW LEVEL SECURITY",
    ):
        client.execute(statement.encode())
    with gateway.connect(BOB) as bob:
        for query in _QUERIES:
            for prepare in (False, True, True):  # what is known again by its text or shape
                assert bob.execute(query.encode(), prepare=prepare).fetchall() == [(lowest, title)], query
        client.execute("DROP POLICY first ON public.of_things")
        for query in (_QUERIES[0], _QUERIES[3]):
            assert bob.execute(query.encode(), prepare=True).fetchall() == []
