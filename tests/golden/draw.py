"""Random calls of an operation: the columns that they work on, the constants in their keyword arguments."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from case import EDGE_FLOATS, EDGE_INTS, EDGE_TEXTS

FLOATS = ("float64", "float32")
WHOLE = ("int64", "int32", "int16", "int8")
NUMBERS = FLOATS + WHOLE
UNSIGNED = ("uint64", "uint8")
TIMES = ("time", "local")
ALL_KINDS = (*NUMBERS, "bool", "text", *TIMES, "category")
WORDS = ["vw", "VW", "bmw", "audi", "Ünï", "", " a b ", "a-b-c", "x.y", "ΑΣ", "İ", "straße", "null", "nan", "1", "2.5", "True", "🚗"]
LETTERS = list("abcXYZ019 ._-+$éÉßΣςσİıñ漢字🚗")
CATEGORIES = ["b", "a", "Ü", "never"]


class NoColumnError(Exception):
    """The frame has no column of the kinds that a call needs."""


@dataclass
class Call:
    """One random call: the node's parameters without `import`, and the same call in pandas."""

    params: dict
    run: Callable[[pd.DataFrame], pd.DataFrame]
    # Column to frozen statistics.
    frozen: dict = field(default_factory=dict)


class Draw:
    """Draws one call. It makes each column that the call asks for, with a few values of its kind."""

    def __init__(self, seed: Sequence[int]) -> None:
        self.random = np.random.default_rng(list(seed))
        self.frame = pd.DataFrame(index=range(int(self.random.integers(8, 13))))

    # Columns.

    def column(self, *kinds: str, nulls: bool | None = None) -> str:
        """The name of a column of one of these kinds; `nulls` says whether it may hold nulls, None leaves it to chance."""
        name = chr(ord("a") + len(self.frame.columns))
        nullable = self.chance(0.5) if nulls is None else nulls
        self.frame[name] = values(self, self.one(kinds), len(self.frame), nullable)
        return name

    def columns(self, count: int, *kinds: str, nulls: bool | None = None) -> list[str]:
        return [self.column(*kinds, nulls=nulls) for _ in range(count)]

    def kind(self, name: str) -> str:
        return kind_of(self.frame[name])

    def has_null(self, name: str) -> bool:
        return bool(self.frame[name].isna().any())

    def into(self) -> str | None:
        """A name for a result; None puts it in its column's place."""
        return "r" if self.chance(0.2) else None

    def fresh(self, count: int) -> list[str]:
        """Names that no column has."""
        return [f"p{index}" for index in range(count)]

    # Calls.

    def on(self, name: str, kwargs: dict, call: Callable[[pd.Series], pd.Series], **frozen: object) -> Call:
        """A method of a column."""
        return self.on_frame(name, kwargs, lambda df: call(df[name]), **frozen)

    def on_frame(self, name: str, kwargs: dict, call: Callable[[pd.DataFrame], pd.Series], **frozen: object) -> Call:
        """A method of a column that reads other columns too."""
        into = self.into()
        params = {"cols": name} | ({"into": into} if into else {}) | ({"kwargs": kwargs} if kwargs else {})
        return Call(params, lambda df: df.assign(**{into or name: call(df)}), {name: frozen} if frozen else {})

    # Constants.

    def chance(self, probability: float) -> bool:
        return bool(self.random.random() < probability)

    def one(self, choices: Sequence[Any]) -> Any:
        return choices[int(self.random.integers(0, len(choices)))]

    def some(self, choices: Sequence[Any], least: int = 1, most: int = 4) -> list[Any]:
        count = min(int(self.random.integers(least, most + 1)), len(choices))
        return [choices[at] for at in self.random.permutation(len(choices))[:count]]

    def whole(self, low: int, high: int) -> int:
        return int(self.random.integers(low, high))

    def number(self) -> float | int:
        """A number as people write them."""
        if self.chance(0.5):
            return self.whole(-10, 20)
        return round(float(self.random.normal(0, 10)), self.whole(1, 4))

    def text(self) -> str:
        if self.chance(0.5):
            return self.one(WORDS)
        return "".join(self.random.choice(LETTERS, self.whole(0, 8)))

    def present(self, name: str) -> Any:
        """A value of a column as JSON writes it, or one that it may not have."""
        kept = self.frame[name].dropna()
        kind = self.kind(name)
        if len(kept) and self.chance(0.8):
            value = kept.iloc[self.whole(0, len(kept))]
            if kind in TIMES:
                return value.isoformat()
            plain = value.item() if hasattr(value, "item") else value
            if kind in UNSIGNED:
                # Constants are 64 bits with a sign.
                return min(plain, 2**63 - 1)
            if kind == "float32" and np.isfinite(plain) and self.chance(0.7):
                # As people write it: another double, the same `float32`.
                return float(str(value))
            if not (isinstance(plain, float) and not np.isfinite(plain)):
                return plain
        if kind in ("text", "category"):
            return self.text()
        if kind == "bool":
            return self.chance(0.5)
        if kind in TIMES:
            return f"{self.whole(1900, 2100)}-{self.whole(1, 13):02}-{self.whole(1, 29):02}T{self.whole(0, 24):02}:30:00" + (
                "Z" if kind == "time" else ""
            )
        return self.whole(-5, 20) if kind in WHOLE + UNSIGNED else self.number()


