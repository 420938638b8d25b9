"""What a rehearsal that is killed leaves behind: its server, and the folder with its metadata.

A shell waits at a pipe that only this process holds the other end of. A rehearsal that ends says so; where the pipe
ends without a word, however the process went, the server is stopped and the folder deleted.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from catalog import server as servers

_WAIT = 'read -r word || exec "$1" -m gateway.rehearsal.left_behind "$2"'
_DONE = b"done\n"
_SECONDS = 10.0


@contextmanager
def removed_if_killed(folder: Path) -> Iterator[None]:
    """Have a folder with an embedded server deleted, and the server stopped, if this process ends within the block."""
    command = ["/bin/sh", "-c", _WAIT, "sh", sys.executable, str(folder)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}  # as this process was started
    with subprocess.Popen(  # in a session of its own: what ends the rehearsal's whole group does not end it
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd="/",
        start_new_session=True,
    ) as waiting:
        try:
            yield
        finally:
            with suppress(BrokenPipeError):  # somebody has ended it: then there is nothing to tell
                waiting.communicate(_DONE, timeout=_SECONDS)


def _remove(folder: Path) -> None:
    servers.remove(folder)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _remove(Path(sys.argv[1]))
