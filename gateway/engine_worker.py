"""The program of a worker process, started by the gateway: ``python -m gateway.engine_worker CONTROL LOG PARENT``.

The numbers are the control socket's descriptor, the log's, and the gateway's process id. All else, the connection
strings of sources among it, comes through the socket.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import resource
import signal
import socket
import sys
from pathlib import Path

from gateway import logs, optional_packages

optional_packages.leave_out_unused()

import uvloop  # noqa: E402
from datafusion import SessionContext  # noqa: E402

from catalog.errors import SqlError  # noqa: E402
from catalog.function_database import FunctionDatabase  # noqa: E402
from catalog.remote_logins import RemoteLogin  # noqa: E402
from catalog.scans import RemoteScan  # noqa: E402
from catalog.sqlstate import SqlState  # noqa: E402
from connectors.postgres.source import PostgresSource  # noqa: E402
from gateway.evaluation.evaluator import Evaluator  # noqa: E402
from gateway.execute import heaps  # noqa: E402
from gateway.execute.engine import Engine  # noqa: E402
from gateway.execute.remote_relations import RemoteDataset  # noqa: E402
from gateway.execute.workers.messages import LARGEST_MESSAGE, KeepLogins, Request, Setup, unpickled  # noqa: E402
from gateway.execute.workers.worker import Worker, WorkerServices, end_process  # noqa: E402
from gateway.sql.engine_dialect.function_errors import stated_error  # noqa: E402
from gateway.sql.engine_dialect.functions import register_functions  # noqa: E402
from gateway.sql.engine_dialect.mask_functions import Keyring, register_mask_functions  # noqa: E402

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(control_descriptor: int, log_descriptor: int, parent: int) -> None:
    """Serve the gateway until it is gone."""
    _die_with(parent)
    heaps.bound()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # meant for the gateway
        signal.signal(number, signal.SIG_IGN)
    control = socket.socket(fileno=control_descriptor)
    message = control.recv(LARGEST_MESSAGE)
    if not message:
        return
    setup: Setup = unpickled(message)
    log = os.fdopen(log_descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    logs.configure(setup.log_level, stream=log)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(setup, control))
        end_process()


async def _serve(setup: Setup, control: socket.socket) -> None:
    services = _services(setup)
    _limit_heap(setup.heap_limit)
    await Worker(services, control).serve()


def _services(setup: Setup) -> WorkerServices:
    sources = {name: PostgresSource(name, server.dsn, server.options) for name, server in setup.servers.items()}
    keyring = Keyring()
    # The gateway asks for names and types: here functions are evaluated alone.
    evaluator = Evaluator(FunctionDatabase(setup.functions, frozenset(), {})) if setup.functions is not None else None
    logins: dict[int, RemoteLogin | None] = {}  # by the scan itself: two statements may have two for one source

    def open_remote(scan: RemoteScan) -> RemoteDataset:
        source = sources.get(scan.source)
        if source is None or id(scan) not in logins:
            raise SqlError(SqlState.INTERNAL_ERROR, f'source "{scan.source}" has no streams')
        return RemoteDataset(scan.schema, source.open(scan, logins[id(scan)]))

    def register(context: SessionContext) -> None:
        register_functions(context)
        register_mask_functions(context, keyring)
        if evaluator is not None:
            evaluator.register(context)

    def prepare(request: Request) -> None:
        keyring.replace(request.secrets)
        logins.update((id(scan), request.logins[name]) for name, scan in _remote(request))
        if evaluator is not None:
            evaluator.follow_json_types(request.json_types)

    def forget(request: Request) -> None:
        for _, scan in _remote(request):
            logins.pop(id(scan), None)

    def keep_logins(kept: KeepLogins) -> None:
        sources[kept.source].keep_logins(kept.logins)

    hold = evaluator.hold if evaluator is not None else None
    engine = Engine(setup.settings, open_remote, register, stated_error, hold)
    return WorkerServices(engine, stated_error, prepare, forget, keep_logins)


def _remote(request: Request) -> list[tuple[str, RemoteScan]]:
    return [(name, scan) for name, scan in request.scans if isinstance(scan, RemoteScan)]


def _die_with(parent: int) -> None:
    """Have the system kill this process when the gateway's ends, however that comes about."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        end_process()


def _limit_heap(most: int) -> None:
    """Refuse at once what asks for far more memory than there may be: the gateway looks at what is used already."""
    used = next(
        int(line.split()[1]) << 10
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        if line.startswith("VmData:")
    )
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = used + most
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
