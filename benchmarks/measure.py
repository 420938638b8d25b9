"""Timing several subjects in turn, so that what disturbs the machine disturbs all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds of each repetition, in order."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median in seconds."""
        return statistics.median(self.seconds)

    @property
    def low(self) -> float:
        """The shortest in seconds."""
        return min(self.seconds)

    @property
    def high(self) -> float:
        """The longest in seconds."""
        return max(self.seconds)

    def plain(self) -> dict[str, object]:
        """Return what the JSON report holds."""
        return {"median": self.median, "min": self.low, "max": self.high, "seconds": list(self.seconds)}


def timed(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Return the seconds that the work took."""
    started = clock()
    work()
    return clock() - started


def in_turn(
    subjects: Mapping[str, Callable[[], object]],
    repetitions: int,
    warm_up: int = 1,
    inner: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Timings]:
    """Run the subjects in turn and return each one's timings, those of ``warm_up`` rounds left out.

    Every round begins with another subject. ``inner`` runs of a subject follow each other and count one by one: for
    statements so short that a change of subject would show. ``clock`` may be that of the processor.
    """
    names = [*subjects]
    taken: dict[str, list[float]] = {name: [] for name in names}
    for number in range(-warm_up, repetitions):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            seconds = [timed(subjects[name], clock) for _ in range(inner)]
            if number >= 0:
                taken[name] += seconds
    return {name: Timings(tuple(seconds)) for name, seconds in taken.items()}
