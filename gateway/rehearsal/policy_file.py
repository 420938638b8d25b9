"""Policies in a file: as SQL, or as YAML with statements under headings. Both are read as statements, in order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from catalog.store.rows import AccessRows
from catalog.tables import Catalog
from gateway.config import Config
from gateway.config_error import ConfigError, Problem
from gateway.rehearsal.stage import open_stage, run_each
from gateway.rehearsal.yaml_lines import YamlError, read_yaml
from policies.difference import Section, difference, normalised

FORMATS = ("sql", "yaml")
_YAML = frozenset({".yaml", ".yml"})


def read_policies(path: Path) -> list[str]:
    """Return the texts of a file. Raises `ConfigError` for one that is not of the form, OSError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(path, [Problem(0, "", "not UTF-8 text")]) from None
    if path.suffix not in _YAML:
        return [text]
    try:
        sections, lines = read_yaml(text)
    except YamlError as error:
        raise ConfigError(path, error.problems) from None
    if sections is not None and not isinstance(sections, dict):
        raise ConfigError(path, [Problem(1, "", "not a mapping of headings to statements")])
    texts: list[str] = []
    for name, statements in (sections or {}).items():
        if not isinstance(statements, list):
            raise ConfigError(path, [Problem(lines[name,], name, "not a list of statements")])
        for at, statement in enumerate(statements):
            if not isinstance(statement, str):
                raise ConfigError(path, [Problem(lines[name, at], f"{name}[{at}]", "not a statement")])
            texts.append(statement)
    return texts


def write_policies(sections: Sequence[Section], form: str) -> str:
    """Return the text of a file in a form of `FORMATS`."""
    if form == "yaml":
        data = {section.name: [*section.statements] for section in sections}
        return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=1 << 20) if data else ""
    parts = ["\n".join([f"-- {section.name}", *(f"{one};" for one in section.statements)]) for section in sections]
    return "\n\n".join(parts) + "\n" if parts else ""


def exported(rows: AccessRows, catalog: Catalog, database: str) -> list[Section]:
    """Return the statements that make all of a store's policies."""
    return difference(AccessRows(0), normalised(rows, catalog.tables), database)


async def wanted_by(path: Path, catalog: Catalog, config: Config) -> AccessRows:
    """Return the policies of a file, `normalised`. PostgreSQL reads them on a stage with the same tables, so they
    are in the spelling of a store's. Raises SqlError, `ConfigError` and OSError for a file that cannot be used.
    """
    texts = read_policies(path)
    async with open_stage(config, catalog=catalog) as stage:
        await run_each(stage, texts)
        return normalised(stage.rows, catalog.tables)


def changes(rows: AccessRows, wanted: AccessRows, catalog: Catalog, database: str, *, drops: bool) -> list[Section]:
    """Return what makes a store's policies those that are wanted."""
    return difference(normalised(rows, catalog.tables), wanted, database, drops=drops)
