"""Graphs as the JSON text that a pipeline file names with `graph: {dsl: FILE}`."""

import itertools
import json
import math
import re
from collections import Counter, defaultdict
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
        return _text({"edge": {"applicationDsl": content}})


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
    return _text(graph)


def _text(value: Any, margin: str = "") -> str:
    """JSON with a line for each entry, but for what is short or holds single values only: caz reads graphs of at most 1 MiB, and most of a
    long mapping would be indentation."""
    entries = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    line = json.dumps(value, ensure_ascii=False)
    if len(line) <= 100 or not any(isinstance(entry, dict | list) for entry in entries):
        return line
    deeper = margin + "  "
    if isinstance(value, dict):
        keys = (json.dumps(key, ensure_ascii=False) for key in value)
        lines = [f"{deeper}{key}: {_text(entry, deeper)}" for key, entry in zip(keys, entries, strict=True)]
    else:
        lines = [deeper + _text(entry, deeper) for entry in entries]
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    return "\n".join([opening, ",\n".join(lines), margin + closing])


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
        return {name: _plain(value) for name, value in _call(node.params).items()}
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
            if others := [key for key in value if isinstance(key, tuple) or _is_null(key)]:
                raise TypeError(f"a graph's keys are text, and {others[0]!r} is none: {value!r}")
            if len({str(key) for key in value}) < len(value):
                raise TypeError(f"a graph's keys are text, and two of these are written alike: {value!r}")
            return {str(key): _plain(inner) for key, inner in _call(value).items()}
        case list() | tuple() | range():
            return [_plain(inner) for inner in value]
        case set() | frozenset():  # in an order that is the same each time
            return [_plain(inner) for inner in sorted(value, key=repr)]
        case _ if type(value).__name__ in ("NaTType", "NAType"):
            return None
        case _ if (name := _dtype(value)) is not None:
            return name
        case _ if callable(value):
            raise TypeError(f"a graph holds no functions: {value!r}")
        case _ if type(value).__name__ == "datetime64":
            return None if value != value else str(value)
        case _ if hasattr(value, "tolist"):  # NumPy's scalars and arrays; a list of an array's times would be of numbers
            return _plain(list(value) if getattr(value, "ndim", 0) else value.tolist())
        case _ if hasattr(value, "isoformat") and hasattr(value, "year"):  # dates and times, pandas' with all digits
            return value.isoformat()
        case _:
            raise TypeError(f"a graph cannot hold {value!r}")


def _dtype(value: Any) -> str | None:
    """The name of a type of columns, Python's, NumPy's or pandas'; None for what is none, or has more to it than its name."""
    if isinstance(value, type):
        is_numpy = any(base.__name__ == "generic" for base in value.__mro__)
        return value.__name__.rstrip("_") if value in (bool, int, float, str) or is_numpy else None
    if not (hasattr(type(value), "kind") and hasattr(type(value), "name")):
        return None
    return None if getattr(value, "categories", None) is not None or getattr(value, "ordered", False) else str(value)


# The argument of an operation in which pandas takes a Series for a dict; elsewhere it is a list.
_DICTS = {"astype": "dtype", "fillna": "value", "map": "arg", "replace": "to_replace"}


def _call(call: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """A call with dicts for the Series that pandas takes for dicts, and with what the dict of `map` has for null and for other keys beside
    it; all else as it is."""
    kwargs = call.get("kwargs")
    if "import" not in call or not isinstance(kwargs, Mapping):
        return call
    kwargs = {name: _dict(value) if name == _DICTS.get(call["import"]) else value for name, value in kwargs.items()}
    call = {**call, "kwargs": kwargs}
    return _null_beside(_default_beside(call)) if call["import"] == "map" else call


def _dict(value: Any) -> Any:
    """A Series as a dict from its index to its values; all else as it is."""
    if isinstance(value, Mapping) or not (hasattr(value, "index") and hasattr(value, "items")):
        return value
    if len(entries := dict(value.items())) < len(value):
        raise TypeError(f"a Series with an index that has a value twice is no dict: {value!r}")
    return entries


def _default_beside(call: dict[Any, Any]) -> dict[Any, Any]:
    """A call of `map` with what its dict makes of a key that it has not, as a `defaultdict` does, as `default` beside it."""
    kwargs = call["kwargs"]
    arg = kwargs.get("arg")
    if not isinstance(arg, Mapping) or not hasattr(type(arg), "__missing__"):
        return call
    if isinstance(arg, defaultdict):
        if arg.default_factory is None:
            return call
        default = arg.default_factory()
    elif isinstance(arg, Counter):
        default = 0
    else:
        raise TypeError(f"a graph cannot tell what this makes of other keys, write it as `default`: {arg!r}")
    if "default" in kwargs:
        raise TypeError(f"`map` in a graph has one value for other keys: {kwargs!r}")
    return {**call, "kwargs": {**kwargs, "arg": dict(arg), "default": default}}


def _null_beside(call: dict[Any, Any]) -> dict[Any, Any]:
    """A call of `map` with what its dict has for None, or NaN, as `null` beside the dict."""
    kwargs = call["kwargs"]
    arg = kwargs.get("arg")
    if not isinstance(arg, Mapping):
        return call
    nulls = [value for key, value in arg.items() if _is_null(key)]
    if not nulls:
        return call
    if any(value != nulls[0] for value in nulls[1:]) or "null" in kwargs:
        raise TypeError(f"`map` in a graph has one value for null: {kwargs!r}")
    rest = {key: value for key, value in arg.items() if not _is_null(key)}
    return {**call, "kwargs": {**kwargs, "arg": rest, "null": nulls[0]}}


def _is_null(key: Any) -> bool:
    return key is None or type(key).__name__ == "NAType" or key != key


def _snake(type: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type).lower()
