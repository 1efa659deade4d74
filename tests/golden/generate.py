"""Writes the golden vectors of the Pandas node: what pandas 2.2.3 answers, call by call.

    python tests/golden/generate.py           # write tests/golden/pandas/*.json and tests/golden/fitted.json
    python tests/golden/generate.py --check   # write nothing; fail if a committed file differs

A case is one call on a frame of seeded values and edge cases. Where pandas raises on a whole column, the rows that raise by themselves
are listed as rejected, and the answer is that for the other rows. Floats are written by their bits.
"""

import argparse
import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import families
import fitted
import numpy as np
import pandas as pd
import rowwise
from case import Case

PANDAS = "2.2.3"
OUTPUT = Path(__file__).parent / "pandas"
CANONICAL_NAN = {"float64": 0x7FF8000000000000, "float32": 0x7FC00000}


def encode(series: pd.Series) -> dict:
    """A column: its dtype and its values; null is null, or NaN's canonical bits."""
    dtype = str(series.dtype)
    if dtype in CANONICAL_NAN:
        width = series.dtype.itemsize
        bits = series.to_numpy().copy().view(f"u{width}")
        bits[series.isna().to_numpy()] = CANONICAL_NAN[dtype]
        return {"dtype": dtype, "bits": bits.astype(f">u{width}").tobytes().hex()}
    if dtype == "category":
        categories = [str(category) for category in series.cat.categories]
        return {"dtype": dtype, "categories": categories, "values": series.cat.codes.tolist()}
    if dtype.startswith("datetime64"):
        values = [None if null else value for value, null in zip(series.astype("int64").tolist(), series.isna(), strict=True)]
        return {"dtype": dtype, "values": values}
    if dtype == "bool":
        return {"dtype": dtype, "flags": "".join("01"[value] for value in series)}
    if series.dtype.kind in "iu":
        return {"dtype": dtype, "values": series.tolist()}
    values = [None if pd.isna(value) else value for value in series]
    if all(isinstance(value, str) for value in values if value is not None):
        return {"dtype": "object", "values": values}
    if all(isinstance(value, bool | np.bool_) for value in values if value is not None):
        return {"dtype": "bool", "flags": "".join("_" if value is None else "01"[value] for value in values)}
    raise TypeError(f"no encoding for {dtype}: {values}")


def encode_frame(df: pd.DataFrame) -> list[dict]:
    return [{"name": str(name)} | encode(df[name]) for name in df.columns]


def encode_answer(out: pd.DataFrame, df: pd.DataFrame) -> list[dict]:
    """The columns of an answer; one that came through unchanged is only named."""
    columns = []
    for name in out.columns:
        encoded = encode(out[name])
        unchanged = name in df.columns and encoded == encode(df.loc[out.index, name])
        columns.append({"name": str(name)} | ({"same": True} if unchanged else encoded))
    return columns


def attempt(case: Case, df: pd.DataFrame) -> pd.DataFrame | None:
    try:
        return case.run(df)
    except (ValueError, TypeError, OverflowError, KeyError, pd.errors.OutOfBoundsDatetime, pd.errors.IntCastingNaNError):
        return None


def answer(case: Case, frames: list[str]) -> dict:
    """The case with pandas' answer; its frame is added to `frames` if it is new."""
    df = case.frame
    rejected: list[int] = []
    out = attempt(case, df)
    if out is None:
        rejected = [row for row in range(len(df)) if attempt(case, df.iloc[[row]]) is None]
        kept = df.drop(index=df.index[rejected])
        out = case.run(kept)
    skipped = [] if len(out) == len(df) - len(rejected) else [row for row in df.index.difference(out.index) if row not in rejected]
    frame = compact(encode_frame(df))
    if frame not in frames:
        frames.append(frame)
    record = {"params": case.params, "input": frames.index(frame), "output": encode_answer(out, df)}
    if case.frozen:
        record["frozen"] = case.frozen
    if rejected:
        record["rejected"] = rejected
    if skipped:
        record["skipped"] = [int(row) for row in skipped]
    return record


def compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def write(name: str, cases: list[Case], check: bool) -> bool:
    frames: list[str] = []
    lines = ",\n".join(compact(answer(case, frames)) for case in cases)
    inputs = ",\n".join(frames)
    text = f'{{"pandas":"{PANDAS}","frames":[\n{inputs}\n],"cases":[\n{lines}\n]}}\n'
    path = OUTPUT / f"{name}.json"
    if check:
        same = path.exists() and path.read_text() == text
        if not same:
            print(f"{path} differs from what pandas answers", file=sys.stderr)
        return same
    path.write_text(text)
    rows = sum(len(case.frame) for case in cases)
    print(f"{path.name}: {len(cases)} calls, {rows} rows, {len(text) / 1024:.0f} KiB")
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if pd.__version__ != PANDAS:
        print(f"pandas {PANDAS} is needed, this is {pd.__version__}", file=sys.stderr)
        return 2
    warnings.simplefilter("ignore")
    OUTPUT.mkdir(exist_ok=True)
    generators: dict[str, Callable[[], list[Case]]] = families.ALL | rowwise.ALL
    same = [write(name, generate(), arguments.check) for name, generate in generators.items()]
    return 0 if all([*same, fitted.write(arguments.check)]) else 1


if __name__ == "__main__":
    sys.exit(main())
