"""Columns of several types, one input each: a pipeline over strings and numbers, a text vectorizer, a model of two models."""

from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import skl2onnx
from case import ROWS, Case, floats, nullable, probabilities, tidy
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from tabular import DECIMALS, OPSETS

DATASET = Path(__file__).resolve().parents[2] / "datasets" / "car-insurance.csv"


def insurance() -> pd.DataFrame:
    return pd.read_csv(DATASET, dtype={"ecid": str}).head(1500)


def rounded(model: BaseEstimator) -> BaseEstimator:
    model.coef_, model.intercept_ = np.round(model.coef_, DECIMALS), np.round(model.intercept_, DECIMALS)
    return model


def regression() -> LogisticRegression:
    return LogisticRegression(solver="newton-cholesky", tol=1e-10, max_iter=200)


def column_transformer() -> Case:
    """Strings with categories that it never saw, numbers with missing values; answers by name, in ZipMap's maps."""
    numbers, categories = ["age", "km", "pricequote"], ["gender", "city"]
    frame = insurance()
    for column in numbers:
        frame[column] = frame[column].astype("float32")
    frame[categories] = frame[categories].fillna("notgiven")
    target = np.where(frame["purchase"] == 1, "buys", "leaves")
    model = Pipeline(
        [
            (
                "columns",
                ColumnTransformer(
                    [
                        ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
                        ("categories", OneHotEncoder(handle_unknown="ignore"), categories),
                    ]
                ),
            ),
            ("classifier", regression()),
        ]
    )
    model.fit(frame[numbers + categories], target)
    rounded(model.named_steps["classifier"])
    inputs = [(name, FloatTensorType([None, 1])) for name in numbers] + [(name, StringTensorType([None, 1])) for name in categories]
    exported = skl2onnx.to_onnx(model, initial_types=inputs, target_opset=OPSETS)
    rows = frame[numbers + categories].head(ROWS).copy()
    rows.loc[::17, "city"] = "Αθήνα"
    answers = probabilities("output_probability", model.predict_proba(rows), model.classes_.tolist())
    columns = {name: nullable(rows[name].to_numpy()) for name in numbers} | {name: rows[name].tolist() for name in categories}
    return Case(
        name="column-transformer",
        model=tidy(exported, "column-transformer"),
        fields=dict.fromkeys(numbers, "float?") | dict.fromkeys(categories, "string"),
        rows=columns,
        params={"features": numbers + categories, "nulls": "nan"},
        expected={"output_label": model.predict(rows).tolist(), **answers},
        feed={name: rows[[name]].to_numpy() for name in numbers + categories},
    )


def strict_encoder() -> Case:
    """Refuses every category that it never saw, the empty string of a first try included."""
    frame = insurance()[["gender", "city"]].fillna("notgiven")
    target = insurance()["purchase"].to_numpy()
    model = make_pipeline(OneHotEncoder(handle_unknown="error"), regression()).fit(frame, target)
    rounded(model.steps[-1][1])
    inputs = [(name, StringTensorType([None, 1])) for name in frame.columns]
    exported = skl2onnx.to_onnx(model, initial_types=inputs, options={id(model): {"zipmap": True}}, target_opset=OPSETS)
    rows = frame.head(ROWS)
    answers = probabilities("output_probability", model.predict_proba(rows), model.classes_.tolist())
    return Case(
        name="strict-encoder",
        model=tidy(exported, "strict-encoder"),
        fields=dict.fromkeys(frame.columns, "string"),
        rows={name: rows[name].tolist() for name in frame.columns},
        params={"features": {name: name for name in reversed(frame.columns)}},
        expected={"output_label": model.predict(rows).tolist(), **answers},
        feed={name: rows[[name]].to_numpy() for name in frame.columns},
    )


def text() -> Case:
    """A string in, its words weighed inside the model. Lower case is the graph's work: ONNX's operator for it needs a locale, which a
    container seldom has."""
    subjects = ["claim", "policy", "invoice", "accident", "damage", "refund", "brakes", "windscreen"]
    moods = {0: ["thank", "great", "quick", "friendly", "solved"], 1: ["angry", "late", "broken", "never", "wrong"]}
    random = np.random.default_rng(10)
    target = random.integers(0, 2, 600)
    texts = []
    for mood in target:
        words = [*random.choice(subjects, 4), *random.choice(moods[int(mood)], 2), random.choice(moods[1 - int(mood)])]
        texts.append(" ".join(random.permutation(words)))
    model = make_pipeline(TfidfVectorizer(lowercase=False), regression()).fit(texts, target)
    rounded(model.steps[-1][1])
    exported = skl2onnx.to_onnx(
        model, initial_types=[("text", StringTensorType([None, 1]))], options={id(model): {"zipmap": False}}, target_opset=OPSETS
    )
    rows = [*texts[: ROWS - 3], "Angry and LATE, again!", "nothing that it knows", "Ünïcode: great, thank you"]
    lower = [row.lower() for row in rows]
    return Case(
        name="text",
        model=tidy(exported, "text"),
        fields={"message": "string"},
        rows={"message": rows},
        params={"features": ["message"]},
        steps=[{"import": "str.lower", "cols": "message"}],
        expected={"label": model.predict(lower).tolist(), **probabilities("probabilities", model.predict_proba(lower))},
        feed={"text": np.array(lower, dtype=object).reshape(-1, 1)},
    )


def two_models() -> Case:
    """Two models in one file: inputs of two types and widths, outputs of three."""
    frame = insurance()[["age", "pricequote", "km"]].fillna(0)
    numbers = frame[["age", "pricequote"]].to_numpy(dtype="float32")
    mileage = frame[["km"]].to_numpy(dtype="int64")
    price = rounded(LinearRegression().fit(numbers.astype("float64"), numbers[:, 1] * 0.5 + numbers[:, 0]))
    band = DecisionTreeClassifier(max_depth=3, random_state=11).fit(mileage, np.where(mileage[:, 0] > 20_000, "far", "near"))
    regressor = skl2onnx.to_onnx(price, initial_types=[("numbers", FloatTensorType([None, 2]))], target_opset=OPSETS)
    classifier = skl2onnx.to_onnx(
        band, initial_types=[("mileage", Int64TensorType([None, 1]))], options={id(band): {"zipmap": False}}, target_opset=OPSETS
    )
    merged = onnx.compose.merge_models(tidy(regressor, "price"), tidy(classifier, "band"), io_map=[], prefix2="band_")
    expected = {
        "price": floats(price.predict(numbers[:ROWS])),
        "band": band.predict(mileage[:ROWS]).tolist(),
        **probabilities("band_probabilities", band.predict_proba(mileage[:ROWS])),
    }
    return Case(
        name="two-models",
        model=tidy(merged, "two-models"),
        fields={"age": "int", "pricequote": "float", "km": "long"},
        rows={"age": [int(age) for age in numbers[:ROWS, 0]], "pricequote": nullable(numbers[:ROWS, 1]), "km": mileage[:ROWS, 0].tolist()},
        params={
            "features": {"numbers": ["age", "pricequote"], "band_mileage": "km"},
            "outputs": {"variable": "price", "band_label": "band"},
        },
        expected=expected,
        feed={"numbers": numbers[:ROWS], "band_mileage": mileage[:ROWS]},
    )


def cases() -> list[Case]:
    return [column_transformer(), strict_encoder(), text(), two_models()]
