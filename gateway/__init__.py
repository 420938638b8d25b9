"""Between a client's bytes and rows.

A streaming source blocks a thread of the engine while it waits for its server; with one thread a core (the engine's
default) six slow remote scans hold up every other query. The variable is read once, when the engine is first imported.
"""

import os

os.environ.setdefault("TOKIO_WORKER_THREADS", "32")
