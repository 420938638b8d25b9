"""Asks statement after statement, and keeps what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from random import Random

import psycopg

from tests.differential.generated.catalogue import Catalogue, read
from tests.differential.generated.further_queries import FurtherStatements
from tests.differential.generated.known import known
from tests.differential.generated.minimise import minimised
from tests.differential.generated.queries import Statement
from tests.differential.generated.servers import Pair, Question, Turn
from tests.differential.generated.trees import Node, node, written
from tests.differential.generated.values import LITERALS
from tests.differential.generated.verdicts import ORDER, SKIPPED, SORTS, Verdict, judge

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata")
STYLES = {
    "datestyle": ("ISO, MDY", "German", "SQL, DMY", "Postgres, YMD"),
    "intervalstyle": ("postgres", "iso_8601", "sql_standard", "postgres_verbose"),
    "bytea_output": ("hex", "escape"),
    "extra_float_digits": ("1", "0", "-3"),
}
"""Settings of how values look, the usual ones first."""
_UNUSUAL = 0.15
BLOCK = 200
"""So many statements come from one seed, under one time zone."""
_MOST_PARTS = 500  # of a statement, each over what one of its queries reads


@dataclass(frozen=True, slots=True)
class Difference:
    """A statement, cut down, of which the two sides do not agree."""

    seed: str
    zone: str
    sql: str
    turns: tuple[Turn, ...]
    verdict: Verdict
    known: str | None = None

    def __str__(self) -> str:
        told = any(turn.values for turn in self.turns) or len(self.turns) > 1
        values = "".join(f"\n-- executed with {turn.values}" for turn in self.turns) if told else ""
        seed = f"seed {self.seed}, time zone {self.zone}"
        kind = f"{self.verdict.kind} (known: {self.known})" if self.known else self.verdict.kind
        return f"-- {kind} ({seed})\n{self.sql};{values}\n-- {self.verdict.text}"


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
    more: Counter[str] = field(default_factory=Counter)  # differences of a cause that was told often enough
    texts: int = 0
    shows_known: bool = False
    seconds: float = 0.0  # of the processor, that asking took
    found: Callable[[Difference], None] | None = None

    @property
    def asked(self) -> int:
        """How many executions were compared."""
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
    styles = _styles(seed)
    for name, value in styles.items():
        pair.set(name, value)
    told = ", ".join([zone, *(f"{name} {value}" for name, value in styles.items() if value != STYLES[name][0])])
    maker = FurtherStatements(seed, catalogue)
    for _ in range(BLOCK):
        if not go_on():
            return
        statement = maker.statement()
        first = random.random() < 0.5
        # In both formats, and parameters with other values, so that plans from before are used again.
        values = 3 if written(statement.tree)[1] else 1
        turns = tuple((at % values, first == (at % 2 == 0)) for at in range(max(values, 2)))
        _ask(_Asking(pair, statement, turns, report), (seed, told), limit)


def _styles(seed: str) -> dict[str, str]:
    """Return settings of how values look, mostly the usual ones."""
    random = Random(f"{seed}/styles")
    return {name: random.choice(values) if random.random() < _UNUSUAL else values[0] for name, values in STYLES.items()}


def _question(tree: Node, turns: Sequence[tuple[int, bool]]) -> Question:
    sql, parameters = written(tree)
    return Question(sql, tuple(Turn(tuple(one.at(at) for one in parameters), binary) for at, binary in turns))


@dataclass(frozen=True, slots=True)
class _Asking:
    """What is asked of one statement, and by whom. ``turns`` are executions: which values, and in binary or not."""

    pair: Pair
    statement: Statement
    turns: tuple[tuple[int, bool], ...]
    report: Report

    def verdicts(self, tree: Node, turns: Sequence[tuple[int, bool]]) -> list[Verdict]:
        """Return a verdict for each execution, up to the first that shows a difference."""
        ordered = self.statement.ordered and tree is self.statement.tree
        found = judge(self.pair, _question(tree, turns), ordered=ordered, lone=self.statement.lone)
        last = found[-1] if found else Verdict(SKIPPED)
        may_be_of_part = last.kind in ("other error", "an error, not an answer") and tree is self.statement.tree
        if may_be_of_part and _fails_in_part(self.pair, tree, turns[len(found) - 1][0], last):
            found[-1] = Verdict(ORDER)
        return found

    def difference(self, verdict: Verdict, at: int, where: tuple[str, str]) -> Difference:
        """Cut the statement down to what still shows a difference that its execution number ``at`` has."""
        turns: tuple[tuple[int, bool], ...] = (self.turns[at],)
        if at and not self._shows(self.statement.tree, turns, verdict):
            turns = self.turns[: at + 1]  # only where it was executed before
        found = minimised(self.statement.tree, lambda tree: self._shows(tree, turns, verdict))
        question = _question(found, turns)
        shown = self.verdicts(found, turns)
        last = shown[-1] if shown and shown[-1].is_difference else replace(verdict, text=f"not again: {verdict.text}")
        return Difference(*where, question.sql, question.turns, last)

    def _shows(self, tree: Node, turns: Sequence[tuple[int, bool]], verdict: Verdict) -> bool:
        found = self.verdicts(tree, turns)
        return bool(found) and _same(found[-1], verdict)


def _ask(asking: _Asking, where: tuple[str, str], limit: int) -> None:
    statement, report = asking.statement, asking.report
    verdicts = asking.verdicts(statement.tree, asking.turns)
    report.texts += 1
    for verdict in verdicts:
        _count(statement, verdict, report)
    verdict = verdicts[-1] if verdicts else Verdict(SKIPPED)
    if not verdict.is_difference:
        return
    cause = f"{verdict.kind} {verdict.cause}"
    if verdict.cause and report.causes[cause] >= limit:
        report.more[cause] += 1
        return
    difference = asking.difference(verdict, len(verdicts) - 1, where)
    if title := known(difference.sql, [turn.values for turn in difference.turns], difference.verdict):
        report.known[title] += 1
    else:
        report.causes[cause] += 1
        report.differences.append(difference)
    if report.found is not None and (not title or report.shows_known):
        report.found(replace(difference, known=title))


def _count(statement: Statement, verdict: Verdict, report: Report) -> None:
    report.verdicts[verdict.kind] += 1
    report.shapes[f"{statement.shape}: {verdict.kind}"] += 1
    if verdict.kind == "refused":
        report.refusals[verdict.cause] += 1
        report.examples.setdefault(verdict.cause, written(statement.tree)[0])
    elif verdict.kind == "both fail":
        report.states[verdict.cause] += 1


def _fails_in_part(pair: Pair, tree: Node, turn: int, verdict: Verdict) -> bool:
    """Whether the gateway's error is PostgreSQL's for a part of a statement, which it need not have computed."""
    state = verdict.text[:5]
    if not (state.startswith("22") or state == "42601"):  # that of flags of ranges
        return False
    sources = [one for one in tree.nodes() if one.kind == "from"]
    parts = [one for one in tree.nodes() if one.kind in LITERALS]
    tried = (node("query", "select ", part, " from ", source) for source in sources for part in parts)
    questions = (_question(one, ((turn, False),)) for one in islice(tried, _MOST_PARTS))
    return any(next(pair.postgres.ask(one)).state == state for one in questions)


def _same(one: Verdict, other: Verdict) -> bool:
    """Whether two verdicts are of one difference, as far as they tell."""
    same_sort = all(one.text.startswith(sort) == other.text.startswith(sort) for sort in SORTS)
    return one.kind == other.kind and one.cause == other.cause and same_sort
