"""Where things are."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONTENDERS = ROOT / "bench/contenders"
RESULTS = ROOT / "bench/results"
# Whatever is made while the bench runs.
CACHE = ROOT / ".caz/bench"
WORKLOADS = CACHE / "workloads"
TOOL = ROOT / "target/release/examples/stream-bench"
