"""What several repetitions of a figure say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """Least, median and greatest of some figures; the median of an even number is the mean of the middle two."""

    least: float
    median: float
    greatest: float

    @staticmethod
    def of(figures: Sequence[float]) -> Spread:
        """The figures must not be empty."""
        ordered = sorted(figures)
        middle = len(ordered) // 2
        median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
        return Spread(ordered[0], median, ordered[-1])


@dataclass(frozen=True)
class Sample:
    """A look at a process under load."""

    seconds: float  # since it was started
    events: float  # scored so far
    cpu: float  # seconds, user and system


@dataclass(frozen=True)
class Steady:
    """What happened between two samples."""

    cpu_us: float  # CPU time an event, microseconds
    rate: float  # events a second


def steady(samples: Sequence[Sample], warm_up: float, events: int) -> tuple[Steady | None, Steady | None]:
    """What happened while it warmed up and behind that, up to the last sample in which it still moved.

    Warm is a process `warm_up` seconds after its first event, or with a quarter of all the `events` that there are, whichever comes first.
    Either part is None where nothing was scored.
    """
    moving = [after for before, after in zip(samples, samples[1:], strict=False) if after.events > before.events]
    begun = [sample for sample in samples if sample.events == 0][-1:] + moving
    if len(begun) < 2:
        return None, None
    first, last = begun[0], begun[-1]

    def is_warm(sample: Sample) -> bool:
        return sample.seconds >= first.seconds + warm_up or sample.events >= events / 4

    mark = next((sample for sample in begun[1:] if is_warm(sample)), last)
    return _between(first, mark), _between(mark, last)


def _between(start: Sample, end: Sample) -> Steady | None:
    events, cpu = end.events - start.events, end.cpu - start.cpu
    # The system counts CPU time in ticks: none at all was no measurement.
    if events <= 0 or cpu <= 0 or end.seconds <= start.seconds:
        return None
    return Steady(cpu * 1e6 / events, events / (end.seconds - start.seconds))
