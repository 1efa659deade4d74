"""A long run at a steady rate, to see whether anything of the scorer grows."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from . import measure, processes, workloads
from .broker import Broker
from .contenders import Contender
from .results import Look, Soak

PARTITIONS = 4
RATE = 20_000.0  # events a second
MINUTES = 10
LOOK = 2.0  # seconds between two looks at the process
WARM_UP = 60.0  # seconds whose latencies do not count


def run(broker: Broker, contender: Contender, minutes: int) -> Soak:
    workload = workloads.car_insurance("forest", int(RATE))
    looks: list[Look] = []

    @contextmanager
    def watched(pid: int) -> Iterator[None]:
        is_over, started = threading.Event(), time.monotonic()

        def look() -> None:
            while not is_over.wait(LOOK):
                held = processes.held(pid)
                looks.append(Look(time.monotonic() - started, held.resident_bytes / 1e6, held.files, held.threads))

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    latency = measure.latency(broker, contender, workload, PARTITIONS, RATE, minutes * 60.0, WARM_UP, watched)
    return Soak(f"{contender.title}, {contender.guarantee.replace('_', ' ')}", latency, looks)
