"""What is the same in every ONNX file that the training scripts here export. scripts/train-models puts this folder on Python's path."""

import onnx


def tidy(model: onnx.ModelProto, metadata: dict[str, str], full_check: bool = False) -> onnx.ModelProto:
    """Nothing in the file that changes from run to run, and each opset once: skl2onnx may list a domain twice."""
    opsets = {opset.domain: opset.version for opset in model.opset_import}
    del model.opset_import[:]
    model.opset_import.extend(onnx.helper.make_opsetid(domain, version) for domain, version in sorted(opsets.items()))
    model.domain = "caz.example"
    model.model_version = 1
    onnx.helper.set_model_props(model, metadata)
    onnx.checker.check_model(model, full_check=full_check)
    return model
