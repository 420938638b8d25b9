"""What a statement shows: the same answer from both sides, a refusal, or a difference."""

from __future__ import annotations

import math
import re
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.differential.generated.null_flags import unflagged
from tests.differential.generated.numerics import NUMERIC, canonical, float_elements, near
from tests.differential.generated.servers import LOST, Outcome, Pair, Question, Turn

EQUAL, REFUSED, SKIPPED, FAILED, ORDER = "equal", "refused", "skipped", "both fail", "order of evaluation"
SCALE, SIGN = "only zeros after the point differ", "only signs of zero differ"
DIGITS = "only digits behind the fifteenth differ"
SORTS = (SCALE, SIGN, DIGITS)
DIFFERENT: tuple[str, ...] = (
    "internal error",
    "answered wrongly",
    "answered, not an error",
    "an error, not an answer",
    "other names",
)
DIFFERENT += ("other types", "other error", "refused too late")
_FLOATS = {700: (">f", 1e-6), 701: (">d", 1e-14)}
_FORGIVEN = {"57014", "53200", "54001"}  # a limit of PostgreSQL's own was met: nothing to compare
_NOUGHTS = {b"-0": b"0", b"\x80\0\0\0": bytes(4), b"\x80\0\0\0\0\0\0\0": bytes(8)}
_FLOAT_ARRAYS = {1021: 700, 1022: 701}
_BETWEEN_ELEMENTS = re.compile(rb"([{},]+)")
Value = bytes | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found: one of the words above, and what differs."""

    kind: str
    text: str = ""
    cause: str = ""  # texts of the same cause are alike

    @property
    def is_difference(self) -> bool:
        """Whether the two sides do not agree."""
        return self.kind in DIFFERENT


def judge(pair: Pair, question: Question, *, ordered: bool, lone: bool) -> list[Verdict]:
    """Ask both sides, and judge each turn up to the first that shows a difference. A statement that PostgreSQL itself
    does not take is compared by its error; if it fails while rows are computed only where it is ``lone``: one
    expression over all rows of a table. PostgreSQL does not say in which order it computes others, or what it leaves
    out.
    """
    verdicts: list[Verdict] = []
    right = pair.gateway.ask(question)
    for turn, expected in zip(question.turns, pair.postgres.ask(question), strict=False):
        if expected.state in _FORGIVEN or expected.state == LOST:
            return [*verdicts, Verdict(SKIPPED, expected.message)]
        found = next(right, None)
        if found is None:  # it failed before it ran
            return verdicts
        verdict = _judged(expected, found, turn, ordered=ordered, lone=lone)
        verdicts.append(verdict)
        if verdict.is_difference or verdict.kind == REFUSED:
            return verdicts
    return verdicts


def _judged(expected: Outcome, found: Outcome, turn: Turn, *, ordered: bool, lone: bool) -> Verdict:
    if found.state == "0A000":
        return Verdict(REFUSED, found.message, _pattern(found.message))
    if found.state == LOST or found.state.startswith("XX"):
        return Verdict("internal error", f"{found.state} {found.message}", _pattern(found.message))
    if expected.state:
        if not lone and not expected.at_once and found.state[:2] in ("", "22", "21", "54", "2F", expected.state[:2]):
            return Verdict(ORDER)
        return _failures(expected, found)
    if found.state:
        return Verdict(
            "an error, not an answer", f"{found.state} {found.message}", _pattern(found.state + found.message)
        )
    return _answers(expected, found, turn, ordered=ordered)


def _failures(expected: Outcome, found: Outcome) -> Verdict:
    if not found.state:
        cause = _pattern(expected.state + expected.message)
        return Verdict("answered, not an error", f"{expected.state} {expected.message}", cause)
    if found.state != expected.state:
        text = f"{found.state} {found.message}\nnot {expected.state} {expected.message}"
        return Verdict("other error", text, _pattern(f"{found.state}{found.message}{expected.state}{expected.message}"))
    return Verdict(FAILED, expected.message, expected.state)


def _answers(expected: Outcome, found: Outcome, turn: Turn, *, ordered: bool) -> Verdict:
    if expected.names != found.names:
        return Verdict("other names", f"{found.names}, not {expected.names}")
    if (expected.types, expected.parameters) != (found.types, found.parameters):
        text = f"{found.types} {found.parameters}, not {expected.types} {expected.parameters}"
        return Verdict("other types", text, str({*found.types} ^ {*expected.types}))
    difference = _rows_differ(expected, found, binary=turn.binary, ordered=ordered)
    if difference and turn.binary:
        expected, found = unflagged(expected), unflagged(found)
        difference = _rows_differ(expected, found, binary=True, ordered=ordered)
    if not difference:
        return Verdict(EQUAL)
    left, right = (_canonical(one, binary=turn.binary) for one in (expected, found))
    in_value = _rows_differ(left, right, binary=turn.binary, ordered=ordered)
    if not in_value:
        return Verdict("answered wrongly", f"{SCALE}: {difference}")
    left, right = (_unsigned(one) for one in (left, right))
    in_more = _rows_differ(left, right, binary=turn.binary, ordered=ordered)
    if not in_more:
        return Verdict("answered wrongly", f"{SIGN}: {difference}")
    only_digits = not _rows_differ(left, right, binary=turn.binary, ordered=ordered, digits=True)
    return Verdict("answered wrongly", f"{DIGITS}: {difference}" if only_digits else in_value)


def _canonical(outcome: Outcome, *, binary: bool) -> Outcome:
    """Return rows without the zeros at the end of numerics."""
    oids = [oid for oid, _ in outcome.types]
    rows = (
        tuple(
            None if value is None else canonical(value, oid, binary=binary)
            for oid, value in zip(oids, row, strict=True)
        )
        for row in outcome.rows
    )
    return replace(outcome, rows=tuple(rows))


def _unsigned(outcome: Outcome) -> Outcome:
    """Return rows in which floats that are -0 are 0."""
    floats = [oid in _FLOATS for oid, _ in outcome.types]
    rows = (
        tuple(
            _NOUGHTS.get(value, value) if is_float and value else value
            for value, is_float in zip(row, floats, strict=True)
        )
        for row in outcome.rows
    )
    return replace(outcome, rows=tuple(rows))


def _rows_differ(expected: Outcome, found: Outcome, *, binary: bool, ordered: bool, digits: bool = False) -> str:
    """Return what differs; with ``digits`` numerics may, behind the digits that two of them have in common."""
    left, right = expected.rows, found.rows
    if left == right:
        return ""
    if len(left) != len(right):
        return f"{len(right)} rows, not {len(left)}: {right[:4]}, not {left[:4]}"
    if not ordered:
        if Counter(left) == Counter(right):
            return ""
        left, right = (tuple(sorted(rows, key=repr)) for rows in (left, right))
    for place, (one, other) in enumerate(zip(left, right, strict=True)):
        for (oid, _), a, b in zip(expected.types, one, other, strict=True):
            if a == b or _near(a, b, oid, binary=binary):
                continue
            if not (digits and oid == NUMERIC and a and b and near(a, b, binary=binary)):
                return f"row {place}: {_shown(b)}, not {_shown(a)} (type {oid}); whole {other}, not {one}"
    return ""


def _near(one: Value, other: Value, oid: int, *, binary: bool) -> bool:
    """Whether two floats, or arrays of them, are the same but for their last digit, which functions of the C library do
    not agree on, and the sign of NaN, which is nowhere to be seen.
    """
    if one is None or other is None:
        return False
    if oid in _FLOAT_ARRAYS:
        split = float_elements if binary else _BETWEEN_ELEMENTS.split
        left, right = split(one), split(other)
        pairs = zip(left, right, strict=False)
        return len(left) == len(right) and all(
            a == b or _near(a, b, _FLOAT_ARRAYS[oid], binary=binary) for a, b in pairs
        )
    if oid not in _FLOATS:
        return False
    form, error = _FLOATS[oid]
    if binary and not len(one) == len(other) == struct.calcsize(form):
        return False
    read: Callable[[bytes], float] = (lambda value: float(struct.unpack(form, value)[0])) if binary else float
    try:
        a, b = read(one), read(other)
    except ValueError:  # what stands between elements
        return False
    if math.isnan(a) and math.isnan(b):
        return True
    return math.isclose(a, b, rel_tol=error) and math.copysign(1, a) == math.copysign(1, b)


def _shown(value: Value) -> str:
    return "NULL" if value is None else repr(value[:200])


def _pattern(message: str) -> str:
    """Return a message without what is the statement's own."""
    return re.sub(r"\"[^\"]*\"|'[^']*'|\d+|\bs\d+\.\w+", "…", message)[:160]
