"""Policies in a file: as SQL, or as YAML with statements under headings. Both are read as statements, in order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.store.rows import AccessRows, Comment, RowPolicy, TagRemoval
from catalog.tables import Catalog
from gateway.configuration.config import Config
from gateway.configuration.error import ConfigError, Problem
from gateway.rehearsal.absent import unfit_policies, without_absent
from gateway.rehearsal.stage import open_stage, run_each
from gateway.rehearsal.yaml_lines import YamlError, read_yaml
from gateway.sql.policy_text import view_lineage
from gateway.sql.resolve import Names
from gateway.sql.statements import split
from policies.access_statements import comment_statement, create_policy, policy_key
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


async def wanted_by(path: Path, catalog: Catalog, config: Config, rows: AccessRows) -> AccessRows:
    """Return the policies of a file, `normalised`. PostgreSQL reads them on a stage with the same tables, so they
    are in the spelling of a store's. Policies of the store's ``rows`` that ask for what no source has now are taken as
    they are where the file has them as they were exported. Raises SqlError, `ConfigError` and OSError for a file that
    cannot be used.
    """
    texts, policies, comments = without_unfit(read_policies(path), without_absent(rows, catalog)[0], catalog)
    async with open_stage(config, catalog=catalog) as stage:
        absent: list[SqlError] = []
        await run_each(stage, texts, absent)
        if absent:
            raise _not_there(absent)
        found = stage.rows
        whole = replace(found, row_policies=(*found.row_policies, *policies), comments=(*found.comments, *comments))
        return normalised(whole, catalog.tables)


def without_unfit(
    texts: Sequence[str], rows: AccessRows, catalog: Catalog
) -> tuple[list[str], list[RowPolicy], list[Comment]]:
    """Return texts without the statements that make unfit policies of a store, each with blanks in its place so that
    lines stay what they are; and what these make.
    """
    unfit = {policy_key(one.row): one.row for one in unfit_policies(rows, catalog)}
    policies = {create_policy(row): row for row in unfit.values()}
    told = [row for row in rows.comments if (row.schema, row.table, row.policy) in unfit]
    comments = {comment_statement(row, ""): row for row in told}
    left: list[str] = []
    found: list[str] = []
    for text in texts:
        parts, at = [], 0
        for statement in split(text):
            if statement.text in policies or statement.text in comments:
                parts += [text[at : statement.start], re.sub(r"\S", " ", statement.text)]
                at = statement.start + len(statement.text)
                found.append(statement.text)
        left.append("".join((*parts, text[at:])))
    return (
        left,
        [policies[one] for one in found if one in policies],
        [comments[one] for one in found if one in comments],
    )


def _not_there(errors: Sequence[SqlError]) -> SqlError:
    """Return one error that tells of all statements that name what is not there."""
    count = "1 statement names" if len(errors) == 1 else f"{len(errors)} statements name"
    each = [f"{one.message} (SQLSTATE {one.sqlstate})\n  {one.detail}" for one in errors]
    return SqlError(
        errors[0].sqlstate,
        f"{count} what no source has, so nothing of the file is applied",
        detail="\n".join(each),
        hint="Take them out of the file, or wait until it is back: `lakegate check` tells what sources have.",
    )


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
