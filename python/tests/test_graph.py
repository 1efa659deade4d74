import inspect
import json
import re
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import car_insurance
import caz
import numpy as np
import pandas as pd
import pytest
from caz import GraphBuilder, JsonToDataframe, Node, ONNXNode, Pandas, ScikitLearn, replace_ids


def small() -> str:
    start = JsonToDataframe(params={"json_payload": {"sepal_length": {"0": 5.8}}})
    model = ONNXNode(params={"features": ["sepal_length"], "model_id": "iris"})
    return GraphBuilder.generate_dsl(nodes=[start, model], edges=[(start, model)])


def content(dsl: str) -> dict:
    return json.loads(dsl)["edge"]["applicationDsl"]


def test_the_text_has_nodes_and_edges_where_they_are_documented():
    assert content(small()) == {
        "nodes": [
            {"id": "json_to_dataframe_0", "type": "JsonToDataframe", "params": {"json_payload": {"sepal_length": {"0": 5.8}}}},
            {"id": "onnxnode_1", "type": "ONNXNode", "params": {"features": ["sepal_length"], "model_id": "iris"}},
        ],
        "edges": [["json_to_dataframe_0", "onnxnode_1"]],
    }


def test_ids_are_replaced_in_nodes_and_edges():
    id = str(uuid4())
    graph = content(replace_ids(small(), {content(small())["nodes"][0]["id"]: id}))
    assert graph["nodes"][0]["id"] == id
    assert graph["edges"] == [[id, "onnxnode_1"]]
    with pytest.raises(ValueError, match="no node has the id nobody"):
        replace_ids(small(), {"nobody": "x"})
    with pytest.raises(ValueError, match="two nodes have the id onnxnode_1"):
        replace_ids(small(), {"json_to_dataframe_0": "onnxnode_1"})
    swapped = content(replace_ids(small(), {"json_to_dataframe_0": "onnxnode_1", "onnxnode_1": "json_to_dataframe_0"}))
    assert swapped["edges"] == [["onnxnode_1", "json_to_dataframe_0"]]


def test_parameters_by_name_are_those_of_the_graph():
    node = Pandas(import_="map", cols="leasing", kwargs={"arg": {"no": "no"}, "na_action": None}, inplace=True)
    assert node.params == {"import": "map", "cols": "leasing", "kwargs": {"arg": {"no": "no"}, "na_action": None}, "inplace": True}
    assert ScikitLearn(model_params={"model": "x"}, mode="test").params == {"mode": "test", "params": {"model": "x"}}
    with pytest.raises(TypeError, match="`cols` is given twice"):
        Pandas({"cols": "a"}, cols="b")


NODE_PAGES = sorted((Path(__file__).parents[2] / "docs/nodes").glob("[A-Z]*[a-z].md"))


@pytest.mark.parametrize("page", NODE_PAGES, ids=lambda page: page.stem)
def test_each_parameter_of_the_reference_can_be_given_by_name(page):
    table = page.read_text(encoding="utf-8").split("## Parameters")[1].split("## Types")[0]
    # Parameters that caz refuses, and tells why, are in the reference alone.
    documented = {row[1] for row in re.finditer(r"^\| `(\w+)` (?!.*\| Refused)", table, re.MULTILINE)}
    node = getattr(caz, page.stem)
    keywords = [name for name in inspect.signature(node.__init__).parameters if name not in ("self", "params", "id")]
    assert set(node(**dict.fromkeys(keywords, "given")).params) == documented


def test_every_node_of_the_reference_has_a_class():
    classes = {name for name, value in vars(caz).items() if inspect.isclass(value) and issubclass(value, Node) and value is not Node}
    assert classes == {page.stem for page in NODE_PAGES}


def test_times_are_text():
    times = np.array(["2020-01-01", "NaT"], dtype="datetime64[ns]")
    graph = content(
        GraphBuilder.generate_dsl(nodes=[Pandas(kwargs={"one": times[0], "all": times, "numbers": np.eye(2), "zero": np.array(0.5)})])
    )
    text = "2020-01-01T00:00:00.000000000"
    assert graph["nodes"][0]["params"]["kwargs"] == {"one": text, "all": [text, None], "numbers": [[1.0, 0.0], [0.0, 1.0]], "zero": 0.5}


def kwargs_of(call):
    (node,) = content(GraphBuilder.generate_dsl(nodes=[Pandas(call)]))["nodes"]
    return node["params"]["kwargs"]


