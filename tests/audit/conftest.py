"""One gateway for the tests that only read its audit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.audit.reading import Audited, audited
from tests.gateway import SampleLake


@pytest.fixture(scope="session")
def watched(lake: SampleLake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    with audited(lake, tmp_path_factory.mktemp("audit"), "watched") as one:
        yield one
