"""What is wrong in a configuration file, said with the file, the line and the key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.configuration.toml_lines import KeyPath


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. ``line`` is 1-based, 0 where the file has none (it cannot be read at all)."""

    line: int
    key: str
    message: str


class ConfigError(Exception):
    """A configuration that cannot be used. Its text has a line for each problem, such as
    ``lakegate.toml:12: sources.crm.dsn: field required``.
    """

    def __init__(self, path: Path, problems: Sequence[Problem]) -> None:
        self.path = path
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.key)))
        super().__init__("\n".join(self._describe(problem) for problem in self.problems))

    def _describe(self, problem: Problem) -> str:
        place = f"{self.path}:{problem.line}" if problem.line else str(self.path)
        return ": ".join(part for part in (place, problem.key, problem.message) if part)


def problem_at(lines: Mapping[KeyPath, int], path: KeyPath, message: str) -> Problem:
    """Return the problem at a key; one that is not in the file is placed at the table that lacks it."""
    parts = path
    while parts and parts not in lines:
        parts = parts[:-1]
    return Problem(lines.get(parts, 1), dotted(path), message)


def dotted(path: KeyPath) -> str:
    """Return a key path as TOML writes it, with an array's index in brackets."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
