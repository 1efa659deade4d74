"""Trains the two car insurance models and writes everything that a scorer and its tests need.

    PYTHONPATH=python/src:models python models/car-insurance/train.py           # write the files
    PYTHONPATH=python/src:models python models/car-insurance/train.py --check   # write nothing; fail if a committed file differs

Needs the package `caz` of python/, as scripts/train-models finds it. Reads datasets/car-insurance.csv. The same dataset and library
versions give the same bytes. Before anything is written ONNX Runtime must agree with scikit-learn on every row: labels equal,
probabilities within 1e-5.
"""

import argparse
import csv
import hashlib
import io
import json
import platform
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import skl2onnx
import sklearn
from caz import Recorder
from exported import tidy
from features import TOP, Statistics, json_df, transform
from skl2onnx.common.data_types import FloatTensorType
from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

ROOT = Path(__file__).resolve().parents[2]
DATASET = ROOT / "datasets" / "car-insurance.csv"
OUTPUT = Path("models") / "car-insurance"
FROZEN = Path("config") / "car-insurance.frozen.json"
EXPECTED = OUTPUT / "expected.csv"
GOLDEN = OUTPUT / "golden.json"

SEED = 7
FEATURES = 60
GOLDEN_CASES = 32
PROBABILITY_TOLERANCE = 1e-5
OPSETS = {"": 18, "ai.onnx.ml": 3}
BATCHES = [1, 64, 5_000]  # ONNX Runtime picks its kernels by the number of rows: agree on all of them

Predictions = tuple[np.ndarray, np.ndarray]  # labels [rows] int64, probabilities [rows, 2]


def classifiers() -> dict[str, ClassifierMixin]:
    """The models by file name, not yet trained."""
    forest = RandomForestClassifier(n_estimators=80, max_depth=5, random_state=SEED, n_jobs=1)
    # Newton to a tight tolerance: the solution, not the path to it, decides the float32 coefficients of the ONNX file.
    regression = make_pipeline(StandardScaler(), LogisticRegression(solver="newton-cholesky", tol=1e-10, max_iter=200))
    return {"random-forest": forest, "logistic-regression": regression}


def cross_validated_auc(model: ClassifierMixin, features: np.ndarray, labels: np.ndarray) -> float:
    folds = StratifiedKFold(n_splits=5, shuffle=True, random_state=SEED)
    probabilities = cross_val_predict(model, features, labels, cv=folds, method="predict_proba", n_jobs=1)
    return float(roc_auc_score(labels, probabilities[:, 1]))


def to_onnx(name: str, model: ClassifierMixin, metadata: dict[str, str]) -> bytes:
    exported = skl2onnx.to_onnx(
        model,
        name=f"car-insurance-{name}",
        initial_types=[("float_input", FloatTensorType([None, FEATURES]))],
        options={id(model): {"zipmap": False}},
        target_opset=OPSETS,
    )
    exported.producer_name = "caz"
    exported.producer_version = ""
    tidy(exported, metadata, full_check=True)
    return exported.SerializeToString(deterministic=True)


def onnx_metadata(feature_names: list[str], dataset_sha256: str, auc: float) -> dict[str, str]:
    return {
        "features": json.dumps(feature_names, ensure_ascii=False),
        "dataset_sha256": dataset_sha256,
        "auc_5_fold": f"{auc:.4f}",
        "pandas": pd.__version__,
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
        "skl2onnx": skl2onnx.__version__,
        "onnx": onnx.__version__,
    }


