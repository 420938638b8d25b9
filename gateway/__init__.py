"""Between a client's bytes and rows.

Variables that native libraries read once, when they are first imported:

- The engine's workers: one a core, and 16 more that wait for servers, for a source's stream blocks a worker meanwhile
  (`gateway.execute.remote_relations`). They cost no time, but each has a heap of its own: with 128 workers on 2 cores a
  small query took 0.7 ms longer, and a stream of a large table 60 MB more.
- Arrow's own allocator keeps what it was given: a gateway that streams a large table held 60 MB more with it.
- The engine's allocator (mimalloc) keeps what it has freed in arenas of 1 GB; without arenas whole segments go back to
  the system, and what was never touched is not kept ready. That saves 50 MB of a stream and 300 MB of TPC-H, which
  takes about 7 % longer for it. A thread that has more than two of its segments leaves those that it uses least to
  others, and what lies free in them goes back to the system at once: with one reader and many workers, each with a heap
  of its own, that saves 50 MB more.
"""

import os

os.environ.setdefault("TOKIO_WORKER_THREADS", str((os.cpu_count() or 1) + 16))
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
os.environ.setdefault("MIMALLOC_DISALLOW_ARENA_ALLOC", "1")
os.environ.setdefault("MIMALLOC_EAGER_COMMIT", "0")
os.environ.setdefault("MIMALLOC_TARGET_SEGMENTS_PER_THREAD", "2")
os.environ.setdefault("MIMALLOC_ABANDONED_PAGE_PURGE", "1")
