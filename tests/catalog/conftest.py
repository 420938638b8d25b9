"""A real embedded server for the tests of this folder, and databases of it for each module."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from catalog import server as servers
from catalog.mirror.mirror import Mirror, open_mirror
from catalog.server import Server
from catalog.store.store import Store, open_store


@pytest.fixture(scope="session")
def session_folder() -> Iterator[Path]:
    """A folder that an unprivileged account can reach (pytest's own are 0700), deleted with the servers in it."""
    folder = Path(tempfile.mkdtemp(prefix="lakegate-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def stopped(session_folder: Path) -> Path:
    """A data folder with a cluster that is not running: copying it costs less than making one."""
    servers.start(session_folder / "stopped").stop()
    return session_folder / "stopped"


@pytest.fixture
def empty_dir(session_folder: Path) -> Iterator[Path]:
    """A gateway's data folder of a test's own, not yet made."""
    folder = Path(tempfile.mkdtemp(dir=session_folder))
    folder.chmod(0o711)
    yield folder / "data"
    servers.remove(folder / "data")


@pytest.fixture
def data_dir(stopped: Path, empty_dir: Path) -> Path:
    """A gateway's data folder of a test's own, with a cluster."""
    subprocess.run(["cp", "-a", stopped, empty_dir], check=True)
    return empty_dir


@pytest.fixture
def start(data_dir: Path) -> Iterator[Callable[..., Server]]:
    """Start the server of ``data_dir``; it is stopped after the test, however the test ends."""
    started: list[Server] = []

    def start(port: int | None = None) -> Server:
        started.append(servers.start(data_dir, port))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def server(session_folder: Path) -> Iterator[Server]:
    data_dir = session_folder / "shared"
    server = servers.start(data_dir)
    yield server
    server.stop()
    servers.remove(data_dir)


@pytest.fixture(scope="module")
def store(server: Server, request: pytest.FixtureRequest) -> Iterator[Store]:
    store = open_store(server, f"store_{request.module.__name__.rpartition('.')[2]}")
    yield store
    for role in store.list_roles():
        store.remove_role(role.name)
    store.close()


@pytest.fixture(scope="module")
def mirror(server: Server, store: Store, request: pytest.FixtureRequest) -> Iterator[Mirror]:
    database = f"lake_{request.module.__name__.rpartition('.')[2]}"
    mirror = open_mirror(server, store.require_secret("mirror"), database)
    yield mirror
    with server.connect(autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{database}" WITH (FORCE)')
