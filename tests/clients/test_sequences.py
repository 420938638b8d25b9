"""What real tools send, sent again to a gateway and to PostgreSQL itself: errors, columns, types, parameters, tags, the
transaction's state, and of the lake's own rows every byte are the same.

``sequences/*.sql`` are our own scripts of tools that are no Python packages. Recordings of many more tools are replayed
where `LAKEGATE_RECORDINGS` names a folder of them, or one lies beside the project.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clients.conftest import SEQUENCES, Shop
from tests.clients.wire_replay import Answer, Sequence_, Where, WireClient, comparable, recorded, scripted

# What is not there yet, by the statement that fails first. Each must fail somewhere in a recording that is present.
GAPS = {
    r"\bctid\b": "ctid is not served: no table says that it has pages, so DuckDB does not read by them",
    r"^select n from": "a whole row is no value on tables of the lake",
}
NOT_REPLAYED = "closing the connection during"  # a statement of hours, ended by the client's leaving
Difference = tuple[str, list[Answer], list[Answer]]  # what was asked, what the gateway answered, what PostgreSQL did
SCRIPTS = sorted(SEQUENCES.glob("*.sql"))


def _recordings() -> Path | None:
    named = os.environ.get("LAKEGATE_RECORDINGS")
    return Path(named) if named else None


def _differences(shop: Shop, ours: Sequence_, theirs: Sequence_, *, every: bool) -> list[Difference]:
    """Return what was asked and answered where the two differ; where not ``every``, the first such place alone."""
    found = []
    with _connected(shop.ours, ours) as gateway, _connected(shop.peer, theirs) as postgres:
        for step, same in zip(ours.steps, theirs.steps, strict=True):
            rows = step.is_comparable
            got, wanted = comparable(gateway.ask(step), rows=rows), comparable(postgres.ask(same), rows=rows)
            if got != wanted:
                found.append((step.texts[0] if step.texts else "", got, wanted))
                if not every:
                    break
    return found


@contextmanager
def _connected(where: Where, sequence: Sequence_) -> Iterator[WireClient]:
    client = WireClient(where, sequence.startup)
    try:
        yield client
    finally:
        client.close()


def _gap(text: str) -> str | None:
    return next((pattern for pattern in GAPS if re.search(pattern, text, re.I)), None)


def _told(name: str, text: str, got: list[Answer], wanted: list[Answer]) -> str:
    return f"{name}\n  {text[:300]}\n  gateway:    {str(got)[:300]}\n  PostgreSQL: {str(wanted)[:300]}"


@pytest.mark.parametrize("path", SCRIPTS, ids=[path.stem for path in SCRIPTS])
def test_a_script_is_answered_as_by_postgresql(path: Path, shop: Shop) -> None:
    sequence = scripted(path)
    found = _differences(shop, sequence, sequence, every=True)
    first = next((number for number, one in enumerate(found) if _gap(one[0]) is not None), len(found))
    wrong = [_told(path.stem, *one) for one in found[:first]]  # what comes behind a gap may follow from it
    assert not wrong, "\n".join(wrong)
    met = {GAPS[pattern] for text, *_ in found if (pattern := _gap(text)) is not None}
    assert met == {*sequence.gaps}, "say so in the script's head"


def test_recordings_are_answered_as_by_postgresql(shop: Shop) -> None:
    folder = _recordings()
    if folder is None:
        pytest.skip("no recordings of clients: LAKEGATE_RECORDINGS names none")
    wrong, seen, cases = [], set(), 0
    for path in sorted(folder.glob("*.jsonl")):
        pairs = [[*recorded(path, {"public": "shop", "postgres": where.user})] for where in (shop.ours, shop.peer)]
        for ours, theirs in zip(*pairs, strict=True):
            if NOT_REPLAYED in ours.name:
                continue
            cases += 1
            for text, got, wanted in _differences(shop, ours, theirs, every=False):
                gap = _gap(text)
                seen.add(gap)
                if gap is None:
                    wrong.append(_told(ours.name, text, got, wanted))
    assert not wrong, "\n".join(wrong)
    assert cases > 400
    assert seen == set(GAPS), f"no gap any more: take it out of GAPS: {sorted(set(GAPS) - seen)}"