def verify(name: str, exported: bytes, features: np.ndarray, expected: Predictions) -> float:
    """The largest difference of a probability between ONNX Runtime and scikit-learn; exits if they do not agree."""
    labels, probabilities = expected
    margin = float(np.abs(probabilities[:, 1] - 0.5).min())
    if margin <= PROBABILITY_TOLERANCE:
        sys.exit(f"{name}: a probability is {margin:g} from 0.5, so its label hangs on rounding: choose another SEED")

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(exported, options, providers=["CPUExecutionProvider"])
    largest = 0.0
    for batch in BATCHES:
        for start in range(0, len(features), batch):
            rows = slice(start, start + batch)
            run_labels, run_probabilities = session.run(["label", "probabilities"], {"float_input": features[rows]})
            if not np.array_equal(run_labels, labels[rows]):
                sys.exit(f"{name}: labels differ from scikit-learn's in rows {start} to {start + batch}, batches of {batch}")
            largest = max(largest, float(np.abs(run_probabilities - probabilities[rows]).max()))
    if largest > PROBABILITY_TOLERANCE:
        sys.exit(f"{name}: a probability is {largest:g} from scikit-learn's, more than {PROBABILITY_TOLERANCE:g}")
    return largest


def as_json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode("utf-8")


def verify_frozen(learned: Statistics, dataset_sha256: str) -> None:
    """`caz fit` froze what pandas learned here; exits if it did not."""
    frozen = json.loads((ROOT / FROZEN).read_text(encoding="utf-8"))
    nodes = {
        "age_fillna": {"age": {"median": learned.age_median}},
        "dummies": {column: {"categories": categories} for column, categories in learned.categories.items()},
    }
    for column, mapper in learned.mappers.items():
        nodes[f"{column}_mapper"] = {column: {f"top={TOP}": list(dict.fromkeys(mapper.values()))}}
    if (frozen["nodes"], frozen["dataset"]["sha256"], frozen["pandas"]) != (nodes, dataset_sha256, pd.__version__):
        command = "caz fit config/car-insurance.yaml --dataset datasets/car-insurance.csv"
        sys.exit(f"{FROZEN} is not what pandas {pd.__version__} learns of this dataset, {nodes}. Run {command}")


def expected_csv(ecids: pd.Series, forest: Predictions, regression: Predictions) -> bytes:
    """scikit-learn's answers by row, counted from 0; each float64 in its shortest exact form."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["row", "ecid", "rf_label", "rf_p0", "rf_p1", "lr_label", "lr_p0", "lr_p1"])
    for row, ecid in enumerate(ecids):
        cells = [row, ecid]
        for labels, probabilities in (forest, regression):
            cells += [int(labels[row]), *(repr(float(p)) for p in probabilities[row])]
        writer.writerow(cells)
    return text.getvalue().encode("utf-8")


def golden_rows(rows: pd.DataFrame) -> list[int]:
    """The rows of the golden cases: the first of each kind that a node treats in its own way, then others from all over the dataset."""
    brand, country = rows["carbrand"].str.lower(), rows["country"].str.lower()
    time = pd.to_datetime(rows["timestamp"], utc=True)
    kinds = [
        *(rows[column].isna() for column in rows.columns),
        *(rows["age"] == age for age in (rows["age"].min(), 19, 20, 59, 60, rows["age"].max())),
        rows["leasing"] == "dataLayerNull",
        brand == "vw",
        brand == "škoda",
        country == "türkiye",
        time.dt.hour == 0,
        (time.dt.hour == 23) & (time.dt.dayofweek == 6),
        rows["pricequote"] == rows["pricequote"].max(),
        rows["gender"] == "other",
        rows["ecid"].str.startswith("0"),
    ]
    chosen = {int(np.flatnonzero(kind)[0]) for kind in kinds if kind.any()}
    others = (int(row) for row in np.linspace(0, len(rows) - 1, 4 * GOLDEN_CASES))
    while len(chosen) < GOLDEN_CASES:
        chosen.add(next(others))
    return sorted(chosen)


def events(rows: pd.DataFrame) -> list[dict]:
    """The rows as the JSON events of the dataset's schema."""
    integers = {"km", "age", "purchase"}
    names = list(rows.columns)

    def value(name: str, cell: object) -> object:
        return None if pd.isna(cell) else int(cell) if name in integers else cell

    return [{name: value(name, cell) for name, cell in zip(names, row, strict=True)} for row in rows.itertuples(index=False)]


