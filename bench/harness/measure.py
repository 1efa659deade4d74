"""One measurement of one contender: its topics, its process, its figures, and whether its scores are right."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from . import processes
from .broker import Broker
from .contenders import Contender
from .places import CACHE, ROOT
from .results import Latency
from .spread import Sample, steady
from .tool import tool
from .workloads import Workload

STOP_PATIENCE = 15.0  # seconds that a contender has to end
START_PATIENCE = 60.0  # seconds until its first score
LATENCY_PATIENCE = 120.0  # seconds beyond those of publishing: the start, and the last scores
LOOK = 0.05  # seconds between two samples
FIRST_LOOK = 0.01  # the same until the first score

_numbers = itertools.count(int(time.time()))


@dataclass(frozen=True)
class Input:
    """A topic with events."""

    topic: str
    partitions: int
    events: int
    faults: float = 0.0


@dataclass
class Throughput:
    """Figures of a run as fast as it goes."""

    first_score: float  # seconds from the start of the process
    start_cpu: float  # CPU seconds until then
    cpu_us: float  # CPU time an event, microseconds, once warm
    rate: float  # events a second, once warm
    warming_cpu_us: float | None  # CPU time an event while it warmed up
    peak_mb: float
    wrong: list[str] = field(default_factory=list)  # what is not right with its output


class Failed(Exception):
    """The contender did not work; the words say how."""


def publish(broker: Broker, workload: Workload, partitions: int, events: int, faults: float = 0.0) -> Input:
    topic = f"{workload.name}-{next(_numbers)}"
    broker.create({topic: partitions})
    arguments = {"bootstrap": broker.bootstrap, "workload": str(workload.file), "topic": topic, "partitions": str(partitions)}
    tool("publish", *_options(arguments | {"count": str(events), "faults": str(faults)}))
    return Input(topic, partitions, events, faults)


def throughput(
    broker: Broker, contender: Contender, workload: Workload, events: Input, seconds: float, warm_up: float, verify: bool, **settings: str
) -> Throughput:
    """Runs it on events that are all there, until it was warm for `seconds`.

    Raises:
        Failed: when it ends by itself or scores nothing.
    """
    warm_up = contender.warm_up or warm_up
    with _topics(broker, events) as topics:
        started = time.monotonic()
        with _process(contender, workload, broker, topics | settings) as process:
            first_score = _wait_for_score(broker, process, topics["output"], events.partitions, started, contender)
            start = processes.usage(process.pid)
            samples = [Sample(time.monotonic() - started, 0, start.cpu)]
            while time.monotonic() - started < first_score + warm_up + seconds:
                time.sleep(LOOK)
                _check(process, contender)
                usage = processes.usage(process.pid)
                written = sum(broker.ends(topics["output"], events.partitions, committed=False))
                samples.append(Sample(time.monotonic() - started, written, usage.cpu))
                # Nothing was written for several looks: the events are done.
                if written >= events.events * (1 - events.faults) * 0.99 and samples[-5:][0].events == written:
                    break
            peak = processes.usage(process.pid).peak_bytes
        covered = broker.committed(topics["group"], events.topic, events.partitions)
        ends = broker.ends(topics["output"], events.partitions, committed=True)
        wrong = []
        if verify and contender.kind != "floor":
            wrong = _verify(broker, contender, workload, events, topics, covered)
        # Control records lie among the scores, and broken events have none.
        records = sum(ends) or 1
        scale = 1 / (1 - events.faults) if contender.offsets_are_behind else sum(covered) / records
        scaled = [Sample(sample.seconds, sample.events * scale, sample.cpu) for sample in samples]
        warming, warm = steady(scaled, warm_up, events.events)
        if warm is None:
            raise Failed(f"{contender.id} was not warm for long enough: it needs more events, or more time")
        warming_us = warming.cpu_us if warming else None
        return Throughput(first_score, start.cpu, warm.cpu_us, warm.rate, warming_us, peak / 1e6, wrong)


def latency(
    broker: Broker,
    contender: Contender,
    workload: Workload,
    partitions: int,
    rate: float,
    seconds: float,
    warm_up: float,
    watched: Callable[[int], AbstractContextManager[object]] = nullcontext,
) -> Latency:
    """Runs it on events that come at a fixed rate, and meanwhile what is entered with its process id.

    Raises:
        Failed: when it ends by itself or scores nothing.
    """
    source = Input(f"{workload.name}-{next(_numbers)}", partitions, 0)
    broker.create({source.topic: partitions})
    with (
        _topics(broker, source) as topics,
        _process(contender, workload, broker, topics) as process,
        watched(process.pid),
    ):
        try:
            found = _latency(broker, workload, source, topics["output"], rate, seconds, warm_up)
        except RuntimeError as error:
            _check(process, contender)
            raise Failed(f"{contender.id}: {error}") from error
    broker.delete(source.topic)
    return found


def transit(broker: Broker, workload: Workload, partitions: int, rate: float, seconds: float, warm_up: float) -> Latency:
    """From the publisher to a reader of the events themselves: what is left without a scorer.

    Raises:
        Failed: when the reader reads nothing.
    """
    source = Input(f"{workload.name}-{next(_numbers)}", partitions, 0)
    broker.create({source.topic: partitions})
    try:
        found = _latency(broker, workload, source, source.topic, rate, seconds, warm_up)
    except RuntimeError as error:
        raise Failed(f"without a scorer: {error}") from error
    broker.delete(source.topic)
    return found


def _latency(broker: Broker, workload: Workload, source: Input, output: str, rate: float, seconds: float, warm_up: float) -> Latency:
    arguments = {"bootstrap": broker.bootstrap, "workload": str(workload.file), "input": source.topic, "output": output}
    numbers = {"partitions": source.partitions, "rate": rate, "seconds": seconds, "warm-up": warm_up}
    options = _options(arguments | {name: str(value) for name, value in numbers.items()})
    found = tool("latency", *options, timeout=seconds + LATENCY_PATIENCE)
    if found["p50"] is None:
        raise RuntimeError(f"nothing came at {rate:.0f} events a second")
    return Latency(rate, found["p50"], found["p99"], found["p999"], found["missing"], found["scored_per_second"])


def _options(values: dict[str, str]) -> list[str]:
    return [part for name, value in values.items() for part in (f"--{name}", value)]


@contextmanager
def _topics(broker: Broker, events: Input) -> Iterator[dict[str, str]]:
    """Fresh topics and a fresh group for one run."""
    run = f"{events.topic}-run-{next(_numbers)}"
    topics = {"input": events.topic, "output": f"{run}-scores", "dead-letters": f"{run}-dead", "group": run}
    broker.create({topics["output"]: events.partitions, topics["dead-letters"]: 1})
    try:
        yield topics
    finally:
        broker.delete(topics["output"], topics["dead-letters"])


@contextmanager
def _process(contender: Contender, workload: Workload, broker: Broker, arguments: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """The contender's process, told to end afterwards, and made to if it does not."""
    log = CACHE / f"run-{contender.name}.log"
    command = contender.command({"workload": str(workload.file), "bootstrap": broker.bootstrap} | arguments)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _wait_for_score(
    broker: Broker, process: subprocess.Popen[bytes], output: str, partitions: int, started: float, contender: Contender
) -> float:
    """Seconds until readers of committed records have the first score."""
    while sum(broker.ends(output, partitions, committed=True)) == 0:
        _check(process, contender)
        if time.monotonic() - started > START_PATIENCE:
            raise Failed(f"{contender.id} scored nothing in {START_PATIENCE:.0f} s, see {_log(contender)}")
        time.sleep(FIRST_LOOK)
    return time.monotonic() - started


