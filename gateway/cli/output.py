"""How the commands speak: results on standard output, progress and errors on standard error."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.status import Status

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


class CommandError(Exception):
    """A command cannot do what was asked: what is wrong, a hint where there is one, and the exit code."""

    def __init__(self, message: str, *, hint: str | None = None, code: int = FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


def results() -> Console:
    """Return the console for what was asked for."""
    return Console(highlight=False)


def notices() -> Console:
    """Return the console for progress and errors."""
    return Console(stderr=True, highlight=False)


def print_error(message: str, hint: str | None = None) -> None:
    """Print an error and its hint, never wrapped: others read the lines too."""
    console = notices()
    console.print(f"[bold red]error:[/] {escape(message)}", soft_wrap=True)
    if hint:
        console.print(f"[bold]hint:[/] {escape(hint)}", soft_wrap=True)


def own_name() -> str:
    """Return what to type for this program: ``lakegate`` where the shell finds it, else how it was run."""
    if shutil.which("lakegate") is not None:
        return "lakegate"
    run = sys.argv[0]
    return f"{sys.executable} -m gateway.cli" if run.endswith("__main__.py") else run


@contextmanager
def steps() -> Iterator[Callable[[str], None]]:
    """Yield a function that is told each step as it begins. On a terminal the running step turns and a finished one
    shows its time; elsewhere each step is a line.
    """
    console = notices()
    begun = time.monotonic()
    current: list[tuple[str, float]] = []
    status = Status("", console=console) if console.is_terminal else None

    def finish() -> None:
        if current and status is not None:
            text, since = current.pop()
            console.print(f"[green]✓[/] {escape(text)} [dim]{time.monotonic() - since:.1f} s[/]")

    def report(text: str) -> None:
        finish()
        current.append((text, time.monotonic()))
        if status is None:
            console.print(f"{time.monotonic() - begun:6.1f} s  {escape(text)}", soft_wrap=True)
        else:
            status.update(escape(text))

    if status is not None:
        status.start()
    try:
        yield report
        finish()
    finally:
        if status is not None:
            status.stop()