def test_a_series_is_a_dict_where_pandas_takes_it_for_one():
    series = pd.Series([0.25, 0.75], index=["a", "b"])
    for name, key in [("map", "arg"), ("fillna", "value"), ("replace", "to_replace")]:
        assert kwargs_of({"import": name, "kwargs": {key: series}}) == {key: {"a": 0.25, "b": 0.75}}
    assert kwargs_of({"import": "map", "kwargs": {"arg": pd.Series([1, 0], index=["a", None])}}) == {"arg": {"a": 1}, "null": 0}
    dtypes = pd.DataFrame({"a": [1], "b": [0.5]}).dtypes
    assert kwargs_of({"import": "astype", "kwargs": {"dtype": dtypes}}) == {"dtype": {"a": "int64", "b": "float64"}}
    lists = {"to_replace": [1, 2], "value": pd.Series([3, 4])}
    assert kwargs_of({"import": "replace", "kwargs": lists}) == {"to_replace": [1, 2], "value": [3, 4]}
    for index in (["a", "b"], ["kind", "name"]):
        assert kwargs_of({"import": "isin", "kwargs": {"values": pd.Series([1, 2], index=index, name="x")}}) == {"values": [1, 2]}
    for index, reason in [(["a", "a"], "has a value twice"), ([("a", 1), ("b", 2)], "keys are text")]:
        with pytest.raises(TypeError, match=reason):
            kwargs_of({"import": "map", "kwargs": {"arg": pd.Series([1, 2], index=pd.Index(index))}})


@pytest.mark.parametrize("given", [pd.Index, np.ndarray, object, pd.CategoricalDtype(["a"]), pd.CategoricalDtype(ordered=True)])
def test_what_has_no_name_as_a_type_is_refused(given):
    with pytest.raises(TypeError, match="a graph (holds no functions|cannot hold)"):
        kwargs_of({"import": "get_dummies", "kwargs": {"dtype": given}})


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (float, "float"),
        (int, "int"),
        (str, "str"),
        (bool, "bool"),
        (np.float32, "float32"),
        (np.dtype("int64"), "int64"),
        (pd.Int64Dtype(), "Int64"),
        (pd.Timestamp("2020-01-01 02:03:04.000000005"), "2020-01-01T02:03:04.000000005"),
        (datetime(2020, 1, 1), "2020-01-01T00:00:00"),
        (pd.NaT, None),
        (pd.NA, None),
        (range(3), [0, 1, 2]),
        ({"b", "a"}, ["a", "b"]),
        (pd.Index(["a", pd.NA]), ["a", None]),
    ],
)
def test_what_pandas_takes_a_graph_holds(given, written):
    assert kwargs_of({"import": "astype", "kwargs": {"dtype": given}}) == {"dtype": written}


def test_a_null_of_pandas_is_a_key_of_map():
    assert kwargs_of({"import": "map", "kwargs": {"arg": {"M": 1, pd.NA: 0}}}) == {"arg": {"M": 1}, "null": 0}


def test_what_a_dict_has_for_other_keys_stands_beside_it():
    others = defaultdict(lambda: "Others", {"vw": "vw", None: "none"})
    expected = {"arg": {"vw": "vw"}, "default": "Others", "null": "none"}
    assert kwargs_of({"import": "map", "kwargs": {"arg": others}}) == expected
    assert pd.Series(["vw", "audi"]).map(others).tolist() == ["vw", "Others"]
    assert kwargs_of({"import": "map", "kwargs": {"arg": defaultdict(None, {"a": 1})}}) == {"arg": {"a": 1}}
    assert kwargs_of({"import": "map", "kwargs": {"arg": Counter("aab")}}) == {"arg": {"a": 2, "b": 1}, "default": 0}
    with pytest.raises(TypeError, match="one value for other keys"):
        kwargs_of({"import": "map", "kwargs": {"arg": others, "default": "x"}})

    class Doubled(dict):
        def __missing__(self, key):
            return key * 2

    with pytest.raises(TypeError, match="cannot tell what this makes of other keys"):
        kwargs_of({"import": "map", "kwargs": {"arg": Doubled(a=1)}})


def test_a_long_mapping_is_one_line():
    arg = {str(key): key for key in range(1000)}
    dsl = GraphBuilder.generate_dsl(nodes=[Pandas({"import": "map", "cols": "x", "kwargs": {"arg": arg}})])
    assert content(dsl)["nodes"][0]["params"]["kwargs"]["arg"] == arg
    assert len(dsl) < len(json.dumps(arg)) + 500 and 5 < dsl.count("\n") < 25
    assert replace_ids(dsl, {}) == dsl


def test_text_is_never_a_variable_of_the_environment():
    call = {"import": "str.replace", "cols": "t", "kwargs": {"pat": "${HOME}", "repl": "$${", "${": "$ {"}}
    (node,) = content(GraphBuilder.generate_dsl(nodes=[Pandas(call)]))["nodes"]
    assert node["params"]["kwargs"] == {"pat": "$${HOME}", "repl": "$$${", "${": "$ {"}


