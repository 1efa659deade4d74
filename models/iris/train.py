"""Trains a small model on the iris flowers, for graphs as the documentation of the described system shows them.

    PYTHONPATH=python/src:models python models/iris/train.py           # write the files
    PYTHONPATH=python/src:models python models/iris/train.py --check   # write nothing; fail if a committed file differs

The dataset comes with scikit-learn. Nothing is written unless ONNX Runtime agrees with scikit-learn on every row: labels equal,
probabilities within 1e-5.
"""

import csv
import io
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import skl2onnx
from exported import tidy
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = Path("models") / "iris"
FEATURES = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
OPSETS = {"": 18, "ai.onnx.ml": 3}
TOLERANCE = 1e-5
SOLVER_TOLERANCE = 1e-10


def to_onnx(model: LogisticRegression) -> bytes:
    exported = skl2onnx.to_onnx(
        model,
        name="iris-logistic-regression",
        initial_types=[("float_input", FloatTensorType([None, len(FEATURES)]))],
        options={id(model): {"zipmap": False}},
        target_opset=OPSETS,
    )
    exported.producer_name = "caz"
    exported.producer_version = ""
    tidy(exported, {"features": json.dumps(FEATURES)}, full_check=True)
    return exported.SerializeToString(deterministic=True)


def expected(features: np.ndarray, labels: np.ndarray, probabilities: np.ndarray) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*FEATURES, "label", "p0", "p1", "p2"])
    for row, label, answer in zip(features.tolist(), labels.tolist(), probabilities.tolist(), strict=True):
        writer.writerow([*row, label, *(repr(probability) for probability in answer)])
    return text.getvalue()


def same(name: str, made: bytes, committed: bytes) -> bool:
    if name.endswith(".onnx"):
        return made == committed
    # Linear algebra has other kernels on other processors, so the solver stops elsewhere within its tolerance.
    rows = [list(csv.reader(io.StringIO(text.decode()))) for text in (made, committed)]
    numbers = [np.array(table[1:], dtype=float) for table in rows]
    return rows[0][0] == rows[1][0] and numbers[0].shape == numbers[1].shape and np.allclose(*numbers, rtol=0, atol=SOLVER_TOLERANCE)


def main() -> None:
    features, species = load_iris(return_X_y=True)
    features = features.astype(np.float32).astype(np.float64).round(1)
    # Newton to a tight tolerance: the solution, not the path to it, decides the float32 coefficients of the ONNX file.
    model = LogisticRegression(solver="newton-cg", tol=SOLVER_TOLERANCE, max_iter=1000).fit(features, species)
    inputs = features.astype(np.float32)
    labels, probabilities = model.predict(inputs), model.predict_proba(inputs)
    exported = to_onnx(model)
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    run_labels, run_probabilities = session.run(["label", "probabilities"], {"float_input": inputs})
    if not np.array_equal(run_labels, labels) or np.abs(run_probabilities - probabilities).max() > TOLERANCE:
        sys.exit("ONNX Runtime and scikit-learn do not agree")
    files = {"logistic-regression.onnx": exported, "expected.csv": expected(features, labels, probabilities).encode()}
    check = sys.argv[1:] == ["--check"]
    for name, made in files.items():
        path = ROOT / OUTPUT / name
        if not check:
            path.write_bytes(made)
        elif not same(name, made, path.read_bytes()):
            sys.exit(f"{OUTPUT / name} is not what the script makes: run scripts/train-models")


if __name__ == "__main__":
    main()
