"""Random graphs of Pandas nodes, run by pandas: the other side of `tests/pandas_differential.rs`.

Speaks JSON, one message a line. Rust asks; an answer follows each question:

    {"seed": 1, "graph": 7, "drop": ["n3"]}   the graph without some nodes: {"fields", "nodes", "frozen"}
    {"dtypes": {"n1": {"a": "float64"}}}       what pandas makes of the graph asked for last: {"columns", "rejected", "skipped", "odd"}

`dtypes` are the types that caz planned, which follow from the schema: where pandas chose another one by the values of this batch, in a way
that docs/pandas-differences.md lists, the column is converted before the next node; any other difference is listed in `odd`.
"""

import json
import sys
import warnings
from dataclasses import dataclass, field

import dispatch  # noqa: F401  before NumPy: chooses its code
import numpy as np
import pandas as pd
from draw import Call, Draw, NoColumnError, kind_of, values
from families import DRAWS
from families.convert import numeral
from families.times import iso_text
from generate import attempt, encode, encode_frame

OPERATIONS = [(name, draw) for draws in DRAWS.values() for name, draw in draws.items()]
STAMP = {"type": "long", "logicalType": "timestamp-micros"}
LOCAL = {"type": "long", "logicalType": "local-timestamp-micros"}
# How an event's field is written in Avro, and what kind of column it is.
FIELDS = {
    "double": ("double", "float64"), "float": ("float", "float32"), "long": ("long", "int64"), "int": ("int", "int32"),
    "string": ("string", "text"), "boolean": ("boolean", "bool"), "stamp": (STAMP, "time"), "local": (LOCAL, "local"),
    "numeral": ("string", "text"), "iso": ("string", "text"),
}  # fmt: skip


class FrameDraw(Draw):
    """Draws a call on columns that a frame has already."""

    def __init__(self, seed: list[int], node: str, frame: pd.DataFrame) -> None:
        self.random = np.random.default_rng(seed)
        self.node = node
        self.frame = frame.copy()
        self.taken: set[str] = set()

    def column(self, *kinds: str, nulls: bool | None = None) -> str:
        fits = [name for name in self.frame.columns if name not in self.taken and kind_of(self.frame[name]) in kinds]
        if nulls is False:
            fits = [name for name in fits if not self.has_null(name)]
        if not fits:
            raise NoColumnError
        name = self.one(fits)
        self.taken.add(name)
        return name

    def into(self) -> str | None:
        return f"{self.node}_r"

    def fresh(self, count: int) -> list[str]:
        return [f"{self.node}_{index}" for index in range(count)]


@dataclass
class Node:
    id: str
    operation: str
    parents: list[str]
    call: Call


@dataclass
class Run:
    """The frames that leave the nodes, and the rows that have left."""

    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    rejected: set[int] = field(default_factory=set)
    skipped: set[int] = field(default_factory=set)

    def input(self, parents: list[str]) -> pd.DataFrame:
        """The parents' columns side by side, the rows that are left."""
        joined: dict[str, pd.Series] = {}
        for parent in parents:
            frame = self.frames[parent]
            frame = frame.drop(index=[row for row in frame.index if row in self.rejected or row in self.skipped])
            for name in frame.columns:
                joined.setdefault(name, frame[name])
        return pd.DataFrame(joined)

    def add(self, node: Node) -> None:
        """Runs a node. A row that raises by itself is rejected."""
        frame = self.input(node.parents)
        made = attempt(node.call, frame)
        bad: set[int] = set()
        if made is None:
            bad = {row for row in frame.index if attempt(node.call, frame.loc[[row]]) is None}
            frame = frame.drop(index=list(bad))
            made = node.call.run(frame)
        if not made.columns.is_unique:
            raise ValueError("two columns of one name")
        self.rejected |= bad
        self.skipped |= set(frame.index) - set(made.index)
        self.frames[node.id] = made


def event_frame(draw: Draw, rows: int) -> tuple[pd.DataFrame, list[dict]]:
    frame = pd.DataFrame(index=range(rows))
    fields = []
    for index, style in enumerate(draw.some(list(FIELDS) * 2, 6, 10)):
        written, kind = FIELDS[style]
        nullable = draw.chance(0.5)
        name = f"{style}{index}"
        column = values(draw, kind, rows, nullable)
        if style == "numeral":
            column = pd.Series([numeral(draw) for _ in range(rows)], dtype=object).where(column.notna())
        if style == "iso":
            column = pd.Series([iso_text(draw, ["Z", "+02:00", ""]) for _ in range(rows)], dtype=object).where(column.notna())
        if kind in ("time", "local"):
            column = column.dt.floor("us")
        if kind == "float32":
            # The decoder's narrow types are wide in a frame, as pandas reads them from JSON.
            column = column.astype("float64")
        if kind == "int32" and not nullable:
            column = column.astype("int64")
        if kind in ("int64", "int32") and nullable:
            # pandas has no integer column with nulls.
            column = pd.Series([float(draw.whole(-60, 60)) for _ in range(rows)]).mask(draw.random.random(rows) < 0.2)
            column[0] = np.nan
        frame[name] = column
        fields.append({"name": name, "avro": ["null", written] if nullable else written, "nullable": nullable})
    return frame, fields


