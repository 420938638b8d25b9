"""Between a client's bytes and rows.

Variables that native libraries read once, when they are first imported:

- A streaming source blocks a worker thread of the engine while it waits for its server. With one worker a core (the
  engine's default) few slow remote scans would hold up every other query. Of 16 the most may wait so, see
  `gateway.execute.remote_relations`. More cost memory, since each has a heap of its own, and time: with 128 a small
  query took 0.7 ms longer.
- Arrow's own allocator keeps what it was given: a gateway that streams a large table held 60 MB more with it.
- The engine's allocator (mimalloc) keeps what it has freed in arenas of 1 GB; without arenas whole segments go back to
  the system, and what was never touched is not kept ready. That saved 50 MB of a stream and 300 MB of TPC-H, at the
  same speed.
"""

import os

os.environ.setdefault("TOKIO_WORKER_THREADS", str(max(16, 2 * (os.cpu_count() or 1))))
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
os.environ.setdefault("MIMALLOC_DISALLOW_ARENA_ALLOC", "1")
os.environ.setdefault("MIMALLOC_EAGER_COMMIT", "0")
