"""Files of the Open Neural Network Exchange, which onnxruntime and many others read."""

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram

INPUT, OUTPUT = "windows", "features"


def content(program: ExportedProgram, facts: Mapping[str, Any]) -> bytes:
    """Return a file of the program, with facts as its metadata: texts as they are, all else as JSON."""
    exported = torch.onnx.export(program, dynamo=True, verbose=False, input_names=[INPUT], output_names=[OUTPUT])
    assert exported is not None, "dynamo always returns one"
    for name, value in facts.items():
        exported.model.metadata_props[name] = value if isinstance(value, str) else json.dumps(value)
    file = io.BytesIO()
    exported.save(file)  # type: ignore[arg-type]
    return file.getvalue()


def reader(content: bytes) -> Callable[[Tensor], Tensor]:
    """Return what the file computes, by onnxruntime on a CPU."""
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3  # errors
    settings.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(content, settings, providers=["CPUExecutionProvider"])
    return lambda windows: torch.as_tensor(session.run([OUTPUT], {INPUT: windows.numpy()})[0])
