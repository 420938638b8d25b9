"""Nobody learns that another has asked something: not by rows that are kept, by what was read of a text, by EXPLAIN, by
views of the history or by whose rights he asks with.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from gateway.sql.normalised import known_reading
from gateway.sql.statements import known_cut
from tests.attacks.own_gateway import OwnGateway, own_gateway
from tests.attacks.worlds import TINA
from tests.gateway import ADA, PASSWORD, SampleLake

TWIN = "tinas_twin"
QUERY = "SELECT id, text, 'of tina' AS mark FROM lk.notes WHERE id < 4 ORDER BY id"


@pytest.fixture(scope="module")
def served(world_lakes: dict[str, SampleLake], world_gateways: object) -> Iterator[OwnGateway]:
    """The first world, governed, in a thread, with one more user, who may read what TINA may."""
    with own_gateway(world_lakes["A"]) as running:
        with connected(running, ADA) as officer:
            officer.execute(f"CREATE ROLE {TWIN} LOGIN PASSWORD '{PASSWORD}' IN ROLE analysts, north".encode())
        yield running
        with connected(running, ADA) as officer:
            officer.execute(f"DROP ROLE {TWIN}".encode())


def connected(running: OwnGateway, user: str) -> psycopg.Connection[tuple[object, ...]]:
    """Connect a user."""
    host, port = running.address
    database = running.gateway._config.server.database
    return psycopg.connect(host=host, port=port, user=user, password=PASSWORD, dbname=database, autocommit=True)


def kept(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Whether EXPLAIN tells of rows that are kept."""
    lines = connection.execute(f"EXPLAIN {QUERY}".encode()).fetchall()
    return any("Result cache" in str(line) for (line,) in lines)


def test_what_another_has_asked_is_asked_anew(served: OwnGateway) -> None:
    counts = served.gateway.lake.results.counts
    with connected(served, TINA) as tina, connected(served, TWIN) as twin, connected(served, ADA) as officer:
        for _ in range(3):
            rows = tina.execute(QUERY.encode()).fetchall()
        assert kept(tina) and known_cut(QUERY, TINA) and known_reading(QUERY, TINA)
        hits = counts.hits
        assert hits
        assert known_cut(QUERY, TWIN) is None and known_reading(QUERY, TWIN) is None
        assert not kept(twin)
        assert twin.execute(QUERY.encode()).fetchall() == rows
        officer.execute(f"SET SESSION AUTHORIZATION {TINA}".encode())
        assert not kept(officer)
        assert officer.execute(QUERY.encode()).fetchall() == rows
        assert counts.hits == hits


def test_views_tell_of_oneself_alone(served: OwnGateway) -> None:
    with connected(served, TINA) as tina, connected(served, TWIN) as twin:
        tina.execute(QUERY.replace("of tina", "of the history").encode())
        for view in ("statement_history", "plan_history", "plan_changes"):
            others = f"SELECT count(*) FROM lakegate.{view} WHERE user_name <> '{TWIN}'"
            assert twin.execute(others.encode()).fetchone() == (0,)
        others = f"SELECT count(*) FROM pg_stat_statements WHERE userid::regrole::text <> '{TWIN}'"
        assert twin.execute(others.encode()).fetchone() == (0,)
        told = twin.execute(
            "SELECT (SELECT count(*) FROM lakegate.advice), (SELECT count(*) FROM lakegate.pinned_plans)"
        )
        assert told.fetchone() == (0, 0)
        seen = twin.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%of tina%' AND usename <> session_user"
        )
        assert seen.fetchone() == (0,)
