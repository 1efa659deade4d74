"""What a long run's judge calls growth."""

from harness.results import Latency, Look, Soak


def soak(*, leak: float = 0.0, files: int = 0, threads: int = 0, missing: int = 0, minutes: int = 5) -> Soak:
    """Looks each two seconds; `leak` MB more a minute, and so many more files and threads in the last one."""
    last = 60 * (minutes - 1)
    looks = [
        Look(second, 100 + leak * second / 60, 50 + (files if second >= last else 0), 20 + (threads if second >= last else 0))
        for second in range(0, 60 * minutes + 1, 2)
    ]
    return Soak("caz", Latency(1000.0, 1.0, 2.0, 3.0, missing, 1000.0), looks)


def test_what_is_steady_did_not_grow() -> None:
    assert soak().grown() == []
    assert soak(leak=0.1, files=2).grown() == []


def test_each_growth_is_told() -> None:
    found = soak(leak=10, files=9, threads=1, missing=3).grown()
    assert found == [
        "memory grew from 115 to 145 MB",
        "open files grew from 50 to 59",
        "threads grew from 20 to 21",
        "3 events have no score",
    ]


def test_a_short_run_tells_nothing() -> None:
    assert soak(minutes=2).grown() == ["the run was too short to tell"]
