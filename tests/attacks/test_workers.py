"""What is governed is governed in worker processes, too: they are told what to read, and have no policies to lose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.attacks.conftest import SETTINGS
from tests.attacks.own_gateway import OwnGateway, own_gateway
from tests.attacks.test_hooks import HOOKS, WALLS, Hook, _faults, _leaks
from tests.gateway import RunningGateway, SampleLake

_CLASSES = ("basic", "errors", "inference", "copying", "explain", "whole_rows")
_HOOKS = [one for one in HOOKS if one[0].__name__ in ("_row_filters", "_masks", "_judgement_of_leakproof_conditions")]


@pytest.fixture(scope="module")
def served(world_lakes: dict[str, SampleLake], world_gateways: dict[str, RunningGateway]) -> Iterator[OwnGateway]:
    """The first world, governed, with a worker."""
    with own_gateway(world_lakes["A"], replace(SETTINGS, engine={"workers": 1})) as running:
        yield running


@pytest.mark.parametrize("name", _CLASSES)
def test_the_cases_hold(served: OwnGateway, name: str) -> None:
    assert [*_faults(served, name)] == []


@pytest.mark.parametrize(("hook", "name", "tells"), _HOOKS, ids=[hook.__name__.strip("_") for hook, _, _ in _HOOKS])
def test_a_hook_is_needed(
    served: OwnGateway, monkeypatch: pytest.MonkeyPatch, hook: Hook, name: str, tells: bool
) -> None:
    served.forget()
    hook(monkeypatch)
    try:
        assert next((_leaks if tells else _faults)(served, name), None) is not None
    finally:
        monkeypatch.undo()
        served.forget()


def test_a_worker_checks_the_fences_of_its_plan(served: OwnGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the last to see a query, and refuses one whose fences were lost on the way."""
    fault, _, name = WALLS[1]
    served.forget()
    fault(monkeypatch)
    try:
        assert [*_leaks(served, name)] == []
        assert next(_faults(served, name), None) is not None
    finally:
        monkeypatch.undo()
        served.forget()
