"""Feed-forward networks as ONNX files. Their weights are seeded and untrained: what a network costs depends on its shape alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

OPSET = 17


def write(path: Path, widths: Sequence[int], seed: int) -> None:
    """A network of dense layers of these widths, the input's first: ReLU between, softmax at the end.

    Its input is `features`, float [rows, widths[0]]; its outputs are `label`, int64 [rows], and `probabilities`, float [rows, widths[-1]].
    """
    random = np.random.default_rng(seed)
    weights, nodes, at = [], [], "features"
    for layer, (inputs, outputs) in enumerate(zip(widths, widths[1:], strict=False)):
        # As He and others: what a layer gives has the spread of what it takes.
        kernel = random.normal(0.0, np.sqrt(2.0 / inputs), (inputs, outputs)).astype(np.float32)
        bias = random.normal(0.0, 0.1, outputs).astype(np.float32)
        weights += [numpy_helper.from_array(kernel, f"kernel{layer}"), numpy_helper.from_array(bias, f"bias{layer}")]
        nodes.append(helper.make_node("Gemm", [at, f"kernel{layer}", f"bias{layer}"], [f"sum{layer}"]))
        at = f"sum{layer}"
        if layer < len(widths) - 2:
            nodes.append(helper.make_node("Relu", [at], [f"layer{layer}"]))
            at = f"layer{layer}"
    nodes.append(helper.make_node("Softmax", [at], ["probabilities"], axis=1))
    nodes.append(helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0))
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["rows", widths[0]])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, ["rows"]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["rows", widths[-1]]),
        ],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    checker.check_model(model)
    save(model, path)
