"""``lakegate policy``: policies as code, tested before they count."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo
from rich.markup import escape

from catalog.errors import SqlError
from catalog.store.connection import DATABASE
from catalog.store.rows import AccessRows
from catalog.tables import Catalog
from gateway.cli.metadata import metadata_server, metadata_store
from gateway.cli.output import FAILED, USAGE, CommandError, notices, results
from gateway.configuration.config import Config, load
from gateway.configuration.error import ConfigError
from gateway.configuration.quantities import parse_duration
from gateway.rehearsal.absent import unfit_policies, without_absent
from gateway.rehearsal.case_file import load_cases
from gateway.rehearsal.cases import try_cases
from gateway.rehearsal.policy_file import FORMATS, changes, exported, wanted_by, write_policies
from gateway.rehearsal.replay import Change, Draft, Past, from_audit, load_statements, replay

_NAMED = 5  # of what no source has now


def test(paths: Sequence[Path]) -> None:
    """Try the cases of files and print how each went; exit code 1 if one is wrong, 2 if a file cannot be used."""
    tried = failed = 0
    for path in paths:
        try:
            outcomes = asyncio.run(try_cases(load_cases(path)))
        except ConfigError as error:
            raise CommandError(str(error), hint="docs/policies.md describes the files", code=USAGE) from None
        except SqlError as error:
            raise CommandError(f"{path}: {told(error)}") from None
        for outcome in outcomes:
            mark = "[red]FAIL[/]" if outcome.differences else "[green]ok[/]  "
            results().print(f"{mark} {escape(f'{path}:{outcome.line}: {outcome.name}')}", soft_wrap=True)
            for line in outcome.differences:
                results().print(f"       {escape(line)}", soft_wrap=True)
        tried += len(outcomes)
        failed += sum(bool(outcome.differences) for outcome in outcomes)
    results().print(f"{tried} cases, {failed} failed")
    if failed:
        raise SystemExit(FAILED)


def told(error: SqlError) -> str:
    """Return all that an error says."""
    return "\n".join(filter(None, (f"{error.message} (SQLSTATE {error.sqlstate})", error.detail, error.hint)))


def export(config_path: Path, form: str) -> None:
    """Print all roles (without passwords), privileges, policies, masks and tags."""
    if form not in FORMATS:
        raise CommandError(f'no format "{form}"', hint=" or ".join(FORMATS), code=USAGE)
    config = load(config_path)
    rows, catalog = _state(config)
    _tell_absent(rows, catalog)
    sys.stdout.write(write_policies(exported(rows, catalog, config.server.database), form))


def _tell_absent(rows: AccessRows, catalog: Catalog) -> None:
    """Say of what is left alone, since there is nothing now that statements could name; and of policies that ask for
    such.
    """
    there, absent = without_absent(rows, catalog)
    if absent:
        others = f" and {len(absent) - _NAMED} others" if len(absent) > _NAMED else ""
        named = f"{', '.join(absent[:_NAMED])}{others}"
        notices().print(f"what is on {named} is left as it is: no source has that now", soft_wrap=True)
    for one in unfit_policies(there, catalog):
        notices().print(escape(f"{one}; nobody reads the table until that is mended"), soft_wrap=True)


@dataclass(frozen=True, slots=True)
class ApplyRequest:
    """What is wanted of an application. ``diff``: the statements are only shown; ``drops``: roles and masking secrets
    that the file does not have go; ``yes``: nobody is asked; ``user`` is who carries it out at the gateway.
    """

    file: Path
    diff: bool = False
    drops: bool = False
    yes: bool = False
    user: str | None = None


def apply(config_path: Path, request: ApplyRequest) -> None:
    """Show what makes the policies those of a file, and have the gateway carry it out."""
    config = load(config_path)
    rows, catalog = _state(config)
    try:
        wanted = asyncio.run(wanted_by(request.file, catalog, config, rows))
    except ConfigError as error:
        raise CommandError(str(error), hint="docs/policies.md describes the files", code=USAGE) from None
    except SqlError as error:
        raise CommandError(f"{request.file}: {told(error)}") from None
    database = config.server.database
    _tell_absent(rows, catalog)
    sections = changes(rows, wanted, catalog, database, drops=request.drops)
    sys.stdout.write(write_policies(sections, "sql"))
    statements = [one for section in sections for one in section.statements]
    if request.diff or not statements:
        notices().print(f"{len(statements)} statements would be sent" if statements else "nothing to change")
        return
    if not request.yes and not _agreed(len(statements)):
        raise CommandError("nothing was changed")
    send_as(config, request.user, statements)
    left = changes(_state(config)[0], wanted, catalog, database, drops=request.drops)
    if left:  # PostgreSQL warns only where a REVOKE finds nothing that its sender may take back
        raise CommandError(f"after {len(statements)} statements these are left:\n{write_policies(left, 'sql')}".strip())
    notices().print(f"{len(statements)} statements carried out")


def _agreed(count: int) -> bool:
    if not sys.stdin.isatty():
        raise CommandError("no terminal to ask on", hint="--yes carries the statements out", code=USAGE)
    return input(f"Carry out {count} statements? [y/N] ").strip().lower() in {"y", "yes"}


def send_as(config: Config, user: str | None, statements: Sequence[str]) -> None:
    """Send statements to the gateway that serves: judged and audited as any client's."""
    listen = config.server.listen
    given = {"user": user} if user is not None else {}
    dsn = make_conninfo("", host=listen.host, port=listen.port, dbname=config.server.database, **given)
    try:
        with psycopg.connect(dsn, autocommit=True, application_name="lakegate policy apply") as connection:
            for done, statement in enumerate(statements):
                try:
                    connection.execute(statement.encode(), prepare=False)
                except psycopg.Error as error:
                    failed = f"{statement}: {str(error).strip()}"
                    raise CommandError(f"after {done} of {len(statements)} statements: {failed}") from None
    except psycopg.OperationalError as error:
        hint = "PGPASSWORD, or a password file of libpq, has the password; --user says who"
        raise CommandError(f"the gateway at {listen} cannot be used: {str(error).strip()}", hint=hint) from None


