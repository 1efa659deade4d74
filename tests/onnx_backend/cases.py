"""Writes ONNX's own operator tests, those that a scorer can be asked, as models with their inputs and outputs.

    python tests/onnx_backend/cases.py FOLDER

FOLDER gets a model file for each case and `cases.jsonl`, a line for each: the model's name, how many rows it is asked, and its inputs and
outputs as bytes. One case of each operator, element types and ranks comes as it is, where the fixed shapes make one row of everything, and
once more with its first dimension opened when it works on rows: when ONNX Runtime answers each row alone as ONNX expects it among all.
Outputs whose shape depends on the values of the inputs are no columns.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx.backend.test.case.node import collect_testcases

ELEMENTS = "float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool".split()


def is_usable(value: onnx.ValueInfoProto, array: object) -> bool:
    """A tensor of a known shape, an element type that a column has, and something in it."""
    if not isinstance(array, np.ndarray) or not value.type.HasField("tensor_type") or not 0 < array.size <= 4096:
        return False
    return str(array.dtype) in ELEMENTS or array.dtype.kind in "OUS"


def as_json(array: np.ndarray) -> dict:
    if str(array.dtype) in ELEMENTS:
        return {"element": str(array.dtype), "hex": array.astype(array.dtype.newbyteorder("<")).tobytes().hex()}
    return {"element": "string", "strings": [text.decode() if isinstance(text, bytes) else str(text) for text in array.ravel()]}


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def agrees(found: list, expected: list, case: object) -> bool:
    """Whether ONNX Runtime itself answers what ONNX expects: else there is nothing to learn about caz."""
    for one, other in zip(found, expected, strict=True):
        if one.shape != other.shape:
            return False
        if other.dtype.kind not in "fiub":
            if one.astype(str).tolist() != other.astype(str).tolist():
                return False
        elif not np.allclose(one.astype("float64"), other.astype("float64"), case.rtol, case.atol, equal_nan=True):
            return False
    return True


def opened(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with any number in the first dimension of its inputs, and no promises about its outputs."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for value in copy.graph.input:
        if value.type.tensor_type.shape.dim:
            value.type.tensor_type.shape.dim[0].dim_param = "rows"
    for value in copy.graph.output:
        value.type.tensor_type.ClearField("shape")
    return copy


def has_fixed_shape(asked: onnxruntime.InferenceSession, inputs: dict, expected: list) -> bool:
    """Whether zeros are answered in the same shape."""
    blank = {name: np.full_like(array, "" if array.dtype.kind in "OUS" else 0) for name, array in inputs.items()}
    try:
        return [array.shape for array in asked.run(None, blank)] == [array.shape for array in expected]
    except Exception:
        return False


def works_on_rows(model: onnx.ModelProto, inputs: dict, expected: list, case: object) -> bool:
    arrays = [*inputs.values(), *expected]
    rows = arrays[0].shape[0] if arrays[0].ndim else 0
    if rows < 2 or any(array.ndim == 0 or array.shape[0] != rows for array in arrays):
        return False
    try:
        asked = session(model)
        return all(
            agrees(asked.run(None, {name: array[[row]] for name, array in inputs.items()}), [array[[row]] for array in expected], case)
            for row in range(rows)
        )
    except Exception:
        return False


def main(folder: Path) -> None:
    warnings.filterwarnings("ignore")
    lines, seen = [], set()

    def add(name: str, model: onnx.ModelProto, rows: int, case: object, inputs: dict, outputs: list) -> None:
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
        about = {"name": name, "rows": rows, "rtol": case.rtol, "atol": case.atol}
        tensors = {"inputs": [as_json(array) for array in inputs.values()], "outputs": [as_json(array) for array in outputs]}
        lines.append(json.dumps(about | tensors))

    for case in collect_testcases(None):
        graph = case.model.graph
        inputs, outputs = case.data_sets[0]
        if not inputs or len(inputs) != len(graph.input) or len(outputs) != len(graph.output):
            continue
        if not all(map(is_usable, graph.input, inputs)) or not all(map(is_usable, graph.output, outputs)):
            continue
        kind = (graph.node[0].op_type, *((str(array.dtype), array.ndim) for array in inputs))
        if kind in seen:
            continue
        feed = {value.name: array for value, array in zip(graph.input, inputs, strict=True)}
        try:
            asked = session(case.model)
            found = asked.run(None, feed)
        except Exception:
            continue
        if not agrees(found, outputs, case) or not has_fixed_shape(asked, feed, outputs):
            continue
        seen.add(kind)
        add(case.name, case.model, 1, case, feed, outputs)
        if works_on_rows(opened(case.model), feed, outputs, case):
            add(f"{case.name}-rows", opened(case.model), outputs[0].shape[0], case, feed, outputs)
    (folder / "cases.jsonl").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
