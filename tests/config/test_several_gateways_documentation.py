"""How clients find one of several gateways, as docs/configuration.md says it: libpq by itself, a balancer by health."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from benchmarks.gateway_process import free_port
from catalog.mirror.processes import BLOCK
from tests.gateway import BOB, PASSWORD, RunningGateway, SampleLake, Settings, serving

TEXT = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
SECTION = TEXT[TEXT.index("\n## Several gateways\n") : TEXT.index("\n## Metrics\n")]
_MOST = 60  # connections; that all are with one of two gateways has a chance of 1 in 2^59


@pytest.fixture(scope="module")
def health_ports() -> tuple[int, int]:
    return free_port(), free_port()


@pytest.fixture(scope="module")
def gateways(lake: SampleLake, health_ports: tuple[int, int]) -> Iterator[list[RunningGateway]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(serving(lake, Settings(server={"http_listen": f"127.0.0.1:{port}"})))
            for port in health_ports
        ]


def conninfo(ports: list[int]) -> str:
    """Return the connection string of the example, for gateways of this machine."""
    (found,) = re.findall(r'psql "(.*)"', SECTION)
    given = conninfo_to_dict(found)
    assert str(given["port"]).split(",") == ["5433"] * len(ports)
    hosts, numbers = ",".join(["127.0.0.1"] * len(ports)), ",".join(map(str, ports))
    return make_conninfo(found, host=hosts, port=numbers, user=BOB, password=PASSWORD)


def block_of(dsn: str) -> int:
    """Connect, and return what tells one gateway's sessions from another's."""
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT count(*) FROM crm.nation").fetchone() == (25,)
        return connection.info.backend_pid // BLOCK


def test_libpq_chooses_among_gateways(gateways: list[RunningGateway]) -> None:
    dsn, found = conninfo([gateway.port for gateway in gateways]), set[int]()
    for _ in range(_MOST):
        found.add(block_of(dsn))
        if len(found) == 2:
            break
    assert len(found) == 2


def test_libpq_goes_to_another_where_one_does_not_answer(gateways: list[RunningGateway]) -> None:
    dsn = conninfo([gateways[0].port, free_port()])
    assert len({block_of(dsn) for _ in range(8)}) == 1


def test_what_a_balancer_asks_for_is_answered(gateways: list[RunningGateway], health_ports: tuple[int, int]) -> None:
    (path,) = re.findall(r"option httpchk GET (\S+)", SECTION)
    assert len(re.findall(r"^ +server \w+ gateway-\d:5433 check port 8433$", SECTION, re.MULTILINE)) == len(gateways)
    for port in health_ports:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            assert answer.status == 200