def _check(process: subprocess.Popen[bytes], contender: Contender) -> None:
    if process.poll() is not None:
        raise Failed(f"{contender.id} ended with status {process.returncode}, see {_log(contender)}")


def _log(contender: Contender) -> Path:
    return (CACHE / f"run-{contender.name}.log").relative_to(ROOT)


def _verify(
    broker: Broker, contender: Contender, workload: Workload, events: Input, topics: dict[str, str], covered: list[int]
) -> list[str]:
    """What is wrong with a run's output, in words."""

    def ends(topic: str, partitions: int) -> str:
        return ",".join(map(str, broker.ends(topic, partitions, committed=True)))

    arguments = {
        "bootstrap": broker.bootstrap,
        "workload": str(workload.file),
        "output": topics["output"],
        "dead-letters": topics["dead-letters"],
        "committed": ",".join(map(str, covered)),
        "ends": ends(topics["output"], events.partitions),
        "dead-ends": ends(topics["dead-letters"], 1),
        "faults": str(events.faults),
    }
    found = tool("verify", *_options(arguments))
    wrong = []
    if found["missing"]:
        wrong.append(f"{found['missing']} events have no score")
    if found["wrong"]:
        wrong.append(f"{found['wrong']} scores differ from the reference, such as {found['first_wrong']}")
    uncovered = 0 if contender.offsets_are_behind else found["uncovered"]
    if contender.guarantee == "exactly_once" and (found["doubled"] or uncovered):
        wrong.append(f"{found['doubled']} events have a second score, {uncovered} have one and no committed offset")
    if sum(covered) == 0:
        wrong.append("no offset was committed")
    return wrong
