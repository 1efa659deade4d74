"""Tables and plots of made-up results."""

import xml.etree.ElementTree as ET

import pytest
from harness import plot, report
from harness.plot import Scale
from harness.results import Entry, Floor, Growth, Results, Series, WorkloadResult
from harness.spread import Spread


@pytest.fixture
def results() -> Results:
    floor = Entry("floor exactly_once", "floor", "exactly_once", "floor", cpu_us=[0.9, 1.0, 1.1], rate=[500_000.0] * 3)
    caz = Entry("caz exactly_once", "caz", "exactly_once", "caz", cpu_us=[3.1, 3.0, 4.0], rate=[300_000, 280_000, 310_000])
    caz.latency.append({"rate": 1500.0, "p50": 1.26, "p99": 5.0, "p999": 12.34, "missing": 0})
    peer = Entry("python at_least_once", "Python & pandas", "at_least_once", cpu_us=[55.0], wrong=["7 events have no score"])
    broken = Entry("flink exactly_once", "Flink", "exactly_once", failed=["it ended with status 1"])
    alone = Floor(inference=[0.3, 0.2, 0.4], rows_per_run=[1024] * 3, decode=[0.2], decoder="arrow-avro")
    entries = {entry.id: entry for entry in (floor, caz, peer, broken)}
    return Results("Stream bench", {"processor": "one"}, [WorkloadResult("linear", "car insurance", entries, alone)], ["Notes."])


def cells(text: str, title: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {title} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_table_has_every_contender_against_the_floor(results: Results) -> None:
    text = report.markdown(results, "plot.svg")
    assert "Floor: 1.50 us an event = transport 1.00" in text
    caz = cells(text, "caz")
    assert caz[1:5] == ["exactly once", "3.00 / **3.10** / 4.00", "2.07", "280,000 / **300,000** / 310,000"]
    assert caz[5] == "1.3 / 5.0 / 12.3 at 1,500/s"
    # Without a floor of its own guarantee that of exactly once stands in.
    assert cells(text, "Python & pandas")[2:4] == ["55.0", "36.67"]
    assert cells(text, "Flink")[2:5] == ["-", "-", "-"]
    assert {len(cells(text, title)) for title in ("caz", "Flink", "contender")} == {10}


def test_what_is_not_right_is_said(results: Results) -> None:
    text = report.markdown(results, "plot.svg")
    assert "- python at_least_once: 7 events have no score" in text
    assert "- flink exactly_once: it ended with status 1" in text


def test_bars_grow_with_the_cost(results: Results) -> None:
    svg = ET.fromstring(plot.bars(results))
    texts = [element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert "Python & pandas, at least once" in texts and "55" in texts and "3.1" in texts
    assert "Flink, exactly once" not in texts
    bars = [float(element.attrib["width"]) for element in list(svg.iter("{http://www.w3.org/2000/svg}rect"))[1:]]
    # The sum of the floors, the transport, caz, the peer.
    assert len(bars) == 4
    assert bars[1] < bars[0] < bars[2] < bars[3] <= plot.WIDTH - plot.LEFT - plot.RIGHT


def test_a_result_without_figures_is_a_plot_all_the_same() -> None:
    ET.fromstring(plot.bars(Results("empty", {}, [WorkloadResult("linear", "car insurance")])))


def test_a_scale_goes_by_powers_of_ten() -> None:
    scale = Scale.over([2.0, 150.0], 0.0, 300.0)
    assert scale.ticks() == [1.0, 10.0, 100.0, 1000.0]
    assert [scale.at(value) for value in scale.ticks()] == pytest.approx([0.0, 100.0, 200.0, 300.0])
    assert Scale.over([10.0], 0.0, 1.0).ticks() == [10.0, 100.0]


def test_growth_has_a_line_for_each_series_and_a_row_for_each_place() -> None:
    points = [(1.0, Spread(9, 10, 11)), (10.0, Spread(2, 3, 4))]
    grown = Growth("batch", "How it falls", "batch", "us", [Series("caz", points), Series("floor", points[:1])], "It bends.")
    svg = ET.fromstring(plot.lines(grown))
    assert len(list(svg.iter("{http://www.w3.org/2000/svg}polyline"))) == 2
    assert len(list(svg.iter("{http://www.w3.org/2000/svg}circle"))) == 3
    text = report.growth_markdown([grown], {"processor": "one"})
    assert "| 1 | 9.00 / **10.0** / 11.0 | 9.00 / **10.0** / 11.0 |" in text
    assert "| 10 | 2.00 / **3.00** / 4.00 | - |" in text
    assert "It bends." in text
