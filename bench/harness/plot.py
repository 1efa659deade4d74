"""Results as SVG: bars for contenders, lines for growth. Scales are logarithmic, for a peer may need fifty times what another does."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass

from .results import Growth, Kind, Results, WorkloadResult
from .spread import Spread

WIDTH = 900
LEFT, RIGHT = 250, 110
BAR, GAP = 18, 8
COLOURS: dict[Kind, str] = {"floor": "#9aa5b1", "caz": "#d9480f", "peer": "#4c6ef5"}
LINES = ("#d9480f", "#9aa5b1", "#4c6ef5", "#2b8a3e")
FONT = "system-ui, sans-serif"


@dataclass(frozen=True)
class Scale:
    """From a value to a place, by its logarithm."""

    low: float
    high: float
    start: float
    end: float

    @staticmethod
    def over(values: Sequence[float], start: float, end: float) -> Scale:
        """Whole powers of ten around positive values."""
        low, high = 10.0 ** math.floor(math.log10(min(values))), 10.0 ** math.ceil(math.log10(max(values)))
        return Scale(low, high if high > low else low * 10, start, end)

    def at(self, value: float) -> float:
        share = (math.log10(value) - math.log10(self.low)) / (math.log10(self.high) - math.log10(self.low))
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        first, last = round(math.log10(self.low)), round(math.log10(self.high))
        return [10.0**exponent for exponent in range(first, last + 1)]


def bars(results: Results) -> str:
    """CPU time an event of every contender on every workload: the median as a bar, least and greatest as a line through its end."""
    charts = [workload for workload in results.workloads if any(entry.cpu_us for entry in workload.entries.values())]
    rows = sum(len(_measured(workload)) for workload in charts)
    height = 60 + len(charts) * 70 + rows * (BAR + GAP)
    svg = _svg(height, "CPU time an event, microseconds (user and system, broker apart); logarithmic, shorter is better")
    top = 50.0
    for workload in charts:
        top = _bar_chart(svg, workload, top) + 40
    return _text(svg)


def _measured(workload: WorkloadResult) -> list[tuple[str, str, Spread]]:
    """Label, colour and figures; the sum of the floors first."""
    found: list[tuple[str, str, Spread]] = []
    total = workload.floor_us()
    if total:
        found.append(("floor: transport + inference + decoding", COLOURS["floor"], Spread(total, total, total)))
    for entry in workload.entries.values():
        if entry.cpu_us:
            label = f"{entry.title}, {entry.guarantee.replace('_', ' ')}"
            found.append((label, COLOURS[entry.kind], Spread.of(entry.cpu_us)))
    return found


def _bar_chart(svg: ET.Element, workload: WorkloadResult, top: float) -> float:
    measured = _measured(workload)
    scale = Scale.over([value for _, _, found in measured for value in (found.least, found.greatest)], LEFT, WIDTH - RIGHT)
    _label(svg, LEFT, top, workload.title, anchor="start", weight="bold")
    top += 12
    bottom = top + len(measured) * (BAR + GAP)
    for tick in scale.ticks():
        _line(svg, (scale.at(tick), top), (scale.at(tick), bottom), "#dee2e6")
        _label(svg, scale.at(tick), bottom + 14, f"{tick:g}", anchor="middle", colour="#868e96")
    for at, (name, colour, found) in enumerate(measured):
        y = top + at * (BAR + GAP) + GAP / 2
        middle, end = y + BAR / 2, scale.at(found.median)
        _label(svg, LEFT - 8, middle + 4, name, anchor="end")
        ET.SubElement(svg, "rect", {"x": _n(LEFT), "y": _n(y), "width": _n(max(end - LEFT, 1)), "height": _n(BAR), "fill": colour})
        _line(svg, (scale.at(found.least), middle), (scale.at(found.greatest), middle), "#212529")
        _label(svg, max(end, scale.at(found.greatest)) + 6, middle + 4, f"{found.median:.3g}", anchor="start")
    return bottom + 14


def lines(growth: Growth) -> str:
    """Both axes are logarithmic."""
    height, top, bottom, left = 420, 60, 360, 70
    svg = _svg(height, growth.title)
    points = [point for series in growth.series for point in series.points]
    x = Scale.over([at for at, _ in points], left, WIDTH - 200)
    y = Scale.over([value for _, found in points for value in (found.least, found.greatest)], bottom, top)
    for tick in x.ticks():
        _line(svg, (x.at(tick), top), (x.at(tick), bottom), "#dee2e6")
        _label(svg, x.at(tick), bottom + 16, f"{tick:,g}", anchor="middle", colour="#868e96")
    for tick in y.ticks():
        _line(svg, (left, y.at(tick)), (WIDTH - 200, y.at(tick)), "#dee2e6")
        _label(svg, left - 6, y.at(tick) + 4, f"{tick:,g}", anchor="end", colour="#868e96")
    _label(svg, (left + WIDTH - 200) / 2, bottom + 38, growth.x, anchor="middle")
    _label(svg, left, top - 10, growth.y, anchor="start")
    for series, colour in zip(growth.series, LINES, strict=False):
        places = [(x.at(at), y.at(found.median)) for at, found in series.points]
        path = " ".join(f"{_n(px)},{_n(py)}" for px, py in places)
        ET.SubElement(svg, "polyline", {"points": path, "fill": "none", "stroke": colour, "stroke-width": "2"})
        for (_, found), (px, py) in zip(series.points, places, strict=True):
            ET.SubElement(svg, "circle", {"cx": _n(px), "cy": _n(py), "r": "3", "fill": colour})
            _line(svg, (px, y.at(found.least)), (px, y.at(found.greatest)), colour)
            _label(svg, px, py - 8, f"{found.median:.3g}", anchor="middle", colour=colour, size=10)
        _label(svg, WIDTH - 190, places[-1][1] + 4, series.name, anchor="start", colour=colour)
    return _text(svg)


def _svg(height: float, title: str) -> ET.Element:
    size = {"width": str(WIDTH), "height": _n(height), "viewBox": f"0 0 {WIDTH} {_n(height)}"}
    svg = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "font-family": FONT, **size})
    ET.SubElement(svg, "title").text = title
    ET.SubElement(svg, "rect", {"width": "100%", "height": "100%", "fill": "white"})
    _label(svg, 16, 26, title, anchor="start", weight="bold", size=14)
    return svg


def _label(
    svg: ET.Element, x: float, y: float, text: str, anchor: str, weight: str = "normal", colour: str = "#212529", size: int = 12
) -> None:
    style = {"text-anchor": anchor, "font-weight": weight, "fill": colour, "font-size": str(size)}
    ET.SubElement(svg, "text", {"x": _n(x), "y": _n(y), **style}).text = text


def _line(svg: ET.Element, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    places = {"x1": _n(start[0]), "y1": _n(start[1]), "x2": _n(end[0]), "y2": _n(end[1])}
    ET.SubElement(svg, "line", {**places, "stroke": colour, "stroke-width": "1.5"})


def _n(number: float) -> str:
    return f"{number:.1f}"


def _text(svg: ET.Element) -> str:
    ET.indent(svg)
    return ET.tostring(svg, encoding="unicode") + "\n"
