"""The life of a query on one screen: parse → resolve → govern → optimize → fragment → execute.

`plan` takes a text to a query that is cheap and governed; `run` pins the versions of its tables and gives it to the
sources and the engine. Each stage hands on a type of its own, so none can be left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from cachetools import LRUCache
from sqlglot import exp

from catalog.principals import Principal
from gateway.execute.engine import EngineQuery, Running
from gateway.lake import Lake, Pinned
from gateway.sql.engine_dialect.render import render
from gateway.sql.resolve import Names, References, resolve
from optimizer.fragment import fragment
from optimizer.optimize import optimize
from optimizer.stages import Fragmented, Optimized
from policies.govern import govern


@dataclass(frozen=True, slots=True)
class Plan:
    """A planned query: what `plan` made of a text for one principal, catalogue and version of the grants."""

    optimized: Optimized


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan at fixed versions of its tables: the fragments, and what the engine is asked."""

    fragmented: Fragmented
    query: EngineQuery


_FRAGMENTED: LRUCache[tuple[int, object], tuple[Plan, Prepared]] = LRUCache(maxsize=512)


def plan(tree: exp.Query, found: References, names: Names, principal: Principal, lake: Lake) -> Plan:
    """Take a parsed query through the stages that do not depend on the data. ``tree`` is used up."""
    resolved = resolve(tree, found, names)
    governed = govern(resolved, principal, lake.grants.may_select)
    return Plan(optimize(governed))


async def prepare(planned: Plan, parameters: Sequence[pa.Scalar], lake: Lake) -> Prepared:
    """Pin the versions of the plan's tables and cut it into fragments."""
    pinned = await lake.pin([*planned.optimized.tables.values()])
    key = (id(planned), pinned.versions)
    kept = None if parameters else _FRAGMENTED.get(key)
    if kept is not None and kept[0] is planned:
        return kept[1]
    prepared = await _in_thread(lake, planned, pinned, parameters)
    if not parameters:
        _FRAGMENTED[key] = (planned, prepared)
    return prepared


async def run(planned: Plan, parameters: Sequence[pa.Scalar], lake: Lake) -> Running:
    """Begin to execute a plan; the rows are read from the result."""
    prepared = await prepare(planned, parameters, lake)
    return await lake.engine.start(prepared.query, parameters)


async def _in_thread(lake: Lake, planned: Plan, pinned: Pinned, parameters: Sequence[pa.Scalar]) -> Prepared:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(lake.threads, _fragmented, lake, planned, pinned, parameters)


def _fragmented(lake: Lake, planned: Plan, pinned: Pinned, parameters: Sequence[pa.Scalar]) -> Prepared:
    fragmented = fragment(planned.optimized, pinned.snapshots, lake.sources, parameters)
    scans = tuple((part.relation, part.scan) for part in fragmented.fragments)
    return Prepared(fragmented, EngineQuery(render(fragmented.tree), scans))
