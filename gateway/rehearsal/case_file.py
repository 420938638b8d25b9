"""The file of ``lakegate policy test``: tables with rows, policies, and what each role is to see.

Every error names the file, the line and the key, as those of ``lakegate.toml`` do. docs/policies.md describes it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from catalog.names import TableName
from gateway.configuration.error import ConfigError, Problem, problem_at
from gateway.rehearsal.yaml_lines import YamlError, read_yaml

_TABLE = re.compile(r"([a-z_][a-z0-9_]{0,62})\.([a-z_][a-z0-9_]{0,62})\Z")
_NUMERIC = re.compile(r"(?:numeric|decimal)\((\d{1,2})(?:,\s*(\d{1,2}))?\)\Z")
_TYPES: dict[str, pa.DataType] = {
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double precision": pa.float64(),
    "boolean": pa.bool_(),
    "text": pa.string(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"),
}
_MOST_DIGITS = 38

Cell = str | None
Row = tuple[Cell, ...]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str | dict) else value


def _arrow_type(name: str) -> pa.DataType:
    found = _TYPES.get(name)
    numeric = _NUMERIC.match(name)
    if numeric is not None and 1 <= int(numeric[1]) <= _MOST_DIGITS and int(numeric[2] or 0) <= int(numeric[1]):
        return pa.decimal128(int(numeric[1]), int(numeric[2] or 0))
    if found is None:
        raise ValueError(f"no type for a column here: {name}; there are {', '.join(_TYPES)} and numeric(p,s)")
    return found


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class TableCase(_Part):
    """A table: its columns with their types, and its rows."""

    columns: Annotated[dict[str, str], Field(min_length=1)]
    rows: tuple[Row, ...] = ()

    @field_validator("columns")
    @classmethod
    def _known_types(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value.values():
            _arrow_type(name)
        return value

    @model_validator(mode="after")
    def _fits(self) -> TableCase:
        self.arrow()
        return self

    def arrow(self) -> pa.Table:
        """Return the rows. Raises ValueError where one does not fit the columns."""
        for at, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ValueError(f"row {at + 1} has {len(row)} values, the table {len(self.columns)} columns")
        arrays = []
        for at, (name, kind) in enumerate(self.columns.items()):
            values = pa.array([row[at] for row in self.rows], pa.string())
            try:
                arrays.append(values.cast(_arrow_type(kind)))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise ValueError(f'a value of column "{name}" is no {kind}: {error}') from None
        return pa.table(arrays, names=[*self.columns])


class StatementFile(_Part):
    """A file of statements, relative to the file of cases."""

    file: Path


class Case(_Part):
    """What a role is to see: rows (in any order unless ``ordered``), or the SQLSTATE of an error."""

    role: str
    query: str
    name: str | None = None
    claims: dict[str, Any] = Field(default_factory=dict)
    rows: tuple[Row, ...] | None = None
    columns: tuple[str, ...] | None = None
    ordered: bool = False
    error: Annotated[str, Field(pattern=r"^[0-9A-Z]{5}$")] | None = None

    @model_validator(mode="after")
    def _expects(self) -> Case:
        if (self.rows is None) == (self.error is None):
            raise ValueError("give either rows or error")
        if self.error is not None and (self.columns is not None or self.ordered):
            raise ValueError("columns and ordered go with rows")
        return self


class CaseFile(_Part):
    """A whole file. ``config`` is a gateway's configuration, whose sources' tables are there too."""

    tests: Annotated[tuple[Case, ...], Field(min_length=1)]
    tables: dict[str, TableCase] = Field(default_factory=dict)
    config: Path | None = None
    policies: Annotated[tuple[str | StatementFile, ...], BeforeValidator(_as_list)] = ()
    roles: dict[str, tuple[str, ...] | None] = Field(default_factory=dict)

    @field_validator("tables")
    @classmethod
    def _named(cls, value: dict[str, TableCase]) -> dict[str, TableCase]:
        for name in value:
            if not _TABLE.match(name) or name.startswith(("pg_", "public.", "lakegate.", "information_schema.")):
                raise ValueError(f'"{name}" is no name for a table here: schema.table, in lower case')
        return value

    def arrow_tables(self) -> dict[TableName, pa.Table]:
        """Return the tables with their rows."""
        return {TableName(*name.split(".")): table.arrow() for name, table in self.tables.items()}


class LoadedCases:
    """A file with the lines of its cases."""

    def __init__(self, path: Path, cases: CaseFile, lines: tuple[int, ...]) -> None:
        self.path = path
        self.cases = cases
        self.lines = lines

    def statements(self) -> list[str]:
        """Return the texts of the policies, in order. Raises OSError for a file that cannot be read."""
        found = []
        for one in self.cases.policies:
            found.append(one if isinstance(one, str) else (self.path.parent / one.file).read_text(encoding="utf-8"))
        return found


def load_cases(path: Path) -> LoadedCases:
    """Read a file of cases. Raises `ConfigError` with every problem in it, OSError where it cannot be read."""
    try:
        raw, lines = read_yaml(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise ConfigError(path, [Problem(0, "", "not UTF-8 text")]) from None
    except YamlError as error:
        raise ConfigError(path, error.problems) from None
    try:
        cases = CaseFile.model_validate(raw)
    except ValidationError as error:
        found = [_problem(dict(one), lines) for one in error.errors(include_url=False)]
        raise ConfigError(path, found) from None
    return LoadedCases(path, cases, tuple(lines["tests", at] for at in range(len(cases.tests))))


def _problem(details: dict[str, Any], lines: dict[tuple[str | int, ...], int]) -> Problem:
    path = tuple(part for part in details["loc"] if part not in {"str", "StatementFile"})
    message = {"extra_forbidden": "no such key", "missing": "field required"}.get(details["type"])
    if message is None:
        message = str(details["msg"]).removeprefix("Value error, ")
        message = message[:1].lower() + message[1:]
    return problem_at(lines, path, message)
