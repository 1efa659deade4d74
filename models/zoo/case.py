"""A model of the zoo with rows that it was asked, and what the library that trained it answered."""

import json
from dataclasses import dataclass, field

import exported
import numpy as np
import onnx
import onnxruntime

TOLERANCE = 1e-5
ROWS = 200


@dataclass
class Case:
    """One model, the ONNXNode that asks it, and its origin's answers."""

    name: str
    model: onnx.ModelProto
    fields: dict[str, str]
    """The event's fields: Avro's name of their type, `?` behind it where it may be null."""
    rows: dict[str, list]
    """The events by field; null where the origin saw NaN."""
    params: dict
    """Parameters of the ONNXNode but the model's id."""
    expected: dict[str, list]
    """What the origin answers, by output column: float64, or labels."""
    steps: list[dict] = field(default_factory=list)
    """Steps of a Pandas node before the model."""
    feed: dict[str, np.ndarray] = field(default_factory=dict)
    """The same rows as ONNX Runtime takes them."""

    def onnx_bytes(self) -> bytes:
        return self.model.SerializeToString(deterministic=True)

    def verify(self) -> float:
        """The largest difference between ONNX Runtime and the origin; fails when they do not agree."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(self.onnx_bytes(), options, providers=["CPUExecutionProvider"])
        step = 1 if any(value.shape[0] == 1 for value in session.get_inputs()) else ROWS
        answers: list[list] = [[] for _ in self.expected]
        for start in range(0, ROWS, step):
            outputs = session.run(None, {name: rows[start : start + step] for name, rows in self.feed.items()})
            for answer, column in zip(answers, [column for output in outputs for column in columns(output)], strict=True):
                answer += column
        largest = 0.0
        for (column, expected), found in zip(self.expected.items(), answers, strict=True):
            if not isinstance(expected[0], float):
                assert list(found) == expected, f"{self.name}: labels of {column} differ from the origin's"
                continue
            difference = np.abs(np.asarray(found, dtype=float) - expected) / np.maximum(1.0, np.abs(expected))
            largest = max(largest, float(difference.max()))
        assert largest <= TOLERANCE, f"{self.name}: {largest:g} from the origin"
        return largest

    def as_json(self) -> bytes:
        content = {"fields": self.fields, "steps": self.steps, "params": self.params, "rows": self.rows, "expected": self.expected}
        lines = [f'"{key}": {json.dumps(value, ensure_ascii=False)}' for key, value in content.items()]
        return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def columns(output: object) -> list[list]:
    """An output of ONNX Runtime as columns, one value a row each, in the order in which caz makes them."""
    if isinstance(output, list) and isinstance(output[0], dict):
        return [[row[key] for row in output] for key in sorted(output[0])]
    if isinstance(output, list):
        return [column for tensor in output for column in columns(tensor)]
    flat = output.reshape(len(output), -1)
    return [flat[:, at].tolist() for at in range(flat.shape[1])]


def floats(values: np.ndarray) -> list[float]:
    return [float(value) for value in values]


def probabilities(prefix: str, values: np.ndarray, classes: list | None = None) -> dict[str, list]:
    """Columns named as caz names them, by class or by position."""
    return {f"{prefix}_{at if classes is None else classes[at]}": floats(values[:, at]) for at in range(values.shape[1])}


def nullable(values: np.ndarray) -> list:
    """Numbers with null for NaN; floats in the shortest form that their own precision reads back."""
    return [None if value != value else json.loads(str(value)) for value in values]


def tidy(model: onnx.ModelProto, name: str, metadata: dict[str, str] | None = None) -> onnx.ModelProto:
    """A model of the zoo under its name, tidied as all are."""
    model.graph.name = name
    return exported.tidy(model, metadata or {})
