"""What a run of the bench found: kept as JSON, shown as a table and a plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .spread import Spread


@dataclass
class Entry:
    """One contender on one workload; a figure for each repetition."""

    id: str
    title: str
    guarantee: str
    is_floor: bool = False
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
