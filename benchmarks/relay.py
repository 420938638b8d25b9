"""Many clients with small statements: what one source's server answers alone beside the server itself, through one
gateway and through two, and the engine's prepared statements over a small table of the lake. The clients are pgbench's.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gateway_process import BenchmarkError
from benchmarks.report import Floor, Section, Table
from benchmarks.setting import Setting
from benchmarks.two_gateways import conninfo_of_either, two_gateways

_CLIENTS = 16
_PIPELINED = 10  # statements that a client sends before it reads
_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_POINT = "\\set id random(1, {most})\nSELECT c_name, c_acctbal FROM {table} WHERE c_custkey = :id;\n"
_SMALL = "\\set id random(0, 24)\nSELECT count(*) FROM supply.supplier WHERE s_nationkey = :id;\n"


@dataclass(frozen=True, slots=True)
class _Taken:
    """What one run of pgbench found: statements in a second, and latencies in milliseconds."""

    per_second: float
    median: float
    slowest: float  # of 99 in 100


def run(setting: Setting) -> Section:
    """Measure point queries of a source through the gateway and directly, in turn, and the engine's."""
    seconds, rounds = (1, 2) if setting.quick else (4, 3)
    lines, floors = [], []
    data: dict[str, object] = {}
    most = max(1, round(150_000 * setting.scale))
    scripts = {
        "gateway": (_POINT.format(most=most, table="crm.customer"), setting.gateway.conninfo),
        "postgres": (_POINT.format(most=most, table="customer"), setting.crm_conninfo),
    }
    for mode in ("simple", "prepared"):
        for clients in (1, _CLIENTS):
            taken: dict[str, list[_Taken]] = {"gateway": [], "postgres": []}
            for _ in range(rounds):
                for name, (script, conninfo) in scripts.items():
                    taken[name].append(_pgbench(setting, script, conninfo, (mode, clients, seconds)))
            ours, theirs = (_middle(taken[name]) for name in ("gateway", "postgres"))
            what = f"point query of a source, {mode}, {clients} clients"
            lines.append(_line(what, ours, theirs))
            data[what] = {"gateway": ours.per_second, "postgres": theirs.per_second}
            if clients == 1:
                floors.append(Floor(f"{what}: added to PostgreSQL's", ours.median - theirs.median, 0.3, "ms"))
            else:
                floors.append(Floor(f"{what}: PostgreSQL's rate to ours", theirs.per_second / ours.per_second, 4))
    lines.append(_pipelined(setting, scripts, (seconds, rounds), data))
    engine = _middle(
        [_pgbench(setting, _SMALL, setting.gateway.conninfo, ("prepared", _CLIENTS, seconds)) for _ in range(rounds)]
    )
    what = f"small table of the lake, prepared, {_CLIENTS} clients"
    lines.append(_line(what, engine, None))
    data[what] = {"gateway": engine.per_second}
    floors.append(Floor(f"{what}: time a statement", 1000 / engine.per_second, 2, "ms"))
    floors.append(Floor(f"{what}: slowest of 99 in 100", engine.slowest, 100, "ms"))
    columns = ("statement", "gateway, a second", "99 of 100 within, ms", "PostgreSQL, a second", "within, ms")
    notes = (
        "pgbench with one thread on the same machine, over TCP on loopback; medians of the runs.",
        "Of pipelined statements the latency is that of a whole pipeline.",
        "Two gateways have one metadata server, and libpq chooses among them (load_balance_hosts=random); with few"
        " processors they share these with PostgreSQL and with the clients.",
    )
    two = _two_gateways(setting, scripts, (seconds, rounds), data)
    return Section("Relay", (Table(columns, tuple(lines)), two), tuple(floors), notes, data)


