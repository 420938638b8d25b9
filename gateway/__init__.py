"""Between a client's bytes and rows.

Variables that native libraries read once, when they are first imported:

- The engine's workers: one a core, as is its default, but never one alone. A streaming source blocks a worker while it
  waits for its server; `gateway.execute.remote_relations` sees to it that few do. With 128 workers in the place of 2 a
  small query took 0.7 ms longer, TPC-H a tenth longer, and a stream of a large table 60 MB more: each has its own heap.
- Arrow's own allocator keeps what it was given: a gateway that streams a large table held 60 MB more with it.
- The engine's allocator (mimalloc) keeps what it has freed in arenas of 1 GB; without arenas whole segments go back to
  the system, and what was never touched is not kept ready. That saves 50 MB of a stream and 300 MB of TPC-H, which
  takes about 7 % longer for it.
"""

import os

os.environ.setdefault("TOKIO_WORKER_THREADS", str(max(2, os.cpu_count() or 1)))
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
os.environ.setdefault("MIMALLOC_DISALLOW_ARENA_ALLOC", "1")
os.environ.setdefault("MIMALLOC_EAGER_COMMIT", "0")
