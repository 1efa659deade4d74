"""Writes the golden vectors of the Pandas node: what pandas 2.2.3 answers, call by call.

    python tests/golden/generate.py           # write tests/golden/pandas/*.json.gz
    python tests/golden/generate.py --check   # write nothing; fail if a committed file differs

A case is one call on a frame: the edge cases that each family lists, and for each operation CALLS random calls on frames of their own.
Where pandas raises on a whole column, the rows that raise by themselves are listed as rejected, and the answer is that for the other rows.
Floats are written by their bits. Frames that several cases share are written once.
"""

import argparse
import datetime
import gzip
import json
import sys
import warnings
from decimal import Decimal
from pathlib import Path

import dispatch  # noqa: F401  before NumPy: chooses its code
import fitted
import numpy as np
import pandas as pd
from case import Case
from draw import Draw
from families import DRAWS, EDGES

PANDAS = "2.2.3"
CALLS = 200
OUTPUT = Path(__file__).parent / "pandas"
CANONICAL_NAN = {"float64": 0x7FF8000000000000, "float32": 0x7FC00000}


def encode(series: pd.Series) -> dict:
    """A column: its dtype and its values; null is null, or NaN's canonical bits; Python's dates are days since 1970,
    its times microseconds, its decimals of one scale digits."""
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
    if all(isinstance(value, Decimal) for value in values if value is not None):
        scale = max(-value.as_tuple().exponent for value in values if value is not None)
        digits = [None if value is None else f"{'-' * value.is_signed()}{''.join(map(str, value.as_tuple().digits))}" for value in values]
        return {"dtype": f"decimal128(38, {scale})", "values": digits}
    if all(isinstance(value, datetime.time) for value in values if value is not None):
        return {"dtype": "time64(µs)", "values": [value and micros(value) for value in values]}
    if all(type(value) is datetime.date for value in values if value is not None):
        return {"dtype": "date32", "values": [value and (value - datetime.date(1970, 1, 1)).days for value in values]}
    if all(isinstance(value, bool | np.bool_) for value in values if value is not None):
        return {"dtype": "bool", "flags": "".join("_" if value is None else "01"[value] for value in values)}
    raise TypeError(f"no encoding for {dtype}: {values}")


def micros(time: datetime.time) -> int:
    """Microseconds since midnight."""
    return ((time.hour * 60 + time.minute) * 60 + time.second) * 10**6 + time.microsecond


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


def answer(case: Case, frames: dict[str, int]) -> dict | None:
    """The case with pandas' answer, None where no row has one; its frame is added to `frames` if it is new."""
    df = case.frame
    rejected: list[int] = []
    out = attempt(case, df)
    if out is None:
        rejected = [row for row in range(len(df)) if attempt(case, df.iloc[[row]]) is None]
        kept = df.drop(index=df.index[rejected])
        out = attempt(case, kept) if len(kept) else None
        if out is None:
            return None
    if not out.columns.is_unique:
        return None
    skipped = [] if len(out) == len(df) - len(rejected) else [row for row in df.index.difference(out.index) if row not in rejected]
    output = encode_answer(out, df)
    frame = compact(encode_frame(df))
    record = {"params": case.params, "input": frames.setdefault(frame, len(frames)), "output": output}
    if case.frozen:
        record["frozen"] = case.frozen
    if rejected:
        record["rejected"] = rejected
    if skipped:
        record["skipped"] = [int(row) for row in skipped]
    return record


def compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def drawn(family: str, frames: dict[str, int]) -> list[dict]:
    """CALLS random calls of each operation, no two the same."""
    records = []
    for operation, draw in DRAWS[family].items():
        found: set[str] = set()
        attempts = 0
        while len(found) < CALLS:
            attempts += 1
            if attempts > 20 * CALLS:
                raise RuntimeError(f"{operation}: {len(found)} calls after {attempts} attempts")
            draws = Draw([attempts, *operation.encode()])
            call = draw(draws)
            case = Case({"import": operation, **call.params}, draws.frame, call.run, call.frozen)
            record = answer(case, frames)
            if record is not None and (text := compact(record)) not in found:
                found.add(text)
                records.append(record)
    return records


def write(family: str, check: bool) -> bool:
    frames: dict[str, int] = {}
    records = [answer(case, frames) for case in EDGES[family]()] + drawn(family, frames)
    head = {"pandas": PANDAS, "numpy": np.__version__, "libc": dispatch.LIBC}
    parts = [f'{compact(head)[:-1]},"frames":[', ",\n".join(frames), '],"cases":[', ",\n".join(map(compact, records)), "]}\n"]
    text = "\n".join(parts)
    path = OUTPUT / f"{family}.json.gz"
    if check:
        return same(path, text)
    packed = gzip.compress(text.encode(), 9, mtime=0)
    path.write_bytes(packed)
    print(f"{path.name}: {len(records)} calls, {len(frames)} frames, {len(text) / 1024:.0f} KiB, packed {len(packed) / 1024:.0f} KiB")
    return True


def same(path: Path, text: str) -> bool:
    """Whether a committed file holds this text; tells the first line that differs."""
    committed = gzip.decompress(path.read_bytes()).decode() if path.exists() else ""
    if committed == text:
        return True
    pairs = zip(committed.splitlines(), text.splitlines(), strict=False)
    differing = next(((old, new) for old, new in pairs if old != new), ("", ""))
    print(f"{path} differs from what pandas answers:\n  {differing[0][:600]}\n  {differing[1][:600]}", file=sys.stderr)
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("families", nargs="*", help="these families only")
    arguments = parser.parse_args()
    if pd.__version__ != PANDAS:
        print(f"pandas {PANDAS} is needed, this is {pd.__version__}", file=sys.stderr)
        return 2
    warnings.simplefilter("ignore")
    OUTPUT.mkdir(exist_ok=True)
    same = [write(family, arguments.check) for family in arguments.families or EDGES]
    if not arguments.families:
        same.append(fitted.write(arguments.check))
    return 0 if all(same) else 1


if __name__ == "__main__":
    sys.exit(main())
