"""A gateway as a user runs it: a process of its own, started by the command line from a configuration file."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from gateway.demo import state
from gateway.demo.dataset import Layout

_START_SECONDS = 90.0
_STOP_SECONDS = 60.0
_SAMPLE_SECONDS = 0.01
_DATABASE = "lake"
_COMPUTED = '[engine]\nresult_cache_memory = "0"\n'


class BenchmarkError(Exception):
    """A subject cannot be measured; the text says why."""


@dataclass(frozen=True, slots=True)
class GatewayProcess:
    """A gateway that is ready. ``startup_seconds`` is from the start of its process to readiness."""

    process: subprocess.Popen[bytes]
    port: int
    password: str
    data_dir: Path
    startup_seconds: float

    @property
    def conninfo(self) -> str:
        """How libpq reaches it, over TCP on loopback without TLS."""
        return (
            f"host=127.0.0.1 port={self.port} dbname={_DATABASE} user={state.USER} password={self.password} "
            "sslmode=disable gssencmode=disable"
        )

    def connect(self) -> psycopg.Connection:
        """Open a connection that sees all three sources without qualified names."""
        connection = psycopg.connect(self.conninfo, autocommit=True)
        connection.execute("SET search_path = sales, supply, crm")
        return connection

    def rss(self) -> int:
        """Return the gateway's resident bytes, those of its embedded PostgreSQL left out."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def rss_of_children(self) -> int:
        """Return the resident bytes of the processes it started; pages that they share count once for each."""
        total = 0
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                total += child.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total

    @contextmanager
    def peak_rss(self) -> Iterator[list[int]]:
        """Watch the gateway's memory during a block; the list then holds the most bytes that were seen."""
        peak = [self.rss()]
        done = threading.Event()

        def watch() -> None:
            while not done.wait(_SAMPLE_SECONDS):
                peak[0] = max(peak[0], self.rss())

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield peak
        finally:
            done.set()
            watcher.join()


@contextmanager
def gateway(
    layout: Layout, settings: str = "", directory: Path | None = None, grants: Sequence[str] = (), server: str = ""
) -> Iterator[GatewayProcess]:
    """A gateway over the benchmark's sources for the length of a block; ``settings`` are further sections of its
    configuration, ``server`` lines of the section of that name, ``grants`` what its user may read beside the layout's
    sources, and ``directory`` is where it keeps its state (with the data, unless given). Where ``settings`` say nothing
    of the engine no results are kept: each statement is to be computed. Raises BenchmarkError if it does not start.
    """
    directory = directory or layout.directory
    port, http_port = free_port(), free_port()
    config = state.write_config(directory, layout, port, http_port)
    text = config.read_text(encoding="utf-8").replace("[server]\n", f"[server]\n{server}\n", 1)
    engine = "" if "[engine]" in settings else _COMPUTED
    config.write_text(f"{text}\n{engine}\n{settings}\n", encoding="utf-8")
    password = state.password(directory)
    _set_user(config, password, (*layout.sources, *grants))
    log = directory / "gateway.log"
    command = [sys.executable, "-m", "gateway.cli", "serve", "--config", str(config)]
    started = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=directory)
    try:
        _wait_until_ready(process, http_port, log)
        seconds = time.perf_counter() - started
        yield GatewayProcess(process, port, password, state.state_directory(directory), seconds)
    finally:
        _stop(process)


def _set_user(config: Path, password: str, grants: tuple[str, ...]) -> None:
    command = [
        sys.executable,
        "-m",
        "gateway.cli",
        "user",
        "add",
        state.USER,
        "--config",
        str(config),
        "--password-stdin",
    ]
    for grant in grants:
        command += ["--grant", grant]
    done = _with_input(command, password)
    if done.returncode != 0 and "--update" in done.stderr:
        done = _with_input([*command, "--update"], password)
    if done.returncode != 0:
        raise BenchmarkError(f"the gateway's user cannot be made: {done.stderr.strip()}")


def _with_input(command: list[str], text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=text + "\n", capture_output=True, text=True, check=False, timeout=120)


def _wait_until_ready(process: subprocess.Popen[bytes], http_port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    answer = ""
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise BenchmarkError(f"the gateway did not start: {_last_words(log)}")
        ready, answer = _readiness(http_port)
        if ready:
            return
        time.sleep(0.02)
    raise BenchmarkError(f"the gateway was not ready within {_START_SECONDS:.0f} s: {answer or _last_words(log)}")


def _readiness(port: int) -> tuple[bool, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5) as response:
            found = json.load(response)
            return response.status == 200, json.dumps(found)
    except urllib.error.HTTPError as error:
        return False, error.read().decode(errors="replace")
    except (urllib.error.URLError, OSError):
        return False, ""


def _last_words(log: Path) -> str:
    return " | ".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-3:]) or "it left no message"


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