def test_null_as_a_key_of_map_stands_beside_the_dict():
    call = {"import": "map", "cols": "gender", "kwargs": {"arg": {"M": 1, None: 0}, "na_action": None}}
    nan = {"import": "map", "kwargs": {"arg": {True: 1, np.nan: np.nan}}}
    both = {"import": "map", "kwargs": {"arg": {"M": 1, None: 0, np.nan: 0}}}
    first, steps = content(GraphBuilder.generate_dsl(nodes=[Pandas(call), Pandas(steps=[call, nan, both])]))["nodes"]
    expected = {**call, "kwargs": {"arg": {"M": 1}, "na_action": None, "null": 0}}
    assert first["params"] == expected
    assert [step["kwargs"] for step in steps["params"]["steps"]] == [
        expected["kwargs"],
        {"arg": {"True": 1}, "null": None},
        {"arg": {"M": 1}, "null": 0},
    ]
    assert call["kwargs"]["arg"] == {"M": 1, None: 0}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"import": "map", "kwargs": {"arg": {None: 0, np.nan: 1}}}, "one value for null"),
        ({"import": "map", "kwargs": {"arg": {None: 0}, "null": 0}}, "one value for null"),
        ({"import": "map", "kwargs": {"arg": {1: "a", "1": "b"}}}, "written alike"),
        ({"import": "replace", "kwargs": {"to_replace": {np.nan: 0}}}, "keys are text, and nan is none"),
        ({"import": "fillna", "kwargs": {"value": {None: 0}}}, "keys are text, and None is none"),
    ],
)
def test_keys_that_no_text_stands_for_are_told(call, message):
    with pytest.raises(TypeError, match=f"node `a`: .*{message}"):
        GraphBuilder.generate_dsl(nodes=[Pandas(call, id="a")])


def test_an_id_that_is_made_is_of_one_graph_and_gives_way_to_one_that_was_given():
    start, node = JsonToDataframe(), Pandas(import_="abs", cols="x")
    first = content(GraphBuilder.generate_dsl(nodes=[start, node], edges=[(start, node)]))
    assert first["edges"] == [["json_to_dataframe_0", "pandas_1"]]
    second = content(GraphBuilder.generate_dsl(nodes=[node, Pandas(import_="isna")]))
    assert [each["id"] for each in second["nodes"]] == ["pandas_0", "pandas_1"]
    third = content(GraphBuilder.generate_dsl(nodes=[Pandas(id="pandas_1"), node], edges=[("pandas_1", node)]))
    assert third["edges"] == [["pandas_1", "pandas_2"]]


def test_numbers_that_json_has_not_are_null_and_text():
    (node,) = content(GraphBuilder.generate_dsl(nodes=[Pandas(kwargs={"bins": np.array([-np.inf, 0.5, np.nan, np.inf])})]))["nodes"]
    assert node["params"]["kwargs"]["bins"] == ["-inf", 0.5, None, "inf"]


def test_mistakes_are_told_when_the_graph_is_made():
    a, b = Node("Pandas", id="a"), Node("Pandas", id="a")
    with pytest.raises(ValueError, match="two nodes have the id a"):
        GraphBuilder.generate_dsl(nodes=[a, b])
    with pytest.raises(ValueError, match="not among the nodes"):
        GraphBuilder.generate_dsl(nodes=[a], edges=[(a, "b")])
    with pytest.raises(ValueError, match="a node is among the nodes twice"):
        GraphBuilder.generate_dsl(nodes=[a, a])
    with pytest.raises(ValueError, match="too many values"):
        GraphBuilder.generate_dsl(nodes=[a], edges=[(a, a, a)])
    with pytest.raises(TypeError, match="node `a`: a graph holds no functions"):
        GraphBuilder.generate_dsl(nodes=[Pandas(import_="apply", kwargs={"func": lambda x: x}, id="a")])
    with pytest.raises(TypeError, match="cannot hold"):
        GraphBuilder.generate_dsl(nodes=[Pandas(kwargs={"value": object()}, id="a")])


def test_the_example_has_its_17_nodes_in_a_line():
    graph = content(car_insurance.dsl())
    ids = [node["id"] for node in graph["nodes"]]
    assert len(ids) == 17
    assert graph["edges"] == [[a, b] for a, b in zip(ids, ids[1:], strict=False)]
    assert len(graph["nodes"][-1]["params"]["features"]) == 60
    assert graph["nodes"][14]["params"]["kwargs"]["bins"] == ["-inf", 20, 28, 36, 44, 52, 60, "inf"]
