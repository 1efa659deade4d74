"""The graph of the car insurance example, made in Python: prints the DSL that config/car-insurance.yaml has as YAML.

python python/examples/car_insurance.py > graph.json
"""

import json
from math import inf
from pathlib import Path

from caz import GraphBuilder, JsonToDataframe, Node, ONNXNode, Pandas

ROOT = Path(__file__).resolve().parents[2]

AGE_LABELS = ["u20", "20to28", "28to36", "36to44", "44to52", "52to60", "Others"]
DUMMIES = ["age_bucket", "gender", "city", "dayofweek", "country", "carbrand", "cartype", "leasing"]


def fillna(id: str, cols: str, value: object) -> Pandas:
    return Pandas(import_="fillna", cols=cols, kwargs={"value": value}, id=id)


def mapper(id: str, cols: str, aliases: dict[str, str]) -> Pandas:
    """Lower case, then the most frequent values keep their name and the rest are `Others`."""
    lower = {"import": "str.lower", "cols": cols}
    replace = [{"import": "replace", "cols": cols, "kwargs": {"to_replace": alias, "value": name}} for alias, name in aliases.items()]
    top = {"import": "top_k", "cols": cols, "kwargs": {"k": 6, "others": "Others"}}
    return Pandas(steps=[lower, *replace, top], id=id)


def leasing_mapper() -> Pandas:
    groups = {"dataLayerNull": "notgiven", "no": "no", "yes": "yes", "notgiven": "notgiven"}
    fill = {"import": "fillna", "cols": "leasing", "kwargs": {"value": "notgiven"}}
    replace = {"import": "map", "cols": "leasing", "inplace": True, "kwargs": {"na_action": 0, "arg": groups}}
    return Pandas(steps=[fill, replace], id="leasing_mapper")


def features() -> list[str]:
    """The model's features in order: `get_dummies` makes them of the frozen categories."""
    frozen = json.loads((ROOT / "config" / "car-insurance.frozen.json").read_text(encoding="utf-8"))
    categories = {column: frozen["nodes"]["dummies"][column]["categories"] for column in DUMMIES if column != "age_bucket"}
    categories["age_bucket"] = AGE_LABELS
    return ["hour", "pricequote", *(f"{column}_{category}" for column in DUMMIES for category in categories[column])]


def nodes() -> list[Node]:
    missing = {"cartype": "notgiven", "primaryuser": "notgiven", "nationality": "notgiven", "km": 0}
    bins = {"bins": [-inf, 20, 28, 36, 44, 52, 60, inf], "labels": AGE_LABELS, "right": False}
    outputs = {"label": "purchase_predicted", "probabilities": ["probability_no", "probability_yes"]}
    return [
        JsonToDataframe(id="json_df"),
        Pandas(import_="to_datetime", cols="timestamp", kwargs={"utc": True}, id="to_datetime"),
        Pandas(import_="dt.hour", cols="timestamp", into="hour", id="hour"),
        Pandas(import_="dt.dayofweek", cols="timestamp", into="dayofweek", id="dayofweek"),
        fillna("age_fillna", "age", {"frozen": "median"}),
        fillna("carbrand_fillna", "carbrand", "notgiven"),
        fillna("country_fillna", "country", "notgiven"),
        Pandas(import_="fillna", kwargs={"value": missing}, id="cartype_primary_nationality_km_fillna"),
        mapper("carbrand_mapper", "carbrand", {"vw": "volkswagen"}),
        mapper("cartype_mapper", "cartype", {}),
        mapper("country_mapper", "country", {}),
        fillna("gender_mapper", "gender", "notgiven"),
        leasing_mapper(),
        Pandas(import_="astype", cols="age", kwargs={"dtype": "int"}, id="age_to_int"),
        Pandas(import_="cut", cols="age", into="age_bucket", kwargs=bins, id="age_bins"),
        Pandas(import_="get_dummies", kwargs={"columns": DUMMIES}, id="dummies"),
        ONNXNode(features=features(), model_id="car-insurance/random-forest", outputs=outputs, id="onnx"),
    ]


def dsl() -> str:
    line = nodes()
    return GraphBuilder.generate_dsl(nodes=line, edges=zip(line, line[1:], strict=False))


if __name__ == "__main__":
    print(dsl())
