"""Who takes part: the folders of bench/contenders, each with `build`, `run` and `contender.json`."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .places import CACHE, CONTENDERS, ROOT
from .results import KINDS, Kind

GUARANTEES = ("exactly_once", "at_least_once")


@dataclass(frozen=True)
class Contender:
    """One way to run one of them."""

    name: str
    title: str
    guarantee: str
    batch: int
    kind: Kind
    is_variant: bool  # of another, whose latencies stand for it
    warm_up: float | None  # seconds until it is as fast as it gets, where it says so
    offsets_are_behind: bool  # commits offsets for people to see, some time after their scores
    folder: Path

    @property
    def id(self) -> str:
        return f"{self.name} {self.guarantee}"

    @property
    def has_latency(self) -> bool:
        return not self.is_variant

    def command(self, arguments: dict[str, str]) -> list[str]:
        settings = {"guarantee": self.guarantee, "batch": str(self.batch), "workers": "1"} | arguments
        return [str(self.folder / "run"), *(part for name, value in settings.items() for part in (f"--{name}", value))]


def discover(only: list[str] | None, build: bool = True) -> tuple[list[Contender], dict[str, str]]:
    """The contenders that could be built, floors first, and the versions that they tell. The others are named on the terminal."""
    found: list[Contender] = []
    versions: dict[str, str] = {}
    for description in sorted(CONTENDERS.glob("*/contender.json")):
        folder = description.parent
        told = json.loads(description.read_text())
        if only and folder.name not in only:
            continue
        if build and not _build(folder, told["title"]):
            continue
        for guarantee in GUARANTEES:
            if guarantee in told["guarantees"]:
                found.append(
                    Contender(
                        name=folder.name,
                        title=told["title"],
                        guarantee=guarantee,
                        batch=int(told.get("batch", 1024)),
                        kind=told.get("kind", "peer"),
                        is_variant=bool(told.get("variant")),
                        warm_up=told.get("warm_up"),
                        offsets_are_behind=told.get("offsets") == "behind",
                        folder=folder,
                    )
                )
        if "versions" in told:
            lines = subprocess.run([folder / told["versions"]], cwd=ROOT, capture_output=True, text=True, check=False).stdout
            versions |= {name: version for name, _, version in (line.partition(" ") for line in lines.splitlines())}
    return sorted(found, key=lambda contender: KINDS.index(contender.kind)), versions


def _build(folder: Path, title: str) -> bool:
    log = CACHE / f"build-{folder.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        built = subprocess.run([folder / "build"], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, check=False)
    if built.returncode != 0:
        print(f"skipped: {title} could not be built, see {log.relative_to(ROOT)}", file=sys.stderr)
    return built.returncode == 0
