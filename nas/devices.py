"""Which device encoders run on."""

from __future__ import annotations

import torch

from nas.options import OptionError


def pick_device(name: str) -> str:
    """Return the device to use; `auto` is CUDA where there is one.

    Raises:
        OptionError: If the device is unknown or not there.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise OptionError(f"device: must be auto, cpu or cuda[:number], got {name!r}") from error
    if device.type not in ("cpu", "cuda") or (device.type == "cuda" and not torch.cuda.is_available()):
        raise OptionError(f"device: {name!r} is not available on this machine")
    return name
