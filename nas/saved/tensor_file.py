"""Files of tensors with facts beside them: safetensors, nothing in them is ever executed."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from compute.user_error import DATA, UserError
from search_space.sentences import one_line

ModuleT = TypeVar("ModuleT", bound=nn.Module)


class SavedEncoderError(UserError, ValueError):
    """A file that should hold a saved encoder does not."""

    exit_status = DATA

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


def file_of(tensors: Mapping[str, Tensor], facts: Mapping[str, object]) -> bytes:
    """Return the safetensors file that `read_facts` reads: tensors, and JSON values beside them."""
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    return save(plain, {"facts": json.dumps(facts)})


def read_facts(path: Path, *, what: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the facts and the tensors of a file that this software wrote; nothing in it is executed.

    Raises:
        SavedEncoderError: If the file is missing or something else.
    """
    if not path.is_file():
        raise SavedEncoderError(f"no saved {what} at {path}")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, RuntimeError, AttributeError) as error:
        raise SavedEncoderError(f"{path}: not a safetensors file (pickles are never loaded)") from error
    try:
        facts = json.loads(metadata["facts"])
    except (KeyError, ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict):
        raise SavedEncoderError(f"{path}: a safetensors file, but not a saved {what} of this software")
    return facts, weights


def build_with(weights: Mapping[str, Tensor], build: Callable[[], ModuleT]) -> ModuleT:
    """Return a module with just these weights, in evaluation mode; shapes are compared before memory is taken for it.

    Raises:
        ValueError: If a weight is missing, unknown or of another shape.
    """
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        wanted = {name: tuple(tensor.shape) for name, tensor in build().state_dict().items()}
    given = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    wrong = sorted(name for name in {*wanted, *given} if wanted.get(name) != given.get(name))
    if wrong:
        name = wrong[0]
        raise ValueError(f"{name} must be {wanted.get(name, 'absent')}, got {given.get(name, 'nothing')}")
    module = build()
    module.load_state_dict(weights)
    return module.eval()


def checked_names(names: object, *, what: str) -> tuple[str, ...]:
    """Return a list of texts as a tuple.

    Raises:
        ValueError: If it is something else, or empty.
    """
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{what} must be a list of names")
    return tuple(names)
