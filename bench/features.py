"""The pandas side of `make bench-features`: makes the car-insurance features with frozen statistics, as a scorer in Python would.

Reads requests from standard input, one a line: `ROWS BATCHES`. Runs that many batches of that many rows and answers one line of JSON:
wall and CPU time in nanoseconds, the time of each node, and the digest of all features of the first batch.
"""

import hashlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "models" / "car-insurance"))

import features as training  # noqa: E402

FROZEN = json.loads((ROOT / "config" / "car-insurance.frozen.json").read_text())["nodes"]
MAPPERS = json.loads((ROOT / "models" / "car-insurance" / "mappers.json").read_text())
CATEGORIES = {name: pd.CategoricalDtype(levels["categories"]) for name, levels in FROZEN["dummies"].items()}


def mapper(column: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    groups = defaultdict(lambda: training.OTHERS, MAPPERS[column])
    return lambda df: df.assign(**{column: df[column].str.lower().map(groups)})


def dummies(df: pd.DataFrame) -> pd.DataFrame:
    return pd.get_dummies(df.astype(CATEGORIES), columns=training.DUMMY_COLUMNS)


NODES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "to_datetime": training.to_datetime,
    "hour": training.hour,
    "dayofweek": training.dayofweek,
    "age_fillna": lambda df: df.assign(age=df["age"].fillna(FROZEN["age_fillna"]["age"]["median"])),
    "carbrand_fillna": training.carbrand_fillna,
    "country_fillna": training.country_fillna,
    "cartype_primary_nationality_km_fillna": training.cartype_primary_nationality_km_fillna,
    "carbrand_mapper": mapper("carbrand"),
    "cartype_mapper": mapper("cartype"),
    "country_mapper": mapper("country"),
    "gender_mapper": training.gender_mapper,
    "leasing_mapper": training.leasing_mapper,
    "age_to_int": training.age_to_int,
    "age_bins": training.age_bins,
    "dummies": dummies,
}


def run(rows: pd.DataFrame, spent: dict[str, int]) -> pd.DataFrame:
    df = rows
    for name, node in NODES.items():
        started = time.perf_counter_ns()
        df = node(df)
        spent[name] += time.perf_counter_ns() - started
    return df


def main() -> None:
    # Typed as events are: the time is a time already.
    events = training.to_datetime(training.json_df(ROOT / "datasets" / "car-insurance.csv"))
    for line in sys.stdin:
        rows, batches = map(int, line.split())
        starts = [batch * rows % (len(events) - rows + 1) for batch in range(batches)]
        cuts = [events.iloc[start : start + rows] for start in starts]
        spent: dict[str, int] = defaultdict(int)
        wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
        for cut in cuts:
            run(cut, spent)
        wall, cpu = time.perf_counter_ns() - wall, time.thread_time_ns() - cpu
        made = training.onnx(run(cuts[0], defaultdict(int))).to_numpy()
        digest = hashlib.sha256(made.astype("<f4").tobytes()).hexdigest()
        print(json.dumps({"wall_ns": wall, "cpu_ns": cpu, "nodes": spent, "features_sha256": digest}), flush=True)


if __name__ == "__main__":
    main()