def _pipelined(
    setting: Setting, scripts: dict[str, tuple[str, str]], how: tuple[int, int], data: dict[str, object]
) -> tuple[str, ...]:
    """Measure clients that send several statements before they read, of which one Sync is behind all."""
    seconds, rounds = how
    taken: dict[str, list[_Taken]] = {name: [] for name in scripts}
    for _ in range(rounds):
        for name, (script, conninfo) in scripts.items():
            text = f"\\startpipeline\n{script * _PIPELINED}\\endpipeline\n"
            run = _pgbench(setting, text, conninfo, ("prepared", _CLIENTS, seconds))
            taken[name].append(_Taken(run.per_second * _PIPELINED, run.median, run.slowest))
    ours, theirs = (_middle(taken[name]) for name in ("gateway", "postgres"))
    what = f"point query of a source, prepared, pipelined by {_PIPELINED}, {_CLIENTS} clients"
    data[what] = {"gateway": ours.per_second, "postgres": theirs.per_second}
    return _line(what, ours, theirs)


def _two_gateways(
    setting: Setting, scripts: dict[str, tuple[str, str]], how: tuple[int, int], data: dict[str, object]
) -> Table:
    """Measure clients of whom each is given one of two gateways beside such of one, and of PostgreSQL itself."""
    seconds, rounds = how
    (ours, _), (theirs, direct) = scripts["gateway"], scripts["postgres"]
    lines = []
    with two_gateways(setting) as (one, other):
        subjects = {
            "one gateway": (ours, one.conninfo),
            "two gateways": (ours, conninfo_of_either(one, other)),
            "postgres": (theirs, direct),
        }
        for mode in ("simple", "prepared"):
            taken: dict[str, list[_Taken]] = {name: [] for name in subjects}
            for _ in range(rounds):
                for name, (script, conninfo) in subjects.items():
                    taken[name].append(_pgbench(setting, script, conninfo, (mode, _CLIENTS, seconds)))
            single, both, server = (_middle(runs) for runs in taken.values())
            what = f"point query of a source, {mode}, {_CLIENTS} clients of two gateways"
            data[what] = {name: _middle(runs).per_second for name, runs in taken.items()}
            rates = (f"{each.per_second:.0f}" for each in (single, both, server))
            ratios = (f"{both.per_second / single.per_second:.2f}", f"{server.per_second / both.per_second:.2f}")
            lines.append((what, *rates, *ratios, f"{both.slowest:.2f}"))
    names = ("one gateway, a second", "two, a second", "PostgreSQL, a second", "two to one", "PostgreSQL to two")
    return Table(("statement", *names, "two: 99 of 100 within, ms"), tuple(lines))


def _pgbench(setting: Setting, script: str, conninfo: str, how: tuple[str, int, int]) -> _Taken:
    mode, clients, seconds = how
    program = setting.psql.with_name("pgbench")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "script.sql"
        file.write_text(script, encoding="utf-8")
        options = ["-n", "-c", str(clients), "-j", "1", "-T", str(seconds), "-M", mode, "-f", str(file)]
        logs = ["-l", "--log-prefix", f"{folder}/taken"]
        command = [str(program), *options, *logs, conninfo]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + 60)
        found = _TPS.search(done.stdout)
        if done.returncode != 0 or found is None:
            raise BenchmarkError(f"pgbench failed: {done.stderr.strip()[-300:]}")
        lines = (line for log in Path(folder).glob("taken*") for line in log.read_text().splitlines())
        taken = sorted(int(line.split(" ", 3)[2]) / 1000 for line in lines)
    return _Taken(float(found[1]), taken[len(taken) // 2], taken[len(taken) * 99 // 100])


def _middle(runs: list[_Taken]) -> _Taken:
    return sorted(runs, key=lambda one: one.per_second)[len(runs) // 2]


def _line(what: str, ours: _Taken, theirs: _Taken | None) -> tuple[str, ...]:
    beside = ("", "") if theirs is None else (f"{theirs.per_second:.0f}", f"{theirs.slowest:.2f}")
    return what, f"{ours.per_second:.0f}", f"{ours.slowest:.2f}", *beside
