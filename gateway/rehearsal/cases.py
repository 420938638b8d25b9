"""Cases of ``lakegate policy test`` tried: what a role sees, beside what it is to see."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq

from catalog.errors import SqlError
from catalog.names import quote_identifier
from catalog.sqlstate import SqlState
from gateway.configuration.config import Config, FilesSource, SourceConfig, load
from gateway.rehearsal.case_file import Case, CaseFile, LoadedCases, Row
from gateway.rehearsal.stage import Answer, Stage, open_stage, run_each

_BOOLEAN = 16
_NUMBERS = frozenset({20, 21, 23, 700, 701, 1700})
_TRUTHS = {"true": "t", "yes": "t", "on": "t", "false": "f", "no": "f", "off": "f"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a case went. ``differences`` are lines that say what is not as it is to be; none: it is right."""

    name: str
    line: int
    differences: tuple[str, ...]


@asynccontextmanager
async def staged(loaded: LoadedCases) -> AsyncIterator[Stage]:
    """Have a stage with the tables, policies and roles of a file for the length of a block. Raises SqlError."""
    with TemporaryDirectory(prefix="lakegate-cases-") as folder:
        config = _config(loaded, Path(folder))
        given = frozenset(name.schema for name in loaded.cases.arrow_tables())
        async with open_stage(config, absent=given) as stage:
            for source, reason in stage.catalog.failures.items():
                raise SqlError(SqlState.FDW_ERROR, f'source "{source}" cannot be read: {reason}')
            await run_each(stage, loaded.statements())
            await run_each(stage, _roles(loaded.cases, {role.name for role in stage.rows.roles}))
            yield stage


async def try_cases(loaded: LoadedCases) -> list[Outcome]:
    """Try every case of a file. Raises SqlError where its policies are refused."""
    async with staged(loaded) as stage:
        return [
            Outcome(case.name or " ".join(case.query.split()), line, await _differences(stage, case))
            for case, line in zip(loaded.cases.tests, loaded.lines, strict=True)
        ]


def _config(loaded: LoadedCases, folder: Path) -> Config:
    cases = loaded.cases
    config = Config() if cases.config is None else load(loaded.path.parent / cases.config)
    sources: dict[str, SourceConfig] = dict(config.sources)
    for name, table in cases.arrow_tables().items():
        place = folder / name.schema
        place.mkdir(exist_ok=True)
        pq.write_table(table, place / f"{name.name}.parquet")
        sources[name.schema] = FilesSource(location=str(place))
    return config.model_copy(update={"sources": sources})


def _roles(cases: CaseFile, known: set[str]) -> list[str]:
    statements = []
    for name, groups in cases.roles.items():
        if name not in known:
            statements.append(f"CREATE ROLE {quote_identifier(name)} LOGIN")
        statements += [f"GRANT {quote_identifier(group)} TO {quote_identifier(name)}" for group in groups or ()]
    return statements


async def _differences(stage: Stage, case: Case) -> tuple[str, ...]:
    try:
        answer = await stage.ask(case.query, case.role, case.claims)
    except SqlError as error:
        if case.error == str(error.sqlstate):
            return ()
        expected = f"error {case.error}" if case.error is not None else f"{len(case.rows or ())} rows"
        return (f"expected {expected}, but: {error.message} (SQLSTATE {error.sqlstate})",)
    if case.error is not None:
        return (f"expected error {case.error}, but {len(answer.rows)} rows were seen", *_listed("+", answer.rows[:5]))
    return tuple(_row_differences(case, answer))


def _row_differences(case: Case, answer: Answer) -> list[str]:
    names = tuple(name for name, _ in answer.columns)
    if case.columns is not None and case.columns != names:
        return [f"expected the columns {', '.join(case.columns)}, but they are {', '.join(names)}"]
    expected = [*(case.rows or ())]
    wrong = [row for row in expected if len(row) != len(names)]
    if wrong:
        return [f"expected rows of {len(wrong[0])} values, but there are {len(names)} columns"]
    types = [oid for _, oid in answer.columns]
    wanted = [_comparable(row, types) for row in expected]
    seen = [_comparable(row, types) for row in answer.rows]
    if case.ordered and wanted != seen and Counter(wanted) == Counter(seen):
        return ["the rows are right, but not their order:", *_listed("+", answer.rows)]
    missing, more = Counter(wanted) - Counter(seen), Counter(seen) - Counter(wanted)
    return [
        *_listed("-", [row for row, key in zip(expected, wanted, strict=True) if _take(missing, key)]),
        *_listed("+", [row for row, key in zip(answer.rows, seen, strict=True) if _take(more, key)]),
    ]


def _take(left: Counter[tuple[object, ...]], key: tuple[object, ...]) -> bool:
    if left[key] <= 0:
        return False
    left[key] -= 1
    return True


def _listed(sign: str, rows: Sequence[Row]) -> list[str]:
    told = {"-": "not seen", "+": "seen"}[sign]
    return [f"{sign} {' | '.join('NULL' if value is None else value for value in row)}   ({told})" for row in rows]


def _comparable(row: Row, types: Sequence[int]) -> tuple[object, ...]:
    return tuple(_value(value, oid) for value, oid in zip(row, types, strict=True))


def _value(text: str | None, oid: int) -> object:
    if text is not None and oid == _BOOLEAN:
        return _TRUTHS.get(text.lower(), text)
    if text is not None and oid in _NUMBERS:
        with suppress(InvalidOperation):
            number = Decimal(text)
            return number if number.is_finite() else text
    return text
