"""One call of a pandas operation, and the seeded values that calls are made on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
import pandas as pd


@dataclass
class Case:
    """One call: the node's parameters, the frame it gets, and the same call in pandas."""

    params: dict
    frame: pd.DataFrame
    run: Callable[[pd.DataFrame], pd.DataFrame]
    # Column to frozen statistics.
    frozen: dict = field(default_factory=dict)


def on_column(name: str, call: Callable[[pd.Series], pd.Series]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """A Series method whose answer takes the column's place."""
    return lambda df: df.assign(**{name: call(df[name])})


def series_case(operation: str, values: pd.Series, kwargs: dict, call: Callable[[pd.Series], pd.Series], **frozen: object) -> Case:
    """A Series method on one column, `x`."""
    params = {"import": operation, "cols": "x", "kwargs": kwargs}
    return Case(params, pd.DataFrame({"x": values}), on_column("x", call), {"x": frozen} if frozen else {})


def on_pair(operation: str, df: pd.DataFrame, kwargs: dict, call: Callable[[pd.DataFrame], pd.Series]) -> Case:
    """A method of column `a`, whose answer goes into column `r`."""
    params = {"import": operation, "cols": "a", "into": "r", "kwargs": kwargs}
    return Case(params, df, lambda df: df.assign(r=call(df)))


def rng(name: str) -> np.random.Generator:
    return np.random.default_rng(list(name.encode()))


EDGE_FLOATS = [
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 0.1, 2.675, 1e-5, 1e16, 1e22, -1e300, 5e-324, 2.2250738585072014e-308,
    9007199254740993.0, np.nan, np.inf, -np.inf,
]  # fmt: skip

EDGE_INTS = [0, 1, -1, 7, -7, 127, 128, 255, 256, 300, -128, -129, 2**31 - 1, 2**31, -(2**31), 2**53 + 1, 2**63 - 1, -(2**63)]

EDGE_TEXTS = [
    "", " ", "a", "A", "vw", "VW", "Ünïcödé", "ΟΔΥΣΣΕΥΣ", "Σ", "ΑΣ Σ", "İstanbul", "ıI", "straße", "STRASSE", "ﬁn", "日本語",
    "  padded\t\n", "\u00a0nbsp\u2003", "\x1cfs\x1f", "null", "nan", "None", "1", "1.0", "True", "False", "a_b-c.d", "🚗🚙", "e\u0301",
    "ǅ", "ß", None,
]  # fmt: skip


def floats(name: str, count: int, edge: bool = True, scale: float = 100.0, nulls: float = 0.1) -> pd.Series:
    """Floats of many sizes, some null, the edge cases among them."""
    random = rng(name)
    values = random.normal(0, scale, count)
    values[random.random(count) < 0.3] = np.round(values[random.random(count) < 0.3].mean() if count else 0)
    values = np.where(random.random(count) < 0.2, np.round(values), values)
    values = np.where(random.random(count) < 0.1, values * 10.0 ** random.integers(-12, 12, count), values)
    if nulls:
        values[random.random(count) < nulls] = np.nan
    return pd.Series(np.concatenate([values, EDGE_FLOATS]) if edge else values)


def ints(name: str, count: int, edge: bool = True, low: int = -50, high: int = 400) -> pd.Series:
    values = rng(name).integers(low, high, count).tolist()
    return pd.Series(values + (EDGE_INTS if edge else []), dtype="int64")


def texts(name: str, count: int, edge: bool = True, nulls: float = 0.1) -> pd.Series:
    """Texts of several scripts, some null, the edge cases among them."""
    random = rng(name)
    letters = list("abcXYZ019 ._-+$éÉßΣςσİıñ漢字🚗")
    values: list[str | None] = []
    for _ in range(count):
        if random.random() < nulls:
            values.append(None)
        else:
            values.append("".join(random.choice(letters, random.integers(0, 12))))
    return pd.Series(values + (EDGE_TEXTS if edge else []), dtype=object)


def bools(name: str, count: int, nulls: bool = False) -> pd.Series:
    values = rng(name).random(count) < 0.5
    if not nulls:
        return pd.Series(values)
    return pd.Series([None if rng(name + str(row)).random() < 0.2 else bool(value) for row, value in enumerate(values)], dtype=object)


def decimals(name: str, count: int, scale: int, nulls: bool = False) -> pd.Series:
    """Decimals of one scale and up to 38 digits."""
    random = rng(name)
    drawn = []
    for _ in range(count):
        digits = int(random.integers(0, 2**62)) ** 2 * 5 % 10 ** int(random.integers(1, 39))
        drawn.append(digits * int(random.choice([-1, 1])))
    edge = [
        0, 1, -1, 5, 50, 99, -150, 12700, 12800, -12899, -12900, 25599, 2**53 + 1, 2**63 - 1, 2**63, 2**64 * 100, 10**38 - 1, 1 - 10**38,
    ]  # fmt: skip
    # Built digit by digit: arithmetic would round to Python's 28 digits.
    values = [Decimal((int(value < 0), tuple(map(int, str(abs(value)))), -scale)) for value in drawn + edge]
    return pd.Series([*values, None] if nulls else values, dtype=object)


def times(name: str, count: int, nulls: bool, zone: str | None = "UTC") -> pd.Series:
    """Times from 1700 to 2250, ends of years and leap days among them."""
    random = rng(name)
    ns = random.integers(-8_500_000_000, 8_800_000_000, count) * 1_000_000_000 + random.integers(0, 10**9, count)
    edge = ["1970-01-01", "1969-12-31T23:59:59.999999999", "2000-02-29T12:00", "1900-03-01", "2024-12-31T23:59:59", "2262-04-11T23:00"]
    series = pd.Series([*ns.astype("datetime64[ns]"), *np.array(edge, dtype="datetime64[ns]")])
    if nulls:
        series[random.random(len(series)) < 0.1] = pd.NaT
        series.iloc[0] = pd.NaT
    return series if zone is None else series.dt.tz_localize(zone)
