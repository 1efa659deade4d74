import json
import math

import numpy as np
import pandas as pd
import pytest
from caz import Recorder


def read(recorder: Recorder) -> dict:
    return json.loads(recorder.text())


def test_frames_features_and_scores_become_cases():
    recorder = Recorder()
    recorder.events([{"age": None, "city": "Köln"}, {"age": 36, "city": None}])
    df = recorder.node("start", pd.DataFrame({"age": [np.nan, 36], "city": ["Köln", None]}))
    df = recorder.node("fill", df.assign(age=df["age"].fillna(40)))
    recorder.features("onnx", df[["age"]].astype("float32"))
    recorder.outputs("onnx", {"label": np.array([0, 1]), "p": np.array([0.25, 0.75])})
    golden = read(recorder)
    assert golden["version"] == 1
    assert {"python", "pandas", "numpy"} <= set(golden["libraries"])
    # `city` passes both nodes unchanged and is there once.
    assert golden["columns"] == [
        {"name": "age", "dtype": "float64"},
        {"name": "city", "dtype": "object"},
        {"name": "age", "dtype": "float64"},
    ]
    assert golden["nodes"] == [{"id": "start", "columns": [0, 1]}, {"id": "fill", "columns": [2, 1]}]
    assert golden["models"] == [{"node": "onnx", "features": ["age"], "outputs": ["label", "p"]}]
    assert golden["cases"] == [
        {"event": {"age": None, "city": "Köln"}, "values": [None, "Köln", 40.0], "models": [{"features": [40.0], "outputs": [0, 0.25]}]},
        {"event": {"age": 36, "city": None}, "values": [36.0, None, 36.0], "models": [{"features": [36.0], "outputs": [1, 0.75]}]},
    ]


def test_only_the_asked_rows_are_kept_of_everything():
    recorder = Recorder(rows=[2, 0])
    recorder.events([{"x": 0}, {"x": 1}, {"x": 2}])
    recorder.node("a", pd.DataFrame({"x": [0, 1, 2]}, index=[7, 8, 9]))
    recorder.node("b", {"y": [5, 6, 7], "z": pd.Series([7, 8, 9], index=[2, 0, 1])})
    recorder.features("m", np.array([[0.5, 1], [2, 3], [4, 5]], dtype="float32"), names=["f", "g"])
    cases = read(recorder)["cases"]
    assert [case["values"] for case in cases] == [[2, 7, 9], [0, 5, 7]]
    assert [case["models"][0]["features"] for case in cases] == [[4.0, 5.0], [0.5, 1.0]]


@pytest.mark.parametrize(
    ("column", "dtype", "value"),
    [
        (pd.Series([np.inf]), "float64", "inf"),
        (pd.Series([-np.inf], dtype="float32"), "float32", "-inf"),
        (pd.Series([0.1], dtype="float32"), "float32", 0.10000000149011612),
        (pd.Series([2**63], dtype="uint64"), "uint64", 2**63),
        (pd.Series([True]), "bool", True),
        (pd.Series([pd.NA], dtype="Int64"), "Int64", None),
        (pd.Series([pd.NaT]), "datetime64[ns]", None),
        (pd.Series(pd.to_datetime(["2020-03-01T02:23:53.943Z"])), "datetime64[ns, UTC]", "2020-03-01T02:23:53.943000+00:00"),
        (pd.Series(["a"], dtype="category"), "category", "a"),
        (pd.Series([b"\xff"]), "object", "\u00ff"),
        (pd.Series([[1.5, math.nan]]), "object", [1.5, None]),
        (pd.Series([np.array(["2020-03-01"], dtype="datetime64[ns]")]), "object", ["2020-03-01T00:00:00.000000000"]),
    ],
)
def test_values_of_every_dtype(column, dtype, value):
    recorder = Recorder()
    recorder.events([b"\x00\xff"])
    recorder.node("a", column.to_frame("x"))
    golden = read(recorder)
    assert golden["columns"] == [{"name": "x", "dtype": dtype}]
    assert golden["cases"][0]["values"] == [value]
    assert golden["cases"][0]["event"] == "AP8="


