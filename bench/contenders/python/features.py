"""The car-insurance features as models/car-insurance/features.py makes them, with the statistics of the training data frozen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

NOT_GIVEN = "notgiven"
OTHERS = "Others"
AGE_EDGES = [-np.inf, 20, 28, 36, 44, 52, 60, np.inf]  # [from, to)
AGE_LABELS = ["u20", "20to28", "28to36", "36to44", "44to52", "52to60", OTHERS]
LEASING = {"dataLayerNull": NOT_GIVEN, "no": "no", "yes": "yes", NOT_GIVEN: NOT_GIVEN}
DUMMY_COLUMNS = ["age_bucket", "gender", "city", "dayofweek", "country", "carbrand", "cartype", "leasing"]


class CarInsurance:
    def __init__(self, frozen: dict[str, Any], features: list[str]) -> None:
        nodes = frozen["nodes"]
        self.age_median = nodes["age_fillna"]["age"]["median"]
        self.top = {column: nodes[f"{column}_mapper"][column]["top=6"] for column in ("carbrand", "cartype", "country")}
        self.features = features

    def __call__(self, events: list[dict[str, Any]]) -> np.ndarray:
        """Rows of features, float32."""
        df = pd.DataFrame.from_records(events)
        timestamp = pd.to_datetime(df["timestamp"], utc=True)
        df["hour"] = timestamp.dt.hour
        df["dayofweek"] = timestamp.dt.dayofweek
        df["age"] = pd.to_numeric(df["age"]).fillna(self.age_median).astype("int64")
        df["age_bucket"] = pd.cut(df["age"], bins=AGE_EDGES, right=False, labels=AGE_LABELS)
        for column, aliases in (("carbrand", {"vw": "volkswagen"}), ("cartype", {}), ("country", {})):
            lower = df[column].fillna(NOT_GIVEN).str.lower().replace(aliases)
            df[column] = lower.where(lower.isin(self.top[column]), OTHERS)
        df["gender"] = df["gender"].fillna(NOT_GIVEN)
        df["leasing"] = df["leasing"].fillna(NOT_GIVEN).map(LEASING)
        dummies = pd.get_dummies(df[["hour", "pricequote", *DUMMY_COLUMNS]], columns=DUMMY_COLUMNS)
        # A batch has the categories that it has; the model wants those of the training data.
        return dummies.reindex(columns=self.features, fill_value=0).to_numpy(dtype="float32")
