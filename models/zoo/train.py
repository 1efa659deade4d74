"""Trains a small model of every kind and writes each with what its own library answers.

    PYTHONPATH=python/src:models python models/zoo/train.py           # write the files
    PYTHONPATH=python/src:models python models/zoo/train.py --check   # write nothing; fail if a committed file differs

The same library versions give the same bytes. Before anything is written ONNX Runtime must agree with the library that trained the model
on every row: labels equal, numbers within 1e-5.
"""

import argparse
import json
import sys
import warnings
from pathlib import Path

import columns
import networks
import numpy as np
import opsets
import tabular
from case import Case

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = Path("models") / "zoo"
OPSETS = Path("tests") / "golden" / "opsets"  # for tests only: no models that a pipeline would name


def artifacts() -> dict[Path, bytes]:
    """Every file this script makes, by its path from the root."""
    files: dict[Path, bytes] = {}
    cases: list[Case] = [case for family in (tabular, columns, networks) for case in family.cases()]
    for case in cases:
        content = case.onnx_bytes()
        print(f"{case.name}: {len(content)} bytes, ONNX Runtime within {case.verify():.2g} of its origin")
        files[OUTPUT / f"{case.name}.onnx"] = content
        files[OUTPUT / f"{case.name}.json"] = case.as_json()
    every_opset = opsets.cases()
    for case in every_opset:
        case.verify()
        files[OPSETS / f"{case.name}.onnx"] = case.onnx_bytes()
    print(f"{every_opset[0].name} to {every_opset[-1].name}: {len(every_opset)} files")
    files[OPSETS / "case.json"] = every_opset[0].as_json()
    return files


def same(committed: bytes, fresh: bytes, path: Path) -> bool:
    """Equal bytes; for answers equal to 1e-9, because their last bits depend on the machine's linear algebra."""
    if path.suffix != ".json" or committed == fresh:
        return committed == fresh
    ours, theirs = json.loads(committed), json.loads(fresh)
    if {**ours, "expected": list(ours["expected"])} != {**theirs, "expected": list(theirs["expected"])}:
        return False
    return all(
        np.allclose(values, theirs["expected"][column], rtol=0, atol=1e-9)
        if isinstance(values[0], float)
        else values == theirs["expected"][column]
        for column, values in ours["expected"].items()
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--check", action="store_true", help="write nothing; fail if a committed file differs")
    check = arguments.parse_args().check
    warnings.filterwarnings("ignore")

    files = artifacts()
    if not check:
        for path, fresh in files.items():
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_bytes(fresh)
        print(f"wrote {len(files)} files, {sum(map(len, files.values()))} bytes")
        return
    stale = [str(path) for path, fresh in files.items() if not (ROOT / path).exists() or not same((ROOT / path).read_bytes(), fresh, path)]
    if stale:
        sys.exit(f"not what this script makes: {', '.join(stale)}. Run scripts/train-models and commit the result")
    print("every file is up to date")


if __name__ == "__main__":
    main()
