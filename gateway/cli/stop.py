"""``lakegate stop``."""

from __future__ import annotations

from pathlib import Path

from catalog import server
from gateway.cli import pid_file
from gateway.cli.app import DEFAULT_CONFIG, DEFAULT_DEMO
from gateway.cli.output import CommandError, notices
from gateway.config import load
from gateway.demo.state import state_directory


def run(config_path: Path | None, demo_directory: Path | None) -> None:
    """Stop the named gateway; without a name, the only one that runs here."""
    folders = _candidates(config_path, demo_directory)
    running = {folder: found for folder in folders if (found := pid_file.find_running(folder))}
    if len(running) > 1:
        listed = ", ".join(f"{found.listen} ({folder})" for folder, found in running.items())
        raise CommandError(
            f"several gateways run here: {listed}",
            hint="name one: --config lakegate.toml, or --directory .lakegate/demo",
        )
    console = notices()
    for folder, found in running.items():
        pid_file.stop(folder, found)
        console.print(f"stopped the gateway on {found.listen} (process {found.pid})")
    left = [folder for folder in folders if _stop_database_left_behind(folder)]
    for folder in left:
        console.print(f"stopped the PostgreSQL server that a killed gateway left in {folder}")
    if not running and not left:
        raise CommandError(f"no gateway runs on {' or '.join(map(str, folders))}")


def _candidates(config_path: Path | None, demo_directory: Path | None) -> list[Path]:
    folders = []
    if config_path is not None or (demo_directory is None and DEFAULT_CONFIG.exists()):
        folders.append(load(config_path or DEFAULT_CONFIG).server.data_dir)
    if demo_directory is not None or config_path is None:
        folders.append(state_directory((demo_directory or DEFAULT_DEMO).absolute()))
    return folders


def _stop_database_left_behind(data_dir: Path) -> bool:
    """Stop the embedded PostgreSQL of a gateway that did not end in order."""
    if pid_file.find_running(data_dir) is not None or server.attach(data_dir) is None:
        return False
    server.start(data_dir).stop()
    return True
