"""buenavista on DuckDB as a process of its own: ``python -m benchmarks.buenavista_peer <delta table> <port>``."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.gateway_process import BenchmarkError, free_port

_START_SECONDS = 30.0


@contextmanager
def buenavista(table: Path, log: Path) -> Iterator[str]:
    """Serve a Delta table as ``lineitem``; yield how libpq reaches it. Raises BenchmarkError if it does not start."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.buenavista_peer", str(table), str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        _wait_until_listening(process, port, log)
        yield f"host=127.0.0.1 port={port} user=anyone dbname=memory sslmode=disable gssencmode=disable"
    finally:
        process.kill()  # it knows no orderly end
        process.wait()


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    words = log.read_text(encoding="utf-8", errors="replace").splitlines()[-1:]
    raise BenchmarkError(f"buenavista did not start: {' '.join(words) or 'it left no message'}")


def _serve(table: str, port: int) -> None:
    import duckdb
    from buenavista.examples.duckdb_postgres import create

    from benchmarks.duckdb_peer import THREADS, load_extensions

    database = duckdb.connect(config={"threads": THREADS})
    load_extensions(database)
    database.execute(f"CREATE VIEW lineitem AS FROM delta_scan('{table}')")
    create(database, ("127.0.0.1", port)).serve_forever()


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