def test_negative_zero_and_the_last_bit_survive_the_file():
    recorder = Recorder()
    recorder.events([{}, {}])
    recorder.node("a", {"x": [-0.0, 0.1 + 0.2]})
    first, second = (case["values"][0] for case in read(recorder)["cases"])
    assert math.copysign(1, first) == -1
    assert second == 0.1 + 0.2


def test_mistakes_are_told():
    recorder = Recorder()
    with pytest.raises(ValueError, match="no events are recorded"):
        recorder.text()
    recorder.events([{}])
    recorder.node("a", {"x": [1]})
    with pytest.raises(ValueError, match="`a` is recorded already"):
        recorder.node("a", {"x": [1]})
    with pytest.raises(TypeError, match="needs their `names`"):
        recorder.features("m", np.zeros((1, 2)))
    with pytest.raises(ValueError, match="2 names for 3 features"):
        recorder.features("m", np.zeros((1, 3)), names=["a", "b"])
    with pytest.raises(ValueError, match="two columns have the name `x`"):
        recorder.node("b", pd.DataFrame([[1, 2]], columns=["x", "x"]))
    with pytest.raises(ValueError, match="two columns have the name `0`"):
        recorder.node("b", pd.DataFrame([[1, 2]], columns=[0, 0]))
    with pytest.raises(ValueError, match="two columns have the name `0`"):
        recorder.node("b", {0: [1], "0": [2]})
    with pytest.raises(TypeError, match="an event is a mapping, or the bytes of a record's value, not str"):
        recorder.events(['{"x": 1}'])
    nothing = Recorder(rows=[])
    nothing.events([{}])
    with pytest.raises(ValueError, match="no rows are recorded"):
        nothing.text()


@pytest.mark.parametrize("rows", [None, [0, 2]])
def test_rows_that_are_not_those_of_the_events_are_refused(rows):
    recorder = Recorder(rows)
    df = recorder.node("start", pd.DataFrame({"x": [8, 6, 5, 7]}))
    with pytest.raises(ValueError, match="3 rows of the events for 4 of node `start`: record a row for each event"):
        recorder.events([{"x": x} for x in (8, 6, 5)])
    recorder.events([{"x": x} for x in df["x"]])
    with pytest.raises(ValueError, match="3 rows of node `proc` for 4 of node `start`"):
        recorder.node("proc", df.query("x > 5"))
    with pytest.raises(ValueError, match="3 rows of column `x` of node `proc`"):
        recorder.node("proc", {"x": [8, 6, 7]})
    with pytest.raises(ValueError, match="3 rows of the features of `m`"):
        recorder.features("m", np.zeros((3, 1)), names=["f"])
    with pytest.raises(ValueError, match="the rows of node `proc` are in another order"):
        recorder.node("proc", df.sort_values("x"))
    with pytest.raises(ValueError, match="the rows of the outputs of `m` are in another order"):
        recorder.outputs("m", df[::-1])
    # What was refused is not recorded, and other labels are no other order.
    recorder.node("proc", df.set_index("x", drop=False))
    assert [node["id"] for node in read(recorder)["nodes"]] == ["start", "proc"]


def test_rows_may_be_numbered_anew():
    recorder = Recorder()
    recorder.events({} for _ in range(2))
    df = recorder.node("start", pd.DataFrame({"x": [5, 6], "id": [0, 1]}, index=[1, 0])).set_index("id")
    recorder.node("labelled", df)
    recorder.features("m", pd.DataFrame(df.to_numpy(), columns=["x"]))
    assert [case["models"][0]["features"] for case in read(recorder)["cases"]] == [[5], [6]]


def test_names_are_text():
    recorder = Recorder()
    recorder.events([{}])
    recorder.node("a", {0: [1], 1: [2]})
    recorder.node("b", pd.DataFrame([[3, 4]]))
    recorder.features("m", np.zeros((1, 1)), names=[0])
    golden = read(recorder)
    assert [column["name"] for column in golden["columns"]] == ["0", "1", "0", "1"]
    assert golden["models"][0]["features"] == ["0"]


def test_write(tmp_path):
    recorder = Recorder(tolerance=1e-5, libraries=["no-such-library"])
    recorder.events([{}])
    recorder.write(tmp_path / "golden.json")
    golden = json.loads((tmp_path / "golden.json").read_text(encoding="utf-8"))
    assert golden["tolerances"] == {"score": 1e-5}
    assert list(golden["libraries"]) == ["python"]
