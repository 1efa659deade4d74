"""Runs the bench on the broker that CAZ_TEST_BOOTSTRAP names, and writes bench/results."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from dataclasses import asdict, replace
from pathlib import Path

from . import growth, machine, plot, report, soak
from .bench import PLANS, Comparison
from .broker import Broker
from .contenders import discover
from .places import RESULTS
from .results import Results

NOTES = [
    "CPU time is user and system time of the contender's process, the broker's apart, once it is warm; what came before stands in the last"
    " columns. Figures are min / **median** / max of the repetitions, which take turns. Latency is from the moment at which an event is due"
    " until a reader of committed records has its score, at the same rate for all and at half of what the contender reaches with publisher,"
    " broker and reader on the same cores. Every score of the first repetition was compared with the reference: labels equal, numbers"
    " within 1e-5; with exactly once, one score an event.",
]


def main() -> None:
    parser = argparse.ArgumentParser(prog="harness", description=__doc__)
    parser.add_argument("plan", choices=[*PLANS, "growth", "soak"])
    parser.add_argument("--only", metavar="NAMES", help="these contenders, separated by commas")
    parser.add_argument("--workloads", metavar="NAMES", help="these workloads (or axes of growth), separated by commas")
    parser.add_argument("--repetitions", type=int, metavar="N", help="instead of the plan's")
    parser.add_argument("--minutes", type=int, default=soak.MINUTES, metavar="N", help="how long the soak lasts")
    parser.add_argument("--no-build", action="store_true", help="take what is built already")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER")
    arguments = parser.parse_args()
    bootstrap = os.environ.get("CAZ_TEST_BOOTSTRAP")
    if not bootstrap:
        parser.exit(2, "no broker: run it as scripts/with-kafka ... does\n")
    # So that a contender's process ends with this one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    described = machine.describe()
    only = arguments.only or ("caz" if arguments.plan == "soak" else None)
    contenders, versions = discover(only.split(",") if only else None, not arguments.no_build)
    broker = Broker(bootstrap)
    into: Path = arguments.results
    into.mkdir(parents=True, exist_ok=True)
    if arguments.plan == "growth":
        axes = arguments.workloads.split(",") if arguments.workloads else [axis.name for axis in growth.AXES]
        grown = growth.run(broker, contenders, axes, arguments.repetitions or growth.REPETITIONS)
        for found in grown:
            (into / f"growth-{found.name}.svg").write_text(plot.lines(found))
        (into / "growth.json").write_text(json.dumps({"machine": described, "growth": [asdict(found) for found in grown]}, indent=1))
        (into / "growth.md").write_text(report.growth_markdown(grown, described))
        return
    if arguments.plan == "soak":
        soaks = [soak.run(broker, contender, arguments.minutes) for contender in contenders]
        text = report.soak_markdown(soaks, described | versions)
        (into / "soak.md").write_text(text)
        print(text)
        if any(one.grown() for one in soaks):
            sys.exit("something grew")
        return
    plan = PLANS[arguments.plan]
    names = arguments.workloads.split(",") if arguments.workloads else list(plan.repetitions)
    if arguments.workloads:
        plan = replace(plan, repetitions={name: plan.repetitions.get(name, 1) for name in names}, without_peers=())
    if arguments.repetitions:
        plan = replace(plan, repetitions=dict.fromkeys(names, arguments.repetitions))
    results = Results(plan.title, described | versions, [], NOTES)
    comparison = Comparison(broker, plan, contenders, results)
    try:
        comparison.run(names)
    finally:
        text = report.markdown(results, f"{arguments.plan}.svg")
        (into / f"{arguments.plan}.json").write_text(json.dumps(asdict(results), indent=1))
        (into / f"{arguments.plan}.md").write_text(text)
        (into / f"{arguments.plan}.svg").write_text(plot.bars(results))
    print(text)
    if any(entry.wrong for workload in results.workloads for entry in workload.entries.values()):
        sys.exit("a contender's scores are not right")


main()
