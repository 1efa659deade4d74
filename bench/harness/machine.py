"""On what machine, with which versions, a result was measured."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from .places import ROOT


def describe() -> dict[str, str]:
    return {
        "processor": f"{_processor()}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{_system()}, Linux {platform.release()}",
        "load before": f"{os.getloadavg()[0]:.1f} processes waited or ran, as the mean of a minute",
        "commit": _first_line("git", "describe", "--always", "--dirty"),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "caz": _first_line("cargo", "pkgid", "-p", "caz").rpartition("#")[2],
        "rustc": _first_line("rustc", "--version"),
        "librdkafka": _locked("rdkafka-sys"),
        "Kafka (broker)": _kafka(),
        "ONNX Runtime (caz, floor)": _onnxruntime(),
    }


def _processor() -> str:
    names = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return names[0].strip() if names else platform.machine()


def _system() -> str:
    found = re.search(r'^PRETTY_NAME="?(.*?)"?$', Path("/etc/os-release").read_text(), re.MULTILINE)
    return found[1] if found else "unknown"


def _first_line(*command: str) -> str:
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return (ended.stdout.splitlines() or ["unknown"])[0]


def _locked(crate: str) -> str:
    found = re.search(rf'name = "{crate}"\nversion = "(.*)"', (ROOT / "Cargo.lock").read_text())
    return found[1] if found else "unknown"


def _kafka() -> str:
    jars = sorted((ROOT / ".caz/kafka/libs").glob("kafka-clients-*.jar"))
    return jars[0].stem.removeprefix("kafka-clients-") if jars else "unknown"


def _onnxruntime() -> str:
    libraries = sorted((ROOT / ".caz/onnxruntime").glob("libonnxruntime.so.*"))
    return libraries[-1].name.removeprefix("libonnxruntime.so.") if libraries else "unknown"
