"""What the HTTP port tells somebody without a login, before and after others have asked what they may not know.

Each world has a gateway of its own, with metrics. No answer holds a marker, or the name of a table, a role, a column or
a policy; what is the same for everybody who asks in SQL is the same here, with exceptions that are listed.
"""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.gateway_process import free_port
from gateway.http.connections import CONNECTIONS_LIMIT, REQUEST_SECONDS
from tests.attacks.worlds import AUD, EVE, OLGA, SAM, TINA
from tests.gateway import ADA, PASSWORD, RunningGateway, SampleLake, Settings, serving

NAMES = (
    *("people", "orders", "notes", "places", "vault", "leak_ledger", "members"),
    *("salary", "balance", "first_letter", "north_rows", "analysts", "keepers"),
    *(ADA, TINA, SAM, EVE, AUD, OLGA, PASSWORD, "tinas_program"),
)
_SECRET = re.compile(rb"leak|[NSW]VIS|7770[12]\d{4}", re.IGNORECASE)
_INSIDE = re.compile(
    rb"Traceback|\.py\b|site-packages|/tmp/|postgres(ql)?://|password|uvicorn|starlette|python", re.IGNORECASE
)
_QUESTIONS = (
    (TINA, "SELECT id, name, email FROM lk.people ORDER BY id"),
    (TINA, "SELECT id, name, email FROM lk.people ORDER BY id"),
    (TINA, "SELECT id, name, email FROM lk.people ORDER BY id"),
    (TINA, "SELECT count(*) FROM crm.people WHERE name LIKE 'LEAK%'"),
    (TINA, "SELECT o.item FROM ice.orders o JOIN docs.notes n ON n.id = o.id"),
    (TINA, "SELECT salary FROM lk.people"),
    (TINA, "SELECT 1 / (amount - 777010004) FROM lk.people"),
    (TINA, "SELECT 'LEAK' FROM nowhere.leak_ledger"),
    (TINA, "SELECT * FROM lk.vault"),
    (TINA, "SELECT site, count(*) FROM docs.places GROUP BY site"),
    (EVE, "SELECT * FROM lk.people"),
    (EVE, "SELECT * FROM crm.leak_ledger"),
    (SAM, "EXPLAIN SELECT * FROM lk.orders"),
    (AUD, "SELECT id FROM lk.people WHERE id < 4"),
)


