"""The embedded PostgreSQL's processes: make a cluster, start it, find and take over one that is running, stop it.

A server outlives a gateway that was killed. The next start finds it by ``postmaster.pid``, proves with the password and
``data_directory`` that it is the right one, and goes on using it. Nothing is ever signalled but the server of this
cluster, and that only through ``pg_ctl`` under the server's own account.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import structlog

from catalog.server_home import Home, ServerError, environment

_log = structlog.get_logger(__name__)

SUPERUSER = "lakegate"
MAJOR_VERSION = "18"
MAINTENANCE_DATABASE = "postgres"
DEFAULT_PORT = 5432  # of the unix socket's name; nothing listens on the network unless it is configured
_START_SECONDS = 60.0  # a crash recovery replays at most max_wal_size
_STOP_SECONDS = 30.0
_ORPHAN_SECONDS = 5.0  # PostgreSQL's processes see within one that their postmaster is gone
_POLL_SECONDS = 0.01
_PROC = Path("/proc/self")

_SETTINGS: Mapping[str, str] = {
    "max_connections": "300",
    "shared_buffers": "64MB",
    "max_locks_per_transaction": "256",  # a catalogue of some ten thousand tables is mirrored in one transaction
    "work_mem": "32MB",  # lists of some ten thousand columns are sorted without a file
    "temp_file_limit": "2GB",  # what one session's statements over catalogues may spill
    "max_wal_size": "256MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "fsync": "on",
    "jit": "off",
    "autovacuum": "on",
    "restart_after_crash": "on",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "datestyle": "ISO, MDY",
    "lc_messages": "C",
    "default_text_search_config": "pg_catalog.english",
    # Errors of clients' statements stay out of the log: their texts may hold values.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",  # seven files, each begun anew after a week
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
}

# Of a server that goes with its process: nothing need be there after a crash of the machine.
_PASSING: Mapping[str, str] = {"fsync": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A running server: its process, and where it listens (``folder`` of the unix socket, ``host`` on the network)."""

    pid: int
    folder: str
    port: int
    host: str
    process: subprocess.Popen[bytes] | None = None  # None for one that another gateway has started


def run_postmaster(home: Home, port: int | None, *, lasting: bool = True) -> Postmaster:
    """Return the cluster's running server, started or taken over. ``port`` is for loopback, None for the socket alone.
    One that is not ``lasting`` waits for no disk.

    Raises ServerError with the end of the server's log.
    """
    _check_version(home)
    running = find_postmaster(home)
    if running is not None:
        if (running.host != "") == (port is not None) and running.port == (port or DEFAULT_PORT):
            _log.info("took over the running metadata server", pid=running.pid)
            return running
        stop_postmaster(home)  # it listens elsewhere than configured
    if not (home.cluster / "PG_VERSION").exists():
        _initialize(home, () if lasting else ("--no-sync",))
    folder = home.socket_folder()
    _configure(home, folder, port, {} if lasting else _PASSING)
    return _launch(home)


