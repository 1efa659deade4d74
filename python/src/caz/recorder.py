"""Records what training makes of a few events at every node, as the golden cases that caz replays before it serves."""

import base64
import importlib.metadata
import json
import math
import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

LIBRARIES = ("pandas", "numpy", "scikit-learn", "onnxruntime")


@runtime_checkable
class DataFrame(Protocol):
    """What is asked of a pandas DataFrame."""

    @property
    def columns(self) -> Any: ...
    @property
    def dtypes(self) -> Any: ...
    @property
    def iloc(self) -> Any: ...
    @property
    def index(self) -> Any: ...
    def __len__(self) -> int: ...


Frame = DataFrame | Mapping[str, Any]
F = TypeVar("F", bound=Frame)
M = TypeVar("M")


class Recorder:
    """Golden cases of a pipeline.

    `rows` are the positions of the rows to keep, of every frame that is recorded; without it all rows are kept. Either way all that is
    recorded has a row for each event, in their order. Scores may differ from training's by `tolerance`, times the score where it is
    beyond 1; columns and features may not. The versions of `libraries` are noted where they are installed.
    """

    def __init__(self, rows: Sequence[int] | None = None, *, tolerance: float = 1e-6, libraries: Iterable[str] = LIBRARIES) -> None:
        self._rows = None if rows is None else list(rows)
        self._tolerance = tolerance
        self._libraries = {"python": platform.python_version()} | _versions(libraries)
        self._events: list[Any] | None = None
        # What was recorded first, and its rows; the labels of the first DataFrame's rows.
        self._first: tuple[str, int] | None = None
        self._index: tuple[list[Any], Any] | None = None
        self._nodes: dict[str, dict[str, tuple[str, list[Any]]]] = {}
        self._features: dict[str, dict[str, list[Any]]] = {}
        self._outputs: dict[str, dict[str, list[Any]]] = {}

    def events(self, events: Sequence[bytes | Mapping[str, Any]]) -> None:
        """The raw events: mappings as JSON has them, or the bytes of a record's value."""
        self._events = [_event(event) for event in self._select("the events", events)]

    def node(self, id: str, frame: F) -> F:
        """The columns that leave node `id`. Answers the frame, so that a step and its recording fit one line."""
        if id in self._nodes:
            raise ValueError(f"node `{id}` is recorded already")
        self._nodes[id] = self._columns(f"node `{id}`", frame)
        return frame

    def features(self, node: str, features: M, names: Sequence[str] | None = None) -> M:
        """What the model of `node` is given, in its order: a frame, or an array [rows, features] with the features' names."""
        what = f"the features of `{node}`"
        if isinstance(features, DataFrame | Mapping):
            self._features[node] = {name: values for name, (_, values) in self._columns(what, features).items()}
            return features
        if names is None:
            raise TypeError("an array of features needs their `names`")
        rows = [list(row) for row in self._select(what, features)]
        if wrong := next((len(row) for row in rows if len(row) != len(names)), None):
            raise ValueError(f"{len(names)} names for {wrong} features")
        self._features[node] = {str(name): [_value(row[at]) for row in rows] for at, name in enumerate(names)}
        return features

    def outputs(self, node: str, outputs: F) -> F:
        """What the model of `node` answers, under the names of the node's output columns."""
        columns = self._columns(f"the outputs of `{node}`", outputs)
        self._outputs[node] = {name: values for name, (_, values) in columns.items()}
        return outputs

    def text(self) -> str:
        """The file's text: one line for each column, node, model and case."""
        if self._events is None:
            raise ValueError("no events are recorded: call `events` with what the frames were made of")
        count = len(self._events)
        if count == 0:
            raise ValueError("no rows are recorded: a file without a case would check nothing")
        columns: list[tuple[str, str, list[Any]]] = []
        known: dict[str, int] = {}
        nodes = []
        for id, frame in self._nodes.items():
            places = []
            for name, (dtype, values) in frame.items():
                # A column that nodes pass on unchanged is written once.
                place = known.setdefault(_json([name, dtype, values]), len(columns))
                if place == len(columns):
                    columns.append((name, dtype, values))
                places.append(place)
            nodes.append({"id": id, "columns": places})
        models = []
        for node in dict.fromkeys([*self._features, *self._outputs]):
            models.append((node, self._features.get(node, {}), self._outputs.get(node, {})))
        cases = [
            {
                "event": self._events[row],
                "values": [values[row] for _, _, values in columns],
                "models": [
                    {"features": [values[row] for values in features.values()], "outputs": [values[row] for values in outputs.values()]}
                    for _, features, outputs in models
                ],
            }
            for row in range(count)
        ]
        lists: dict[str, list[Any]] = {
            "columns": [{"name": name, "dtype": dtype} for name, dtype, _ in columns],
            "nodes": nodes,
            "models": [{"node": node, "features": list(features), "outputs": list(outputs)} for node, features, outputs in models],
            "cases": cases,
        }
        head = {"version": 1, "libraries": self._libraries, "tolerances": {"score": self._tolerance}}
        parts = [f'"{name}":{_json(value)}' for name, value in head.items()]
        parts += [f'"{name}":[\n' + ",\n".join(map(_json, lines)) + "\n]" if lines else f'"{name}":[]' for name, lines in lists.items()]
        return "{\n" + ",\n".join(parts) + "\n}\n"

    def write(self, path: str | Path) -> None:
        """Writes the file that the pipeline file names with `golden`."""
        Path(path).write_text(self.text(), encoding="utf-8")

    def _check(self, what: str, count: int) -> None:
        """Positions mean the same rows everywhere only where nothing was dropped or added."""
        first, rows = self._first = self._first or (what, count)
        if count != rows:
            raise ValueError(f"{count} rows of {what} for {rows} of {first}: record a row for each event, in their order")

    def _check_order(self, what: str, index: Any) -> None:
        """The labels of the first frame in another order tell that rows have moved; new labels tell nothing."""
        labels, name = list(index), getattr(index, "name", None)
        self._index = self._index or (labels, name)
        # A frame that is made of an array has its rows numbered anew.
        is_new = (getattr(index, "start", None), getattr(index, "step", None)) == (0, 1)
        before, before_name = self._index
        if not is_new and name == before_name and labels != before and Counter(labels) == Counter(before):
            raise ValueError(f"the rows of {what} are in another order than those of the first frame: record them in the events' order")

    def _select(self, what: str, rows: Any) -> list[Any]:
        rows = rows if hasattr(rows, "__len__") else list(rows)
        self._check(what, len(rows))
        if self._rows is None:
            return list(rows)
        # A Series takes numbers in brackets for labels.
        rows = getattr(rows, "iloc", rows)
        return [rows[row] for row in self._rows]

    def _columns(self, what: str, frame: Frame) -> dict[str, tuple[str, list[Any]]]:
        """Name to dtype and values."""
        names = [str(name) for name in (frame if isinstance(frame, Mapping) else frame.columns)]
        if twice := [name for name, count in Counter(names).items() if count > 1]:
            raise ValueError(f"two columns have the name `{twice[0]}`")
        if isinstance(frame, Mapping):
            return {
                name: (
                    str(getattr(values, "dtype", "object")),
                    [_value(value) for value in self._select(f"column `{name}` of {what}", values)],
                )
                for name, values in zip(names, frame.values(), strict=True)
            }
        self._check(what, len(frame))
        self._check_order(what, frame.index)
        columns = [frame.iloc[:, place] if self._rows is None else frame.iloc[self._rows, place] for place in range(len(names))]
        return {
            name: (str(column.dtype), [_value(value) for value in column.tolist()]) for name, column in zip(names, columns, strict=True)
        }


