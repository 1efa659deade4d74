"""The comparison: every contender on every workload, in turn, several times."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from . import measure, workloads
from .broker import Broker
from .contenders import Contender
from .measure import Failed, Input
from .results import Entry, Latency, Results, WorkloadResult
from .spread import Spread
from .tool import tool
from .workloads import Workload

PARTITIONS = 4


@dataclass(frozen=True)
class Plan:
    """How long and how often."""

    title: str
    repetitions: dict[str, int]  # of each workload
    seconds: float  # of a run, once it is warm
    warm_up: float  # seconds, for contenders that do not say
    both_guarantees: bool  # of everyone, not of caz alone
    latency_workloads: tuple[str, ...]
    latency_seconds: float
    latency_warm_up: float
    common_rates: tuple[float, ...]  # events a second at which latency is measured too, of all who do twice as many
    budget: float  # seconds; no repetition begins that would not fit, apart from the first
    without_peers: tuple[str, ...] = ()  # workloads of caz and the floors alone


SHORT = Plan(
    title="Stream bench, short",
    repetitions={"car-insurance-linear": 3, "car-insurance-forest": 1},
    seconds=2.5,
    warm_up=0.5,
    both_guarantees=False,
    latency_workloads=("car-insurance-linear",),
    latency_seconds=3.0,
    latency_warm_up=1.5,
    common_rates=(10_000,),
    budget=300.0,
    without_peers=("car-insurance-forest",),
)
FULL = Plan(
    title="Stream bench",
    repetitions={"car-insurance-linear": 5, "car-insurance-forest": 5, "crayfish": 5, "network-5m": 3},
    seconds=6.0,
    warm_up=2.0,
    both_guarantees=True,
    latency_workloads=("car-insurance-linear", "car-insurance-forest", "crayfish"),
    latency_seconds=9.0,
    latency_warm_up=3.0,
    common_rates=(1_000, 10_000, 100_000),
    budget=3600.0,
)
PLANS = {"short": SHORT, "full": FULL}

# Events a second that nobody surpasses, so that a run never ends for want of events.
FASTEST = {"car-insurance-linear": 1_300_000, "car-insurance-forest": 900_000, "crayfish": 130_000, "network-5m": 20_000}


def make(name: str, seconds: float) -> Workload:
    """Writes a workload, with events for a run of so many seconds."""
    events = int(FASTEST[name] * seconds)
    match name:
        case "car-insurance-linear":
            return workloads.car_insurance("linear", events)
        case "car-insurance-forest":
            return workloads.car_insurance("forest", events)
        case "crayfish":
            title = "Crayfish (EDBT 2024): JSON events of 28x28 floats, feed-forward network of 28 thousand parameters"
            return workloads.tensor(name, title, [784, 32, 32, 32], events)
        case _:
            title = "JSON events of 28x28 floats, feed-forward network of 5.1 million parameters"
            return workloads.tensor(name, title, [784, 1900, 1900], events)


@dataclass
class Comparison:
    broker: Broker
    plan: Plan
    contenders: Sequence[Contender]
    results: Results
    started: float = field(default_factory=time.monotonic)

    def run(self, names: Sequence[str]) -> None:
        if not self.plan.both_guarantees:
            # Exactly once, of which everyone is capable.
            self.contenders = [one for one in self.contenders if one.name == "caz" or one.guarantee == "exactly_once"]
        made = [make(name, self.plan.warm_up + self.plan.seconds) for name in names]
        self.results.workloads += [WorkloadResult(workload.name, workload.title) for workload in made]
        inputs = [measure.publish(self.broker, workload, PARTITIONS, workload.events) for workload in made]
        reserve = self._latency_estimate(made)
        took: dict[str, float] = {}
        for repetition in range(max(self.plan.repetitions[name] for name in names)):
            for workload, events, result in zip(made, inputs, self.results.workloads, strict=True):
                if repetition >= self.plan.repetitions[workload.name]:
                    continue
                if repetition and self.elapsed() + took[workload.name] + reserve > self.plan.budget:
                    say(f"repetition {repetition + 1} of {workload.name} would not fit {self.plan.budget:.0f} s")
                    continue
                begun = time.monotonic()
                self._round(workload, events, result, repetition)
                took[workload.name] = time.monotonic() - begun
        for events in inputs:
            self.broker.delete(events.topic)
        for workload, result in zip(made, self.results.workloads, strict=True):
            if workload.name in self.plan.latency_workloads:
                self._latencies(workload, result)

    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def _round(self, workload: Workload, events: Input, result: WorkloadResult, repetition: int) -> None:
        """Every contender once, one after the other: what slows the machine for a while slows all of them."""
        inference = tool("inference", "--workload", str(workload.file))
        decode = tool("decode", "--workload", str(workload.file))
        result.floor.inference.append(inference["us_per_row"])
        result.floor.rows_per_run.append(inference["rows_per_run"])
        result.floor.decode.append(decode["us_per_event"])
        result.floor.decoder = decode["with"]
        for contender in self.contenders:
            if contender.kind == "peer" and workload.name in self.plan.without_peers:
                continue
            new = Entry(contender.id, contender.title, contender.guarantee, contender.kind)
            entry = result.entries.setdefault(contender.id, new)
            if entry.failed:
                continue
            try:
                # Scores are checked once: they do not change from one repetition to the next.
                run = measure.throughput(
                    self.broker, contender, workload, events, self.plan.seconds, self.plan.warm_up, verify=repetition == 0
                )
            except Failed as failure:
                say(f"{workload.name}: {failure}")
                entry.failed.append(str(failure))
                continue
            entry.cpu_us.append(run.cpu_us)
            entry.rate.append(run.rate)
            entry.peak_mb.append(run.peak_mb)
            entry.first_score.append(run.first_score)
            entry.start_cpu.append(run.start_cpu)
            if run.warming_cpu_us is not None:
                entry.warming_cpu_us.append(run.warming_cpu_us)
            entry.wrong += run.wrong
            say(
                f"{self.elapsed():5.0f} s  {workload.name}, {contender.id}: {run.cpu_us:.2f} us an event, {run.rate:,.0f} events/s,"
                f" {run.peak_mb:.0f} MB, first score after {run.first_score:.2f} s{''.join(f'; WRONG: {words}' for words in run.wrong)}"
            )

    def _latencies(self, workload: Workload, result: WorkloadResult) -> None:
        """At the rates for all, and at half of what each reaches with publisher and reader on the same cores."""
        alone = {
            contender: Spread.of(entry.rate).median
            for contender in self.contenders
            if contender.has_latency and (entry := result.entries.get(contender.id)) and entry.rate
        }
        half: dict[Contender, float] = {}
        for contender, rate in alone.items():
            if contender.kind != "floor" and (found := self._latency(workload, contender, rate, result.entries[contender.id])):
                half[contender] = found.scored_per_second / 2
        if not half:
            return
        fastest = max(half.values())
        rates = [(contender, rate) for rate in self.plan.common_rates for contender in half if rate <= half[contender]]
        for rate in sorted({rate for _, rate in rates} | {fastest}):
            if found := self._transit(workload, rate):
                result.floor.latency.append(vars(found))
        # What no scorer can save, where the fastest of them is at half of what it reaches.
        floors = [(contender, fastest) for contender in alone if contender.kind == "floor"]
        for contender, rate in [*floors, *rates, *half.items()]:
            entry = result.entries[contender.id]
            if found := self._latency(workload, contender, rate, entry):
                entry.latency.append(vars(found))

    def _transit(self, workload: Workload, rate: float) -> Latency | None:
        if not self._has_time():
            return None
        try:
            found = measure.transit(self.broker, workload, PARTITIONS, rate, self.plan.latency_seconds, self.plan.latency_warm_up)
        except Failed as failure:
            say(str(failure))
            return None
        self._say_latency(f"{workload.name}, without a scorer", found)
        return found

    def _latency(self, workload: Workload, contender: Contender, rate: float, entry: Entry) -> Latency | None:
        if not self._has_time():
            return None
        try:
            found = measure.latency(
                self.broker, contender, workload, PARTITIONS, rate, self.plan.latency_seconds, self.plan.latency_warm_up
            )
        except Failed as failure:
            say(str(failure))
            entry.failed.append(str(failure))
            return None
        self._say_latency(f"{workload.name}, {contender.id}", found)
        if found.missing:
            entry.wrong.append(f"{found.missing} events have no score at {rate:,.0f} a second")
        return found

    def _has_time(self) -> bool:
        if self.elapsed() + self._one_latency() <= self.plan.budget:
            return True
        say("no time is left for more latencies")
        return False

    def _say_latency(self, what: str, found: Latency) -> None:
        say(
            f"{self.elapsed():5.0f} s  {what} at {found.rate:,.0f}/s: p50 {found.p50:.1f}, p99 {found.p99:.1f}, p99.9 {found.p999:.1f} ms,"
            f" {found.scored_per_second:,.0f} records/s"
        )

    def _one_latency(self) -> float:
        start_and_stop = 3.0
        return self.plan.latency_seconds + start_and_stop

    def _latency_estimate(self, made: Sequence[Workload]) -> float:
        floors = sum(contender.has_latency and contender.kind == "floor" for contender in self.contenders)
        scorers = sum(contender.has_latency and contender.kind != "floor" for contender in self.contenders)
        measured = sum(workload.name in self.plan.latency_workloads for workload in made)
        latencies = (floors + 1) + (scorers + 1) * len(self.plan.common_rates) + scorers * 2
        return measured * latencies * self._one_latency()


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