class Graph:
    """A random graph of 3 to 15 nodes, chains and branches, on the rows of random typed fields."""

    def __init__(self, seed: int, number: int) -> None:
        draw = Draw([seed, number])
        self.frame, self.fields = event_frame(draw, int(draw.whole(8, 17)))
        self.nodes: list[Node] = []
        run = Run({"events": self.frame})
        wanted = draw.whole(3, 16)
        for step in range(wanted * 12):
            if len(self.nodes) == wanted:
                break
            node_id = f"n{len(self.nodes)}"
            known = list(run.frames)
            parents = [known[-1]] if draw.chance(0.7) else draw.some(known, 1, 2)
            operation, make = draw.one(OPERATIONS)
            try:
                call = make(FrameDraw([seed, number, step], node_id, run.input(parents)))
                node = Node(node_id, operation, parents, call)
                trial = Run(dict(run.frames), set(run.rejected), set(run.skipped))
                trial.add(node)
                # Columns and arguments of Python objects are none of caz's.
                encode_frame(trial.frames[node_id])
                json.dumps([call.params, call.frozen])
            except Exception:  # noqa: BLE001  whatever pandas raises: such a call is no call
                continue
            if len(trial.rejected | trial.skipped) > len(self.frame) // 2 or differs_on_purpose(node, run.input(parents)):
                continue
            self.nodes.append(node)
            run = trial

    def without(self, drop: set[str]) -> list[Node]:
        """The nodes that stay; the children of a node that is gone hang on its parents."""
        heirs: dict[str, list[str]] = {"events": ["events"]}
        kept = []
        for node in self.nodes:
            parents = list(dict.fromkeys(heir for parent in node.parents for heir in heirs[parent]))
            heirs[node.id] = parents if node.id in drop else [node.id]
            if node.id not in drop:
                kept.append(Node(node.id, node.operation, parents, node.call))
        return kept


def differs_on_purpose(node: Node, frame: pd.DataFrame) -> bool:
    """Whether the call is one whose values docs/pandas-differences.md lists as different."""
    cols = node.call.params.get("cols", list(frame.columns))
    kwargs = node.call.params.get("kwargs", {})
    columns = [frame[name] for name in ([cols] if isinstance(cols, str) else cols)]
    if node.operation == "astype":
        # What does not fit is the processor's affair; a null time is no integer.
        is_whole = "int" in str(kwargs.get("dtype"))
        is_null = any(is_whole and column.dtype.kind == "M" and column.hasnans for column in columns)
        return is_null or any(column.dtype.kind == "f" and (column.abs() >= 2.0**31).any() for column in columns)
    if node.operation == "to_datetime" and kwargs.get("errors") == "coerce":
        return any(column.dtype.kind == "f" and (column.abs() >= 1e9).any() for column in columns)
    if node.operation == "get_dummies":
        # A Boolean has two values, whatever the batch, unless one was frozen.
        named = [frame[name] for name in kwargs.get("columns", []) if name not in node.call.frozen]
        return any(column.dtype == bool and column.nunique() < 2 for column in named)
    if node.operation == "map" and "null" in kwargs:
        return any(value is None for column in columns for value in column)
    return False


def describe(graph: Graph, nodes: list[Node]) -> dict:
    columns = [{**given, **encode(graph.frame[given["name"]])} for given in graph.fields]
    described = [{"id": n.id, "params": {"import": n.operation, **n.call.params}, "parents": n.parents} for n in nodes]
    return {"fields": columns, "nodes": described, "frozen": {node.id: node.call.frozen for node in nodes if node.call.frozen}}


def as_planned(frame: pd.DataFrame, planned: dict[str, str], node: str, odd: list[str]) -> pd.DataFrame:
    """The frame in the types that caz planned, where the difference is one that is on purpose."""
    frame = frame.copy()
    if list(frame.columns) != list(planned):
        odd.append(f"{node}: columns {list(planned)}, pandas has {list(frame.columns)}")
        return frame
    for name, dtype in planned.items():
        try:
            found = encode(frame[name])["dtype"]
        except TypeError as error:
            odd.append(f"{node}: column `{name}` is {dtype}, in pandas {error}")
            continue
        if found == dtype:
            continue
        if dtype == "float64" and (found.startswith(("int", "float")) or frame[name].isna().all()):
            frame[name] = frame[name].astype("float64")
        elif dtype.startswith("int") and found == "float64" and node == "events":
            continue
        elif frame[name].isna().all() and dtype in ("bool", "object"):
            frame[name] = frame[name].astype(object)
        elif dtype == "bool" and found == "object" and frame[name].isna().all():
            continue
        else:
            odd.append(f"{node}: column `{name}` is {dtype}, in pandas {found}")
    return frame


def answer(graph: Graph, nodes: list[Node], dtypes: dict[str, dict[str, str]]) -> dict:
    """What pandas makes of the graph; the columns of its last nodes in the rows that stay."""
    run, odd = Run({"events": graph.frame}), []
    for node in nodes:
        try:
            run.add(node)
        except Exception as error:  # noqa: BLE001  whatever pandas raises where the graph was planned
            return {"odd": [f"{node.id}: pandas raises {type(error).__name__}: {error}"]}
        run.frames[node.id] = as_planned(run.frames[node.id], dtypes[node.id], node.id, odd)
    inner = {parent for node in nodes for parent in node.parents}
    sinks = [node.id for node in nodes if node.id not in inner]
    if odd:
        return {"odd": odd}
    joined = run.input(sinks)
    columns = [{"name": name} | encode(joined[name]) for name in joined.columns]
    return {
        "columns": columns,
        "kept": joined.index.tolist(),
        "rejected": sorted(run.rejected),
        "skipped": sorted(run.skipped),
        "odd": odd,
    }


def main() -> None:
    warnings.simplefilter("ignore")
    graph, nodes, key = None, [], None
    for line in sys.stdin:
        asked = json.loads(line)
        if "dtypes" in asked:
            reply = answer(graph, nodes, asked["dtypes"])
        else:
            if key != (asked["seed"], asked["graph"]):
                key = (asked["seed"], asked["graph"])
                graph = Graph(*key)
            nodes = graph.without(set(asked["drop"]))
            reply = describe(graph, nodes)
        print(json.dumps(reply, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
