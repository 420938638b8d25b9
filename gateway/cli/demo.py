"""``lakegate demo``: lay the data out, start a gateway on it, say how to connect.

The source ``crm`` has a PostgreSQL server of its own, as it would in a company: the gateway's embedded server listens
on another socket at each start, so no connection string for it stays true. Left in the background, that server goes on
after this command has ended; ``lakegate stop`` takes it over and stops it.
"""

from __future__ import annotations

import json
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import make_conninfo
from rich.console import Console
from rich.markup import escape

from catalog.server import Server, start
from gateway.cli import pid_file
from gateway.cli.output import CommandError, notices, own_name, results, steps
from gateway.cli.users import set_user
from gateway.demo import state
from gateway.demo.dataset import lay_out
from gateway.demo.generate import DemoError
from gateway.demo.questions import QUESTIONS

_DATABASE = "lake"
_CRM, _CRM_OWNER = "crm", "crm_owner"
_START_SECONDS = 60.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command was asked for."""

    directory: Path
    scale: float
    port: int
    http_port: int
    detach: bool

    @property
    def log(self) -> Path:
        """Where the gateway's log goes."""
        return self.directory / "gateway.log"


def run(options: DemoOptions) -> None:
    """Start the demo and stay until Ctrl-C, or leave it running where asked to."""
    running = pid_file.find_running(state.state_directory(options.directory))
    if running is not None:
        port = int(running.listen.rpartition(":")[2])
        results().print(f"The demo runs already (process {running.pid}); `{own_name()} stop` ends it.\n")
        print_guide(results(), options, port, state.password(options.directory))
        return
    _require_free(options.port, "--port")
    _require_free(options.http_port, "--http-port")
    options.directory.mkdir(parents=True, exist_ok=True)
    with _ended_by_signals():
        gateway, started = _start(options)
        print_guide(results(), options, options.port, state.password(options.directory))
        if not options.detach:
            with started:
                _stay(gateway)


def _start(options: DemoOptions) -> tuple[subprocess.Popen[bytes], ExitStack]:
    """Start everything; returns the gateway, and what stops all of it. After an error nothing is left running."""
    with steps() as report, ExitStack() as started:
        report("starting PostgreSQL for crm")
        crm = start(state.crm_directory(options.directory))
        started.callback(crm.stop)
        _prepare(options, crm, report)
        report("starting the gateway")
        gateway = _start_gateway(options)
        started.callback(_end, gateway)
        _wait_until_ready(gateway, options)
        return gateway, started.pop_all()


def print_guide(console: Console, options: DemoOptions, port: int, password: str) -> None:
    """Print how to connect and what to ask."""
    url = f"postgresql://{state.USER}:{password}@127.0.0.1:{port}/{_DATABASE}"
    jdbc = f"jdbc:postgresql://127.0.0.1:{port}/{_DATABASE}?user={state.USER}&password={password}"

    def line(text: str = "") -> None:
        console.print(escape(text), soft_wrap=True)

    line()
    line(f"Lakegate serves the demo on 127.0.0.1:{port}, user {state.USER}, password {password}")
    line()
    line(f'  psql      psql "{url}"')
    line(f'  psycopg   psycopg.connect("{url}")')
    line(f"  JDBC      {jdbc}")
    line()
    line(f"  settings  {state.config_path(options.directory)}")
    line(f"  log       {options.log}")
    line()
    line("Five questions worth asking:")
    for number, question in enumerate(QUESTIONS, 1):
        line()
        line(f"{number}. {question.title}")
        line()
        line("   " + question.text.replace("\n", "\n   "))
    line()
    line(f"Stop it with: {own_name()} stop" if options.detach else "Stop it with Ctrl-C.")


def _prepare(options: DemoOptions, crm: Server, report: Callable[[str], None]) -> None:
    """Have the data laid out, the configuration written and the user made."""
    try:
        layout = lay_out(options.directory, options.scale, _crm_database(crm), report)
    except DemoError as error:
        raise CommandError(str(error)) from None
    if not layout.made:
        report(f"the data is there already: scale {options.scale:g}")
    state.write_config(options.directory, layout, options.port, options.http_port)
    report(f"user {state.USER}: may read {', '.join(layout.sources)}")
    metadata = start(state.state_directory(options.directory))
    try:
        set_user(metadata, state.USER, state.password(options.directory), grants=tuple(layout.sources))
    finally:
        metadata.stop()


def _crm_database(server: Server) -> str:
    """Return the connection string of the source ``crm``, a database whose owner may use no other."""
    password = secrets.token_urlsafe(24)
    server.create_database(_CRM, _CRM_OWNER, password)
    return make_conninfo("", **server.connection_parameters(_CRM, _CRM_OWNER, password))


def _start_gateway(options: DemoOptions) -> subprocess.Popen[bytes]:
    """Start the gateway as a process and session of its own: a Ctrl-C is for this command to pass on, and closing the
    terminal does not end a demo that was left in the background.
    """
    command = [sys.executable, "-m", "gateway.cli", "serve", "--config", str(state.config_path(options.directory))]
    with options.log.open("ab") as log:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=options.directory
        )


def _wait_until_ready(gateway: subprocess.Popen[bytes], options: DemoOptions) -> None:
    """Wait until the gateway serves all four sources."""
    deadline = time.monotonic() + _START_SECONDS
    missing = "no answer yet"
    hint = f"its log: {options.log}"
    while time.monotonic() < deadline:
        if gateway.poll() is not None:
            raise CommandError(f"the gateway did not start: {_last_words(options.log)}", hint=hint)
        missing = _what_is_missing(options.http_port)
        if not missing:
            return
        time.sleep(_POLL_SECONDS)
    raise CommandError(f"the gateway was not ready within {_START_SECONDS:.0f} s: {missing}", hint=hint)


def _what_is_missing(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5) as answer:
            ready = json.load(answer)
    except OSError as error:  # no connection yet, or 503
        return str(error)
    return ", ".join(
        f"{name} is {item['state']}" for name, item in ready["dependencies"].items() if item["state"] != "up"
    )


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return " | ".join(lines[-3:]) or "it left no message"


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Have SIGTERM and a closed terminal do what Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stay(gateway: subprocess.Popen[bytes]) -> None:
    """Wait for the gateway, until interrupted."""
    try:
        code = gateway.wait()
    except KeyboardInterrupt:
        notices().print("\nstopping …")
        raise
    if code != 0:
        raise CommandError(f"the gateway ended with exit code {code}")


def _end(gateway: subprocess.Popen[bytes]) -> None:
    """Stop the gateway in order; a second Ctrl-C ends running statements at once."""
    gateway.terminate()
    try:
        gateway.wait()
    except KeyboardInterrupt:
        gateway.terminate()
        gateway.wait()


def _require_free(port: int, option: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CommandError(
                f"port {port} cannot be listened on: {(error.strerror or str(error)).lower()}",
                hint=f"choose another with {option}",
            ) from None
