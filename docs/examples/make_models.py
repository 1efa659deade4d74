"""Makes the models of the examples: quote, the probability of a sale from a quote's price and the visitor's age; visits, the same from two
inputs, the second of integers.

`--check` writes nothing and compares.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(__file__).parent / "models"


def quote() -> bytes:
    """A logistic regression of two features in one tensor."""
    weights = numpy_helper.from_array(np.array([[-0.01], [0.05]], dtype=np.float32), "weights")
    intercept = numpy_helper.from_array(np.array([0.5], dtype=np.float32), "intercept")
    nodes = [
        helper.make_node("Gemm", ["features", "weights", "intercept"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["probability"]),
    ]
    inputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["rows", 2])]
    return model("quote", nodes, inputs, [weights, intercept], {"features": json.dumps(["price", "age"])})


def visits() -> bytes:
    """A score of one input for each column."""
    nodes = [
        helper.make_node("Cast", ["visits"], ["times"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["times", "price"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["probability"]),
    ]
    inputs = [
        helper.make_tensor_value_info("price", TensorProto.FLOAT, ["rows", 1]),
        helper.make_tensor_value_info("visits", TensorProto.INT64, ["rows", 1]),
    ]
    return model("visits", nodes, inputs, [], {})


def model(name: str, nodes: list, inputs: list, constants: list, metadata: dict) -> bytes:
    outputs = [helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["rows", 1])]
    graph = helper.make_graph(nodes, name, inputs, outputs, constants)
    opset = helper.make_opsetid("", 17)
    made = helper.make_model(graph, opset_imports=[opset], ir_version=8, producer_name="caz examples", model_version=1)
    helper.set_model_props(made, metadata)
    onnx.checker.check_model(made)
    return made.SerializeToString(deterministic=True)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, made in {"quote": quote(), "visits": visits()}.items():
        file = FOLDER / f"{name}.onnx"
        if "--check" not in sys.argv:
            file.write_bytes(made)
        elif made != file.read_bytes():
            sys.exit(f"{file} is not what {Path(__file__).name} makes")


main()
