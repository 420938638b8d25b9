"""Packages that libraries of the gateway import where they find them, and that the gateway has no use for.

pyarrow and the ADBC driver manager import pandas and polars to convert from and to them: 56 MB and half a second of
every start, on a machine where somebody has installed them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Final

_UNUSED: Final = frozenset({"pandas", "polars"})


class _NotInstalled(MetaPathFinder):
    """Says of some packages that they are not installed; the libraries are ready for that."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in _UNUSED:
            raise ModuleNotFoundError(f"No module named {fullname!r}: the gateway leaves it out", name=fullname)
        return None


def leave_out_unused() -> None:
    """Keep them from being imported by this process from now on."""
    sys.meta_path.insert(0, _NotInstalled())
