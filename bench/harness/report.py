"""Results as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .results import Entry, Growth, Results, Soak, WorkloadResult
from .spread import Spread

HEAD = (
    "| contender | guarantee | CPU us an event | times the floor | events a second | p50 / p99 / p99.9 ms | peak MB | first score s |"
    " CPU s until then | CPU us an event, warming up |"
)


def table(header: str, rows: Sequence[Sequence[str]]) -> str:
    columns = header.strip("|").count("|") + 1
    return "\n".join([header, "|" + "---|" * columns, *("| " + " | ".join(row) + " |" for row in rows)])


def spread(figures: Sequence[float], show: Callable[[float], str]) -> str:
    """Min / median / max; a dash for no figures, one figure for one."""
    if not figures:
        return "-"
    found = Spread.of(figures)
    if len(figures) == 1:
        return show(found.median)
    return f"{show(found.least)} / **{show(found.median)}** / {show(found.greatest)}"


def significant(value: float) -> str:
    """Three digits that say something; thousands are grouped."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def markdown(results: Results, plot: str) -> str:
    parts = [f"# {results.title}", *results.notes, f"![CPU time an event]({plot})"]
    parts += [section(workload) for workload in results.workloads]
    parts += ["## Machine and versions", table("| what | |", [[name, value] for name, value in results.machine.items()])]
    return "\n\n".join(parts) + "\n"


def section(workload: WorkloadResult) -> str:
    parts = [f"## {workload.title}", _floor(workload)]
    parts.append(table(HEAD, [row(entry, workload) for entry in workload.entries.values()]))
    troubles = [f"- {entry.id}: {words}" for entry in workload.entries.values() for words in entry.wrong + entry.failed]
    if troubles:
        parts.append("Not right:\n\n" + "\n".join(troubles))
    return "\n\n".join(part for part in parts if part)


def row(entry: Entry, workload: WorkloadResult) -> list[str]:
    floor = workload.floor_us(entry.guarantee) or workload.floor_us()
    times = f"{Spread.of(entry.cpu_us).median / floor:.2f}" if floor and entry.cpu_us and entry.kind != "floor" else "-"
    latency = latencies(entry.latency)
    return [
        entry.title,
        entry.guarantee.replace("_", " "),
        spread(entry.cpu_us, significant),
        times,
        spread(entry.rate, lambda rate: f"{rate:,.0f}"),
        latency or "-",
        spread(entry.peak_mb, lambda peak: f"{peak:.0f}"),
        spread(entry.first_score, lambda seconds: f"{seconds:.2f}"),
        spread(entry.start_cpu, lambda seconds: f"{seconds:.2f}"),
        spread(entry.warming_cpu_us, significant),
    ]


def _floor(workload: WorkloadResult) -> str:
    floor, total = workload.floor, workload.floor_us()
    if total is None:
        return ""
    transport, inference, decode = (Spread.of(part).median for part in (workload.transport(), floor.inference, floor.decode))
    return (
        f"Floor: {significant(total)} us an event = transport {significant(transport)} (librdkafka's batch calls, exactly once) "
        f"+ inference {significant(inference)} (ONNX Runtime alone, {floor.rows_per_run[0]} rows a run) "
        f"+ decoding {significant(decode)} ({floor.decoder} alone)."
        + (f" From publisher to reader, without a scorer: {latencies(floor.latency)}." if floor.latency else "")
    )


def latencies(found: Sequence[dict[str, Any]]) -> str:
    return "; ".join(f"{one['p50']:.1f} / {one['p99']:.1f} / {one['p999']:.1f} at {one['rate']:,.0f}/s" for one in found)


def growth_markdown(growths: Sequence[Growth], machine: dict[str, str]) -> str:
    parts = ["# How cost grows", "CPU time an event of the process, exactly once, min / **median** / max of the runs."]
    for growth in growths:
        places = sorted({at for series in growth.series for at, _ in series.points})
        header = "| " + growth.x + " | " + " | ".join(series.name for series in growth.series) + " |"
        rows = []
        for place in places:
            cells = [dict(series.points).get(place) for series in growth.series]
            shown = [spread([cell.least, cell.median, cell.greatest], significant) if cell else "-" for cell in cells]
            rows.append([f"{place:,g}", *shown])
        parts += [f"## {growth.title}", f"![{growth.title}](growth-{growth.name}.svg)", table(header, rows)]
        if growth.reason:
            parts.append(growth.reason)
    parts += ["## Machine and versions", table("| what | |", [[name, value] for name, value in machine.items()])]
    return "\n\n".join(parts) + "\n"


def soak_markdown(soaks: Sequence[Soak], machine: dict[str, str]) -> str:
    parts = [
        "# A long run",
        "The example with its forest, at a steady rate, beside publisher, broker and reader. Least / **median** / most of the minute.",
    ]
    header = "| minute | resident MB | open files | threads |"
    for soak in soaks:
        rows = [
            [
                str(number),
                spread([look.resident_mb for look in minute], lambda size: f"{size:.1f}"),
                spread([look.files for look in minute], lambda count: f"{count:.0f}"),
                spread([look.threads for look in minute], lambda count: f"{count:.0f}"),
            ]
            for number, minute in enumerate(soak.minutes(), 1)
        ]
        found = soak.latency
        told = (
            f"{found.rate:,.0f} events a second; p50 {found.p50:.1f} ms, p99 {found.p99:.1f} ms, p99.9 {found.p999:.1f} ms;"
            f" {found.missing} events without a score. " + ("; ".join(soak.grown()) or "Nothing grew") + "."
        )
        parts += [f"## {soak.title}", told, table(header, rows)]
    parts += ["## Machine and versions", table("| what | |", [[name, value] for name, value in machine.items()])]
    return "\n\n".join(parts) + "\n"
