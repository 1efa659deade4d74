"""Writes the golden vectors of `caz fit`: what pandas 2.2.3 learns of a column, and what it then answers for the same rows.

    python tests/golden/fitted.py           # write tests/golden/pandas/fitted.json.gz
    python tests/golden/fitted.py --check   # write nothing; fail if the committed file differs

A case is one call of an operation that needs a statistic, on a column of seeded values. `statistic` is its key in the statistics file and
`value` what must stand there. Floats are written by their bits.
"""

import argparse
import gzip
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

PANDAS = "2.2.3"
OUTPUT = Path(__file__).parent / "pandas" / "fitted.json.gz"


def bits(values: np.ndarray) -> str:
    width = values.dtype.itemsize
    return values.view(f"u{width}").astype(f">u{width}").tobytes().hex()


def encode(series: pd.Series) -> dict:
    """A column: its dtype and its values; a null float has the bits of NaN."""
    dtype = str(series.dtype)
    if dtype.startswith("float"):
        values = series.to_numpy().copy()
        values[np.isnan(values)] = np.nan
        return {"dtype": dtype, "bits": bits(values)}
    if dtype == "category":
        return {"dtype": dtype, "categories": [str(one) for one in series.cat.categories], "values": series.cat.codes.tolist()}
    if dtype.startswith("datetime64"):
        return {"dtype": dtype, "values": [None if pd.isna(value) else value.value for value in series]}
    if dtype == "bool":
        return {"dtype": dtype, "flags": "".join("01"[value] for value in series)}
    return {"dtype": dtype, "values": [None if pd.isna(value) else value for value in series]}


def statistic(value: object) -> object:
    """A statistic: floats by their bits, the rest as it is."""
    if isinstance(value, float | np.floating):
        return {"bits": bits(np.array([value], dtype="float64"))}
    if isinstance(value, list | np.ndarray | pd.Index):
        return [statistic(one) for one in value]
    return value.item() if isinstance(value, np.generic) else value


def case(series: pd.Series, operation: str, kwargs: dict, key: str, value: object, answer: pd.Series | pd.DataFrame) -> dict:
    columns = answer.to_frame("x") if isinstance(answer, pd.Series) else answer
    output = [{"name": str(name)} | encode(columns[name]) for name in columns.columns]
    params = {"import": operation, "kwargs": kwargs}
    return {"params": params, "input": encode(series), "statistic": key, "value": statistic(value), "output": output}


def rng(name: str) -> np.random.Generator:
    return np.random.default_rng(list(name.encode()))


def numbers(name: str, rows: int, dtype: str = "float64", nulls: float = 0.15) -> pd.Series:
    """Numbers of many sizes, some of them equal, some null."""
    random = rng(name)
    if dtype == "int64":
        return pd.Series(random.integers(-50, 50, rows) * 10 ** random.integers(0, random.integers(1, 16), rows))
    values = random.normal(0, 10.0 ** random.integers(-3, 6), rows) * 10.0 ** random.integers(-2, 3, rows)
    values = np.where(random.random(rows) < 0.3, np.round(values), values)
    values = np.where(random.random(rows) < 0.2, values[random.integers(0, rows, rows)], values) + 0.0
    values[random.random(rows) < nulls] = np.nan
    values[random.integers(0, rows)] = 1.5
    return pd.Series(values.astype(dtype))


def texts(name: str, rows: int) -> pd.Series:
    random = rng(name)
    words = ["vw", "bmw", "Ünï", "", "škoda", "a", "B", "10", "9", "日本", "é", "e\u0301", "🚗", "nan"][: random.integers(1, 15)]
    values = random.choice(np.array([*words, None], dtype=object), rows, p=None)
    values[0] = words[0]
    return pd.Series(values, dtype=object)


def sizes(name: str, count: int, most: int = 60) -> Iterator[tuple[str, int]]:
    random = rng(name)
    for index in range(count):
        yield f"{name}{index}", int(random.integers(1, most))


def fills() -> Iterator[dict]:
    measures: dict[str, Callable[[pd.Series], float]] = {
        "median": lambda s: s.median(), "mean": lambda s: s.mean(), "mode": lambda s: s.mode()[0],
    }  # fmt: skip
    for measure, of in measures.items():
        kwargs = {"value": {"frozen": measure}}
        for dtype in ["float64", "float32"]:
            columns = [numbers(name, rows, dtype) for name, rows in sizes(measure + dtype, 110)]
            if measure == "mean":
                # NumPy's sum goes by blocks of 128 rows, halves and buffers.
                columns += [numbers(f"long{rows}", rows, dtype) for rows in [127, 128, 129, 136, 255, 257, 1000, 4099]]
            for column in columns:
                yield case(column, "fillna", kwargs, measure, of(column), column.fillna(of(column)))
    for name, rows in sizes("modes", 60):
        column = texts(name, rows)
        yield case(column, "fillna", {"value": {"frozen": "mode"}}, "mode", column.mode()[0], column.fillna(column.mode()[0]))


def cuts() -> Iterator[dict]:
    for dtype in ["float64", "int64"]:
        for name, rows in sizes("cut" + dtype, 130):
            column, random = numbers(name, rows, dtype), rng(name + "kwargs")
            bins, right = int(random.integers(1, 9)), bool(random.random() < 0.6)
            kwargs = {"bins": bins} | ({} if right else {"right": False})
            kwargs |= [{}, {"labels": False}, {"precision": 1}, {"include_lowest": True}, {"labels": list("abcdefgh")[:bins]}][
                random.integers(5)
            ]
            answer, edges = pd.cut(column, retbins=True, **kwargs)
            key = f"bins={bins}" + ("" if right else ",left")
            yield case(column, "cut", kwargs, key, edges, through_null(answer))


