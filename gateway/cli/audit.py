"""``lakegate audit``: whether the audit is whole, and its export."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path

from catalog.store.audit_store import Period
from catalog.store.store import open_store
from gateway.audit import export as exports
from gateway.audit.verify import Chain
from gateway.audit.verify import verify as verify_chains
from gateway.cli.metadata import metadata_server
from gateway.cli.output import FAILED, USAGE, CommandError, notices, results
from gateway.configuration.config import load


def verify(config_path: Path, since: str | None, until: str | None) -> None:
    """Print each chain with what is wrong with it; exit code 1 if one is broken."""
    config = load(config_path)
    period = Period(_day(since), _day(until))
    with metadata_server(config) as server:
        open_store(server).close()  # migrated, where this version is newer than the last that served
        chains = verify_chains(server, config.audit_directory, period)
    for chain in chains:
        results().print(_line(chain), soft_wrap=True, markup=False)
    if not chains:
        results().print("the audit is empty")
    if any(chain.broken for chain in chains):
        raise CommandError("the audit was changed", code=FAILED)


def export(config_path: Path, options: exports.ExportOptions) -> None:
    """Deliver what was not delivered yet; with ``--follow`` until interrupted."""
    config = load(config_path)
    if options.format not in {"ocsf", "json"}:
        raise CommandError(f'no format "{options.format}"', hint="ocsf or json", code=USAGE)
    with metadata_server(config) as server:
        open_store(server).close()
        try:
            delivered = exports.export(server, options, threading.Event().is_set)
        except exports.ExportError as error:
            raise CommandError(str(error)) from None
    notices().print(f"exported {delivered} events", soft_wrap=True)


def _line(chain: Chain) -> str:
    entries = f"entries {chain.first} to {chain.last}" if chain.first else "no entries"
    parts = [f"{chain.node}: {entries}"]
    if chain.retired:
        parts.append(f"{chain.retired} retired")
    if chain.waiting:
        parts.append(f"{chain.waiting} in the journal")
    parts.append("head signed by this gateway" if chain.signed else "signature not checked")
    parts.append(f"BROKEN: {chain.broken}" if chain.broken else "whole")
    return ", ".join(parts)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(f'"{text}" is not a day such as 2026-01-31', code=USAGE) from None
