"""Asks the real pandas what the examples of the Pandas node give, and writes it into them; `--check` writes nothing and compares.

Standard input is `caz reference examples`: every example as JSON, by its path below this folder without its ending. Of each file what
stands before `types:` is written by hand; `types` and `gives` are pandas' answer. Run it with `scripts/examples`.
"""

import collections
import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd

FOLDER = Path(__file__).parent
FUNCTIONS = {"to_datetime": pd.to_datetime, "to_numeric": pd.to_numeric, "cut": pd.cut}
NUMPY = {"log", "log10", "log2", "log1p", "exp", "expm1", "sqrt", "floor", "ceil"}
ON_FRAME = {"assign", "eval", "query", "drop", "rename", "reindex", "select_dtypes", "dropna", "get_dummies"}
WORDS = {"null", "true", "false", "yes", "no", "nan", "inf", "on", "off", "y", "n"}


def frame_of(fields: dict, rows: list) -> pd.DataFrame:
    """The frame that JsonToDataframe makes of events with these fields."""
    return pd.DataFrame({name: series_of(kind, [row.get(name) for row in rows]) for name, kind in fields.items()})


def series_of(kind: str, values: list) -> pd.Series:
    name = kind.rstrip("?")
    if "timestamp" in name:
        zone = not name.startswith("local")
        return pd.to_datetime(pd.Series(values, dtype=object), utc=zone, format="ISO8601").astype(
            f"datetime64[ns{', UTC' if zone else ''}]"
        )
    if name in ("float", "double") or (name in ("int", "long") and kind.endswith("?")):
        return pd.Series(values, dtype="float64")
    if name in ("int", "long"):
        return pd.Series(values, dtype="int64")
    return pd.Series(values, dtype="bool" if kind == "boolean" else object)


def ask(df: pd.DataFrame, params: dict, frozen: dict) -> pd.DataFrame:
    """The same call in pandas."""
    name, kwargs = params["import"], dict(params.get("kwargs", {}))
    cols, into = as_list(params.get("cols")), as_list(params.get("into"))
    if name in ON_FRAME:
        return ask_frame(df, name, kwargs, frozen)
    answer = df.copy()
    if cols is None:
        cols = list(df.columns)
    if name in ("str.split", "str.extract"):
        parts = getattr(df[cols[0]].str, name.removeprefix("str."))(**kwargs)
        return answer.assign(**{into[at]: parts[part] for at, part in enumerate(parts.columns)})
    for col, target in zip(cols, into or cols, strict=True):
        answer[target] = ask_series(df, df[col], name, dict(kwargs), frozen)
    return answer


def ask_frame(df: pd.DataFrame, name: str, kwargs: dict, frozen: dict) -> pd.DataFrame:
    if name == "assign":
        for column, expression in kwargs.items():
            df = df.assign(**{column: eval(expression, {"round": lambda values, decimals: values.round(decimals)}, dict(df.items()))})
        return df
    if name != "get_dummies":
        return getattr(df, name)(**kwargs)
    frozen_types = {column: pd.CategoricalDtype(statistics["categories"]) for column, statistics in frozen.items()}
    return pd.get_dummies(df.astype(frozen_types), **kwargs)