def through_null(answer: pd.Series) -> pd.Series:
    """Codes are int64 in pandas where no row is outside; a row of the stream can be, so they are float64."""
    return answer.astype("float64") if answer.dtype == "int64" else answer


def qcuts() -> Iterator[dict]:
    lists = [[0, 0.5, 1], [0, 0.1, 0.35, 0.9, 1], [0.2, 0.8], [0, 0.07, 0.29, 0.57, 1]]
    for dtype in ["float64", "float32", "int64"]:
        for name, rows in sizes("qcut" + dtype, 130):
            column, random = numbers(name, rows, dtype), rng(name + "kwargs")
            listed = random.random() < 0.3
            q = lists[random.integers(len(lists))] if listed else int(random.integers(1, 11))
            kwargs = {"q": q, "duplicates": "drop"} | [{}, {"labels": False}, {"precision": 1}][random.integers(3)]
            quantiles = column.dropna().quantile(np.linspace(0, 1, q + 1) if not listed else q).to_numpy().astype("float64")
            if len(np.unique(quantiles)) < 2:
                continue
            key = f"quantiles=[{','.join(str(one) for one in q)}]" if listed else f"quantiles={q}"
            answer = pd.qcut(column, **kwargs)
            yield case(column, "qcut", kwargs, key, quantiles, through_null(answer))
    # Of edges that are all equal one is left, and no value is in an interval.
    for column in [pd.Series([2.0] * 4), pd.Series([0.0, np.nan, 0.0]), pd.Series([5] * 6)]:
        kwargs = {"q": 4, "duplicates": "drop", "labels": False}
        quantiles = column.dropna().quantile(np.linspace(0, 1, 5)).to_numpy().astype("float64")
        yield case(column, "qcut", kwargs, "quantiles=4", quantiles, through_null(pd.qcut(column, **kwargs)))


def groups() -> Iterator[dict]:
    makers = {
        "object": texts,
        "int64": lambda name, rows: numbers(name, rows, "int64") % 7,
        "float64": lambda name, rows: numbers(name, rows).round(-1) + 0.0,
    }
    for dtype, make in makers.items():
        for name, rows in sizes("group" + dtype, 70):
            column = make(name, rows)
            present = column.dropna()
            codes, order = pd.factorize(column)
            yield case(column, "factorize", {}, "order", order, pd.Series(codes))
            codes, order = pd.factorize(column, sort=True)
            yield case(column, "factorize", {"sort": True}, "categories", order, pd.Series(codes))
            k, others = 1 + rows % 5, {"object": "Others", "int64": -1, "float64": -0.5}[dtype]
            # Equal counts are in no defined order in pandas: the smaller value is first.
            ranked = sorted(present.value_counts().items(), key=lambda item: (-item[1], item[0]))
            top = [value for value, _ in ranked[:k]]
            yield case(column, "top_k", {"k": k, "others": others}, f"top={k}", top, column.where(column.isin(top), others))
            dummies = pd.get_dummies(column.to_frame("x"), columns=["x"])
            yield case(column, "get_dummies", {"columns": ["x"]}, "categories", sorted(present.unique()), dummies)
    for name, rows in sizes("category", 40):
        column = texts(name, rows)
        yield case(column, "astype", {"dtype": "category"}, "categories", sorted(column.dropna().unique()), column.astype("category"))


def formats() -> Iterator[dict]:
    stamps = pd.date_range("1999-12-25T07:08:09", periods=40, freq="37d5h").to_series(index=range(40))
    known = ["%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%d/%m/%Y", "%m/%d/%Y %H:%M", "%Y%m%d", "%d %B %Y"]
    for format_ in [*known, "%b %d, %Y", "%m/%d/%Y %I:%M %p", "%d.%m.%Y", "%Y%m%d%H%M", "%Y%m%dT%H%M"]:
        column = stamps.dt.strftime(format_)
        column = pd.concat([column, pd.Series([None], dtype=object)], ignore_index=True).astype(object)
        yield case(column, "to_datetime", {}, "format", format_, pd.to_datetime(column, format=format_))
    zoned = stamps.dt.tz_localize("UTC").map(lambda stamp: stamp.isoformat()).astype(object)
    yield case(zoned, "to_datetime", {"utc": True}, "format", "%Y-%m-%dT%H:%M:%S%z", pd.to_datetime(zoned, utc=True))


def write(check: bool) -> bool:
    """Writes the file, or says whether the committed one is what would be written."""
    warnings.simplefilter("ignore")
    cases = [one for family in [fills, cuts, qcuts, groups, formats] for one in family()]
    lines = ",\n".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in cases)
    text = f'{{"pandas":"{PANDAS}","cases":[\n{lines}\n]}}\n'
    if check:
        same = OUTPUT.exists() and gzip.decompress(OUTPUT.read_bytes()).decode() == text
        if not same:
            print(f"{OUTPUT} differs from what pandas answers", file=sys.stderr)
        return same
    packed = gzip.compress(text.encode(), 9, mtime=0)
    OUTPUT.write_bytes(packed)
    print(f"{OUTPUT.name}: {len(cases)} calls, {len(text) / 1024:.0f} KiB, packed {len(packed) / 1024:.0f} KiB")
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    if pd.__version__ != PANDAS:
        print(f"pandas {PANDAS} is needed, this is {pd.__version__}", file=sys.stderr)
        return 2
    return 0 if write(check) else 1


if __name__ == "__main__":
    sys.exit(main())
