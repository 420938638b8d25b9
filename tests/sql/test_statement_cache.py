"""Plans are kept as long as there is memory for them: statements that are all different do not fill the gateway."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest
from sqlglot import exp, parse_one

import gateway.lanes.prepared
from catalog.principals import Principal
from gateway.feedback.cache import FeedbackCache
from gateway.history.pins import PinnedPlans
from gateway.lake import Lake
from gateway.lanes.prepared import Lane, PreparedStatement, StatementCache
from gateway.pipeline import Asker, Plan
from gateway.sql.resolve import Names
from gateway.sql.statements import Kind, Statement
from optimizer.stages import Optimized

SMALL = "SELECT a FROM t"
LARGE = f"SELECT {', '.join(f'a + {number}' for number in range(100))} FROM t"


@pytest.mark.parametrize(("query", "fewest", "most"), [(SMALL, 100, 300), (LARGE, 2, 6)], ids=["small", "large"])
def test_plans_are_kept_by_the_memory_that_they_take(
    monkeypatch: pytest.MonkeyPatch, query: str, fewest: int, most: int
) -> None:
    planned: list[str] = []
    who = cast(Principal, None)

    def prepare(statement: Statement, *_: object) -> PreparedStatement:
        planned.append(statement.text)
        tree = parse_one(query)
        assert isinstance(tree, exp.Query)
        return PreparedStatement(statement, Lane.ENGINE, Plan(Optimized(tree, {}), who, (), pins=pins.version))

    pins = PinnedPlans()

    async def ask(cache: StatementCache, texts: list[str]) -> None:
        names = cast(Names, SimpleNamespace(search_path=(), catalog=SimpleNamespace(version=1), temporary=None))
        access, feedback = SimpleNamespace(version=1), FeedbackCache()
        lake = cast(Lake, SimpleNamespace(access=access, threads=None, feedback=feedback, pins=pins))
        for text in texts:
            await cache.prepare(Statement(text, Kind.QUERY, "SELECT"), Asker(names, who), lake)

    monkeypatch.setattr(gateway.lanes.prepared, "_prepare", prepare)
    monkeypatch.setattr(gateway.lanes.prepared, "_KEPT_BYTES", 2 << 20)
    texts = [f"{query} WHERE b = {number}" for number in range(400)]
    cache = StatementCache()
    asyncio.run(ask(cache, texts))
    planned.clear()
    asyncio.run(ask(cache, texts[::-1]))  # the newest first, as they are kept
    assert fewest <= len(texts) - len(planned) <= most


def test_a_statement_whose_text_tells_its_types_is_planned_once(monkeypatch: pytest.MonkeyPatch) -> None:
    planned: list[tuple[str, ...]] = []
    who = cast(Principal, None)
    pins = PinnedPlans()

    def prepare(statement: Statement, asker: Asker, _: object) -> PreparedStatement:
        planned.append(asker.parameters)
        tree = parse_one(SMALL)
        assert isinstance(tree, exp.Query)
        plan = Plan(Optimized(tree, {}), who, (), pins=pins.version, types=asker.parameters or ("integer",))
        return PreparedStatement(statement, Lane.ENGINE, plan)

    async def ask(cache: StatementCache) -> None:
        names = cast(Names, SimpleNamespace(search_path=(), catalog=SimpleNamespace(version=1), temporary=None))
        access, feedback = SimpleNamespace(version=1), FeedbackCache()
        lake = cast(Lake, SimpleNamespace(access=access, threads=None, feedback=feedback, pins=pins))
        for types in ((), ("integer",), ("text",), ("integer",)):
            await cache.prepare(Statement(SMALL, Kind.QUERY, "SELECT"), Asker(names, who, types), lake)

    monkeypatch.setattr(gateway.lanes.prepared, "_prepare", prepare)
    asyncio.run(ask(StatementCache()))
    assert planned == [(), ("text",)]
