"""Which process runs which tests: those of a folder run in one, as they share servers, gateways and data, which each
process makes for itself. The folders that take longest come first, so that processes end at about the same time.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# By processor time, the longest first; all others take less than half a minute.
LONGEST = (
    *("attacks", "clients", "access", "rehearsal", "differential", "faults", "cli", "execute", "tpcds", "audit"),
    *("values", "types", "connectors", "masks"),
)
_FOLDERS_A_PROCESS = 4  # with fewer, one process would end long before the other
_ROOT = Path(__file__).parent
if missing := [name for name in LONGEST if not (_ROOT / name).is_dir()]:
    raise FileNotFoundError(f"there are no tests/{', tests/'.join(missing)}")


class FolderScheduling(LoadScopeScheduling):  # type: ignore[misc]  # it comes without types
    """Gives a process the next folder as a whole; of few folders, the next file."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # by the number of tests, which says little of how long they take
        self._by_folder = False

    def schedule(self) -> None:
        """Hand out the tests, once all processes have collected them."""
        nodes = next(iter(self.registered_collections.values()))
        self._by_folder = len({folder_of(node) for node in nodes}) >= _FOLDERS_A_PROCESS * self.numnodes
        super().schedule()

    def _split_scope(self, nodeid: str) -> str:
        return folder_of(nodeid) if self._by_folder else nodeid.split("::", 1)[0]


def folder_of(nodeid: str) -> str:
    """Return the folder that a test is in: ``tests/access``."""
    return "/".join(PurePosixPath(nodeid.split("::", 1)[0]).parts[:-1][:2])


def longest_first(items: list[pytest.Item]) -> Sequence[pytest.Item]:
    """Return tests with those of folders that take longest first, else in their order."""
    places = {f"tests/{name}": place for place, name in enumerate(LONGEST)}
    return sorted(items, key=lambda item: places.get(folder_of(item.nodeid), len(places)))
