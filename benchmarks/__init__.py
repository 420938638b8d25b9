"""Measurements of the gateway beside its peers.

The gateway's package sets variables for the native libraries of a gateway's own process. Here peers use the same
libraries (DuckDB's delta extension reads ``TOKIO_WORKER_THREADS`` too, and was a quarter slower under ours): they run
under the settings that the machine gives them. A gateway that is measured is a process of its own and sets them again.
"""

import os

_before = dict(os.environ)

import gateway  # noqa: E402, F401

for _name in [name for name in os.environ if name not in _before]:
    del os.environ[_name]
