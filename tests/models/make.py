"""Makes tests/models/linear.onnx: `y = 2 a - b + 1`, the smallest model that a graph can end in."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FEATURES = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2])
SCORE = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])
WEIGHTS = numpy_helper.from_array(np.array([[2.0], [-1.0]], dtype=np.float32), "weights")
BIAS = numpy_helper.from_array(np.array([1.0], dtype=np.float32), "bias")

graph = helper.make_graph([helper.make_node("Gemm", ["x", "weights", "bias"], ["y"])], "linear", [FEATURES], [SCORE], [WEIGHTS, BIAS])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
onnx.checker.check_model(model)
Path(__file__).with_name("linear.onnx").write_bytes(model.SerializeToString())
