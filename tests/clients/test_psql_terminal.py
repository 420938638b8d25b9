"""psql at a terminal: what Tab completes, and Ctrl-C in the midst of a heavy statement beside another one.

The psql of PyPI's PostgreSQL is built without readline, so this is one that the machine has (Debian's).
"""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.clients.conftest import HEAVY, PSQL, Shop
from tests.clients.programs import missing

pytestmark = PSQL
PROMPT = b"=> "


class Terminal:
    """A psql in a terminal of its own."""

    def __init__(self, program: str, dsn: str) -> None:
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            environment = {**os.environ, "TERM": "dumb", "PSQL_HISTORY": "/dev/null", "PAGER": "cat"}
            os.execve(program, [program, "-X", dsn], environment)
        self.until(PROMPT)

    def write(self, text: str) -> None:
        """Type."""
        os.write(self._terminal, text.encode())

    def until(self, what: bytes, seconds: float = 20.0) -> str:
        """Return what is shown up to some text, which has to come."""
        shown, deadline = b"", time.monotonic() + seconds
        while what not in shown:
            assert time.monotonic() < deadline, shown[-500:]
            if select.select([self._terminal], [], [], 0.1)[0]:
                shown += os.read(self._terminal, 1 << 16).replace(b"\a", b"")  # that there is more to choose from
        return shown.decode(errors="replace")

    def close(self) -> None:
        """Leave."""
        self.write("\\q\n")
        os.waitpid(self.pid, 0)
        os.close(self._terminal)


@pytest.fixture
def terminal(shop: Shop) -> Iterator[Terminal]:
    one = Terminal(_program(), shop.gateway.dsn())
    yield one
    one.close()


def _program() -> str:
    """Return a psql that was built with readline: Debian's psql is a script that calls the newest of these."""
    for path in (*sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"), reverse=True), shutil.which("psql")):
        if path is not None:
            linked = subprocess.run(["ldd", path], capture_output=True, check=False).stdout
            if b"readline" in linked or b"libedit" in linked:
                return str(path)
    return missing("a psql with readline")


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("SELECT * FROM sal", "sales."),
        ("SELECT * FROM shop.ord", "shop.orders"),
        ("SELECT c_name FROM shop.customer WHERE c_acc", "c_acctbal"),
        ("SET search_", "search_path"),
        ("SET lakegate.push", "lakegate.pushdown"),
        ("SHOW work", "work_mem"),
        ("\\d shop.lin", "shop.lineitem"),
        ("\\df pg_table_s", "pg_table_size"),
        ("ANALYZE shop.nat", "shop.nation"),
        ("COPY shop.cust", "shop.customer"),
    ],
)
def test_tab_completes_from_the_catalogues(terminal: Terminal, typed: str, shown: str) -> None:
    terminal.write(typed + "\t")
    terminal.until(shown.encode())
    terminal.write("\x15")  # the line is given up


def test_ctrl_c_ends_a_heavy_statement_beside_another(shop: Shop, terminal: Terminal) -> None:
    with shop.gateway.connect() as other:
        busy = threading.Thread(target=_run_until_cancelled, args=(other,))
        busy.start()
        try:
            time.sleep(0.5)
            terminal.write(f"{HEAVY};\n")
            time.sleep(1.5)
            pressed = time.monotonic()
            terminal.write("\x03")
            terminal.until(b"canceling statement due to user request")
            taken = time.monotonic() - pressed
        finally:
            other.cancel_safe()
            busy.join()
    assert taken < 2, taken  # 0.1 s where nobody else is at work on the machine
    terminal.write("SELECT 'still ' || 'here';\n")
    terminal.until(b"still here")


def _run_until_cancelled(connection: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute(HEAVY.encode())
