"""Makes the model of the examples, models/quote.onnx: the probability of a sale from a quote's price and the visitor's age.

`--check` writes nothing and compares.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FILE = Path(__file__).parent / "models/quote.onnx"


def make() -> bytes:
    """A logistic regression of two features."""
    rows = "rows"
    weights = numpy_helper.from_array(np.array([[-0.01], [0.05]], dtype=np.float32), "weights")
    intercept = numpy_helper.from_array(np.array([0.5], dtype=np.float32), "intercept")
    nodes = [
        helper.make_node("Gemm", ["features", "weights", "intercept"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["probability"]),
    ]
    inputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, [rows, 2])]
    outputs = [helper.make_tensor_value_info("probability", TensorProto.FLOAT, [rows, 1])]
    graph = helper.make_graph(nodes, "quote", inputs, outputs, [weights, intercept])
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="caz examples", model_version=1
    )
    helper.set_model_props(model, {"features": json.dumps(["price", "age"])})
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def main() -> None:
    made = make()
    if "--check" not in sys.argv:
        FILE.parent.mkdir(exist_ok=True)
        FILE.write_bytes(made)
    elif made != FILE.read_bytes():
        sys.exit(f"{FILE} is not what {Path(__file__).name} makes")


main()