def kind_of(series: pd.Series) -> str:
    dtype = str(series.dtype)
    if dtype == "object":
        kept = series.dropna()
        return "bool" if len(kept) and all(isinstance(value, bool | np.bool_) for value in kept) else "text"
    if dtype.startswith("datetime64"):
        return "local" if dtype == "datetime64[ns]" else "time"
    return dtype


def values(draw: Draw, kind: str, rows: int, nullable: bool) -> pd.Series:
    """Values of a kind; where nulls are allowed at least one row is null, so that the column says so itself."""
    random = draw.random
    holes = random.random(rows) < 0.15
    holes[draw.whole(0, rows)] = True
    if not nullable:
        holes[:] = False
    if kind in FLOATS:
        drawn = pd.Series([float_value(draw, kind) for _ in range(rows)], dtype=kind)
        return drawn.mask(holes)
    if kind in WHOLE:
        return pd.Series([whole_value(draw, kind) for _ in range(rows)], dtype=kind)
    if kind in UNSIGNED:
        return pd.Series([whole_value(draw, "int64") for _ in range(rows)]).astype(kind)
    if kind == "bool":
        flags = pd.Series(random.random(rows) < 0.5)
        return flags.astype(object).mask(holes, np.nan) if nullable else flags
    if kind == "category":
        codes = np.where(holes, -1, random.integers(0, len(CATEGORIES) - 1, rows))
        return pd.Series(pd.Categorical.from_codes(codes, categories=CATEGORIES))
    if kind in TIMES:
        stamps = pd.Series(pd.to_datetime([time_value(draw) for _ in range(rows)])).mask(holes)
        return stamps.dt.tz_localize("UTC") if kind == "time" else stamps
    pool = [draw.text() for _ in range(draw.whole(2, rows))]
    edges = [text for text in EDGE_TEXTS if text is not None]
    drawn = [draw.one(edges) if draw.chance(0.25) else draw.one(pool) for _ in range(rows)]
    return pd.Series(drawn, dtype=object).mask(holes, np.nan)


def float_value(draw: Draw, kind: str = "float64") -> float:
    if draw.chance(0.2):
        # In a column without nulls a float may be NaN all the same, but then the column says that it can be null.
        edge = draw.one([value for value in EDGE_FLOATS if not np.isnan(value)])
        return edge if kind == "float64" or abs(edge) < 3e38 or np.isinf(edge) else 1.0
    if draw.chance(0.6):
        return round(float(draw.random.normal(0, 50)), draw.whole(0, 4))
    scale = draw.whole(-12, 12) if draw.chance(0.3) else 0
    return float(draw.random.normal(0, 30) * 10.0**scale)


def whole_value(draw: Draw, kind: str) -> int:
    bounds = np.iinfo(kind)
    if draw.chance(0.12):
        return draw.one([value for value in EDGE_INTS if bounds.min <= value <= bounds.max])
    if draw.chance(0.1):
        return int(draw.random.integers(bounds.min, bounds.max, endpoint=True, dtype="int64"))
    return draw.whole(-20, 60)


def time_value(draw: Draw) -> np.datetime64:
    if draw.chance(0.25):
        edges = ["1970-01-01", "1969-12-31T23:59:59.999999999", "2000-02-29T12:00", "1900-03-01", "2024-12-31T23:59:59", "2024-01-01"]
        return np.datetime64(draw.one(edges), "ns")
    seconds = draw.whole(-8_500_000_000, 8_800_000_000) if draw.chance(0.4) else draw.whole(0, 2_000_000_000)
    return np.datetime64(seconds * 10**9 + (draw.whole(0, 10**9) if draw.chance(0.3) else 0), "ns")
