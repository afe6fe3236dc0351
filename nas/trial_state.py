"""Where a trial stands that may go on: a safetensors file, so nothing of it is ever executed."""

import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from compute.user_error import DATA, UserError
from downstream.task import Task
from nas.saved.tensor_file import SavedEncoderError, file_of, read_facts
from nas.training.curve import CurvePoint
from nas.version import PROTOCOL_VERSION, __version__
from search_space.genotype import Genotype


class TrialStateError(UserError, ValueError):
    """The state of a trial is damaged, or of something else."""

    exit_status = DATA


@dataclass(frozen=True)
class TrialState:
    """What a longer trial of the same candidate begins with.

    Args:
        curve: Its points so far; the last one is where it stands.
        seconds: Wall time so far.
        tensors: What further steps depend on (`Trainer.state`).
    """

    curve: tuple[CurvePoint, ...]
    seconds: float
    tensors: Mapping[str, Tensor]

    @property
    def iteration(self) -> int:
        """Steps taken so far."""
        return self.curve[-1].iteration

    def file(self, whose: Mapping[str, Any]) -> bytes:
        """Return the file that `read_state` reads; `whose` says of which trial it is."""
        facts = {"whose": dict(whose), "seconds": self.seconds, "curve": [tuple(point) for point in self.curve]}
        return file_of(self.tensors, facts | {"digest": _digest(facts, self.tensors)})


def whose_state(
    genotype: Genotype, task: Task, *, rng_seed: int, device: torch.device, max_steps: int | None, precision: str
) -> dict[str, Any]:
    """Return what two trials have to share for one to go on where the other ended, as JSON values."""
    software = {"code": __version__, "protocol": PROTOCOL_VERSION, "torch": torch.__version__}
    how = {"rng_seed": rng_seed, "device": device.type, "max_steps": max_steps, "precision": precision}
    return {"genotype": genotype.key, "task": task.hash, **how, **software}


def read_state(content: bytes, whose: Mapping[str, Any]) -> TrialState:
    """Return the state in a file's content.

    Raises:
        TrialStateError: If it is not, to the bit, what was written of this trial.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "trial.state"
        file.write_bytes(content)
        try:
            facts, tensors = read_facts(file, what="state")
        except SavedEncoderError as error:
            raise TrialStateError("the state of the trial is not a safetensors file of this software") from error
    if facts.pop("digest", None) != _digest(facts, tensors):
        raise TrialStateError("the state of the trial is damaged")
    if facts["whose"] != whose:
        differ = ", ".join(name for name, value in whose.items() if facts["whose"].get(name) != value)
        raise TrialStateError(f"the state is of another trial ({differ} differ)")
    curve = tuple(CurvePoint(at, tuple(scores), loss) for at, scores, loss in facts["curve"])
    return TrialState(curve, facts["seconds"], tensors)


def _digest(facts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> str:
    found = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()
