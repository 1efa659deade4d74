"""Networks made of ONNX's own operators with seeded weights; NumPy in double precision is their origin."""

import numpy as np
from case import ROWS, Case, probabilities, tidy
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

OPSET = helper.make_opsetid("", 18)


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def convolutional() -> Case:
    """An image of 8 x 8 pixels from 64 features: a convolution, a rectifier, a dense layer."""
    random = np.random.default_rng(12)
    kernel, dense = random.normal(0, 0.5, (4, 1, 3, 3)).astype("float32"), random.normal(0, 0.1, (4 * 36, 10)).astype("float32")
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["convolved"], kernel_shape=[3, 3]),
        helper.make_node("Relu", ["convolved"], ["rectified"]),
        helper.make_node("Flatten", ["rectified"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "dense"], ["weighed"]),
        helper.make_node("Softmax", ["weighed"], ["digit"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "convolutional",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [None, 1, 8, 8])],
        [helper.make_tensor_value_info("digit", TensorProto.FLOAT, [None, 10])],
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(dense, "dense")],
    )
    model = helper.make_model(graph, opset_imports=[OPSET], ir_version=9)
    pixels = (load_digits().data[:ROWS] / 16).astype("float32")
    windows = np.lib.stride_tricks.sliding_window_view(pixels.reshape(-1, 8, 8).astype("float64"), (3, 3), axis=(1, 2))
    convolved = np.einsum("rxyij,cij->rcxy", windows, kernel[:, 0].astype("float64"))
    answers = softmax(np.maximum(convolved, 0).reshape(ROWS, -1) @ dense.astype("float64"))
    names = [f"pixel_{row}_{column}" for row in range(8) for column in range(8)]
    return Case(
        name="convolutional",
        model=tidy(model, "convolutional", {"features": str(names).replace("'", '"')}),
        fields=dict.fromkeys(names, "float"),
        rows={name: [float(value) for value in pixels[:, at]] for at, name in enumerate(names)},
        params={"features": names},
        expected=probabilities("digit", answers),
        feed={"image": pixels.reshape(-1, 1, 8, 8)},
    )


def half() -> Case:
    """Half precision in and out: what a scorer rounds, NumPy rounded too."""
    random = np.random.default_rng(13)
    nodes = [
        helper.make_node("Mul", ["features", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "shift"], ["answer"]),
    ]
    scale, shift = np.array([0.5, 2.0, 4.0], dtype="float16"), np.array([1.0, 0.0, -1.0], dtype="float16")
    graph = helper.make_graph(
        nodes,
        "half",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT16, [None, 3])],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT16, [None, 3])],
        [numpy_helper.from_array(scale, "scale"), numpy_helper.from_array(shift, "shift")],
    )
    model = helper.make_model(graph, opset_imports=[OPSET], ir_version=9)
    rows = np.round(random.normal(0, 10, (ROWS, 3)), 5)
    halves = rows.astype("float16")
    answers = (halves * scale + shift).astype("float16")
    names = ["a", "b", "c"]
    return Case(
        name="half-precision",
        model=tidy(model, "half-precision"),
        fields=dict.fromkeys(names, "double"),
        rows={name: rows[:, at].tolist() for at, name in enumerate(names)},
        params={"features": names},
        expected={f"answer_{at}": [float(value) for value in answers[:, at]] for at in range(3)},
        feed={"features": halves},
    )


def cases() -> list[Case]:
    return [convolutional(), half()]