def _event(event: bytes | Mapping[str, Any]) -> Any:
    if isinstance(event, bytes | bytearray | memoryview):
        return base64.b64encode(event).decode("ascii")
    if not hasattr(event, "items"):
        raise TypeError(f"an event is a mapping, or the bytes of a record's value, not {type(event).__name__}")
    return {name: _value(value) for name, value in event.items()}


def _value(value: Any) -> Any:
    """A value as a golden case has it: null for what pandas takes as missing, text for times and infinities."""
    if type(value).__name__ == "datetime64":
        return None if value != value else str(value)
    if hasattr(value, "tolist"):  # NumPy's scalars and arrays; a list of an array's times would be of numbers
        value = list(value) if getattr(value, "ndim", 0) else value.tolist()
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return None if math.isnan(value) else value if math.isfinite(value) else ("inf" if value > 0 else "-inf")
        case bytes():
            return value.decode("latin-1")
        case Mapping():
            return {str(key): _value(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_value(inner) for inner in value]
        case _ if type(value).__name__ in ("NaTType", "NAType"):
            return None
        case _ if hasattr(value, "isoformat"):
            return value.isoformat()
        case _:
            return str(value)


def _versions(libraries: Iterable[str]) -> dict[str, str]:
    versions = {}
    for library in libraries:
        try:
            versions[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
