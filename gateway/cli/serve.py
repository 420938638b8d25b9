"""``lakegate serve``."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import uvloop

from gateway import logs
from gateway.cli import pid_file
from gateway.cli.output import USAGE, CommandError
from gateway.configuration.config import load
from gateway.execute import heaps

_LEVELS = ("debug", "info", "warning", "error")
_TURN = 0.001  # seconds that a thread computes in Python while the event loop waits for its turn


def run(config_path: Path, log_level: str) -> None:
    """Serve until a signal; the data folder is held meanwhile."""
    if log_level not in _LEVELS:
        raise CommandError(f'no log level "{log_level}"', hint=f"one of {', '.join(_LEVELS)}", code=USAGE)
    config = load(config_path)
    logs.configure(log_level)
    heaps.bound()
    sys.setswitchinterval(_TURN)  # else a look at the sources adds 5 ms to each step of each statement
    server = config.server
    http_listen = str(server.http_listen) if server.http_listen else None
    running = pid_file.Running(os.getpid(), str(server.listen), http_listen, server.shutdown_grace)
    with pid_file.hold(server.data_dir, running):
        from gateway.server import serve

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(config))
