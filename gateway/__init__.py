"""Between a client's bytes and rows.

Variables that native libraries read once, when they are first imported:

- A streaming source blocks a thread of the engine while it waits for its server. With one thread a core (the engine's
  default) six slow remote scans hold up every other query. With 32 of them forty such scans did, with 128 they do not.
- Arrow's own allocator keeps what it was given: a gateway that streams a large table held 60 MB more with it.
- The engine's allocator (mimalloc) keeps what it has freed in arenas of 1 GB; without arenas whole segments go back to
  the system, and what was never touched is not kept ready. That saved 50 MB of a stream and 300 MB of TPC-H, at the
  same speed.
"""

import os

os.environ.setdefault("TOKIO_WORKER_THREADS", "128")
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
os.environ.setdefault("MIMALLOC_DISALLOW_ARENA_ALLOC", "1")
os.environ.setdefault("MIMALLOC_EAGER_COMMIT", "0")
