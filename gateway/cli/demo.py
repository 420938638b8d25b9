"""``lakegate demo``: lay the data out, start a gateway on it, say how to connect."""

from __future__ import annotations

import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import make_conninfo
from rich.console import Console
from rich.markup import escape

from catalog.server import Server, start
from gateway.cli import pid_file
from gateway.cli.output import INTERRUPTED, CommandError, results, steps
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
        results().print(f"The demo runs already (process {running.pid}); `lakegate stop` ends it.\n")
        print_guide(results(), options, port, state.password(options.directory))
        return
    _require_free(options.port, "--port")
    _require_free(options.http_port, "--http-port")
    options.directory.mkdir(parents=True, exist_ok=True)
    with steps() as report:
        _prepare(options, report)
        report("starting the gateway")
        gateway = _start_gateway(options)
        try:
            _wait_until_ready(gateway, options)
        except BaseException:
            _end(gateway)
            raise
    print_guide(results(), options, options.port, state.password(options.directory))
    if not options.detach:
        _stay(gateway)


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
    line("Stop it with: lakegate stop" if options.detach else "Stop it with Ctrl-C.")


def _prepare(options: DemoOptions, report: Callable[[str], None]) -> None:
    """Have the data laid out, the user made and the configuration written, with PostgreSQL running meanwhile."""
    report("starting the embedded PostgreSQL")
    server = start(state.state_directory(options.directory))
    try:
        dsn = _crm_database(server)
        try:
            layout = lay_out(options.directory, options.scale, dsn, report)
        except DemoError as error:
            raise CommandError(str(error)) from None
        if not layout.made:
            report(f"the data is there already: scale {options.scale:g}")
        state.write_config(options.directory, layout, options.port, options.http_port)
        report(f"user {state.USER}: may read {', '.join(layout.sources)}")
        set_user(server, state.USER, state.password(options.directory), grants=tuple(layout.sources))
    finally:
        server.stop()


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
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if gateway.poll() is not None:
            raise CommandError(f"the gateway did not start: {_last_words(options.log)}", hint=f"its log: {options.log}")
        if _is_ready(options.http_port):
            return
        time.sleep(_POLL_SECONDS)
    raise CommandError(f"the gateway was not ready within {_START_SECONDS:.0f} s", hint=f"its log: {options.log}")


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return " | ".join(lines[-3:]) or "it left no message"


def _stay(gateway: subprocess.Popen[bytes]) -> None:
    """Wait for the gateway; Ctrl-C, SIGTERM or a closed terminal ends it in order, a second one at once."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        code = gateway.wait()
    except KeyboardInterrupt:
        results().print("\nstopping …")
        _end(gateway)
        raise SystemExit(INTERRUPTED) from None
    if code != 0:
        raise CommandError(f"the gateway ended with exit code {code}")


def _end(gateway: subprocess.Popen[bytes]) -> None:
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
