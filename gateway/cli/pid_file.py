"""Which gateway runs on a data folder: a file with its process id, locked for as long as it runs.

The lock, not the id, says that it runs: ids are used again, and the system lets go of a lock however its process ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from gateway.cli.output import CommandError, own_name

_NAME = "lakegate.pid"
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Running:
    """A running gateway. ``grace`` is how long it may take to stop, in seconds."""

    pid: int
    listen: str
    http_listen: str | None
    grace: float


@contextmanager
def hold(data_dir: Path, running: Running) -> Iterator[None]:
    """Hold the data folder for this process while the block runs. Raises `CommandError` if another holds it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / _NAME
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        if not _try_lock(descriptor):
            other = _read(path)
            who = f"process {other.pid} on {other.listen}" if other else "another process"
            raise CommandError(
                f"a gateway runs on {data_dir} already: {who}",
                hint=f"stop it with `{own_name()} stop`, or set server.data_dir",
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(asdict(running)).encode(), 0)
        yield
        # Emptied, not removed: a removed file could be locked by one process while another locks its successor.
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def find_running(data_dir: Path) -> Running | None:
    """Return the gateway that runs on a data folder, or None."""
    path = data_dir / _NAME
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        return None if _try_lock(descriptor) else _read(path)
    finally:
        os.close(descriptor)


def stop(data_dir: Path, running: Running) -> None:
    """Ask a gateway to stop and wait until it has. Raises `CommandError` if it does not within its grace."""
    os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + running.grace + 10
    while time.monotonic() < deadline:
        if find_running(data_dir) is None:
            return
        time.sleep(_POLL_SECONDS)
    raise CommandError(
        f"process {running.pid} has not stopped within {running.grace + 10:g} s",
        hint=f"a second `{own_name()} stop` ends running statements at once; the last resort: `kill -9 {running.pid}`",
    )


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(path: Path) -> Running | None:
    try:
        return Running(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        return None
