"""A dashboard that many look at: the same twenty statements again and again, answered by kept results.

The clients are pgbench's. What a statement takes of the gateway's processor is measured with one client, whose waiting
does not count, beside the same statements computed each time.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from benchmarks.gateway_process import BenchmarkError, GatewayProcess, gateway
from benchmarks.report import Floor, Section, Table
from benchmarks.setting import Setting

_CLIENTS = 16
_MONTHS = ("1995-01-01", "1996-01-01", "1997-01-01", "1998-01-01")
_PANELS = (
    "SELECT count(*), sum(o_totalprice) FROM sales.orders WHERE o_orderdate >= date '{day}'",
    "SELECT o_orderstatus, count(*) FROM sales.orders WHERE o_orderdate >= date '{day}' GROUP BY 1 ORDER BY 1",
    "SELECT extract(year FROM o_orderdate), sum(o_totalprice) FROM sales.orders"
    " WHERE o_orderdate < date '{day}' GROUP BY 1 ORDER BY 1",
    "SELECT l_returnflag, l_linestatus, sum(l_quantity), avg(l_discount), count(*) FROM sales.lineitem"
    " WHERE l_shipdate < date '{day}' GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT s_name, sum(l_extendedprice * (1 - l_discount)) FROM sales.lineitem JOIN supply.supplier"
    " ON s_suppkey = l_suppkey WHERE l_shipdate >= date '{day}' GROUP BY 1 ORDER BY 2 DESC LIMIT 10",
)
STATEMENTS = tuple(panel.format(day=day) for panel in _PANELS for day in _MONTHS)


@dataclass(frozen=True, slots=True)
class _Taken:
    """What pgbench found: statements in a second, and of 99 in 100 the slowest, in milliseconds."""

    per_second: float
    slowest: float


def run(setting: Setting) -> Section:
    """Measure the dashboard with 16 clients, and what one statement costs."""
    seconds = 4 if setting.quick else 10
    lines, floors = [], []
    data: dict[str, object] = {"statements": len(STATEMENTS)}
    with tempfile.TemporaryDirectory(prefix="lakegate-bench-") as folder, _gateway(setting, Path(folder)) as own:
        for mode in ("simple", "prepared"):
            _ask_all(own)
            taken = _pgbench(setting, own, mode, seconds)
            what = f"dashboard, {mode}, {_CLIENTS} clients, results kept"
            cost = _processor_time(own, mode, kept=True)
            lines.append((what, f"{taken.per_second:.0f}", f"{taken.slowest:.2f}", f"{cost:.3f}"))
            data[what] = {"per_second": taken.per_second, "slowest": taken.slowest, "processor": cost}
            floors.append(Floor(f"{what}: time a statement", 1000 / taken.per_second, 0.5, "ms"))
            floors.append(Floor(f"{what}: slowest of 99 in 100", taken.slowest, 25, "ms"))
        computed = _processor_time(own, "prepared", kept=False)
    lines.append(("dashboard, prepared, 1 client, computed", "", "", f"{computed:.3f}"))
    data["computed"] = {"processor": computed}
    columns = ("statements", "a second", "99 of 100 within, ms", "gateway's processor time of one, ms")
    notes = (
        "pgbench with one thread on the same machine, over TCP on loopback; the second half of its run.",
        "Processor time is measured with one client and without its own; it has that of the engine's threads.",
    )
    return Section("Dashboard", (Table(columns, tuple(lines)),), tuple(floors), notes, data)


def _gateway(setting: Setting, folder: Path) -> AbstractContextManager[GatewayProcess]:
    folder.chmod(0o711)  # PostgreSQL does not run as root: its account must get through
    return gateway(setting.layout, '[engine]\nresult_cache_memory = "32MB"\n', folder)


def _ask_all(own: GatewayProcess) -> None:
    """Ask each statement often enough for its result to be kept."""
    with psycopg.connect(own.conninfo, autocommit=True) as connection:
        for statement in STATEMENTS * 2:
            connection.execute(statement.encode())


def _processor_time(own: GatewayProcess, mode: str, *, kept: bool) -> float:
    """Return the milliseconds of processor time that the gateway takes for a statement."""
    rounds = 20 if kept else 2
    process = psutil.Process(own.process.pid)
    with psycopg.connect(own.conninfo, autocommit=True) as connection:
        connection.execute(f"SET lakegate.result_cache = {'on' if kept else 'off'}".encode())
        for number in range(-1, rounds):
            if not number:
                before, started = process.cpu_times(), time.perf_counter()
            for statement in STATEMENTS:
                connection.execute(statement.encode(), prepare=mode == "prepared").fetchall()
        after = process.cpu_times()
    if time.perf_counter() == started:
        raise BenchmarkError("nothing was measured")
    return (after.user + after.system - before.user - before.system) * 1000 / (rounds * len(STATEMENTS))


def _pgbench(setting: Setting, own: GatewayProcess, mode: str, seconds: int) -> _Taken:
    program = setting.psql.with_name("pgbench")
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, statement in enumerate(STATEMENTS):
            file = Path(folder) / f"{number}.sql"
            file.write_text(f"{statement};\n", encoding="utf-8")
            files += ["-f", str(file)]
        options = ["-n", "-c", str(_CLIENTS), "-j", "1", "-T", str(seconds), "-M", mode, *files]
        logs = ["-l", "--log-prefix", f"{folder}/taken"]
        command = [str(program), *options, *logs, own.conninfo]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + 60)
        if done.returncode != 0:
            raise BenchmarkError(f"pgbench failed: {done.stderr.strip()[-300:]}")
        lines = (line.split() for log in Path(folder).glob("taken*") for line in log.read_text().splitlines())
        ended = sorted((int(line[4]) + int(line[5]) / 1e6, int(line[2]) / 1000) for line in lines)
    return _second_half(ended)


def _second_half(ended: Sequence[tuple[float, float]]) -> _Taken:
    """Sum up statements, each with the second it ended in and its milliseconds, but for those in which the clients were
    still preparing theirs.
    """
    first, last = ended[0][0], ended[-1][0]
    half = (first + last) / 2
    taken = sorted(milliseconds for at, milliseconds in ended if at >= half)
    return _Taken(len(taken) / (last - half), taken[len(taken) * 99 // 100])
