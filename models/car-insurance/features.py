"""The car insurance features as a notebook makes them: pandas, one function per node, in a line.

A scorer's graph has nodes of the same names in the same order, and must give the same numbers. The statistics a node takes from the
dataset (a median, the most frequent values, the categories) are learned here, by `transform`, and handed back so that they can be
frozen for scoring.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from caz import Recorder

NOT_GIVEN = "notgiven"
OTHERS = "Others"
TOP = 6  # values that keep their own name; the rest become `Others`

AGE_EDGES = [-np.inf, 20, 28, 36, 44, 52, 60, np.inf]  # [from, to)
AGE_LABELS = ["u20", "20to28", "28to36", "36to44", "44to52", "52to60", OTHERS]

DUMMY_COLUMNS = ["age_bucket", "gender", "city", "dayofweek", "country", "carbrand", "cartype", "leasing"]


@dataclass
class Statistics:
    """What the nodes learned from the dataset."""

    age_median: float = float("nan")
    # Column to {lower-case value: group}. A value that is absent belongs to `Others`.
    mappers: dict[str, dict[str, str]] = field(default_factory=dict)
    # Column to its categories, sorted by code point as get_dummies orders them. `age_bucket` has its cut labels instead.
    categories: dict[str, list] = field(default_factory=dict)


def json_df(path: Path) -> pd.DataFrame:
    """The rows of the CSV file. An empty field is null, and nothing else is; numbers are read to the last bit."""
    return pd.read_csv(path, dtype={"ecid": str}, keep_default_na=False, na_values=[""], float_precision="round_trip")


def to_datetime(df: pd.DataFrame) -> pd.DataFrame:
    return df.assign(timestamp=pd.to_datetime(df["timestamp"], utc=True))


def hour(df: pd.DataFrame) -> pd.DataFrame:
    return df.assign(hour=df["timestamp"].dt.hour)


def dayofweek(df: pd.DataFrame) -> pd.DataFrame:
    """Monday is 0."""
    return df.assign(dayofweek=df["timestamp"].dt.dayofweek)


def age_fillna(df: pd.DataFrame, learned: Statistics) -> pd.DataFrame:
    learned.age_median = float(df["age"].median())
    return df.assign(age=df["age"].fillna(learned.age_median))


def carbrand_fillna(df: pd.DataFrame) -> pd.DataFrame:
    return df.assign(carbrand=df["carbrand"].fillna(NOT_GIVEN))


def country_fillna(df: pd.DataFrame) -> pd.DataFrame:
    return df.assign(country=df["country"].fillna(NOT_GIVEN))


def cartype_primary_nationality_km_fillna(df: pd.DataFrame) -> pd.DataFrame:
    return df.fillna({"cartype": NOT_GIVEN, "primaryuser": NOT_GIVEN, "nationality": NOT_GIVEN, "km": 0})


def top_groups(column: pd.Series, aliases: dict[str, str]) -> dict[str, str]:
    """The mapper of a lower-case column: its most frequent values to themselves, and their aliases to them.

    `notgiven` counts like any other value: it keeps its own group only where nulls are frequent enough.
    """
    counts = column.replace(aliases).value_counts()
    # Equal counts are ordered by name, so that the choice does not depend on the order of the rows.
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    top = [value for value, _ in ranked[:TOP]]
    return {value: value for value in top} | {alias: value for alias, value in aliases.items() if value in top}


def map_to_groups(df: pd.DataFrame, column: str, learned: Statistics, aliases: dict[str, str]) -> pd.DataFrame:
    lower = df[column].str.lower()
    learned.mappers[column] = top_groups(lower, aliases)
    return df.assign(**{column: lower.map(defaultdict(lambda: OTHERS, learned.mappers[column]))})


def carbrand_mapper(df: pd.DataFrame, learned: Statistics) -> pd.DataFrame:
    return map_to_groups(df, "carbrand", learned, aliases={"vw": "volkswagen"})


def cartype_mapper(df: pd.DataFrame, learned: Statistics) -> pd.DataFrame:
    return map_to_groups(df, "cartype", learned, aliases={})


def country_mapper(df: pd.DataFrame, learned: Statistics) -> pd.DataFrame:
    return map_to_groups(df, "country", learned, aliases={})


def gender_mapper(df: pd.DataFrame) -> pd.DataFrame:
    return df.assign(gender=df["gender"].fillna(NOT_GIVEN))


def leasing_mapper(df: pd.DataFrame) -> pd.DataFrame:
    """Filled before it is mapped: a null would stay null and its dummies all zero."""
    groups = {"dataLayerNull": NOT_GIVEN, "no": "no", "yes": "yes", NOT_GIVEN: NOT_GIVEN}
    return df.assign(leasing=df["leasing"].fillna(NOT_GIVEN).map(groups))


def age_to_int(df: pd.DataFrame) -> pd.DataFrame:
    return df.assign(age=df["age"].astype("int64"))


def age_bins(df: pd.DataFrame) -> pd.DataFrame:
    return df.assign(age_bucket=pd.cut(df["age"], bins=AGE_EDGES, right=False, labels=AGE_LABELS))


def dummies(df: pd.DataFrame, learned: Statistics) -> pd.DataFrame:
    """`city` is not grouped, and a null city is all zeros."""
    for column in DUMMY_COLUMNS:
        if column != "age_bucket":
            learned.categories[column] = sorted(df[column].dropna().unique().tolist())
    return pd.get_dummies(df, columns=DUMMY_COLUMNS)


def onnx(df: pd.DataFrame) -> pd.DataFrame:
    """The model's input: `hour`, `pricequote`, then every dummy as get_dummies orders them, all float32."""
    dummy_names = [name for name in df.columns if any(name.startswith(f"{column}_") for column in DUMMY_COLUMNS)]
    return df[["hour", "pricequote", *dummy_names]].astype("float32")


def transform(path: Path, recorder: Recorder | None = None) -> tuple[pd.DataFrame, pd.DataFrame, Statistics]:
    """The rows of `path` as read, their features (one row each, float32), and what the nodes learned. A recorder sees every node."""
    seen = recorder.node if recorder else lambda _, df: df
    learned = Statistics()
    rows = json_df(path)
    df = seen("json_df", rows)
    df = seen("to_datetime", to_datetime(df))
    df = seen("hour", hour(df))
    df = seen("dayofweek", dayofweek(df))
    df = seen("age_fillna", age_fillna(df, learned))
    df = seen("carbrand_fillna", carbrand_fillna(df))
    df = seen("country_fillna", country_fillna(df))
    df = seen("cartype_primary_nationality_km_fillna", cartype_primary_nationality_km_fillna(df))
    df = seen("carbrand_mapper", carbrand_mapper(df, learned))
    df = seen("cartype_mapper", cartype_mapper(df, learned))
    df = seen("country_mapper", country_mapper(df, learned))
    df = seen("gender_mapper", gender_mapper(df))
    df = seen("leasing_mapper", leasing_mapper(df))
    df = seen("age_to_int", age_to_int(df))
    df = seen("age_bins", age_bins(df))
    df = seen("dummies", dummies(df, learned))
    return rows, onnx(df), learned
