"""Asks statement after statement, and keeps what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from random import Random

import psycopg

from tests.differential.generated.catalogue import Catalogue, read
from tests.differential.generated.known import known
from tests.differential.generated.minimise import minimised
from tests.differential.generated.queries import Statement, Statements
from tests.differential.generated.servers import Pair, Question
from tests.differential.generated.trees import Node, node, written
from tests.differential.generated.values import LITERALS
from tests.differential.generated.verdicts import ORDER, SCALE, Verdict, judge

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata")
BLOCK = 200
"""So many statements come from one seed, under one time zone."""
_MOST_PARTS = 500  # of a statement, each over what one of its queries reads


@dataclass(frozen=True, slots=True)
class Difference:
    """A statement, cut down, of which the two sides do not agree."""

    seed: str
    zone: str
    sql: str
    values: tuple[str, ...]
    verdict: Verdict

    def __str__(self) -> str:
        values = f"\n-- parameters: {self.values}" if self.values else ""
        seed = f"seed {self.seed}, time zone {self.zone}"
        return f"-- {self.verdict.kind} ({seed})\n{self.sql};{values}\n-- {self.verdict.text}"


@dataclass(slots=True)
class Report:
    """What came of the statements of a run."""

    verdicts: Counter[str] = field(default_factory=Counter)
    shapes: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    states: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    causes: Counter[str] = field(default_factory=Counter)
    found: Callable[[Difference], None] | None = None

    @property
    def asked(self) -> int:
        """How many statements were asked."""
        return self.verdicts.total()


def catalogue_of(dsn: str) -> Catalogue:
    """Read PostgreSQL's catalogue."""
    with psycopg.connect(dsn) as connection:
        return read(connection)


def run_block(
    pair: Pair, catalogue: Catalogue, seed: str, report: Report, go_on: Callable[[], bool], limit: int = 3
) -> None:
    """Ask the statements of a seed while ``go_on`` says so; of one cause no more than ``limit`` are cut down."""
    random = Random(seed)
    zone = random.choice(ZONES)
    pair.set("timezone", zone)
    maker = Statements(seed, catalogue)
    for _ in range(BLOCK):
        if not go_on():
            return
        statement = maker.statement()
        binary = random.random() < 0.3
        _ask(pair, statement, binary, (seed, zone), report, limit)


def _question(tree: Node, *, binary: bool) -> Question:
    sql, values = written(tree)
    return Question(sql, tuple(values), binary)


def _ask(pair: Pair, statement: Statement, binary: bool, where: tuple[str, str], report: Report, limit: int) -> None:
    def verdict_of(tree: Node) -> Verdict:
        ordered = statement.ordered and tree is statement.tree
        return judge(pair, _question(tree, binary=binary), ordered=ordered, lone=statement.lone)

    verdict = verdict_of(statement.tree)
    if verdict.kind in ("other error", "an error, not an answer") and _fails_in_part(pair, statement.tree, verdict):
        verdict = Verdict(ORDER)
    report.verdicts[verdict.kind] += 1
    report.shapes[f"{statement.shape}: {verdict.kind}"] += 1
    if verdict.kind == "refused":
        report.refusals[verdict.cause] += 1
        report.examples.setdefault(verdict.cause, written(statement.tree)[0])
    elif verdict.kind == "both fail":
        report.states[verdict.cause] += 1
    if not verdict.is_difference:
        return
    cause = f"{verdict.kind} {verdict.cause}"
    report.causes[cause] += 1
    if report.causes[cause] > limit and verdict.cause:
        return
    if title := known(str(written(statement.tree)), verdict):
        report.known[title] += 1
        return
    found = minimised(statement.tree, lambda tree: _same(verdict_of(tree), verdict))
    last = verdict_of(found)
    question = _question(found, binary=binary)
    difference = Difference(*where, question.sql, question.values, last)
    report.differences.append(difference)
    if report.found is not None:
        report.found(difference)


def _fails_in_part(pair: Pair, tree: Node, verdict: Verdict) -> bool:
    """Whether the gateway's error is PostgreSQL's for a part of a statement, which it need not have computed."""
    state = verdict.text[:5]
    if not (state.startswith("22") or state == "42601"):  # that of flags of ranges
        return False
    sources = [one for one in tree.nodes() if one.kind == "from"]
    parts = [one for one in tree.nodes() if one.kind in LITERALS]
    tried = (node("query", "select ", part, " from ", source) for source in sources for part in parts)
    return any(pair.postgres.ask(_question(one, binary=False)).state == state for one in islice(tried, _MOST_PARTS))


def _same(one: Verdict, other: Verdict) -> bool:
    """Whether two verdicts are of one difference, as far as they tell."""
    same_sort = one.text.startswith(SCALE) == other.text.startswith(SCALE)
    return one.kind == other.kind and one.cause == other.cause and same_sort