def find_postmaster(home: Home) -> Postmaster | None:
    """Return the running server that answers for this cluster; wait while it starts or ends, stop one that is deaf."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        found = _read_pid_file(home.cluster)
        if found is None or not _alive(found.pid, home.cluster):
            _clear_stale_pid_file(home)
            return None
        if _is_ours(found, home):
            return found
        if time.monotonic() > deadline or not _socket(found).exists():
            if not _PROC.exists():
                raise ServerError(f"process {found.pid} holds {home.cluster} and does not answer: stop it")
            _log.warning("the metadata server does not answer: stopping it", pid=found.pid)
            stop_postmaster(home)
            return None
        time.sleep(_POLL_SECONDS)


def stop_postmaster(home: Home, process: subprocess.Popen[bytes] | None = None) -> None:
    """End the server, its clients' statements too: fast, then at once. Does nothing where none runs.

    ``process`` is the server's where this gateway has started it.
    """
    if process is not None:
        for number in (signal.SIGINT, signal.SIGQUIT):
            process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=_STOP_SECONDS)
                return
        raise ServerError(f"the metadata server, process {process.pid}, does not stop")
    for mode in ("fast", "immediate"):
        if not (home.cluster / "postmaster.pid").exists():
            break
        options = ("-D", home.cluster, "-m", mode, "-w", "-t", f"{_STOP_SECONDS:.0f}")
        result = home.account.run(home.programs / "pg_ctl", "stop", *options)
        if result.returncode == 0:
            break
        _log.warning("the metadata server did not stop", mode=mode, reason=result.stderr.strip())


def connection_parameters(postmaster: Postmaster, password: str, database: str) -> dict[str, str | int]:
    """Return how psycopg reaches the server as its superuser."""
    return {
        "host": postmaster.folder,
        "port": postmaster.port,
        "dbname": database,
        "user": SUPERUSER,
        "password": password,
        "connect_timeout": 10,
    }


def _check_version(home: Home) -> None:
    path = home.cluster / "PG_VERSION"
    version = path.read_text("ascii").strip() if path.exists() else MAJOR_VERSION
    if version != MAJOR_VERSION:
        raise ServerError(
            f"{home.cluster} was made by PostgreSQL {version}, this is {MAJOR_VERSION}: dump and restore it"
        )


def _initialize(home: Home, options: Sequence[str]) -> None:
    """Make the cluster in a folder beside its place, so that a start cut short leaves nothing half made."""
    partial = home.path / "cluster.partial"
    password = home.path / "password.initdb"
    if partial.exists():
        shutil.rmtree(partial)
    password.unlink(missing_ok=True)
    partial.mkdir(mode=0o700)
    if home.account.foreign:  # it may not write in the home itself
        os.chown(partial, home.account.uid, home.account.gid)
    with os.fdopen(os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(home.password() + "\n")
    try:
        if home.account.foreign:
            os.chown(password, home.account.uid, home.account.gid)
        result = home.account.run(
            home.programs / "initdb",
            f"--pgdata={partial}",
            f"--username={SUPERUSER}",
            f"--pwfile={password}",
            "--auth-local=scram-sha-256",
            "--auth-host=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-instructions",
            *options,
        )
    finally:
        password.unlink()
    if result.returncode != 0:
        raise ServerError(f"cannot make a PostgreSQL cluster in {home.path}: {result.stderr.strip()}")
    partial.rename(home.cluster)
    _log.info("made a PostgreSQL cluster", path=str(home.cluster))


def _configure(home: Home, folder: Path, port: int | None, others: Mapping[str, str]) -> None:
    settings = {
        **_SETTINGS,
        **others,
        "listen_addresses": "127.0.0.1" if port is not None else "",
        "port": str(port or DEFAULT_PORT),
        "unix_socket_directories": str(folder),
        "unix_socket_permissions": "0700",
    }
    lines = ["# Written by Lakegate at each start. Settings of your own belong in custom.conf beside this file."]
    lines += [f"{name} = {_quoted(value)}" for name, value in settings.items()]
    lines += ["include_if_exists = 'custom.conf'", ""]
    rules = "local all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\n"
    for name, text in (("postgresql.conf", "\n".join(lines)), ("pg_hba.conf", rules)):
        path = home.cluster / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _launch(home: Home) -> Postmaster:
    log = home.path / "startup.log"
    user, group, groups = (home.account.uid, home.account.gid, ()) if home.account.foreign else (None, None, None)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(home.programs / "postgres"), "-D", str(home.cluster)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            user=user,
            group=group,
            extra_groups=groups,
            env=environment(),
            cwd="/",
            umask=0o077,
            start_new_session=True,  # Ctrl-C in the gateway's terminal is the gateway's to handle
        )
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerError(f"PostgreSQL did not start: {_log_end(home)}")
        found = _read_pid_file(home.cluster)
        if found is not None and found.pid == process.pid and _is_ready(home.cluster):
            return Postmaster(found.pid, found.folder, found.port, found.host, process)
        time.sleep(_POLL_SECONDS)
    stop_postmaster(home, process)
    raise ServerError(f"PostgreSQL was not ready within {_START_SECONDS:.0f} seconds: {_log_end(home)}")


def _log_end(home: Home) -> str:
    logs = [home.path / "startup.log", *(home.cluster / "log").glob("*.log")]
    logs = sorted((path for path in logs if path.exists()), key=lambda path: path.stat().st_mtime)
    lines = [line for path in logs for line in path.read_text("utf-8", "replace").splitlines() if line.strip()]
    return " | ".join(lines[-5:]) or "it left no message"


def _pid_lines(cluster: Path) -> list[str]:
    """Return the lines of ``postmaster.pid``: pid, folder, start, port, socket folder, host, memory key, status."""
    try:
        return (cluster / "postmaster.pid").read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []


def _read_pid_file(cluster: Path) -> Postmaster | None:
    lines = [line.strip() for line in _pid_lines(cluster)]
    if len(lines) < 6 or not lines[0].isdigit() or not lines[3].isdigit():
        # Its first lines alone: a server that has only just begun, or a file cut short.
        return Postmaster(int(lines[0]), "", 0, "") if lines and lines[0].isdigit() else None
    return Postmaster(int(lines[0]), lines[4], int(lines[3]), lines[5])


def _is_ready(cluster: Path) -> bool:
    lines = _pid_lines(cluster)
    return len(lines) >= 8 and lines[7].strip() == "ready"


def _socket(postmaster: Postmaster) -> Path:
    # Before the file is complete there is no socket to look for: the cluster's own file stands for it.
    return Path(postmaster.folder or "/") / (f".s.PGSQL.{postmaster.port}" if postmaster.folder else "")


def _is_ours(postmaster: Postmaster, home: Home) -> bool:
    """Whether the server that answers there knows our password and serves our cluster."""
    if not postmaster.folder:
        return False
    parameters = connection_parameters(postmaster, home.password(), MAINTENANCE_DATABASE)
    try:
        with psycopg.connect(**parameters, autocommit=True) as connection:  # type: ignore[arg-type]
            row = connection.execute("SELECT pg_catalog.current_setting('data_directory')").fetchone()
    except psycopg.OperationalError:
        return False
    return row is not None and Path(row[0]) == home.cluster


def _alive(pid: int, cluster: Path) -> bool:
    """Whether the process of that number is this cluster's server: by its command where /proc tells."""
    if _PROC.exists():
        try:
            command = (_PROC.parent / str(pid) / "cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return os.fsencode(cluster) in command
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _may_work_in(entry: Path, home: Home) -> bool:
    """Whether a process may be part of the cluster's server: by its folder, else by its name and account."""
    try:
        return (entry / "cwd").readlink() == home.cluster
    except PermissionError:  # root without CAP_SYS_PTRACE, as in most containers
        return entry.stat().st_uid == home.account.uid and (entry / "comm").read_text().startswith("postgres")


def _is_occupied(home: Home) -> bool:
    for entry in _PROC.parent.iterdir():
        try:
            if entry.name.isdigit() and _may_work_in(entry, home):
                return True
        except OSError:
            continue  # it has ended
    return False


def _clear_stale_pid_file(home: Home) -> None:
    """Remove the lock files of a server that was killed, once none of its processes is left.

    Their number may belong to another process by now (in a container that started again, it usually does), and
    PostgreSQL would refuse to start. Where processes may be left, PostgreSQL's own check decides.
    """
    path = home.cluster / "postmaster.pid"
    if not path.exists() or not _PROC.exists():
        return
    deadline = time.monotonic() + _ORPHAN_SECONDS
    while _is_occupied(home):
        if time.monotonic() > deadline:
            return
        time.sleep(_POLL_SECONDS)
    for file in (path, *home.socket_folder().glob(".s.PGSQL.*")):
        file.unlink(missing_ok=True)
