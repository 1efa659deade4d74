"""What a process and all below it have used, out of /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    cpu: float  # seconds, user and system, of those that run and of their children that have ended
    peak_bytes: int  # the sum of each process's most resident memory


@dataclass(frozen=True)
class Held:
    resident_bytes: int
    files: int  # open descriptors
    threads: int


def held(pid: int) -> Held:
    """What a process and its descendants hold at this moment."""
    resident, files, threads = 0, 0, 0
    for process in [pid, *descendants(pid)]:
        try:
            status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
            files += len(os.listdir(f"/proc/{process}/fd"))
        except OSError:
            continue
        resident += int(status.get("VmRSS", "0").split()[0]) * 1024
        threads += int(status["Threads"])
    return Held(resident, files, threads)


def usage(pid: int) -> Usage:
    """Of a process and its descendants. Those that end meanwhile count as far as their parents know."""
    cpu, peak = 0.0, 0
    for process in [pid, *descendants(pid)]:
        try:
            stat = Path(f"/proc/{process}/stat").read_text()
            status = Path(f"/proc/{process}/status").read_text()
        except OSError:
            continue
        # The name, in parentheses, may hold anything; user, system and those of ended children are the 14th to 17th field.
        fields = stat.rpartition(")")[2].split()
        cpu += sum(int(ticks) for ticks in fields[11:15]) / TICKS
        peak += next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0)
    return Usage(cpu, peak)


def descendants(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    except OSError:
        return found
    return found + [below for child in found for below in descendants(child)]
