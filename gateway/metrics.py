"""What a gateway tells of itself in Prometheus' text form: numbers alone, under names that this file has all of.

Labels are lanes, endings, kinds and names of caches and sources. Nothing stands in them that a statement or a user
could choose: neither texts, nor names of tables, roles and databases.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from gateway.activity import Shown, state_of
from gateway.audit.audit import Audit
from gateway.counts import BOUNDS, CacheState, StatementCounts
from gateway.execute.admission import Admission

_ANY_STATE = ("active", "idle", "idle in transaction", "idle in transaction (aborted)")


@dataclass(frozen=True, slots=True)
class Measured:
    """What metrics are made of. What is called tells the state of now, and is called in the event loop."""

    audit: Audit
    sessions: Callable[[], Iterable[Shown]]
    sessions_limit: int
    caches: Callable[[], Mapping[str, CacheState]]
    admissions: Mapping[str, Admission]
    memory_limit: int
    failing_sources: Callable[[], Mapping[str, bool]]


class Metrics:
    """Metrics of one gateway, with those of its process."""

    def __init__(self, measured: Measured) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Gateway(measured))
        ProcessCollector(registry=self._registry)

    def text(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics and their content type, in the form that an Accept header asks for."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type


class _Gateway(Collector):
    def __init__(self, measured: Measured) -> None:
        self._measured = measured

    def describe(self) -> Iterable[Metric]:
        """Return nothing: the registry need not ask for values to know that names differ."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield everything as it is now."""
        measured = self._measured
        yield from _of_sessions(measured.sessions(), measured.sessions_limit)
        yield from _of_statements(measured.audit.counts)
        yield from _of_caches(measured.caches())
        yield from _of_admissions(measured.admissions)
        yield _gauge(
            "engine_memory_limit_bytes", "Memory that all statements together may take.", measured.memory_limit
        )
        yield from _of_audit(measured.audit)
        up = GaugeMetricFamily(
            "lakegate_source_up", "Whether a source could be read when it was last looked at.", labels=["source"]
        )
        for name, fails in sorted(measured.failing_sources().items()):
            up.add_metric([name], 0.0 if fails else 1.0)
        yield up


def _of_sessions(sessions: Iterable[Shown], limit: int) -> Iterator[Metric]:
    states = Counter(map(state_of, sessions))
    found = GaugeMetricFamily("lakegate_sessions", "Clients that have logged in, by what they do.", labels=["state"])
    for state in _ANY_STATE:
        found.add_metric([state], states[state])
    yield found
    yield _gauge("sessions_limit", "Clients that may be logged in at once.", limit)


def _of_statements(counts: StatementCounts) -> Iterator[Metric]:
    ended = CounterMetricFamily("lakegate_statements", "Statements by how they ended.", labels=["lane", "outcome"])
    took = HistogramMetricFamily(
        "lakegate_statement_duration_seconds",
        "How long statements took, until their last row was queued.",
        labels=["lane"],
    )
    rows = CounterMetricFamily("lakegate_sent_rows", "Rows sent to clients, or changed for them.", labels=["lane"])
    sent = CounterMetricFamily("lakegate_sent_bytes", "Bytes sent to clients for statements.", labels=["lane"])
    for name, lane in sorted(counts.lanes.items()):
        for outcome, count in sorted(lane.outcomes.items()):
            ended.add_metric([name, outcome], count)
        bounds = (*map(str, BOUNDS), "+Inf")
        took.add_metric([name], [*zip(bounds, accumulate(lane.within), strict=True)], lane.seconds)
        rows.add_metric([name], lane.rows)
        sent.add_metric([name], lane.bytes)
    yield from (ended, took, rows, sent)


def _of_caches(caches: Mapping[str, CacheState]) -> Iterator[Metric]:
    labels = ["cache"]
    entries = GaugeMetricFamily("lakegate_cache_entries", "What a cache holds.", labels=labels)
    size = GaugeMetricFamily("lakegate_cache_bytes", "Bytes of what a cache holds.", labels=labels)
    limit = GaugeMetricFamily("lakegate_cache_limit_bytes", "Bytes that a cache may hold.", labels=labels)
    hits = CounterMetricFamily("lakegate_cache_hits", "Questions that a cache could answer.", labels=labels)
    misses = CounterMetricFamily("lakegate_cache_misses", "Questions that a cache could not answer.", labels=labels)
    evicted = CounterMetricFamily("lakegate_cache_evictions", "Entries given up to make room.", labels=labels)
    for name, state in sorted(caches.items()):
        entries.add_metric([name], state.entries)
        if state.bytes is not None:
            size.add_metric([name], state.bytes)
        if state.limit is not None:
            limit.add_metric([name], state.limit)
        hits.add_metric([name], state.counts.hits)
        misses.add_metric([name], state.counts.misses)
        evicted.add_metric([name], state.counts.evicted)
    yield from (entries, size, limit, hits, misses, evicted)


def _of_admissions(admissions: Mapping[str, Admission]) -> Iterator[Metric]:
    running = GaugeMetricFamily(
        "lakegate_engine_running", "Statements that have a place in the engine.", labels=["kind"]
    )
    waiting = GaugeMetricFamily("lakegate_engine_waiting", "Statements that wait for a place.", labels=["kind"])
    for kind, admission in sorted(admissions.items()):
        running.add_metric([kind], admission.running)
        waiting.add_metric([kind], admission.waiting)
    yield from (running, waiting)


def _of_audit(audit: Audit) -> Iterator[Metric]:
    lag = audit.lag
    yield _gauge("audit_waiting_entries", "Audit entries that the store does not have yet.", lag.entries)
    yield _gauge("audit_waiting_bytes", "Bytes of the journal that the store does not have yet.", lag.bytes)
    yield _gauge("audit_store_failing_seconds", "For how long the store has taken no entries; 0: it does.", lag.seconds)
    yield CounterMetricFamily(
        "lakegate_audit_refused", "Statements and logins refused since the audit could not be written.", audit.refused
    )


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"lakegate_{name}", meaning, value)
