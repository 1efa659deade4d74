"""One pipeline at every opset: exported by skl2onnx as far as it goes, moved on by ONNX's version converter from there."""

import onnx
import skl2onnx
from case import Case
from columns import regression, rounded
from onnx import version_converter
from skl2onnx.common.data_types import FloatTensorType
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tabular import FEATURES, classified, table, table_case

OLDEST = 9
NEWEST = onnx.defs.onnx_opset_version()


def cases() -> list[Case]:
    features, target = table(3, seed=14)
    model = make_pipeline(StandardScaler(), regression()).fit(features.astype("float64"), target)
    rounded(model.steps[-1][1])
    expected = classified(model, features.astype("float64"), "label", "probabilities")
    inputs = [("features", FloatTensorType([None, FEATURES]))]
    cases = []
    for opset in range(OLDEST, NEWEST + 1):
        exported = min(opset, skl2onnx.__max_supported_opset__)
        target = {"": exported, "ai.onnx.ml": 1 if opset < 15 else 3}
        options = {id(model): {"zipmap": False}}
        onnx_model = skl2onnx.to_onnx(model, initial_types=inputs, options=options, target_opset=target)
        if opset > exported:
            onnx_model = version_converter.convert_version(onnx_model, opset)
        # The exporter writes the oldest opset that has all operators: say the one that is meant.
        for imported in onnx_model.opset_import:
            if imported.domain == "":
                imported.version = opset
        cases.append(table_case(f"opset-{opset:02}", onnx_model, features, expected))
    return cases
