"""What repetitions and samples say."""

import pytest
from harness.spread import Sample, Spread, steady


def test_the_median_is_the_middle_one_or_the_mean_of_the_middle_two() -> None:
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(1.0, 2.0, 3.0)
    assert Spread.of([4.0, 1.0, 2.0, 3.0]) == Spread(1.0, 2.5, 4.0)
    assert Spread.of([7.0]) == Spread(7.0, 7.0, 7.0)


def samples(*rows: tuple[float, float, float]) -> list[Sample]:
    return [Sample(*row) for row in rows]


def test_warming_up_is_told_apart() -> None:
    # Five seconds of start, one second at 10 us an event, then three at 1 us.
    warming, warm = steady(samples((5, 0, 2.0), (6, 1_000, 2.01), (7, 2_000, 2.011), (9, 4_000, 2.013)), warm_up=1.0, events=100_000)
    assert warming and warm
    assert (warming.cpu_us, warming.rate) == pytest.approx((10.0, 1_000.0))
    assert (warm.cpu_us, warm.rate) == pytest.approx((1.0, 1_000.0))


def test_who_does_not_get_warm_has_no_figure() -> None:
    warming, warm = steady(samples((0, 0, 0.0), (1, 100, 0.1), (2, 200, 0.2)), warm_up=5.0, events=100_000)
    assert warming and warm is None


def test_a_quarter_of_the_events_warms_up_what_is_quick() -> None:
    _, warm = steady(samples((0, 0, 0.0), (0.1, 300, 0.1), (0.2, 600, 0.2), (0.3, 900, 0.3)), warm_up=10.0, events=1_200)
    assert warm and warm.rate == pytest.approx(3_000.0)


def test_the_time_behind_the_last_event_does_not_count() -> None:
    moving = samples((0, 0, 0.0), (1, 1_000, 0.1), (2, 2_000, 0.2), (3, 3_000, 0.3))
    _, warm = steady([*moving, Sample(4, 3_000, 0.35), Sample(5, 3_000, 0.4)], warm_up=1.0, events=100_000)
    assert warm and (warm.cpu_us, warm.rate) == pytest.approx((100.0, 1_000.0))


def test_without_events_there_are_no_figures() -> None:
    assert steady(samples((0, 0, 0.0), (1, 0, 0.1), (2, 0, 0.2)), warm_up=1.0, events=100_000) == (None, None)
    assert steady([], warm_up=1.0, events=100_000) == (None, None)
    # One look at events is no time between two.
    assert steady(samples((0, 0, 0.0), (1, 100, 0.1)), warm_up=1.0, events=100_000)[1] is None
