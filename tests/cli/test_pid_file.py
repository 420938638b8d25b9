"""Who holds a data folder, and how a gateway is asked to stop."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli import pid_file
from gateway.cli.output import CommandError

HOLDER = """
import os, signal, sys, threading
from pathlib import Path
from gateway.cli import pid_file

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
with pid_file.hold(Path(sys.argv[1]), pid_file.Running(os.getpid(), "127.0.0.1:1", None, 5.0)):
    print("holding", flush=True)
    while not stop.wait(0.05):
        pass
"""
ME = pid_file.Running(os.getpid(), "127.0.0.1:2", "127.0.0.1:3", 1.0)


def holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "holding\n"
    return process


def test_one_process_holds_a_folder(tmp_path: Path) -> None:
    assert pid_file.find_running(tmp_path) is None
    with holder(tmp_path) as process:
        found = pid_file.find_running(tmp_path)
        assert found == pid_file.Running(process.pid, "127.0.0.1:1", None, 5.0)
        with pytest.raises(CommandError, match=rf"already: process {process.pid} on 127\.0\.0\.1:1"):
            pid_file.hold(tmp_path, ME).__enter__()
        pid_file.stop(tmp_path, found)
        assert process.wait(5) == 0
    assert pid_file.find_running(tmp_path) is None
    with pid_file.hold(tmp_path, ME):
        assert pid_file.find_running(tmp_path) == ME


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.kill()
        process.wait(5)
    assert pid_file.find_running(tmp_path) is None
    with pid_file.hold(tmp_path, ME):
        assert pid_file.find_running(tmp_path) == ME
