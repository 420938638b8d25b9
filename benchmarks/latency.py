"""Small statements over a warm connection: what the gateway adds to PostgreSQL's own answer."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
from collections.abc import Callable, Sequence

import psycopg
from psycopg import pq

from benchmarks.gateway_process import BenchmarkError
from benchmarks.measure import Timings, in_turn
from benchmarks.report import Floor, Section, Table, spread
from benchmarks.setting import Setting
from catalog import server as postgres

_QUERY = re.compile(r"^/\*+ QUERY \*+/\n(.*?)\n/\*+/$", re.DOTALL | re.MULTILINE)
_DESCRIBED = "sales.lineitem"


def run(setting: Setting) -> Section:
    """Measure ``select 1`` and each statement of psql's ``\\d``, the gateway and its own mirror in turn."""
    rounds, inner = (20, 10) if setting.quick else (100, 20)
    statements = _statements_of_psql(setting)
    lines = []
    floors: list[Floor] = []
    data: dict[str, object] = {}
    with setting.gateway.connect() as ours, _mirror(setting) as theirs:
        for name, subjects in (
            ("select 1, simple", _simple(ours, theirs, b"select 1")),
            ("select 1, prepared", _prepared(ours, theirs, b"select 1")),
        ):
            taken = in_turn(subjects, rounds, inner=inner)
            lines.append(_line(name, taken))
            floors += _floors(name, taken)
            data[name] = _plain(taken)
        anew = [in_turn(_anew(ours, theirs, text), rounds, inner=max(1, inner // 5)) for text in statements]
        described = [in_turn(_simple(ours, theirs, text), rounds, inner=max(1, inner // 5)) for text in statements]
    for number, taken in enumerate(described, 1):
        lines.append(_line(f"\\d {_DESCRIBED}, statement {number} of {len(described)}", taken))
        data[f"describe {number}"] = _plain(taken)
    for number, taken in enumerate(anew, 1):
        lines.append(_line(f"the same, statement {number}, another text each time", taken))
        data[f"describe {number} anew"] = _plain(taken)
    worst = max(described, key=_added)
    floors.append(Floor(f"\\d {_DESCRIBED}: most added to one statement", _added(worst), 0.5, "ms"))
    floors.append(Floor(f"\\d {_DESCRIBED}: mean of the statements' medians", _mean(described), 0.5, "ms"))
    columns = ("statement", "gateway, ms: median (min – max)", "PostgreSQL, ms", "added, ms")
    notes = (
        "The gateway over TCP on loopback; PostgreSQL is its own catalogue mirror, asked over its unix socket.",
        f"The statements of \\d {_DESCRIBED} are those psql sends, recorded by psql -E in this run. Each is asked again"
        " and again in one session, whose process of the mirror has it prepared from the third time on.",
        f"With another text each time, by a LIMIT that has no effect, the mean of the medians is {_mean(anew):.3f} ms.",
    )
    return Section("Latency", (Table(columns, tuple(lines)),), tuple(floors), notes, data)


def _statements_of_psql(setting: Setting) -> list[bytes]:
    gateway = setting.gateway
    command = [str(setting.psql), gateway.conninfo, "--no-psqlrc", "-E", "-c", f"\\d {_DESCRIBED}"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "PAGER": ""}
    )
    found = [match[1].encode() for match in _QUERY.finditer(done.stdout)]
    if done.returncode != 0 or not found:
        raise BenchmarkError(f"psql's \\d failed: {done.stderr.strip()}")
    return found


def _mirror(setting: Setting) -> psycopg.Connection:
    server = postgres.attach(setting.gateway.data_dir)
    if server is None:
        raise BenchmarkError("the gateway's embedded PostgreSQL is not running")
    return server.connect("lake", autocommit=True)


def _simple(ours: psycopg.Connection, theirs: psycopg.Connection, text: bytes) -> dict[str, Callable[[], object]]:
    def ask(connection: psycopg.Connection) -> Callable[[], object]:
        execute = connection.pgconn.exec_
        return lambda: _require_rows(execute(text))

    return {"gateway": ask(ours), "postgres": ask(theirs)}


def _prepared(ours: psycopg.Connection, theirs: psycopg.Connection, text: bytes) -> dict[str, Callable[[], object]]:
    def ask(connection: psycopg.Connection) -> Callable[[], object]:
        connection.pgconn.prepare(b"measured", text)
        execute = connection.pgconn.exec_prepared
        return lambda: _require_rows(execute(b"measured", []))

    return {"gateway": ask(ours), "postgres": ask(theirs)}


def _anew(ours: psycopg.Connection, theirs: psycopg.Connection, text: bytes) -> dict[str, Callable[[], object]]:
    def ask(connection: psycopg.Connection) -> Callable[[], object]:
        execute, limits = connection.pgconn.exec_, itertools.count(1_000_000)
        alike = text.rstrip().removesuffix(b";") + b" LIMIT %d"
        return lambda: _require_rows(execute(alike % next(limits)))

    return {"gateway": ask(ours), "postgres": ask(theirs)}


def _require_rows(result: pq.abc.PGresult) -> None:
    if result.status != pq.ExecStatus.TUPLES_OK:
        raise BenchmarkError(result.error_message.decode(errors="replace"))


def _added(taken: dict[str, Timings]) -> float:
    """Return the difference of the medians in milliseconds."""
    return (taken["gateway"].median - taken["postgres"].median) * 1000


def _mean(taken: Sequence[dict[str, Timings]]) -> float:
    """Return the mean of the gateway's medians in milliseconds."""
    return sum(each["gateway"].median for each in taken) / len(taken) * 1000


def _floors(name: str, taken: dict[str, Timings]) -> Sequence[Floor]:
    return (
        Floor(f"{name}: median", taken["gateway"].median * 1000, 0.5, "ms"),
        Floor(f"{name}: added to PostgreSQL's", _added(taken), 0.5, "ms"),
    )


def _line(name: str, taken: dict[str, Timings]) -> tuple[str, ...]:
    return name, spread(taken["gateway"], 1000), spread(taken["postgres"], 1000), f"{_added(taken):.3f}"


def _plain(taken: dict[str, Timings]) -> dict[str, object]:
    return {
        name: {key: value for key, value in each.plain().items() if key != "seconds"} for name, each in taken.items()
    }
