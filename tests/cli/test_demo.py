"""The demo as a user sees it: started in the background, asked all that it proposes, stopped; then with Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from catalog import server
from gateway.demo.questions import QUESTIONS
from tests.cli.command import lakegate

SERVERS = ("state", "crm")  # folders of a demo with an embedded PostgreSQL


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for name in SERVERS:
        server.remove(tmp_path / ".lakegate" / "demo" / name)


def options(port: int, http_port: int) -> tuple[str, ...]:
    return ("demo", "--scale", "0.01", "--port", str(port), "--http-port", str(http_port))


def connection_url(output: str) -> str:
    found = re.search(r'psql "(postgresql://demo:[^"]*)"', output)
    assert found is not None, output
    return found[1]


@pytest.mark.slow
def test_the_demo_from_start_to_stop(folder: Path) -> None:
    port, http_port = free_port(), free_port()
    started = lakegate(*options(port, http_port), "--detach", folder=folder)
    try:
        assert started.code == 0, started.errors
        assert "generating TPC-H at scale 0.01" in started.errors
        assert set(dependencies(http_port)) == {
            *("metadata", "audit", "audit_store", "policies", "gateways", "sales", "supply", "crm", "files")
        }
        url = connection_url(started.output)
        ask_all(url)
        again = lakegate(*options(port, http_port), "--detach", folder=folder)
        assert again.code == 0
        assert again.output.startswith("The demo runs already")
        assert connection_url(again.output) == url
    finally:
        stopped = stop_as_told(started.output, folder)
    assert stopped.returncode == 0, stopped.stderr
    assert stopped.stderr.startswith(f"stopped the gateway on 127.0.0.1:{port} ")
    require_nothing_left(folder, url)
    stay_until_interrupted(folder, port, http_port)


def stop_as_told(output: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Stop the demo by the command that it named, or by the usual one where it did not come to name one."""
    told = re.search(r"^Stop it with: (.+)$", output, re.MULTILINE)
    command = [sys.executable, "-m", "gateway.cli", "stop"] if told is None else shlex.split(told[1])
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def dependencies(http_port: int) -> dict[str, object]:
    with urllib.request.urlopen(f"http://127.0.0.1:{http_port}/health/ready", timeout=5) as answer:
        ready = json.load(answer)
    assert ready["status"] == "ready"
    found: dict[str, object] = ready["dependencies"]
    return found


def ask_all(url: str) -> None:
    with psycopg.connect(url) as connection:
        for question in QUESTIONS:
            if not question.text.startswith("\\"):
                assert connection.execute(question.text.encode()).fetchall(), question.title


def require_nothing_left(folder: Path, url: str) -> None:
    for name in SERVERS:
        assert server.attach(folder / ".lakegate" / "demo" / name) is None
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    assert lakegate("stop", folder=folder).code == 1


def stay_until_interrupted(folder: Path, port: int, http_port: int) -> None:
    """A second start, in the foreground: it reuses the data, and Ctrl-C ends all of it."""
    command = [sys.executable, "-m", "gateway.cli", *options(port, http_port)]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as demo:
        assert demo.stdout is not None
        output = ""
        while "Stop it with Ctrl-C." not in output:
            line = demo.stdout.readline()
            assert line, demo.stderr.read() if demo.stderr else ""
            output += line
        url = connection_url(output)
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM crm.nation").fetchone() == (25,)
        os.killpg(demo.pid, signal.SIGINT)
        _, errors = demo.communicate(timeout=30)
    assert demo.returncode == 130
    assert "the data is there already" in errors
    assert "generating" not in errors
    assert "Traceback" not in errors
    require_nothing_left(folder, url)
