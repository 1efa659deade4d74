"""What is scored: events, model, pipeline and the reference's scores, written for everyone who takes part.

A workload is a folder of .caz/bench/workloads:
- `workload.json`: what a contender needs to know; its paths are absolute;
- `pipeline.yaml`: the same for caz;
- `events.bin`: a pool of events, each behind its length in 4 bytes, little-endian; event `i` of a run is number `i % pool`;
- `expected.jsonl`: the fields of each one's score, by scikit-learn for its models, else by ONNX Runtime row by row;
- `features.f32le`: each one's features, for the floor of inference.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import onnxruntime
import yaml

from . import networks
from .places import ROOT, WORKLOADS

CLASSES = 10


@dataclass(frozen=True)
class Workload:
    name: str
    title: str
    folder: Path
    events: int  # of a whole run

    @property
    def file(self) -> Path:
        return self.folder / "workload.json"


def car_insurance(model: str, events: int) -> Workload:
    """The example of this project with one of its models: `linear` or `forest`."""
    file, prefix = {"linear": ("logistic-regression", "lr"), "forest": ("random-forest", "rf")}[model]
    name = f"car-insurance-{model}"
    folder = _folder(name)
    pipeline = yaml.safe_load((ROOT / "config/car-insurance.yaml").read_text())
    node = next(node for node in pipeline["graph"]["nodes"] if node["id"] == "onnx")
    node["params"]["model_id"] = f"car-insurance/{file}"
    # Cases are of one model.
    if model != "forest":
        del pipeline["golden"]
    else:
        pipeline["golden"] = str(ROOT / "models/car-insurance/golden.json")
    pipeline["input"]["schema"] = str(ROOT / "schemas/car-insurance.avsc")
    pipeline["model_store"] = str(ROOT / "models")
    pipeline["graph"]["frozen"] = str(ROOT / "config/car-insurance.frozen.json")
    _write_pipeline(folder, pipeline)

    schema = fastavro.schema.load_schema(ROOT / "schemas/car-insurance.avsc")
    with (ROOT / "datasets/car-insurance.csv").open(newline="") as rows:
        _write_events(folder, (_datum(schema, row) for row in csv.DictReader(rows)))
    with (ROOT / "models/car-insurance/expected.csv").open(newline="") as rows:
        scores = [
            {"ecid": row["ecid"], "purchase_predicted": int(row[f"{prefix}_label"]), "probability_yes": float(row[f"{prefix}_p1"])}
            for row in csv.DictReader(rows)
        ]
    shutil.copyfile(ROOT / "models/car-insurance/features.f32le", folder / "features.f32le")
    features = node["params"]["features"]
    definition = {
        "name": name,
        "kind": "features",
        "format": "avro",
        "schema": pipeline["input"]["schema"],
        "model": str(ROOT / f"models/car-insurance/{file}.onnx"),
        "frozen": pipeline["graph"]["frozen"],
        "features": features,
        "width": len(features),
        "outputs": ["purchase_predicted", "probability_yes"],
        "key_field": "ecid",
    }
    _write_definition(folder, definition, scores)
    title = {"linear": "car insurance, logistic regression", "forest": "car insurance, random forest"}[model]
    return Workload(name, title, folder, events)


def tensor(name: str, title: str, widths: Sequence[int], events: int, pool: int = 1000, seed: int = 1, padding: int = 0) -> Workload:
    """JSON events with one array of floats as [0, 1) and a feed-forward network of these widths. `padding` is text in the event that
    nobody reads, bytes."""
    folder = _folder(name)
    schema = {
        "type": "record",
        "name": "TensorEvent",
        "fields": [
            {"name": "id", "type": "string"},
            {"name": "image", "type": {"type": "array", "items": "float"}},
            {"name": "padding", "type": "string", "default": ""},
        ],
    }
    (folder / "event.avsc").write_text(json.dumps(schema, indent=2))
    model = folder / "model.onnx"
    networks.write(model, [*widths, CLASSES], seed)
    images = np.random.default_rng(seed + 1).random((pool, widths[0]), dtype=np.float32)
    _write_events(folder, (_json_event(number, image, padding) for number, image in enumerate(images)))
    images.tofile(folder / "features.f32le")
    outputs = ["label", *(f"probability_{digit}" for digit in range(CLASSES))]
    pipeline = {
        "name": name,
        "input": {"format": "json", "schema": str(folder / "event.avsc")},
        "model_store": str(folder),
        "graph": {
            "nodes": [
                {"id": "events", "type": "JsonToDataframe"},
                {
                    "id": "network",
                    "type": "ONNXNode",
                    "params": {
                        "model_id": "model",
                        "features": ["image"],
                        "outputs": {"label": "label", "probabilities": outputs[1:]},
                    },
                },
            ],
            "edges": [["events", "network"]],
        },
        "output": {"format": "json", "columns": outputs, "pass_through": ["id"]},
        "delivery": {"commit_interval": "100ms"},
        "dead_letters": {},
        "batch": {},
        "metrics": {},
        "kafka": {},
    }
    _write_pipeline(folder, pipeline)
    definition = {
        "name": name,
        "kind": "tensor",
        "format": "json",
        "schema": str(folder / "event.avsc"),
        "model": str(model),
        "field": "image",
        "width": widths[0],
        "outputs": outputs,
        "key_field": "id",
    }
    _write_definition(folder, definition, _answers(model, images, outputs))
    return Workload(name, title, folder, events)


def _folder(name: str) -> Path:
    folder = WORKLOADS / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _datum(schema: Any, row: dict[str, str]) -> bytes:
    """A row of the CSV file as Avro. An empty field is null, and nothing else is."""
    readers: dict[str, Callable[[str], Any]] = {"int": int, "double": float, "string": str, "long": datetime.fromisoformat}
    values = {}
    for field in schema["fields"]:
        kind = field["type"]
        kind = kind[1] if isinstance(kind, list) else kind["type"] if isinstance(kind, dict) else kind
        text = row[field["name"]]
        values[field["name"]] = readers[kind](text) if text else None
    into = io.BytesIO()
    fastavro.schemaless_writer(into, schema, values)
    return into.getvalue()


def _json_event(number: int, image: Any, padding: int) -> bytes:
    """Floats with as many digits as they need, as Java and JavaScript write them."""
    numbers = ",".join(str(value) for value in image)
    rest = f',"padding":"{"x" * padding}"' if padding else ""
    return f'{{"id":"{number}","image":[{numbers}]{rest}}}'.encode()


def _answers(model: Path, images: Any, outputs: Sequence[str]) -> list[dict[str, Any]]:
    """ONNX Runtime's answers, one row a run."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    scores = []
    for number, image in enumerate(images):
        labels, probabilities = session.run(["label", "probabilities"], {"features": image[None, :]})
        values = [int(labels[0]), *(float(value) for value in probabilities[0])]
        scores.append({"id": str(number)} | dict(zip(outputs, values, strict=True)))
    return scores


