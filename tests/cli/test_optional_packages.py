"""Packages that the gateway leaves out, and those that it loads where a configuration asks for them."""

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


COMMAND = """
import atexit, sys
from gateway.cli.app import main
atexit.register(lambda: print(sorted({"pandas", "polars"} & set(sys.modules)), "datafusion" in sys.modules))
sys.argv = ["lakegate", "policy", "test", "absent.yaml"]
main()
"""


def test_no_command_does() -> None:
    done = subprocess.run([sys.executable, "-c", COMMAND], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.splitlines()[-1] == "[] True"


WITH_SOURCES = """
import sys
import gateway.server
from connectors.registry import open_source
FORMATS = {"deltalake", "pyiceberg"}
print(sorted({"cryptography", "fastapi", "joserfc", "uvicorn", *FORMATS} & set(sys.modules)))
open_source("sales", {"kind": "delta", "location": "/nowhere"})
print(sorted(FORMATS & set(sys.modules)))
open_source("supply", {"kind": "iceberg", "catalog": {}})
print(sorted(FORMATS & set(sys.modules)))
"""


def test_libraries_of_formats_http_and_tokens_are_loaded_where_they_are_used() -> None:
    done = subprocess.run([sys.executable, "-c", WITH_SOURCES], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == ["[]", "['deltalake']", "['deltalake', 'pyiceberg']"]
