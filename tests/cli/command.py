"""The command as a user runs it: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended."""

    code: int
    output: str
    errors: str


def lakegate(*arguments: str, folder: Path, given: str = "", seconds: float = 180) -> Finished:
    """Run ``lakegate`` in a folder; it must not show a traceback, whatever happens."""
    environment = {name: value for name, value in os.environ.items() if name != "LAKEGATE_TRACEBACK"}
    done = subprocess.run(
        [sys.executable, "-m", "gateway.cli", *arguments],
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env=environment | {"COLUMNS": "200", "NO_COLOR": "1"},
    )
    assert "Traceback" not in done.stdout + done.stderr
    return Finished(done.returncode, done.stdout, done.stderr)
