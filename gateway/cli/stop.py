"""``lakegate stop``."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from catalog import server
from gateway import logs
from gateway.cli import pid_file
from gateway.cli.defaults import DEFAULT_CONFIG, DEFAULT_DEMO
from gateway.cli.output import CommandError, notices
from gateway.configuration.config import load
from gateway.demo.state import crm_directory, state_directory

_HELD_SECONDS = 15.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a gateway may run: its data folder, and folders of PostgreSQL servers that were started with it."""

    data_dir: Path
    companions: tuple[Path, ...] = ()


def run(config_path: Path | None, demo_directory: Path | None) -> None:
    """Stop the named gateway; without a name, the only one that runs here."""
    logs.configure("error")  # a server that is just ending is no news here
    places = _places(config_path, demo_directory)
    running = {place: found for place in places if (found := pid_file.find_running(place.data_dir))}
    if len(running) > 1:
        listed = ", ".join(f"{found.listen} ({place.data_dir})" for place, found in running.items())
        raise CommandError(
            f"several gateways run here: {listed}",
            hint="name one: --config lakegate.toml, or --directory .lakegate/demo",
        )
    console = notices()
    for place, found in running.items():
        pid_file.stop(place.data_dir, found)
        for folder in place.companions:
            _stop_server(folder)
        console.print(f"stopped the gateway on {found.listen} (process {found.pid})", soft_wrap=True)
    # Without a gateway, servers may be left of one that was killed.
    idle = [] if running else [folder for place in places for folder in (place.data_dir, *place.companions)]
    left = [folder for folder in idle if _stop_server(folder)]
    for folder in left:
        console.print(f"stopped the PostgreSQL server that a killed gateway left in {folder}", soft_wrap=True)
    if not running and not left:
        raise CommandError(f"no gateway runs on {' or '.join(str(place.data_dir) for place in places)}")


def _places(config_path: Path | None, demo_directory: Path | None) -> list[_Place]:
    places = []
    if config_path is not None or (demo_directory is None and DEFAULT_CONFIG.exists()):
        places.append(_Place(load(config_path or DEFAULT_CONFIG).server.data_dir))
    if demo_directory is not None or config_path is None:
        demo = (demo_directory or DEFAULT_DEMO).absolute()
        places.append(_Place(state_directory(demo), (crm_directory(demo),)))
    return places


def _stop_server(folder: Path) -> bool:
    """Stop the embedded PostgreSQL of a folder; return whether one ran. One that a process holds is waited for: a demo
    in the foreground stops its own as soon as its gateway has ended.
    """
    deadline = time.monotonic() + _HELD_SECONDS
    found = False
    while server.attach(folder) is not None:
        found = True
        try:
            server.start(folder).stop()
        except server.ServerError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL_SECONDS)
    return found
