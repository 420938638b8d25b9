"""Past statements asked again, under the policies that are and under a draft: which would answer otherwise.

The audit keeps no constants, so of its statements those that have none can be asked again; the others are counted.
Where they matter they are given in a file, with their roles.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from catalog.errors import SqlError
from catalog.store.rows import AccessRows
from gateway.configuration.config import Config
from gateway.configuration.error import ConfigError, Problem, problem_at
from gateway.rehearsal.absent import closed, with_closed, without_absent
from gateway.rehearsal.policy_file import exported, read_policies, without_unfit
from gateway.rehearsal.stage import Answer, Stage, open_stage, run_each
from gateway.rehearsal.yaml_lines import YamlError, read_yaml
from policies.claims import StatedClaims, stated_claims
from policies.difference import Section, difference, normalised
from policies.states import enforced

_REDACTED = re.compile(r"\?|\$\d|…")
_HEAD = re.compile(r"[\s(]*(?:select|with|table)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Past:
    """A statement that somebody asked: who, with which claims, and how often."""

    role: str
    text: str
    claims: tuple[tuple[str, object], ...] = ()
    times: int = 1

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the text is hidden, so that it can be asked again."""
        return _REDACTED.search(self.text) is None


@dataclass(frozen=True, slots=True)
class Change:
    """How a statement's answer would change: its number of rows, and the ``columns`` of which some value would be
    another, told where the number stays. ``error`` is what the draft says in place of rows, ``was`` what is said now.
    """

    past: Past
    before: int
    after: int
    columns: tuple[str, ...] = ()
    error: str | None = None
    was: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What is tried: the policies of a file (None: those of the store), with drafts and shadows in force or not."""

    file: Path | None = None
    enforces: bool = False


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    role: str
    query: str
    claims: dict[str, Any] = Field(default_factory=dict)


class _GivenFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    statements: Annotated[tuple[_Given, ...], Field(min_length=1)]


def load_statements(path: Path) -> list[Past]:
    """Read statements from a YAML file: ``statements``, each with ``role``, ``query`` and maybe ``claims``. Raises
    `ConfigError` with every problem in it, OSError.
    """
    try:
        raw, lines = read_yaml(path.read_text(encoding="utf-8-sig"))
        found = _GivenFile.model_validate(raw)
    except UnicodeDecodeError:
        raise ConfigError(path, [Problem(0, "", "not UTF-8 text")]) from None
    except YamlError as error:
        raise ConfigError(path, error.problems) from None
    except ValidationError as error:
        problems = [problem_at(lines, one["loc"], one["msg"].lower()) for one in error.errors(include_url=False)]
        raise ConfigError(path, problems) from None
    return [Past(one.role, one.query, tuple(sorted(one.claims.items()))) for one in found.statements]


def from_audit(entries: Iterable[tuple[str, str, dict[str, object]]]) -> list[Past]:
    """Return the queries among audited statements (role, text, claims), each once with how often it was asked."""
    counted: Counter[tuple[str, str, tuple[tuple[str, object], ...]]] = Counter()
    for role, text, claims in entries:
        if _HEAD.match(text):
            counted[role, text, tuple(sorted(claims.items()))] += 1
    return [Past(role, text, claims, times) for (role, text, claims), times in counted.items()]


async def replay(
    config: Config, rows: AccessRows, draft: Draft, past: Sequence[Past]
) -> tuple[list[Change], list[tuple[Past, str]]]:
    """Ask statements again under the store's policies and under a draft, over the sources of a configuration. Return
    what would change, and the statements that fail under both alike, with why. Raises SqlError,
    `ConfigError`, OSError for policies that cannot be used.
    """
    database = config.server.database
    async with open_stage(config) as stage:
        catalog = stage.catalog
        there, _ = without_absent(rows, catalog)
        await run_each(stage, _texts(exported(with_closed(there, catalog), catalog, database)))
        stated = stated_claims(rows)
        before = [await _ask(stage, one, stated) for one in past]
        wanted = stage.rows
        if draft.file is not None:
            async with open_stage(config, catalog=catalog) as drafted:
                texts, unfit, _ = without_unfit(read_policies(draft.file), there, catalog)
                await run_each(drafted, texts)
                wanted = replace(drafted.rows, row_policies=(*drafted.rows.row_policies, *map(closed, unfit)))
        wanted = normalised(enforced(wanted) if draft.enforces else wanted, catalog.tables)
        now = normalised(stage.rows, catalog.tables)
        await run_each(stage, _texts(difference(now, wanted, database)))
        after = [await _ask(stage, one, stated) for one in past]
    changes = []
    failing = []
    for one, old, new in zip(past, before, after, strict=True):
        if isinstance(old, SqlError) and isinstance(new, SqlError) and old.message == new.message:
            failing.append((one, old.message))
        elif (change := _change(one, old, new)) is not None:
            changes.append(change)
    return changes, failing


def _texts(sections: Iterable[Section]) -> list[str]:
    return [one for section in sections for one in section.statements]


async def _ask(stage: Stage, past: Past, stated: StatedClaims) -> Answer | SqlError:
    """Ask again. Claims that came of what is ``stated`` of the role come of what the stage's policies state of it."""
    own = stated.get(past.role, {}).items()
    try:
        return await stage.ask(past.text, past.role, {name: one for name, one in past.claims if (name, one) not in own})
    except SqlError as error:
        return error


def _change(past: Past, old: Answer | SqlError, new: Answer | SqlError) -> Change | None:
    if isinstance(old, SqlError) or isinstance(new, SqlError):
        was = old.message if isinstance(old, SqlError) else None
        error = new.message if isinstance(new, SqlError) else None
        return Change(past, _count(old), _count(new), error=error, was=was)
    if Counter(old.rows) == Counter(new.rows):
        return None
    return Change(past, len(old.rows), len(new.rows), _columns(old, new))


def _count(answer: Answer | SqlError) -> int:
    return 0 if isinstance(answer, SqlError) else len(answer.rows)


def _columns(old: Answer, new: Answer) -> tuple[str, ...]:
    """The columns that have values which the other answer has not, or has at other times."""
    if [name for name, _ in old.columns] != [name for name, _ in new.columns] or len(old.rows) != len(new.rows):
        return ()
    names = [name for name, _ in old.columns]
    return tuple(
        name
        for at, name in enumerate(names)
        if Counter(row[at] for row in old.rows) != Counter(row[at] for row in new.rows)
    )
