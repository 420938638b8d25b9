"""A real embedded server for the tests of this folder, and databases of it for each module."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
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


@pytest.fixture
def data_dir(session_folder: Path) -> Iterator[Path]:
    """A gateway's data folder of a test's own; a server left running in it is stopped."""
    folder = Path(tempfile.mkdtemp(dir=session_folder))
    folder.chmod(0o711)
    yield folder / "data"
    servers.remove(folder / "data")


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
