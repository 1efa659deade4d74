"""How what an event costs grows: with batches, workers, partitions, features, the event's size, and broken events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from . import measure, workloads
from .bench import PARTITIONS, make, say
from .broker import Broker
from .contenders import Contender
from .measure import Failed
from .results import Growth, Series
from .spread import Spread
from .workloads import Workload

REPETITIONS = 3
SECONDS, WARM_UP = 2.5, 0.5
LONGEST = SECONDS + WARM_UP


@dataclass(frozen=True)
class Point:
    """One place on the axis."""

    at: float
    workload: Workload
    partitions: int = PARTITIONS
    faults: float = 0.0
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Axis:
    name: str
    title: str
    x: str
    points: Callable[[], list[Point]]
    with_floor: bool  # whether the floor of the transport is drawn too
    reason: str


def _settings(name: str, values: Sequence[int]) -> list[Point]:
    workload = make("car-insurance-linear", LONGEST)
    return [Point(value, workload, settings=((name, str(value)),)) for value in values]


def _partitions() -> list[Point]:
    workload = make("car-insurance-linear", LONGEST)
    return [Point(partitions, workload, partitions) for partitions in (1, 2, 4, 8, 16, 32, 64)]


def _features() -> list[Point]:
    def point(width: int) -> Point:
        rate = min(900_000, 40_000_000 // width)
        return Point(width, workloads.tensor(f"features-{width}", "", [width, 32, 32], int(rate * LONGEST)))

    return [point(width) for width in (10, 30, 100, 300, 1000)]


def _sizes() -> list[Point]:
    def point(size: int) -> Point:
        # Four features take about 60 bytes.
        rate = min(900_000, 400_000_000 // size)
        return Point(size, workloads.tensor(f"size-{size}", "", [4, 32, 32], int(rate * LONGEST), padding=max(size - 85, 0)))

    return [point(size) for size in (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)]


def _faults() -> list[Point]:
    workload = make("car-insurance-linear", LONGEST)
    # A logarithmic axis has no zero: it stands at 0.1 %.
    return [Point(max(percent, 0.1), workload, faults=percent / 100) for percent in (0, 1, 3, 10, 30, 90)]


AXES = [
    Axis(
        "batch",
        "How the cost falls with the batch",
        "most events in a batch (max_batch)",
        lambda: _settings("batch", (1, 4, 16, 64, 256, 1024, 4096)),
        with_floor=False,
        reason=(
            "A batch costs about 10 us whatever is in it: a poll, the steps of 17 nodes, a run of the model, metrics. An event costs "
            "about 2, most of it librdkafka's. So the line falls with the batch until the batch's part is small beside the event's, "
            "which it is from 16 events on, and is flat from 64 on."
        ),
    ),
    Axis(
        "workers",
        "How the cost grows with workers",
        "workers, of one process",
        lambda: _settings("workers", (1, 2, 4)),
        with_floor=False,
        reason=(
            "A worker is a thread with clients, transactions and sessions of its own and shares nothing, so an event costs the same "
            "while there are cores for all of them and the broker. Beyond that workers wait for each other's cores: their batches and "
            "requests become smaller, and each commits its own transaction."
        ),
    ),
    Axis(
        "partitions",
        "How the cost grows with partitions",
        "partitions of input and output",
        _partitions,
        with_floor=True,
        reason=(
            "librdkafka fetches, queues and sends by partition: the more there are, the fewer records share a request's part for one "
            "of them, and a transaction adds each partition to its own books. The floor bends at the same places; caz adds the same "
            "to it everywhere."
        ),
    ),
    Axis(
        "features",
        "How the cost grows with features",
        "features: floats in a JSON array",
        _features,
        with_floor=True,
        reason=(
            "A small array is lost in what every event costs. From about 100 features on the line is straight: each float's text is "
            "parsed once, 20 to 30 ns a float, and its digits are fetched; the model's part is small."
        ),
    ),
    Axis(
        "size",
        "How the cost grows with the event",
        "bytes of an event, most of which nobody reads",
        _sizes,
        with_floor=True,
        reason=(
            "Up to about 3 KB an event's bytes are lost in what every record costs. From there on they are the cost: librdkafka "
            "checks and copies them once from the socket, and the decoder steps over the text that nobody reads. The line is straight "
            "from there."
        ),
    ),
    Axis(
        "faults",
        "How the cost grows with broken events",
        "broken events, %; 0.1 stands for none",
        _faults,
        with_floor=False,
        reason=(
            "A broken event costs about what a good one costs: no features are made of it and no model is asked, but its record "
            "is larger, with the event's value as it came and about ten headers that say what is wrong and where. Its neighbours "
            "are decoded once, as ever, so there is no bend."
        ),
    ),
]


def run(broker: Broker, contenders: Sequence[Contender], names: Sequence[str], repetitions: int) -> list[Growth]:
    taking_part = [contender for contender in contenders if contender.name in ("caz", "floor") and contender.guarantee == "exactly_once"]
    return [_grow(broker, taking_part, axis, repetitions) for axis in AXES if axis.name in names]


def _grow(broker: Broker, contenders: Sequence[Contender], axis: Axis, repetitions: int) -> Growth:
    drawn = [contender for contender in contenders if axis.with_floor or contender.kind != "floor"]
    points = axis.points()
    inputs = {}
    for point in points:
        key = (point.workload.name, point.partitions, point.faults)
        if key not in inputs:
            inputs[key] = measure.publish(broker, point.workload, point.partitions, point.workload.events, point.faults)
    costs: dict[tuple[str, float], list[float]] = {}
    for repetition in range(repetitions):
        for point in points:
            events = inputs[(point.workload.name, point.partitions, point.faults)]
            for contender in drawn:
                try:
                    run = measure.throughput(
                        broker, contender, point.workload, events, SECONDS, WARM_UP, repetition == 0, **dict(point.settings)
                    )
                except Failed as failure:
                    say(f"{axis.name} {point.at:g}: {failure}")
                    continue
                costs.setdefault((contender.title, point.at), []).append(run.cpu_us)
                wrong = "".join(f"; WRONG: {words}" for words in run.wrong)
                say(f"{axis.name} {point.at:g}, {contender.id}: {run.cpu_us:.2f} us an event, {run.rate:,.0f} events/s{wrong}")
    for events in inputs.values():
        broker.delete(events.topic)
    series = [
        Series(title, [(point.at, Spread.of(costs[title, point.at])) for point in points if costs.get((title, point.at))])
        for title in dict.fromkeys(contender.title for contender in drawn)
    ]
    return Growth(axis.name, axis.title, axis.x, "CPU us an event", [line for line in series if line.points], axis.reason)
