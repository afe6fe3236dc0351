"""Operators that take a window for a table are exported to ONNX; those that take it for a grid are refused by name.

Grids of one length are exported by the conformance tests; as ONNX that takes minutes.
"""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch

from nas.errors import OptionError
from nas.export.comparing import TOLERANCE
from nas.export.graph import WindowEncoder, program_of, scale_of
from nas.export.onnx_file import content
from nas.saved.encoder import SavedEncoder
from tests.nas.export.saved_encoders import VARIATES, WINDOW, saved, small

ANY_LENGTH = ("both_axes_attention", "co_action", "mmoe")
ONE_LENGTH = ("witran_conv", "witran_frequency")


def exported(*operators: str) -> tuple[SavedEncoder, WindowEncoder]:
    """Return an encoder with a member per operator, and what is exported of it."""
    encoder = saved(*(small("ft_transformer", edges=((0, operator),)) for operator in operators))
    return encoder, WindowEncoder(encoder, scale=scale_of(encoder, series=None)).eval()


def test_an_onnx_file_gives_what_the_encoder_gives() -> None:
    encoder, module = exported(*ANY_LENGTH)
    file = content(program_of(encoder, module, static_time=False), {})
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(2)
    for batch, steps in ((1, WINDOW), (4, WINDOW + 9)):
        raw = (rng.normal(size=(batch, steps, len(VARIATES))) * [20.0, 0.5] + [100.0, -3.0]).astype(np.float32)
        raw[0, 4:7, 0] = raw[-1, -3:] = np.nan
        with torch.no_grad():
            wanted = module(torch.as_tensor(raw)).numpy()
        found = session.run(None, {"windows": raw})[0]
        np.testing.assert_allclose(found, wanted, atol=TOLERANCE * np.abs(wanted).max(), rtol=0)


@pytest.mark.parametrize("operator", ONE_LENGTH)
def test_a_grid_is_refused_by_name_for_windows_of_any_length(operator: str) -> None:
    with pytest.raises(OptionError, match=f"the operator {operator} is exported for windows of one length only"):
        program_of(*exported(operator), static_time=False)
