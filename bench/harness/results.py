"""What a run of the bench found: kept as JSON, shown as a table and a plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal, get_args

from .spread import Spread

# What comes and goes without growing: memory that an allocator gives back later, a connection that is made anew.
SLACK_MB, SLACK_FILES = 8.0, 4


# A floor writes no scores.
Kind = Literal["floor", "caz", "peer"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass
class Entry:
    """One contender on one workload; a figure for each repetition."""

    id: str
    title: str
    guarantee: str
    kind: Kind = "peer"
    cpu_us: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)
    first_score: list[float] = field(default_factory=list)
    start_cpu: list[float] = field(default_factory=list)
    warming_cpu_us: list[float] = field(default_factory=list)
    latency: list[dict[str, Any]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # what was not right with its scores
    failed: list[str] = field(default_factory=list)  # why a repetition has no figures


@dataclass
class Floor:
    """What cannot be saved, each alone; CPU microseconds an event, a figure for each repetition."""

    inference: list[float] = field(default_factory=list)
    rows_per_run: list[int] = field(default_factory=list)
    decode: list[float] = field(default_factory=list)
    decoder: str = ""
    latency: list[dict[str, Any]] = field(default_factory=list)  # from publisher to reader, without a scorer

    def sum(self, transport: Sequence[float]) -> float | None:
        """The medians of transport, inference and decoding together; None while one is missing."""
        parts = [transport, self.inference, self.decode]
        return sum(Spread.of(part).median for part in parts) if all(parts) else None


@dataclass
class WorkloadResult:
    name: str
    title: str
    entries: dict[str, Entry] = field(default_factory=dict)
    floor: Floor = field(default_factory=Floor)

    def transport(self, guarantee: str = "exactly_once") -> list[float]:
        entry = self.entries.get(f"floor {guarantee}")
        return entry.cpu_us if entry else []

    def floor_us(self, guarantee: str = "exactly_once") -> float | None:
        return self.floor.sum(self.transport(guarantee))


@dataclass
class Results:
    title: str
    machine: dict[str, str]
    workloads: list[WorkloadResult]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Series:
    name: str
    points: list[tuple[float, Spread]]  # where, and the figures there


@dataclass(frozen=True)
class Growth:
    """How a figure grows with something."""

    name: str  # of the file
    title: str
    x: str
    y: str
    series: list[Series]
    reason: str


@dataclass
class Latency:
    rate: float  # events a second
    p50: float  # milliseconds, as all of them
    p99: float
    p999: float
    missing: int  # events without a score
    scored_per_second: float  # which is less than the rate when that is too high


@dataclass(frozen=True)
class Look:
    seconds: float  # since the first
    resident_mb: float
    files: int
    threads: int


@dataclass(frozen=True)
class Soak:
    title: str
    latency: Latency
    looks: Sequence[Look]

    def minutes(self) -> list[list[Look]]:
        """The looks of each minute that was looked at to its end."""
        return [[look for look in self.looks if look.seconds // 60 == minute] for minute in range(int(self.looks[-1].seconds // 60))]

    def grown(self) -> list[str]:
        """What is more in the last minute than it was after warming up, in words."""
        minutes = self.minutes()
        if len(minutes) < 3:
            return ["the run was too short to tell"]
        before, after = minutes[1], minutes[-1]
        found = []
        memory = [median(look.resident_mb for look in minute) for minute in (before, after)]
        if memory[1] > memory[0] + SLACK_MB:
            found.append(f"memory grew from {memory[0]:.0f} to {memory[1]:.0f} MB")
        files = [max(look.files for look in minute) for minute in (before, after)]
        if files[1] > files[0] + SLACK_FILES:
            found.append(f"open files grew from {files[0]} to {files[1]}")
        threads = [max(look.threads for look in minute) for minute in (before, after)]
        if threads[1] > threads[0]:
            found.append(f"threads grew from {threads[0]} to {threads[1]}")
        if self.latency.missing:
            found.append(f"{self.latency.missing} events have no score")
        return found
