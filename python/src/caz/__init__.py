"""What a training script needs of the stream scorer caz: golden cases (`Recorder`) and graphs (`GraphBuilder`)."""

from caz.graph import GraphBuilder, replace_ids
from caz.nodes import (
    FieldOps,
    FieldTrans,
    JsonToDataframe,
    ModelUpload,
    Node,
    OneHotEncoder,
    ONNXNode,
    Pandas,
    Processor,
    Receiver,
    ScikitLearn,
    Simulator,
    Split,
)
from caz.recorder import Recorder

__all__ = [
    "FieldOps",
    "FieldTrans",
    "GraphBuilder",
    "JsonToDataframe",
    "ModelUpload",
    "Node",
    "ONNXNode",
    "OneHotEncoder",
    "Pandas",
    "Processor",
    "Receiver",
    "Recorder",
    "ScikitLearn",
    "Simulator",
    "Split",
    "replace_ids",
]