def golden_json(recorder: Recorder, features: pd.DataFrame, forest: Predictions) -> bytes:
    labels, probabilities = forest
    recorder.features("onnx", features)
    answers = {"purchase_predicted": labels, "probability_no": probabilities[:, 0], "probability_yes": probabilities[:, 1]}
    recorder.outputs("onnx", answers)
    return recorder.text().encode("utf-8")


def artifacts() -> dict[Path, bytes]:
    """Every file this script makes, by its path from the root. Prints what it learned and measured."""
    recorder = Recorder(golden_rows(json_df(DATASET)))
    rows, frame, learned = transform(DATASET, recorder)
    recorder.events(events(rows))
    if frame.shape[1] != FEATURES:
        sys.exit(f"the pipeline makes {frame.shape[1]} features, not {FEATURES}: {list(frame.columns)}")
    dataset_sha256 = hashlib.sha256(DATASET.read_bytes()).hexdigest()
    features = np.ascontiguousarray(frame.to_numpy())
    purchase = rows["purchase"].to_numpy()
    verify_frozen(learned, dataset_sha256)
    print(f"{len(features)} rows, {FEATURES} features, {purchase.mean():.1%} purchases, age median {learned.age_median}")
    for column, mapper in learned.mappers.items():
        print(f"  top {column}: {', '.join(dict.fromkeys(mapper.values()))}")

    # Trained on what a scorer sends, values rounded to float32; held as float64 so that linear algebra keeps its precision.
    training = features.astype("float64")
    files: dict[Path, bytes] = {}
    predictions: dict[str, Predictions] = {}
    for name, model in classifiers().items():
        auc = cross_validated_auc(model, training, purchase)
        model.fit(training, purchase)
        predictions[name] = (model.predict(training), model.predict_proba(training))
        exported = to_onnx(name, model, onnx_metadata(list(frame.columns), dataset_sha256, auc))
        largest = verify(name, exported, features, predictions[name])
        accuracy = (predictions[name][0] == purchase).mean()
        print(
            f"{name}: AUC {auc:.4f} (5-fold), accuracy {accuracy:.4f} (training), {len(exported)} bytes, "
            f"ONNX Runtime within {largest:.2g} of scikit-learn"
        )
        files[OUTPUT / f"{name}.onnx"] = exported

    files[OUTPUT / "mappers.json"] = as_json(learned.mappers)
    files[OUTPUT / "features.f32le"] = features.astype("<f4").tobytes()
    files[GOLDEN] = golden_json(recorder, frame, predictions["random-forest"])
    files[EXPECTED] = expected_csv(rows["ecid"], predictions["random-forest"], predictions["logistic-regression"])
    return files


def same(path: Path, committed: bytes, fresh: bytes) -> bool:
    """Equal bytes; for the expected scores equal to 1e-12, because the last bits depend on the machine's BLAS kernels.

    The golden cases name the Python that made them, which may be another."""
    if path == GOLDEN:
        ours, theirs = (json.loads(content) for content in (committed, fresh))
        return ours | {"libraries": ours["libraries"] | {"python": ""}} == theirs | {"libraries": theirs["libraries"] | {"python": ""}}
    if path != EXPECTED:
        return committed == fresh
    ours, theirs = (pd.read_csv(io.BytesIO(content), dtype={"ecid": str}) for content in (committed, fresh))
    try:
        pd.testing.assert_frame_equal(ours, theirs, check_exact=False, rtol=0.0, atol=1e-12)
    except AssertionError:
        return False
    return True


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--check", action="store_true", help="write nothing; fail if a committed file differs")
    check = arguments.parse_args().check

    print(f"Python {platform.python_version()}, ONNX Runtime {onnxruntime.__version__}")
    files = artifacts()
    if not check:
        for path, fresh in files.items():
            (ROOT / path).write_bytes(fresh)
            print(f"wrote {path}: {len(fresh)} bytes")
        return

    stale = [str(path) for path, fresh in files.items() if not (ROOT / path).exists() or not same(path, (ROOT / path).read_bytes(), fresh)]
    if stale:
        sys.exit(f"not what this script makes: {', '.join(stale)}. Run scripts/train-models and commit the result")
    print("every file is up to date")


if __name__ == "__main__":
    main()
