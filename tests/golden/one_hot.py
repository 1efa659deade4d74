"""Writes the golden vectors of the OneHotEncoder node: what scikit-learn answers, encoder by encoder.

    python tests/golden/one_hot.py           # write tests/golden/sklearn/one_hot_encoder.json
    python tests/golden/one_hot.py --check   # write nothing; fail if the committed file differs

A case is one encoder on a frame of seeded values. Where scikit-learn raises on a whole frame, the rows that raise by themselves are listed
as rejected, and the answer is that for the other rows.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import sklearn
from generate import encode
from sklearn.preprocessing import OneHotEncoder

OUTPUT = Path(__file__).parent / "sklearn" / "one_hot_encoder.json"
CASES = 240
ROWS = 24

POOLS: dict[str, list] = {
    "text": ["vw", "VW", "", " ", "Ünï", "日本", "🚗", "nan", "none", "1", "a b", "ß", "_x"],
    "float": [0.0, -0.0, 1.0, -1.5, 0.1, 1e-5, 1e16, 2.675, 9007199254740993.0],
    "float32": [0.0, 1.0, 0.1, -2.5, 16777216.0, 3.4e38],
    "int": [0, 1, -1, 7, 300, 5000, 2**53 + 1, -(2**63), 2**63 - 1],
    "bool": [False, True],
}
DTYPES = {"text": object, "float": "float64", "float32": "float32", "int": "int64", "bool": "bool"}
NULL = {"text": None, "float": np.nan, "float32": np.nan}


def column(random: np.random.Generator, kind: str) -> pd.Series:
    pool = POOLS[kind]
    picked = [pool[at] for at in random.permutation(len(pool))[: random.integers(2, len(pool) + 1)]]
    values = [picked[at] for at in random.integers(0, len(picked), ROWS)]
    if kind in NULL and random.random() < 0.5:
        values = [NULL[kind] if random.random() < 0.2 else value for value in values]
    if kind == "float" and random.random() < 0.2:
        values[int(random.integers(0, ROWS))] = np.inf * random.choice([1, -1])
    return pd.Series(values, dtype=DTYPES[kind])


def is_null(value: object) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


def to_json(value: object) -> object:
    value = value.item() if isinstance(value, np.generic) else value
    return None if is_null(value) else value


def some_categories(random: np.random.Generator, kind: str, values: pd.Series) -> list:
    """A part of the values, perhaps with others, as scikit-learn takes them: numbers ascending, null last."""
    known = [value for value in values.unique().tolist() if not is_null(value) and value not in (np.inf, -np.inf)]
    kept = [value for value in known if random.random() < 0.7] or known[:1]
    others = [value for value in POOLS[kind] if value not in kept and random.random() < 0.2]
    categories = kept + [value for at, value in enumerate(others) if value not in others[:at]]
    if kind == "text":
        random.shuffle(categories)
    else:
        categories = sorted(np.unique(np.array(categories, dtype=DTYPES[kind])).tolist())
    if kind in NULL and random.random() < 0.4:
        categories.append(NULL[kind])
    return categories


def make(number: int) -> dict:
    random = np.random.default_rng(number)
    kinds = [str(random.choice(list(POOLS))) for _ in range(random.integers(1, 4))]
    features = [f"f{at}" for at in range(len(kinds))]
    frame = pd.DataFrame({"kept": random.integers(0, 9, ROWS)} | dict(zip(features, (column(random, kind) for kind in kinds), strict=True)))
    params: dict = {"features": features}
    arguments: dict = {"sparse_output": False}
    frozen: dict = {}
    if random.random() < 0.6:
        categories = [some_categories(random, kind, frame[name]) for kind, name in zip(kinds, features, strict=True)]
        arguments["categories"] = categories
        as_json = [[to_json(value) for value in values] for values in categories]
        by_name = random.random() < 0.3
        params["categories"] = dict(zip(features, as_json, strict=True)) if by_name else as_json
    if random.random() < 0.5:
        arguments["handle_unknown"] = params["handle_unknown"] = str(random.choice(["ignore", "error"]))
    dtype = random.choice(["float64", "float64", "float32", "int64", "int8", "bool"])
    if dtype != "float64":
        arguments["dtype"], params["dtype"] = np.dtype(dtype).type, str(dtype)
    drop = random.choice(["none", "none", "first", "if_binary", "list"])
    # The categories are known once the encoder is fitted; a list picks among them.
    # Infinity is refused whatever the categories.
    finite = frame[features][~frame[features].isin([np.inf, -np.inf]).any(axis=1)]
    probe = OneHotEncoder(**(arguments | {"handle_unknown": "ignore"})).fit(finite)
    if drop == "list":
        arguments["drop"] = [values[random.integers(0, len(values))] for values in probe.categories_]
        params["drop"] = [to_json(value) for value in arguments["drop"]]
    elif drop != "none":
        arguments["drop"] = params["drop"] = str(drop)
    if "categories" not in arguments:
        as_json = [[to_json(value) for value in values] for values in probe.categories_]
        frozen = {name: {"categories": values} for name, values in zip(features, as_json, strict=True)}
    # What scikit-learn refuses to fit for unknown values it still encodes row by row: it is fitted on rows that it knows.
    encoder = OneHotEncoder(**arguments)
    known = finite if "categories" not in arguments else of_categories(finite, probe.categories_)
    encoder.fit(known)
    rejected = [row for row in range(ROWS) if raises(encoder, frame[features].iloc[[row]])]
    alive = frame.drop(index=rejected)
    encoded = pd.DataFrame(
        encoder.transform(alive[features]) if len(alive) else np.empty((0, len(encoder.get_feature_names_out()))),
        columns=encoder.get_feature_names_out(),
        index=alive.index,
    ).astype(str(dtype))
    answer = pd.concat([alive[["kept"]], encoded], axis=1)
    return {
        "params": params,
        "frozen": frozen,
        "input": [{"name": name} | encode(frame[name]) for name in frame.columns],
        "output": [{"name": str(name)} | encode(answer[name]) for name in answer.columns],
        "rejected": rejected,
    }


def of_categories(frame: pd.DataFrame, categories: list[np.ndarray]) -> pd.DataFrame:
    """A frame of the same types in which every value is a category."""
    first = {name: pd.Series([values[0]] * 2, dtype=frame[name].dtype) for name, values in zip(frame.columns, categories, strict=True)}
    return pd.DataFrame(first)


def raises(encoder: OneHotEncoder, row: pd.DataFrame) -> bool:
    try:
        encoder.transform(row)
    except ValueError:
        return True
    return False


def main() -> None:
    warnings.simplefilter("ignore")
    cases = [make(number) for number in range(CASES)]
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    text = f'{{"sklearn": "{sklearn.__version__}", "cases": [\n{lines}\n]}}\n'
    if sys.argv[1:] == ["--check"]:
        if OUTPUT.read_text() != text:
            sys.exit(f"{OUTPUT} is not what scikit-learn answers: run tests/golden/one_hot.py")
    else:
        OUTPUT.parent.mkdir(exist_ok=True)
        OUTPUT.write_text(text)


if __name__ == "__main__":
    main()
