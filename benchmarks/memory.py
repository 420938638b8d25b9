"""How much memory the gateway takes while a client streams all of lineitem."""

from __future__ import annotations

import time

from benchmarks.clients import read_by_socket
from benchmarks.report import Floor, Section, Table
from benchmarks.setting import Setting

_MEGABYTE = 1_000_000
_FORMATS = {"text": 0, "binary": 1}


def run(setting: Setting) -> Section:
    """Stream the table in both formats and watch the gateway's resident memory."""
    gateway = setting.gateway
    lines, data, most = [], {}, 0
    with gateway.connect() as connection:
        count = connection.execute("SELECT count(*) FROM sales.lineitem").fetchone()
        assert count is not None
        for name, code in _FORMATS.items():
            before, started = gateway.rss(), time.perf_counter()
            with gateway.peak_rss() as peak:
                size = read_by_socket(connection, "SELECT * FROM sales.lineitem", code)
            seconds = time.perf_counter() - started
            most = max(most, peak[0])
            lines.append(
                (
                    name,
                    f"{count[0]:,}",
                    f"{size / _MEGABYTE:,.0f}",
                    f"{seconds:.2f}",
                    f"{before / _MEGABYTE:.0f}",
                    f"{peak[0] / _MEGABYTE:.0f}",
                    f"{gateway.rss() / _MEGABYTE:.0f}",
                )
            )
            data[name] = {"rows": count[0], "bytes": size, "seconds": seconds, "before": before, "peak": peak[0]}
    children = gateway.rss_of_children()
    columns = ("format", "rows", "MB sent", "s", "RSS before, MB", "peak RSS, MB", "after, MB")
    floor = Floor("peak RSS of the gateway while streaming lineitem", most / _MEGABYTE, 600, "MB")
    notes = (
        f"The gateway's own process, watched every 10 ms; its embedded PostgreSQL takes {children / _MEGABYTE:.0f} MB "
        "more (shared pages counted for each of its processes).",
        f"Start to readiness: {gateway.startup_seconds:.1f} s.",
    )
    return Section("Memory", (Table(columns, tuple(lines)),), (floor,), notes, {**data, "children": children})