@dataclass(frozen=True, slots=True)
class Told:
    """An answer: its status, the lines above its body, and that."""

    status: int
    head: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Door:
    """A world's gateway and its HTTP port."""

    gateway: RunningGateway
    port: int

    def send(self, request: bytes) -> bytes:
        """Send bytes and return all that comes back, until the gateway closes or says nothing for a second."""
        received = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            with suppress(OSError):  # the gateway may close before it has everything
                connection.sendall(request)
            with suppress(OSError):
                while data := connection.recv(1 << 16):
                    received += data
        return received

    def ask(self, path: str, method: str = "GET", *headers: str, body: str = "") -> Told:
        """Send a request."""
        lines = [f"{method} {path} HTTP/1.1", *(headers or ("Host: lake",)), "Connection: close"]
        received = self.send(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        head, _, rest = received.partition(b"\r\n\r\n")
        return Told(int(head.split(b" ", 2)[1]), head, rest)

    def samples(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        """Return the values of all metrics."""
        families = text_string_to_metric_families(self.ask("/metrics").body.decode())
        return {
            (one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples
        }


@pytest.fixture(scope="module")
def doors(world_lakes: dict[str, SampleLake], world_gateways: object) -> Iterator[dict[str, Door]]:
    """Both worlds' ports, behind which all questions have been asked once."""

    def serve(lake: SampleLake, stack: ExitStack) -> Door:
        port = free_port()
        settings = Settings(
            server={"refresh_interval": "0", "http_listen": f"127.0.0.1:{port}"},
            engine={"hot_columns_memory": "16MB", "result_cache_memory": "16MB"},
        )
        return Door(stack.enter_context(serving(lake, settings)), port)

    with ExitStack() as stack:
        yield {world: serve(lake, stack) for world, lake in world_lakes.items()}


def questions(door: Door) -> None:
    """Ask what is allowed and what is not, as many users."""
    for user, text in _QUESTIONS:
        with door.gateway.connect(user, application_name="tinas_program") as connection, suppress(psycopg.Error):
            connection.execute(text.encode()).fetchall()


def faults(told: Told, asked: str = "") -> list[str]:
    """Return what an answer should not hold, other than what was asked."""
    text = told.head + told.body
    own = asked.encode()
    found = [one.group().decode() for one in _SECRET.finditer(text) if one.group().lower() not in own.lower()]
    found += [one.group().decode() for one in _INSIDE.finditer(told.head + _without_types(told.body))]
    words = set(re.findall(r"\w+", _without_help(text.decode())))
    return found + [name for name in NAMES if name in words and name not in asked]


def _without_types(body: bytes) -> bytes:
    return re.sub(rb"^#.*$", b"", body, flags=re.MULTILINE)


def _without_help(text: str) -> str:
    return re.sub(r"^#.*$", "", text, flags=re.MULTILINE)


PATHS = (
    *(
        "/",
        "/docs",
        "/redoc",
        "/openapi.json",
        "/favicon.ico",
        "/robots.txt",
        "/.env",
        "/.git/config",
        "/server-status",
    ),
    *("/health", "/health/", "/health/live/", "/health/ready/", "/health/ready/crm", "/health/../metrics/../health"),
    *("/metrics/", "/metrics/lk.people", "/metrics%2f", "/metrics;x=1", "/METRICS", "/federate", "/api/v1/query"),
    *("/debug/pprof", "/debug", "/admin", "/config", "/lakegate.toml", "/static/../lakegate.toml", "/tables", "/sql"),
    *("/../../../../etc/passwd", "/..%2f..%2f..%2fetc%2fpasswd", "//etc/passwd", "/%00", "/health/live%00"),
    *("/health/live%0d%0aSet-Cookie:%20a=b", "/lk.people", "/?sql=SELECT+*+FROM+lk.people", "/" + "a" * 20000),
)
METHODS = ("HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "LEAK")
QUERIES = (
    *("/health/live?sql=SELECT+1", "/health/ready?verbose=1", "/health/ready?name=crm&reason=1", "/health/ready?debug"),
    *("/metrics?name[]=process_open_fds", "/metrics?table=people", "/metrics?match[]={user='tina'}"),
)
HEADERS = (
    ("Host: lake", "Accept: application/openmetrics-text; version=1.0.0"),
    ("Host: lake", "Accept: text/html"),
    ("Host: lake", "Accept: " + "a/b;q=0.1," * 500),
    ("Host: lake", "Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily"),
    ("Host: lake", "Accept: application/openmetrics-text; version=9999999999999999999999.0.0"),
    ("Host: lake", "Accept: \xff;version=\x01"),
    ("Host: lake", "Authorization: Basic dGluYTpjb3JyZWN0IGhvcnNl"),
    ("Host: lake", "X-Forwarded-For: 10.0.0.1", "X-Forwarded-Proto: https", "Forwarded: for=10.0.0.1"),
    ("Host: lake", "Origin: https://elsewhere.example"),
    ("Host: lake", "Upgrade: websocket", "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13"),
    ("Host: elsewhere.example",),
)
GARBAGE = (
    b"\x00\x00\x00\x08\x04\xd2\x16\x2f",  # PostgreSQL's request for TLS
    b"\x00\x00\x00\x2a\x00\x03\x00\x00user\x00tina\x00database\x00lake\x00\x00",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /metrics HTTP/9.9\r\nHost: lake\r\n\r\n",
    b"GET /metrics\r\n\r\n",
    b"GET http://elsewhere.example/metrics HTTP/1.1\r\n\r\n",
    b"GET /health/live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"POST /health/live HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    b"POST /health/live HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    b"GET /health/live HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: %d\r\n" % (n, n) for n in range(5000)) + b"\r\n",
    b"\xff" * 70000,
    b"SELECT * FROM lk.people;\n",
)


def test_no_path_tells_anything_else(doors: dict[str, Door]) -> None:
    door = doors["A"]
    questions(door)
    for path in PATHS:
        told = door.ask(path)
        assert told.status in {400, 404}, (path, told)
        assert faults(told, path) == [], path
        assert b"ocation:" not in told.head, path


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
def test_no_method_does_anything(doors: dict[str, Door], path: str) -> None:
    for method in METHODS:
        told = doors["A"].ask(path, method, body="SELECT 1")
        assert told.status in {400, 405}, (method, told)
        assert faults(told, method) == [], method


def test_no_question_is_answered_with_more(doors: dict[str, Door]) -> None:
    door = doors["A"]
    for path in QUERIES:
        told, plain = door.ask(path), door.ask(path.partition("?")[0])
        assert faults(told, path) == [], path
        assert told.status == 200
        assert _names(told.body) == _names(plain.body), path


def test_no_header_changes_what_is_told(doors: dict[str, Door]) -> None:
    door = doors["A"]
    for headers in HEADERS:
        for path in ("/health/ready", "/metrics"):
            told = door.ask(path, "GET", *headers)
            assert told.status in {200, 400}, (headers, told)
            assert faults(told, " ".join(headers)) == [], headers
            assert not re.search(rb"access-control|set-cookie|elsewhere", told.head, re.IGNORECASE), headers


def test_garbage_ends_its_connection_and_tells_nothing(doors: dict[str, Door]) -> None:
    door = doors["A"]
    for data in GARBAGE:
        received = door.send(data)
        assert faults(Told(0, b"", received)) == [], data[:60]
    assert door.ask("/health/live").status == 200


def _names(body: bytes) -> object:
    """Return what of an answer does not change from one moment to the next."""
    if body.startswith(b"{"):
        read = json.loads(body)
        return read["status"], sorted(read.get("dependencies", {}))
    return sorted(set(re.findall(rb"^(\w+(?:\{[^}]*\})?) ", body, re.MULTILINE)))


# What is the same whatever is hidden ---------------------------------------------------------------------------------

_OF_THE_MACHINE = re.compile(r"^process_|_seconds(_|$)|_created$|^lakegate_audit_waiting_")
_OF_ALL_ROWS = re.compile(
    r"^lakegate_cache_(entries|bytes|hits_total|misses_total)"
    r" \(\('cache', '(hot_columns|small_tables|statistics|plans)'\)"
)
"""What follows from the sizes of tables, those rows of them included that are hidden: documented so."""


def test_metrics_grow_by_the_same_in_both_worlds(doors: dict[str, Door]) -> None:
    grown: dict[str, dict[str, float]] = {}
    for world, door in doors.items():
        for _ in range(3):  # then what is kept is there
            questions(door)
        before = door.samples()
        questions(door)
        deadline = time.monotonic() + 10
        while True:  # what a client has received may be counted a moment later
            after = door.samples()
            time.sleep(0.3)
            if after == (now := door.samples()) or time.monotonic() > deadline:
                break
            after = now
        grown[world] = {
            f"{name} {labels}": after[name, labels] - before.get((name, labels), 0.0) for name, labels in after
        }
    one, other = grown.values()
    assert sorted(one) == sorted(other)
    differing = {
        name: (one[name], other[name])
        for name in one
        if one[name] != other[name] and not _OF_THE_MACHINE.search(name.split(" ")[0])
    }
    assert {name for name in differing if not _OF_ALL_ROWS.search(name)} == set(), differing
    assert any(value for name, value in one.items() if name.startswith("lakegate_sent_rows"))


def test_health_is_the_same_in_both_worlds(doors: dict[str, Door]) -> None:
    told = [json.loads(door.ask("/health/ready").body) for door in doors.values()]
    for body in told:
        for dependency in body["dependencies"].values():
            assert dependency.pop("seconds") < 2
    assert told[0] == told[1]
    assert sorted(told[0]["dependencies"]) == [
        *("audit", "audit_store", "crm", "docs", "gateways", "ice", "lk", "metadata", "policies")
    ]


def test_a_broken_policy_is_told_without_its_table(doors: dict[str, Door]) -> None:
    door = doors["A"]
    with door.gateway.connect(ADA) as officer:
        officer.execute("CREATE ROLE passing")
        officer.execute("CREATE POLICY that_breaks ON lk.notes TO passing USING (lakegate.is_member('analysts'))")
        try:
            told = door.ask("/health/ready")
        finally:
            officer.execute("DROP POLICY that_breaks ON lk.notes")
            officer.execute("DROP ROLE passing")
    assert faults(told) == [] and b"that_breaks" not in told.body and b"passing" not in told.body


# What it costs others ------------------------------------------------------------------------------------------------


def test_connections_that_ask_nothing_keep_nobody_out(doors: dict[str, Door]) -> None:
    door = doors["A"]
    with ExitStack() as stack:
        opened = [
            stack.enter_context(socket.create_connection(("127.0.0.1", door.port), timeout=5))
            for _ in range(CONNECTIONS_LIMIT * 3)
        ]
        assert door.ask("/health/live").status == 200
        with door.gateway.connect(TINA) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        ended = 0
        for one in opened:
            one.settimeout(0.05)
            with suppress(TimeoutError):
                try:
                    ended += one.recv(1) == b""
                except ConnectionResetError:
                    ended += 1
        assert ended >= CONNECTIONS_LIMIT * 2


def test_a_request_that_never_ends_is_ended(doors: dict[str, Door]) -> None:
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", doors["A"].port), timeout=REQUEST_SECONDS * 2) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\n")
        try:
            while True:
                connection.sendall(b"X: y\r\n")
                time.sleep(0.5)
                assert time.monotonic() - begun < REQUEST_SECONDS * 1.5
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert time.monotonic() - begun > REQUEST_SECONDS * 0.9


def test_many_who_ask_for_health_are_one_question_for_the_metadata_server(doors: dict[str, Door]) -> None:
    door = doors["A"]
    with ThreadPoolExecutor(32) as pool:
        asked = [pool.submit(door.ask, "/health/ready") for _ in range(200)]
        with door.gateway.connect(TINA) as connection:
            for _ in range(5):
                assert connection.execute("SELECT count(*) FROM lk.people").fetchone() == (3,)
        assert {one.result().status for one in asked} == {200}
