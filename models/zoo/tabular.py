"""Tables of numbers: boosted trees of four libraries, a forest, a linear model in double precision, a network."""

import lightgbm
import numpy as np
import onnx
import onnxmltools
import skl2onnx
import xgboost
from case import ROWS, Case, floats, nullable, probabilities, tidy
from onnxmltools.convert.common.data_types import FloatTensorType as ToolsFloat
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
from sklearn.base import BaseEstimator
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

FEATURES = 8
NAMES = [f"x{at}" for at in range(FEATURES)]
OPSETS = {"": 18, "ai.onnx.ml": 3}
DECIMALS = 4  # trained weights are rounded to these: the last bits of linear algebra are another machine's own


def table(classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """800 rows of float32 features, and their class."""
    features, target = make_classification(
        800, FEATURES, n_informative=5, n_redundant=1, n_classes=classes, n_clusters_per_class=1, random_state=seed
    )
    return np.round(features, 3).astype("float32"), target


def table_case(name: str, model: onnx.ModelProto, features: np.ndarray, expected: dict[str, list], **params: object) -> Case:
    """A case whose model has one input of all features."""
    rows = features[:ROWS]
    kind = "double" if rows.dtype == "float64" else "float"
    has_null = np.isnan(rows).any()
    return Case(
        name=name,
        model=tidy(model, name),
        fields=dict.fromkeys(NAMES, f"{kind}?" if has_null else kind),
        rows={column: nullable(rows[:, at]) for at, column in enumerate(NAMES)},
        params={"features": NAMES, **({"nulls": "nan"} if has_null else {}), **params},
        expected=expected,
        feed={model.graph.input[0].name: rows},
    )


def classified(model: BaseEstimator, features: np.ndarray, label: str, prefix: str, classes: bool = False) -> dict[str, list]:
    rows = features[:ROWS]
    names = model.classes_.tolist() if classes else None
    return {label: model.predict(rows).tolist(), **probabilities(prefix, model.predict_proba(rows), names)}


def to_onnx(model: BaseEstimator, zipmap: bool) -> onnx.ModelProto:
    inputs = [("features", FloatTensorType([None, FEATURES]))]
    return skl2onnx.to_onnx(model, initial_types=inputs, options={id(model): {"zipmap": zipmap}}, target_opset=OPSETS)


def make_node(kind: str, *arguments: object, **attributes: object) -> onnx.NodeProto:
    """As ONNX's, for skl2onnx, which writes the trees' flags for missing values as booleans; today's protobuf wants integers."""
    flags = "nodes_missing_value_tracks_true"
    if flags in attributes:
        attributes[flags] = [int(flag) for flag in attributes[flags]]
    return onnx.helper.make_node(kind, *arguments, **attributes)


skl2onnx.common._container.make_node = make_node


def gradient_boosting() -> Case:
    features, target = table(2, seed=1)
    model = GradientBoostingClassifier(n_estimators=30, max_depth=3, random_state=1).fit(features, target)
    expected = classified(model, features, "label", "probabilities")
    return table_case("gradient-boosting", to_onnx(model, zipmap=False), features, expected)


def hist_gradient_boosting() -> Case:
    """Missing values, which the trees send their own way; ZipMap's maps by an integer class."""
    features, target = table(3, seed=2)
    features[np.random.default_rng(2).random(features.shape) < 0.1] = np.nan
    model = HistGradientBoostingClassifier(max_iter=15, max_leaf_nodes=8, random_state=2).fit(features, target)
    expected = classified(model, features, "output_label", "output_probability", classes=True)
    return table_case("hist-gradient-boosting", to_onnx(model, zipmap=True), features, expected)


def forest() -> Case:
    """Several classes by name, in one tensor."""
    features, target = table(4, seed=3)
    target = np.array(["autumn", "spring", "summer", "winter"])[target]
    model = RandomForestClassifier(n_estimators=12, max_depth=5, random_state=3, n_jobs=1).fit(features, target)
    expected = classified(model, features, "label", "probabilities")
    return table_case("random-forest", to_onnx(model, zipmap=False), features, expected)


def lightgbm_classifier() -> Case:
    features, target = table(3, seed=4)
    model = lightgbm.LGBMClassifier(
        n_estimators=15, num_leaves=7, random_state=4, n_jobs=1, deterministic=True, force_row_wise=True, verbose=-1
    )
    model.fit(features, target)
    exported = onnxmltools.convert_lightgbm(
        model, initial_types=[("features", ToolsFloat([None, FEATURES]))], zipmap=False, target_opset=15
    )
    return table_case("lightgbm", exported, features, classified(model, features, "label", "probabilities"))


def xgboost_classifier() -> Case:
    features, target = table(3, seed=5)
    model = xgboost.XGBClassifier(n_estimators=12, max_depth=4, random_state=5, n_jobs=1, tree_method="hist").fit(features, target)
    exported = onnxmltools.convert_xgboost(model, initial_types=[("features", ToolsFloat([None, FEATURES]))], target_opset=15)
    return table_case("xgboost", exported, features, classified(model, features, "label", "probabilities"))


def xgboost_regressor() -> Case:
    features, _ = table(2, seed=6)
    target = 3.0 * features[:, 0] - features[:, 1] * features[:, 2]
    model = xgboost.XGBRegressor(n_estimators=20, max_depth=4, random_state=6, n_jobs=1, tree_method="hist").fit(features, target)
    exported = onnxmltools.convert_xgboost(model, initial_types=[("features", ToolsFloat([None, FEATURES]))], target_opset=15)
    return table_case("xgboost-regressor", exported, features, {"variable": floats(model.predict(features[:ROWS]))})


def ridge() -> Case:
    """Double precision from the event to the answer."""
    features = table(2, seed=7)[0].astype("float64")
    target = features @ np.arange(1.0, FEATURES + 1) + 1000.0
    model = Ridge().fit(features, target)
    model.coef_, model.intercept_ = np.round(model.coef_, DECIMALS), np.round(model.intercept_, DECIMALS)
    exported = skl2onnx.to_onnx(model, initial_types=[("features", DoubleTensorType([None, FEATURES]))], target_opset=OPSETS)
    return table_case("ridge", exported, features, {"variable": floats(model.predict(features[:ROWS]))})


def ridge_one_row() -> Case:
    """The same, exported with a fixed batch of one row."""
    case = ridge()
    for value in (*case.model.graph.input, *case.model.graph.output):
        value.type.tensor_type.shape.dim[0].Clear()
        value.type.tensor_type.shape.dim[0].dim_value = 1
    case.name, case.model = "ridge-one-row", tidy(case.model, "ridge-one-row")
    return case


def perceptron() -> Case:
    features, target = table(3, seed=8)
    model = MLPClassifier(hidden_layer_sizes=(16, 8), max_iter=60, random_state=8, tol=0.0, n_iter_no_change=100)
    with np.errstate(all="ignore"):
        model.fit(features.astype("float64"), target)
    model.coefs_ = [np.round(weights, DECIMALS) for weights in model.coefs_]
    model.intercepts_ = [np.round(weights, DECIMALS) for weights in model.intercepts_]
    expected = classified(model, features.astype("float64"), "label", "probabilities")
    return table_case("multilayer-perceptron", to_onnx(model, zipmap=False), features, expected)


def several_targets() -> Case:
    """Two answers for each row: labels beside each other, probabilities in a sequence of tensors."""
    features, target = table(3, seed=9)
    targets = np.column_stack([target, target > 0]).astype("int64")
    model = MultiOutputClassifier(DecisionTreeClassifier(max_depth=5, random_state=9)).fit(features, targets)
    exported = skl2onnx.to_onnx(
        model, initial_types=[("features", FloatTensorType([None, FEATURES]))], options={id(model): {"zipmap": False}}, target_opset=OPSETS
    )
    labels = model.predict(features[:ROWS])
    expected = {f"label_{at}": labels[:, at].tolist() for at in range(2)}
    for at, values in enumerate(model.predict_proba(features[:ROWS])):
        expected |= probabilities(f"probabilities_{at}", values)
    return table_case("several-targets", exported, features, expected)


def cases() -> list[Case]:
    return [
        gradient_boosting(),
        hist_gradient_boosting(),
        forest(),
        lightgbm_classifier(),
        xgboost_classifier(),
        xgboost_regressor(),
        ridge(),
        ridge_one_row(),
        perceptron(),
        several_targets(),
    ]
