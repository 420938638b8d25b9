"""Each hook that keeps something hidden is needed: with it taken out, attacks succeed.

Hooks that are a second wall come with a fault that the wall has to hold: with the wall nothing leaks, without it, it
does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlglot import exp

import gateway.lanes.prepared
import gateway.sessions.preparation
from catalog.principals import Principal
from catalog.tables import Table
from gateway import metadata, pipeline, rendering, whole_statements
from gateway.execute import engine
from gateway.explaining import explain
from gateway.lanes import kept_results
from gateway.lanes.engine_lane import EngineLane
from gateway.result_cache import Question, ResultCache
from gateway.sessions import hidden_relations, own_statements
from gateway.sql import resolve, statements
from gateway.sql.engine_dialect import allowed, render
from gateway.sql.engine_dialect.render import Rendered, render_with_calls
from optimizer.optimize import optimize
from optimizer.rules import push_down_filters
from policies import fences, govern, simulation
from policies.access import Access, Rules
from policies.grants import Grants
from policies.masks import Masks
from policies.policy_reader import KeptRelations
from policies.views import KIND as VIEW
from tests.attacks.clients import clients
from tests.attacks.own_gateway import OwnGateway, own_gateway
from tests.attacks.steps import CASES, cases, markers, run, written
from tests.gateway import RunningGateway, SampleLake

Patch = pytest.MonkeyPatch
Hook = Callable[[Patch], None]


@pytest.fixture(scope="module")
def served(world_lakes: dict[str, SampleLake], world_gateways: dict[str, RunningGateway]) -> Iterator[OwnGateway]:
    """The first world, governed, in a thread."""
    with own_gateway(world_lakes["A"]) as running:
        yield running


# What is taken out ---------------------------------------------------------------------------------------------------


def _row_filters(patch: Patch) -> None:
    rules = Access.rules
    patch.setattr(Access, "rules", lambda *known: Rules(None, rules(*known).masks))


def _masks(patch: Patch) -> None:
    rules = Access.rules
    patch.setattr(Access, "rules", lambda *known: Rules(rules(*known).row_filter))


def _denied_columns(patch: Patch) -> None:
    patch.setattr(Grants, "columns", lambda *_: None)


def _row_filters_of_views(patch: Patch) -> None:
    rules = Access.rules

    def of_tables(self: Access, principal: Principal, table: Table) -> Rules:
        found = rules(self, principal, table)
        return found if table.kind != VIEW else Rules(None, found.masks)

    patch.setattr(Access, "rules", of_tables)


def _masks_of_views(patch: Patch) -> None:
    patch.setattr(Masks, "get_view_masks", lambda *_: {})


def _grants(patch: Patch) -> None:
    patch.setattr(Grants, "may_select", lambda *_: True)


def _fences(patch: Patch) -> None:
    """The fence, and the walls that see that it is gone."""
    fence = govern._fence

    def without(select: exp.Select, base: exp.Table) -> None:
        fence(select, base)
        select.set("limit", None)

    patch.setattr(govern, "_fence", without)
    patch.setattr(govern, "is_fenced", lambda _: True)
    patch.setattr(engine, "require_fences", lambda *_: None)


def _barriers(patch: Patch) -> None:
    patch.setattr(render, "put_barriers", lambda *_: None)


def _judgement_of_leakproof_conditions(patch: Patch) -> None:
    patch.setattr(push_down_filters, "is_leakproof", lambda _: True)


def _keys_of_statements(patch: Patch) -> None:
    prepare = gateway.lanes.prepared._prepare
    kept: dict[tuple[str, object], Any] = {}

    def prepared(statement: Any, asker: Any, lake: Any) -> Any:
        key = (statement.text, asker.parameters)
        if key not in kept:
            kept[key] = prepare(statement, asker, lake)
        return kept[key]

    patch.setattr(gateway.lanes.prepared, "_prepare", prepared)


def _keys_of_relations(patch: Patch) -> None:
    get, keep = KeptRelations.get, KeptRelations.keep
    patch.setattr(KeptRelations, "get", lambda self, key: get(self, key[0]))
    patch.setattr(KeptRelations, "keep", lambda self, key, relation: keep(self, key[0], relation))


def _keys_of_results(patch: Patch) -> None:
    """What is asked is known by its text alone, and from the first time on."""

    def question(planned: Any, portal: Any, _session: Any) -> Question:
        return Question(planned.text.encode(), None, None, portal.sent, None)

    patch.setattr(ResultCache, "was_asked", lambda *_: True)
    patch.setattr(kept_results, "question", question)
    patch.setattr(kept_results.KeptResults, "_lifetime", lambda *_: 60.0)


def _kinds_of_statements(patch: Patch) -> None:
    kind = statements._kind

    def any_kind(words: list[str], first: Any) -> statements.Kind:
        return statements.Kind.SESSION if words[0] in statements._OTHER_COMMANDS else kind(words, first)

    patch.setattr(statements, "_kind", any_kind)


def _list_of_functions(patch: Patch) -> None:
    patch.setattr(allowed, "check", lambda _: None)


def _silence_of_explain(patch: Patch) -> None:
    patch.setattr(explain, "hides", lambda *_: False)


def _refusal_of_whole_rows(patch: Patch) -> None:
    patch.setattr(resolve, "refuse_whole_rows", lambda *_: None)


def _refusal_of_unread_queries(patch: Patch) -> None:
    patch.setattr(gateway.lanes.prepared, "refuse_tables", lambda *_, **__: None)


def _one_reading(patch: Patch) -> None:
    patch.setattr(gateway.sessions.preparation, "require_one_reading", lambda *_: None)


def _absence_of_what_is_hidden(patch: Patch) -> None:
    patch.setattr(own_statements, "refuse_hidden", lambda *_: None)


def _known_tables_of_a_schema(patch: Patch) -> None:
    """All are taken for known. PostgreSQL itself would name the first that it finds, which may be one of these."""
    name_known = hidden_relations.name_known

    def name_all(*given: Any) -> str:
        with patch.context() as within:
            within.setattr(hidden_relations._Rights, "knows", lambda *_: True)
            return name_known(*given)

    patch.setattr(own_statements, "name_known", name_all)


def _checks_of_open_cursors(patch: Patch) -> None:
    async def check(*_: Any) -> None:
        """What has changed since is not looked at."""

    patch.setattr(EngineLane, "check", check)


def _words_of_whole_statements(patch: Patch) -> None:
    patch.setattr(whole_statements, "has_allowed_words", lambda *_: True)


def _authorization_of_superusers_and_officers(patch: Patch) -> None:
    patch.setattr(simulation, "may_authorize", lambda *_: True)
    patch.setattr(metadata, "may_authorize", lambda *_: True)


def _silence_of_errors(patch: Patch) -> None:
    patch.setattr(pipeline, "may_quote_hidden", lambda _: False)


HOOKS: tuple[tuple[Hook, str, bool], ...] = (  # whether a marker is told, or another answer alone
    (_row_filters, "basic", True),
    (_masks, "inference", True),
    (_masks_of_views, "views", True),
    (_masks_of_views, "view_policies", True),
    (_row_filters_of_views, "view_policies", True),
    (_denied_columns, "inference", True),
    (_grants, "sets", False),  # then it still has no columns
    (_fences, "errors", False),
    (_barriers, "errors", False),
    (_judgement_of_leakproof_conditions, "errors", False),
    (_keys_of_statements, "caches", True),
    (_keys_of_relations, "caches", False),  # then the tables name another reader, and the check of the tree ends it
    (_keys_of_results, "caches", True),
    (_keys_of_results, "prepared", False),
    (_kinds_of_statements, "copying", False),
    (_list_of_functions, "functions", False),
    (_silence_of_explain, "explain", True),
    (_refusal_of_whole_rows, "whole_rows", True),
    (_refusal_of_unread_queries, "explain", True),
    (_one_reading, "parsing", False),
    (_row_filters, "cursors", True),
    (_row_filters, "copying", True),
    (_row_filters, "temporary", True),
    (_masks, "cursors", True),
    (_masks, "copying", True),
    (_masks, "temporary", True),
    (_keys_of_statements, "prepared", False),
    (_checks_of_open_cursors, "cursors", False),
    (_words_of_whole_statements, "functions", False),
    (_absence_of_what_is_hidden, "access", False),
    (_known_tables_of_a_schema, "access", True),
    (_silence_of_errors, "policies_made", True),
    (_authorization_of_superusers_and_officers, "settings", False),  # the gateway knows better than the mirror
)


def _faults(served: OwnGateway, name: str) -> Iterator[str]:
    """Yield the cases of a class that do not end as they should."""
    with clients(served.address) as opened:
        for case in cases(CASES / f"{name}.sql"):
            answers = run(case, opened)
            if written(case, answers) != case.block.expected:
                yield f"{case.name}: {case.block.command}\n{written(case, answers)}"


def _leaks(served: OwnGateway, name: str) -> Iterator[str]:
    """Yield the cases of a class in whose answers there is a marker."""
    with clients(served.address) as opened:
        for case in cases(CASES / f"{name}.sql"):
            if any(markers(case, answer) for answer in run(case, opened)):
                yield f"{case.name}: {case.block.command}"


def test_with_all_hooks_the_cases_hold(served: OwnGateway) -> None:
    assert [*_faults(served, "basic"), *_faults(served, "parsing")] == []


@pytest.mark.parametrize(
    ("hook", "name", "tells"), HOOKS, ids=[f"{hook.__name__.strip('_')}-{name}" for hook, name, _ in HOOKS]
)
def test_a_hook_is_needed(
    served: OwnGateway, monkeypatch: pytest.MonkeyPatch, hook: Hook, name: str, tells: bool
) -> None:
    served.forget()
    hook(monkeypatch)
    try:
        found = next((_leaks if tells else _faults)(served, name), None)
        assert found is not None
        print(found)
    finally:
        monkeypatch.undo()
        served.forget()


# Second walls --------------------------------------------------------------------------------------------------------


def _forgetful_optimizer(patch: Patch) -> None:
    def forgetful(*given: Any, **more: Any) -> Any:
        optimized = optimize(*given, **more)
        for select in optimized.tree.find_all(exp.Select):
            select.set("where", None)
        return optimized

    patch.setattr(pipeline, "optimize", forgetful)


def _forgetful_rendering(patch: Patch) -> None:
    def forgetful(*given: Any, **named: Any) -> Rendered:
        rendered = render_with_calls(*given, **named)
        return replace(rendered, sql=rendered.sql.replace(f" LIMIT {fences.FENCE}", ""))

    patch.setattr(rendering, "render_with_calls", forgetful)


def _check_of_the_tree(patch: Patch) -> None:
    patch.setattr(pipeline, "check_governed", lambda *_: None)


def _check_of_the_plan(patch: Patch) -> None:
    patch.setattr(engine, "require_fences", lambda *_: None)


WALLS: tuple[tuple[Hook, Hook, str], ...] = (
    (_forgetful_optimizer, _check_of_the_tree, "basic"),
    (_forgetful_optimizer, _check_of_the_tree, "view_policies"),
    (_forgetful_rendering, _check_of_the_plan, "errors"),
)


@pytest.mark.parametrize(("fault", "wall", "name"), WALLS)
def test_a_second_wall_holds(
    served: OwnGateway, monkeypatch: pytest.MonkeyPatch, fault: Hook, wall: Hook, name: str
) -> None:
    served.forget()
    fault(monkeypatch)
    try:
        assert [*_leaks(served, name)] == []
        served.forget()
        wall(monkeypatch)
        assert next(_faults(served, name), None) is not None
        if fault is _forgetful_optimizer:
            served.forget()
            assert next(_leaks(served, name), None) is not None
    finally:
        monkeypatch.undo()
        served.forget()
