"""Packages that the gateway leaves out."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
from gateway import optional_packages
optional_packages.leave_out_unused()
import gateway.server
assert "pyarrow.dataset" in sys.modules and "adbc_driver_manager.dbapi" in sys.modules
print(sorted({"pandas", "polars"} & set(sys.modules)))
"""


def test_a_gateway_does_not_load_what_is_installed_beside_it() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
