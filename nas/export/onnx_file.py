"""Files of the Open Neural Network Exchange, which onnxruntime and many others read."""

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram

INPUT, OUTPUT = "windows", "features"
AXES = ("batch", "time")


def content(program: ExportedProgram, facts: Mapping[str, Any]) -> bytes:
    """Return a file of the program, with facts as its metadata: texts as they are, all else as JSON."""
    exported = torch.onnx.export(program, dynamo=True, verbose=False, input_names=[INPUT], output_names=[OUTPUT])
    assert exported is not None, "dynamo always returns one"
    _name_axes(exported.model.graph)
    for name, value in facts.items():
        exported.model.metadata_props[name] = value if isinstance(value, str) else json.dumps(value)
    file = io.BytesIO()
    exported.save(file)  # type: ignore[arg-type]
    return file.getvalue()


def _name_axes(graph: Any) -> None:
    """Call the axes of windows `batch` and `time`, wherever they are; torch gives them numbers."""
    dims = [str(dim) for dim in graph.inputs[0].shape[:2]]
    names = {dim: name for dim, name in zip(dims, AXES, strict=True) if not dim.isdigit()}
    values = [*graph.inputs, *(output for node in graph.all_nodes() for output in node.outputs)]
    for value in values:
        if value.shape is None:
            continue
        value.shape = type(value.shape)([names.get(str(dim), dim) for dim in value.shape])


def reader(content: bytes) -> Callable[[Tensor], Tensor]:
    """Return what the file computes, by onnxruntime on a CPU."""
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3  # errors
    settings.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(content, settings, providers=["CPUExecutionProvider"])
    return lambda windows: torch.as_tensor(session.run([OUTPUT], {INPUT: windows.numpy()})[0])