def _write_events(folder: Path, events: Iterable[bytes]) -> None:
    with (folder / "events.bin").open("wb") as into:
        for event in events:
            into.write(struct.pack("<I", len(event)))
            into.write(event)


def _write_pipeline(folder: Path, pipeline: dict[str, Any]) -> None:
    """What differs from run to run comes from the environment."""
    pipeline["input"] |= {"topic": "${CAZ_BENCH_INPUT}", "group": "${CAZ_BENCH_GROUP}"}
    pipeline["output"] |= {"topic": "${CAZ_BENCH_OUTPUT}", "headers": "${CAZ_BENCH_HEADERS:-packed}"}
    pipeline["dead_letters"]["topic"] = "${CAZ_BENCH_DEAD_LETTERS}"
    pipeline["delivery"]["guarantee"] = "${CAZ_BENCH_GUARANTEE}"
    pipeline["batch"]["max_batch"] = "${CAZ_BENCH_BATCH}"
    pipeline["workers"] = "${CAZ_BENCH_WORKERS}"
    pipeline["metrics"]["address"] = "127.0.0.1:0"
    pipeline["kafka"] = {"bootstrap.servers": "${CAZ_BENCH_BOOTSTRAP}"}
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(pipeline, sort_keys=False, allow_unicode=True, width=140))


def _write_definition(folder: Path, definition: dict[str, Any], scores: list[dict[str, Any]]) -> None:
    with (folder / "expected.jsonl").open("w") as into:
        for score in scores:
            into.write(json.dumps(score) + "\n")
    written = [json.dumps(score | _as_float32(score), separators=(",", ":")) for score in scores]
    # What the floor of the transport writes.
    definition["output_bytes"] = round(sum(map(len, written)) / len(written))
    (folder / "workload.json").write_text(json.dumps(definition, indent=2, ensure_ascii=False))


def _as_float32(score: dict[str, Any]) -> dict[str, float]:
    return {name: float(str(np.float32(value))) for name, value in score.items() if isinstance(value, float)}
