"""Which device encoders run on."""

import torch

from nas.errors import OptionError


def pick_device(name: str, *, elsewhere: bool = False) -> str:
    """Return the device to use; `auto` is CUDA where there is one.

    Args:
        name: `auto`, `cpu`, or `cuda` with or without a number.
        elsewhere: Candidates run on other machines, which may have what this one lacks.

    Raises:
        OptionError: If the device is unknown or not there.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise OptionError(f"device: must be auto, cpu or cuda[:number], got {name!r}") from error
    here = device.type == "cpu" or (device.type == "cuda" and (elsewhere or torch.cuda.is_available()))
    if not here:
        raise OptionError(f"device: {name!r} is not available on this machine")
    return name
