"""Policies in a file: as SQL, or as YAML with statements under headings. Both are read as statements, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.store.rows import AccessRows, TagRemoval
from catalog.tables import Catalog
from gateway.configuration.config import Config
from gateway.configuration.error import ConfigError, Problem
from gateway.rehearsal.absent import without_absent
from gateway.rehearsal.stage import open_stage, run_each
from gateway.rehearsal.yaml_lines import YamlError, read_yaml
from gateway.sql.policy_text import view_lineage
from gateway.sql.resolve import Names
from policies.difference import Section, difference, normalised
from policies.view_difference import view_names, without_views
from policies.view_tags import ViewSource, ViewTags
from policies.views import Views

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
    return difference(AccessRows(0), _of_store(rows, catalog, database), database)


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
    return difference(_of_store(rows, catalog, database), wanted, database, drops=drops)


def _of_store(rows: AccessRows, catalog: Catalog, database: str) -> AccessRows:
    """Return a store's policies `normalised`, without what has no effect any more: tags that were taken off a column of
    a view which has had them again since, and views whose owner is gone, which nobody can read; and without what is
    on relations that no source has now.
    """
    rows, _ = without_absent(rows, catalog)
    owned = {(row.schema, row.table) for row in rows.tables if row.owner is not None}
    orphans = frozenset(name for name in view_names(rows) if (name.schema, name.name) not in owned)
    views = Views.from_rows(rows, dict)
    everybody = Names(catalog, frozenset(), (), lambda _: True, database)
    names = replace(everybody, views=views.tables, view_types={})
    tags, source = ViewTags(rows), ViewSource(views.by_name.get, lambda row: view_lineage(row, names))

    def holds(removal: TagRemoval) -> bool:
        view = views.by_name.get(TableName(removal.schema, removal.view))
        try:
            return view is not None and tags.fingerprint(view, removal.column, source) == removal.made_of
        except SqlError:  # the view does not fit its tables any more
            return False

    held = replace(rows, tag_removals=tuple(row for row in rows.tag_removals if holds(row)))
    return normalised(without_views(held, orphans), catalog.tables)
