"""Graphs as the JSON text that a pipeline file names with `graph: {dsl: FILE}`."""

import itertools
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from caz.nodes import Node

End = Node | str


class GraphBuilder:
    """Makes the text of a graph."""

    @staticmethod
    def generate_dsl(*, nodes: Sequence[Node], edges: Iterable[tuple[End, End]] = ()) -> str:
        """The graph of `nodes`; an edge is a pair of nodes, or of their ids, the sender first.

        A node without an id gets one from its type and its place. Raises `ValueError` for two nodes of one id and for an edge to or from
        a node that is not in the graph, `TypeError` for a parameter that JSON cannot hold: functions, null as a dict's key but in `map`.
        """
        ids = _ids(nodes)
        content = {
            "nodes": [{"id": id, "type": node.type, "params": _checked(node, id)} for node, id in zip(nodes, ids, strict=True)],
            "edges": [[_id(sender, nodes, ids), _id(receiver, nodes, ids)] for sender, receiver in edges],
        }
        return json.dumps({"edge": {"applicationDsl": content}}, ensure_ascii=False, indent=2)


def replace_ids(dsl: str, ids: Mapping[str, str]) -> str:
    """The graph with other ids, in its nodes and in its edges: `ids` is from old ones to new ones. Raises `ValueError` for an old id that
    no node has, and when two nodes would have one id."""
    graph: dict[str, Any] = json.loads(dsl)
    content = graph["edge"]["applicationDsl"]
    unknown = set(ids) - {node["id"] for node in content["nodes"]}
    if unknown:
        raise ValueError(f"no node has the id {', '.join(sorted(unknown))}")
    for node in content["nodes"]:
        node["id"] = ids.get(node["id"], node["id"])
    _check_ids([node["id"] for node in content["nodes"]])
    content["edges"] = [[ids.get(end, end) for end in edge] for edge in content["edges"]]
    return json.dumps(graph, ensure_ascii=False, indent=2)


def _ids(nodes: Sequence[Node]) -> list[str]:
    """The nodes' ids, given or made. The nodes stay without one, for in another graph they may have other places."""
    if len(set(map(id, nodes))) < len(nodes):
        raise ValueError("a node is among the nodes twice")
    taken = [node.id for node in nodes if node.id is not None]
    _check_ids(taken)
    ids: list[str] = []
    for place, node in enumerate(nodes):
        made = (f"{_snake(node.type)}_{number}" for number in itertools.count(place))
        ids.append(node.id if node.id is not None else next(name for name in made if name not in taken))
        taken.append(ids[-1])
    return ids


def _check_ids(ids: Sequence[str]) -> None:
    if doubled := sorted({id for id in ids if ids.count(id) > 1}):
        raise ValueError(f"two nodes have the id {', '.join(doubled)}")


def _id(end: End, nodes: Sequence[Node], ids: Sequence[str]) -> str:
    for node, id in zip(nodes, ids, strict=True):
        if end is node:
            return id
    given = end.id if isinstance(end, Node) else end
    if given is None or given not in ids:
        raise ValueError(f"an edge names {end!r}, which is not among the nodes")
    return given


def _checked(node: Node, id: str) -> dict[str, Any]:
    """The parameters: NaN as null, infinities as the text that stands for them in a graph."""
    try:
        return {name: _plain(value) for name, value in _null_beside(node.params).items()}
    except TypeError as error:
        raise TypeError(f"node `{id}`: {error}") from None


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int():
            return value
        case str():  # caz fills in variables of the environment, `${NAME}`: that of a notebook's text is no such
            return value.replace("${", "$${")
        case float():
            return None if math.isnan(value) else str(value) if math.isinf(value) else value
        case Mapping():
            if nulls := [key for key in value if _is_null(key)]:
                raise TypeError(f"a graph's keys are text, and {nulls[0]!r} is none: {value!r}")
            if len({str(key) for key in value}) < len(value):
                raise TypeError(f"a graph's keys are text, and two of these are written alike: {value!r}")
            return {str(key): _plain(inner) for key, inner in _null_beside(value).items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case _ if callable(value):
            raise TypeError(f"a graph holds no functions: {value!r}")
        case _ if type(value).__name__ == "datetime64":
            return None if value != value else str(value)
        case _ if hasattr(value, "tolist"):  # NumPy's scalars and arrays; a list of an array's times would be of numbers
            return _plain(list(value) if getattr(value, "ndim", 0) else value.tolist())
        case _:
            raise TypeError(f"a graph cannot hold {value!r}")


def _null_beside(call: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """A call of `map` with what its dict has for None, or NaN, as `null` beside the dict; all else as it is."""
    kwargs = call.get("kwargs") if call.get("import") == "map" else None
    arg = kwargs.get("arg") if isinstance(kwargs, Mapping) else None
    if not (isinstance(kwargs, Mapping) and isinstance(arg, Mapping)):
        return call
    nulls = [value for key, value in arg.items() if _is_null(key)]
    if not nulls:
        return call
    if any(value != nulls[0] for value in nulls[1:]) or "null" in kwargs:
        raise TypeError(f"`map` in a graph has one value for null: {kwargs!r}")
    rest = {key: value for key, value in arg.items() if not _is_null(key)}
    return {**call, "kwargs": {**kwargs, "arg": rest, "null": nulls[0]}}


def _is_null(key: Any) -> bool:
    return key is None or key != key


def _snake(type: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type).lower()
