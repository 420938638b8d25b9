"""``lakegate calibrate``: what joins, files and transfers cost on this machine, for the section ``[costs]``."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from rich.markup import escape
from rich.table import Table

from catalog.errors import SqlError
from connectors.postgres.source import PostgresSource
from connectors.registry import open_source
from gateway.calibration.fit import JOIN_COSTS, LEAST, fitted, relative_error
from gateway.calibration.joins import measured_file_row, measured_joins, measured_pair
from gateway.calibration.servers import MeasuredServer, measured_server
from gateway.cli.output import notices, results
from gateway.configuration.config import Config, load
from optimizer.cost import Costs

_SECTION = re.compile(r"^\[costs\][ \t]*(?:#[^\n]*)?\n(?:(?!\[)[^\n]*\n?)*", re.MULTILINE)


def run(config_path: Path, scale: float, *, write: bool) -> None:
    """Measure, tell, and write the section into the configuration where that is asked for."""
    config = load(config_path)
    joins = [*measured_joins(scale)]
    found = {name: round(value, 3) for name, value in fitted(joins).items()}
    found["compared_pair"] = _rounded(measured_pair(scale))
    found["file_row"] = _rounded(measured_file_row(scale))
    servers = _servers(config, scale)
    if servers:
        found["remote_row"] = _rounded(median(one.sent for one in servers))
        found["remote_row_computed"] = _rounded(median(one.computed for one in servers))
    usual, costs = asdict(Costs()), asdict(replace(Costs(), **found))
    table = Table("nanoseconds", *("usual", "measured"))
    for name, value in costs.items():
        table.add_row(name, f"{usual[name]:g}", f"{value:g}" if name in found else "not measured")
    console = results()
    console.print(table)
    error = relative_error(joins, [found[name] for name in JOIN_COSTS])
    console.print(f"{len(joins)} joins are described within {error:.0%}", soft_wrap=True)
    section = costs_section(found)
    if write:
        config_path.write_text(with_section(config_path.read_text(encoding="utf-8"), section), encoding="utf-8")
        console.print(f"{escape(str(config_path))}: written; they count when the gateway is started", soft_wrap=True)
    else:
        console.print(escape(section), soft_wrap=True)


def costs_section(found: dict[str, float]) -> str:
    """Return the section of a configuration with these costs."""
    lines = [f"{name} = {value!r}" for name, value in found.items()]
    return "\n".join([f"[costs]  # by lakegate calibrate, {datetime.now(UTC):%Y-%m-%d}", *lines, ""])


def with_section(text: str, section: str) -> str:
    """Return a configuration with a section ``[costs]`` in the place of the one that it has, else at its end."""
    if _SECTION.search(text) is not None:
        return _SECTION.sub(lambda _: section + "\n", text, count=1)
    return f"{text.rstrip()}\n\n{section}"


def _servers(config: Config, scale: float) -> list[MeasuredServer]:
    found: list[MeasuredServer] = []
    for name, settings in config.sources.items():
        source = open_source(name, settings.plain_settings())
        try:
            if isinstance(source, PostgresSource):
                found.append(measured_server(source, scale))
        except SqlError as error:
            notices().print(f"source {escape(name)} is left out: {escape(error.message)}", soft_wrap=True)
        finally:
            source.close()
    return found


def _rounded(value: float) -> float:
    return max(LEAST, round(value, 3))
