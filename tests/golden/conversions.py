"""Writes tests/golden/conversions.json: what `df.values.astype(element)` makes of a frame's columns.

No event has integers without a sign: `astype` tells which columns become such.

python tests/golden/conversions.py           # write the file
python tests/golden/conversions.py --check   # fail if the committed file differs
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

OUTPUT = Path(__file__).with_name("conversions.json")
SEED = 17

# Beyond what a float holds, on both sides of every tie, and the same beyond what a double holds.
INTEGERS = [
    0,
    1,
    -1,
    2**24,
    2**24 + 1,
    2**24 + 3,
    2**25 + 2,
    2**53 + 1,
    2**53 + 2**29 + 1,
    2**60 + 2**36 + 1,
    -(2**62) + 2**39 + 1,
    -(2**53) - 2**29 - 1,
    2**62 + 1,
    2**63 - 1,
    -(2**63),
]
FLOATS = [0.0, -0.0, 0.1, 1.0 + 2**-24, 1.0 + 2**-24 + 2**-50, 1.0 + 3 * 2**-24, 1e-40, 1e-46, 3.4e38, 1e10, -2.5, 16777217.0, 1e-300]
HALVES = [0.1, 1.0 + 2**-11, 1.0 + 2**-11 + 2**-40, 1.0 + 3 * 2**-11, 65504.0, 65519.0, 6e-8, 2.9e-8, 0.07544 + 2**-20, 2049.0]


def case(frame: pd.DataFrame, element: str, **unsigned: str) -> dict:
    types = {"int64": "long", "int32": "int", "float64": "double", "float32": "float", "bool": "boolean"}
    answers = frame.astype(unsigned).values.astype(element)
    return {
        "fields": {name: types[str(dtype)] for name, dtype in frame.dtypes.items()},
        "astype": unsigned,
        "element": element,
        "rows": {name: column.tolist() for name, column in frame.items()},
        "expected": [[float(value) for value in row] for row in answers],
    }


def cases() -> list[dict]:
    random = np.random.default_rng(SEED)
    integers = np.array(INTEGERS + random.integers(-(2**63), 2**63 - 1, 200).tolist(), dtype="int64")
    normal, exponents = random.normal(0, 1, 200), random.integers(-30, 30, 200)
    # NumPy's powers depend on the processor.
    floats = np.array(FLOATS + (normal * [float(f"1e{exponent}") for exponent in exponents]).tolist())
    halves = np.array(HALVES + random.normal(0, 100, 200).tolist() + (np.round(random.normal(0, 1, 200), 5)).tolist())
    small = random.integers(-2048, 2048, 100)
    mixed = min(len(integers), len(floats))
    return [
        case(pd.DataFrame({"a": integers, "b": integers[::-1]}), "float32"),
        case(pd.DataFrame({"a": integers[:mixed], "b": floats[:mixed]}), "float32"),
        case(pd.DataFrame({"a": integers, "b": integers > 0}), "float32"),
        case(pd.DataFrame({"a": integers.astype("int32"), "b": integers}), "float64"),
        case(pd.DataFrame({"a": floats, "b": floats[::-1]}), "float32"),
        case(pd.DataFrame({"a": floats.astype("float32")}), "float64"),
        case(pd.DataFrame({"a": halves}), "float16"),
        case(pd.DataFrame({"a": halves.astype("float32")}), "float16"),
        case(pd.DataFrame({"a": small}), "float16"),
        case(pd.DataFrame({"a": integers > 0}), "float32"),
        case(pd.DataFrame({"a": integers, "b": integers}), "float32", b="uint32"),
        case(pd.DataFrame({"a": integers, "b": integers}), "float32", b="uint64"),
        case(pd.DataFrame({"a": integers, "b": integers[::-1]}), "float32", a="uint64", b="uint8"),
        case(pd.DataFrame({"a": integers, "b": integers > 0}), "float32", a="uint64"),
        case(pd.DataFrame({"a": integers}), "float64", a="uint64"),
        case(pd.DataFrame({"a": abs(small) * 31}), "float16", a="uint16"),
    ]


def main() -> None:
    np.seterr(all="ignore")
    content = json.dumps(cases(), indent=None, separators=(",", ":")).replace('{"fields"', '\n{"fields"') + "\n"
    if "--check" not in sys.argv:
        OUTPUT.write_text(content)
    elif OUTPUT.read_text() != content:
        sys.exit(f"{OUTPUT} is not what this script makes")


if __name__ == "__main__":
    main()
