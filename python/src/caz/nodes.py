"""The nodes of a graph: a type, parameters, an id. What the parameters mean is caz's affair; `caz check` reports every mistake in them."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

Params = Mapping[str, Any]
Nulls = Literal["reject", "nan"]
NonFinite = Literal["reject", "null"]
Engine = Literal["auto", "onnxruntime", "linear", "trees"]


class Node:
    """A node of any type.

    `params` are its parameters as the graph's text has them. Without `id` each graph gives it one from its type.
    """

    def __init__(self, type: str, params: Params | None = None, *, id: str | None = None) -> None:
        self.type = type
        self.params: dict[str, Any] = dict(params or {})
        self.id = id

    def __repr__(self) -> str:
        return f"{self.type}(params={self.params!r}, id={self.id!r})"

    def _set(self, **named: Any) -> None:
        """Adds the parameters that are given by name; a name that Python keeps for itself ends in `_`."""
        for name, value in named.items():
            name = name.rstrip("_")
            if value is None:
                continue
            if name in self.params:
                raise TypeError(f"{self.type}: `{name}` is given twice, in `params` and by name")
            self.params[name] = value


class JsonToDataframe(Node):
    """The event's fields as a frame. In a stream the decoded event takes the place of `json_payload`."""

    def __init__(self, params: Params | None = None, *, json_payload: Any = None, id: str | None = None) -> None:
        super().__init__("JsonToDataframe", params, id=id)
        self._set(json_payload=json_payload)


class Pandas(Node):
    """A DataFrame or Series method, or a function of pandas: `import_` is its name; or several of them, in `steps`."""

    def __init__(
        self,
        params: Params | None = None,
        *,
        import_: str | None = None,
        cols: str | Sequence[str] | None = None,
        kwargs: Params | None = None,
        inplace: bool | None = None,
        into: str | Sequence[str] | None = None,
        steps: Sequence[Params] | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__("Pandas", params, id=id)
        self._set(import_=import_, cols=cols, kwargs=kwargs, inplace=inplace, into=into, steps=steps)


class OneHotEncoder(Node):
    """One column for each category, with scikit-learn's semantics."""

    def __init__(
        self,
        params: Params | None = None,
        *,
        features: Sequence[str] | None = None,
        categories: Any = None,
        handle_unknown: Literal["ignore", "error"] | None = None,
        drop: Any = None,
        dtype: str | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__("OneHotEncoder", params, id=id)
        self._set(features=features, categories=categories, handle_unknown=handle_unknown, drop=drop, dtype=dtype)


class ScikitLearn(Node):
    """A model of scikit-learn: trained by training, in a scorer the ONNX file at `model_path`. `model_params` is the graph's `params`."""

    def __init__(
        self,
        params: Params | None = None,
        *,
        features: Sequence[str] | None = None,
        label: str | None = None,
        mode: Literal["train", "test"] | None = None,
        model_path: str | None = None,
        model_id: str | None = None,
        model_params: Params | None = None,
        outputs: Mapping[str, str | Sequence[str]] | None = None,
        nulls: Nulls | None = None,
        non_finite: NonFinite | None = None,
        rows_per_run: int | None = None,
        engine: Engine | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__("ScikitLearn", params, id=id)
        self._set(features=features, label=label, mode=mode, model_path=model_path, model_id=model_id, params=model_params)
        self._set(outputs=outputs, nulls=nulls, non_finite=non_finite, rows_per_run=rows_per_run, engine=engine)


class Split(Node):
    """Splits rows for training; a scorer passes them through."""

    def __init__(
        self, params: Params | None = None, *, train_size: float | None = None, test_size: float | None = None, id: str | None = None
    ) -> None:
        super().__init__("Split", params, id=id)
        self._set(train_size=train_size, test_size=test_size)


class ModelUpload(Node):
    """Puts the model at `model_path` into the model store."""

    def __init__(
        self, params: Params | None = None, *, model_path: str | None = None, model_id: str | None = None, id: str | None = None
    ) -> None:
        super().__init__("ModelUpload", params, id=id)
        self._set(model_path=model_path, model_id=model_id)


class ONNXNode(Node):
    """Sends `features`, in order, to a model of the model store and adds its outputs as columns."""

    def __init__(
        self,
        params: Params | None = None,
        *,
        features: Sequence[str] | Mapping[str, str | Sequence[str]] | None = None,
        model_id: str | None = None,
        outputs: Mapping[str, str | Sequence[str]] | None = None,
        nulls: Nulls | None = None,
        non_finite: NonFinite | None = None,
        rows_per_run: int | None = None,
        engine: Engine | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__("ONNXNode", params, id=id)
        self._set(features=features, model_id=model_id, outputs=outputs)
        self._set(nulls=nulls, non_finite=non_finite, rows_per_run=rows_per_run, engine=engine)


class FieldOps(Node):
    """Operations on fields: select, drop, rename, cast, default, copy."""

    def __init__(
        self,
        params: Params | None = None,
        *,
        select: Sequence[str] | None = None,
        drop: Sequence[str] | None = None,
        rename: Mapping[str, str] | None = None,
        cast: Mapping[str, str] | None = None,
        default: Params | None = None,
        copy: Mapping[str, str | Sequence[str]] | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__("FieldOps", params, id=id)
        self._set(select=select, drop=drop, rename=rename, cast=cast, default=default, copy=copy)


class FieldTrans(Node):
    """New values of fields, each by an expression."""

    def __init__(self, params: Params | None = None, *, fields: Mapping[str, str | float] | None = None, id: str | None = None) -> None:
        super().__init__("FieldTrans", params, id=id)
        self._set(fields=fields)


class Processor(Node):
    """Keeps the rows for which the expression `where` is true; the others are skipped, or rejected, for `reason`."""

    def __init__(
        self,
        params: Params | None = None,
        *,
        where: str | None = None,
        otherwise: Literal["skip", "reject"] | None = None,
        reason: str | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__("Processor", params, id=id)
        self._set(where=where, otherwise=otherwise, reason=reason)


class Receiver(Node):
    """The pipeline's input, where the graph names it."""

    def __init__(
        self,
        params: Params | None = None,
        *,
        topic: str | None = None,
        format: str | None = None,
        schema: str | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__("Receiver", params, id=id)
        self._set(topic=topic, format=format, schema=schema)


class Simulator(Node):
    """Events made up from the dataset's schema, or rows of a file."""

    def __init__(
        self,
        params: Params | None = None,
        *,
        seed: int | None = None,
        rate: float | None = None,
        rows: str | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__("Simulator", params, id=id)
        self._set(seed=seed, rate=rate, rows=rows)
