"""What further steps of a training depend on, as tensors by name: parts of it put together, and generators."""

from collections.abc import Mapping

import torch
from torch import Tensor


def joined(**parts: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of several parts, each named after its part and itself."""
    return {f"{part}/{name}": value for part, tensors in parts.items() for name, value in tensors.items()}


def part_of(state: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    """Return the tensors of one part of what `joined` returned, under their own names."""
    return {name.removeprefix(f"{part}/"): value for name, value in state.items() if name.startswith(f"{part}/")}


def random_state(generator: torch.Generator) -> dict[str, Tensor]:
    """Return where a trainer's generator stands, and torch's own, which dropout draws from."""
    state = {"own": generator.get_state(), "cpu": torch.get_rng_state()}
    return state if generator.device.type == "cpu" else state | {"device": torch.cuda.get_rng_state(generator.device)}


def set_random_state(generator: torch.Generator, state: Mapping[str, Tensor]) -> None:
    """Have generators stand where they stood when `random_state` was asked for the same device."""
    generator.set_state(state["own"])
    torch.set_rng_state(state["cpu"])
    if generator.device.type != "cpu":
        torch.cuda.set_rng_state(state["device"], generator.device)