def _state(config: Config) -> tuple[AccessRows, Catalog]:
    with metadata_store(config) as store:
        catalog = store.load_catalog(config.server.database)
        return store.load_access(), catalog or Catalog(0, {}, {})


def simulate(config_path: Path, draft: Draft, since: str, statements: Path | None) -> None:
    """Ask past statements again under the policies that are and under a draft; print which would answer otherwise."""
    if draft == Draft():
        raise CommandError("nothing to try", hint="--policies FILE, or --drafts for those of the gateway", code=USAGE)
    config = load(config_path)
    rows, _ = _state(config)
    try:
        past = load_statements(statements) if statements is not None else _past(config, since)
        whole = [one for one in past if one.is_whole] if statements is None else past
        changed, failing = asyncio.run(replay(config, rows, draft, whole)) if whole else ([], [])
    except ConfigError as error:
        raise CommandError(str(error), hint="docs/policies.md describes the files", code=USAGE) from None
    except SqlError as error:
        raise CommandError(f"{draft.file or 'the drafts'}: {told(error)}") from None
    for change in changed:
        times = f" ({change.past.times} times)" if change.past.times > 1 else ""
        results().print(f"{escape(change.past.role)}: {escape(change.past.text)}{times}", soft_wrap=True)
        if change.past.claims:
            claims = json.dumps(dict(change.past.claims), ensure_ascii=False)
            results().print(f"       with claims {escape(claims)}", soft_wrap=True)
        results().print(f"       {escape(_described(change))}", soft_wrap=True)
    for one, reason in failing:
        notices().print(f"fails under both: {escape(one.role)}: {escape(one.text)}: {escape(reason)}", soft_wrap=True)
    if len(whole) < len(past):
        hidden = len(past) - len(whole)
        notices().print(
            f"{hidden} statements have constants, which the audit does not keep: give them by --statements",
            soft_wrap=True,
        )
    results().print(f"{len(whole)} statements asked again, {len(changed)} would answer otherwise")


def _described(change: Change) -> str:
    before = f"error: {change.was}" if change.was is not None else f"{change.before} rows"
    after = f"error: {change.error}" if change.error is not None else f"{change.after} rows"
    columns = f", other values in {', '.join(change.columns)}" if change.columns else ""
    return f"{before} → {after}{columns}"


def _past(config: Config, since: str) -> list[Past]:
    try:
        seconds = parse_duration(since)
    except ValueError as error:
        raise CommandError(f"--since: {error}", code=USAGE) from None
    query = """
        SELECT role, text, coalesce(claims, '{}') FROM lakegate.audit_log
        WHERE event = 'statement' AND phase = 'intent' AND resumed IS NOT TRUE AND text <> '' AND database = %s
          AND at >= now() - make_interval(secs => %s) ORDER BY at, sequence
    """
    with metadata_server(config) as server, server.connect(DATABASE) as connection:
        found = connection.execute(query, (config.server.database, seconds)).fetchall()
    return from_audit((role, text, json.loads(claims)) for role, text, claims in found)
