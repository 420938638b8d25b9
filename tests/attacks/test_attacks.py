"""No attack gets what is hidden, and what is hidden changes nothing that is seen.

Each case runs in two worlds that differ in what is hidden alone. Three things are asked of the answers: they are those
of the script, no byte of them holds a marker, and tina and eve get the same bytes in both worlds.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.wire import backend
from tests.attacks.clients import Clients
from tests.attacks.steps import CASES, Answer, Case, cases, cases_on_views, markers, run, written
from tests.attacks.worlds import EVE, TINA
from tests.scripts import check

_FIRST_NORMAL_OID = 16384  # PostgreSQL's own objects have lower ones
CLASSES = sorted(CASES.glob("*.sql"))


def differences(first: list[Answer], second: list[Answer]) -> list[str]:
    """Return where two worlds have answered tina or eve differently."""
    found = []
    for one, other in zip(first, second, strict=True):
        told, told_there = _comparable(one), _comparable(other)
        if one.step.user in {TINA, EVE} and one.step.how != "blind" and told != told_there:
            pairs = zip(told, told_there, strict=False)
            differing = next(((a, b) for a, b in pairs if a != b), ("more", "fewer messages"))
            found.append(f"the worlds differ in {differing[0]!r} and {differing[1]!r}")
    return found


def _comparable(answer: Answer) -> list[object]:
    """Return what was answered without oids of tables and of their rows' types: they go by how often a gateway has made
    its mirror anew.
    """
    return [_without_oids(body) if kind == b"T" else (kind, body) for kind, body in answer.messages]


def _without_oids(body: bytes) -> object:
    fields = backend.RowDescription.decode(body).fields
    return [replace(field, table_oid=0, type_oid=min(field.type_oid, _FIRST_NORMAL_OID)) for field in fields]


def faults(case: Case, worlds: dict[str, list[Answer]]) -> list[str]:
    """Return what is wrong with the answers to a case, the script aside."""
    found = [
        f"world {world} tells {told}"
        for world, answers in worlds.items()
        for answer in answers
        if (told := markers(case, answer))
    ]
    if not case.block.comment.endswith("(accepted)"):
        found += differences(*worlds.values())
    if case.block.comment.endswith("(shown)"):
        found = [] if found else ["it is not shown any more: take its mark away"]
    return [f"{case.name} {case.kind}: {one}\n    {case.block.command}\n    {case.block.text}" for one in found]


@pytest.mark.parametrize("path", CLASSES, ids=lambda path: path.stem)
def test_attacks(path: object, world_clients: dict[str, Clients], rewrite: bool) -> None:
    found: list[str] = []
    outputs: dict[int, str] = {}
    script = CASES / f"{getattr(path, 'stem', path)}.sql"
    for case in cases(script):
        worlds = {world: run(case, clients) for world, clients in world_clients.items()}
        found += faults(case, worlds)
        output = written(case, worlds["A"])
        known = outputs.setdefault(case.block.line, output)
        if output != known or (output != case.block.expected and not rewrite):
            found.append(f"{case.name} {case.kind}:\n{case.block.command}\n{case.block.text}\nanswered:\n{output}\n")
    if rewrite:
        check(script, lambda block: outputs[block.line], rewrite=True)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", CLASSES, ids=lambda path: path.stem)
def test_attacks_on_views(path: Path, world_clients: dict[str, Clients]) -> None:
    """What is hidden from who reads a table is hidden from who reads a view of it."""
    found: list[str] = []
    for case in cases_on_views(path):
        if not case.block.comment.endswith("(shown)"):
            found += faults(case, {world: run(case, clients) for world, clients in world_clients.items()})
    assert not found, "\n".join(found)
