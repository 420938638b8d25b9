"""``lakegate check``: is the configuration right, does every source answer, and what does it hold?"""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from catalog.errors import SqlError
from catalog.server import ServerError, external
from catalog.tables import Discovery
from connectors.registry import open_source
from gateway.cli.output import FAILED, results
from gateway.configuration.config import Config, SourceConfig, load


@dataclass(slots=True)
class _Answer:
    """What became of one source: what it holds, or why not. Filled in by a thread."""

    name: str
    settings: SourceConfig
    seconds: float = 0.0
    found: Discovery | None = None
    reason: str | None = None


def run(config_path: Path, timeout: float) -> None:
    """Check everything; the process ends with code 1 if something fails."""
    config = load(config_path)
    answers = [_Answer(name, settings) for name, settings in config.sources.items()]
    # Daemons: a source that never answers must not keep the command from ending.
    threads = [threading.Thread(target=_ask, args=(answer,), daemon=True) for answer in answers]
    for thread in threads:
        thread.start()
    metadata = _metadata_failure(config)
    deadline = time.monotonic() + timeout
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    # Taken now: a thread that answers later no longer counts.
    late = {answer.name for answer, thread in zip(answers, threads, strict=True) if thread.is_alive()}
    _print(config_path, answers, late, timeout)
    console = results()
    if metadata is not None:
        console.print(f"[red]✗[/] metadata server: {escape(metadata)}", soft_wrap=True)
    broken = any(answer.found is None or answer.found.broken for answer in answers)
    code = FAILED if metadata is not None or late or broken else 0
    if late:
        sys.stdout.flush()
        os._exit(code)  # threads are still inside a driver, which Python would abort on its way out
    raise SystemExit(code)


def _ask(answer: _Answer) -> None:
    begun = time.monotonic()
    try:
        source = open_source(answer.name, answer.settings.plain_settings())
        try:
            answer.found = source.discover()
        finally:
            source.close()
    except SqlError as error:
        answer.reason = ": ".join(part for part in (error.message, error.detail, error.hint) if part)
    except Exception as error:  # a defect of one connector must not hide what the others say
        answer.reason = f"{type(error).__name__}: {error}"
    answer.seconds = time.monotonic() - begun


def _metadata_failure(config: Config) -> str | None:
    if config.server.metadata_url is None:
        return None
    try:
        external(config.server.metadata_url.get_secret_value())
    except ServerError as error:
        return str(error)
    return None


def _print(config_path: Path, answers: list[_Answer], late: set[str], timeout: float) -> None:
    console = results()
    console.print(f"{escape(str(config_path))}: valid, {len(answers)} source{'' if len(answers) == 1 else 's'}")
    if not answers:
        return
    table = Table("source", "kind", "tables")
    for heading in ("rows (about)", "seconds"):
        table.add_column(heading, justify="right")
    for answer in answers:
        seconds = f"{answer.seconds:.2f}"
        if answer.name in late:
            row = (f"[red]no answer within {timeout:g} s[/]", "", "")
        elif answer.found is None:
            row = ("[red]failed[/]", "", seconds)
        else:
            row = (_table_names(answer.found), _rows(answer.found), seconds)
        table.add_row(answer.name, answer.settings.kind, *row)
    console.print(table)
    for answer in answers:
        if answer.reason is not None and answer.name not in late:
            console.print(f"[red]✗[/] {answer.name}: {escape(answer.reason)}", soft_wrap=True)
        for name, reason in (answer.found.broken if answer.found else {}).items():
            console.print(f"[red]✗[/] {escape(str(name))}: {escape(reason)}", soft_wrap=True)


def _table_names(found: Discovery) -> str:
    names = [escape(str(table.name)) for table in found.tables]
    shown = ", ".join(names[:6]) + (", …" if len(names) > 6 else "")
    return f"{len(names)}: {shown}" if names else "none"


def _rows(found: Discovery) -> str:
    known = [table.rows for table in found.tables if table.rows is not None]
    return f"{sum(known):,}" if known else "unknown"
