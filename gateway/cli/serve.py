"""``lakegate serve``."""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
from pathlib import Path

import uvloop

from gateway import logs, optional_packages
from gateway.cli import pid_file
from gateway.cli.output import USAGE, CommandError
from gateway.configuration.config import load

_LEVELS = ("debug", "info", "warning", "error")
_TURN = 0.001  # seconds that a thread computes in Python while the event loop waits for its turn
_M_ARENA_MAX = -8  # malloc.h of the GNU C library


def run(config_path: Path, log_level: str) -> None:
    """Serve until a signal; the data folder is held meanwhile."""
    if log_level not in _LEVELS:
        raise CommandError(f'no log level "{log_level}"', hint=f"one of {', '.join(_LEVELS)}", code=USAGE)
    optional_packages.leave_out_unused()
    config = load(config_path)
    logs.configure(log_level)
    _bound_heaps()
    sys.setswitchinterval(_TURN)  # else a look at the sources adds 5 ms to each step of each statement
    server = config.server
    http_listen = str(server.http_listen) if server.http_listen else None
    running = pid_file.Running(os.getpid(), str(server.listen), http_listen, server.shutdown_grace)
    with pid_file.hold(server.data_dir, running):
        from gateway.server import serve

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(config))


def _bound_heaps() -> None:
    """Have malloc keep two heaps in place of eight for each core: the engine's many threads would each fill their own.

    Only the GNU C library has the call; elsewhere nothing changes.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 2)
