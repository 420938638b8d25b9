"""Gateways that are meant to be ill-treated, and a look at the sources' side."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
import pytest
import trustme
from deltalake import write_deltalake

from tests.gateway import RunningGateway, SampleLake, Settings, serving

IDLE = 1.0  # seconds of the strict gateway's timeouts
LARGEST_MESSAGE = 64 << 10
WIDE_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class Strict:
    """A gateway with low limits and TLS (by ``authority``), over copies of Delta tables that tests may damage
    (``torn``, in ``folder``), a source that cannot be reached (``away``) and one that takes connections and says
    nothing (``mute``).
    """

    gateway: RunningGateway
    folder: Path
    authority: Path


def wide() -> pa.Table:
    """Return random words of 400 letters, 80 MB of them."""
    letters = np.random.default_rng(7).integers(97, 123, WIDE_ROWS * 400, dtype=np.uint8)
    ends = np.arange(0, letters.size + 1, 400, dtype=np.int32)
    words = pa.StringArray.from_buffers(WIDE_ROWS, pa.py_buffer(ends), pa.py_buffer(letters))
    return pa.table({"word": words, "n": pa.array(range(WIDE_ROWS), pa.int64())})


@pytest.fixture(scope="session")
def strict(lake: SampleLake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strict]:
    folder = tmp_path_factory.mktemp("strict")
    for name in ("doomed", "dropped"):
        shutil.copytree(lake.folder / "small" / "numbers", folder / "torn" / name)
    write_deltalake(folder / "torn" / "wide", wide())
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate = authority.issue_cert("localhost")
    certificate.cert_chain_pems[0].write_to_path(str(folder / "certificate.pem"))
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    mute = socket.create_server(("127.0.0.1", 0))
    settings = Settings(
        server={
            "authentication_timeout": "1s",
            "max_message_size": f"{LARGEST_MESSAGE // 1024}kB",
            "refresh_interval": "500ms",
            "tls_certificate": str(folder / "certificate.pem"),
            "tls_key": str(folder / "key.pem"),
            "max_connections": 12,
        },
        engine={"memory_limit": "64MB", "idle_session_timeout": f"{IDLE}s", "statement_timeout": "20s"},
        sources={
            **{name: lake.sources[name] for name in ("small", "crm", "sales")},
            "torn": {"kind": "delta", "location": str(folder / "torn")},
            "mute": {"kind": "postgres", "dsn": f"host=127.0.0.1 port={mute.getsockname()[1]} dbname=none"},
            "away": {"kind": "postgres", "dsn": "host=127.0.0.1 port=1 dbname=none connect_timeout=2"},
        },
        database="strict",
    )
    with serving(lake, settings) as gateway:
        yield Strict(gateway, folder, folder / "ca.pem")
    mute.close()


@pytest.fixture
def bystander(gateway: RunningGateway) -> Iterator[psycopg.Connection]:
    """Another client's session, which must not be harmed: it is asked when the test is over."""
    with gateway.connect() as connection:
        assert connection.execute("select n from small.numbers where n = 1").fetchone() == (1,)
        yield connection
        started = time.monotonic()
        assert connection.execute("select n from small.numbers where n = 2").fetchone() == (2,)
        assert connection.execute("select 1").fetchone() == (1,)
        assert time.monotonic() - started < 2


@pytest.fixture
def running_at_source(lake: SampleLake) -> Iterator[Callable[[str], int]]:
    """Count the statements with a text that a source runs now."""
    with lake.server.connect(autocommit=True) as connection:

        def count(text: str) -> int:
            query = (
                "select count(*) from pg_stat_activity"
                " where state = 'active' and pid <> pg_backend_pid() and strpos(query, %s) > 0"
            )
            row = connection.execute(query, [text]).fetchone()
            assert row is not None
            return int(row[0])

        yield count


def wait_until(condition: Callable[[], bool], seconds: float) -> float:
    """Wait until a condition holds, and return how long that took; fail when it takes longer than ``seconds``."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, f"not within {seconds} s"
        time.sleep(0.01)
    return time.monotonic() - started
