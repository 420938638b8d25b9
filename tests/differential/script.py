"""Scripts of statements: blocks that start with ``-- name``, each one statement.

Lines of a block before the statement may say more, each as a comment:

``-- ordered``            rows are compared in order (ORDER BY is total); else as a multiset
``-- differs: reason``    a known difference: the statement must NOT give PostgreSQL's rows, and the reason says why
``-- refused: text``      the statement must be refused with 0A000 and this text in its message
``-- approximate: n``     floats and numerics of floats agree to n significant digits only
``-- error: sqlstate``    both sides must fail; PostgreSQL with this SQLSTATE
``-- message: text``      both sides fail alike, but for this message of ours
``-- time zone: name``    the session's TimeZone
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

_HEAD = re.compile(r"^-- (?P<name>[a-z0-9 _.,()<>=|*+/%&-]+)$", re.IGNORECASE)
_MARK = re.compile(r"^-- (?P<mark>differs|refused|approximate|error|time zone|message): (?P<value>.+)$")


@dataclass(frozen=True, slots=True)
class Case:
    """One statement of a script and what is expected of it."""

    script: str
    name: str
    sql: str
    ordered: bool = False
    marks: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.script}: {self.name}"


def read(path: Path) -> list[Case]:
    """Read a script's cases; names must be unique in it."""
    cases: list[Case] = []
    name, ordered = "", False
    marks: dict[str, str] = {}
    lines: list[str] = []

    def finish() -> None:
        sql = "\n".join(lines).strip().rstrip(";")
        if sql:
            cases.append(Case(path.stem, name, sql, ordered, dict(marks)))

    for line in path.read_text(encoding="utf-8").splitlines():
        mark, head = _MARK.match(line), _HEAD.match(line)
        if line == "-- ordered":
            ordered = True
        elif mark:
            marks[mark["mark"]] = mark["value"]
        elif head:
            finish()
            name, ordered, marks, lines = head["name"], False, {}, []
        else:
            lines.append(line)
    finish()
    names = [case.name for case in cases]
    repeated = {name for name in names if names.count(name) > 1}
    assert not repeated, f"{path}: names used twice: {repeated}"
    return cases
