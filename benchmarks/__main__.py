"""``python -m benchmarks [names] [--scale 1] [--quick]``: measure the gateway and its peers in the same run.

Timing never decides anything here: the exit code is 0 however fast or slow a subject was, and the report says which
floors were reached. A benchmark that cannot be run is in the report with its reason.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import (
    audit,
    beyond_memory,
    catalogue,
    connections,
    dashboard,
    dialect,
    federation,
    functions,
    governance,
    join_orders,
    large_server,
    latency,
    logins,
    machine,
    memory,
    overhead,
    relay,
    report,
    rows,
    tpcds,
    tpcds_federated,
    wide_values,
    worker_processes,
)
from benchmarks.setting import Setting, open_setting

# Memory comes first, of a gateway that has done nothing else; the cold runs of TPC-H come before what warms its tables.
BENCHMARKS: dict[str, Callable[[Setting], report.Section]] = {
    "memory": memory.run,
    "federation": federation.run,
    "large_server": large_server.run,
    "rows": rows.run,
    "wide_values": wide_values.run,
    "latency": latency.run,
    "catalogue": catalogue.run,
    "logins": logins.run,
    "connections": connections.run,
    "worker_processes": worker_processes.run,
    "relay": relay.run,
    "dashboard": dashboard.run,
    "overhead": overhead.run,
    "audit": audit.run,
    "governance": governance.run,
    "dialect": dialect.run,
    "functions": functions.run,
    "tpcds": tpcds.run,
    "tpcds_federated": tpcds_federated.run,
    "join_orders": join_orders.run,
    "beyond_memory": beyond_memory.run,
}
_RESULTS = Path(__file__).with_name("results")


def main(arguments: Sequence[str]) -> None:
    """Run the benchmarks that are named, all without names, and write the report."""
    options = _parse(arguments)
    scale = options.scale or (0.1 if options.quick else 1.0)
    head = machine.description(scale, options.quick)
    sections = []
    with open_setting(scale, options.quick, _say) as setting:
        for name in options.names or BENCHMARKS:
            _say(f"measuring: {name}")
            started = time.monotonic()
            try:
                sections.append(BENCHMARKS[name](setting))
            except Exception as error:  # the others can still be measured; the report tells of this one
                if options.fail:
                    raise
                sections.append(report.Section(name, (), notes=(f"could not be run: {type(error).__name__}: {error}",)))
            _say(f"{name} took {time.monotonic() - started:.0f} s")
    head.append(f"load after it: {machine.load()}; {machine.pace()}")
    print(report.markdown(head, sections))
    path = report.write(_RESULTS, _report_name(options, scale), head, sections)
    _say(f"written to {path}")


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the gateway and its peers.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(BENCHMARKS)}; all without a name")
    parser.add_argument("--scale", type=float, help="TPC-H's scale; 1, or 0.1 with --quick")
    parser.add_argument("--quick", action="store_true", help="small data and few repetitions, to try everything")
    parser.add_argument(
        "--fail", action="store_true", help="stop at a benchmark that cannot be run, with its traceback"
    )
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    return options


def _report_name(options: argparse.Namespace, scale: float) -> str:
    """Name the report after the day and whatever makes the run less than the whole."""
    parts = [datetime.now(UTC).date().isoformat(), *options.names]
    if options.quick:
        parts.append("quick")
    if scale != (0.1 if options.quick else 1.0):
        parts.append(f"scale-{scale:g}")
    return "-".join(parts)


def _say(text: str) -> None:
    print(f"… {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
