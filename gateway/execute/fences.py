"""The last wall: a plan in which a relation under policies is read without its fence is not executed.

What is checked is the engine's own reading of the query, before its optimizer: had it read another query than was
meant, in which a scan stands without its policy, this would see it.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from datafusion import DataFrame

from catalog.errors import SqlError
from catalog.sqlstate import SqlState

_FENCE = "Limit: skip=0, fetch=9223372036854775807"
_LINE = re.compile(r"(?P<indent> *)(?P<operator>\w+)(?:: (?P<rest>.*))?")
_BETWEEN = frozenset({"SubqueryAlias", "Filter", "Projection"})  # what may stand between a scan and its fence


def require_fences(frame: DataFrame, relations: Collection[str]) -> None:
    """Raise where one of the relations, by their names in the engine's plans, is read from elsewhere than a fence."""
    if relations:
        check_plan(frame.logical_plan().display_indent(), relations)


def check_plan(plan: str, relations: Collection[str]) -> None:
    """Check a logical plan in the form of indented text."""
    above: list[tuple[int, str]] = []  # the lines that the current one stands under
    for line in plan.split("\n"):
        found = _LINE.match(line)
        if found is None:
            raise _refusal()
        indent = len(found["indent"])
        while above and above[-1][0] >= indent:
            above.pop()
        is_scan = found["operator"] in ("TableScan", "SubqueryAlias") and _name(found["rest"]) in relations
        if is_scan and not _is_fenced(above):
            raise _refusal()
        above.append((indent, line.strip()))


def _name(rest: str | None) -> str:
    return (rest or "").partition(" ")[0]


def _is_fenced(above: list[tuple[int, str]]) -> bool:
    for _, line in reversed(above):
        if line == _FENCE:
            return True
        if line.partition(":")[0] not in _BETWEEN:
            return False
    return False


def _refusal() -> SqlError:
    return SqlError(SqlState.INTERNAL_ERROR, "the engine would read a table outside of its policy")