def ask_series(df: pd.DataFrame, series: pd.Series, name: str, kwargs: dict, frozen: dict) -> pd.Series:
    for operand in ("other", "left", "right"):
        if isinstance(kwargs.get(operand), dict):
            kwargs[operand] = df[kwargs[operand]["column"]]
    if name in NUMPY:
        with np.errstate(all="ignore"):
            return getattr(np, name)(series)
    if name == "to_datetime":
        kwargs.setdefault("format", "ISO8601")
    if name in FUNCTIONS:
        return FUNCTIONS[name](series, **kwargs)
    if name == "fillna" and isinstance(kwargs["value"], dict):
        kwargs["value"] = frozen[series.name][kwargs["value"]["frozen"]]
    if name in ("qcut", "factorize", "top_k"):
        return ask_frozen(series, name, kwargs, frozen[series.name])
    if name == "map" and "default" in kwargs:
        default = kwargs.pop("default")
        kwargs["arg"] = collections.defaultdict(lambda: default, kwargs["arg"])
    if name in ("where", "mask"):
        ((relation, value),) = kwargs["cond"].items()
        kwargs["cond"] = df[value] if relation == "column" else getattr(series, relation)(value)
    if name.startswith("str.") and isinstance(kwargs.get("pat"), list):
        kwargs["pat"] = tuple(kwargs["pat"])
    owner, _, method = name.rpartition(".")
    found = getattr(getattr(series, owner) if owner else series, method)
    return found(**kwargs) if callable(found) else found


def ask_frozen(series: pd.Series, name: str, kwargs: dict, statistics: dict) -> pd.Series:
    """What pandas would answer, had it the statistics of the training data."""
    (values,) = statistics.values()
    if name == "qcut":
        return pd.cut(series, values, labels=kwargs.get("labels"), include_lowest=True)
    if name == "factorize":
        return pd.Series(pd.Categorical(series, values).codes.astype("int64"), index=series.index)
    return series.where(series.isin(values), kwargs["others"])


def as_list(value: str | list | None) -> list | None:
    return [value] if isinstance(value, str) else value


def fails(df: pd.DataFrame, example: dict) -> bool:
    try:
        ask(df, example["params"], example.get("frozen", {}))
    except (ValueError, TypeError, OverflowError):
        return True
    return False


def answer(example: dict) -> tuple[dict, list]:
    """The types and what becomes of each row: rows that pandas raises for when they stand alone are rejected."""
    df = frame_of(example["fields"], example["rows"])
    rejected = {row for row in df.index if fails(df.loc[[row]], example)}
    result = ask(df.drop(index=list(rejected)), example["params"], example.get("frozen", {}))
    # The words of a rejection are caz's.
    said = dict(enumerate(example.get("gives", [])))
    gives = []
    for row in df.index:
        if row in rejected:
            gives.append({"rejected": said.get(row, {}).get("rejected", "?")})
        elif row not in result.index:
            gives.append({"skipped": said.get(row, {}).get("skipped", "?")})
        else:
            gives.append({name: plain(result[name].loc[row]) for name in result.columns})
    return {name: dtype(result[name]) for name in result.columns}, gives


def dtype(series: pd.Series) -> str:
    """The dtype; a column of True, False and None is caz's Boolean column with nulls."""
    flags = series.dtype == object and len(series) > 0 and all(value is None or isinstance(value, bool) for value in series)
    return "bool" if flags and not series.isna().all() else str(series.dtype)


def plain(value: object) -> object:
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        # Fractions of a second in groups of three digits.
        return re.sub(r"(\.\d{3})(?:000)+", r"\1", value.isoformat()).replace("+00:00", "Z")
    value = value.item() if isinstance(value, np.generic) else value
    return str(value) if isinstance(value, float) and np.isinf(value) else value


def yaml(value: object) -> str:
    """A value as YAML writes it on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{yaml(key)}: {yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, str) and re.fullmatch(r"[^\W\d_][\w .+-]*\w|[^\W\d_]", value) and value.lower() not in WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)


def main() -> None:
    stale = []
    for name, example in json.load(sys.stdin).items():
        if not name.startswith("pandas/"):
            continue
        path = FOLDER / f"{name}.yaml"
        text = path.read_text()
        types, gives = answer(example)
        rows = "".join(f"  - {yaml(row)}\n" for row in gives)
        fresh = f"{text.split('types:')[0]}types: {yaml(types)}\ngives:\n{rows}"
        if fresh != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(fresh)
    if "--check" in sys.argv and stale:
        sys.exit(f"pandas {pd.__version__} answers otherwise: {', '.join(stale)}; scripts/examples writes its answers")


main()
