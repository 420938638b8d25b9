"""A rehearsal that is killed leaves no server and no folder behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

_REHEARSE = """
import asyncio, sys
from pathlib import Path
from catalog.tables import Catalog
from gateway.rehearsal.stage import open_stage

async def rehearse():
    async with open_stage(folder=Path(sys.argv[1]), catalog=Catalog(1, {}, {}, sources=())):
        print("on stage", flush=True)
        if sys.argv[2] == "wait":
            await asyncio.sleep(120)

asyncio.run(rehearse())
"""
_SECONDS = 60.0


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the stage keeps its own, so that no other one is met; the account of the server gets there."""
    with tempfile.TemporaryDirectory(prefix="lakegate-test-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


def _rehearsal(folder: Path, then: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _REHEARSE, str(folder), then]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "on stage\n" in iter(process.stdout.readline, "")  # behind lines of its log
    return process


def _servers(folder: Path) -> list[int]:
    """The processes that name the folder in their commands: the server and who waits."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if any(f"{folder}/lakegate-rehearsal-" in word for word in command):
            found.append(process.pid)
    return found


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_rehearsal(folder: Path, number: signal.Signals) -> None:
    process = _rehearsal(folder, "wait")
    assert len(_servers(folder)) >= 2
    process.send_signal(number)
    process.wait(_SECONDS)
    deadline = time.monotonic() + _SECONDS
    while (_servers(folder) or any(folder.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _servers(folder) == []
    assert [*folder.iterdir()] == []


def test_a_rehearsal_that_ends(folder: Path) -> None:
    assert _rehearsal(folder, "end").wait(_SECONDS) == 0
    assert _servers(folder) == []
    assert [*folder.iterdir()] == []
